"""Which images a round asks a person about.

A strategy is a pure function that returns positions of the candidates, int64, best first. What it scores scores
larger where asking is worth more; equal scores are taken in the order of their positions. A new strategy is one
function, its name in ``STRATEGIES`` and its line in ``choose``.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import entr

from selflabel import clustering

OF_GRAPH = ("smoothed_margin", "mixed_margin")
STRATEGIES = (
    "none", "lower_threshold", "least_confidence", "margin", "raw_margin", *OF_GRAPH, "entropy", "random", "typiclust",
    "k_means",
)  # fmt: skip


class Views(NamedTuple):
    """What the classifier says of the candidates, each float (M, n_classes ≥ 2).

    ``probabilities``: calibrated. ``scores``: its own. ``smoothed``: class shares along the graph; None without one.
    """

    probabilities: np.ndarray
    scores: np.ndarray
    smoothed: np.ndarray | None = None


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
    views: Views,
    features: np.ndarray,
    rows: np.ndarray,
    *,
    human_rows: np.ndarray,
    n: int,
    round_number: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return which images to ask about: positions in ``rows``, int64, at most ``n``, and the strategy of each, str.

    ``rows``: int64 (M,), the candidates; ``views``: of them. ``features``: float32 (N, D) of the pool. ``human_rows``:
    int64, the rows with a person's label.

    Several strategies take turns; one that has no more to ask about leaves its turns to the others. A near-duplicate
    of an image chosen before is passed over. All randomness comes from (``ask.seed``, ``round_number``).
    """
    names = ask.strategy.split("+") if n > 0 and len(rows) else ["none"]
    share = math.ceil(n / len(names))
    generator = np.random.default_rng([ask.seed, round_number])
    probabilities = views.probabilities
    order = {
        "none": lambda: np.empty(0, np.int64),
        "lower_threshold": lambda: below(probabilities, ask.lower_threshold),
        "least_confidence": lambda: best_first(least_confidence(probabilities)),
        "margin": lambda: best_first(margin(probabilities)),
        "raw_margin": lambda: best_first(margin(views.scores)),
        "smoothed_margin": lambda: best_first(margin(views.smoothed)),
        "mixed_margin": lambda: best_first(mixed_margin(views.scores, views.smoothed)),
        "entropy": lambda: best_first(entropy(probabilities)),
        "random": lambda: generator.permutation(len(rows)),
        "typiclust": lambda: clustering.typiclust(features, rows, human_rows, n=share, generator=generator),
        "k_means": lambda: clustering.k_means(features, rows, n=share, generator=generator),
    }
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
    variance = features[rows[:: math.ceil(len(rows) / clustering.SAMPLE)]].var(axis=0, dtype=np.float64).sum()
    # Above 0, so that equal images are near-duplicates even where all are equal.
    return max(min_distance * math.sqrt(2 * variance), np.finfo(np.float64).tiny)


def least_confidence(probabilities: np.ndarray) -> np.ndarray:
    """Return float (M,): one minus the largest class probability (Lewis & Gale, SIGIR 1994)."""
    return 1 - probabilities.max(axis=1)


def margin(probabilities: np.ndarray) -> np.ndarray:
    """Return float (M,), at most 0: minus the lead of the likeliest class (Scheffer et al., IDA 2001).

    Of scores as well: the lead is then in their units.
    """
    second, first = np.sort(probabilities, axis=1)[:, -2:].T
    return second - first


def mixed_margin(*views: np.ndarray) -> np.ndarray:
    """Return float (M,), at most 0: the sum of the views' margins, each divided by its standard deviation."""
    return sum(found / (found.std() or 1.0) for found in map(margin, views))


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
