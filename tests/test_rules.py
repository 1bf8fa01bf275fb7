"""Acceptance: the thresholds of the rounds, and who is above them."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selflabel import rules
from selflabel.rules import accept_above, linear_threshold

CENTS = st.integers(-100, 100)


def test_the_thresholds_of_the_tutorial_are_the_decimal_numbers_and_not_their_neighbours():
    thresholds = [linear_threshold(number, start=0.75, step=-0.05) for number in range(1, 11)]
    assert thresholds == [0.75, 0.70, 0.65, 0.60, 0.55, 0.50, 0.45, 0.40, 0.35, 0.30]


@settings(deadline=None)
@given(st.integers(1, 1000), CENTS, CENTS)
def test_a_threshold_is_the_decimal_number_nearest_to_its_exact_value(number, start, step):
    exact = (Decimal(start) + (number - 1) * Decimal(step)) / 100
    assert linear_threshold(number, start=start / 100, step=step / 100) == float(exact)


def test_a_row_exactly_at_the_threshold_is_not_accepted():
    probabilities = np.array([[0.5, 0.5], [0.49, 0.51], [0.6, 0.4]])
    np.testing.assert_array_equal(accept_above(probabilities, 0.5), [1, 2])
    np.testing.assert_array_equal(accept_above(probabilities, np.nextafter(0.5, 0)), [0, 1, 2])
    np.testing.assert_array_equal(accept_above(probabilities, 0.6), [])


@settings(deadline=None)
@given(st.lists(st.floats(0.5, 1), max_size=20), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_accepts_a_subset(largest, one, other):
    probabilities = np.column_stack([largest, 1 - np.array(largest)])
    low, high = sorted([one, other])
    accepted = accept_above(probabilities, high)
    assert set(accepted) <= set(accept_above(probabilities, low))
    assert list(accepted) == [row for row, value in enumerate(largest) if value > high]


def test_no_rows_have_none_to_accept():
    assert len(accept_above(np.empty((0, 3)), 0.0)) == 0


# Confidences 0.9, 0.6, 0.8, 0.7, 0.6; predicted classes 0, 1, 0, 0, 1.
FIVE = np.array([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.7, 0.3], [0.4, 0.6]])


@pytest.mark.parametrize(
    ("rule", "positions"),
    [
        (rules.above(0.6), [0, 2, 3]),
        (rules.Rule("linear", 0.85, -0.1), [0, 2]),
        (rules.Rule("linear", 0.65, 0.1), [0, 2]),
        (rules.Rule("geometric", 1.0, threshold_factor=0.5), [0, 1, 2, 3, 4]),
        (rules.Rule("percentile", percent=40), [0, 2]),
        (rules.Rule("percentile", percent=41), [0, 2, 3]),
        (rules.Rule("k_best", k=2), [0, 2]),
        (rules.Rule("class_k_best", k=1), [0, 1]),
        (rules.Rule("class_k_best", k=2), [0, 1, 2, 4]),
    ],
    ids=str,
)
def test_a_rule_accepts_in_round_2_what_one_can_see(rule, positions):
    assert rules.accept(FIVE, rule, round_number=2).tolist() == positions


def test_of_equal_confidences_the_first_is_taken():
    assert rules.accept_best(FIVE, 4).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "rule", [rules.Rule("percentile", percent=1), rules.Rule("k_best"), rules.Rule("class_k_best")]
)
def test_a_rule_without_a_threshold_accepts_something_of_anything_and_nothing_of_nothing(rule):
    assert rules.threshold(rule, 1) is None
    assert len(rules.accept(FIVE, rule, round_number=1)) > 0
    assert rules.accept(np.empty((0, 2)), rule, round_number=1).tolist() == []


@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 9))
def test_no_position_left_out_is_more_confident_than_one_that_is_taken(k, n_classes, seed):
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(n_classes), size=9)
    top, predicted = probabilities.max(axis=1), probabilities.argmax(axis=1)
    taken = np.isin(np.arange(9), rules.accept_best(probabilities, k))
    assert taken.sum() == min(k, 9)
    assert top[taken].min() >= top[~taken].max(initial=0)
    of_each = np.isin(np.arange(9), rules.accept_best_of_each_class(probabilities, k))
    for index in range(n_classes):
        is_class = predicted == index
        assert np.sum(of_each & is_class) == min(k, is_class.sum())
        assert top[of_each & is_class].min(initial=1) >= top[~of_each & is_class].max(initial=0)


@given(st.floats(0.01, 1), st.floats(0.5, 1.5), st.integers(1, 10))
def test_a_geometric_threshold_keeps_its_factor_from_round_to_round(start, factor, number):
    here, there = (rules.geometric_threshold(n, start=start, factor=factor) for n in (number, number + 1))
    assert there == pytest.approx(here * factor, abs=1e-9)
