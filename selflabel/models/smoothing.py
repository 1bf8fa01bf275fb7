"""Smooth class probabilities along the graph of nearest neighbours."""

from typing import NamedTuple

import numpy as np

from selflabel.features.neighbours import Graph


class SmoothingConfig(NamedTuple):
    """How what a classifier says is smoothed (params.yaml's section smoothing).

    ``alpha``: in [0, 1), the neighbours' share. ``steps``: at least 0. ``temperature``: above 0, in units of the
    scores, which are divided by it before the softmax.
    """

    alpha: float
    steps: int
    temperature: float


def smooth(shares: np.ndarray, graph: Graph, smoothing: SmoothingConfig) -> np.ndarray:
    """Return float32 (N, C), rows summing to 1: F ← α S F + (1 − α) P, begun at F = P and repeated ``steps`` times.

    ``shares``: float (N, C), P: each row of the pool's class probabilities, known rows one-hot. This is the "smooth"
    of Correct & Smooth (Huang et al., ICLR 2021); label spreading (Zhou et al., NIPS 2003) of what a classifier says.
    """
    claimed = np.asarray(shares, np.float32)
    smoothed = claimed
    for _ in range(smoothing.steps):
        smoothed = smoothing.alpha * (graph.similarity @ smoothed) + (1 - smoothing.alpha) * claimed
    # S keeps no row's sum: a row with many links gets more than its share.
    return smoothed / smoothed.sum(axis=1, keepdims=True)


def smooth_new(shares: np.ndarray, pool: np.ndarray, graph: Graph, smoothing: SmoothingConfig) -> np.ndarray:
    """Return float32 (M, C), rows summing to 1: α of what an image's neighbours in the pool have, 1 − α of its own.

    ``shares``: float (M, C), own class probabilities of images outside the pool. ``pool``: float (N, C), smoothed.
    """
    of_neighbours = np.einsum("mk,mkc->mc", graph.test_weights, pool[graph.test_neighbours])
    return (smoothing.alpha * of_neighbours + (1 - smoothing.alpha) * shares).astype(np.float32)
