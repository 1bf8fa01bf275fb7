"""A run of three rounds over eight images, as the final table, the queue and the export see it."""

import numpy as np
import pytest
from examples import SUMMARY

from selflabel.labels import answers, state
from selflabel.labels import table as labels
from selflabel.labels.answers import Decision
from selflabel.labels.classes import Classes
from selflabel.labels.questions import Questions

CLASSES = Classes(["Coat", "Shirt"])
HASHES = np.array([f"h{row}" for row in range(8)], object)
NAN = pytest.approx(np.nan, nan_ok=True)
DECISIONS = {2: Decision("answered", 1, "ann;bob", "Shirt 2, Coat 1"), 4: Decision("tied", votes="Coat 1, Shirt 1")}


def summary(number, rule="linear", threshold=None, class_thresholds=None):
    return SUMMARY._replace(round=number, rule=rule, threshold=threshold, class_thresholds=class_thresholds)


def machine(before, rows, given, number):
    sure = np.full(len(rows), 0.5 + number / 16)
    return before.revised(np.array(rows), np.array(given), sure, sure / 2, round_number=number)


def final(*summaries):
    """Rows 0–1 seeds; 2–4 asked about in round 1, 2 answered, 3 open, 4 tied; 5–7 by machine as below; 3 in round 2.

    Row 5 keeps its class over rounds 1 to 3, row 6 gets another in round 2, row 7 has one in round 1 alone.
    """
    first = labels.Labels.from_seeds(np.array([0, 1]), np.array([0, 1]), n_rows=8)
    one = machine(first, [5, 6, 7], [0, 0, 1], 1)
    asked = Questions([2, 4, 3], ["margin", "random", "margin"])
    before = state.first(first)._replace(
        labels=one, history=[SUMMARY], machine_labels=state.machine_labels(one)[None], questions=asked
    )
    before = before.answered(answers.look_up(asked.row, asked.row.tolist(), DECISIONS))
    two = machine(before.labels, [3, 5, 6], [0, 0, 1], 2)
    three = machine(two, [5, 6], [0, 1], 3)
    summaries = summaries or (summary(1, threshold=0.75), summary(2, threshold=0.5), summary(3, threshold=0.25))
    return before._replace(
        labels=three,
        history=list(summaries),
        machine_labels=np.stack([state.machine_labels(each) for each in (one, two, three)]),
    )
