"""The sizes at which an audit is looked at, and what each costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selflabel.audit import looks


@given(st.integers(0, 10**8), st.floats(0.0001, 0.9999), st.floats(1e-7, 0.5))
def test_all_sizes_together_take_no_more_than_the_whole_risk(n_all, error, alpha):
    parts = [looks.part(size, n_all, error=error, alpha=alpha) for size in looks.SIZES]
    assert sum(parts) <= 1 and min(parts) > 0 and max(parts) == 0.5
    assert parts[looks.SIZES.index(looks.planned(n_all, error=error, alpha=alpha))] == 0.5


@pytest.mark.parametrize(("size", "expected"), [(0, 0), (1, 1), (4, 3), (499, 300), (500, 500), (10**7, 10**7)])
def test_between_two_sizes_there_is_no_look(size, expected):
    assert looks.reached(size) == expected


def test_the_size_that_has_half_of_the_risk_is_a_tenth_within_what_may_do_and_mostly_does():
    # 59 flawless answers show 5 %.
    assert [looks.planned(n, error=0.05, alpha=0.05) for n in (0, 1_000, 2_000, 59_400)] == [100, 100, 200, 500]
    assert looks.planned(10**6, error=0.01, alpha=0.05) == 3_000


def test_the_parts_are_a_half_and_eighths_and_so_on():
    parts = [looks.part(size, 59_400, error=0.05, alpha=0.05) for size in (200, 300, 500, 1_000, 2_000)]
    assert parts == [1 / 16, 1 / 8, 1 / 2, 1 / 8, 1 / 16]
