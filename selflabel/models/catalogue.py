"""The classifiers that there are, and what each reads of its configuration.

scikit-learn is imported where it is used, so that checking params.yaml, which asks ``fault``, need not wait for it.
"""

import importlib
import inspect
from collections.abc import Mapping
from typing import Any, NamedTuple


class ClassifierConfig(NamedTuple):
    """The classifier to fit: the section ``classifier``, of which each classifier reads the values it knows."""

    name: str  # one of BUILT_IN, or an import path of scikit-learn
    C: float = 1.0  # above 0; inverse strength of regularisation
    gamma: float = 1.0  # above 0; of the RBF kernel, in multiples of what each says is its natural width
    neighbours: int = 10  # at least 1
    trees: int = 300  # at least 1; of the forest, or boosting iterations
    options: Mapping[str, Any] = {}  # arguments of a class given by import path
    seed: int = 0


# Not scikit-learn's: selflabel/models/kernel_ridge.py, because it sums kernels. It can weight what it learns from.
OWN = ("kernel_ridge",)
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


NAMES = (*BUILT_IN, *OWN)


def fault(name: str, options: Mapping[str, Any], *, has_weights: bool) -> str | None:
    """Return one sentence why ``classifier.name``, its options or weights of rows cannot work, None if they can."""
    if name in OWN or (name in BUILT_IN and (options or not has_weights)):
        return f"classifier.options must be empty with classifier.name={name}, got {dict(options)}" if options else None
    kind = _class_at(BUILT_IN[name][0] if name in BUILT_IN else name)
    if kind is None:
        known = f"one of {', '.join(NAMES)}, or a classifier of scikit-learn such as sklearn.naive_bayes.GaussianNB"
        return f"classifier.name must be {known}, got {name!r}"
    if unknown := sorted(str(option) for option in options.keys() - inspect.signature(kind).parameters.keys()):
        return f"classifier.options must be arguments of {name}, got {unknown}"
    try:
        estimator = kind(**options)
        # Private, but the only way to hear of a wrong value here and not after hours of rounds.
        estimator._validate_params()
    except (TypeError, ValueError) as error:
        return f"classifier.options must suit {name}, got {dict(options)}: {error}"
    if not (hasattr(estimator, "predict_proba") or hasattr(estimator, "decision_function")):
        return f"classifier.name must have predict_proba or decision_function, got {name!r}"
    if options.get("decision_function_shape") == "ovo":
        return "classifier.options must give one score a class: decision_function_shape must be ovr, got 'ovo'"
    if has_weights and "sample_weight" not in inspect.signature(estimator.fit).parameters:
        return f"training.weights must be none with classifier.name={name}, which cannot weight what it learns from"
    return None


def _class_at(path: str) -> Any:
    """Return the classifier of scikit-learn at an import path, None if there is none."""
    from sklearn.base import BaseEstimator, ClassifierMixin

    module, _, name = path.rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), name, None) if path.startswith("sklearn.") else None
    except ImportError:
        return None
    return kind if {BaseEstimator, ClassifierMixin} <= set(getattr(kind, "__mro__", ())) else None


def estimator(recipe: ClassifierConfig, n_rows: int) -> Any:
    """Return scikit-learn's estimator of a recipe, to be fitted on ``n_rows`` rows; its draws come from its seed."""
    path, arguments = BUILT_IN.get(recipe.name, (recipe.name, lambda r, n: r.options))
    kind = _class_at(path)
    if kind is None:
        raise ValueError(f"classifier.name must be a classifier of scikit-learn, got {recipe.name!r}")
    estimator = kind(**arguments(recipe, n_rows))
    is_seedable = "random_state" in estimator.get_params(deep=False) and "random_state" not in recipe.options
    return estimator.set_params(random_state=recipe.seed) if is_seedable else estimator
