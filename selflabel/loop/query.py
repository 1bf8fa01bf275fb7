"""Choose the images that a round asks a person about.

A strategy is a pure function of a ``QueryContext`` that returns positions of candidates, int64, best first. Scores are
larger where asking is worth more; equal ones are taken in the order of their positions. A new strategy is one
function and its line in ``STRATEGIES``.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from selflabel.loop import clustering


class QueryConfig(NamedTuple):
    """How many images a round asks about, and how it chooses them (params.yaml's section ask).

    ``strategy``: a name in ``STRATEGIES``, or several joined by "+". ``per_round`` and ``budget``: questions.
    ``min_distance``: see ``near_limit``, at least 0 (off). ``lower_threshold``: class probability in [0, 1].
    """

    strategy: str
    per_round: int
    budget: int
    min_distance: float
    lower_threshold: float
    seed: int


class QueryContext(NamedTuple):
    """The arguments of a strategy: the M candidates and the pool of N images that they are rows of."""

    probabilities: np.ndarray  # float (M, n_classes ≥ 2), calibrated
    scores: np.ndarray  # float (M, n_classes), of the classifier itself
    smoothed: np.ndarray | None  # float (M, n_classes), class shares along the graph; None without one
    features: np.ndarray  # float32 (N, D), of the pool
    rows: np.ndarray  # int64 (M,), the candidates
    human_rows: np.ndarray  # int64, the rows with a person's label
    lower_threshold: float  # class probability in [0, 1]
    n: int  # questions that are wanted
    generator: np.random.Generator  # all randomness of a round's questions

    @property
    def along_graph(self) -> np.ndarray:
        """``smoothed``. Raises ``ValueError`` where there is no graph."""
        if self.smoothed is None:
            raise ValueError("this strategy must have a graph, got none (graph.neighbours is 0)")
        return self.smoothed


def n_questions(config: QueryConfig, *, n_asked: int, n_open: int) -> int:
    """Return how many questions a round may ask; of all ``n_asked`` so far, ``n_open`` have no answer yet."""
    return max(0, min(config.per_round - n_open, config.budget - n_asked))


def choose(config: QueryConfig, context: QueryContext) -> tuple[np.ndarray, np.ndarray]:
    """Return which images to ask about: positions of candidates, int64, at most ``n``, and the strategy of each, str.

    Several strategies take turns; one that has no more to ask about leaves its turns to the others. A near-duplicate
    of an image chosen before is passed over.
    """
    is_asking = config.strategy != "none" and context.n > 0 and len(context.rows)
    names = config.strategy.split("+") if is_asking else []
    shared = context._replace(n=math.ceil(context.n / max(len(names), 1)))
    orders = [STRATEGIES[name](shared) for name in names]
    limit = near_limit(context.features, context.rows, config.min_distance)
    chosen = take_turns(orders, context.features, context.rows, n=context.n, limit=limit)
    return np.array(list(chosen), np.int64), np.array(names, str)[list(chosen.values())]


def take_turns(
    orders: list[np.ndarray], features: np.ndarray, rows: np.ndarray, *, n: int, limit: float
) -> dict[int, int]:
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
    return np.sum([margins / (margins.std() or 1.0) for margins in map(margin, views)], axis=0)


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """Return float (M,), at least 0, in nats: −Σ p log p with 0 log 0 = 0 (Shannon 1948)."""
    # Here, for checking params.yaml, which each stage does, need not wait for it.
    from scipy.special import entr

    return entr(probabilities).sum(axis=1)


def best_first(scores: np.ndarray) -> np.ndarray:
    """Return all positions, largest score first; compared to ten decimals, so that 0.6 − 0.4 equals 0.4 − 0.2."""
    return np.argsort(-np.round(scores, 10), kind="stable")


def below(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Return the positions whose largest class probability is strictly below ``threshold``, least confident first."""
    order = best_first(least_confidence(probabilities))
    return order[probabilities.max(axis=1)[order] < threshold]


# Name in params.yaml to what returns the positions to ask about, best first.
STRATEGIES: Mapping[str, Callable[[QueryContext], np.ndarray]] = {
    "lower_threshold": lambda context: below(context.probabilities, context.lower_threshold),
    "least_confidence": lambda context: best_first(least_confidence(context.probabilities)),
    "margin": lambda context: best_first(margin(context.probabilities)),
    "raw_margin": lambda context: best_first(margin(context.scores)),
    "smoothed_margin": lambda context: best_first(margin(context.along_graph)),
    "mixed_margin": lambda context: best_first(mixed_margin(context.scores, context.along_graph)),
    "entropy": lambda context: best_first(entropy(context.probabilities)),
    "random": lambda context: context.generator.permutation(len(context.rows)),
    "typiclust": lambda context: clustering.typiclust(
        context.features, context.rows, context.human_rows, n=context.n, generator=context.generator
    ),
    "k_means": lambda context: clustering.k_means(
        context.features, context.rows, n=context.n, generator=context.generator
    ),
}
NAMES = ("none", *STRATEGIES)
# Those that read ``smoothed``.
OF_GRAPH = ("smoothed_margin", "mixed_margin")
