"""From class scores to probabilities."""

import numpy as np
from scipy.special import expit


def ovr_logistic(scores: np.ndarray) -> np.ndarray:
    """Return float64 (N, n_classes), each row summing to 1: the logistic of each margin, normalised over classes.

    ``scores``: float (N, n_classes), one-vs-rest margins. This is the tutorial's probability (scikit-learn's
    private ``_predict_proba_lr``; Zadrozny & Elkan, KDD 2002). It is *not* calibrated: over ten classes it
    rarely passes 0.45. A row whose margins are all too low for a logistic above 0 gets equal shares.
    """
    shares = expit(np.asarray(scores, np.float64))
    total = shares.sum(axis=1, keepdims=True)
    return np.where(total > 0, shares / np.where(total > 0, total, 1), 1 / scores.shape[1])
