"""Exact bounds on an error rate from counted mistakes."""

from bisect import bisect_left


def upper(n_wrong: int, n: int, *, alpha: float) -> float:
    """Return the one-sided Clopper–Pearson upper bound on an error rate, in [0, 1], at confidence 1 − ``alpha``.

    ``n_wrong`` of ``n`` images, drawn independently, were wrong. 1 where nothing was drawn (Clopper & Pearson,
    Biometrika 1934).
    """
    # Here, for checking params.yaml, which each stage does, need not wait for it.
    from scipy.special import betainccinv

    return 1.0 if n_wrong >= n else float(betainccinv(n_wrong + 1, n - n_wrong, alpha))


def n_to_reject(target: float, *, alpha: float, n_wrong: int = 0) -> int:
    """Return how many images, ``n_wrong`` of them wrong, it takes for an upper bound of at most ``target``."""

    def is_enough(n: int) -> bool:
        # The last bits of the bound do not count.
        return upper(n_wrong, n, alpha=alpha) <= target * (1 + 1e-9)

    most = 1
    while not is_enough(most):
        most *= 2
    return bisect_left(range(most), True, key=is_enough)
