"""Rank labels that people gave by how strongly classifiers that have not seen them contradict."""

from typing import NamedTuple

import numpy as np


class Suspects(NamedTuple):
    """How suspect n labels are.

    ``order``: int64 (n,), positions, the most suspect first. ``confidence``: float64 (n,), in [0, 1], the probability
    of the given label. ``other``: int64 (n,), the likeliest class but that. ``is_marked``: bool (n,).
    """

    order: np.ndarray
    confidence: np.ndarray
    other: np.ndarray
    is_marked: np.ndarray


def suspects(probabilities: np.ndarray, given: np.ndarray) -> Suspects:
    """Return how suspect each given label is, by confident learning (Northcutt et al., JAIR 2021).

    ``probabilities``: float (n, n_classes), in [0, 1], of each image by a classifier that has not seen its label;
    ``given``: int (n,), the labels. Ranked by self-confidence, the probability of the given label, the smallest first,
    equal ones in the order of their positions. A label is marked where another class is likelier than it, and at least
    as likely as that class is, in the mean, for the images that were given it: where a class is hard, less is enough.
    """
    rows = np.arange(len(given))
    confidence = probabilities[rows, given]
    others = probabilities.astype(np.float64)
    others[rows, given] = -1
    thresholds = np.array([_mean(confidence[given == index]) for index in range(probabilities.shape[1])])
    is_contradicted = (others >= thresholds) & (others > confidence[:, None])
    return Suspects(
        np.argsort(confidence, kind="stable"), confidence, others.argmax(axis=1), is_contradicted.any(axis=1)
    )


def _mean(confidence: np.ndarray) -> float:
    # What nobody was given has no threshold that could be reached.
    return float(confidence.mean()) if len(confidence) else np.inf
