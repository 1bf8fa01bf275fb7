"""Principal components, fitted on a sample."""

from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

SAMPLE = 10_000  # 256 components of so many images keep within a hundredth what those of 60,000 keep


def sample(pool: np.ndarray) -> np.ndarray:
    """Return every n-th row of an array, so that they are at most 10,000."""
    return pool[:: -(-len(pool) // SAMPLE)]


def fit(rows: np.ndarray, n: int) -> Any:
    """Return scikit-learn's ``PCA``, fitted: ``n`` components of float (N, D), or as many as rows or columns give."""
    from sklearn.decomposition import PCA

    # More threads add sums up in another order.
    with threadpool_limits(1):
        return PCA(min(n, *rows.shape), svd_solver="covariance_eigh").fit(rows)
