"""Judge a classifier by people's labels that it has not seen: scores, calibration, precision."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from selflabel.labels.table import CONFIDENCE_DECIMALS
from selflabel.models import calibration
from selflabel.models.classifiers import Fitted


class Evidence(NamedTuple):
    """Human-given labels of images drawn at random, against a classifier that did not learn from them.

    ``confidence``: float64 (n,), in [0, 1]. ``predicted``: int (n,), the class of that confidence. ``is_right``: bool
    (n,). The classifier behind a row has not learnt from its label. The calibration has not seen it; the classifiers
    of the other folds, on whose scores it is fitted, have.
    """

    confidence: np.ndarray
    predicted: np.ndarray
    is_right: np.ndarray


def assign(labels: np.ndarray, *, n_folds: int, seed: Sequence[int]) -> np.ndarray:
    """Return int (n,), the fold in 0..n_folds−1 of each label, every class spread evenly over all of them.

    ``labels``: int (n,), at least two. Of a class with fewer labels than folds each is in another one; with one label
    its class is unknown to the classifier that judges it, which makes the figures out of fold low rather than high. The
    folds are those of scikit-learn's shuffled ``StratifiedKFold``; to import it would take each round as long as all
    else it does.
    """
    _, first, code = np.unique(labels, return_index=True, return_inverse=True)
    # The classes in the order in which they appear.
    code = np.argsort(np.argsort(first))[code]
    # Dealt out class after class, so that the folds are of equal size as well.
    ordered = np.sort(code)
    fold = np.empty(len(labels), int)
    generator = np.random.RandomState(np.random.SeedSequence(seed).generate_state(1)[0])
    for number in range(len(first)):
        places = np.sort(np.flatnonzero(ordered == number) % n_folds)
        generator.shuffle(places)
        fold[code == number] = places
    # With few labels none may be in the first folds.
    return np.unique(fold, return_inverse=True)[1]


def scores(features: np.ndarray, rows: np.ndarray, fold: np.ndarray, fit: Callable[[np.ndarray], Fitted]) -> np.ndarray:
    """Return float64 (n, n_classes), the scores of ``rows`` of ``features`` by classifiers that have not seen them.

    ``fit`` returns a classifier's scorer that has learnt from all but the rows it is given.
    """
    parts = [fold == number for number in range(fold.max() + 1)]
    scored = [fit(rows[held])(features[rows[held]]) for held in parts]
    result = np.empty((len(rows), scored[0].shape[1]))
    for held, part in zip(parts, scored, strict=True):
        result[held] = part
    return result


def probabilities(held_out: np.ndarray, labels: np.ndarray, fold: np.ndarray, *, method: str) -> np.ndarray:
    """Return float64 (n, n_classes), the probabilities of scores out of fold, calibrated by ``method``.

    ``held_out``: float (n, n_classes), the scores; those of a fold are calibrated on the other folds.
    """
    result = np.empty_like(held_out)
    for number in range(fold.max() + 1):
        held = fold == number
        result[held] = calibration.CALIBRATIONS[method](held_out[~held], labels[~held])(held_out[held])
    return np.round(result, CONFIDENCE_DECIMALS)


def evidence(held_out: np.ndarray, labels: np.ndarray, *, is_random: np.ndarray) -> Evidence:
    """Return what probabilities out of fold, float (n, n_classes), show.

    ``is_random``: bool (n,); only these rows are evidence. Images that a strategy chose are harder than the pool: they
    teach and calibrate, but what they show would be no estimate of the pool.
    """
    predicted = held_out.argmax(axis=1)
    columns = (held_out.max(axis=1), predicted, predicted == labels)
    return Evidence(*(column[is_random] for column in columns))


def would_be_accepted(shown: Evidence, accepted: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Return bool (n,): the human-given labels that a round would accept as well, had nobody given them.

    They are as confident as what is accepted of the class that is predicted for them: neither less than the least
    confident of it, nor more than the most, for a round may accept only what others before it left.
    ``accepted``: float (M,), the confidences of what the round accepts; ``given``: int (M,), the classes.
    """
    n_classes = max(given.max(initial=0), shown.predicted.max(initial=0)) + 1
    lowest, highest = np.full(n_classes, np.inf), np.full(n_classes, -np.inf)
    np.minimum.at(lowest, given, accepted)
    np.maximum.at(highest, given, accepted)
    return (shown.confidence >= lowest[shown.predicted]) & (shown.confidence <= highest[shown.predicted])
