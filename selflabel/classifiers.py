"""Classifiers behind one small interface: fit, then class scores.

A new classifier is one function in ``CLASSIFIERS``; its name goes into the schema of ``classifier.name``.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from sklearn.svm import LinearSVC

# Takes features (M, D) and returns scores (M, n_classes), larger where the class is likelier.
Scorer = Callable[[np.ndarray], np.ndarray]


class Recipe(NamedTuple):
    """What to fit: the classifier's name, its inverse regularisation strength C, and the seed of its draws."""

    name: str
    C: float
    seed: int


def linear_svm(features: np.ndarray, labels: np.ndarray, *, C: float, seed: int) -> Scorer:
    """Return the margins of one linear SVM per class against the rest (scikit-learn's ``LinearSVC``)."""
    return LinearSVC(C=C, random_state=seed).fit(features, labels).decision_function


CLASSIFIERS = {"linear_svm": linear_svm}


def fit(recipe: Recipe, features: np.ndarray, labels: np.ndarray, *, n_classes: int, round_number: int = 0) -> Scorer:
    """Return the scorer of a classifier fitted on features float (M, D) and labels int (M,).

    Every class needs a label, so that column c of the scores is class c; raises ``ValueError`` otherwise. The
    classifier's randomness comes from (``recipe.seed``, ``round_number``) alone.
    """
    missing = np.setdiff1d(np.arange(n_classes), labels)
    if len(missing):
        raise ValueError(f"every class needs at least one label to learn from, class {missing[0]} has none")
    seed = int(np.random.SeedSequence([recipe.seed, round_number]).generate_state(1)[0])
    score = CLASSIFIERS[recipe.name](features, labels, C=recipe.C, seed=seed)
    return lambda new: _one_column_per_class(score(new))


def _one_column_per_class(scores: np.ndarray) -> np.ndarray:
    # scikit-learn gives two-class problems as one column, the margin of class 1.
    return np.column_stack([-scores, scores]) if scores.ndim == 1 else scores
