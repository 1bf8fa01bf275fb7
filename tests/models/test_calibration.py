"""Confidence: from scores to probabilities, and calibrations that make them true."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.svm import LinearSVC

from selflabel.models.calibration import CALIBRATIONS, RAW_SHARE, isotonic, ovr_logistic, sigmoid, temperature
from selflabel.models.classifiers import ClassifierConfig, TrainingSet, fit
from selflabel.models.reliability import calibration_error, reliability

MARGINS = arrays(
    np.float64, array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=6), elements=st.floats(-1e4, 1e4)
)


@settings(max_examples=200)
@given(MARGINS)
@example(np.full((1, 3), -1e4))
@example(np.full((1, 3), 1e4))
@example(np.array([[-1e4, 1e4], [-740.0, -745.0], [-745.0, -745.0]]))
def test_each_row_is_a_distribution_however_large_the_margins(margins):
    probabilities = ovr_logistic(margins)
    assert np.all((probabilities >= 0) & (probabilities <= 1))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-9)


@given(MARGINS)
def test_a_larger_margin_never_has_a_smaller_probability(margins):
    order = margins.argsort(axis=1)
    assert np.all(np.diff(np.take_along_axis(ovr_logistic(margins), order, axis=1), axis=1) >= 0)


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
    reference = LinearSVC(C=0.5).fit(features, labels)
    score = fit(
        ClassifierConfig("linear_svm", C=0.5), TrainingSet(features, np.arange(60), labels), n_classes=n_classes
    )
    np.testing.assert_allclose(ovr_logistic(score(features)), reference._predict_proba_lr(features), rtol=1e-12)


# Calibrations.

every_calibration = pytest.mark.parametrize("calibrate", CALIBRATIONS.values(), ids=list(CALIBRATIONS))
FITTED = {name: found for name, found in CALIBRATIONS.items() if name != "ovr_logistic"}
every_fitted = pytest.mark.parametrize("calibrate", FITTED.values(), ids=list(FITTED))


def simulated(n_rows, *, n_classes=3, seed=0, true_temperature=1.0, spread=2.0):
    """Draw scores, and labels as likely as their softmax over a temperature says."""
    generator = np.random.default_rng(seed)
    scores = spread * generator.normal(size=(n_rows, n_classes))
    steps = np.cumsum(softmax(scores / true_temperature, axis=1), axis=1)
    return scores, np.minimum((generator.random((n_rows, 1)) > steps).sum(axis=1), n_classes - 1)


def simulated_log_odds(n_rows):
    generator = np.random.default_rng(0)
    log_odds = 2 * generator.normal(size=n_rows)
    return log_odds, (generator.random(n_rows) < expit(log_odds)).astype(int)


def ece(probabilities, labels):
    shown = (probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)
    return calibration_error(reliability(*shown, n_bins=15))


@every_calibration
@settings(max_examples=20)
@given(MARGINS, st.integers(0, 99))
def test_each_calibration_gives_each_row_a_distribution_wherever_its_scores_are(calibrate, margins, seed):
    scores, labels = simulated(40, n_classes=margins.shape[1], seed=seed)
    labels[: margins.shape[1]] = np.arange(margins.shape[1])
    before = margins.copy()
    probabilities = calibrate(scores, labels)(margins)
    assert probabilities.shape == margins.shape and probabilities.dtype == np.float64
    assert np.all((probabilities >= 0) & (probabilities <= 1))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-9)
    np.testing.assert_array_equal(margins, before)


@every_fitted
@settings(max_examples=10)
@given(st.integers(0, 99), st.permutations(range(3)))
def test_named_differently_the_classes_have_the_same_probabilities(calibrate, seed, order):
    scores, labels = simulated(60, seed=seed)
    labels[:3] = range(3)
    found = calibrate(scores[:, order], np.argsort(order)[labels])(scores[:, order])
    np.testing.assert_allclose(found, calibrate(scores, labels)(scores)[:, order], atol=1e-4)


@every_fitted
@pytest.mark.parametrize("factor", [0.2, 4.0], ids=["too little", "too much"])
def test_scores_that_claim_too_little_or_too_much_claim_what_is_true_afterwards(calibrate, factor):
    """Log-odds of two classes that are a fifth or four times what is true; judged on others than they learnt from."""
    log_odds, truth = simulated_log_odds(7000)
    scores = factor * np.column_stack([-log_odds, log_odds])
    claimed = ece(ovr_logistic(scores[2000:]), truth[2000:])
    shown = ece(calibrate(scores[:2000], truth[:2000])(scores[2000:]), truth[2000:])
    assert claimed > 0.1 > 4 * shown


@every_fitted
def test_the_tutorials_probabilities_over_ten_classes_are_nearer_to_the_truth_afterwards(calibrate):
    features, truth = load_digits(return_X_y=True)
    margins = LinearSVC().fit(features[:200] / 16, truth[:200]).decision_function(features[200:] / 16)
    truth = truth[200:]
    assert ece(ovr_logistic(margins[600:]), truth[600:]) > 0.4
    assert ece(calibrate(margins[:600], truth[:600])(margins[600:]), truth[600:]) < 0.15


@pytest.mark.parametrize("calibrate", [sigmoid, temperature])
@pytest.mark.parametrize("unit", [0.01, 100.0])
def test_it_does_not_matter_in_which_unit_scores_are_given(calibrate, unit):
    scores, labels = simulated(300)
    found = calibrate(unit * scores, labels)(unit * scores)
    # As near as the search goes.
    np.testing.assert_allclose(found, calibrate(scores, labels)(scores), atol=5e-3)


@pytest.mark.parametrize("true_temperature", [0.25, 1.0, 3.0])
def test_the_temperature_is_found_by_which_the_labels_were_drawn(true_temperature):
    scores, labels = simulated(20_000, true_temperature=true_temperature, spread=2 * true_temperature)
    # Of two classes, one a unit ahead, the log-odds are 1/T.
    first, second = temperature(scores, labels)(np.array([[1.0, 0.0, 0.0]]))[0, :2]
    assert 1 / np.log(first / second) == pytest.approx(true_temperature, rel=0.03)


def test_a_temperature_changes_no_order():
    scores, labels = simulated(200)
    order = scores.argsort(axis=1)
    assert np.all(np.diff(np.take_along_axis(temperature(scores, labels)(scores), order, axis=1), axis=1) > 0)


class Scores(ClassifierMixin, BaseEstimator):
    """A classifier whose features are its scores already; of two classes, the second's."""

    def fit(self, features, labels):
        self.classes_ = np.unique(labels)
        return self

    def predict(self, features):
        return self.classes_[features.argmax(axis=1)]

    def decision_function(self, features):
        return features if len(self.classes_) > 2 else features[:, 1]


def of_scikit_learn(method, scores, labels):
    fitted = FrozenEstimator(Scores().fit(scores, labels))
    return CalibratedClassifierCV(fitted, method=method).fit(scores, labels).predict_proba(scores)


def test_the_sigmoid_is_scikit_learns_for_two_classes_and_for_more():
    log_odds, truth = simulated_log_odds(300)
    for scores, labels in ((np.column_stack([-log_odds, log_odds]), truth), simulated(300)):
        np.testing.assert_allclose(
            sigmoid(scores, labels)(scores), of_scikit_learn("sigmoid", scores, labels), atol=2e-3
        )


@pytest.mark.parametrize("n", [1, 5, 50])
def test_separable_labels_give_the_sigmoid_the_slope_that_so_few_deserve(n):
    """All right out of n is (n + 1)/(n + 2), by Laplace's rule of succession: Platt's targets."""
    labels = np.repeat([0, 1], n)
    scores = np.where(labels[:, None] == [0, 1], 1.0, -1.0)
    expected = np.array([[n + 1, 1], [1, n + 1]]) / (n + 2)
    np.testing.assert_allclose(sigmoid(scores, labels)(scores[[0, -1]]), expected, atol=1e-4)


@every_fitted
def test_separable_labels_leave_every_probability_finite_and_in_its_order(calibrate):
    labels = np.arange(9) % 3
    scores = np.eye(3)[labels]
    new = np.array([[50.0, 0, 0], [0.6, 0.5, 0], [0, 0, 1e4]])
    probabilities = calibrate(scores, labels)(new)
    assert np.isfinite(probabilities).all()
    assert probabilities.argmax(axis=1).tolist() == [0, 0, 2]


def test_isotonic_is_scikit_learns_for_two_classes_but_for_a_thousandth_of_the_raw_probability():
    log_odds, truth = simulated_log_odds(300)
    scores = np.column_stack([-log_odds, log_odds])
    steps = of_scikit_learn("isotonic", scores, truth)
    assert 3 < len(np.unique(steps[:, 1])) < 60
    mixed = (1 - RAW_SHARE) * steps + RAW_SHARE * ovr_logistic(scores)
    np.testing.assert_allclose(isotonic(scores, truth)(scores), mixed, rtol=1e-9)


def test_isotonic_gives_each_of_three_classes_its_own_staircase():
    scores, labels = simulated(300)
    staircase = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    steps = np.column_stack([staircase.fit(scores[:, c], labels == c).predict(scores[:, c]) for c in range(3)])
    mixed = (1 - RAW_SHARE) * steps + RAW_SHARE * ovr_logistic(scores)
    np.testing.assert_allclose(isotonic(scores, labels)(scores), mixed / mixed.sum(axis=1)[:, None], rtol=1e-9)


def test_between_equal_steps_of_the_staircase_the_raw_score_decides():
    # Right from 1 up and wrong from −1 down, so all scores above 1 are on one step, and all below −1 on another.
    labels = np.repeat([0, 1, 2], 2)
    scores = np.where(labels[:, None] == [0, 1, 2], 1.0, -1.0)
    new = np.array([[2.0, 3.0, -3.0], [3.0, 2.0, -3.0], [-4.0, -3.0, -2.0], [-2.0, -3.0, -4.0]])
    probabilities = isotonic(scores, labels)(new)
    assert probabilities.argmax(axis=1).tolist() == new.argmax(axis=1).tolist()
    # Near a half each, and near a third each where no class is likely.
    np.testing.assert_allclose(probabilities[0], [0.5, 0.5, 0], atol=RAW_SHARE)
    assert probabilities[2].max() > 0.34


# The tutorial's.


def test_the_sum_of_single_precision_margins_is_computed_in_double():
    assert ovr_logistic(np.float32([[1, 2, 3]])).dtype == np.float64


def test_no_rows_have_no_probabilities():
    assert ovr_logistic(np.empty((0, 4))).shape == (0, 4)
