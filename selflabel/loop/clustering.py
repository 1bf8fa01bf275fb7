"""Choose images that stand for many: the asking strategies that cluster, for a cold start.

Each returns positions of the candidates, int64, best first, as those of ``asking`` do.
"""

import functools
import importlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

SAMPLE = 10_000  # of 60,000 candidates so many are clustered in seconds, and all of them in half a minute
MAX_CLUSTERS, N_NEIGHBOURS = 500, 20  # both as in TypiClust's paper


def _in_one_thread(strategy: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(strategy)
    def in_one_thread(*args: Any, **options: Any) -> Any:
        # Threads add up in the order they finish, which can move a point to another cluster. A limit is for what is
        # loaded.
        importlib.import_module("sklearn.cluster")
        with threadpool_limits(1):
            return strategy(*args, **options)

    return in_one_thread


@_in_one_thread
def typiclust(
    features: np.ndarray, rows: np.ndarray, human_rows: np.ndarray, *, n: int, generator: np.random.Generator
) -> np.ndarray:
    """Return positions: the most typical candidate of each cluster, then the second of each, and so on.

    There are as many clusters as ``human_rows`` and questions, 500 at most. Those with the fewest human rows come
    first, of these the largest (Hacohen, Dekel & Weinshall, "Active learning on a budget", ICML 2022).
    """
    positions = np.sort(generator.permutation(len(rows))[:SAMPLE])
    images = features[np.concatenate([rows[positions], human_rows])]
    clusters, _ = _cluster(images, min(len(human_rows) + n, MAX_CLUSTERS), generator)
    of_candidates, of_humans = np.split(clusters, [len(positions)])
    scores = np.zeros(len(positions))
    for cluster in np.flatnonzero(np.bincount(of_candidates) > 1):
        is_inside = of_candidates == cluster
        scores[is_inside] = typicality(images[: len(positions)][is_inside])
    n_human = np.bincount(of_humans, minlength=clusters.max() + 1)
    return positions[_best_of_each(of_candidates, scores, np.lexsort((-np.bincount(clusters), n_human)))]


def typicality(features: np.ndarray) -> np.ndarray:
    """Return float (M ≥ 2,): one over the mean distance of each point to its nearest others, at most 20."""
    from sklearn.neighbors import NearestNeighbors

    neighbours = NearestNeighbors(n_neighbors=min(N_NEIGHBOURS, len(features) - 1), algorithm="brute").fit(features)
    with np.errstate(divide="ignore"):
        return 1 / neighbours.kneighbors()[0].mean(axis=1)


@_in_one_thread
def k_means(features: np.ndarray, rows: np.ndarray, *, n: int, generator: np.random.Generator) -> np.ndarray:
    """Return positions: the nearest to each of ``n`` centres, largest cluster first, then the second of each, …"""
    positions = np.sort(generator.permutation(len(rows))[:SAMPLE])
    images = features[rows[positions]]
    clusters, centres = _cluster(images, n, generator)
    nearness = -np.linalg.norm(images - centres[clusters], axis=1)
    return positions[_best_of_each(clusters, nearness, np.argsort(-np.bincount(clusters), kind="stable"))]


def _cluster(images: np.ndarray, n_clusters: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    # Fewer distinct images than clusters leave clusters empty, and an empty one has nothing to ask about.
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        # Not MiniBatchKMeans: where it is faster, almost all of 500 clusters had five images or fewer.
        seed = int(generator.integers(2**31))
        fitted = KMeans(min(n_clusters, len(images)), n_init=1, random_state=seed).fit(images)
    return fitted.labels_, fitted.cluster_centers_


def _best_of_each(clusters: np.ndarray, scores: np.ndarray, cluster_order: np.ndarray) -> np.ndarray:
    # The best of each cluster, the clusters in their order, then the second of each, and so on.
    order = np.lexsort((-scores, clusters))
    sizes = np.bincount(clusters, minlength=len(cluster_order))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.lexsort((np.argsort(cluster_order)[clusters], place))
