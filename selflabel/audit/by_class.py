"""Bounds on how wrong the machine labels of each class are, and a draw that is allocated to the classes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from selflabel.audit import bounds, guarantees
from selflabel.audit.guarantees import AuditSample, ErrorTarget
from selflabel.labels.table import Labels


def more(in_order: np.ndarray, labels: Labels, *, n_first: int, error: float) -> np.ndarray:
    """Return rows to audit beside a uniform draw, as many again, allocated to the classes: int64, in their order.

    ``in_order``: int64 (T,), all rows that may be audited in a random order; the uniform draw is its first ``n_first``.
    Of each class the next ones are taken, and how many is said by the confidences and by the classes of the first ones,
    whatever people say of them: of each class it is a uniform draw, then as before.
    """
    label, claimed = labels.label[in_order], 1 - labels.confidence[in_order]
    n_all = np.bincount(label)
    wrong = np.bincount(label, weights=claimed) / np.maximum(n_all, 1)
    n = allocation(np.bincount(label[:n_first], minlength=len(n_all)), n_all, wrong, n_more=n_first, error=error)
    by_class = np.argsort(label, kind="stable")
    place = np.empty(len(label), np.int64)
    place[by_class] = np.arange(len(label)) - np.repeat(np.cumsum(n_all) - n_all, n_all)
    is_more = place < n[label]
    is_more[:n_first] = False
    return in_order[is_more]


def allocation(n_first: np.ndarray, n_all: np.ndarray, claimed: np.ndarray, *, n_more: int, error: float) -> np.ndarray:
    """Return how many of each class to audit, int64 (K,), at least ``n_first``, int (K,): ``n_more`` in addition.

    ``n_all``: int (K,), its labels; there are no more. ``claimed``: float (K,), the share of them that the confidences
    claim to be wrong. Neyman's allocation (Journal of the Royal Statistical Society 1934), by Wright's exact algorithm
    (The American Statistician 2012): it makes the sum of the variances of the classes' estimated errors smallest, were
    ``guarantees.MARGIN`` times as many wrong as claimed, and ``error`` at least. Each class counts as much, however
    few labels it has: a small one is to have a bound as well.
    """
    n = np.array(n_first, np.int64)
    wrong = np.clip(guarantees.MARGIN * claimed, min(error, 0.5), 0.5)
    for _ in range(n_more):
        is_left = n < n_all
        if not is_left.any():
            break
        # What one more takes from the variance of a class; without any it is infinite.
        less = np.divide(wrong * (1 - wrong), n * (n + 1), out=np.full(len(n), np.inf), where=n > 0)
        n[np.argmax(np.where(is_left, less, -1))] += 1
    return n


def uppers(n_wrong: np.ndarray, n: np.ndarray, n_all: np.ndarray, target: ErrorTarget) -> np.ndarray:
    """Return upper bounds on the shares of wrong ones of K classes, float (…, K): all hold together, at the risk.

    ``n_wrong`` of ``n`` drawn uniformly from ``n_all`` labels of a class, at least 1, were wrong; int (…, K) each.
    Holm's procedure (Scandinavian Journal of Statistics 1979) shows of which classes at most ``target.error`` is wrong;
    these have that as their bound, and leave the risk to the others (Strassburger & Bretz, Statistics in Medicine
    2008). Where it shows it of all, Bonferroni's bounds hold as well. What is wholly audited is known.
    """
    n_classes = n_all.shape[-1]
    p_values = bounds.p_value(n_wrong, n, n_all, error=target.error)
    order = np.argsort(p_values, axis=-1, kind="stable")
    passes = np.take_along_axis(p_values, order, axis=-1) <= target.alpha / np.arange(n_classes, 0, -1)
    n_shown = np.cumprod(passes, axis=-1).sum(axis=-1, keepdims=True)
    n_left = n_classes - n_shown
    is_shown = np.argsort(order, axis=-1, kind="stable") < n_shown
    found = bounds.uppers(n_wrong, n, n_all, alpha=target.alpha / np.where(n_left, n_left, n_classes))
    good_enough = (bounds.too_many(target.error, n_all) - 1) / n_all
    found = np.where(is_shown, np.where(n_left, good_enough, np.minimum(good_enough, found)), found)
    return np.where(n == n_all, n_wrong / n_all, found)


def columns(
    sample: AuditSample, target: ErrorTarget, *, n_classes: int, looks: Mapping[int, ErrorTarget], size: int = 0
) -> dict[str, list[Any]]:
    """Return columns with a row a class: n_machine, n_audited, n_wrong, error_at_most and n_needed.

    error_at_most: the upper bound on the share of wrong ones among the machine labels of that class, as in ``uppers``;
    None where there are none. n_needed: how large an audit would bring the bound to ``target.error``, were as large a
    share wrong (see ``guarantees.n_enough``). ``size``: of this one, more being audited in proportion.
    """
    n_all = np.bincount(sample.label, minlength=n_classes)
    drawn = sample.label[sample.drawn]
    n = np.bincount(drawn, minlength=n_classes)
    n_wrong = np.bincount(drawn[sample.is_wrong], minlength=n_classes)
    has = n_all > 0
    found = np.full(n_classes, np.nan)
    if has.any():
        found[has] = uppers(n_wrong[has], n[has], n_all[has], target)
    n_left = max(int(np.sum(found > target.error)), 1)
    looks = {size: at._replace(alpha=at.alpha / n_left) for size, at in looks.items()}
    counts = zip(n_wrong.tolist(), n.tolist(), n_all.tolist(), strict=True)
    needed = [
        guarantees.n_enough(k, m, of, len(sample.label), looks, part=m / size if size else None) if of else None
        for k, m, of in counts
    ]
    return {
        "n_machine": n_all.tolist(),
        "n_audited": n.tolist(),
        "n_wrong": n_wrong.tolist(),
        "error_at_most": [bound if of else None for bound, of in zip(found.tolist(), n_all.tolist(), strict=True)],
        "n_needed": needed,
    }
