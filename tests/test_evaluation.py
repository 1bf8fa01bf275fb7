"""The contents of the metrics, on a pool of six images whose figures one can count."""

import json

import numpy as np
import pytest

from selflabel import evaluation, files, history
from selflabel.evaluation import Baseline
from selflabel.labels import Labels
from selflabel.state import State

CLASSES = ("a", "b")
POOL_TRUTH = np.int16([0, 1, 0, 1, 0, 1])
TEST_TRUTH = np.int16([0, 0, 1, 1])
PROBABILITIES = np.float32([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7]])
BASELINES = {"few": Baseline(np.int16([0, 1, 0, 1]), 2), "all": Baseline(TEST_TRUTH, 6)}


def final(n_rounds=2):
    """Rows 0–1 given, row 2 rightly labelled in round 1, row 3 wrongly in round 2, the others without a label."""
    labels = Labels.from_seeds(np.array([0, 1]), POOL_TRUTH[:2], n_rows=6)
    summaries = []
    for number, row in ((1, 2), (2, 3))[:n_rounds]:
        labels = labels.with_machine_labels(np.array([row]), np.array([0]), np.array([0.75]), round_number=number)
        summaries.append(history.summarise(labels, number, 0.5, CLASSES))
    return State(labels, summaries, np.int16([[0, 0, 0, 0], [0, 1, 1, 1]])[:n_rounds])


def no_machine_labels():
    labels = Labels.from_seeds(np.array([0, 1]), POOL_TRUTH[:2], n_rows=6)
    return State(labels, [history.summarise(labels, 1, 0.5, CLASSES)], np.int16([[0, 1, 1, 1]]))


def tables(state=None, baselines=BASELINES, n_bins=2):
    return evaluation.tables(
        state or final(), PROBABILITIES, baselines, POOL_TRUTH, TEST_TRUTH, classes=CLASSES, n_bins=n_bins
    )


def plain(columns):
    return {name: np.asarray(column).tolist() for name, column in columns.items()}


def report(labels):
    return evaluation.report(labels, PROBABILITIES.argmax(axis=1), BASELINES, POOL_TRUTH, TEST_TRUTH, classes=CLASSES)


def test_the_report_has_the_test_images_the_pool_the_cost_and_the_baselines():
    assert report(final().labels) == {
        "test": {"accuracy": 0.75, "macro_f1": pytest.approx((2 / 3 + 4 / 5) / 2, abs=1e-6)},
        "pool": {"coverage": 0.666667, "label_accuracy": 0.5},
        "human_labels": 2,
        "baselines": {
            "few": {"accuracy": 0.5, "macro_f1": 0.5, "human_labels": 2},
            "all": {"accuracy": 1, "macro_f1": 1, "human_labels": 6},
        },
    }


@pytest.mark.parametrize("state", [final(), no_machine_labels()], ids=["machine labels", "none"])
def test_the_report_can_be_written_as_json(state):
    text = json.dumps(report(state.labels), allow_nan=False)
    assert json.loads(text) == report(state.labels)


def test_the_table_of_rounds_judges_each_round_by_itself():
    assert plain(tables()["rounds"]) == {
        "round": [1, 2],
        "threshold": [0.5, 0.5],
        "n_accepted": [1, 1],
        "n_remaining": [3, 2],
        "accepted_accuracy": [1, 0],
        "label_accuracy": [1, 0.5],
        "coverage": [0.5, 0.666667],
        "test_accuracy": [0.5, 0.75],
        "test_macro_f1": pytest.approx([1 / 3, 11 / 15], abs=2e-6),
        "stop": ["no", "no"],
    }


def test_a_round_that_only_passed_by_is_a_line_without_a_threshold():
    state = final().passed_through(3)
    rounds = plain(tables(state)["rounds"])
    assert rounds["round"] == [1, 2, 3]
    assert rounds["threshold"] == [0.5, 0.5, None]
    assert rounds["label_accuracy"][2] == rounds["label_accuracy"][1]


def test_the_table_of_classes_joins_test_images_and_pool():
    assert plain(tables()["per_class"]) == {
        "class": ["a", "b"],
        "precision": [1, 0.666667],
        "recall": [0.5, 1],
        "f1": [0.666667, 0.8],
        "support": [2, 2],
        "n_machine": [2, 0],
        "label_accuracy": [0.5, pytest.approx(np.nan, nan_ok=True)],
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


@pytest.mark.parametrize("state", [final(), no_machine_labels()], ids=["machine labels", "none"])
def test_every_table_can_be_written_and_read(tmp_path, state):
    for name, columns in tables(state).items():
        files.write_table(tmp_path / f"{name}.csv", columns)
        found = files.read_table(tmp_path / f"{name}.csv")
        assert list(found) == list(columns)
        assert {len(column) for column in found.values()} == {len(columns[next(iter(columns))])}


def test_the_truth_of_the_pool_has_no_influence_on_the_figures_of_the_test_images():
    one = evaluation.tables(final(), PROBABILITIES, BASELINES, 1 - POOL_TRUTH, TEST_TRUTH, classes=CLASSES, n_bins=2)
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
