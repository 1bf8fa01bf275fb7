"""Which machine labels a round accepts."""

import numpy as np


def linear_threshold(round_number: int, *, start: float, step: float) -> float:
    """Return ``start + (round_number − 1) · step``, rounds counted from 1.

    Rounded to ten decimals, so that 0.75 − 9 · 0.05 is 0.3 and not the next float above it.
    """
    return round(start + (round_number - 1) * step, 10)


def accept_above(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Return the positions, int64 ascending, whose largest class probability is strictly above ``threshold``.

    ``probabilities``: float (N, n_classes).
    """
    return np.flatnonzero(probabilities.max(axis=1) > threshold)
