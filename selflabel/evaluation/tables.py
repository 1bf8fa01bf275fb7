"""Compute the metrics that `evaluate` writes, as plain values and columns.

What needs a truth that nobody knows, or test images that there are not, is left out, and never 0.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from selflabel.audit import draw
from selflabel.evaluation import metrics
from selflabel.labels.classes import Classes
from selflabel.labels.history import RoundSummary
from selflabel.labels.state import State
from selflabel.labels.table import Labels, is_complete
from selflabel.models import reliability
from selflabel.rounding import DECIMALS

# What metrics/rounds.csv takes over from the summaries.
OF_A_ROUND = (
    "round", "rule", "threshold", "n_accepted", "n_new", "n_flipped", "n_withdrawn", "n_remaining", "human_labels",
    "n_questions", "claimed_precision", "shown_precision", "n_shown", "calibration_error", "kappa",
)  # fmt: skip


# What metrics/per_class.csv takes over from the last round's.
OF_A_CLASS = ("class", "n_machine", "label_accuracy", "coverage")


class Truth(NamedTuple):
    """The known true labels: int (N,) of the pool, None if not of every image; int (M,) of test images."""

    pool: np.ndarray | None
    test: np.ndarray

    @classmethod
    def of(cls, pool: np.ndarray, test: np.ndarray) -> Self:
        """Return the truth of these labels, in which −1 is not known."""
        return cls(pool if is_complete(pool) else None, test)


class Run(NamedTuple):
    """The output of a run: its ``final`` state; ``probabilities``, float (M, n_classes), of the test images.

    ``audited``: the table data/audit/labels.arrow.
    """

    final: State
    probabilities: np.ndarray
    audited: Mapping[str, np.ndarray]


class Evaluation(NamedTuple):
    """The content of metrics/evaluate.json, and columns by file name: of metrics/, and of the details."""

    report: dict[str, Any]
    tables: dict[str, dict[str, Any]]
    details: dict[str, dict[str, Any]]


class Baseline(NamedTuple):
    """The output of a baseline: classes it gave to the test images, int16 (M,), and how many true labels it used."""

    test_labels: np.ndarray
    human_labels: int


def evaluate(
    run: Run,
    baselines: Mapping[str, Baseline],
    truth: Truth,
    *,
    classes: Classes,
    n_bins: int,
    mistakes_per_round: int,
    released: tuple[Labels, np.ndarray] | None = None,
) -> Evaluation:
    """Return all that the truth says of a run.

    ``released``: the labels that the classifier gave anew after the audit, and its test ``probabilities``.
    """
    final, probabilities, audited = run
    # Where nothing leaked, nobody was asked, or no truth is known, there is no such control.
    baselines = {name: baseline for name, baseline in baselines.items() if baseline.human_labels}
    report_of_run = report(final, probabilities, baselines, truth, classes=classes, n_bins=n_bins)
    # Of what nobody knows there is no mistake to show.
    known = final.labels.label if truth.pool is None else truth.pool
    rows = metrics.confident_mistakes(final.labels, known, per_round=mistakes_per_round)
    if truth.pool is not None:
        report_of_run["certificate"] = certificate(final, audited, truth.pool)
    if released:
        report_of_run |= released_report(*released, truth)
    return Evaluation(
        report_of_run,
        tables(final, probabilities, baselines, truth, classes=classes, n_bins=n_bins),
        {
            "mistakes": mistakes_table(final.labels, known, rows, classes=classes),
            "confusion": {
                "actual": classes.names(truth.test),
                "predicted": classes.names(probabilities.argmax(axis=1)),
            },
        },
    )


def report(
    final: State,
    probabilities: np.ndarray,
    baselines: Mapping[str, Baseline],
    truth: Truth,
    *,
    classes: Sequence[str],
    n_bins: int,
) -> dict[str, Any]:
    """Return the figures of metrics/evaluate.json.

    ``probabilities``: float (M, n_classes), of the test images. ``n_bins``: of the calibration error. All shares in
    [0, 1]. Without test images out_of_fold stands in place of test and baselines.
    """
    common = {
        "pool": metrics.pool_scores(final.labels, truth.pool),
        "human_labels": int(np.sum(final.labels.is_human)),
    }
    if not len(truth.test):
        return common | _out_of_fold(final.history)
    predicted = probabilities.argmax(axis=1)
    table = reliability.reliability(probabilities.max(axis=1), predicted == truth.test, n_bins=n_bins)
    return common | {
        "test": metrics.scores(truth.test, predicted, classes=classes)
        | {"calibration_error": reliability.calibration_error(table)},
        "baselines": {
            name: metrics.scores(truth.test, baseline.test_labels, classes=classes)
            | {"human_labels": baseline.human_labels}
            for name, baseline in baselines.items()
        },
    }


def _out_of_fold(history: Sequence[RoundSummary]) -> dict[str, Any]:
    """Return accuracy and number of the human-given labels that were no choice of a strategy, out of fold."""
    shown = [summary.reliability for summary in history if summary.reliability and summary.reliability["count"]]
    if not shown:
        return {}
    count = shown[-1]["count"]
    accuracy = round(float(np.average(shown[-1]["share_right"], weights=count)), DECIMALS)
    return {"out_of_fold": {"accuracy": accuracy, "n": sum(count)}}


def certificate(final: State, audited: Mapping[str, np.ndarray], pool_truth: np.ndarray) -> dict[str, Any]:
    """Return what is true of what the certificate promises, as far as there are such labels: shares wrong, in [0, 1].

    ``final``: the frozen labels; ``audited``: the table data/audit/labels.arrow, in which people may have labelled the
    rest. whole_error: of the machine labels about which nobody was asked; certified_error: of the certified ones;
    all_error: of the whole data set, as it is after the audit.
    """
    targets = draw.targets(final.labels, final.asked.row)
    is_wrong, has_label = final.labels.label != pool_truth, audited["origin"] != "none"
    parts = {
        "whole_error": (is_wrong, np.isin(np.arange(len(is_wrong)), targets)),
        "certified_error": (is_wrong, np.asarray(audited["certified"], bool)),
        "all_error": (audited["label"] != pool_truth, has_label),
    }
    return {name: metrics.share(wrong, part) for name, (wrong, part) in parts.items() if part.any()}


def released_report(labels: Labels, probabilities: np.ndarray, truth: Truth) -> dict[str, Any]:
    """Return what is true of labels that the classifier gave anew after the audit, as far as it is known.

    ``probabilities``: float (M, n_classes), of the test images.
    """
    scores = metrics.pool_scores(labels, truth.pool)
    if len(truth.test):
        scores["accuracy"] = metrics.accuracy(truth.test, probabilities.argmax(axis=1))
    return {"released": scores}


def tables(
    final: State,
    probabilities: np.ndarray,
    baselines: Mapping[str, Baseline],
    truth: Truth,
    *,
    classes: Sequence[str],
    n_bins: int,
) -> dict[str, dict[str, Any]]:
    """Return the columns of the tables in metrics/, by file name without ending.

    ``probabilities``: float (M, n_classes), of the test images. The others as in ``report``. Without test images the
    tables about them have no rows.
    """
    predicted = probabilities.argmax(axis=1)
    numbers = [summary.round for summary in final.history]
    moments = metrics.moments(final.labels, final.machine_labels, final.history)
    of_classes = [metrics.class_quality(moment, truth.pool, classes=classes) for moment in moments]
    last = metrics.to_table(of_classes[-1])
    of_test = metrics.per_class(truth.test, predicted, classes=classes) if len(truth.test) else {}
    return {
        "per_class": of_test | {name: last[name] for name in OF_A_CLASS if name in last},
        "baselines_per_class": _baselines_per_class(baselines, truth.test, classes),
        "calibration": _calibration(final.history),
        "confusion_matrix": _confusion_matrix(truth.test, predicted, classes),
        "rounds": metrics.to_table(_rounds(final, moments, truth, classes)),
        "rounds_per_class": metrics.to_table(
            [{"round": number} | row for number, rows in zip(numbers, of_classes, strict=True) for row in rows]
        ),
        "reliability": _reliability(final.labels, probabilities, truth, n_bins),
    }


def mistakes_table(labels: Labels, truth: np.ndarray, rows: np.ndarray, *, classes: Sequence[str]) -> dict[str, Any]:
    """Return columns round, row, confidence, label, truth of some wrongly labelled rows."""
    names = np.array(classes)
    return {
        "round": labels.round[rows],
        "row": rows,
        "confidence": labels.confidence[rows],
        "label": names[labels.label[rows]],
        "truth": names[truth[rows]],
    }


def _rounds(
    final: State,
    moments: Sequence[metrics.Moment],
    truth: Truth,
    classes: Sequence[str],
) -> list[dict[str, Any]]:
    rows = []
    for summary, predicted, moment in zip(final.history, final.test_labels, moments, strict=True):
        scores = metrics.scores(truth.test, predicted, classes=classes) if len(truth.test) else {}
        rows.append(
            {name: getattr(summary, name) for name in OF_A_ROUND}
            | metrics.round_quality(moment, truth.pool)
            | {f"test_{name}": value for name, value in scores.items()}
            | {"stop": summary.stop}
        )
    return rows


def _calibration(history: Sequence[RoundSummary]) -> dict[str, Any]:
    """Return each round's reliability of the human-given labels out of fold, as columns; no rows without folds."""
    columns = ("low", "high", "count", "mean_confidence", "share_right")
    tables = [(summary.round, summary.reliability) for summary in history if summary.reliability]
    rounds = [number for number, table in tables for _ in table["count"]]
    return {"round": rounds} | {name: [value for _, table in tables for value in table[name]] for name in columns}


def _baselines_per_class(
    baselines: Mapping[str, Baseline], truth: np.ndarray, classes: Sequence[str]
) -> dict[str, Any]:
    parts = [metrics.per_class(truth, predicted, classes=classes) for predicted, _ in baselines.values()]
    names = np.repeat(list(baselines), len(classes))
    columns = parts[0] if parts else ("class", "precision", "recall", "f1", "support")
    empty = [np.empty(0)]
    return {"baseline": names} | {
        column: np.concatenate([part[column] for part in parts] or empty) for column in columns
    }


def _confusion_matrix(truth: np.ndarray, predicted: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (truth, predicted), 1)
    n_rows = len(classes) if len(truth) else 0
    return {"actual": list(classes)[:n_rows]} | dict(zip(classes, counts.T[:, :n_rows], strict=True))


def _reliability(labels: Labels, probabilities: np.ndarray, truth: Truth, n_bins: int) -> dict[str, Any]:
    rows = np.flatnonzero(labels.is_machine)
    parts = {"test images": (probabilities.max(axis=1), probabilities.argmax(axis=1) == truth.test)}
    if truth.pool is not None:
        parts = {"machine labels": (labels.confidence[rows], (labels.label == truth.pool)[rows])} | parts
    tables = {
        name: reliability.reliability(values, is_right, n_bins=n_bins) for name, (values, is_right) in parts.items()
    }
    names = [name for name, table in tables.items() for _ in table["count"]]
    first = next(iter(tables.values()))
    return {"of": names} | {column: np.concatenate([table[column] for table in tables.values()]) for column in first}
