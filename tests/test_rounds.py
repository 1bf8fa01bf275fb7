"""The loop, against scikit-learn's own and on points in a plane."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import LinearSVC

from selflabel import rounds, rules, seeds
from selflabel.classifiers import Recipe
from selflabel.confidence import ovr_logistic
from selflabel.labels import Labels
from selflabel.rounds import Held

RECIPE = Recipe("linear_svm", 1.0, 0)
CLASSES = ("a", "b", "c")
FIELDS = ("label", "origin", "round", "confidence")


def assert_same(one, other):
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), strict=True)


def plane(n_each=20, spread=1.0):
    """Three clouds of points in a plane, their classes, and labels for the first two points of each class."""
    generator = np.random.default_rng(0)
    truth = np.tile(np.int16([0, 1, 2]), n_each)
    centres = np.array([[4, 0], [-2, 3.5], [-2, -3.5]])
    features = (centres[truth] + spread * generator.normal(size=(len(truth), 2))).astype(np.float32)
    return features, truth, Labels.from_seeds(np.arange(6), truth[:6], n_rows=len(truth))


def play(labels, features, *, number=1, threshold=0.5, **options):
    return rounds.play(
        labels, Held(features, features[:5]), round_number=number, rule=rules.above(threshold), recipe=RECIPE,
        classes=CLASSES, **options,
    )  # fmt: skip


def play_all(labels, features, *, iterations, start, step=0.0, **options):
    return rounds.play_all(
        labels, Held(features, features[:1]), iterations=iterations, rule=rules.Rule("linear", start, step),
        recipe=RECIPE, classes=CLASSES, **options,
    )  # fmt: skip


class Logistic(ClassifierMixin, BaseEstimator):
    def fit(self, features, labels):
        self.svm_ = LinearSVC(C=RECIPE.C, random_state=0).fit(features, labels)
        self.classes_ = self.svm_.classes_
        return self

    def predict_proba(self, features):
        return ovr_logistic(self.svm_.decision_function(features))

    def predict(self, features):
        return self.classes_[self.predict_proba(features).argmax(axis=1)]


@pytest.fixture(scope="module")
def digits():
    bunch = load_digits()
    features, truth = bunch.data[:700].astype(np.float32) / 16, bunch.target[:700]
    classes = tuple("0123456789")
    # More labels than features: LinearSVC then solves without drawing, and both loops see the same classifiers.
    rows = seeds.draw_seed_rows(truth, percentage=15, seed=0, classes=classes)
    assert len(rows) > features.shape[1]
    return features, truth, classes, rows


def against_scikit_learn(digits, rule, iterations, **criterion):
    """Our labels after some rounds, once they are found to be those of ``SelfTrainingClassifier``, image by image."""
    features, truth, classes, rows = digits
    given = np.full(len(truth), -1)
    given[rows] = truth[rows]
    reference = SelfTrainingClassifier(Logistic(), max_iter=iterations, **criterion).fit(features, given)
    start = Labels.from_seeds(rows, truth[rows], n_rows=len(truth))
    options = {"recipe": RECIPE, "classes": classes}
    labels = rounds.play_all(start, Held(features, features[:1]), iterations=iterations, rule=rule, **options)
    np.testing.assert_array_equal(labels.label, reference.transduction_)
    np.testing.assert_array_equal(labels.round, reference.labeled_iter_)
    return labels


@pytest.mark.parametrize("threshold", [0.25, 0.3, 0.35])
@pytest.mark.parametrize("iterations", [1, 4])
def test_with_a_constant_threshold_the_loop_is_scikit_learns_self_training(digits, threshold, iterations):
    criterion = {"criterion": "threshold", "threshold": threshold}
    labels = against_scikit_learn(digits, rules.above(threshold), iterations, **criterion)
    n_pool, n_given = len(labels.label), len(digits[3])
    assert 0 < labels.is_machine.sum() < n_pool - n_given, "the threshold should divide the pool"


@pytest.mark.parametrize("k", [10, 37])
@pytest.mark.parametrize("iterations", [1, 4])
def test_with_the_k_best_the_loop_is_scikit_learns_self_training(digits, k, iterations):
    labels = against_scikit_learn(digits, rules.Rule("k_best", k=k), iterations, criterion="k_best", k_best=k)
    assert labels.is_machine.sum() == k * iterations


def test_no_rounds_change_nothing():
    features, _, labels = plane()
    assert_same(play_all(labels, features, iterations=0, start=0.0), labels)


def test_a_round_that_accepts_nothing_predicts_as_the_supervised_classifier():
    features, truth, labels = plane()
    test = plane(n_each=7, spread=2.0)[0]
    options = {"round_number": 1, "rule": rules.above(1.0), "recipe": RECIPE, "classes": CLASSES}
    played = rounds.play(labels, Held(features, test), **options)
    supervised = LinearSVC(C=RECIPE.C, random_state=0).fit(features[:6], truth[:6])
    np.testing.assert_allclose(played.test_probabilities, supervised._predict_proba_lr(test), rtol=1e-4)
    assert played.test_probabilities.dtype == np.float32
    assert_same(played.labels, labels)
    assert played.summary["n_accepted"] == 0


def test_given_labels_are_untouched_by_any_round_even_if_they_are_wrong():
    features, truth, _ = plane()
    wrong = Labels.from_seeds(np.arange(9), np.roll(truth[:9], 1), n_rows=len(truth))
    after = play_all(wrong, features, iterations=3, start=0.3, step=-0.1)
    assert after.is_labelled.all()
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(after, name)[:9], getattr(wrong, name)[:9])


def test_a_machine_label_stays_what_it_was_when_it_was_given():
    features, _, labels = plane(spread=2.5)
    one = play(labels, features, threshold=0.6).labels
    two = play(one, features, threshold=0.3, number=2).labels
    assert 0 < one.is_machine.sum() < two.is_machine.sum()
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(two, name)[one.is_labelled], getattr(one, name)[one.is_labelled])
    assert set(two.round[two.is_machine & ~one.is_machine]) == {2}


def test_an_accepted_row_carries_the_predicted_class_and_its_confidence():
    features, _, labels = plane(spread=2.5)
    played = play(labels, features, threshold=0.5)
    scorer = rounds.fit(labels, features, recipe=RECIPE, n_classes=3, round_number=1)
    probabilities = ovr_logistic(scorer(features))
    rows = np.flatnonzero(played.labels.is_machine)
    expected = [row for row in range(6, len(features)) if probabilities[row].max() > 0.5]
    assert rows.tolist() == expected
    assert 0 < len(rows) < len(features) - 6
    np.testing.assert_array_equal(played.labels.label[rows], probabilities[rows].argmax(axis=1))
    np.testing.assert_allclose(played.labels.confidence[rows], probabilities[rows].max(axis=1), atol=1e-6)


def test_with_true_labels_the_accepted_rows_carry_the_truth():
    features, truth, labels = plane(spread=4.0)
    honest, leaked = play(labels, features).labels, play(labels, features, true_labels=truth).labels
    rows = leaked.is_machine
    np.testing.assert_array_equal(leaked.label[rows], truth[rows])
    assert np.any(honest.label[rows] != truth[rows]), "without a mistake the leak would not show"


def test_the_truth_decides_what_an_accepted_row_carries_but_never_which_row_is_accepted():
    features, truth, labels = plane(spread=4.0)
    honest = play(labels, features)
    for seed in range(3):
        other = truth.copy()
        other[6:] = np.random.default_rng(seed).permutation(other[6:])
        leaked = play(labels, features, true_labels=other)
        for name in ("origin", "round", "confidence"):
            np.testing.assert_array_equal(getattr(leaked.labels, name), getattr(honest.labels, name))
        np.testing.assert_array_equal(leaked.test_probabilities, honest.test_probabilities)


def test_rows_in_another_order_get_the_same_labels():
    features, truth, labels = plane(spread=2.0)
    order = np.random.default_rng(1).permutation(len(truth))
    rows = np.flatnonzero(order < 6)
    moved = Labels.from_seeds(rows, truth[order][rows], n_rows=len(truth))
    one = play_all(labels, features, iterations=3, start=0.6, step=-0.05)
    other = play_all(moved, features[order], iterations=3, start=0.6, step=-0.05)
    np.testing.assert_array_equal(other.label, one.label[order])
    np.testing.assert_array_equal(other.round, one.round[order])
    np.testing.assert_allclose(other.confidence, one.confidence[order], atol=1e-5)


def test_the_rounds_one_by_one_are_the_rounds_together():
    features, _, labels = plane(spread=2.5)
    together = play_all(labels, features, iterations=3, start=0.6, step=-0.1)
    for number, threshold in ((1, 0.6), (2, 0.5), (3, 0.4)):
        labels = play(labels, features, number=number, threshold=threshold).labels
    assert_same(labels, together)


def test_the_test_images_have_no_influence_on_the_labels():
    features, _, labels = plane(spread=2.5)
    options = {"round_number": 1, "rule": rules.above(0.5), "recipe": RECIPE, "classes": CLASSES}
    one = rounds.play(labels, Held(features, features[:4]), **options)
    other = rounds.play(labels, Held(features, features[::-1] * 100), **options)
    assert_same(one.labels, other.labels)
    assert one.summary == other.summary


def test_a_pool_that_is_fully_labelled_is_played_without_effect():
    features, truth, _ = plane()
    full = Labels.from_seeds(np.arange(len(truth)), truth, n_rows=len(truth))
    played = play(full, features, threshold=0.0)
    assert_same(played.labels, full)
    assert (played.summary["n_accepted"], played.summary["stop"]) == (0, "pool_empty")


@pytest.mark.parametrize("size", [1, 7, 60, 1000])
def test_the_size_of_the_chunks_changes_no_probability(monkeypatch, size):
    features, _, labels = plane()
    scorer = rounds.fit(labels, features, recipe=RECIPE, n_classes=3)
    rows = np.array([5, 3, 3, 59, 0, 17, 8, 9, 10])
    monkeypatch.setattr(rounds, "SCORING_CHUNK", size)
    probabilities = rounds.predict(scorer, features, rows, n_classes=3)
    np.testing.assert_allclose(probabilities, ovr_logistic(scorer(features[rows])), rtol=0, atol=5.1e-7)


def test_a_probability_is_rounded_before_it_is_compared():
    """Else a label table could show a confidence of 0.3 accepted above a threshold of 0.3."""
    features = np.random.default_rng(0).normal(size=(9, 3))
    probabilities = rounds.predict(lambda rows: rows, features, np.arange(9), n_classes=3)
    np.testing.assert_array_equal(probabilities, np.round(ovr_logistic(features), 6))


def test_only_labelled_rows_are_learned_from():
    features, _, labels = plane()
    other = features.copy()
    other[6:] = 1e6
    scorers = [rounds.fit(labels, pool, recipe=RECIPE, n_classes=3) for pool in (features, other)]
    np.testing.assert_array_equal(scorers[0](features), scorers[1](features))


def test_what_a_round_draws_depends_on_its_number_and_on_nothing_else():
    # Fewer labels than features: only then does LinearSVC draw at all.
    features = np.random.default_rng(0).normal(size=(12, 40)).astype(np.float32)
    labels = Labels.from_seeds(np.arange(6), np.arange(6) % 3, n_rows=12)
    one, again, two = (play(labels, features, number=number).test_probabilities for number in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert np.any(one != two)
