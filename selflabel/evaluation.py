"""The contents of the metrics: what evaluate writes, as plain values and columns."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from selflabel import metrics
from selflabel.labels import Labels
from selflabel.state import State


class Baseline(NamedTuple):
    """What a baseline leaves: classes it gave to the test images, int16 (M,), and how many true labels it used."""

    test_labels: np.ndarray
    human_labels: int


def report(
    labels: Labels,
    predicted: np.ndarray,
    baselines: Mapping[str, Baseline],
    pool_truth: np.ndarray,
    test_truth: np.ndarray,
    *,
    classes: Sequence[str],
) -> dict:
    """Return the figures of metrics/evaluate.json.

    ``predicted``: int (M,), classes given to the test images. ``pool_truth``: int (N,). ``test_truth``: int (M,).
    All shares in [0, 1].
    """
    return {
        "test": metrics.scores(test_truth, predicted, classes=classes),
        "pool": metrics.pool_scores(labels, pool_truth),
        "human_labels": int(np.sum(labels.is_labelled & ~labels.is_machine)),
        "baselines": {
            name: metrics.scores(test_truth, baseline.test_labels, classes=classes)
            | {"human_labels": baseline.human_labels}
            for name, baseline in baselines.items()
        },
    }


def tables(
    final: State,
    probabilities: np.ndarray,
    baselines: Mapping[str, Baseline],
    pool_truth: np.ndarray,
    test_truth: np.ndarray,
    *,
    classes: Sequence[str],
    n_bins: int,
) -> dict[str, dict]:
    """Return the columns of the tables in metrics/, by file name without ending.

    ``probabilities``: float (M, n_classes), of the test images. The others as in ``report``.
    """
    predicted = probabilities.argmax(axis=1)
    numbers = [summary["round"] for summary in final.history]
    return {
        "per_class": metrics.per_class(test_truth, predicted, classes=classes)
        | _last_round_per_class(final.labels, pool_truth, numbers[-1], classes),
        "baselines_per_class": _baselines_per_class(baselines, test_truth, classes),
        "confusion_matrix": _confusion_matrix(test_truth, predicted, classes),
        "rounds": metrics.to_table(_rounds(final, pool_truth, test_truth, classes)),
        "rounds_per_class": metrics.to_table(
            [
                row
                for number in numbers
                for row in metrics.class_quality(final.labels, pool_truth, number, classes=classes)
            ]
        ),
        "reliability": _reliability(final.labels, probabilities, pool_truth, test_truth, n_bins),
    }


def mistakes_table(labels: Labels, truth: np.ndarray, rows: np.ndarray, *, classes: Sequence[str]) -> dict:
    """Return columns round, row, confidence, label, truth of some wrongly labelled rows."""
    names = np.array(classes)
    return {
        "round": labels.round[rows],
        "row": rows,
        "confidence": labels.confidence[rows],
        "label": names[labels.label[rows]],
        "truth": names[truth[rows]],
    }


def _rounds(final: State, pool_truth: np.ndarray, test_truth: np.ndarray, classes: Sequence[str]) -> list[dict]:
    rows = []
    for summary, predicted in zip(final.history, final.test_labels, strict=True):
        quality = metrics.round_quality(final.labels, pool_truth, summary["round"])
        scores = metrics.scores(test_truth, predicted, classes=classes)
        rows.append(
            {name: summary[name] for name in ("round", "threshold", "n_accepted", "n_remaining")}
            | quality
            | {f"test_{name}": value for name, value in scores.items()}
            | {"stop": summary["stop"]}
        )
    return rows


def _last_round_per_class(labels: Labels, truth: np.ndarray, number: int, classes: Sequence[str]) -> dict:
    columns = metrics.to_table(metrics.class_quality(labels, truth, number, classes=classes))
    return {name: columns[name] for name in ("n_machine", "label_accuracy", "coverage")}


def _baselines_per_class(baselines: Mapping[str, Baseline], truth: np.ndarray, classes: Sequence[str]) -> dict:
    parts = [metrics.per_class(truth, predicted, classes=classes) for predicted, _ in baselines.values()]
    names = np.repeat(list(baselines), len(classes))
    return {"baseline": names} | {column: np.concatenate([part[column] for part in parts]) for column in parts[0]}


def _confusion_matrix(truth: np.ndarray, predicted: np.ndarray, classes: Sequence[str]) -> dict:
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (truth, predicted), 1)
    return {"actual": list(classes)} | dict(zip(classes, counts.T, strict=True))


def _reliability(
    labels: Labels, probabilities: np.ndarray, pool_truth: np.ndarray, test_truth: np.ndarray, n_bins: int
) -> dict:
    rows = np.flatnonzero(labels.is_machine)
    parts = {
        "machine labels": (labels.confidence[rows], (labels.label == pool_truth)[rows]),
        "test images": (probabilities.max(axis=1), probabilities.argmax(axis=1) == test_truth),
    }
    found = {name: metrics.reliability(values, is_right, n_bins=n_bins) for name, (values, is_right) in parts.items()}
    names = [name for name, part in found.items() for _ in part["count"]]
    first = next(iter(found.values()))
    return {"of": names} | {column: np.concatenate([part[column] for part in found.values()]) for column in first}
