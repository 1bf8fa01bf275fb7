"""Smooth class probabilities along the graph of nearest neighbours, and weigh them against those before."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import reverse_cuthill_mckee
from scipy.special import softmax

from selflabel.chunks import chunks
from selflabel.features.neighbours import Graph
from selflabel.rounding import DECIMALS

# Of what is smoothed, beside all of it; and by how many standard errors another one must be right more often.
SHARES = (0.0, 0.25, 0.5, 0.75)
STANDARD_ERRORS = 2.0
_NEARLY_ZERO = 1e-9
# Rows that a thread smooths at a time.
PORTION = 20_000
# Bytes beyond which shares do not stay in a processor's cache: rows are then put in another order, for half the time.
CACHE = 32 * 2**20


class SmoothingConfig(NamedTuple):
    """How what a classifier says is smoothed (params.yaml's section smoothing).

    ``alpha``: in [0, 1), the neighbours' share. ``steps``: at least 0. ``temperature``: above 0, in units of the
    scores, which are divided by it before the softmax. ``adapt``: whether ``chosen_share`` is asked.
    """

    alpha: float
    steps: int
    temperature: float
    adapt: bool = False


def smooth(shares: np.ndarray, graph: Graph, smoothing: SmoothingConfig, *, overwrite: bool = False) -> np.ndarray:
    """Return float32 (N, C), rows summing to 1: F ← α S F + (1 − α) P, begun at F = P and repeated ``steps`` times.

    ``shares``: float (N, C), P: each row of the pool's class probabilities, known rows one-hot; or (N, n, C), of n
    fits, which are smoothed together in half the time: each link is fetched once for all. ``overwrite``: what is in
    them may be lost, which saves their memory. This is the "smooth" of Correct & Smooth (Huang et al., ICLR 2021);
    label spreading (Zhou et al., NIPS 2003) of what a classifier says.
    """
    claimed, similarity, order, spare = (
        np.asarray(shares, np.float32).reshape(len(shares), -1),
        graph.similarity,
        None,
        None,
    )
    if claimed.nbytes > CACHE:
        order, spare = _near_together(similarity), claimed if overwrite else None
        claimed, similarity = claimed[order], _permuted(similarity, order)
    smoothed, target = claimed, np.empty_like(claimed) if spare is None else spare
    parts = _portions(similarity)

    def step(rows: slice, links: sparse.csr_array) -> None:
        target[rows] = smoothing.alpha * (links @ smoothed) + (1 - smoothing.alpha) * claimed[rows]

    # A portion a thread: the same bytes as all rows at once.
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for _ in range(smoothing.steps):
            list(threads.map(step, *zip(*parts, strict=True)))
            smoothed, target = target, np.empty_like(claimed) if smoothed is claimed else smoothed
    if order is not None:
        target[order] = smoothed
        smoothed, target = target, smoothed
    of_fits = smoothed.reshape(shares.shape)
    # S keeps no row's sum: a row with many links gets more than its share.
    return np.divide(of_fits, of_fits.sum(axis=-1, keepdims=True), out=target.reshape(shares.shape))


def _near_together(similarity: sparse.csr_array) -> np.ndarray:
    """Return the rows, int32 (N,), in an order in which linked ones are near each other (reverse Cuthill–McKee)."""
    # It writes into what it is given.
    links = sparse.csr_array(
        (similarity.data, np.array(similarity.indices), np.array(similarity.indptr)), shape=similarity.shape
    )
    return np.asarray(reverse_cuthill_mckee(links, symmetric_mode=True))


def _permuted(similarity: sparse.csr_array, order: np.ndarray) -> sparse.csr_array:
    """Return a matrix with rows and columns in another order; links of a row stay in theirs: its sums are the same."""
    place = np.empty_like(order)
    place[order] = np.arange(len(order), dtype=order.dtype)
    starts = similarity.indptr
    n_links = np.diff(starts)[order]
    new_starts = np.concatenate([[0], np.cumsum(n_links)]).astype(starts.dtype)
    links = np.repeat(starts[:-1][order] - new_starts[:-1], n_links) + np.arange(new_starts[-1])
    arrays = (similarity.data[links], place[similarity.indices[links]], new_starts)
    return sparse.csr_array(arrays, shape=similarity.shape)


def _portions(similarity: sparse.csr_array) -> list[tuple[slice, sparse.csr_array]]:
    """Return a matrix in portions of rows, which share its memory."""
    starts, parts = similarity.indptr, []
    for rows in chunks(similarity.shape[0], PORTION):
        links = slice(starts[rows.start], starts[rows.stop])
        arrays = (similarity.data[links], similarity.indices[links], starts[rows.start : rows.stop + 1] - links.start)
        parts.append((rows, sparse.csr_array(arrays, shape=(rows.stop - rows.start, similarity.shape[1]))))
    return parts


def smooth_new(shares: np.ndarray, pool: np.ndarray, graph: Graph, smoothing: SmoothingConfig) -> np.ndarray:
    """Return float32 (M, C), rows summing to 1: α of what an image's neighbours in the pool have, 1 − α of its own.

    ``shares``: float (M, C), own class probabilities of images outside the pool. ``pool``: float (N, C), smoothed.
    """
    of_neighbours = np.einsum("mk,mkc->mc", graph.test_weights, pool[graph.test_neighbours])
    return (smoothing.alpha * of_neighbours + (1 - smoothing.alpha) * shares).astype(np.float32)


def mixed(own: np.ndarray, smoothed: np.ndarray, share: float) -> np.ndarray:
    """Return float32 (n, C), rows summing to 1: own^(1 − share) · smoothed^share, normalised.

    ``own``, ``smoothed``: float (n, C), class probabilities. ``share``: in [0, 1]; 1 returns ``smoothed`` as it is.
    This is the logarithmic opinion pool (Genest & Zidek, Statistical Science 1986).
    """
    if share == 1:
        return smoothed
    logarithms = (1 - share) * np.log(own + _NEARLY_ZERO) + share * np.log(smoothed + _NEARLY_ZERO)
    return np.asarray(softmax(logarithms, axis=1), np.float32)


def chosen_share(own: np.ndarray, smoothed: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of the smoothed probabilities with which most labels are right; 1 unless another is clearly so.

    Where classes are few images each, labels travel beyond them. ``own``, ``smoothed``: float (n, C), of rows by fits
    that have not seen their ``labels``, int (n,). Clearly: by two standard errors of the paired difference, so that the
    few labels of the first rounds decide nothing by chance.
    """

    def is_right(share: float) -> np.ndarray:
        return np.asarray(np.round(mixed(own, smoothed, share), DECIMALS).argmax(axis=1) == labels, float)

    all_smoothed, best, most = is_right(1), 1.0, 0.0
    for share in SHARES:
        gain = is_right(share) - all_smoothed
        if gain.mean() > max(most, STANDARD_ERRORS * gain.std() / np.sqrt(len(gain))):
            best, most = share, gain.mean()
    return best
