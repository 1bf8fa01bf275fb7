"""Which images a round asks a person about.

A strategy is a pure function that returns positions of the candidates, int64, best first. What it scores scores
larger where asking is worth more; equal scores are taken in the order of their positions. A new strategy is one
function, its name in ``STRATEGIES`` and its line in ``choose``.
"""

import importlib
import math
import warnings
from typing import NamedTuple

import numpy as np
from scipy.special import entr
from threadpoolctl import threadpool_limits

STRATEGIES = ("none", "lower_threshold", "least_confidence", "margin", "entropy", "random", "typiclust", "k_means")
SAMPLE = 10_000  # of 60,000 candidates so many are clustered in seconds, and all of them in half a minute
MAX_CLUSTERS, N_NEIGHBOURS = 500, 20  # both as in TypiClust's paper


class Ask(NamedTuple):
    """What is asked of a person (params.yaml's section ask, and self_label.lower_threshold).

    ``strategy``: one of ``STRATEGIES``, or several joined by "+". ``per_round`` and ``budget``: questions.
    ``min_distance``: see ``near_limit``, at least 0 (off). ``lower_threshold``: class probability in [0, 1].
    """

    strategy: str
    per_round: int
    budget: int
    min_distance: float
    lower_threshold: float
    seed: int


def n_questions(ask: Ask, *, n_asked: int, n_open: int) -> int:
    """Return how many questions a round may ask; of all ``n_asked`` so far, ``n_open`` have no answer yet."""
    return max(0, min(ask.per_round - n_open, ask.budget - n_asked))


def choose(
    ask: Ask,
    probabilities: np.ndarray,
    features: np.ndarray,
    rows: np.ndarray,
    *,
    human_rows: np.ndarray,
    n: int,
    round_number: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return which images to ask about: positions in ``rows``, int64, at most ``n``, and the strategy of each, str.

    ``rows``: int64 (M,), the candidates. ``probabilities``: float (M, n_classes ≥ 2), theirs. ``features``: float32
    (N, D) of the pool. ``human_rows``: int64, the rows with a person's label.

    Several strategies take turns; one that has no more to ask about leaves its turns to the others. A near-duplicate
    of an image chosen before is passed over. All randomness comes from (``ask.seed``, ``round_number``).
    """
    names = ask.strategy.split("+") if n > 0 and len(rows) else ["none"]
    share = math.ceil(n / len(names))
    generator = np.random.default_rng([ask.seed, round_number])
    order = {
        "none": lambda: np.empty(0, np.int64),
        "lower_threshold": lambda: below(probabilities, ask.lower_threshold),
        "least_confidence": lambda: best_first(least_confidence(probabilities)),
        "margin": lambda: best_first(margin(probabilities)),
        "entropy": lambda: best_first(entropy(probabilities)),
        "random": lambda: generator.permutation(len(rows)),
        "typiclust": lambda: typiclust(features, rows, human_rows, n=share, generator=generator),
        "k_means": lambda: k_means(features, rows, n=share, generator=generator),
    }
    # Threads add up in the order they finish, which can move a point to another cluster. A limit is for what is loaded.
    importlib.import_module("sklearn.cluster")
    with threadpool_limits(1):
        orders = [order[name]() for name in names]
    chosen = take_turns(orders, features, rows, n=n, limit=near_limit(features, rows, ask.min_distance))
    return np.array(list(chosen), np.int64), np.array(names)[list(chosen.values())]


def take_turns(orders: list[np.ndarray], features: np.ndarray, rows: np.ndarray, *, n: int, limit: float) -> dict:
    """Return at most ``n`` positions, in the order they are chosen, each with the index of the order it comes from.

    In its turn an order gives its next position that is not chosen yet and not nearer than ``limit`` to a chosen one.
    """
    from scipy.spatial.distance import cdist

    chosen: dict[int, int] = {}
    images = np.empty((max(0, min(n, len(rows))), features.shape[1]))

    def is_new(position: int) -> bool:
        # From the differences, not by |a|² − 2ab + |b|², so that equal images are exactly 0 apart.
        distances = cdist(images[: len(chosen)], features[rows[position]][None])
        return position not in chosen and not (distances < limit).any()

    queues = [(turn, iter(order.tolist())) for turn, order in enumerate(orders)]
    while queues and len(chosen) < len(images):
        turn, queue = queues.pop(0)
        position = next(filter(is_new, queue), None)
        if position is not None:
            images[len(chosen)] = features[rows[position]]
            chosen[position] = turn
            queues.append((turn, queue))
    return chosen


def near_limit(features: np.ndarray, rows: np.ndarray, min_distance: float) -> float:
    """Return the Euclidean distance below which two images are near-duplicates, 0 if ``min_distance`` is.

    ``min_distance`` is its share of the root mean square distance between two candidates, √(2 · total variance).
    """
    if min_distance == 0 or len(rows) == 0:
        return 0.0
    variance = features[rows[:: math.ceil(len(rows) / SAMPLE)]].var(axis=0, dtype=np.float64).sum()
    # Above 0, so that equal images are near-duplicates even where all are equal.
    return max(min_distance * math.sqrt(2 * variance), np.finfo(np.float64).tiny)


def least_confidence(probabilities: np.ndarray) -> np.ndarray:
    """Return float (M,): one minus the largest class probability (Lewis & Gale, SIGIR 1994)."""
    return 1 - probabilities.max(axis=1)


def margin(probabilities: np.ndarray) -> np.ndarray:
    """Return float (M,) in [−1, 0]: minus the lead of the likeliest class (Scheffer et al., IDA 2001)."""
    second, first = np.sort(probabilities, axis=1)[:, -2:].T
    return second - first


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """Return float (M,), at least 0, in nats: −Σ p log p with 0 log 0 = 0 (Shannon 1948)."""
    return entr(probabilities).sum(axis=1)


def best_first(scores: np.ndarray) -> np.ndarray:
    """Return all positions, largest score first; compared to ten decimals, so that 0.6 − 0.4 equals 0.4 − 0.2."""
    return np.argsort(-np.round(scores, 10), kind="stable")


def below(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Return the positions whose largest class probability is strictly below ``threshold``, least confident first."""
    order = best_first(least_confidence(probabilities))
    return order[probabilities.max(axis=1)[order] < threshold]


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
    own, humans = np.split(clusters, [len(positions)])
    scores = np.zeros(len(positions))
    for cluster in np.flatnonzero(np.bincount(own) > 1):
        scores[own == cluster] = typicality(images[: len(positions)][own == cluster])
    n_human = np.bincount(humans, minlength=clusters.max() + 1)
    return positions[_best_of_each(own, scores, np.lexsort((-np.bincount(clusters), n_human)))]


def typicality(features: np.ndarray) -> np.ndarray:
    """Return float (M ≥ 2,): one over the mean distance of each point to its nearest others, at most 20."""
    from sklearn.neighbors import NearestNeighbors

    neighbours = NearestNeighbors(n_neighbors=min(N_NEIGHBOURS, len(features) - 1), algorithm="brute").fit(features)
    with np.errstate(divide="ignore"):
        return 1 / neighbours.kneighbors()[0].mean(axis=1)


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
        found = KMeans(min(n_clusters, len(images)), n_init=1, random_state=int(generator.integers(2**31))).fit(images)
    return found.labels_, found.cluster_centers_


def _best_of_each(clusters: np.ndarray, scores: np.ndarray, cluster_order: np.ndarray) -> np.ndarray:
    # The best of each cluster, the clusters in their order, then the second of each, and so on.
    order = np.lexsort((-scores, clusters))
    sizes = np.bincount(clusters, minlength=len(cluster_order))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.lexsort((np.argsort(cluster_order)[clusters], place))
