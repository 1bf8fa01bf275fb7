"""Confidence: margins to probabilities."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from sklearn.svm import LinearSVC

from selflabel.classifiers import Recipe, fit
from selflabel.confidence import ovr_logistic

MARGINS = arrays(
    np.float64, array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=6), elements=st.floats(-1e4, 1e4)
)


@settings(deadline=None, max_examples=200)
@given(MARGINS)
@example(np.full((1, 3), -1e4))
@example(np.full((1, 3), 1e4))
@example(np.array([[-1e4, 1e4], [-740.0, -745.0], [-745.0, -745.0]]))
def test_each_row_is_a_distribution_however_large_the_margins(margins):
    probabilities = ovr_logistic(margins)
    assert np.all((probabilities >= 0) & (probabilities <= 1))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-9)


@settings(deadline=None)
@given(MARGINS)
def test_a_larger_margin_never_has_a_smaller_probability(margins):
    order = margins.argsort(axis=1)
    assert np.all(np.diff(np.take_along_axis(ovr_logistic(margins), order, axis=1), axis=1) >= 0)


@settings(deadline=None)
@given(MARGINS, st.randoms(use_true_random=False))
def test_permuted_classes_have_permuted_probabilities(margins, random):
    order = random.sample(range(margins.shape[1]), margins.shape[1])
    np.testing.assert_allclose(ovr_logistic(margins[:, order]), ovr_logistic(margins)[:, order], rtol=1e-9)


def test_equal_margins_share_equally_and_a_sure_class_takes_what_the_others_leave():
    margins = np.array([[0.0, 0.0], [-1e4, -1e4], [1e4, -1e4], [1e4, 0.0]])
    np.testing.assert_allclose(ovr_logistic(margins), [[0.5, 0.5], [0.5, 0.5], [1, 0], [2 / 3, 1 / 3]])


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_it_is_the_probability_that_scikit_learn_keeps_private(n_classes):
    generator = np.random.default_rng(n_classes)
    features = generator.normal(size=(60, 5))
    labels = np.arange(60) % n_classes
    seed = int(np.random.SeedSequence([3, 0]).generate_state(1)[0])
    reference = LinearSVC(C=0.5, random_state=seed).fit(features, labels)
    score = fit(Recipe("linear_svm", 0.5, 3), features, labels, n_classes=n_classes)
    np.testing.assert_allclose(ovr_logistic(score(features)), reference._predict_proba_lr(features), rtol=1e-12)


def test_the_sum_of_single_precision_margins_is_computed_in_double():
    assert ovr_logistic(np.float32([[1, 2, 3]])).dtype == np.float64


def test_no_rows_have_no_probabilities():
    assert ovr_logistic(np.empty((0, 4))).shape == (0, 4)
