"""Choose the machine labels that a round accepts.

A rule is a pure function of probabilities, float (N, n_classes), that returns positions, int64 ascending. Equal
confidences are taken in the order of their positions. A new rule is one function and its line in ``accept`` or, if
it is a threshold, in ``limits``.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selflabel.audit import bounds

if TYPE_CHECKING:
    # It brings scikit-learn, for which checking params.yaml need not wait.
    from selflabel.models.out_of_fold import Evidence

# Confidences are written with six decimals: what is above the number below one is that one and all above it.
STEP = 1e-6
# The loosest threshold is looked for at this many numbers of human-given labels, evenly apart.
N_LOOKS = 20


class Rule(NamedTuple):
    """A rule by its name, and the numbers of all rules (params.yaml's section accept).

    ``percent`` in (0, 100]; ``k``, images, at least 1. Thresholds are class probabilities in [0, 1].
    ``target_error`` and ``target_alpha`` in (0, 1): the error that is allowed, and the chance, over all rounds
    together, that it is exceeded.
    """

    name: str
    threshold_start: float = 0.0
    threshold_step: float = 0.0
    threshold_factor: float = 1.0
    percent: float = 100.0
    k: int = 1
    target_error: float = 0.05
    target_alpha: float = 0.05


class Selection(NamedTuple):
    """A rule's selection: positions, int64 ascending, and the threshold each class had to be above, None without."""

    positions: np.ndarray
    limits: np.ndarray | None


def above(threshold: float) -> Rule:
    """Return the rule of one fixed threshold."""
    return Rule("fixed", threshold_start=threshold)


def accept(
    probabilities: np.ndarray, rule: Rule, *, round_number: int, evidence: "Evidence | None" = None
) -> Selection:
    """Return what ``rule`` accepts in a round, counted from 1; only ``target_error`` needs the ``evidence``."""
    found = limits(probabilities, rule, round_number=round_number, evidence=evidence)
    if found is not None:
        return Selection(accept_above(probabilities, found), found)
    counting = {
        "percentile": lambda: accept_percent(probabilities, rule.percent),
        "k_best": lambda: accept_best(probabilities, rule.k),
        "class_k_best": lambda: accept_best_of_each_class(probabilities, rule.k),
    }
    return Selection(counting[rule.name](), None)


def limits(
    probabilities: np.ndarray, rule: Rule, *, round_number: int, evidence: "Evidence | None" = None
) -> np.ndarray | None:
    """Return the round's threshold of each class, float64 (n_classes,); None for a rule that counts instead.

    Infinite where ``target_error`` finds no threshold that holds what it promises.
    """
    n_classes, start = probabilities.shape[1], rule.threshold_start
    if rule.name == "flexmatch":
        return flexmatch_thresholds(probabilities, start)
    if rule.name == "target_error":
        share = alpha_of_round(round_number, rule.target_alpha)
        found = loosest_threshold(evidence.confidence, evidence.is_right, target=rule.target_error, alpha=share)
        return np.full(n_classes, found)
    one = scheduled_threshold(rule, round_number)
    return None if one is None else np.full(n_classes, one)


def scheduled_threshold(rule: Rule, round_number: int) -> float | None:
    """Return the threshold that is known before the round; None for a rule that has none."""
    start = rule.threshold_start
    return {
        "fixed": start,
        "final_threshold": start,
        "linear": linear_threshold(round_number, start=start, step=rule.threshold_step),
        "geometric": geometric_threshold(round_number, start=start, factor=rule.threshold_factor),
    }.get(rule.name)


def linear_threshold(round_number: int, *, start: float, step: float) -> float:
    """Return ``start + (round_number − 1) · step``, rounds counted from 1.

    Rounded to ten decimals, so that 0.75 − 9 · 0.05 is 0.3 and not the next float above it.
    """
    return round(start + (round_number - 1) * step, 10)


def geometric_threshold(round_number: int, *, start: float, factor: float) -> float:
    """Return ``start · factor^(round_number − 1)``, rounds counted from 1; rounded to ten decimals."""
    return round(start * factor ** (round_number - 1), 10)


def flexmatch_thresholds(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Return each class's threshold, float64 (n_classes,): lower where the class is less well learnt.

    How well a class c is learnt is σ(c), the rows predicted as c above ``threshold``; β(c) = σ(c) divided by the larger
    of max σ and the rows above no threshold (the warm-up); c's threshold is β/(2 − β) times ``threshold`` (FlexMatch:
    Zhang et al., NeurIPS 2021, equations 5 to 11). While little is learnt, thresholds are near 0: made for labels that
    can be revised.
    """
    is_learnt = probabilities.max(axis=1, initial=0) > threshold
    learnt = np.bincount(probabilities.argmax(axis=1)[is_learnt], minlength=probabilities.shape[1])
    beta = learnt / max(learnt.max(), len(probabilities) - learnt.sum(), 1)
    return np.round(beta / (2 - beta) * threshold, 10)


def alpha_of_round(round_number: int, alpha: float) -> float:
    """Return a round's share of ``alpha``, 1/(k(k + 1)): all of them, however many, sum to at most ``alpha``."""
    return alpha / (round_number * (round_number + 1))


def loosest_threshold(confidence: np.ndarray, is_right: np.ndarray, *, target: float, alpha: float) -> float:
    """Return the loosest threshold above which at most ``target`` is wrong, at confidence 1 − ``alpha``, or infinity.

    ``confidence``: float (n,), ``is_right``: bool (n,), of human-given labels out of fold. Thresholds are looked at
    from the strictest, in an order that does not depend on what is right, until the first whose upper bound on the
    error is above ``target``: so all looks together cost no more than one (Learn-then-Test with a fixed sequence:
    Angelopoulos et al., arXiv 2110.01052). The strictest has as many labels above it as hold with one mistake.
    """
    order = np.argsort(-confidence, kind="stable")
    ranked, wrong = confidence[order], np.cumsum(~is_right[order])
    first = bounds.n_to_reject(target, alpha=alpha, n_wrong=1)
    found = np.inf
    if first > len(ranked):
        return found
    for n in np.unique(np.linspace(first, len(ranked), N_LOOKS).astype(int)):
        # Equal confidences are on one side.
        n_above = np.searchsorted(-ranked, -ranked[n - 1], side="right")
        if bounds.upper(wrong[n_above - 1], n_above, alpha=alpha) > target:
            break
        found = max(round(ranked[n - 1] - STEP, 10), 0.0)
    return found


def accept_above(probabilities: np.ndarray, threshold: float | np.ndarray) -> np.ndarray:
    """Return the positions whose largest class probability is strictly above ``threshold``, one or one a class."""
    limit = np.broadcast_to(threshold, probabilities.shape[1])[probabilities.argmax(axis=1)]
    return np.flatnonzero(probabilities.max(axis=1) > limit)


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
    return np.sort(np.concatenate([rows[accept_best(probabilities[rows], k)] for rows in of_each]))
