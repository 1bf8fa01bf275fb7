"""Principal components, fitted on a sample."""

from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

SAMPLE = 10_000  # 256 components of so many images keep within a hundredth what those of 60,000 keep
# Columns up to which the covariance is decomposed exactly, which takes their cube; random projections beyond.
MOST_EXACT = 5_000
POWER_ITERATIONS, SEED = 3, 0


def sample(pool: np.ndarray) -> np.ndarray:
    """Return every n-th row of an array, so that they are at most 10,000."""
    return pool[:: -(-len(pool) // SAMPLE)]


def fit(rows: np.ndarray, n: int) -> Any:
    """Return scikit-learn's ``PCA``, fitted: ``n`` components of float (N, D), or as many as rows or columns give.

    Of more than 5,000 columns they are approximate (Halko, Martinsson & Tropp 2011).
    """
    from sklearn.decomposition import PCA

    n_components, solver = min(n, *rows.shape), "covariance_eigh"
    if rows.shape[1] > MOST_EXACT and n_components < min(rows.shape):
        solver = "randomized"
    # More threads add sums up in another order.
    with threadpool_limits(1):
        return PCA(n_components, svd_solver=solver, iterated_power=POWER_ITERATIONS, random_state=SEED).fit(rows)
