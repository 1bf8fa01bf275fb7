"""Features learnt from the pool's patches without any label (Coates, Ng & Lee, AISTATS 2011; Coates & Ng 2012)."""

import importlib
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from selflabel.chunks import chunks

SAMPLE = 100_000  # patches that k-means sees: of 6×6 pixels 14 MB, clustered in seconds
PER_IMAGE = 10
# As in the papers, for grey levels from 0 to 255: added to a patch's variance, so that empty ones stay small, and to
# the variance along an axis, so that whitening does not blow noise up.
CONTRAST, WHITENING = 10.0, 0.1
ITERATIONS = 20  # the centres of early steps are as good as the last ones, and k-means on patches converges slowly
CHUNK = 250  # images at once, of 28×28 pixels some hundred thousand patches
LARGEST = 70_000_000  # numbers at once, a patch's nearness to a centre each: of larger images fewer are encoded at once


class Codebook(NamedTuple):
    """``mean``: float32 (D,); ``whiten``: float32 (D, D); ``centres``: float32 (K, D), whitened; D is p² or 3 p²."""

    mean: np.ndarray
    whiten: np.ndarray
    centres: np.ndarray
    patch: int  # side p, pixels
    stride: int  # pixels
    grid: int  # cells a side over which the nearness is summed


def learn(pool: np.ndarray, *, patch: int, stride: int, centres: int, grid: int, seed: int) -> Codebook:
    """Return the whitening and the ``centres`` that k-means finds in patches of the ``pool``.

    ``pool``: uint8 (N, height, width), or (N, height, width, 3): patches then have all three channels.
    ``patch``: side in pixels, at most the images'. ``grid``: at most the positions a patch has along a side. Raises
    ``ValueError`` where the pool has fewer patches than centres.
    """
    generator = np.random.default_rng(seed)
    sample = _normalised(_sample(pool, patch, generator))
    if len(sample) < centres:
        raise ValueError(
            f"features.kmeans_patches.centres must be at most the {len(sample):,} patches there are, got {centres}"
        )
    importlib.import_module("sklearn.cluster")  # the limit holds for the libraries that are loaded
    # More threads add sums up in another order.
    with threadpool_limits(1):
        mean = sample.mean(axis=0)
        values, vectors = np.linalg.eigh(np.cov(sample.T.astype(np.float64)))
        whiten = ((vectors / np.sqrt(np.maximum(values, 0) + WHITENING)) @ vectors.T).astype(np.float32)
        centroids = _k_means((sample - mean) @ whiten, centres, int(generator.integers(2**31)))
    return Codebook(mean, whiten, centroids, patch, stride, grid)


def _k_means(points: np.ndarray, centres: int, seed: int) -> np.ndarray:
    import warnings

    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    # Fewer distinct patches than centres leave some of these equal.
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        return KMeans(centres, n_init=1, max_iter=ITERATIONS, random_state=seed).fit(points).cluster_centers_


def encode(codebook: Codebook, images: np.ndarray) -> np.ndarray:
    """Return float32 (N, grid² · K): how near the patches of each part of an image are to each centre.

    A patch counts for a centre by how much nearer than to the average centre it is ("triangle"); the sums over a
    part's patches are rooted, as counts are, so that the frequent does not outweigh the rest.
    """
    n_patches = np.prod([len(range(0, side - codebook.patch + 1, codebook.stride)) for side in images.shape[1:3]])
    at_once = max(1, min(CHUNK, LARGEST // int(n_patches * len(codebook.centres))))
    with threadpool_limits(1):
        return np.concatenate([_encode(codebook, images[rows]) for rows in chunks(len(images), at_once)])


def _encode(codebook: Codebook, images: np.ndarray) -> np.ndarray:
    patches = _patches(images, codebook.patch)[:, :: codebook.stride, :: codebook.stride]
    n_images, n_down, n_across = patches.shape[:3]
    points = (_normalised(patches.reshape(n_images * n_down * n_across, -1)) - codebook.mean) @ codebook.whiten
    squares = (points**2).sum(axis=1)[:, None] + (codebook.centres**2).sum(axis=1) - 2 * points @ codebook.centres.T
    distances = np.sqrt(np.maximum(squares, 0, out=squares), out=squares)
    nearness = np.maximum(distances.mean(axis=1, keepdims=True) - distances, 0)
    nearness = nearness.reshape(n_images, n_down, n_across, -1)
    for axis, length in ((1, n_down), (2, n_across)):
        edges = np.linspace(0, length, codebook.grid + 1).round().astype(int)[:-1]
        nearness = np.add.reduceat(nearness, edges, axis=axis)
    return np.sqrt(nearness.reshape(n_images, -1))


def _patches(images: np.ndarray, side: int) -> np.ndarray:
    # A view (N, down, across, side, side), coloured (N, down, across, 3, side, side): every patch, none copied.
    return np.lib.stride_tricks.sliding_window_view(images, (side, side), axis=(1, 2))


def _sample(pool: np.ndarray, side: int, generator: np.random.Generator) -> np.ndarray:
    rows = np.sort(generator.permutation(len(pool))[: SAMPLE // PER_IMAGE])
    patches = _patches(np.asarray(pool[rows]), side)
    down, across = (generator.integers(0, length, (len(rows), PER_IMAGE)) for length in patches.shape[1:3])
    return patches[np.arange(len(rows))[:, None], down, across].reshape(len(rows) * PER_IMAGE, -1)


def _normalised(patches: np.ndarray) -> np.ndarray:
    patches = patches.astype(np.float32)
    centred = patches - patches.mean(axis=1, keepdims=True)
    return centred / np.sqrt(centred.var(axis=1, keepdims=True) + CONTRAST)
