"""The loop, against scikit-learn's own and on points in a plane."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import LinearSVC

from selflabel.features.feature_set import FeatureSet
from selflabel.labels import answers, history, seeds, state
from selflabel.labels.questions import Replies
from selflabel.labels.table import COLUMNS, MACHINE, Labels
from selflabel.loop import acceptance
from selflabel.loop.acceptance import Rule
from selflabel.loop.query import QueryConfig
from selflabel.loop.round import RoundConfig, run_round
from selflabel.loop.run import run_loop
from selflabel.models import predict
from selflabel.models.calibration import ovr_logistic
from selflabel.models.classifiers import ClassifierConfig
from selflabel.models.predict import FitConfig

LINEAR = ClassifierConfig("linear_svm")
MEMORY = ClassifierConfig("knn", neighbours=1)
CLASSES = ("a", "b", "c")


def plane(n_each=20, spread=1.0, n_seeds=6):
    """Three clouds of points in a plane, their classes, and labels for the first points of each class."""
    generator = np.random.default_rng(0)
    truth = np.tile(np.int16([0, 1, 2]), n_each)
    centres = np.array([[4, 0], [-2, 3.5], [-2, -3.5]])
    features = (centres[truth] + spread * generator.normal(size=(len(truth), 2))).astype(np.float32)
    return features, truth, Labels.from_seeds(np.arange(n_seeds), truth[:n_seeds], n_rows=len(truth))


def config(rule, **changes):
    """How a round goes: with a linear SVM and the defaults, but for the changes, to it or to its fit."""
    of_fit = {name: changes.pop(name) for name in FitConfig._fields if name in changes}
    return RoundConfig(FitConfig(**{"classifier": LINEAR} | of_fit), rule, **changes)


def fixed(threshold=0.5, **changes):
    return config(acceptance.above(threshold), **changes)


def linear(start, step, **changes):
    return config(Rule("linear", start, step), **changes)


def ask(**changes):
    options = {"strategy": "margin", "per_round": 2, "budget": 6, "min_distance": 0.0, "lower_threshold": 0.0}
    return QueryConfig(**options | {"seed": 0} | changes)


def play(before, features, settings, *, number=1, test=None, **options):
    before = state.first(before) if isinstance(before, Labels) else before
    held = FeatureSet(features, features[:5] if test is None else test)
    return run_round(before, held, round_number=number, config=settings, classes=CLASSES, **options)


def loop(before, features, settings, *, iterations, **options):
    before = state.first(before) if isinstance(before, Labels) else before
    held = FeatureSet(features, features[:1])
    return run_loop(before, held, n_rounds=iterations, config=settings, classes=CLASSES, **options)


def told(rows, given, status="answered"):
    """The answers to questions about some rows: all of one status, those that are answered with the classes given."""
    n, labels = len(rows), [given[row] if status == "answered" else -1 for row in rows]
    return Replies(rows, labels, [status] * n, ["ann"] * n, [""] * n)


def stops(played):
    return [summary.stop for summary in played.history]


def assert_same(one, other, *, names=COLUMNS, rows=slice(None)):
    for name in names:
        np.testing.assert_array_equal(getattr(one, name)[rows], getattr(other, name)[rows], strict=True)


# Against scikit-learn.


class Logistic(ClassifierMixin, BaseEstimator):
    """The tutorial's: a linear SVM with the logistic of its margins."""

    def fit(self, features, labels):
        self.svm_ = LinearSVC(C=LINEAR.C, random_state=0).fit(features, labels)
        self.classes_ = self.svm_.classes_
        return self

    def predict_proba(self, features):
        return ovr_logistic(self.svm_.decision_function(features))

    def predict(self, features):
        return self.classes_[self.predict_proba(features).argmax(axis=1)]


# Our name, scikit-learn's classifier.
ESTIMATORS = {
    "linear_svm": Logistic(),
    "logistic_regression": LogisticRegression(max_iter=10_000),
    "sklearn.naive_bayes.GaussianNB": GaussianNB(),
    "sklearn.naive_bayes.MultinomialNB": MultinomialNB(),
}
# Where thresholds divide the pool. Of digits, whose black pixels have no variance, a Gaussian says that two classes
# are certain at once.
THRESHOLDS = {
    ("digits", "linear_svm"): (0.25, 0.3, 0.35),
    ("digits", "logistic_regression"): (0.4, 0.6, 0.8),
    ("digits", "sklearn.naive_bayes.MultinomialNB"): (0.6, 0.9, 0.99),
    ("synthetic", "linear_svm"): (0.5, 0.6, 0.7),
    ("synthetic", "logistic_regression"): (0.6, 0.75, 0.9),
    ("synthetic", "sklearn.naive_bayes.GaussianNB"): (0.6, 0.75, 0.9),
}
every_threshold = pytest.mark.parametrize(
    ("data", "name", "threshold"),
    [(*key, threshold) for key, thresholds in THRESHOLDS.items() for threshold in thresholds],
)


def digits():
    features, truth = (array[:700] for array in load_digits(return_X_y=True))
    # More labels than features: LinearSVC then solves without drawing, and both loops see the same classifiers.
    return features.astype(np.float32) / 16, truth, 15


def synthetic():
    features, truth = make_classification(
        600, 12, n_informative=5, n_classes=3, n_clusters_per_class=1, class_sep=0.9, random_state=0
    )
    return features.astype(np.float32), truth, 5


DATA = {"digits": digits(), "synthetic": synthetic()}


def against_scikit_learn(data, name, rule, *, iterations=4, **criterion):
    """Our labels after some rounds, once they are found to be those of ``SelfTrainingClassifier``, image by image."""
    features, truth, percentage = DATA[data]
    classes = [str(index) for index in np.unique(truth)]
    rows = seeds.draw_seed_rows(truth, percentage=percentage, seed=0, classes=classes)
    assert len(rows) > features.shape[1]
    given = np.full(len(truth), -1)
    given[rows] = truth[rows]
    reference = SelfTrainingClassifier(ESTIMATORS[name], max_iter=iterations, **criterion).fit(features, given)
    first = state.first(Labels.from_seeds(rows, truth[rows], n_rows=len(truth)))
    options = {"config": RoundConfig(FitConfig(ClassifierConfig(name)), rule), "classes": classes}
    labels = run_loop(first, FeatureSet(features, features[:1]), n_rounds=iterations, **options).labels
    np.testing.assert_array_equal(labels.label, reference.transduction_)
    np.testing.assert_array_equal(labels.round, reference.labeled_iter_)
    np.testing.assert_array_equal(labels.origin == MACHINE, reference.labeled_iter_ > 0)
    return labels


@every_threshold
def test_with_a_fixed_threshold_the_loop_is_scikit_learns_self_training(data, name, threshold):
    labels = against_scikit_learn(data, name, acceptance.above(threshold), criterion="threshold", threshold=threshold)
    assert 0 < labels.is_machine.sum() < len(labels.label) - labels.is_human.sum(), "the threshold divides the pool"


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("name", ["linear_svm", "logistic_regression"])
@pytest.mark.parametrize("k", [10, 37])
def test_with_the_k_best_the_loop_is_scikit_learns_self_training(data, name, k):
    labels = against_scikit_learn(data, name, Rule("k_best", k=k), criterion="k_best", k_best=k)
    assert labels.is_machine.sum() == 4 * k


# A round.


def test_no_rounds_change_nothing():
    features, _, labels = plane()
    first = state.first(labels)
    assert loop(first, features, fixed(0.0), iterations=0) is first


def test_a_round_that_accepts_nothing_predicts_as_the_supervised_classifier():
    features, truth, labels = plane()
    test = plane(n_each=7, spread=2.0)[0]
    played = play(labels, features, fixed(1.0), test=test)
    supervised = LinearSVC(C=LINEAR.C, random_state=0).fit(features[:6], truth[:6])
    np.testing.assert_allclose(played.test_probabilities, supervised._predict_proba_lr(test), rtol=1e-4)
    assert played.test_probabilities.dtype == np.float32
    np.testing.assert_array_equal(played.state.predicted, supervised.predict(features))
    assert_same(played.state.labels, labels)
    assert played.state.history[0].n_accepted == 0


def test_a_round_adds_its_summary_its_machine_labels_and_the_classes_of_the_test_images():
    features, _, labels = plane(spread=2.5)
    one = play(labels, features, fixed(0.6)).state
    two = play(one, features, fixed(0.5), number=2)
    assert [summary.round for summary in two.state.history] == [1, 2]
    assert two.state.history[0] == one.history[0]
    np.testing.assert_array_equal(two.state.test_labels[0], one.test_labels[0])
    np.testing.assert_array_equal(two.state.test_labels[1], two.test_probabilities.argmax(axis=1).astype(np.int16))
    for number in (0, 1):
        is_given = two.state.labels.is_machine & (two.state.labels.round <= number + 1)
        expected = np.where(is_given, two.state.labels.label, -1)
        np.testing.assert_array_equal(two.state.machine_labels[number], expected)


@pytest.mark.parametrize("keep", ["permanent", "revise"])
@pytest.mark.parametrize("rule", [Rule("linear", 0.3, -0.1), Rule("k_best", k=60), Rule("flexmatch", 0.6)], ids=str)
def test_given_labels_are_untouched_by_any_round_even_if_they_are_wrong(keep, rule):
    features, truth, _ = plane()
    wrong = Labels.from_seeds(np.arange(9), np.roll(truth[:9], 1), n_rows=len(truth))
    wrong = wrong.with_human_labels(np.array([9, 10]), np.array([2, 0]), round_number=1)
    after = loop(wrong, features, fixed(keep=keep)._replace(rule=rule), iterations=3).labels
    assert after.is_machine.sum() > 40
    assert_same(after, wrong, rows=slice(11))


def test_an_accepted_row_carries_the_predicted_class_and_its_confidence_raw_and_calibrated():
    features, _, labels = plane(spread=2.5, n_seeds=30)
    settings = fixed(0.7, calibration="temperature", folds=3)
    opinion = predict.fit_predict(labels, FeatureSet(features, features), settings.fit, round_number=1, classes=CLASSES)
    after = play(labels, features, settings).state.labels
    rows = np.flatnonzero(after.is_machine)
    assert rows.tolist() == [row for row in range(30, len(features)) if opinion.pool[row].max() > 0.7]
    assert 0 < len(rows) < len(features) - 30
    np.testing.assert_array_equal(after.label[rows], opinion.pool[rows].argmax(axis=1))
    np.testing.assert_array_equal(after.confidence[rows], opinion.pool[rows].max(axis=1))
    np.testing.assert_array_equal(after.raw_confidence[rows], opinion.raw[rows])
    assert np.all(after.confidence[rows] != after.raw_confidence[rows])


def test_what_is_chosen_among_unlabelled_rows_is_applied_to_just_those():
    features, _, labels = plane(spread=2.5)
    after = play(labels, features, fixed()._replace(rule=Rule("k_best", k=4))).state
    sure = after.labels.confidence[after.labels.is_machine]
    opinion = predict.fit_predict(labels, FeatureSet(features, features), fixed().fit, round_number=1, classes=CLASSES)
    assert len(sure) == 4
    assert sure.min() >= opinion.pool[6:].max(axis=1)[~after.labels.is_machine[6:]].max()


def test_with_true_labels_the_accepted_rows_carry_the_truth():
    features, truth, labels = plane(spread=4.0)
    honest, leaked = (play(labels, features, fixed(), true_labels=given).state.labels for given in (None, truth))
    rows = leaked.is_machine
    np.testing.assert_array_equal(leaked.label[rows], truth[rows])
    assert np.any(honest.label[rows] != truth[rows]), "without a mistake the leak would not show"


def test_the_truth_decides_what_an_accepted_row_carries_but_never_which_row_is_accepted():
    features, truth, labels = plane(spread=4.0)
    honest = play(labels, features, fixed())
    for seed in range(3):
        other = truth.copy()
        other[6:] = np.random.default_rng(seed).permutation(other[6:])
        leaked = play(labels, features, fixed(), true_labels=other)
        assert_same(leaked.state.labels, honest.state.labels, names=[name for name in COLUMNS if name != "label"])
        np.testing.assert_array_equal(leaked.test_probabilities, honest.test_probabilities)


def test_rows_in_another_order_get_the_same_labels():
    features, truth, labels = plane(spread=2.0)
    order = np.random.default_rng(1).permutation(len(truth))
    rows = np.flatnonzero(order < 6)
    moved = Labels.from_seeds(rows, truth[order][rows], n_rows=len(truth))
    one = loop(labels, features, linear(0.6, -0.05), iterations=3).labels
    other = loop(moved, features[order], linear(0.6, -0.05), iterations=3).labels
    np.testing.assert_array_equal(other.label, one.label[order])
    np.testing.assert_array_equal(other.round, one.round[order])
    np.testing.assert_allclose(other.confidence, one.confidence[order], atol=1e-5)


def test_the_rounds_one_by_one_are_the_rounds_together_and_leave_the_states_before_alone():
    features, _, labels = plane(spread=2.5)
    settings = linear(0.6, -0.1)
    together = loop(labels, features, settings, iterations=3)
    one = play(labels, features, settings).state
    two = play(one, features, settings, number=2).state
    three = play(two, features, settings, number=3).state
    assert_same(three.labels, together.labels)
    assert three.history == together.history
    assert_same(one.labels, play(labels, features, settings).state.labels)
    assert (len(one.history), len(one.machine_labels), len(two.history)) == (1, 1, 2)


def test_the_test_images_have_no_influence_on_the_labels():
    features, _, labels = plane(spread=2.5)
    one, other = (play(labels, features, fixed(), test=test) for test in (features[:4], features[::-1] * 100))
    assert_same(one.state.labels, other.state.labels)
    assert one.state.history == other.state.history


# Keep and train on.


def test_a_permanent_machine_label_stays_what_it_was_when_it_was_given():
    features, _, labels = plane(spread=2.5)
    one = play(labels, features, fixed(0.6)).state
    two = play(one, features, fixed(0.3), number=2).state
    before, after = one.labels, two.labels
    assert 0 < before.is_machine.sum() < after.is_machine.sum()
    assert_same(after, before, rows=before.is_labelled)
    assert set(after.round[after.is_machine & ~before.is_machine]) == {2}
    assert not after.flips.any()


def revised(iterations=5):
    """Rounds that tighten, whose classifier learns from its own changing labels."""
    features, _, labels = plane(n_each=60, spread=4.0)
    return loop(labels, features, linear(0.36, 0.03, keep="revise"), iterations=iterations)


def test_revised_labels_tell_since_when_they_are_given_until_when_and_how_often_they_changed():
    played = revised()
    labels = played.labels
    for row, given in enumerate(played.machine_labels.T.tolist()):
        changed = [number for number, (one, two) in enumerate(pairwise(given), start=2) if one != two]
        assert labels.flips[row] == sum(one != two and -1 not in (one, two) for one, two in pairwise(given))
        if labels.is_machine[row]:
            assert (labels.round[row], labels.confirmed[row]) == (max(changed, default=1), 5)
    assert labels.flips.sum() > 0
    assert len(set(labels.round[labels.is_machine])) > 2


def test_revised_labels_that_are_withdrawn_or_flipped_are_counted_in_their_round():
    played = revised()
    given = played.machine_labels
    for number in range(1, 5):
        before, after, summary = given[number - 1], given[number], played.history[number]
        had, has = before >= 0, after >= 0
        assert summary.n_withdrawn == np.sum(had & ~has)
        assert summary.n_flipped == np.sum(had & has & (before != after))
        assert summary.n_new == np.sum(has & (before != after))
        # All are given anew, also those that stay.
        assert summary.n_accepted == np.sum(has) > summary.n_new
        assert summary.n_remaining == np.sum(~has) - 6
    assert sum(summary.n_withdrawn for summary in played.history) > 0
    assert sum(summary.n_flipped for summary in played.history) == played.labels.flips.sum()


def test_revised_machine_labels_are_those_of_the_last_classifier_alone():
    features, _, labels = plane(n_each=60, spread=4.0)
    before = revised(iterations=4)
    settings = linear(0.36, 0.03, keep="revise")
    opinion = predict.fit_predict(
        before.labels, FeatureSet(features, features), settings.fit, round_number=5, classes=CLASSES
    )
    after = play(before, features, settings, number=5, test=features[:1]).state.labels
    is_sure = (opinion.pool.max(axis=1) > 0.48) & ~labels.is_human
    np.testing.assert_array_equal(after.is_machine, is_sure)
    np.testing.assert_array_equal(after.label[is_sure], opinion.classes[is_sure])


@pytest.mark.parametrize("keep", ["permanent", "revise"])
def test_machine_labels_that_do_not_teach_leave_the_predictions_as_they_were(keep):
    features, _, labels = plane(spread=4.0)
    played = loop(labels, features, linear(0.5, -0.05, keep=keep, train_on="human_labels"), iterations=3)
    assert [summary.kappa for summary in played.history] == [None, 1.0, 1.0]
    assert np.all(np.diff([summary.n_remaining for summary in played.history]) < 0)
    np.testing.assert_array_equal(played.labels.label[6:], np.where(played.labels.is_machine, played.predicted, -1)[6:])
    drifting = loop(labels, features, linear(0.5, -0.05, keep=keep), iterations=3)
    assert drifting.history[-1].kappa < 1


# Why it stops.

UNREACHABLE = Rule("target_error", target_error=0.05)
STOPS = (
    ("pool_empty", 1, fixed(0.0)),
    ("pool_empty", 2, fixed()._replace(rule=Rule("k_best", k=30))),
    ("target_error_unreachable", 1, fixed(folds=2)._replace(rule=UNREACHABLE)),
    # The threshold of round 2 is 1.
    ("nothing_accepted", 2, linear(0.6, 0.4)),
    ("nothing_changed", 2, fixed(0.6, keep="revise", train_on="human_labels")),
    ("stable_predictions", 4, fixed(train_on="human_labels", stable_kappa=1.0)._replace(rule=Rule("k_best", k=5))),
    # Two questions a round.
    ("budget_spent", 3, fixed(0.9, query=ask(budget=4))),
)


@pytest.mark.parametrize(("word", "number", "settings"), STOPS, ids=[f"{word} in {n}" for word, n, _ in STOPS])
def test_the_rounds_stop_with_the_word_for_why(word, number, settings):
    features, truth, labels = plane()
    options = {"iterations": 6, "answer": lambda rows: answers.from_truth(rows, truth)}
    played = loop(labels, features, settings._replace(stop=[word]), **options)
    assert stops(played) == ["no"] * (number - 1) + [word] * (7 - number)
    if word in history.CHOSEN_STOPS:
        assert word not in stops(loop(labels, features, settings, **options)), "params.yaml does not list it"


def test_the_same_images_accepted_again_are_no_change_but_not_nothing():
    features, _, labels = plane()
    settings = fixed(0.6, keep="revise", train_on="human_labels")
    played = loop(labels, features, settings._replace(stop=["nothing_accepted"]), iterations=3)
    assert stops(played) == ["no"] * 3
    n = played.history[0].n_accepted
    assert n > 0
    assert [(summary.n_accepted, summary.n_new) for summary in played.history] == [(n, n), (n, 0), (n, 0)]
    played = loop(labels, features, settings._replace(stop=history.CHOSEN_STOPS), iterations=3)
    assert stops(played) == ["no", "nothing_changed", "nothing_changed"]


def test_a_state_that_stopped_passes_through_though_a_later_round_would_accept():
    features, _, labels = plane()
    settings = linear(1.0, -0.5, stop=["nothing_accepted"], query=ask(budget=0))
    assert play(labels, features, settings, number=2).state.history[0].n_accepted > 0
    one, later = (loop(labels, features, settings, iterations=iterations) for iterations in (1, 3))
    assert_same(later.labels, labels)
    np.testing.assert_array_equal(later.test_labels, np.tile(one.test_labels, (3, 1)))
    np.testing.assert_array_equal(later.machine_labels, np.full((3, 60), -1))
    np.testing.assert_array_equal(later.predicted, one.predicted)
    assert [summary.n_accepted for summary in later.history] == [0, 0, 0]
    assert [summary.round for summary in later.history] == [1, 2, 3]


def test_where_no_threshold_holds_the_target_nothing_is_accepted_and_the_summary_has_none():
    features, _, labels = plane(n_seeds=30)
    played = play(labels, features, fixed(folds=3)._replace(rule=UNREACHABLE)).state
    assert_same(played.labels, labels)
    assert (played.history[0].n_accepted, played.history[0].threshold) == (0, None)


def test_where_people_have_labelled_enough_the_target_error_is_reached_by_the_threshold_in_the_summary():
    features, truth, labels = plane(n_each=100, n_seeds=150, spread=1.5)
    settings = fixed(folds=5, calibration="temperature")._replace(rule=UNREACHABLE)
    played = play(labels, features, settings).state
    is_machine, threshold = played.labels.is_machine, played.history[0].threshold
    assert is_machine.sum() > 75
    assert played.labels.confidence[is_machine].min() > threshold
    assert np.mean(played.labels.label[is_machine] != truth[is_machine]) < 0.05


def hopeless(**changes):
    """Labels that have nothing to do with the images, and a classifier that remembers them all and is always sure."""
    features, truth, _ = plane(n_each=40)
    given = np.random.default_rng(0).permutation(truth)[:60]
    return (
        Labels.from_seeds(np.arange(60), given, n_rows=120),
        features,
        fixed(classifier=MEMORY, folds=3)._replace(**changes),
    )


def test_a_claim_that_is_off_changes_no_label_asks_nobody_and_ends_the_rounds():
    labels, features, settings = hopeless(precision_margin=0.3, query=ask())
    played = play(labels, features, settings)
    after = played.state
    assert_same(after.labels, labels)
    assert stops(after) == ["claimed_precision_off"]
    summary = after.history[0]
    assert summary.claimed_precision > 0.99 and summary.shown_precision < 0.6 and summary.n_shown == 60
    assert (summary.n_accepted, summary.n_questions, summary.n_remaining) == (0, 0, 60)
    assert len(after.questions) == 0 and after.n_asked == 0
    # What the classifier says is still written down.
    assert after.test_labels.shape == (1, 5)
    np.testing.assert_array_equal(after.machine_labels, np.full((1, 120), -1))
    np.testing.assert_array_equal(after.predicted[:60], labels.label[:60])
    assert stops(loop(labels, features, settings, iterations=3)) == ["claimed_precision_off"] * 3


def test_a_claim_that_is_off_takes_no_revised_label_away():
    labels, features, settings = hopeless(precision_margin=0.3, keep="revise")
    before = labels.with_machine_labels(np.arange(60, 70), np.zeros(10), np.full(10, 0.9), round_number=1)
    after = play(before, features, settings, number=2).state
    assert stops(after) == ["claimed_precision_off"]
    assert_same(after.labels, before)
    summary = after.history[0]
    assert (summary.n_accepted, summary.n_new, summary.n_withdrawn, summary.n_remaining) == (0, 0, 0, 50)


@pytest.mark.parametrize("keep", ["permanent", "revise"])
def test_what_an_alarm_has_refused_the_last_acceptance_does_not_give(keep):
    labels, features, settings = hopeless(precision_margin=0.3, keep=keep)
    labels = labels.with_machine_labels(np.arange(60, 70), np.zeros(10), np.full(10, 0.9), round_number=1)
    before = loop(labels, features, settings, iterations=2)
    # It accepts everything, and would raise no alarm itself.
    last = fixed(0.0, classifier=MEMORY, keep=keep, query=ask())
    assert play(labels, features, last, number=3).state.history[0].n_accepted >= 50
    after = play(before, features, last, number=3, test=features[:1]).state
    assert_same(after.labels, labels)
    assert stops(after) == stops(after.ended(before)) == ["claimed_precision_off"] * 3
    assert after.precision_alarm
    summary = after.history[-1]
    assert (summary.n_accepted, summary.n_withdrawn, summary.n_questions) == (0, 0, 0)
    # The fit is a new one.
    assert (summary.round, summary.kappa) == (3, 1.0)
    assert after.test_labels.shape == (3, 1) and after.machine_labels.shape == (3, 120)


def test_an_alarm_of_the_last_acceptance_itself_is_its_word():
    labels, features, settings = hopeless()
    before = loop(labels, features, settings._replace(rule=Rule("k_best", k=0)), iterations=1)
    assert stops(before) == ["no"]
    after = play(before, features, settings._replace(precision_margin=0.3), number=2, test=features[:1]).state
    assert_same(after.labels, labels)
    assert stops(after.ended(before)) == ["no", "claimed_precision_off"]


@pytest.mark.parametrize("stop", ["pool_empty", "nothing_accepted"])
def test_after_any_other_end_the_last_acceptance_gives_labels(stop):
    features, _, labels = plane()
    before = loop(labels, features, fixed(1.0, stop=["nothing_accepted"]), iterations=2)
    before = before._replace(history=[summary._replace(stop=stop) for summary in before.history])
    after = play(before, features, fixed(0.0), number=3, test=features[:1]).state
    assert after.labels.is_labelled.all() and not after.precision_alarm
    assert after.ended(before).history[-1].stop == stop


def test_with_the_widest_margin_the_same_claim_is_accepted():
    labels, features, settings = hopeless()
    played = play(labels, features, settings)
    assert stops(played.state) == ["pool_empty"]
    assert played.state.history[0].shown_precision < 0.6


# Asking.


def answering(truth, status="answered"):
    """Answer from the truth, and note which rows were asked for."""
    noted = []

    def answer(rows):
        noted.append(rows.tolist())
        return told(rows, truth, status)

    return answer, noted


def test_a_round_asks_the_best_by_its_strategy_of_what_it_has_not_accepted():
    features, _, labels = plane(spread=2.5)
    played = play(labels, features, fixed(0.6, query=ask(strategy="least_confidence", per_round=3))).state
    opinion = predict.fit_predict(labels, FeatureSet(features, features), fixed().fit, round_number=1, classes=CLASSES)
    left = np.flatnonzero(~played.labels.is_labelled)
    expected = left[np.argsort(opinion.pool[left].max(axis=1), kind="stable")[:3]]
    assert played.questions.row.tolist() == expected.tolist()
    assert played.questions.strategy.tolist() == ["least_confidence"] * 3
    assert played.history[0].n_questions == 3
    assert stops(played) == ["no"]


def test_with_a_lower_threshold_only_images_below_it_are_asked_for():
    features, _, labels = plane(spread=2.5)
    options = {"strategy": "lower_threshold", "lower_threshold": 0.38, "per_round": 50, "budget": 50}
    played = play(labels, features, fixed(0.6, query=ask(**options))).state
    opinion = predict.fit_predict(labels, FeatureSet(features, features), fixed().fit, round_number=1, classes=CLASSES)
    is_below = (opinion.pool.max(axis=1) < 0.38) & ~played.labels.is_labelled
    assert sorted(played.questions.row) == np.flatnonzero(is_below).tolist() != []


@pytest.mark.parametrize("keep", ["permanent", "revise"])
@pytest.mark.parametrize("status", ["answered", "skipped", "open", "tied"])
def test_nobody_is_asked_twice_nor_for_what_people_labelled_nor_more_than_the_budget(keep, status):
    features, truth, labels = plane(spread=2.5)
    answer, noted = answering(truth, status)
    settings = fixed(0.6, keep=keep, query=ask(per_round=4, budget=10))
    played = loop(labels, features, settings, iterations=6, answer=answer)
    rows = np.concatenate(noted)
    assert len(set(rows)) == len(rows) and rows.min() >= 6
    np.testing.assert_array_equal(played.asked.row, rows)
    # What is open takes the place of a new question.
    expected = [4, 0, 0, 0, 0, 0] if status in ("open", "tied") else [4, 4, 2, 0, 0, 0]
    assert [len(asked) for asked in noted] == [summary.n_questions for summary in played.history] == expected
    assert played.history[-1].n_open == (4 if status in ("open", "tied") else 0)
    assert played.history[-1].human_labels == (16 if status == "answered" else 6)


def test_open_questions_reduce_the_next_batch_by_their_number():
    features, truth, labels = plane(spread=2.5)

    def answer(rows):
        replies = told(rows, truth)
        replies.label[:1], replies.status[:1] = -1, "open"
        return replies

    played = loop(labels, features, fixed(0.99, query=ask(per_round=3, budget=50)), iterations=5, answer=answer)
    assert [summary.n_questions for summary in played.history] == [3, 2, 1, 0, 0]
    assert [summary.n_open for summary in played.history] == [0, 1, 2, 3, 3]


def test_an_answer_is_a_human_label_of_the_round_that_asked_and_teaches_the_next():
    features, truth, labels = plane(spread=4.0)
    answer, noted = answering(truth)
    played = loop(labels, features, fixed(1.0, query=ask()), iterations=2, answer=answer)
    for number, rows in enumerate(noted, start=1):
        np.testing.assert_array_equal(played.labels.label[rows], truth[rows])
        np.testing.assert_array_equal(played.labels.round[rows], number)
        assert played.labels.is_human[rows].all()
    taught = Labels.from_seeds(np.r_[0:6, noted[0]], truth[np.r_[0:6, noted[0]]], n_rows=len(truth))
    again = play(taught, features, fixed(1.0), number=2).state
    np.testing.assert_array_equal(played.predicted, again.predicted)


@pytest.mark.parametrize(
    ("keep", "strategy", "n_evidence"),
    [
        ("revise", "margin", [12, 12, 12]),
        ("revise", "random", [12, 14, 16]),
        # Drawn from what was not accepted, which is harder than the pool.
        ("permanent", "margin", [12, 12, 12]),
        ("permanent", "random", [12, 12, 12]),
    ],
)
def test_an_answer_shows_how_good_the_classifier_is_only_if_it_was_drawn_from_the_whole_pool(
    keep, strategy, n_evidence
):
    features, truth, labels = plane(spread=2.5, n_seeds=12)
    settings = fixed(0.9, folds=3, keep=keep, query=ask(strategy=strategy))
    played = loop(labels, features, settings, iterations=3, answer=lambda rows: answers.from_truth(rows, truth))
    assert [sum(summary.reliability["count"]) for summary in played.history] == n_evidence
    assert [summary.human_labels for summary in played.history] == [12, 14, 16]


def test_permanent_labels_are_not_asked_for_and_revised_ones_are_replaced_by_what_people_say():
    features, truth, labels = plane(spread=4.0)
    everything = ask(strategy="random", per_round=100, budget=100)
    permanent, revise = (
        play(labels, features, fixed(0.5, keep=keep, query=everything)).state for keep in ("permanent", "revise")
    )
    is_machine = permanent.labels.is_machine
    assert_same(permanent.labels, revise.labels)
    assert sorted(permanent.questions.row) == np.flatnonzero(~permanent.labels.is_labelled).tolist()
    assert sorted(revise.questions.row) == list(range(6, len(truth)))
    answered = revise.answered(told(revise.questions.row, truth)).labels
    assert answered.is_human.all() and is_machine.any()
    np.testing.assert_array_equal(answered.label, truth)


@pytest.mark.parametrize("strategy", ["margin", "random", "typiclust+entropy"])
def test_the_truth_of_rows_that_nobody_was_asked_about_changes_nothing(strategy):
    features, truth, labels = plane(spread=4.0)
    settings = linear(0.6, -0.05, keep="revise", query=ask(strategy=strategy))
    one = loop(labels, features, settings, iterations=4, answer=lambda rows: answers.from_truth(rows, truth))
    is_unasked = ~one.labels.is_human
    other = truth.copy()
    other[is_unasked] = np.random.default_rng(0).permutation(truth[is_unasked])
    assert np.any(other != truth) and len(one.asked.row) == 6
    two = loop(labels, features, settings, iterations=4, answer=lambda rows: answers.from_truth(rows, other))
    assert_same(two.labels, one.labels)
    assert two.history == one.history
    np.testing.assert_array_equal(two.machine_labels, one.machine_labels)
    np.testing.assert_array_equal(two.asked.row, one.asked.row)


def test_a_round_that_asks_goes_on_though_it_accepts_nothing():
    features, truth, labels = plane()
    settings = fixed(1.0, stop=history.CHOSEN_STOPS, query=ask(per_round=3, budget=6))
    played = loop(labels, features, settings, iterations=4, answer=lambda rows: answers.from_truth(rows, truth))
    assert stops(played) == ["no", "no", "nothing_accepted", "nothing_accepted"]
    assert played.labels.is_human.sum() == 12
    assert stops(loop(labels, features, settings._replace(query=None), iterations=1)) == ["nothing_accepted"]


# A pool without a row to label.


@pytest.mark.parametrize("keep", ["permanent", "revise"])
@pytest.mark.parametrize("rule", ["fixed", "flexmatch", "percentile", "k_best", "class_k_best"])
def test_a_pool_that_people_have_labelled_is_played_without_effect(rule, keep):
    features, truth, _ = plane()
    full = Labels.from_seeds(np.arange(len(truth)), truth, n_rows=len(truth))
    settings = fixed(keep=keep, query=ask())._replace(rule=Rule(rule))
    played = play(full, features, settings).state
    assert_same(played.labels, full)
    summary = played.history[0]
    assert (summary.n_accepted, summary.n_questions, summary.stop) == (0, 0, "pool_empty")
