"""Scoring: plainly, and smoothed along the graph, out of fold as well."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.special import logit, softmax

from selflabel.features import neighbours
from selflabel.features.feature_set import FeatureSet
from selflabel.features.neighbours import Graph
from selflabel.labels.table import Labels
from selflabel.models import classifiers, out_of_fold, predict
from selflabel.models.catalogue import ClassifierConfig
from selflabel.models.predict import FitConfig
from selflabel.models.smoothing import SmoothingConfig

CLASSES = ("a", "b", "c")
GENERATOR = np.random.default_rng(0)
TRUTH = np.tile(np.int16([0, 1, 2]), 40)
FEATURES = (np.array([[3, 0], [-2, 3], [-2, -3]])[TRUTH] + 2 * GENERATOR.normal(size=(120, 2))).astype(np.float32)
TEST = FEATURES[:9] + np.float32(0.3)
NEAREST = neighbours.nearest(FEATURES, TEST, neighbours=6)
LINKS = Graph(
    neighbours.similarity(*NEAREST[0]),
    NEAREST[1][0],
    neighbours.weights(NEAREST[1][1]),
)
SMOOTHING = SmoothingConfig(alpha=0.8, steps=20, temperature=0.2)
HUMAN = Labels.from_seeds(np.arange(30), TRUTH[:30], n_rows=120)
RIDGE = ClassifierConfig("kernel_ridge", C=10.0)

every_recipe = pytest.mark.parametrize(
    "recipe", [RIDGE, ClassifierConfig("linear_svm")], ids=lambda recipe: recipe.name
)


def form(labels=HUMAN, links=LINKS, **changes):
    options = {"classifier": RIDGE, "smoothing": SMOOTHING, "folds": 3, "calibration": "temperature"} | changes
    return predict.fit_predict(
        labels, FeatureSet(FEATURES, TEST, (), links), FitConfig(**options), round_number=1, classes=CLASSES
    )


def by_hand(recipe, rows):
    """Scores and smoothed shares of the pool, and the shares of the test images, from the labels of ``rows`` alone."""
    score = classifiers.fit(recipe, classifiers.TrainingSet(FEATURES, rows, TRUTH[rows]), n_classes=3, round_number=1)
    own, similar = score(FEATURES), LINKS.similarity.toarray()
    start = softmax(own / 0.2, axis=1)
    start[rows] = np.eye(3)[TRUTH[rows]]
    shares = start
    for _ in range(20):
        shares = 0.8 * similar @ shares + 0.2 * start
    shares /= shares.sum(axis=1, keepdims=True)
    of_neighbours = (LINKS.test_weights[:, :, None] * shares[LINKS.test_neighbours]).sum(axis=1)
    return own, shares, 0.8 * of_neighbours + 0.2 * softmax(score(TEST) / 0.2, axis=1)


@every_recipe
def test_an_opinion_is_the_classifiers_scores_smoothed_along_the_graph(recipe):
    found = form(classifier=recipe, folds=0)
    own, shares, of_test = by_hand(recipe, np.arange(30))
    np.testing.assert_allclose(found.scores, own, atol=1e-5)
    np.testing.assert_allclose(found.smoothed, shares, atol=1e-4)
    np.testing.assert_allclose(found.pool, shares, atol=1e-4)
    np.testing.assert_allclose(found.test, of_test, atol=1e-4)
    np.testing.assert_allclose(found.raw, shares.max(axis=1), atol=1e-4)


@every_recipe
def test_what_is_held_back_is_held_back_from_the_smoothing_too(recipe):
    """A label that the graph knew would tell its own image what it is."""
    found = form(classifier=recipe)
    fold = out_of_fold.assign(TRUTH[:30].astype(int), n_folds=3, seed=(0, 1))
    expected = np.empty((30, 3))
    for number in range(3):
        shares = by_hand(recipe, np.flatnonzero(fold != number))[1]
        expected[fold == number] = shares[:30][fold == number]
    everything = np.ones(30, bool)
    known, scores = TRUTH[:30].astype(int), logit(np.clip(expected, 1e-6, 1 - 1e-6))
    shown = out_of_fold.evidence(
        out_of_fold.probabilities(scores, known, fold, method="temperature"), known, is_random=everything
    )
    np.testing.assert_allclose(found.evidence.confidence, shown.confidence, atol=2e-3)
    np.testing.assert_array_equal(found.evidence.predicted, shown.predicted)


def test_labels_that_mean_nothing_show_no_skill_out_of_fold():
    """Were a label known to the graph when its own row is judged, most would be right."""
    random = np.random.default_rng(5).permutation(TRUTH)
    labels = Labels.from_seeds(np.arange(120), random, n_rows=120)
    found = form(labels)
    assert found.evidence.is_right.mean() < 0.5
    assert (found.classes == random).mean() > 0.6


def test_without_a_graph_nothing_is_smoothed():
    found = form(links=None)
    assert found.smoothed is None
    np.testing.assert_array_equal(found.scores.argmax(axis=1), found.classes)


def test_smoothing_helps_where_neighbours_are_alike():
    rows = np.arange(6)
    labels = Labels.from_seeds(rows, TRUTH[rows], n_rows=120)
    right = [(form(labels, links, folds=2).classes == TRUTH).mean() for links in (None, LINKS)]
    assert right[1] > right[0]


def test_where_neighbours_mislead_the_classifiers_own_word_is_taken_and_nowhere_else():
    # Whatever an image is, its neighbours are of the first class.
    others = np.stack([np.random.default_rng(row).choice(40, 6, replace=False) * 3 for row in range(120)])
    links = csr_array((np.full(720, 1 / 6, np.float32), others.ravel(), np.arange(0, 721, 6)), (120, 120))
    misleading = Graph(links, others[:9], np.full((9, 6), 1 / 6))
    labels = Labels.from_seeds(np.arange(90), TRUTH[:90], n_rows=120)
    adapting = SMOOTHING._replace(adapt=True)
    alone, misled, adapted = (
        form(labels, links, smoothing=config)
        for links, config in ((None, SMOOTHING), (misleading, SMOOTHING), (misleading, adapting))
    )
    right = [(found.classes[90:] == TRUTH[90:]).mean() for found in (alone, misled, adapted)]
    assert right[0] >= right[2] > right[1] + 0.2
    # What is judged out of fold is the mixture too, and so are the test images.
    assert adapted.evidence.is_right.mean() > misled.evidence.is_right.mean() + 0.2
    is_right = [(found.test.argmax(axis=1) == TRUTH[:9]).mean() for found in (misled, adapted)]
    assert is_right[1] > is_right[0]
    for one, other in zip(form(labels), form(labels, smoothing=adapting), strict=True):
        np.testing.assert_equal(one, other)


def test_chunks_and_threads_change_no_byte(monkeypatch):
    whole = form()
    monkeypatch.setattr(predict, "SCORING_CHUNK", 50)
    again = form()
    np.testing.assert_array_equal(form().pool, again.pool)
    np.testing.assert_allclose(again.pool, whole.pool, atol=2e-6)
