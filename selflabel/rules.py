"""Which machine labels a round accepts.

A rule is a pure function of probabilities, float (N, n_classes), that returns positions, int64 ascending. Equal
confidences are taken in the order of their positions. A new rule is one function and its line in ``accept``.
"""

from typing import NamedTuple

import numpy as np


class Rule(NamedTuple):
    """What a round accepts: the name of a rule, and the numbers of all rules (in params.yaml under self_label).

    ``percent`` in (0, 100]; ``k``, images, at least 1. Thresholds are class probabilities in [0, 1].
    """

    name: str
    threshold_start: float = 0.0
    threshold_step: float = 0.0
    threshold_factor: float = 1.0
    percent: float = 100.0
    k: int = 1


def above(threshold: float) -> Rule:
    """Return the rule of one fixed threshold."""
    return Rule("linear", threshold_start=threshold)


def threshold(rule: Rule, round_number: int) -> float | None:
    """Return the threshold of a round, counted from 1; None for a rule that has none."""
    if rule.name == "linear":
        return linear_threshold(round_number, start=rule.threshold_start, step=rule.threshold_step)
    if rule.name == "geometric":
        return geometric_threshold(round_number, start=rule.threshold_start, factor=rule.threshold_factor)
    return None


def accept(probabilities: np.ndarray, rule: Rule, *, round_number: int) -> np.ndarray:
    """Return the positions that ``rule`` accepts in a round, counted from 1."""
    limit = threshold(rule, round_number)
    if limit is not None:
        return accept_above(probabilities, limit)
    return {
        "percentile": lambda: accept_percent(probabilities, rule.percent),
        "k_best": lambda: accept_best(probabilities, rule.k),
        "class_k_best": lambda: accept_best_of_each_class(probabilities, rule.k),
    }[rule.name]()


def linear_threshold(round_number: int, *, start: float, step: float) -> float:
    """Return ``start + (round_number − 1) · step``, rounds counted from 1.

    Rounded to ten decimals, so that 0.75 − 9 · 0.05 is 0.3 and not the next float above it.
    """
    return round(start + (round_number - 1) * step, 10)


def geometric_threshold(round_number: int, *, start: float, factor: float) -> float:
    """Return ``start · factor^(round_number − 1)``, rounds counted from 1; rounded to ten decimals."""
    return round(start * factor ** (round_number - 1), 10)


def accept_above(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Return the positions whose largest class probability is strictly above ``threshold``."""
    return np.flatnonzero(probabilities.max(axis=1) > threshold)


def accept_best(probabilities: np.ndarray, k: int) -> np.ndarray:
    """Return the ``k`` positions with the largest class probability, or all if there are fewer."""
    return np.sort(np.argsort(-probabilities.max(axis=1), kind="stable")[:k])


def accept_percent(probabilities: np.ndarray, percent: float) -> np.ndarray:
    """Return the most confident ``percent`` % of the positions, rounded up, so that a round never accepts nothing."""
    return accept_best(probabilities, int(np.ceil(round(len(probabilities) * percent / 100, 6))))


def accept_best_of_each_class(probabilities: np.ndarray, k: int) -> np.ndarray:
    """Return the ``k`` most confident positions of each predicted class, so that no easy class takes the round."""
    predicted = probabilities.argmax(axis=1)
    of_each = [np.flatnonzero(predicted == index) for index in range(probabilities.shape[1])]
    return np.sort(np.concatenate([rows[accept_best(probabilities[rows], k)] for rows in of_each if len(rows)] or [[]]))
