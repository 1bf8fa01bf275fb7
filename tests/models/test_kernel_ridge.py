"""Kernel ridge: against scikit-learn's, with several kernels, weights, many rows, and several machines at once."""

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import rbf_kernel

from selflabel.models import kernel_ridge
from selflabel.models.kernel_ridge import Kernel, KernelModel

GENERATOR = np.random.default_rng(0)
POOL = GENERATOR.normal(size=(80, 6)).astype(np.float32)
ROWS = np.array([3, 70, 5, 11, 40, 41, 42, 8])
TARGETS = GENERATOR.normal(size=(len(ROWS), 3))
ONE, TWO = Kernel((6,), (0.2,)), Kernel((2, 4), (0.5, 0.1))


def fit(**changes):
    options = {"kernel": ONE, "ridge": 0.1} | changes
    return kernel_ridge.fit(POOL, options.pop("rows", ROWS), options.pop("targets", TARGETS), **options)


def test_a_kernel_is_the_mean_of_one_rbf_kernel_a_block():
    expected = (rbf_kernel(POOL[:, :2], POOL[:5, :2], gamma=0.5) + rbf_kernel(POOL[:, 2:], POOL[:5, 2:], gamma=0.1)) / 2
    found = TWO(POOL, POOL[:5])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.dtype == np.float32
    assert np.all(np.diag(TWO(POOL, POOL)) <= 1)


@pytest.mark.parametrize("weights", [None, np.linspace(0.1, 2, len(ROWS))])
def test_it_is_scikit_learns_kernel_ridge(weights):
    reference = KernelRidge(alpha=0.1, kernel="rbf", gamma=0.2).fit(POOL[ROWS], TARGETS, sample_weight=weights)
    np.testing.assert_allclose(fit(weights=weights)(POOL), reference.predict(POOL), atol=1e-4)


@pytest.mark.parametrize("weights", [None, np.linspace(0.1, 2, 60)])
def test_with_as_many_landmarks_as_rows_the_approximation_is_exact(monkeypatch, weights):
    rows, targets = np.arange(60), GENERATOR.normal(size=(60, 2))
    options = {"rows": rows, "targets": targets, "kernel": TWO, "weights": weights}
    exact = fit(**options)(POOL)
    monkeypatch.setattr(kernel_ridge, "EXACT_ROWS", 10)
    monkeypatch.setattr(kernel_ridge, "LANDMARKS", 60)
    monkeypatch.setattr(kernel_ridge, "CHUNK", 7)
    # What is added to the landmarks' kernel moves scores a little; the targets are noise, which is the worst case.
    np.testing.assert_allclose(fit(**options)(POOL), exact, atol=2e-2)


def test_with_fewer_landmarks_it_is_near_and_its_draw_depends_on_the_seed(monkeypatch):
    rows = np.arange(80)
    targets = np.sin(POOL[:, :1])
    exact = fit(rows=rows, targets=targets)(POOL)
    monkeypatch.setattr(kernel_ridge, "EXACT_ROWS", 10)
    monkeypatch.setattr(kernel_ridge, "LANDMARKS", 40)
    one, again, other = (fit(rows=rows, targets=targets, seed=seed) for seed in (0, 0, 1))
    assert np.corrcoef(one(POOL)[:, 0], exact[:, 0])[0, 1] > 0.95
    np.testing.assert_array_equal(one.coefficients, again.coefficients)
    assert not np.array_equal(one.rows, other.rows)


def test_equal_rows_are_solved_for_in_the_approximation_too(monkeypatch):
    monkeypatch.setattr(kernel_ridge, "EXACT_ROWS", 10)
    monkeypatch.setattr(kernel_ridge, "LANDMARKS", 20)
    pool = np.repeat(POOL[:10], 4, axis=0)
    found = kernel_ridge.fit(pool, np.arange(40), np.eye(10).repeat(4, axis=0), kernel=ONE, ridge=1e-3)(pool)
    assert np.isfinite(found).all() and (found.argmax(axis=1) == np.arange(10).repeat(4)).mean() > 0.8


def test_machines_together_say_what_each_says_alone():
    parts = [ROWS, ROWS[:5], ROWS[3:]]
    machines = [fit(rows=rows, targets=TARGETS[np.isin(ROWS, rows)], kernel=TWO) for rows in parts]
    together = KernelModel.together(machines)
    assert len(together.rows) == len(ROWS)
    np.testing.assert_allclose(together(POOL), np.hstack([machine(POOL) for machine in machines]), atol=1e-5)


def test_the_size_of_the_chunks_changes_no_score(monkeypatch):
    whole = fit()(POOL)
    monkeypatch.setattr(kernel_ridge, "CHUNK", 7)
    np.testing.assert_allclose(fit()(POOL), whole, atol=1e-6)
