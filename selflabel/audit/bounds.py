"""Exact bounds on an error rate from counted mistakes."""

import math
from bisect import bisect_left

import numpy as np

# More images than anybody audits.
MOST_ANSWERS = 10_000_000


def upper(n_wrong: int, n: int, *, alpha: float, n_all: int | None = None) -> float:
    """Return the one-sided exact upper bound on an error rate, in [0, 1], at confidence 1 − ``alpha``.

    ``n_wrong`` of ``n`` images were wrong. They were drawn without replacement from ``n_all``, as in ``uppers``; or,
    with None, independently: Clopper & Pearson (Biometrika 1934). 1 where nothing was drawn.
    """
    if n_all is not None:
        return float(uppers(np.array([n_wrong]), np.array([n]), np.array([n_all]), alpha=alpha)[0])
    # Here, for checking params.yaml, which each stage does, need not wait for it.
    from scipy.special import betainccinv

    return 1.0 if n_wrong >= n else float(betainccinv(n_wrong + 1, n - n_wrong, alpha))


def uppers(n_wrong: np.ndarray, n: np.ndarray, n_all: np.ndarray, *, alpha: float | np.ndarray) -> np.ndarray:
    """Return upper bounds on shares of wrong ones, float (S,) in [0, 1], each at confidence 1 − ``alpha``.

    ``n_wrong`` of ``n`` drawn without replacement from ``n_all`` were wrong, int (S,) each: the largest share of wrong
    ones among ``n_all`` with which the draw has so few with a chance above ``alpha`` (hypergeometric distribution). 1
    where nothing was drawn.
    """
    # As many wrong ones are possible; one more than there can be is not.
    possible, impossible = n_wrong.copy(), n_all - (n - n_wrong) + 1
    while np.any(impossible - possible > 1):
        middle = (possible + impossible) // 2
        is_possible = chance(n_wrong, n, np.minimum(middle, n_all), n_all) > alpha
        possible, impossible = np.where(is_possible, middle, possible), np.where(is_possible, impossible, middle)
    return np.where(n > 0, possible / np.maximum(n_all, 1), 1.0)


def chance(
    n_wrong: int | np.ndarray, n: int | np.ndarray, n_wrong_of_all: int | np.ndarray, n_all: int | np.ndarray
) -> np.ndarray:
    """Return the chance that of ``n`` drawn without replacement at most ``n_wrong`` are wrong (hypergeometric).

    ``n_wrong_of_all`` of the ``n_all`` they are drawn from are.
    """
    cases = np.stack([np.asarray(of, np.int64) for of in np.broadcast_arrays(n_wrong, n_all, n_wrong_of_all, n)], -1)
    if not cases[..., 3].any():
        return np.where(cases[..., 0] >= 0, 1.0, 0.0)
    # Here, for it takes longer than what is computed before anything is audited.
    from scipy.stats import hypergeom

    # Many audits of one pool are few different cases, and each takes some ten microseconds.
    different, place = np.unique(cases.reshape(-1, 4), axis=0, return_inverse=True)
    return np.asarray(hypergeom.cdf(*different.T)[place.ravel()].reshape(cases.shape[:-1]))


def too_many(error: float, n_all: int | np.ndarray) -> np.ndarray:
    """Return the fewest wrong ones that are more than the share ``error`` of ``n_all``, int64."""
    # 29 of 100 are no more than 0.29, whose product with 100 is a hair below 29.
    return np.asarray(np.floor(np.multiply(error, n_all) + 1e-9), np.int64) + 1


def p_value(n_wrong: int | np.ndarray, n: int | np.ndarray, n_all: int | np.ndarray, *, error: float) -> np.ndarray:
    """Return the p-value of the hypothesis that more than the share ``error`` of ``n_all`` are wrong, float.

    ``n_wrong`` of ``n`` drawn from them without replacement are.
    """
    return chance(n_wrong, n, too_many(error, n_all), n_all)


def n_to_reject(target: float, *, alpha: float, n_wrong: int = 0) -> int:
    """Return how many images, ``n_wrong`` of them wrong, it takes for an upper bound of at most ``target``.

    They are drawn independently. Raises ``ValueError`` where ten million would not do.
    """

    def is_enough(n: int) -> bool:
        # The last bits of the bound do not count.
        return upper(n_wrong, n, alpha=alpha) <= target * (1 + 1e-9)

    if not is_enough(MOST_ANSWERS):
        raise ValueError(
            f"an error of {target:g} at a risk of {alpha:g} must be within reach of {MOST_ANSWERS:,} answers, got "
            "one that is not"
        )
    return bisect_left(range(MOST_ANSWERS), True, lo=1, key=is_enough)


def n_flawless(target: float, *, alpha: float) -> float:
    """Return how many images without a mistake it takes, as the quotient of two logarithms: no whole number."""
    return math.log(alpha) / math.log1p(-target)
