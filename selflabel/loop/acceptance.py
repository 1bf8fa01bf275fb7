"""Choose the machine labels that a round accepts.

A rule is a pure function of probabilities, float (N, n_classes), that returns positions, int64 ascending. Equal
confidences are taken in the order of their positions. A new rule is one function and its line in ``THRESHOLDS`` or, if
it counts, in ``COUNTS``.
"""

from collections.abc import Callable, Mapping
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


class AcceptanceContext(NamedTuple):
    """What a rule sees: float (N, n_classes), the round from 1 on, the evidence out of fold where there is any."""

    probabilities: np.ndarray
    rule: Rule
    round_number: int
    evidence: "Evidence | None" = None


# The threshold of a round, one for all classes or float64 (n_classes,), by the name of the rule. Infinite where no
# threshold is shown to keep the target error.
THRESHOLDS: Mapping[str, Callable[[AcceptanceContext], float | np.ndarray]] = {
    "fixed": lambda context: context.rule.threshold_start,
    "final_threshold": lambda context: context.rule.threshold_start,
    "linear": lambda context: linear_threshold(
        context.round_number, start=context.rule.threshold_start, step=context.rule.threshold_step
    ),
    "geometric": lambda context: geometric_threshold(
        context.round_number, start=context.rule.threshold_start, factor=context.rule.threshold_factor
    ),
    "flexmatch": lambda context: flexmatch_thresholds(context.probabilities, context.rule.threshold_start),
    "target_error": lambda context: target_error_threshold(context),
}
# The positions that a rule counts out, int64 ascending, by its name.
COUNTS: Mapping[str, Callable[[AcceptanceContext], np.ndarray]] = {
    "percentile": lambda context: accept_percent(context.probabilities, context.rule.percent),
    "k_best": lambda context: accept_best(context.probabilities, context.rule.k),
    "class_k_best": lambda context: accept_best_of_each_class(context.probabilities, context.rule.k),
}


def accept(
    probabilities: np.ndarray, rule: Rule, *, round_number: int, evidence: "Evidence | None" = None
) -> Selection:
    """Return what ``rule`` accepts in a round, counted from 1; only ``target_error`` needs the ``evidence``."""
    context = AcceptanceContext(probabilities, rule, round_number, evidence)
    if rule.name in COUNTS:
        return Selection(COUNTS[rule.name](context), None)
    thresholds = np.full(probabilities.shape[1], THRESHOLDS[rule.name](context))
    return Selection(accept_above(probabilities, thresholds), thresholds)


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


def target_error_threshold(context: AcceptanceContext) -> float:
    """Return the round's threshold of the rule target_error. Raises ``ValueError`` without evidence."""
    if context.evidence is None:
        raise ValueError("the rule target_error must have labels out of fold, got none")
    share = alpha_of_round(context.round_number, context.rule.target_alpha)
    evidence = context.evidence
    return loosest_threshold(evidence.confidence, evidence.is_right, target=context.rule.target_error, alpha=share)


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
    loosest = float("inf")
    if first > len(ranked):
        return loosest
    for n in np.unique(np.linspace(first, len(ranked), N_LOOKS).astype(int)):
        # Equal confidences are on one side.
        n_above = np.searchsorted(-ranked, -ranked[n - 1], side="right")
        if bounds.upper(wrong[n_above - 1], n_above, alpha=alpha) > target:
            break
        loosest = max(round(ranked[n - 1] - STEP, 10), 0.0)
    return loosest


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
