"""Labels that classifiers contradict: by hand, against cleanlab, and with errors planted in digits."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from selflabel.features.feature_set import FeatureSet
from selflabel.labels.table import Labels
from selflabel.models import predict
from selflabel.models.classifiers import ClassifierConfig
from selflabel.models.predict import FitConfig
from selflabel.models.suspects import suspects

N, N_PLANTED = 1_000, 55
DIGITS = FitConfig(ClassifierConfig("kernel_ridge", C=10.0), "human_labels", calibration="temperature", folds=5)


def planted():
    """Digits with some labels wrong at random: probabilities out of fold, the labels given, which are wrong."""
    pixels, truth = load_digits(return_X_y=True)
    generator = np.random.default_rng(0)
    is_wrong = np.zeros(N, bool)
    is_wrong[generator.choice(N, N_PLANTED, replace=False)] = True
    given = np.where(is_wrong, (truth[:N] + generator.integers(1, 10, N)) % 10, truth[:N])
    features = FeatureSet((pixels / 16).astype(np.float32), np.empty((0, 64), np.float32))
    labels = Labels.from_seeds(np.arange(N), given, n_rows=len(truth))
    told = predict.fit_predict(labels, features, DIGITS, round_number=1, classes=[str(digit) for digit in range(10)])
    return told.held_out, given, is_wrong


def drawn(seed, n=400, n_classes=5, share_wrong=0.2):
    """Random probabilities that know the labels a little."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, n_classes, n)
    given = np.where(generator.random(n) < share_wrong, generator.integers(0, n_classes, n), truth)
    probabilities = generator.dirichlet(np.full(n_classes, 0.5), n) + np.eye(n_classes)[truth]
    return probabilities / probabilities.sum(axis=1, keepdims=True), given


def test_labels_are_ranked_by_their_own_probability_and_marked_where_another_class_is_as_likely_as_it_should_be():
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.6, 0.4], [0.2, 0.8], [0.1, 0.9], [0.45, 0.55], [0.9, 0.1]])
    told = suspects(probabilities, np.array([0, 0, 1, 1, 1, 0, 1]))
    assert told.order.tolist() == [6, 2, 5, 1, 3, 0, 4]
    assert told.confidence.tolist() == [0.9, 0.7, 0.4, 0.8, 0.9, 0.45, 0.1]
    assert told.other.tolist() == [1, 1, 0, 0, 0, 1, 0]
    # Thresholds: (0.9 + 0.7 + 0.45)/3 = 0.683, and (0.4 + 0.8 + 0.9 + 0.1)/4 = 0.55. That of class 1 is reached, not
    # passed, by the sixth; 0.6 for class 0 is too little for the third.
    assert np.flatnonzero(told.is_marked).tolist() == [5, 6]


def test_a_class_as_likely_as_it_should_be_marks_nothing_that_is_likelier_still():
    # Both classes are above their thresholds, 0.55 and 0.45 at most, in the first row.
    probabilities = np.array([[0.52, 0.48], [0.4, 0.6], [0.9, 0.1]])
    assert not suspects(probabilities, np.array([0, 1, 0])).is_marked[0]
    assert suspects(probabilities, np.array([0, 1, 1])).is_marked.tolist() == [False, False, True]


def test_equal_labels_are_ranked_in_their_order_and_a_class_that_nobody_was_given_marks_nothing():
    probabilities = np.tile([0.2, 0.3, 0.5], (4, 1))
    told = suspects(probabilities, np.array([1, 0, 1, 0]))
    assert told.order.tolist() == [1, 3, 0, 2] and told.other.tolist() == [2, 2, 2, 2]
    assert told.is_marked.tolist() == [False, True, False, True]


def test_there_may_be_nothing_to_rank():
    told = suspects(np.empty((0, 3)), np.empty(0, int))
    assert [len(column) for column in told] == [0, 0, 0, 0]


@pytest.mark.parametrize("seed", range(20))
def test_cleanlab_ranks_and_marks_alike(seed):
    """It also marks where the likeliest class of all is below its threshold, and a less likely one above its own."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_self_confidence_for_each_label, order_label_issues

    probabilities, given = drawn(seed)
    told = suspects(probabilities, given)
    marks = find_label_issues(given, probabilities, filter_by="confident_learning", n_jobs=1)
    np.testing.assert_array_equal(told.confidence, get_self_confidence_for_each_label(given, probabilities))
    thresholds = np.array([probabilities[given == index, index].mean() for index in range(5)])
    likeliest = probabilities.argmax(axis=1)
    is_plain = (probabilities.max(axis=1) >= thresholds[likeliest]) | (probabilities < thresholds).all(axis=1)
    assert is_plain.sum() > 300 and told.is_marked.sum() > 20
    np.testing.assert_array_equal(told.is_marked[is_plain], marks[is_plain])
    assert not np.any(told.is_marked & ~marks)
    ranked = told.order[told.is_marked[told.order]]
    by_cleanlab = order_label_issues(told.is_marked, given, probabilities, rank_by="self_confidence")
    np.testing.assert_array_equal(ranked, by_cleanlab)


def test_errors_planted_in_digits_come_first(record_property):
    from cleanlab.filter import find_label_issues

    probabilities, given, is_wrong = planted()
    told = suspects(probabilities, given)
    n_first, n_marked = int(is_wrong[told.order[:N_PLANTED]].sum()), int(told.is_marked.sum())
    n_hit = int(is_wrong[told.is_marked].sum())
    figures = f"{n_first} of the first {N_PLANTED}, {n_hit} of {n_marked} marked"
    record_property("planted errors", figures)
    print(figures)  # noqa: T201
    assert n_first >= 52 and n_hit >= 36 and n_marked - n_hit <= 3, figures
    issues = find_label_issues(
        given, probabilities, filter_by="confident_learning", return_indices_ranked_by="self_confidence", n_jobs=1
    )
    np.testing.assert_array_equal(issues, told.order[told.is_marked[told.order]])
