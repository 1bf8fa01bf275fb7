"""Out of fold: what a classifier says of labels that it has not seen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from sklearn.model_selection import StratifiedKFold

from selflabel.models import classifiers, out_of_fold
from selflabel.models.calibration import CALIBRATIONS
from selflabel.models.classifiers import ClassifierConfig, TrainingSet
from selflabel.models.out_of_fold import Evidence

CLASSES = ("a", "b", "c")
# It remembers what it has learnt: the score of a row is the label of the nearest.
MEMORY = ClassifierConfig("knn", neighbours=1)

every_method = pytest.mark.parametrize("method", CALIBRATIONS)


def assign(labels, *, n_folds=3, seed=(0, 1)):
    return out_of_fold.assign(np.asarray(labels), n_folds=n_folds, seed=seed)


def random_labels(n_rows, seed=0):
    """Points in a plane, and labels that have nothing to do with them."""
    generator = np.random.default_rng(seed)
    return generator.normal(size=(n_rows, 2)).astype(np.float32), generator.permutation(np.arange(n_rows) % 3)


def score(features, labels, fold, *, recipe=MEMORY, rows=None):
    rows = np.arange(len(features)) if rows is None else rows

    def fit(held):
        others = np.setdiff1d(rows, held)
        given = TrainingSet(features, others, labels[np.searchsorted(rows, others)])
        return classifiers.fit(recipe, given, n_classes=3)

    return out_of_fold.scores(features, rows, fold, fit)


# Folds.


@given(st.integers(2, 6), st.lists(st.integers(0, 9), min_size=2, max_size=4), st.integers(0, 99))
def test_every_class_is_spread_evenly_over_all_folds(n_folds, more, seed):
    counts = [n_folds + count for count in more]
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    fold = assign(labels, n_folds=n_folds, seed=(seed, 1))
    assert fold.shape == labels.shape
    for index, count in enumerate(counts):
        in_each = np.bincount(fold[labels == index], minlength=n_folds)
        assert in_each.sum() == count and len(in_each) == n_folds
        assert in_each.min() >= 1 and np.ptp(in_each) <= 1


@given(st.integers(2, 6), st.lists(st.integers(0, 9), min_size=2, max_size=4), st.integers(0, 99))
def test_the_folds_are_scikit_learns(n_folds, more, seed):
    counts = [n_folds + count for count in more]
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    number = int(np.random.SeedSequence((seed, 1)).generate_state(1)[0])
    expected = np.empty(len(labels), int)
    splits = StratifiedKFold(n_folds, shuffle=True, random_state=number).split(labels, labels)
    for index, (_, held) in enumerate(splits):
        expected[held] = index
    fold = assign(labels, n_folds=n_folds, seed=(seed, 1))
    np.testing.assert_array_equal(fold, expected)


def test_the_seed_decides_the_folds_and_the_round_is_part_of_it():
    labels = np.arange(60) % 3
    np.testing.assert_array_equal(assign(labels), assign(labels))
    for other in ((0, 2), (1, 1)):
        assert np.any(assign(labels) != assign(labels, seed=other))


def test_of_a_class_with_fewer_labels_than_folds_each_is_in_another_one():
    fold = assign(np.repeat([0, 1, 3], [5, 2, 1]))
    assert len(set(fold[5:7].tolist())) == 2 and set(fold.tolist()) == {0, 1, 2}


@pytest.mark.parametrize("labels", [[0, 1], [0, 1, 1], [2, 0, 1]])
def test_a_handful_of_labels_has_no_empty_fold(labels):
    fold = assign(labels, n_folds=5)
    assert set(fold.tolist()) == set(range(fold.max() + 1)) and fold.max() >= 1


# Scores.


def test_each_row_is_scored_by_the_classifier_that_has_not_seen_its_fold():
    features = np.arange(10, dtype=np.float32)[:, None]
    rows, fold = np.array([9, 2, 4, 7]), np.array([1, 0, 1, 0])

    def fit(held):
        return lambda new: np.column_stack([new[:, 0], np.full(len(new), held.sum())])

    # Its own feature, and the sum of the rows held out with it: 2 + 7 or 9 + 4.
    np.testing.assert_array_equal(out_of_fold.scores(features, rows, fold, fit), [[9, 13], [2, 9], [4, 13], [7, 9]])


def test_of_random_labels_a_classifier_that_remembers_all_of_them_shows_chance():
    features, labels = random_labels(600)
    remembered = classifiers.fit(MEMORY, TrainingSet(features, np.arange(600), labels), n_classes=3)
    assert np.all(remembered(features).argmax(axis=1) == labels)
    found = score(features, labels, assign(labels))
    n_right = np.sum(found.argmax(axis=1) == labels)
    assert binom.ppf(0.001, 600, 1 / 3) <= n_right <= binom.ppf(0.999, 600, 1 / 3)


def test_the_score_of_a_row_depends_on_the_labels_of_the_other_folds_and_not_on_its_own():
    features, labels = random_labels(60)
    fold, recipe = assign(labels), ClassifierConfig("linear_svm")
    found = score(features, labels, fold, recipe=recipe)
    for row in range(0, 60, 7):
        other = labels.copy()
        other[row] = (other[row] + 1) % 3
        again = score(features, other, fold, recipe=recipe)
        in_its_fold = fold == fold[row]
        np.testing.assert_array_equal(again[in_its_fold], found[in_its_fold])
        assert np.all(np.any(again[~in_its_fold] != found[~in_its_fold], axis=1))


def test_rows_need_not_be_the_whole_pool():
    features, labels = random_labels(60)
    rows = np.arange(3, 60, 2)
    fold = assign(labels[rows])
    other = features.copy()
    other[::2] = np.nan
    found = score(features, labels[rows], fold, rows=rows)
    assert found.shape == (len(rows), 3)
    np.testing.assert_array_equal(score(other, labels[rows], fold, rows=rows), found)


# Evidence.


def scored(n_rows=90, seed=0):
    """Scores that know the labels a little, the labels, and their folds."""
    labels = np.arange(n_rows) % 3
    scores = np.random.default_rng(seed).normal(size=(n_rows, 3)) + 2 * np.eye(3)[labels]
    return scores, labels, assign(labels)


def evidence(found, labels, fold, *, method, is_random=None):
    is_random = np.ones(len(labels), bool) if is_random is None else is_random
    held_out = out_of_fold.probabilities(found, labels, fold, method=method)
    return out_of_fold.evidence(held_out, labels, is_random=is_random)


@every_method
def test_evidence_is_the_likeliest_class_its_probability_and_whether_it_is_right(method):
    scores, labels, fold = scored()
    found = evidence(scores, labels, fold, method=method)
    for number in range(3):
        held = fold == number
        calibrate = CALIBRATIONS[method](scores[~held], labels[~held])
        probabilities = np.round(calibrate(scores[held]), 6)
        np.testing.assert_array_equal(found.confidence[held], probabilities.max(axis=1))
        np.testing.assert_array_equal(found.predicted[held], probabilities.argmax(axis=1))
    np.testing.assert_array_equal(found.is_right, found.predicted == labels)
    assert 0.5 < found.is_right.mean() < 1


@every_method
def test_the_confidence_of_a_row_does_not_depend_on_its_own_label(method):
    scores, labels, fold = scored()
    found = evidence(scores, labels, fold, method=method)
    for row in range(0, 90, 7):
        other = labels.copy()
        other[row] = (other[row] + 1) % 3
        again = evidence(scores, other, fold, method=method)
        in_its_fold = fold == fold[row]
        np.testing.assert_array_equal(again.confidence[in_its_fold], found.confidence[in_its_fold])
        np.testing.assert_array_equal(again.predicted[in_its_fold], found.predicted[in_its_fold])


@every_method
def test_labels_that_were_not_drawn_at_random_calibrate_but_are_no_evidence(method):
    scores, labels, fold = scored()
    is_random = np.arange(90) % 4 > 0
    of_all = evidence(scores, labels, fold, method=method)
    for part, whole in zip(evidence(scores, labels, fold, method=method, is_random=is_random), of_all, strict=True):
        np.testing.assert_array_equal(part, whole[is_random])


@pytest.mark.parametrize("method", ["sigmoid", "temperature", "isotonic"])
def test_of_random_labels_a_calibration_claims_no_more_than_chance(method):
    """Though the memory is always sure of itself."""
    features, labels = random_labels(600)
    fold = assign(labels)
    found = evidence(score(features, labels, fold), labels, fold, method=method)
    assert np.mean(found.confidence) == pytest.approx(found.is_right.mean(), abs=0.08)
    sure = evidence(score(features, labels, fold), labels, fold, method="ovr_logistic")
    assert sure.confidence.min() > 0.99


# Two right ones of class 0, three of class 1, of which the least confident is wrong, and one of class 2.
SHOWN = Evidence(
    confidence=np.array([0.9, 0.6, 0.8, 0.7, 0.4, 0.99]),
    predicted=np.array([0, 0, 1, 1, 1, 2]),
    is_right=np.array([True, True, True, True, False, True]),
)


@pytest.mark.parametrize(
    ("accepted", "given", "positions"),
    [
        # Class 0 from 0.7 to 0.95, class 1 from 0.4 to 0.9, and nothing of class 2.
        ([0.7, 0.95, 0.4, 0.9], [0, 0, 1, 1], [0, 2, 3, 4]),
        # Both ends belong to it.
        ([0.9, 0.6], [0, 0], [0, 1]),
        ([0.6], [0], [1]),
        ([0.9], [0], [0]),
        # A little less, a little more.
        ([0.61, 0.9], [0, 0], [0]),
        ([0.6, 0.89], [0, 0], [1]),
        ([0.61, 0.89], [0, 0], []),
        ([0.1, 1.0, 0.1, 1.0, 1.0, 0.1], [2, 2, 1, 1, 0, 0], [0, 1, 2, 3, 4, 5]),
        ([0.5], [7], []),
        ([], [], []),
    ],
)
def test_alike_are_the_labels_between_the_least_and_the_most_confident_accepted_of_their_class(
    accepted, given, positions
):
    found = out_of_fold.would_be_accepted(SHOWN, np.array(accepted), np.array(given, np.int16))
    assert np.flatnonzero(found).tolist() == positions


def test_labels_that_are_right_above_a_slice_do_not_count_for_it():
    """Of what earlier rounds left, at most 0.6 in class 0 and 0.7 in class 1, a round accepts what is above 0.5."""
    confidence = np.array([0.99, 0.9, 0.61, 0.6, 0.55, 0.51, 0.5, 0.8, 0.7, 0.65])
    predicted = np.array([0, 0, 0, 0, 0, 0, 0, 1, 1, 1])
    found = out_of_fold.would_be_accepted(
        Evidence(confidence, predicted, is_right=confidence > 0.6),
        np.array([0.6, 0.53, 0.51, 0.52, 0.7]),
        np.array([0, 0, 0, 1, 1], np.int16),
    )
    assert confidence[found].tolist() == [0.6, 0.55, 0.51, 0.7, 0.65]
    # Were they not left out, most would be right.
    assert np.mean(confidence[found & (predicted == 0)] > 0.6) == 0 < np.mean(confidence > 0.6)


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 2)), max_size=12), st.lists(st.integers(0, 11)))
def test_labels_as_confident_as_what_is_accepted_are_alike_whichever_round_accepts_it(said, chosen):
    chosen = [position for position in chosen if position < len(said)]
    confidence = np.array([percent / 100 for percent, _ in said])
    predicted = np.array([index for _, index in said], int)
    shown = Evidence(confidence, predicted, np.zeros(len(said), bool))
    found = out_of_fold.would_be_accepted(shown, confidence[chosen], predicted[chosen])
    assert found[chosen].all()
    for position in np.flatnonzero(found):
        alike = [confidence[other] for other in chosen if predicted[other] == predicted[position]]
        assert min(alike) <= confidence[position] <= max(alike)
