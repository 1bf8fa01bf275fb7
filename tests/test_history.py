"""Summaries: what a round did."""

import json

import numpy as np
import pytest

from selflabel import history
from selflabel.labels import Labels

CLASSES = ("a", "b", "c")


def played():
    labels = Labels.from_seeds(np.array([0]), np.array([1]), n_rows=6)
    labels = labels.with_machine_labels(np.array([1, 2]), np.array([2, 2]), np.full(2, 0.9), round_number=1)
    return labels.with_machine_labels(np.array([3, 4]), np.array([1, 2]), np.full(2, 0.5), round_number=2)


@pytest.mark.parametrize(
    ("number", "counts"), [(1, {"a": 0, "b": 0, "c": 2}), (2, {"a": 0, "b": 1, "c": 1}), (3, dict.fromkeys("abc", 0))]
)
def test_a_summary_counts_what_its_own_round_accepted(number, counts):
    assert history.summarise(played(), number, 0.25, CLASSES) == {
        "round": number,
        "threshold": 0.25,
        "n_accepted": sum(counts.values()),
        "accepted_per_class": counts,
        "n_remaining": 1,
        "stop": "no",
    }


def test_the_rounds_stop_once_no_row_is_without_a_label():
    full = played().with_machine_labels(np.array([5]), np.array([0]), np.ones(1), round_number=3)
    summary = history.summarise(full, 3, 0.25, CLASSES)
    assert (summary["n_remaining"], summary["stop"]) == (0, "pool_empty")


def test_a_summary_is_plain_json():
    summary = history.summarise(played(), 2, 0.25, CLASSES)
    assert json.loads(json.dumps(summary)) == summary


def test_a_sentence_gives_threshold_accepted_and_remaining():
    summary = {"threshold": 0.30, "n_accepted": 12345, "n_remaining": 0}
    assert history.sentence(summary) == "threshold 0.3, 12,345 accepted, 0 without a label"
