"""Classifiers behind one small interface: fit, then class scores.

A new one is a line of ``BUILT_IN``; any other classifier of scikit-learn works by its import path. scikit-learn is
imported where it is used, so that checking params.yaml, which asks ``fault``, need not wait for it.
"""

import importlib
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from scipy.special import logit
from threadpoolctl import threadpool_limits

from selflabel.chunks import chunks

# Takes features (M, D), returns scores float64 (M, n_classes): one-vs-rest margins or log-odds, larger where likelier.
Scorer = Callable[[np.ndarray], np.ndarray]

EXACT_ROWS = 5_000  # of kernel_svm; their kernel takes 200 MB, that of all of Fashion-MNIST would take 29 GB
NYSTROEM_COMPONENTS = 1_000
KERNEL_CHUNK = 1_000
PROBABILITY_MARGIN = 1e-6  # log-odds of 0 and 1 are infinite, these ±13.8; probabilities are rounded to six decimals


class Recipe(NamedTuple):
    """What to fit: params.yaml's section ``classifier``, of which each classifier reads the values it knows."""

    name: str  # one of BUILT_IN, or an import path of scikit-learn
    C: float = 1.0  # above 0; inverse strength of regularisation
    gamma: float = 1.0  # above 0; of the RBF kernel, in multiples of 1 / (D · variance), scikit-learn's "scale"
    neighbours: int = 10  # at least 1
    trees: int = 300  # at least 1; of the forest, or boosting iterations
    options: Mapping = MappingProxyType({})  # arguments of a class given by import path
    seed: int = 0


class Given(NamedTuple):
    """What to learn from."""

    pool: np.ndarray  # float32 (N, D), features of the whole pool
    rows: np.ndarray  # int64 (M,), those that teach
    labels: np.ndarray  # int (M,), their classes 0..n_classes−1
    weights: np.ndarray | None = None  # float (M,), above 0; None: all count alike


# Name: import path, and arguments from a recipe r and the number of rows n that it is fitted on.
BUILT_IN = {
    "linear_svm": ("sklearn.svm.LinearSVC", lambda r, n: {"C": r.C}),
    # It stops once converged; scikit-learn's own limit of 100 steps is too low for a large C.
    "logistic_regression": ("sklearn.linear_model.LogisticRegression", lambda r, n: {"C": r.C, "max_iter": 10_000}),
    "kernel_svm": ("sklearn.svm.SVC", lambda r, n: {"C": r.C, "kernel": "precomputed"}),
    "knn": ("sklearn.neighbors.KNeighborsClassifier", lambda r, n: {"n_neighbors": min(r.neighbours, n)}),
    # scikit-learn's alpha of 0.2 stops after some seven steps, too few to reach the pool from 20 labels. An iteration
    # leaves at most alpha of the change, so that it converges in 1,000 whatever the pool.
    "label_spreading": (
        "sklearn.semi_supervised.LabelSpreading",
        lambda r, n: {"kernel": "knn", "n_neighbors": min(r.neighbours, n), "alpha": 0.8, "max_iter": 1_000},
    ),
    "random_forest": ("sklearn.ensemble.RandomForestClassifier", lambda r, n: {"n_estimators": r.trees}),
    # Stopping early would hold labels back, from 10,000 rows on, and fail on a class of one label.
    "hist_gradient_boosting": (
        "sklearn.ensemble.HistGradientBoostingClassifier",
        lambda r, n: {"max_iter": r.trees, "early_stopping": False},
    ),
}


def fault(name: str, options: Mapping, *, has_weights: bool) -> str | None:
    """Return one sentence why ``classifier.name``, its options or weights of rows cannot work, None if they can."""
    if name in BUILT_IN and (options or not has_weights):
        return f"classifier.options must be empty with classifier.name={name}, got {dict(options)}" if options else None
    found = _found(BUILT_IN.get(name, [name])[0])
    if found is None:
        known = f"one of {', '.join(BUILT_IN)}, or a classifier of scikit-learn such as sklearn.naive_bayes.GaussianNB"
        return f"classifier.name must be {known}, got {name!r}"
    if unknown := sorted(str(option) for option in options.keys() - inspect.signature(found).parameters.keys()):
        return f"classifier.options must be arguments of {name}, got {unknown}"
    try:
        estimator = found(**options)
        # Private, but the only way to hear of a wrong value here and not after hours of rounds.
        estimator._validate_params()
    except (TypeError, ValueError) as error:
        return f"classifier.options must suit {name}, got {dict(options)}: {error}"
    if not (hasattr(estimator, "predict_proba") or hasattr(estimator, "decision_function")):
        return f"classifier.name must have predict_proba or decision_function, got {name!r}"
    if options.get("decision_function_shape") == "ovo":
        return "classifier.options must give one score a class: decision_function_shape must be ovr, got 'ovo'"
    if has_weights and "sample_weight" not in inspect.signature(estimator.fit).parameters:
        return f"self_label.weights must be none with classifier.name={name}, which cannot weight what it learns from"
    return None


def _found(path: str) -> type | None:
    """Return the classifier of scikit-learn at an import path, None if there is none."""
    from sklearn.base import BaseEstimator, ClassifierMixin

    module, _, name = path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name, None) if path.startswith("sklearn.") else None
    except ImportError:
        return None
    return found if {BaseEstimator, ClassifierMixin} <= set(getattr(found, "__mro__", ())) else None


def fit(recipe: Recipe, given: Given, *, n_classes: int, round_number: int = 0) -> Scorer:
    """Return the scorer of a classifier fitted on what is given; column c of the scores is class c.

    Raises ``ValueError`` with the sentence of ``fault``, if there is one, and where a class has no label to learn from.
    The classifier's randomness comes from (``recipe.seed``, ``round_number``) alone.
    """
    if wrong := fault(recipe.name, recipe.options, has_weights=given.weights is not None):
        raise ValueError(wrong)
    missing = np.setdiff1d(np.arange(n_classes), given.labels)
    if len(missing):
        raise ValueError(f"every class needs at least one label to learn from, class {missing[0]} has none")
    recipe = recipe._replace(seed=int(np.random.SeedSequence([recipe.seed, round_number]).generate_state(1)[0]))
    learn = {"kernel_svm": _kernel_svm, "label_spreading": _label_spreading}.get(recipe.name, _by_rows)
    importlib.import_module("sklearn")  # the limit holds for the libraries that are loaded
    # More threads add sums up in another order and find other neighbours first among equally near ones.
    with threadpool_limits(1):
        score = learn(recipe, given)
    return lambda new: _one_column_per_class(score, new)


def _one_column_per_class(score: Scorer, new: np.ndarray) -> np.ndarray:
    with threadpool_limits(1):
        scores = np.asarray(score(new), np.float64).reshape(len(new), -1)
    # Of two classes there may be one column, the margin of class 1.
    return np.hstack([-scores, scores]) if scores.shape[1] == 1 else scores


def _estimator(recipe: Recipe, n_rows: int):
    path, arguments = BUILT_IN.get(recipe.name, (recipe.name, lambda r, n: r.options))
    estimator = _found(path)(**arguments(recipe, n_rows))
    is_seedable = "random_state" in estimator.get_params(deep=False) and "random_state" not in recipe.options
    return estimator.set_params(random_state=recipe.seed) if is_seedable else estimator


def _by_rows(recipe: Recipe, given: Given) -> Scorer:
    weights = {} if given.weights is None else {"sample_weight": given.weights}
    estimator = _estimator(recipe, len(given.rows)).fit(given.pool[given.rows], given.labels, **weights)
    if hasattr(estimator, "predict_proba"):
        return lambda new: _log_odds(estimator.predict_proba(new))
    return estimator.decision_function


def _log_odds(probabilities: np.ndarray) -> np.ndarray:
    return logit(np.clip(probabilities, PROBABILITY_MARGIN, 1 - PROBABILITY_MARGIN, dtype=np.float64))


def _label_spreading(recipe: Recipe, given: Given) -> Scorer:
    """Spread labels along the pool's sparse graph of nearest neighbours, the row included (Zhou et al., NIPS 2003)."""
    labels = np.full(len(given.pool), -1)
    labels[given.rows] = given.labels
    spread = _estimator(recipe, len(labels)).fit(given.pool, labels)
    # Where no label came, scikit-learn divides 0 by 0; then all classes are alike.
    probabilities = np.errstate(invalid="ignore")(spread.predict_proba)
    return lambda new: _log_odds(np.nan_to_num(probabilities(new), nan=1 / len(spread.classes_)))


def _kernel_svm(recipe: Recipe, given: Given) -> Scorer:
    """Fit one RBF SVM per class against the rest, beyond ``EXACT_ROWS`` rows in Nyström's approximation of the kernel.

    Source of the approximation: Williams & Seeger, NIPS 2000.
    """
    # Doubles: the approximation divides by small singular values, which single precision drowns in noise.
    features = given.pool[given.rows].astype(np.float64)
    # Rows that are all alike have no variance; any width then does.
    gamma = recipe.gamma / (features.shape[1] * features.var() or 1.0)
    score = (_exact_svm if len(features) <= EXACT_ROWS else _nystroem_svm)(recipe, given, features, gamma)
    # The kernel between new rows and thousands of others is larger than either.
    return lambda new: np.concatenate([score(new[part].astype(np.float64)) for part in chunks(len(new), KERNEL_CHUNK)])


def _exact_svm(recipe: Recipe, given: Given, features: np.ndarray, gamma: float) -> Scorer:
    from sklearn.metrics.pairwise import rbf_kernel

    kernel, labels, classes = rbf_kernel(features, gamma=gamma), given.labels, np.unique(given.labels)
    # The margins of two classes are each other's negative, so the second's machine is enough.
    rest = classes[1:] if len(classes) == 2 else classes
    machines = [_estimator(recipe, len(labels)).fit(kernel, labels == c, given.weights) for c in rest]
    coefficients = np.column_stack([np.bincount(m.support_, m.dual_coef_[0], len(labels)) for m in machines])
    intercepts = np.concatenate([machine.intercept_ for machine in machines])
    is_support = coefficients.any(axis=1)
    support, coefficients = features[is_support], coefficients[is_support]
    # One matrix product for all classes: libsvm predicts row by row and machine by machine.
    return lambda new: rbf_kernel(new, support, gamma=gamma) @ coefficients + intercepts


def _nystroem_svm(recipe: Recipe, given: Given, features: np.ndarray, gamma: float) -> Scorer:
    from sklearn.kernel_approximation import Nystroem

    n_components = min(NYSTROEM_COMPONENTS, len(features))
    nystroem = Nystroem(gamma=gamma, n_components=n_components, random_state=recipe.seed)
    svm = _estimator(recipe._replace(name="linear_svm"), len(features))
    svm.fit(nystroem.fit_transform(features), given.labels, given.weights)
    return lambda new: svm.decision_function(nystroem.transform(new))
