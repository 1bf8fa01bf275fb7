"""Kernel ridge regression on class indicators, with one RBF kernel an extractor, summed."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from scipy.linalg import solve, solve_triangular

from selflabel.chunks import chunks

EXACT_ROWS = 5_000  # beyond these Nyström's approximation: one solve of the size of all of Fashion-MNIST takes 14 GB
LANDMARKS = 2_000
CHUNK = 5_000  # rows whose kernel with all support rows is there at once
JITTER = 1e-4  # added to a diagonal of ones; equal landmarks would make their kernel singular


class Kernel(NamedTuple):
    """The mean of one RBF kernel a block: ``columns`` of each, and ``gammas``, exp(−γ d²)."""

    columns: tuple[int, ...]
    gammas: tuple[float, ...]

    def __call__(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Return float32 (n, m) between rows float32 (n, D) and (m, D)."""
        edges = np.cumsum(self.columns)[:-1]
        parts = zip(np.split(one, edges, axis=1), np.split(other, edges, axis=1), self.gammas, strict=True)
        total = sum(_rbf(a, b, gamma) for a, b, gamma in parts)
        return np.asarray(total / np.float32(len(self.columns)))


def _rbf(one: np.ndarray, other: np.ndarray, gamma: float) -> np.ndarray:
    # In place, for the matrix is larger than either: −γ (|a|² − 2ab + |b|²).
    exponent = one @ (other.T * np.float32(2 * gamma))
    exponent -= np.float32(gamma) * np.einsum("ij,ij->i", one, one)[:, None]
    exponent -= np.float32(gamma) * np.einsum("ij,ij->i", other, other)
    return np.exp(np.minimum(exponent, 0, out=exponent), out=exponent)


class KernelModel(NamedTuple):
    """A fitted one: scores are the kernel with ``support``, float32 (S, D), times ``coefficients``, float32 (S, C).

    ``rows``: int (S,), which rows of the pool the support is.
    """

    kernel: Kernel
    rows: np.ndarray
    support: np.ndarray
    coefficients: np.ndarray

    def __call__(self, new: np.ndarray) -> np.ndarray:
        """Return float32 (n, C)."""
        parts = (np.asarray(new[rows], np.float32) for rows in chunks(len(new), CHUNK))
        return np.concatenate([self.kernel(part, self.support) @ self.coefficients for part in parts])

    @classmethod
    def together(cls, machines: Sequence[Self]) -> Self:
        """Return one machine with the columns of all, which have one kernel: it is computed once for all."""
        rows, first = np.unique(np.concatenate([machine.rows for machine in machines]), return_index=True)
        coefficients = [np.zeros((len(rows), machine.coefficients.shape[1]), np.float32) for machine in machines]
        for machine, columns in zip(machines, coefficients, strict=True):
            columns[np.searchsorted(rows, machine.rows)] = machine.coefficients
        support = np.concatenate([machine.support for machine in machines])[first]
        return cls(machines[0].kernel, rows, support, np.hstack(coefficients))


def fit(
    pool: np.ndarray,
    rows: np.ndarray,
    targets: np.ndarray,
    *,
    kernel: Kernel,
    ridge: float,
    weights: np.ndarray | None = None,
    seed: int = 0,
) -> KernelModel:
    """Return the machine whose scores f have the least Σ w (f − target)² + ridge · |f|², |·| the kernel's norm.

    ``pool``: float32 (N, D). ``rows``: int (M,), distinct, those that teach. ``targets``: float (M, C). ``ridge``:
    above 0. ``weights``: float (M,), above 0; None: all 1. Beyond ``EXACT_ROWS`` rows f is a sum over 2,000 of them,
    drawn by ``seed`` (Nyström; Williams & Seeger, NIPS 2000). Source: Saunders, Gammerman & Vovk, ICML 1998.
    """
    weights = np.ones(len(rows)) if weights is None else np.asarray(weights, np.float64)
    if len(rows) > EXACT_ROWS:
        return _nystroem(pool, rows, targets, weights, kernel, ridge, seed)
    support = np.asarray(pool[rows], np.float32)
    matrix = kernel(support, support).astype(np.float64) + np.diag(ridge / weights)
    return KernelModel(kernel, rows, support, solve(matrix, targets, assume_a="pos").astype(np.float32))


def _nystroem(
    pool: np.ndarray,
    rows: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    kernel: Kernel,
    ridge: float,
    seed: int,
) -> KernelModel:
    # With K the landmarks' kernel and K = L Lᵀ, the rows have the features Φ = K(rows, landmarks) L⁻ᵀ, in which the
    # problem is well-conditioned: the normal equations of K(rows, landmarks) itself are singular in single precision.
    chosen = np.sort(np.random.default_rng(seed).choice(rows, LANDMARKS, replace=False))
    landmarks = np.asarray(pool[chosen], np.float32)
    among = kernel(landmarks, landmarks).astype(np.float64)
    among[np.diag_indices_from(among)] += JITTER
    whiten = solve_triangular(np.linalg.cholesky(among), np.eye(len(among)), lower=True).T
    whiten_single = whiten.astype(np.float32)
    matrix, right = ridge * np.eye(len(chosen)), np.zeros((len(chosen), targets.shape[1]))
    for part in chunks(len(rows), CHUNK):
        features = kernel(np.asarray(pool[rows[part]], np.float32), landmarks) @ whiten_single
        weighted = features * weights[part, None].astype(np.float32)
        matrix += features.T @ weighted
        right += weighted.T @ targets[part]
    coefficients = whiten @ solve(matrix, right, assume_a="pos")
    return KernelModel(kernel, chosen, landmarks, coefficients.astype(np.float32))
