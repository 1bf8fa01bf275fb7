"""How good labels are, where the truth is known."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from selflabel.labels.history import RoundSummary
from selflabel.labels.table import NO_LABEL, Labels
from selflabel.rounding import DECIMALS


def share(part: np.ndarray, whole: np.ndarray | None = None) -> float:
    """Return the share of true values of a bool array, among those where ``whole`` is true; NaN of nothing."""
    chosen = part if whole is None else part[whole]
    return round(float(chosen.mean()), DECIMALS) if len(chosen) else float("nan")


def accuracy(true_labels: np.ndarray, predicted: np.ndarray) -> float:
    """Return the share of predictions, int (N,), that equal the true labels, in [0, 1]."""
    return share(np.asarray(true_labels) == predicted)


def per_class(true_labels: np.ndarray, predicted: np.ndarray, *, classes: Sequence[str]) -> dict[str, np.ndarray]:
    """Return columns class, precision, recall, f1 (in [0, 1]; 0 where undefined) and support (images)."""
    shares, support = _by_class(true_labels, predicted, n_classes=len(classes))
    rounded = {name: np.round(values, DECIMALS) for name, values in shares.items()}
    return {"class": np.array(classes), **rounded, "support": support}


def scores(true_labels: np.ndarray, predicted: np.ndarray, *, classes: Sequence[str]) -> dict[str, float]:
    """Return accuracy and macro F1 (the unweighted mean over classes), each in [0, 1]."""
    shares, _ = _by_class(true_labels, predicted, n_classes=len(classes))
    return {"accuracy": accuracy(true_labels, predicted), "macro_f1": round(float(shares["f1"].mean()), DECIMALS)}


def _by_class(
    true_labels: np.ndarray, predicted: np.ndarray, *, n_classes: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    # By hand: scikit-learn, which gives the same, takes longer to be loaded than all else that is evaluated.
    right, support, says = (
        np.bincount(labels, minlength=n_classes)
        for labels in (true_labels[true_labels == predicted], true_labels, predicted)
    )
    parts = {"precision": (right, says), "recall": (right, support), "f1": (2 * right, support + says)}
    return {name: part / np.maximum(whole, 1) for name, (part, whole) in parts.items()}, support


def pool_scores(labels: Labels, true_labels: np.ndarray | None) -> dict[str, float]:
    """Return coverage, and label_accuracy of the machine labels (left out where there is none, or no truth)."""
    result = {"coverage": share(labels.is_labelled)}
    if true_labels is not None and labels.is_machine.any():
        result["label_accuracy"] = share(labels.label == true_labels, labels.is_machine)
    return result


class Moment(NamedTuple):
    """After a round: the ``machine`` labels, int16 (N,), −1 for none; bool (N,): accepted in it; human-given."""

    machine: np.ndarray
    is_accepted: np.ndarray
    is_human: np.ndarray

    @property
    def is_machine(self) -> np.ndarray:
        """Bool (N,): has a machine label."""
        return self.machine != NO_LABEL


def moments(labels: Labels, machine_labels: np.ndarray, history: Sequence[RoundSummary]) -> list[Moment]:
    """Return the labels after each round of ``history``, whose machine labels are int16 (rounds, N)."""
    after_each, before = [], np.full(machine_labels.shape[1:], NO_LABEL)
    for machine, summary in zip(machine_labels, history, strict=True):
        is_machine = machine != NO_LABEL
        # A round gives all machine labels anew, or only to those that had none.
        gives_all = summary.n_accepted == is_machine.sum()
        is_accepted = is_machine & (gives_all | (before == NO_LABEL)) & (summary.n_accepted > 0)
        # What a round asks is answered after it.
        after_each.append(Moment(machine, is_accepted, labels.is_human & (labels.round < summary.round)))
        before = machine
    return after_each


def round_quality(moment: Moment, true_labels: np.ndarray | None) -> dict[str, float]:
    """Return how right the machine labels are after a round, and those it accepted.

    Keys accepted_accuracy (of those accepted), label_accuracy (of all) and coverage, in [0, 1]; NaN where there is
    no machine label to judge. Without a truth (None) coverage alone.
    """
    if true_labels is None:
        return {"coverage": share(moment.is_machine | moment.is_human)}
    is_right = moment.machine == true_labels
    return {
        "accepted_accuracy": share(is_right, moment.is_accepted),
        "label_accuracy": share(is_right, moment.is_machine),
        "coverage": share(moment.is_machine | moment.is_human),
    }


def class_quality(moment: Moment, true_labels: np.ndarray | None, *, classes: Sequence[str]) -> list[dict[str, Any]]:
    """Return, a dict a class, what ``round_quality`` says of that class alone after a round.

    accepted_accuracy and label_accuracy are over the machine labels that *say* the class, coverage is over the
    images that truly *are* of it; n_machine counts the machine labels that say it. Without a truth it alone is there.
    """
    if true_labels is None:
        counts = [int(np.sum(moment.machine == index)) for index in range(len(classes))]
        return [{"class": name, "n_machine": count} for name, count in zip(classes, counts, strict=True)]
    is_right = moment.machine == true_labels
    rows = []
    for index, name in enumerate(classes):
        says = moment.machine == index
        rows.append(
            {
                "class": name,
                "n_machine": int(says.sum()),
                "accepted_accuracy": share(is_right, says & moment.is_accepted),
                "label_accuracy": share(is_right, says),
                "coverage": share(moment.is_machine | moment.is_human, true_labels == index),
            }
        )
    return rows


def confident_mistakes(labels: Labels, true_labels: np.ndarray, *, per_round: int) -> np.ndarray:
    """Return the rows of wrong machine labels, the ``per_round`` most confident of each round, best first."""
    is_wrong = labels.is_machine & (labels.label != true_labels)
    rows = np.flatnonzero(is_wrong)
    order = rows[np.lexsort((rows, -labels.confidence[rows], labels.round[rows]))]
    rounds = labels.round[order]
    first = np.searchsorted(rounds, rounds)
    return order[np.arange(len(order)) - first < per_round]


def to_table(rows: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """Return the columns of a list of dicts that share their keys."""
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
