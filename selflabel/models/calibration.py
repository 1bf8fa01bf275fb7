"""From class scores to probabilities: the tutorial's, and calibrations fitted on labels that people gave.

Every calibration is a function ``fit(scores, labels)`` that returns a function from scores, float (N, n_classes), to
probabilities, float64 (N, n_classes), rows summing to 1. Scores are one-vs-rest margins or log-odds. Labels, int
(N,), have to hold every class: ``out_of_fold`` sees to that.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import expit, log_softmax, softmax

ToProbabilities = Callable[[np.ndarray], np.ndarray]

# Of log T: temperatures from 1/150 to 150, beyond which nothing changes.
LOG_TEMPERATURES = (-5.0, 5.0)
# Isotonic regression is a staircase, on which many scores come out equal, and many as 0. This share of the raw
# probability decides between them.
RAW_SHARE = 1e-3


def ovr_logistic(scores: np.ndarray) -> np.ndarray:
    """Return float64 (N, n_classes), each row summing to 1: the logistic of each margin, normalised over classes.

    ``scores``: float (N, n_classes), one-vs-rest margins. This is the tutorial's probability (scikit-learn's
    private ``_predict_proba_lr``; Zadrozny & Elkan, KDD 2002). It is *not* calibrated: over ten classes it
    rarely passes 0.45. A row whose margins are all too low for a logistic above 0 gets equal shares.
    """
    return _normalised(expit(np.asarray(scores, np.float64)))


def sigmoid(scores: np.ndarray, labels: np.ndarray) -> ToProbabilities:
    """Return Platt scaling of each class against the rest, normalised over classes.

    The targets are Platt's (n₊ + 1)/(n₊ + 2) and 1/(n₋ + 2), so that few labels cannot drive a slope to infinity
    (Platt 1999; Zadrozny & Elkan, KDD 2002).
    """
    from sklearn.linear_model import LogisticRegression

    def platt(scores: np.ndarray, is_class: np.ndarray) -> LogisticRegression:
        n_of, n_rest = is_class.sum(), (~is_class).sum()
        target = np.where(is_class, (n_of + 1) / (n_of + 2), 1 / (n_rest + 2))
        # A row with target t is t of a row of the class and 1 − t of one of the rest.
        twice, sides = np.concatenate([scores, scores])[:, None], np.repeat([1, 0], len(scores))
        weights = np.concatenate([target, 1 - target])
        return LogisticRegression(C=np.inf).fit(twice, sides, sample_weight=weights)

    models = [platt(scores[:, index], labels == index) for index in range(scores.shape[1])]
    return lambda new: _normalised(
        np.column_stack([model.predict_proba(new[:, [i]])[:, 1] for i, model in enumerate(models)])
    )


def temperature(scores: np.ndarray, labels: np.ndarray) -> ToProbabilities:
    """Return the softmax of scores over one temperature, the likeliest (Guo et al., ICML 2017)."""
    # Here, for it takes as long to import as a small round to play.
    from scipy.optimize import minimize_scalar

    scores = np.asarray(scores, np.float64)

    def loss(log_temperature: float) -> float:
        likelihoods = log_softmax(scores / np.exp(log_temperature), axis=1)
        return -likelihoods[np.arange(len(labels)), labels].mean()

    # It is known to five decimals.
    divisor = np.exp(np.round(minimize_scalar(loss, bounds=LOG_TEMPERATURES, method="bounded").x, 4))
    return lambda new: softmax(np.asarray(new, np.float64) / divisor, axis=1)


def isotonic(scores: np.ndarray, labels: np.ndarray) -> ToProbabilities:
    """Return isotonic regression of each class against the rest, normalised (Zadrozny & Elkan, KDD 2002)."""
    from sklearn.isotonic import IsotonicRegression

    models = [
        IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(scores[:, index], labels == index)
        for index in range(scores.shape[1])
    ]

    def to_probabilities(new: np.ndarray) -> np.ndarray:
        steps = np.column_stack([model.predict(new[:, index]) for index, model in enumerate(models)])
        return _normalised((1 - RAW_SHARE) * steps + RAW_SHARE * ovr_logistic(new))

    return to_probabilities


CALIBRATIONS: dict[str, Callable[[np.ndarray, np.ndarray], ToProbabilities]] = {
    "ovr_logistic": lambda scores, labels: ovr_logistic,
    "sigmoid": sigmoid,
    "temperature": temperature,
    "isotonic": isotonic,
}


def _normalised(shares: np.ndarray) -> np.ndarray:
    total = shares.sum(axis=1, keepdims=True)
    return np.where(total > 0, shares / np.where(total > 0, total, 1), 1 / shares.shape[1])
