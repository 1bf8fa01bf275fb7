"""How far confidences can be believed: what is claimed against what is right."""

from collections.abc import Mapping

import numpy as np

from selflabel.rounding import DECIMALS


def reliability(confidence: np.ndarray, is_right: np.ndarray, *, n_bins: int) -> dict[str, np.ndarray]:
    """Return a reliability table: bins of equal width over [0, 1], empty ones left out.

    ``confidence``: float (N,) in [0, 1]. ``is_right``: bool (N,). Columns low, high (the bin is [low, high), the
    last one [low, 1]), count, mean_confidence, share_right.
    """
    # Compared with the edges: a product may round to the other side of one.
    bins = np.searchsorted(np.arange(1, n_bins) / n_bins, confidence, side="right")
    count = np.bincount(bins, minlength=n_bins)
    used = np.flatnonzero(count)
    means = (np.bincount(bins, weights, n_bins)[used] / count[used] for weights in (confidence, is_right))
    mean_confidence, share_right = (np.round(mean, DECIMALS) for mean in means)
    return {
        "low": np.round(used / n_bins, DECIMALS),
        "high": np.round((used + 1) / n_bins, DECIMALS),
        "count": count[used],
        "mean_confidence": mean_confidence,
        "share_right": share_right,
    }


def calibration_error(table: Mapping[str, np.ndarray]) -> float:
    """Return the expected calibration error of a reliability table, in [0, 1].

    The mean distance between the bins' mean confidence and their share right, weighted by their counts (Naeini,
    Cooper & Hauskrecht, AAAI 2015).
    """
    gaps = np.abs(table["mean_confidence"] - table["share_right"])
    return round(float(np.average(gaps, weights=table["count"])), DECIMALS)
