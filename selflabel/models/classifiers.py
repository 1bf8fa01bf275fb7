"""Classifiers behind one small interface: fit, then class scores.

A new one is a line of ``catalogue.BUILT_IN``; any other classifier of scikit-learn works by its import path.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.special import logit
from threadpoolctl import threadpool_limits

from selflabel.chunks import chunks
from selflabel.features import feature_set
from selflabel.models import kernel_ridge
from selflabel.models.catalogue import OWN, ClassifierConfig, estimator, fault

# Takes features (M, D), returns scores float64 (M, n_classes): one-vs-rest margins or log-odds, larger where likelier.
Scorer = Callable[[np.ndarray], np.ndarray]

EXACT_ROWS = 5_000  # of kernel_svm; their kernel takes 200 MB, that of all of Fashion-MNIST would take 29 GB
NYSTROEM_COMPONENTS = 1_000
KERNEL_CHUNK = 1_000
PROBABILITY_MARGIN = 1e-6  # log-odds of 0 and 1 are infinite, these ±13.8; probabilities are rounded to six decimals


class TrainingSet(NamedTuple):
    """The labelled rows that a classifier learns from."""

    pool: np.ndarray  # float32 (N, D), features of the whole pool
    rows: np.ndarray  # int64 (M,), those that teach
    labels: np.ndarray  # int (M,), their classes 0..n_classes−1
    weights: np.ndarray | None = None  # float (M,), above 0; None: all count alike
    blocks: tuple[feature_set.Block, ...] = ()  # the extractors' columns; empty: all are one's


class Fitted(NamedTuple):
    """A fitted classifier: takes features (M, D), returns scores float64 (M, n_classes)."""

    score: Scorer | kernel_ridge.KernelModel

    def __call__(self, new: np.ndarray) -> np.ndarray:
        """Return the scores of new rows, each class in its own column."""
        with threadpool_limits(1):
            scores = np.asarray(self.score(new), np.float64).reshape(len(new), -1)
        # Of two classes there may be one column, the margin of class 1.
        return np.hstack([-scores, scores]) if scores.shape[1] == 1 else scores


def together(fitted: Sequence[Fitted]) -> Scorer:
    """Return what gives the scores of all classifiers at once, float64 (M, n · n_classes), one beside the other.

    Machines that have a kernel in common compute it once.
    """
    machines = [classifier.score for classifier in fitted if isinstance(classifier.score, kernel_ridge.KernelModel)]
    if len(machines) == len(fitted):
        return Fitted(kernel_ridge.KernelModel.together(machines)).__call__
    return lambda new: np.hstack([classifier(new) for classifier in fitted])


def fit(recipe: ClassifierConfig, given: TrainingSet, *, n_classes: int, round_number: int = 0) -> Fitted:
    """Return the scorer of a classifier fitted on what is given; column c of the scores is class c.

    Raises ``ValueError`` with the sentence of ``fault``, if there is one, and where a class has no label to learn from,
    unless it is kernel_ridge, whose scores for such a class are low everywhere.
    The classifier's randomness comes from (``recipe.seed``, ``round_number``) alone.
    """
    if wrong := fault(recipe.name, recipe.options, has_weights=given.weights is not None):
        raise ValueError(wrong)
    missing = np.setdiff1d(np.arange(n_classes), given.labels)
    if len(missing) and recipe.name != "kernel_ridge":
        raise ValueError(
            f"every class needs at least one label to learn from, class {missing[0]} has none; "
            "classifier.name=kernel_ridge goes without"
        )
    recipe = recipe._replace(seed=int(np.random.SeedSequence([recipe.seed, round_number]).generate_state(1)[0]))
    learn: Mapping[str, Callable[[ClassifierConfig, TrainingSet], Scorer | kernel_ridge.KernelModel]]
    learn = {
        "kernel_svm": _kernel_svm, "kernel_ridge": partial(_kernel_ridge, n_classes=n_classes),
        "label_spreading": _label_spreading,
    }  # fmt: skip
    if recipe.name not in OWN:
        importlib.import_module("sklearn")  # the limit holds for the libraries that are loaded
    # More threads add sums up in another order and find other neighbours first among equally near ones.
    with threadpool_limits(1):
        return Fitted(learn.get(recipe.name, _by_rows)(recipe, given))


def _by_rows(recipe: ClassifierConfig, given: TrainingSet) -> Scorer:
    weights = {} if given.weights is None else {"sample_weight": given.weights}
    fitted = estimator(recipe, len(given.rows)).fit(given.pool[given.rows], given.labels, **weights)
    if hasattr(fitted, "predict_proba"):
        return lambda new: log_odds(fitted.predict_proba(new))
    return fitted.decision_function


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    """Return float64, of the same shape: log p/(1 − p) of probabilities in [0, 1], within ±13.8."""
    return logit(np.clip(probabilities, PROBABILITY_MARGIN, 1 - PROBABILITY_MARGIN, dtype=np.float64))


def _label_spreading(recipe: ClassifierConfig, given: TrainingSet) -> Scorer:
    """Spread labels along the pool's sparse graph of nearest neighbours, the row included (Zhou et al., NIPS 2003)."""
    labels = np.full(len(given.pool), -1)
    labels[given.rows] = given.labels
    spread = estimator(recipe, len(labels)).fit(given.pool, labels)
    # Where no label came, scikit-learn divides 0 by 0; then all classes are alike.
    probabilities = np.errstate(invalid="ignore")(spread.predict_proba)
    return lambda new: log_odds(np.nan_to_num(probabilities(new), nan=1 / len(spread.classes_)))


def _kernel_ridge(recipe: ClassifierConfig, given: TrainingSet, *, n_classes: int) -> kernel_ridge.KernelModel:
    """Fit ridge regression on one-hot targets less their mean, ``C`` the inverse of the ridge.

    A kernel's γ is ``gamma`` over the total variance of its block in the pool, so that the scale of features is of no
    account: two images at a typical distance, √(2 · variance), have the kernel exp(−2 · gamma).
    """
    blocks = given.blocks or feature_set.blocks(given.pool, [given.pool.shape[1]])
    kernel = kernel_ridge.Kernel(
        tuple(block.columns for block in blocks), tuple(recipe.gamma / (block.variance or 1.0) for block in blocks)
    )
    targets = np.eye(n_classes)[given.labels] - 1 / n_classes
    return kernel_ridge.fit(
        given.pool, given.rows, targets, kernel=kernel, ridge=1 / recipe.C, weights=given.weights, seed=recipe.seed
    )


def _kernel_svm(recipe: ClassifierConfig, given: TrainingSet) -> Scorer:
    """Fit one RBF SVM per class against the rest, beyond ``EXACT_ROWS`` rows in Nyström's approximation of the kernel.

    ``gamma``: multiple of scikit-learn's "scale", 1 / (features · variance of what is fitted on). Source of the
    approximation: Williams & Seeger, NIPS 2000.
    """
    # Doubles: the approximation divides by small singular values, which single precision drowns in noise.
    features = given.pool[given.rows].astype(np.float64)
    # Rows that are all alike have no variance; any width then does.
    gamma = recipe.gamma / (features.shape[1] * features.var() or 1.0)
    score = (_exact_svm if len(features) <= EXACT_ROWS else _nystroem_svm)(recipe, given, features, gamma)
    # The kernel between new rows and thousands of others is larger than either.
    return lambda new: np.concatenate([score(new[part].astype(np.float64)) for part in chunks(len(new), KERNEL_CHUNK)])


def _exact_svm(recipe: ClassifierConfig, given: TrainingSet, features: np.ndarray, gamma: float) -> Scorer:
    from sklearn.metrics.pairwise import rbf_kernel

    kernel, labels, classes = rbf_kernel(features, gamma=gamma), given.labels, np.unique(given.labels)
    # The margins of two classes are each other's negative, so the second's machine is enough.
    rest = classes[1:] if len(classes) == 2 else classes
    machines = [estimator(recipe, len(labels)).fit(kernel, labels == c, given.weights) for c in rest]
    coefficients = np.column_stack([np.bincount(m.support_, m.dual_coef_[0], len(labels)) for m in machines])
    intercepts = np.concatenate([machine.intercept_ for machine in machines])
    is_support = coefficients.any(axis=1)
    support, coefficients = features[is_support], coefficients[is_support]
    # One matrix product for all classes: libsvm predicts row by row and machine by machine.
    return lambda new: rbf_kernel(new, support, gamma=gamma) @ coefficients + intercepts


def _nystroem_svm(recipe: ClassifierConfig, given: TrainingSet, features: np.ndarray, gamma: float) -> Scorer:
    from sklearn.kernel_approximation import Nystroem

    n_components = min(NYSTROEM_COMPONENTS, len(features))
    nystroem = Nystroem(gamma=gamma, n_components=n_components, random_state=recipe.seed)
    svm = estimator(recipe._replace(name="linear_svm"), len(features))
    svm.fit(nystroem.fit_transform(features), given.labels, given.weights)
    return lambda new: svm.decision_function(nystroem.transform(new))
