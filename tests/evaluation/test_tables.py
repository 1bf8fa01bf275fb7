"""The contents of the metrics, on a pool of six images whose figures one can count."""

import json

import numpy as np
import pytest
from examples import SUMMARY

from selflabel import files
from selflabel.evaluation import tables as evaluation
from selflabel.evaluation.tables import Baseline, Truth
from selflabel.labels import state
from selflabel.labels.classes import Classes
from selflabel.labels.table import Labels

CLASSES = Classes(["a", "b"])
POOL_TRUTH = np.int16([0, 1, 0, 1, 0, 1])
TEST_TRUTH = np.int16([0, 0, 1, 1])
PROBABILITIES = np.float32([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7]])
TRUTH = Truth(POOL_TRUTH, TEST_TRUTH)
BASELINES = {"few": Baseline(np.int16([0, 1, 0, 1]), 2), "all": Baseline(TEST_TRUTH, 6)}


NAN = pytest.approx(np.nan, nan_ok=True)
SHOWN = {"low": [0.5], "high": [1.0], "count": [2], "mean_confidence": [0.75], "share_right": [0.5]}


def summary(number, n_accepted=1, reliability=None, **more):
    parts = {"round": number, "threshold": 0.5, "n_accepted": n_accepted, "reliability": reliability}
    return SUMMARY._replace(**parts | more)


def played(seeds, *rounds):
    """The state after rounds that left these labels."""
    return state.first(seeds)._replace(
        labels=rounds[-1] if rounds else seeds,
        history=[
            summary(number, n_accepted=int(np.sum(labels.is_machine & (labels.confirmed == number))))
            for number, labels in enumerate(rounds, start=1)
        ],
        test_labels=np.int16([[0, 0, 0, 0], [0, 1, 1, 1]])[: len(rounds)],
        machine_labels=np.array([state.machine_labels(labels) for labels in rounds]),
    )


def final():
    """Rows 0–1 given, row 2 rightly labelled in round 1, row 3 wrongly in round 2, the others without a label."""
    seeds = Labels.from_seeds(np.array([0, 1]), POOL_TRUTH[:2], n_rows=6)
    one = seeds.with_machine_labels(np.array([2]), np.array([0]), np.array([0.75]), round_number=1)
    return played(seeds, one, one.with_machine_labels(np.array([3]), np.array([0]), np.array([0.75]), round_number=2))


def no_machine_labels():
    seeds = Labels.from_seeds(np.array([0, 1]), POOL_TRUTH[:2], n_rows=6)
    return played(seeds, seeds)


def with_an_answer():
    """As the first, but somebody answered in round 1 what row 3 is."""
    given = final()
    one = Labels.from_seeds(np.array([0, 1]), POOL_TRUTH[:2], n_rows=6)
    one = one.with_machine_labels(np.array([2]), np.array([0]), np.array([0.75]), round_number=1)
    return given._replace(
        labels=one.with_human_labels(np.array([3]), np.array([1]), round_number=1),
        history=[summary(1), summary(2, n_accepted=0)],
        machine_labels=np.stack([state.machine_labels(one)] * 2),
    )


def revising():
    """As the first, but round 2 gives the label of row 2 again, and keeps the wrong one of row 3."""
    seeds = Labels.from_seeds(np.array([0, 1]), POOL_TRUTH[:2], n_rows=6)
    one = seeds.revised(np.array([2]), np.array([0]), np.array([0.75]), round_number=1)
    given = played(seeds, one, one.revised(np.array([2, 3]), np.array([0, 0]), np.full(2, 0.75), round_number=2))
    return given._replace(history=[summary(1, n_new=1), summary(2, n_accepted=2, n_new=1)])


def tables(given=None, baselines=BASELINES, n_bins=2):
    return evaluation.tables(given or final(), PROBABILITIES, baselines, TRUTH, classes=CLASSES, n_bins=n_bins)


def plain(columns):
    return {name: np.asarray(column).tolist() for name, column in columns.items()}


def report(given, n_bins=2):
    return evaluation.report(given, PROBABILITIES, BASELINES, TRUTH, classes=CLASSES, n_bins=n_bins)


def test_the_report_has_the_test_images_the_pool_the_cost_and_the_baselines():
    assert report(final()) == {
        # The classifier is 0.75 sure on average and right in three of four.
        "test": {"accuracy": 0.75, "macro_f1": pytest.approx((2 / 3 + 4 / 5) / 2, abs=1e-6), "calibration_error": 0},
        "pool": {"coverage": 0.666667, "label_accuracy": 0.5},
        "human_labels": 2,
        "baselines": {
            "few": {"accuracy": 0.5, "macro_f1": 0.5, "human_labels": 2},
            "all": {"accuracy": 1, "macro_f1": 1, "human_labels": 6},
        },
    }


def test_the_calibration_error_of_the_test_images_is_over_as_many_bins_as_asked_for():
    # Of three bins the middle one has 0.6, wrong, the last 0.9, 0.8 and 0.7, right.
    assert report(final(), n_bins=3)["test"]["calibration_error"] == pytest.approx((0.6 + 3 * 0.2) / 4)


def test_every_label_of_a_person_counts_seeds_and_answers():
    assert report(with_an_answer())["human_labels"] == 3


EACH = pytest.mark.parametrize("make", [final, no_machine_labels, with_an_answer, revising])


@EACH
def test_the_report_can_be_written_as_json(make):
    text = json.dumps(report(make()), allow_nan=False)
    assert json.loads(text) == report(make())


def test_the_table_of_rounds_judges_each_round_by_itself_and_has_what_its_summary_says():
    found = plain(tables()["rounds"])
    of_the_truth = {
        "accepted_accuracy": [1, 0],
        "label_accuracy": [1, 0.5],
        "coverage": [0.5, 0.666667],
        "test_accuracy": [0.5, 0.75],
        "test_macro_f1": pytest.approx([1 / 3, 11 / 15], abs=2e-6),
    }
    assert {name: found[name] for name in of_the_truth} == of_the_truth
    of_the_summaries = {name: column for name, column in found.items() if name not in of_the_truth}
    assert list(of_the_summaries) == [*evaluation.OF_A_ROUND, "stop"]
    assert of_the_summaries == {name: [getattr(given, name) for given in final().history] for name in of_the_summaries}
    assert list(found) == [*evaluation.OF_A_ROUND, *of_the_truth, "stop"]


def test_the_table_of_rounds_tells_all_labels_given_from_those_that_are_new():
    found = plain(tables(revising())["rounds"])
    names = list(found)
    assert names[names.index("n_accepted") + 1] == "n_new"
    assert (found["n_accepted"], found["n_new"]) == ([1, 2], [1, 1])
    assert found["accepted_accuracy"] == found["label_accuracy"] == [1, 0.5]
    assert plain(tables(revising())["rounds_per_class"])["accepted_accuracy"] == [1, NAN, 0.5, NAN]


def test_a_round_that_accepted_nothing_is_not_judged_by_the_labels_of_others():
    given = revising()
    given = given._replace(
        history=[given.history[0], summary(2, n_accepted=0)], machine_labels=given.machine_labels[[0, 0]]
    )
    found = plain(tables(given)["rounds"])
    assert found["accepted_accuracy"] == [1, NAN]
    assert found["label_accuracy"] == [1, 1]


def test_an_answer_covers_its_image_from_the_round_after_the_one_that_asked():
    assert plain(tables(with_an_answer())["rounds"])["coverage"] == [0.5, 0.666667]


def test_a_round_that_only_passed_by_is_a_line_without_a_threshold():
    rounds = plain(tables(final().passed_through(3))["rounds"])
    assert rounds["round"] == [1, 2, 3]
    assert rounds["threshold"] == [0.5, 0.5, None]
    assert rounds["label_accuracy"][2] == rounds["label_accuracy"][1]
    assert rounds["accepted_accuracy"][2] == NAN
    assert (rounds["n_accepted"][2], rounds["n_new"][2]) == (0, 0)
    assert rounds["calibration_error"][2] is None


def test_a_round_that_only_passed_by_has_no_reliability_of_its_own():
    given = final()._replace(history=[summary(1), summary(2, reliability=SHOWN)]).passed_through(3)
    assert plain(tables(given)["calibration"])["round"] == [2]


def test_the_reliability_of_each_round_out_of_fold_is_a_table_of_its_own():
    given = final()
    more = {"low": [0, 0.5], "high": [0.5, 1], "count": [1, 3], "mean_confidence": [0.3, 0.8], "share_right": [0, 1]}
    given = given._replace(history=[summary(1, reliability=SHOWN), summary(2, reliability=more)])
    assert plain(tables(given)["calibration"]) == {
        "round": [1, 2, 2],
        "low": [0.5, 0, 0.5],
        "high": [1, 0.5, 1],
        "count": [2, 1, 3],
        "mean_confidence": [0.75, 0.3, 0.8],
        "share_right": [0.5, 0, 1],
    }


def test_without_folds_that_table_has_its_columns_and_no_rows():
    assert plain(tables()["calibration"]) == {name: [] for name in ("round", *SHOWN)}


def test_the_table_of_classes_joins_test_images_and_pool():
    assert plain(tables()["per_class"]) == {
        "class": ["a", "b"],
        "precision": [1, 0.666667],
        "recall": [0.5, 1],
        "f1": [0.666667, 0.8],
        "support": [2, 2],
        "n_machine": [2, 0],
        "label_accuracy": [0.5, NAN],
        "coverage": [0.666667, 0.666667],
    }


def test_the_table_of_classes_over_rounds_has_a_line_for_each_of_both():
    columns = plain(tables()["rounds_per_class"])
    assert list(zip(columns["round"], columns["class"], columns["n_machine"], strict=True)) == [
        (1, "a", 1), (1, "b", 0), (2, "a", 2), (2, "b", 0),
    ]  # fmt: skip


def test_the_confusion_matrix_has_true_classes_as_lines_and_predicted_ones_as_columns():
    assert plain(tables()["confusion_matrix"]) == {"actual": ["a", "b"], "a": [1, 0], "b": [1, 2]}


def test_the_table_of_baselines_has_the_classes_of_each():
    columns = plain(tables()["baselines_per_class"])
    assert columns["baseline"] == ["few", "few", "all", "all"]
    assert columns["class"] == ["a", "b"] * 2
    assert columns["recall"] == [0.5, 0.5, 1, 1]


def test_reliability_is_of_machine_labels_and_of_test_images():
    assert plain(tables()["reliability"]) == {
        "of": ["machine labels", "test images"],
        "low": [0.5, 0.5],
        "high": [1, 1],
        "count": [2, 4],
        "mean_confidence": [0.75, 0.75],
        "share_right": [0.5, 0.75],
    }


def test_without_machine_labels_reliability_is_of_test_images_alone():
    assert set(tables(no_machine_labels())["reliability"]["of"]) == {"test images"}


@EACH
def test_every_table_can_be_written_and_read(tmp_path, make):
    for name, columns in tables(make()).items():
        files.write_table(tmp_path / f"{name}.csv", columns)
        found = files.read_table(tmp_path / f"{name}.csv")
        assert list(found) == list(columns)
        assert {len(column) for column in found.values()} == {len(columns[next(iter(columns))])}


def test_the_truth_of_the_pool_has_no_influence_on_the_figures_of_the_test_images():
    other_pool = Truth(1 - POOL_TRUTH, TEST_TRUTH)
    one = evaluation.tables(final(), PROBABILITIES, BASELINES, other_pool, classes=CLASSES, n_bins=2)
    other = tables()
    for name in ("confusion_matrix", "baselines_per_class"):
        assert plain(one[name]) == plain(other[name])
    assert one["rounds"]["test_accuracy"] == other["rounds"]["test_accuracy"]
    assert one["rounds"]["label_accuracy"] != other["rounds"]["label_accuracy"]


def test_a_table_of_mistakes_names_the_classes():
    assert plain(evaluation.mistakes_table(final().labels, POOL_TRUTH, np.array([3]), classes=CLASSES)) == {
        "round": [2],
        "row": [3],
        "confidence": [0.75],
        "label": ["a"],
        "truth": ["b"],
    }


def test_a_table_of_no_mistakes_has_its_columns():
    columns = plain(evaluation.mistakes_table(final().labels, POOL_TRUTH, np.empty(0, int), classes=CLASSES))
    assert columns == {"round": [], "row": [], "confidence": [], "label": [], "truth": []}


def test_what_is_true_of_the_certificate_is_told_of_the_frozen_labels():
    """Rows 2 and 3 by machine, 3 wrong; after the audit people have labelled it, and row 4 wrongly."""
    audited = {
        "label": np.int16([0, 1, 0, 1, 1, -1]),
        "origin": np.array(["seed", "seed", "machine", "human", "human", "none"]),
        "certified": np.array([False, False, True, True, False, False]),
    }  # fmt: skip
    found = evaluation.certificate(final(), audited, POOL_TRUTH)
    assert found == {"whole_error": 0.5, "certified_error": 0.5, "all_error": 0.2}
    audited["certified"][:] = False
    assert "certified_error" not in evaluation.certificate(final(), audited, POOL_TRUTH)
    assert evaluation.certificate(no_machine_labels(), audited, POOL_TRUTH).keys() == {"all_error"}


# Without a truth, without test images: absent, and not 0.

UNKNOWN = Truth(None, TEST_TRUTH[:0])
NOTHING = np.empty((0, 2), np.float32)


def test_without_truth_and_test_images_only_what_is_known_is_reported():
    given = final()
    given = given._replace(history=[given.history[0]._replace(reliability=SHOWN), given.history[1]])
    found = evaluation.report(given, NOTHING, {}, UNKNOWN, classes=CLASSES, n_bins=2)
    assert found == {"pool": {"coverage": 0.666667}, "human_labels": 2, "out_of_fold": {"accuracy": 0.5, "n": 2}}


def test_without_folds_nothing_stands_in_place_of_the_test_images():
    found = evaluation.report(final(), NOTHING, {}, UNKNOWN, classes=CLASSES, n_bins=2)
    assert found.keys() == {"pool", "human_labels"}


def test_test_images_are_judged_where_nobody_knows_the_truth_of_the_pool():
    found = evaluation.report(final(), PROBABILITIES, BASELINES, Truth(None, TEST_TRUTH), classes=CLASSES, n_bins=2)
    assert found == report(final()) | {"pool": {"coverage": 0.666667}}


@EACH
def test_without_truth_no_table_has_a_column_or_a_row_that_needs_one(tmp_path, make):
    given = make()
    given = given._replace(test_labels=given.test_labels[:, :0])
    found = evaluation.tables(given, NOTHING, {}, UNKNOWN, classes=CLASSES, n_bins=2)
    known = {name: plain(columns) for name, columns in tables(make()).items()}
    for name in ("confusion_matrix", "baselines_per_class", "reliability"):
        assert list(found[name]) == list(known[name])
        assert {len(column) for column in found[name].values()} == {0}
    for name in ("per_class", "rounds", "rounds_per_class"):
        told = plain(found[name])
        assert told == {column: known[name][column] for column in told} or name == "rounds"
        assert not [column for column in told if "accuracy" in column or column.startswith("test_")]
    assert plain(found["rounds"])["coverage"] == pytest.approx(known["rounds"]["coverage"])
    for name, columns in found.items():
        files.write_table(tmp_path / f"{name}.csv", columns)
        assert list(files.read_table(tmp_path / f"{name}.csv")) == list(columns)
