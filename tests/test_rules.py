"""Acceptance: the thresholds of the rounds, and who is above them."""

from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

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
