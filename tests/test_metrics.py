"""Metrics: against scikit-learn, against counting by hand, and where there is nothing to judge."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, classification_report, f1_score

from selflabel import metrics
from selflabel.labels import Labels

CLASSES = ("a", "b", "c")
NAN = pytest.approx(np.nan, nan_ok=True)
PAIRS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40).map(np.array)


def pool():
    """Rows 0–1 given, 2–4 labelled in round 1 (4 wrongly), 5–6 in round 2 (6 wrongly), 7 without a label."""
    truth = np.array([0, 1, 0, 1, 1, 2, 2, 2])
    labels = Labels.from_seeds(np.array([0, 1]), truth[:2], n_rows=8)
    labels = labels.with_machine_labels(np.arange(2, 5), np.array([0, 1, 0]), np.array([0.9, 0.8, 0.7]), round_number=1)
    return labels.with_machine_labels(np.arange(5, 7), np.array([2, 1]), np.array([0.6, 0.5]), round_number=2), truth


def seeds_only():
    truth = pool()[1]
    return Labels.from_seeds(np.array([0, 1]), truth[:2], n_rows=8), truth


def test_a_share_is_taken_of_everything_or_of_what_is_asked_for():
    part = np.array([True, False, True, True])
    assert metrics.share(part) == 0.75
    assert metrics.share(part, np.array([True, True, False, False])) == 0.5
    assert metrics.share(np.array([True, False, False])) == 0.333333


def test_the_share_of_nothing_is_nan():
    assert metrics.share(np.empty(0, bool)) == NAN
    assert metrics.share(np.array([True]), np.array([False])) == NAN


@settings(deadline=None, max_examples=60)
@given(PAIRS)
def test_accuracy_and_macro_f1_are_those_of_scikit_learn(pairs):
    truth, predicted = pairs.T
    assert metrics.scores(truth, predicted, classes=CLASSES) == {
        "accuracy": pytest.approx(accuracy_score(truth, predicted), abs=1e-6),
        "macro_f1": pytest.approx(
            f1_score(truth, predicted, labels=[0, 1, 2], average="macro", zero_division=0), abs=1e-6
        ),
    }


@settings(deadline=None, max_examples=60)
@given(PAIRS)
def test_precision_recall_and_f1_of_a_class_are_what_counting_gives(pairs):
    truth, predicted = pairs.T
    columns = metrics.per_class(truth, predicted, classes=CLASSES)
    assert columns["class"].tolist() == list(CLASSES)
    for index in range(3):
        hits = int(np.sum((truth == index) & (predicted == index)))
        says, is_ = int(np.sum(predicted == index)), int(np.sum(truth == index))
        assert columns["precision"][index] == pytest.approx(hits / says if says else 0, abs=1e-6)
        assert columns["recall"][index] == pytest.approx(hits / is_ if is_ else 0, abs=1e-6)
        assert columns["f1"][index] == pytest.approx(2 * hits / (says + is_) if says + is_ else 0, abs=1e-6)
        assert columns["support"][index] == is_


def test_the_class_table_is_the_report_of_scikit_learn():
    truth, predicted = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 2, 0, 2])
    reference = classification_report(truth, predicted, target_names=CLASSES, output_dict=True)
    columns = metrics.per_class(truth, predicted, classes=CLASSES)
    for row, name in enumerate(CLASSES):
        for column, other in (("precision",) * 2, ("recall",) * 2, ("f1", "f1-score"), ("support",) * 2):
            assert columns[column][row] == pytest.approx(reference[name][other], abs=1e-6)


def test_macro_f1_is_rounded_once():
    # One class has 2/3, the other none: a third.
    assert metrics.scores(np.array([0, 0, 1, 1]), np.zeros(4, int), classes=("a", "b"))["macro_f1"] == 0.333333


def test_predictions_in_another_order_have_the_same_scores():
    generator = np.random.default_rng(0)
    truth, predicted, order = generator.integers(0, 3, 50), generator.integers(0, 3, 50), generator.permutation(50)
    one = metrics.scores(truth, predicted, classes=CLASSES)
    assert metrics.scores(truth[order], predicted[order], classes=CLASSES) == one


def test_a_reliability_table_has_a_line_for_each_bin_that_is_not_empty():
    confidence = np.array([0.1, 0.3, 0.4, 1.0])
    table = metrics.reliability(confidence, np.array([True, True, False, True]), n_bins=4)
    assert {name: column.tolist() for name, column in table.items()} == {
        "low": [0, 0.25, 0.75],
        "high": [0.25, 0.5, 1],
        "count": [1, 2, 1],
        "mean_confidence": [0.1, 0.35, 1],
        "share_right": [1, 0.5, 1],
    }


@pytest.mark.parametrize("n_bins", [2, 3, 10, 20, 22, 43, 100])
def test_a_confidence_on_the_edge_of_two_bins_belongs_to_the_upper_one(n_bins):
    for number in range(n_bins):
        table = metrics.reliability(np.array([number / n_bins]), np.array([True]), n_bins=n_bins)
        assert table["low"].tolist() == [round(number / n_bins, 6)]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30), st.integers(2, 100))
def test_the_bins_hold_every_confidence_once_and_within_their_edges(pairs, n_bins):
    confidence, is_right = (np.array(values) for values in zip(*pairs, strict=True))
    table = metrics.reliability(confidence, is_right, n_bins=n_bins)
    assert table["count"].sum() == len(pairs)
    assert np.all(table["low"] <= table["mean_confidence"] + 1e-6)
    assert np.all(table["mean_confidence"] <= table["high"] + 1e-6)
    np.testing.assert_allclose(table["mean_confidence"] @ table["count"], confidence.sum(), atol=1e-4)
    np.testing.assert_allclose(table["share_right"] @ table["count"], is_right.sum(), atol=1e-4)


def test_nothing_has_an_empty_reliability_table():
    table = metrics.reliability(np.empty(0), np.empty(0, bool), n_bins=20)
    assert {len(column) for column in table.values()} == {0}


def test_the_scores_of_the_pool_are_coverage_and_the_accuracy_of_machine_labels_alone():
    assert metrics.pool_scores(*pool()) == {"coverage": 0.875, "label_accuracy": 0.6}


def test_without_machine_labels_the_pool_has_no_label_accuracy():
    assert metrics.pool_scores(*seeds_only()) == {"coverage": 0.25}


@pytest.mark.parametrize(
    ("number", "accepted", "so_far", "coverage"),
    [(0, NAN, NAN, 0.25), (1, 0.666667, 0.666667, 0.625), (2, 0.5, 0.6, 0.875), (3, NAN, 0.6, 0.875)],
)
def test_the_quality_after_a_round_leaves_out_what_later_rounds_did(number, accepted, so_far, coverage):
    assert metrics.round_quality(*pool(), number) == {
        "accepted_accuracy": accepted,
        "label_accuracy": so_far,
        "coverage": coverage,
    }


def test_the_quality_of_a_class_is_of_the_labels_that_say_it_and_of_the_images_that_are_it():
    rows = metrics.class_quality(*pool(), 2, classes=CLASSES)
    third = 0.666667
    assert [list(row.values()) for row in rows] == [
        # round, class, n_machine, accepted_accuracy, label_accuracy, coverage
        [2, "a", 2, NAN, 0.5, 1],
        [2, "b", 2, 0, 0.5, 1],
        [2, "c", 1, 1, 1, third],
    ]
    rows = metrics.class_quality(*pool(), 1, classes=CLASSES)
    assert [list(row.values()) for row in rows] == [
        [1, "a", 2, 0.5, 0.5, 1],
        [1, "b", 1, 1, 1, 1],
        [1, "c", 0, NAN, NAN, 0],
    ]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(0, 4))
def test_the_classes_together_are_the_pool(seed, number):
    generator = np.random.default_rng(seed)
    truth, said, origin = (generator.integers(0, 3, 30) for _ in range(3))
    labels = Labels.from_seeds(np.flatnonzero(origin == 1), truth[origin == 1], n_rows=30)
    rows = np.flatnonzero(origin == 2)
    assume(len(rows))
    for given_in, part in enumerate(np.array_split(rows, 3), start=1):
        labels = labels.with_machine_labels(part, said[part], np.full(len(part), 0.5), round_number=given_in)
    classes = metrics.class_quality(labels, truth, number, classes=CLASSES)
    whole = metrics.round_quality(labels, truth, number)
    n_machine = sum(row["n_machine"] for row in classes)
    assert n_machine == np.sum(labels.is_machine & (labels.round <= number))
    right = sum(row["n_machine"] * row["label_accuracy"] for row in classes if row["n_machine"])
    assert right == pytest.approx(n_machine * whole["label_accuracy"] if n_machine else 0, abs=1e-3)


def test_the_mistakes_kept_are_the_most_confident_of_each_round_best_first():
    truth = np.zeros(8, int)
    labels = Labels.from_seeds(np.array([0]), np.array([1]), n_rows=8)
    labels = labels.with_machine_labels(
        np.array([1, 2, 3, 4]), np.array([1, 1, 0, 2]), np.array([0.5, 0.9, 0.99, 0.7]), round_number=2
    )
    labels = labels.with_machine_labels(np.array([5, 6]), np.array([1, 1]), np.array([0.3, 0.3]), round_number=3)
    assert metrics.confident_mistakes(labels, truth, per_round=2).tolist() == [2, 4, 5, 6]
    assert metrics.confident_mistakes(labels, truth, per_round=1).tolist() == [2, 5]
    assert metrics.confident_mistakes(labels, truth, per_round=9).tolist() == [2, 4, 1, 5, 6]


def test_where_all_machine_labels_are_right_there_are_no_mistakes():
    labels, _ = pool()
    assert len(metrics.confident_mistakes(labels, labels.label, per_round=3)) == 0
    assert len(metrics.confident_mistakes(*seeds_only(), per_round=3)) == 0


def test_rows_become_columns_in_their_order():
    table = metrics.to_table([{"b": 1, "a": "x"}, {"b": 2, "a": "y"}])
    assert list(table.items()) == [("b", [1, 2]), ("a", ["x", "y"])]
    assert metrics.to_table([]) == {}
