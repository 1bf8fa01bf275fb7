"""Opinions: who teaches a round's classifier, what it says of pool and test images, and who calibrates it."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from selflabel.features.feature_set import FeatureSet
from selflabel.labels.table import Labels
from selflabel.models import calibration, out_of_fold, predict
from selflabel.models.calibration import ovr_logistic
from selflabel.models.classifiers import ClassifierConfig
from selflabel.models.predict import FitConfig

CLASSES = ("a", "b", "c")
N_HUMAN = 30
LINEAR, MEMORY = ClassifierConfig("linear_svm"), ClassifierConfig("knn", neighbours=1)
TUTORIALS = FitConfig(LINEAR)

every_method = pytest.mark.parametrize("method", calibration.CALIBRATIONS)


def plane(n_each=40, spread=2.0):
    """Three clouds of points in a plane, their classes, and labels for the first points of each class."""
    generator = np.random.default_rng(0)
    truth = np.tile(np.int16([0, 1, 2]), n_each)
    centres = np.array([[4, 0], [-2, 3.5], [-2, -3.5]])
    features = (centres[truth] + spread * generator.normal(size=(len(truth), 2))).astype(np.float32)
    return features, truth, Labels.from_seeds(np.arange(N_HUMAN), truth[:N_HUMAN], n_rows=len(truth))


FEATURES, TRUTH, HUMAN = plane()
TEST = FEATURES[::-1][:7] + 1


def with_machine_labels(given, sure=0.9):
    """The labels of people and 20 of machines, of rows 40 to 59."""
    return HUMAN.with_machine_labels(np.arange(40, 60), given, np.full(20, sure), round_number=1)


RIGHT, WRONG = (with_machine_labels((TRUTH[40:60] + shift) % 3) for shift in (0, 1))


def form(labels=HUMAN, *, features=FEATURES, test=TEST, number=2, picked=(), **changes):
    config, held = TUTORIALS._replace(**changes), FeatureSet(features, test)
    return predict.fit_predict(labels, held, config, round_number=number, classes=CLASSES, picked=picked)


def assert_same(one, other):
    for name in ("pool", "raw", "test"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), strict=True)
    for part, same in zip(one.evidence or (), other.evidence or (), strict=True):
        np.testing.assert_array_equal(part, same, strict=True)


# What it says.


@every_method
def test_without_folds_it_says_the_tutorials_probabilities(method):
    """There is nothing to calibrate with; params.yaml refuses such a setting."""
    opinion = form(calibration=method)
    reference = LinearSVC(C=1.0).fit(FEATURES[:N_HUMAN], TRUTH[:N_HUMAN])
    np.testing.assert_allclose(opinion.pool, reference._predict_proba_lr(FEATURES), atol=2e-6)
    np.testing.assert_allclose(opinion.test, reference._predict_proba_lr(TEST), atol=2e-6)
    np.testing.assert_array_equal(opinion.raw, opinion.pool.max(axis=1))
    assert opinion.evidence is None


@every_method
def test_with_folds_it_is_calibrated_on_scores_that_were_given_out_of_fold(method):
    opinion = form(calibration=method, folds=5)
    truth = TRUTH[:N_HUMAN].astype(int)
    fold = out_of_fold.assign(truth, n_folds=5, seed=(LINEAR.seed, 2))
    found = np.empty((N_HUMAN, 3))
    for number in range(5):
        held = fold == number
        svm = LinearSVC(C=1.0).fit(FEATURES[:N_HUMAN][~held], truth[~held])
        found[held] = svm.decision_function(FEATURES[:N_HUMAN][held])
    svm = LinearSVC(C=1.0).fit(FEATURES[:N_HUMAN], truth)
    found = np.round(found, 6)

    def score(rows):
        return np.round(svm.decision_function(rows), 6)

    calibrate = calibration.CALIBRATIONS[method](found, truth)
    np.testing.assert_allclose(opinion.pool, calibrate(score(FEATURES)), atol=1e-6)
    np.testing.assert_allclose(opinion.test, calibrate(score(TEST)), atol=1e-6)
    np.testing.assert_allclose(opinion.raw, ovr_logistic(score(FEATURES)).max(axis=1), atol=1e-6)
    everything = np.ones(N_HUMAN, bool)
    held_out = out_of_fold.probabilities(found, truth, fold, method=method)
    np.testing.assert_allclose(opinion.held_out, held_out, atol=1e-6)
    expected = out_of_fold.evidence(held_out, truth, is_random=everything)
    for part, same in zip(opinion.evidence, expected, strict=True):
        np.testing.assert_allclose(part, same, atol=1e-6)


@pytest.mark.parametrize("folds", [0, 3])
def test_an_opinion_is_rounded_to_what_is_written_down_and_its_predictions_are_the_likeliest_classes(folds):
    """Else a label table could show a confidence of 0.3 accepted above a threshold of 0.3."""
    opinion = form(folds=folds, calibration="temperature")
    for values in (opinion.pool, opinion.raw):
        assert values.dtype == np.float64
        np.testing.assert_array_equal(values, np.round(values, 6))
    np.testing.assert_allclose(opinion.pool.sum(axis=1), 1, atol=2e-6)
    np.testing.assert_array_equal(opinion.classes, opinion.pool.argmax(axis=1).astype(np.int16), strict=True)
    assert opinion.pool.shape == (len(FEATURES), 3) and opinion.raw.shape == (len(FEATURES),)
    assert opinion.test.shape == (len(TEST), 3) and opinion.test.dtype == np.float32


@pytest.mark.parametrize("size", [1, 7, 60, 1000])
def test_the_size_of_the_chunks_changes_no_score(monkeypatch, size):
    monkeypatch.setattr(predict, "SCORING_CHUNK", size)
    found = predict.score(lambda rows: 2 * rows, FEATURES)
    np.testing.assert_array_equal(found, 2 * FEATURES.astype(np.float64), strict=True)


def test_the_test_images_have_no_influence_on_what_is_said_of_the_pool():
    one, other = (form(test=test, folds=3, calibration="sigmoid") for test in (TEST, FEATURES[:50] * 100))
    assert_same(one._replace(test=None), other._replace(test=None))


def test_what_is_drawn_depends_on_the_number_of_the_round_and_on_nothing_else():
    # Fewer labels than features: only then does LinearSVC draw at all.
    features = np.random.default_rng(0).normal(size=(12, 40)).astype(np.float32)
    labels = Labels.from_seeds(np.arange(6), np.arange(6) % 3, n_rows=12)
    one, again, two = (form(labels, features=features, test=features[:2], number=number) for number in (1, 1, 2))
    assert_same(one, again)
    assert np.any(one.pool != two.pool)


# Who teaches.


@pytest.mark.parametrize("folds", [0, 3])
def test_only_labelled_rows_are_learnt_from(folds):
    other = FEATURES.copy()
    other[N_HUMAN:] = 1e3
    one, two = (form(features=features, folds=folds) for features in (FEATURES, other))
    np.testing.assert_array_equal(one.pool[:N_HUMAN], two.pool[:N_HUMAN])


def test_all_labels_teach_or_only_those_of_people():
    of_people = form(HUMAN)
    assert_same(form(WRONG, train_on="human_labels"), of_people)
    rows = np.r_[0:N_HUMAN, 40:60]
    svm = LinearSVC(C=1.0).fit(FEATURES[rows], WRONG.label[rows])
    np.testing.assert_allclose(form(WRONG).pool, svm._predict_proba_lr(FEATURES), atol=2e-6)
    assert np.any(form(WRONG).pool != of_people.pool)


def test_an_answer_teaches_as_a_seed_label_does():
    rows = np.arange(N_HUMAN, 36)
    asked = HUMAN.with_human_labels(rows, TRUTH[rows], round_number=1)
    seeds = Labels.from_seeds(np.arange(36), TRUTH[:36], n_rows=len(TRUTH))
    for folds in (0, 3):
        assert_same(form(asked, train_on="human_labels", folds=folds), form(seeds, folds=folds))


def test_a_machine_label_weighs_its_confidence_and_a_human_one_weighs_one():
    sure = np.linspace(0.01, 0.99, 20)
    labels = with_machine_labels(WRONG.label[40:60], sure)
    rows, weights = np.r_[0:N_HUMAN, 40:60], np.r_[np.ones(N_HUMAN), sure]
    recipe = ClassifierConfig("logistic_regression")
    reference = LogisticRegression(max_iter=10_000).fit(FEATURES[rows], labels.label[rows], sample_weight=weights)
    weighted = form(labels, classifier=recipe, weights="confidence")
    np.testing.assert_allclose(weighted.pool, reference.predict_proba(FEATURES), atol=2e-6)
    assert np.abs(weighted.pool - form(labels, classifier=recipe).pool).max() > 0.01


def test_machine_labels_without_weight_teach_as_if_they_were_not_there():
    labels = with_machine_labels(WRONG.label[40:60], sure=1e-9)
    recipe = ClassifierConfig("logistic_regression")
    for folds in (0, 3):
        opinion = form(labels, classifier=recipe, weights="confidence", folds=folds)
        np.testing.assert_allclose(opinion.pool, form(HUMAN, classifier=recipe, folds=folds).pool, atol=2e-6)


# Who calibrates.


@every_method
def test_wrong_machine_labels_that_do_not_teach_change_nothing_at_all(method):
    options = {"calibration": method, "folds": 3, "train_on": "human_labels"}
    expected = form(HUMAN, **options)
    assert_same(form(WRONG, **options), expected)
    assert_same(form(RIGHT, **options), expected)


@every_method
def test_machine_labels_that_teach_are_no_evidence(method):
    """It is the labels of people that are held back and compared with; and no fold is told what machines said."""
    opinion = form(WRONG, calibration=method, folds=3)
    assert len(opinion.evidence.is_right) == N_HUMAN
    np.testing.assert_array_equal(opinion.evidence.is_right, opinion.evidence.predicted == TRUTH[:N_HUMAN])
    for part, same in zip(opinion.evidence, form(RIGHT, calibration=method, folds=3).evidence, strict=True):
        np.testing.assert_array_equal(part, same)


@every_method
def test_what_a_strategy_picked_teaches_and_calibrates_and_is_no_evidence(method):
    options = {"calibration": method, "folds": 3}
    of_all, of_some = form(**options), form(**options, picked=[3, 29, 4])
    assert_same(of_some._replace(evidence=None), of_all._replace(evidence=None))
    for part, whole in zip(of_some.evidence, of_all.evidence, strict=True):
        np.testing.assert_array_equal(part, np.delete(whole, [3, 4, 29]))


def test_machine_labels_teach_every_fold_without_giving_away_what_is_held_back():
    """The nearest label of a row held back is that of its twin, which a machine labelled that knew the row."""
    twins = np.concatenate([FEATURES[:N_HUMAN], FEATURES[:N_HUMAN] + 1e-3])
    random = np.random.default_rng(0).permutation(TRUTH[:N_HUMAN]).astype(np.int16)
    labels = Labels.from_seeds(np.arange(N_HUMAN), random, n_rows=2 * N_HUMAN)
    options = {"features": twins, "classifier": MEMORY, "folds": 3}
    alone = form(labels, **options).evidence
    told = labels.with_machine_labels(np.arange(N_HUMAN, 60), random, np.ones(N_HUMAN), round_number=1)
    assert form(told, **options).evidence.is_right.mean() <= alone.is_right.mean() + 0.1 < 0.7
    # But they do teach: where the images are others, another classifier comes of it.
    far = np.concatenate([FEATURES[:N_HUMAN], FEATURES[N_HUMAN : 2 * N_HUMAN]])
    linear = {"features": far, "folds": 3}
    taught = form(told, **linear).evidence.confidence
    assert not np.array_equal(taught, form(told, train_on="human_labels", **linear).evidence.confidence)


def test_evidence_is_worse_than_what_a_classifier_says_of_labels_it_has_seen():
    labels = np.random.default_rng(1).permutation(TRUTH)
    memory = form(Labels.from_seeds(np.arange(120), labels, n_rows=120), classifier=MEMORY, folds=5)
    assert np.all(memory.classes == labels)
    assert memory.evidence.is_right.mean() < 0.5


def test_before_people_have_named_two_classes_nothing_is_predicted():
    rows = np.flatnonzero(TRUTH[:N_HUMAN] == 1)
    labels = Labels.from_seeds(rows, TRUTH[rows], n_rows=len(TRUTH))
    told = form(labels, folds=3)
    assert told.pool.shape == (len(TRUTH), 3) and not told.pool.any() and not told.test.any()
    assert (told.evidence, told.held_out) == (None, None)


def test_a_class_with_fewer_labels_than_folds_is_judged_as_well():
    rows = np.append(np.flatnonzero(TRUTH[:N_HUMAN] < 2), [2, 5])
    labels = Labels.from_seeds(rows, TRUTH[rows], n_rows=len(TRUTH))
    assert len(form(labels, folds=3).evidence.is_right) == len(rows)
