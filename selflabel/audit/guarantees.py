"""Compute from an audited sample how wrong machine labels may be, at a stated confidence.

The labels are frozen before the audit is drawn; it is a uniform draw without replacement, and its answers teach and
tune nothing. Each promise then holds for this one set of labels, not on average over sets; each by itself. Wrong
means: not what the person who was asked said. The bounds are those of a draw without replacement (hypergeometric).
"""

import math
from bisect import bisect_left
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, Self

import numpy as np

from selflabel.audit import bounds

# Shares of the machine labels, the most confident ones, that are looked at in turn; fixed before any answer is seen.
COVERAGES = np.round(np.arange(1, 21) / 20, 2)
# A careful start: of the fewest answers that can show anything, none of them wrong, it holds this many times as many.
CAREFUL = 1.5
# The other start is where most is to be expected if this many times as many are wrong as the confidences claim.
MARGIN = 2.0
# The careful start's part of the risk.
CAREFUL_PART = 0.25
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

    def first(self, n: int) -> Self:
        """Return the sample of the first ``n`` of those drawn."""
        return self._replace(drawn=self.drawn[:n], is_wrong=self.is_wrong[:n])


class ErrorTarget(NamedTuple):
    """``error``: in (0, 1), the share of wrong labels to promise. ``alpha``: in (0, 1), the risk of breaking it."""

    error: float
    alpha: float


def n_enough(
    n_wrong: int,
    n: int,
    n_inside: int,
    n_all: int,
    looks: Mapping[int, ErrorTarget],
    *,
    above: int = 0,
    part: float | None = None,
) -> int | None:
    """Return the smallest audit of ``n_all`` labels that would show ``n_inside`` of them to be good enough.

    Were as large a share wrong as ``n_wrong`` of ``n``, none if n is 0. A size among ``looks``, ascending, each with
    its own target, that is more than ``above``; None where not even one of all that there are labels for would do.
    ``part``: for each image of that size so many of these are audited, by default as many as there are.
    """
    rate = n_wrong / n if n else 0.0
    part = n_inside / n_all if part is None else part
    for size, target in looks.items():
        if size > n_all:
            break
        many = min(round(size * part), n_inside)
        of_these = math.ceil(rate * many - 1e-9)
        if size > above and many and bounds.p_value(of_these, many, n_inside, error=target.error) <= target.alpha:
            return size
    return None


def shares(sample: AuditSample, target: ErrorTarget) -> dict[str, np.ndarray]:
    """Return columns with a row each of ``COVERAGES``: what the audit shows of the most confident labels.

    threshold: the confidence of the least confident inside; all as confident are inside too, so that coverage may be
    more than was aimed at, and equal ones are left out. n_inside, n_audited, n_wrong: labels inside, audited, wrong.
    p_value: of the hypothesis that more than ``target.error`` of those inside are wrong. error_at_most: the upper bound
    of each share by itself. start: the part of the risk that ``certified`` starts with there.
    """
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
        "p_value": bounds.p_value(n_wrong, n_audited, inside, error=target.error),
        "error_at_most": bounds.uppers(n_wrong, n_audited, inside, alpha=target.alpha),
        "start": starts(inside, np.cumsum(1 - ranked)[inside - 1] / inside, len(sample.drawn), target),
    }


def starts(n_inside: np.ndarray, claimed: np.ndarray, n_drawn: int, target: ErrorTarget) -> np.ndarray:
    """Return the part of the risk that ``certified`` starts with at each of S nested shares, float (S,), sum 1 or 0.

    ``n_inside``: int (S,), labels inside, ascending; ``claimed``: float (S,), the share of them that the confidences
    claim to be wrong; ``n_drawn`` of all labels are audited. No answer is looked at. Most of the risk is where the
    coverage to be expected is largest, were ``MARGIN`` times as many wrong as claimed; the rest at the smallest share
    that a flawless audit shows to be good enough with something to spare, where that one is smaller: confidences may be
    worse than that.
    """
    found = np.zeros(len(n_inside))
    if not n_drawn:
        return found
    # Here, for it takes longer than most of what is computed without an audit.
    from scipy.stats import hypergeom

    n = np.round(n_drawn * n_inside / max(n_inside[-1:].sum(), 1)).astype(int)
    too_many = bounds.too_many(target.error, n_inside)
    # The most mistakes that would still do.
    allowed = hypergeom.ppf(target.alpha, n_inside, too_many, n) - 1
    if not np.any(allowed >= 0):
        return found
    expected = np.ceil(np.minimum(MARGIN * claimed, 1) * n_inside).astype(int)
    power = np.where(allowed >= 0, bounds.chance(allowed, n, expected, n_inside) + 1e-12, 0)
    best = int(np.argmax(power * n_inside))
    few = np.floor(n / CAREFUL).astype(int)
    is_careful = bounds.chance(0, few, too_many, n_inside) <= CAREFUL_PART * target.alpha
    found[best] += 1 - CAREFUL_PART
    found[min([best, *np.flatnonzero(is_careful)[:1].tolist()])] += CAREFUL_PART
    return found


def certified(shares: Mapping[str, np.ndarray], target: ErrorTarget) -> int | None:
    """Return the row of ``shares`` that is certified: at most ``target.error`` of the labels inside are wrong.

    None where none is. Learn-then-Test (Angelopoulos et al., arXiv 2110.01052; as selective classification Geifman &
    El-Yaniv, NIPS 2017) by the fallback procedure (Wiens, Pharmaceutical Statistics 2003; Wiens & Dmitrienko, Journal
    of Biopharmaceutical Statistics 2005): the shares are tested upwards, each at its own part of the risk, ``start``,
    and that of the one before if that was rejected. With a single start it is the fixed sequence from there on.
    """
    last, part = None, 0.0
    for row, (start, p_value) in enumerate(zip(shares["start"].tolist(), shares["p_value"].tolist(), strict=True)):
        part += start
        if part and p_value <= part * target.alpha:
            last = row
        else:
            part = 0.0
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
    order = np.argsort(sample.confidence, kind="stable")
    too_many = int(bounds.too_many(target.error, n_all))
    if too_many > n:
        return order[:0]
    n_allowed = _n_allowed(m, too_many, n, target.alpha)
    if n_allowed < 0:
        return order
    wrong = -np.sort(-sample.confidence[sample.drawn[sample.is_wrong]])
    if len(wrong) <= n_allowed:
        return order[:0]
    return order[sample.confidence[order] <= wrong[n_allowed]]


# Many audits of one pool ask the same.
@lru_cache
def _n_allowed(n_audited: int, too_many: int, n: int, alpha: float) -> int:
    """Return how many mistakes an audit may hold among the labels that are kept, −1 where not even none will do."""
    return bisect_left(range(n_audited), True, key=lambda k: bool(bounds.chance(k, n_audited, too_many, n) > alpha)) - 1


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
