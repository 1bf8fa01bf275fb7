"""Score: what a round's classifier says of every image, and what those without a fold say of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from scipy.special import softmax
from threadpoolctl import threadpool_limits

from selflabel import classifiers, graph, out_of_fold
from selflabel.chunks import chunks
from selflabel.graph import Smoothing
from selflabel.held import Held

SCORING_CHUNK = 10_000

# Takes human-labelled rows, int64, and returns the classifier that has learnt from all labels but theirs.
Teacher = Callable[[np.ndarray], classifiers.Fitted]


class Said(NamedTuple):
    """Scores float64 of the pool, of the test images and, ``found``, of each human-labelled row out of fold."""

    own: np.ndarray
    pool: np.ndarray
    test: np.ndarray
    found: np.ndarray | None
    smoothed: np.ndarray | None = None


def plainly(
    teach: Teacher, human: np.ndarray, _truth: np.ndarray, fold: np.ndarray | None, features: Held, _: Smoothing | None
) -> Said:
    """Return the classifiers' own scores; the arguments are those of ``smoothed``."""
    score = teach(human[:0])
    own = scores(score, features.pool)
    found = None if fold is None else out_of_fold.scores(features.pool, human, fold, teach)
    test = scores(score, features.test) if len(features.test) else own[:0]
    return Said(own, own, test, found)


def smoothed(
    teach: Teacher,
    human: np.ndarray,
    truth: np.ndarray,
    fold: np.ndarray | None,
    features: Held,
    smoothing: Smoothing,
) -> Said:
    """Return the log-odds of what is left of the classifiers' scores after smoothing along the graph.

    ``human``: int64 (n,), the rows that people labelled, ``truth``: int (n,), how, ``fold``: int (n,), or None for no
    figures out of fold. A fold's labels are held back from the smoothing too: both from the classifier and from the
    rows that are known.
    """
    # The first has learnt from all, and number k + 1 from all but fold k.
    fold = np.full(len(human), -1) if fold is None else fold
    is_held_back = [fold == number for number in (-2, *range(fold.max() + 1))]
    fitted = [teach(human[held_back]) for held_back in is_held_back]
    own = scores(classifiers.together(fitted), features.pool).reshape(len(features.pool), len(fitted), -1)

    def smooth(number: int) -> np.ndarray:
        shares = softmax(own[:, number] / smoothing.temperature, axis=1)
        known = ~is_held_back[number]
        shares[human[known]] = np.eye(shares.shape[1])[truth[known]]
        return graph.smooth(shares, features.graph, smoothing)

    # Each in a thread of its own gives the same bytes as one after another.
    with ThreadPoolExecutor() as threads:
        shares = list(threads.map(smooth, range(len(fitted))))
    found = np.full((len(human), own.shape[2]), np.nan)
    for held_back, of_fold in zip(is_held_back[1:], shares[1:], strict=True):
        found[held_back] = classifiers.log_odds(of_fold[human[held_back]])
    test = shares[0][:0]
    if len(features.test):
        test = softmax(scores(fitted[0], features.test) / smoothing.temperature, axis=1)
        test = graph.smooth_new(test, shares[0], features.graph, smoothing)
    return Said(own[:, 0], classifiers.log_odds(shares[0]), classifiers.log_odds(test), found, shares[0])


def scores(score: classifiers.Scorer, features: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Return float64 (n, n_classes), the scores of some ``rows`` or all; in chunks, so that memory stays flat."""
    parts = chunks(len(features) if rows is None else len(rows), SCORING_CHUNK)
    # A chunk a thread, each with one thread for its sums: the same bytes as one chunk after another.
    with threadpool_limits(1), ThreadPoolExecutor() as threads:
        found = list(threads.map(lambda part: score(features[part if rows is None else rows[part]]), parts))
    return np.concatenate(found).astype(np.float64)
