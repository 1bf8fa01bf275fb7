"""Compute from an audited sample how wrong machine labels may be, at a stated confidence.

The labels are frozen before the audit is drawn; it is a uniform draw without replacement, and its answers teach and
tune nothing. Each promise then holds for this one set of labels, not on average over sets; each by itself. Wrong
means: not what the person who was asked said. The bounds treat the draw as if made with replacement, which errs on the
safe side.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from selflabel.audit import bounds

# Shares of the machine labels, the most confident ones, that are looked at in turn; fixed before any answer is seen.
COVERAGES = np.round(np.arange(1, 21) / 20, 2)
# Of the fewest answers that can show anything, none of them wrong, the first share holds this many times as many.
START = 1.5
MOST_ANSWERS = 10_000_000
# The normal approximation of the estimates' intervals needs as many right ones, and as many wrong ones.
MIN_COUNT = 5


class AuditSample(NamedTuple):
    """T machine labels, m of them audited.

    ``confidence``: float (T,), of each label. ``label``: int (T,), its class. ``drawn``: int (m,), positions drawn
    uniformly without replacement. ``is_wrong``: bool (m,), what people said of these; with m = 0 nothing is promised.
    """

    confidence: np.ndarray
    label: np.ndarray
    drawn: np.ndarray
    is_wrong: np.ndarray


class ErrorTarget(NamedTuple):
    """``error``: in (0, 1), the share of wrong labels to promise. ``alpha``: in (0, 1), the risk of breaking it."""

    error: float
    alpha: float


def n_first(target: ErrorTarget) -> int:
    """Return how many audited images the first share is to hold: half as many again as must be flawless."""
    return math.ceil(START * math.log(target.alpha) / math.log1p(-target.error))


def n_enough(n_wrong: int, n: int, target: ErrorTarget) -> int | None:
    """Return about how many answers would bring the upper bound to ``target.error``, were as large a share wrong.

    None where no number would, for the share of ``n_wrong`` in ``n`` is not below ``target.error``, or ten million.
    """
    rate = n_wrong / n if n else 0.0
    if rate >= target.error:
        return None

    def is_enough(many: int) -> bool:
        return bounds.upper(math.ceil(rate * many - 1e-9), many, alpha=target.alpha) <= target.error

    low, high = 0, 1
    while not is_enough(high):
        low, high = high, 2 * high
        if high > MOST_ANSWERS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def of_classes(sample: AuditSample, target: ErrorTarget, *, n_classes: int) -> dict[str, list[Any]]:
    """Return columns with a row a class: n_machine, n_audited, n_wrong, error_at_most and n_needed.

    error_at_most: the upper bound on the share of wrong ones among the machine labels of that class; all classes' hold
    together, at ``target.alpha`` divided by those that have machine labels (Bonferroni); None where there are none.
    n_needed: about how large an audit of all labels would bring the bound to ``target.error``, were as large a share
    wrong (see ``n_enough``).
    """
    of_all = np.bincount(sample.label, minlength=n_classes)
    drawn = sample.label[sample.drawn]
    audited = np.bincount(drawn, minlength=n_classes)
    wrong = np.bincount(drawn[sample.is_wrong], minlength=n_classes)
    share = target._replace(alpha=target.alpha / max(int(np.count_nonzero(of_all)), 1))
    counts = list(zip(of_all.tolist(), audited.tolist(), wrong.tolist(), strict=True))
    needed = [n_enough(n_wrong, n, share) for _, n, n_wrong in counts]
    return {
        "n_machine": of_all.tolist(),
        "n_audited": audited.tolist(),
        "n_wrong": wrong.tolist(),
        "error_at_most": [bounds.upper(k, n, alpha=share.alpha) if of else None for of, n, k in counts],
        "n_needed": [
            math.ceil(n * len(sample.label) / of) if of and n is not None else None
            for n, (of, _, _) in zip(needed, counts, strict=True)
        ],
    }


def shares(sample: AuditSample, target: ErrorTarget) -> dict[str, np.ndarray]:
    """Return columns with a row each of ``COVERAGES``: what the audit shows of the most confident labels.

    threshold: the confidence of the least confident inside; all as confident are inside too, so that coverage may be
    more than was aimed at, and equal ones are left out. n_inside, n_audited, n_wrong: labels inside, audited, wrong.
    p_value: of the hypothesis that more than ``target.error`` of those inside are wrong, P(Binomial(n_audited, error) ≤
    n_wrong). error_at_most: the upper bound of each share by itself.
    """
    # Here, for who only reads a certificate need not wait for it.
    from scipy.special import bdtr

    n = len(sample.confidence)
    ranked = -np.sort(-sample.confidence)
    at = np.ceil(COVERAGES * n - 1e-9).astype(int)
    threshold = np.unique(ranked[at[at > 0] - 1])[::-1]
    inside = np.searchsorted(-ranked, -threshold, side="right")
    drawn = sample.confidence[sample.drawn]
    is_inside = drawn >= threshold[:, None]
    n_audited, n_wrong = is_inside.sum(axis=1), (is_inside & sample.is_wrong).sum(axis=1)
    return {
        "threshold": threshold,
        "coverage": inside / max(n, 1),
        "n_inside": inside,
        "n_audited": n_audited,
        "n_wrong": n_wrong,
        "p_value": bdtr(n_wrong.astype(float), n_audited, target.error),
        "error_at_most": np.array(
            [bounds.upper(k, m, alpha=target.alpha) for k, m in zip(n_wrong.tolist(), n_audited.tolist(), strict=True)]
        ),
    }


def certified(shares: Mapping[str, np.ndarray], target: ErrorTarget) -> int | None:
    """Return the row of ``shares`` that is certified: at most ``target.error`` of the labels inside are wrong.

    None where none is. Learn-then-Test with a fixed sequence (Angelopoulos et al., arXiv 2110.01052; as selective
    classification Geifman & El-Yaniv, NIPS 2017): from the first share that may expect enough audited images, upwards,
    until the first whose p-value is above ``target.alpha``. Where to start depends on neither draw nor answers.
    """
    last = None
    # All audited images are in the last share.
    n_expected = shares["coverage"] * shares["n_audited"][-1:].sum()
    for row in np.flatnonzero(n_expected >= n_first(target) - 1e-9).tolist():
        if shares["p_value"][row] > target.alpha:
            break
        last = row
    return last


def to_relabel(sample: AuditSample, target: ErrorTarget, *, n_all: int) -> np.ndarray:
    """Return the positions that people must label so that at most ``target.error`` of ``n_all`` labels are wrong.

    int64, least confident first. ``n_all``: the whole data set, machine labels and those that count as right. PAC
    labelling (Candès, Ilyas & Zrnic, arXiv 2506.10908): uncertainties are scanned upwards, and from the first on at
    which the upper bound on the share of labels that are wrong *and* at most as uncertain passes ``target.error``, all
    are for people. No correction for the many looks is needed, for that share only grows. Where not even a flawless
    audit of this size would do, all are. Equal uncertainties stay on one side.
    """
    n, m = len(sample.confidence), len(sample.drawn)
    allowed = target.error * n_all / max(n, 1)
    # Mistakes that the audit may hold among the labels that are kept.
    n_allowed = -1
    while n_allowed < m and bounds.upper(n_allowed + 1, m, alpha=target.alpha) <= allowed:
        n_allowed += 1
    order = np.argsort(sample.confidence, kind="stable")
    if n_allowed < 0:
        return order
    wrong = -np.sort(-sample.confidence[sample.drawn[sample.is_wrong]])
    if len(wrong) <= n_allowed:
        return order[:0]
    return order[sample.confidence[order] <= wrong[n_allowed]]


def estimates(sample: AuditSample, *, alpha: float) -> dict[str, dict[str, float]]:
    """Return two estimates of the share of wrong labels, each with low and high of a 1 − ``alpha`` interval.

    classical: the audited share, normal interval. prediction_powered: PPI++ (Angelopoulos, Duchi & Zrnic, arXiv
    2311.01453) with f = 1 − confidence of all labels: λ·mean(f) + mean(e − λf), λ = Cov(e, f) / (Var f · (1 + m/T)). It
    is right whether or not the confidences are, and narrower if they are good. Both intervals are asymptotic: there are
    none with fewer than five wrong or five right ones.
    """
    wrong, m = sample.is_wrong.astype(float), len(sample.drawn)
    if min(wrong.sum(), m - wrong.sum()) < MIN_COUNT:
        return {}
    claimed = 1 - sample.confidence
    of_drawn = claimed[sample.drawn]
    covariance = np.cov(wrong, of_drawn)
    spread = covariance[1, 1]
    weight = covariance[0, 1] / (spread * (1 + m / len(claimed))) if spread else 0.0
    rest_of_it = wrong - weight * of_drawn
    powered = weight * claimed.mean() + rest_of_it.mean()
    variance = weight**2 * claimed.var() / len(claimed) + rest_of_it.var(ddof=1) / m
    return {
        "classical": _interval(wrong.mean(), wrong.var(ddof=1) / m, alpha),
        "prediction_powered": _interval(powered, variance, alpha),
    }


def _interval(estimate: float, variance: float, alpha: float) -> dict[str, float]:
    from scipy.special import ndtri

    half = ndtri(1 - alpha / 2) * math.sqrt(variance)
    clipped = np.clip([estimate, estimate - half, estimate + half], 0, 1).tolist()
    return dict(zip(("estimate", "low", "high"), clipped, strict=True))
