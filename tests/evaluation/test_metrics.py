"""Metrics: against scikit-learn, against counting by hand, and where there is nothing to judge."""

import numpy as np
import pytest
from examples import SUMMARY
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, classification_report, f1_score

from selflabel.evaluation import metrics
from selflabel.labels import state
from selflabel.labels.table import Labels
from selflabel.loop import summary
from selflabel.models import reliability

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


@settings(max_examples=60)
@given(PAIRS)
def test_accuracy_and_macro_f1_are_those_of_scikit_learn(pairs):
    truth, predicted = pairs.T
    assert metrics.scores(truth, predicted, classes=CLASSES) == {
        "accuracy": pytest.approx(accuracy_score(truth, predicted), abs=1e-6),
        "macro_f1": pytest.approx(
            f1_score(truth, predicted, labels=[0, 1, 2], average="macro", zero_division=0), abs=1e-6
        ),
    }


@settings(max_examples=60)
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
    table = reliability.reliability(confidence, np.array([True, True, False, True]), n_bins=4)
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
        table = reliability.reliability(np.array([number / n_bins]), np.array([True]), n_bins=n_bins)
        assert table["low"].tolist() == [round(number / n_bins, 6)]


@settings(max_examples=100)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30), st.integers(2, 100))
def test_the_bins_hold_every_confidence_once_and_within_their_edges(pairs, n_bins):
    confidence, is_right = (np.array(values) for values in zip(*pairs, strict=True))
    table = reliability.reliability(confidence, is_right, n_bins=n_bins)
    assert table["count"].sum() == len(pairs)
    assert np.all(table["low"] <= table["mean_confidence"] + 1e-6)
    assert np.all(table["mean_confidence"] <= table["high"] + 1e-6)
    np.testing.assert_allclose(table["mean_confidence"] @ table["count"], confidence.sum(), atol=1e-4)
    np.testing.assert_allclose(table["share_right"] @ table["count"], is_right.sum(), atol=1e-4)


def test_nothing_has_an_empty_reliability_table():
    table = reliability.reliability(np.empty(0), np.empty(0, bool), n_bins=20)
    assert {len(column) for column in table.values()} == {0}


def test_the_calibration_error_is_the_mean_gap_weighted_by_the_images():
    table = {
        "mean_confidence": np.array([0.2, 0.6, 0.9]),
        "share_right": np.array([0.2, 0.5, 1.0]),
        "count": np.array([7, 2, 1]),
    }
    assert reliability.calibration_error(table) == pytest.approx((7 * 0 + 2 * 0.1 + 1 * 0.1) / 10)


def test_who_is_always_sure_and_half_the_time_right_has_a_calibration_error_of_a_half():
    table = reliability.reliability(np.ones(4), np.array([True, False, True, False]), n_bins=10)
    assert reliability.calibration_error(table) == 0.5


@settings(max_examples=100)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30), st.integers(2, 20))
def test_the_calibration_error_is_between_the_gap_of_the_means_and_1(pairs, n_bins):
    confidence, is_right = (np.array(values) for values in zip(*pairs, strict=True))
    error = reliability.calibration_error(reliability.reliability(confidence, is_right, n_bins=n_bins))
    # Bins cannot hide a gap that is there overall.
    assert abs(confidence.mean() - is_right.mean()) - 1e-5 <= error <= 1


def test_the_scores_of_the_pool_are_coverage_and_the_accuracy_of_machine_labels_alone():
    assert metrics.pool_scores(*pool()) == {"coverage": 0.875, "label_accuracy": 0.6}


def test_without_machine_labels_the_pool_has_no_label_accuracy():
    assert metrics.pool_scores(*seeds_only()) == {"coverage": 0.25}


def moments(n_rounds=3):
    """The moments of the pool above; a third round accepted nothing."""
    labels, _ = pool()
    of_rounds = [np.where(labels.is_machine & (labels.round <= number), labels.label, -1) for number in (1, 2, 3)]
    return metrics.moments(labels, np.array(of_rounds[:n_rounds], np.int16), history(3, 2, 0)[:n_rounds])


def history(*n_accepted):
    return [SUMMARY._replace(round=number, n_accepted=n) for number, n in enumerate(n_accepted, start=1)]


def accepted(table, *n_accepted):
    """The rows accepted in each round, of a pool without human labels."""
    labels = Labels.from_seeds(np.empty(0, int), np.empty(0, int), n_rows=len(table[0]))
    found = metrics.moments(labels, np.array(table, np.int16), history(*n_accepted))
    return [np.flatnonzero(moment.is_accepted).tolist() for moment in found]


def test_a_moment_has_the_labels_after_its_round_and_those_accepted_in_it():
    one, two, three = moments()
    assert one.machine.tolist() == [-1, -1, 0, 1, 0, -1, -1, -1]
    assert np.flatnonzero(one.is_accepted).tolist() == [2, 3, 4]
    assert two.machine.tolist() == [-1, -1, 0, 1, 0, 2, 1, -1]
    assert np.flatnonzero(two.is_accepted).tolist() == [5, 6]
    assert np.flatnonzero(two.is_machine).tolist() == [2, 3, 4, 5, 6]
    assert three.machine.tolist() == two.machine.tolist()
    assert not three.is_accepted.any()
    assert [np.flatnonzero(moment.is_human).tolist() for moment in moments()] == [[0, 1]] * 3


def test_a_round_that_gives_all_labels_anew_accepted_all_of_them():
    """Row 0 keeps its label, row 1 gets another, row 2 loses its, row 3 gets one."""
    assert accepted([[0, 0, 0, -1], [0, 1, -1, 0]], 3, 3) == [[0, 1, 2], [0, 1, 3]]


def test_a_round_that_gives_nothing_new_still_accepted_what_it_gave_again():
    assert accepted([[0, 1, -1]] * 2, 2, 2) == [[0, 1], [0, 1]]


def test_where_labels_stay_a_round_accepted_those_that_had_none():
    assert accepted([[0, 1, -1, -1], [0, 1, 2, -1], [0, 1, 2, 2]], 2, 1, 1) == [[0, 1], [2], [3]]


def test_a_round_that_passed_through_or_raised_the_alarm_accepted_nothing_though_labels_stay():
    assert accepted([[0, 1, -1]] * 3, 2, 0, 0) == [[0, 1], [], []]


def test_a_round_that_only_withdrew_accepted_nothing():
    assert accepted([[0, 1], [-1, -1], [-1, 1]], 2, 0, 1) == [[0, 1], [], [1]]


def test_an_answer_counts_from_the_round_after_the_one_that_asked():
    labels = Labels.from_seeds(np.array([0]), np.array([1]), n_rows=3)
    labels = labels.with_human_labels(np.array([2]), np.array([0]), round_number=2)
    found = metrics.moments(labels, np.full((3, 3), -1, np.int16), history(0, 0, 0))
    assert [np.flatnonzero(moment.is_human).tolist() for moment in found] == [[0], [0], [0, 2]]


def test_no_round_has_no_moment():
    assert metrics.moments(pool()[0], np.empty((0, 8), np.int16), []) == []


@pytest.mark.parametrize(
    ("number", "accepted", "so_far", "coverage"),
    [(1, 0.666667, 0.666667, 0.625), (2, 0.5, 0.6, 0.875), (3, NAN, 0.6, 0.875)],
)
def test_the_quality_after_a_round_leaves_out_what_later_rounds_did(number, accepted, so_far, coverage):
    assert metrics.round_quality(moments()[number - 1], pool()[1]) == {
        "accepted_accuracy": accepted,
        "label_accuracy": so_far,
        "coverage": coverage,
    }


def test_a_label_that_a_round_did_not_accept_is_not_judged_as_accepted():
    """Of four machine labels, all truly 0, one is not accepted, one accepted wrongly, one rightly; one row is none."""
    moment = metrics.Moment(np.int16([0, 1, -1, 0]), np.array([False, True, False, True]), np.zeros(4, bool))
    assert metrics.round_quality(moment, np.zeros(4, int)) == {
        "accepted_accuracy": 0.5,
        "label_accuracy": 0.666667,
        "coverage": 0.75,
    }
    of_classes = metrics.class_quality(moment, np.zeros(4, int), classes=CLASSES)
    assert [row["accepted_accuracy"] for row in of_classes] == [1, 0, NAN]
    assert [row["n_machine"] for row in of_classes] == [2, 1, 0]


def test_a_label_that_a_round_gives_again_is_one_of_those_it_accepted():
    """All truly 0: one right and one wrong label are given again, a right one comes, a wrong one goes."""
    labels = Labels.from_seeds(np.empty(0, int), np.empty(0, int), n_rows=4)
    table = np.int16([[0, 1, -1, 2], [0, 1, 0, -1]])
    _, moment = metrics.moments(labels, table, history(3, 3))
    assert metrics.round_quality(moment, np.zeros(4, int)) == {
        "accepted_accuracy": 0.666667,
        "label_accuracy": 0.666667,
        "coverage": 0.75,
    }


def test_the_quality_of_a_class_is_of_the_labels_that_say_it_and_of_the_images_that_are_it():
    one, two, _ = (metrics.class_quality(moment, pool()[1], classes=CLASSES) for moment in moments())
    third = 0.666667
    assert [list(row.values()) for row in two] == [
        # class, n_machine, accepted_accuracy, label_accuracy, coverage
        ["a", 2, NAN, 0.5, 1],
        ["b", 2, 0, 0.5, 1],
        ["c", 1, 1, 1, third],
    ]
    assert [list(row.values()) for row in one] == [
        ["a", 2, 0.5, 0.5, 1],
        ["b", 1, 1, 1, 1],
        ["c", 0, NAN, NAN, 0],
    ]


N_ROWS = 12
CELL = st.integers(-1, 2)


@st.composite
def runs(draw):
    """The labels at the end of some rounds, and of each round its machine labels, summary and the rows it accepted.

    Also the round that asked a person (0: a seed, 9: nobody), and the truth. A round may give nothing and change
    nothing, as one with an alarm; the others give all labels anew, or only to rows without one.
    """
    n_rounds, revises = draw(st.integers(1, 4)), draw(st.booleans())
    chosen = np.array(
        draw(st.lists(st.lists(CELL, min_size=N_ROWS, max_size=N_ROWS), min_size=n_rounds, max_size=n_rounds)), np.int16
    )
    is_idle = draw(st.lists(st.sampled_from([False, False, True]), min_size=n_rounds, max_size=n_rounds))
    asked_in = np.array(draw(st.lists(st.sampled_from([0, 1, 2, 3, 4, 9, 9, 9]), min_size=N_ROWS, max_size=N_ROWS)))
    truth = np.array(draw(st.lists(st.integers(0, 2), min_size=N_ROWS, max_size=N_ROWS)))
    asked_in[asked_in > n_rounds] = 9
    labels = Labels.from_seeds(np.flatnonzero(asked_in == 0), truth[asked_in == 0], n_rows=N_ROWS)
    table, history, given = [], [], []
    for number in range(1, n_rounds + 1):
        before, settled = labels, labels.is_human if revises else labels.is_labelled
        rows = np.flatnonzero((chosen[number - 1] != -1) & ~settled & (not is_idle[number - 1]))
        if not is_idle[number - 1]:
            give = labels.revised if revises else labels.with_machine_labels
            labels = give(rows, chosen[number - 1][rows], np.ones(len(rows)), round_number=number)
        table.append(state.machine_labels(labels))
        history.append(SUMMARY._replace(round=number, **summary.changes(before, labels, number, CLASSES)))
        given.append(set(rows.tolist()))
        asked = np.flatnonzero(asked_in == number)
        labels = labels.with_human_labels(asked, truth[asked], round_number=number)
    return labels, np.array(table), history, given, asked_in, truth


def ratio(part, whole):
    return pytest.approx(part / whole, abs=1e-6) if whole else NAN


@given(runs())
def test_the_quality_of_rounds_and_classes_is_what_counting_image_by_image_gives(run):
    labels, table, history, given, asked_in, truth = run
    found = metrics.moments(labels, table, history)
    assert len(found) == len(table)
    for number, moment in enumerate(found, start=1):
        now, accepted = table[number - 1], given[number - 1]
        assert set(np.flatnonzero(moment.is_accepted).tolist()) == accepted
        assert history[number - 1].n_accepted == len(accepted)
        counted = {}
        for row in range(N_ROWS):
            facts = {
                "says": now[row] != -1,
                "says rightly": now[row] == truth[row],
                "is accepted": row in accepted,
                "is accepted rightly": row in accepted and now[row] == truth[row],
                "is covered": now[row] != -1 or asked_in[row] < number,
            }
            for fact, holds in facts.items():
                for of in ("all", f"said {now[row]}", f"is {truth[row]}"):
                    counted[fact, of] = counted.get((fact, of), 0) + int(holds)

        def count(fact, of="all", counted=counted):
            return counted.get((fact, of), 0)

        assert metrics.round_quality(moment, truth) == {
            "accepted_accuracy": ratio(count("is accepted rightly"), count("is accepted")),
            "label_accuracy": ratio(count("says rightly"), count("says")),
            "coverage": ratio(count("is covered"), N_ROWS),
        }
        for index, found in enumerate(metrics.class_quality(moment, truth, classes=CLASSES)):
            said = f"said {index}"
            assert found == {
                "class": CLASSES[index],
                "n_machine": count("says", said),
                "accepted_accuracy": ratio(count("is accepted rightly", said), count("is accepted", said)),
                "label_accuracy": ratio(count("says rightly", said), count("says", said)),
                "coverage": ratio(count("is covered", f"is {index}"), int(np.sum(truth == index))),
            }


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
