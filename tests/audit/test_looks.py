"""The sizes at which an audit is looked at, and what each costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selflabel.audit import looks


@given(st.integers(1, 10**7))
def test_all_sizes_together_take_no_more_than_the_whole_risk(planned):
    sizes = looks.sizes(planned)
    parts = {size: looks.part(size, planned) for size in sizes}
    assert sum(parts.values()) <= 1 and min(parts.values()) > 0 and max(parts.values()) == parts[planned] == 0.75
    assert sizes == sorted(set(sizes)) and sizes[0] == 1


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, 0), (1, 1), (3, 2), (499, 250), (500, 500), (999, 500), (1_000, 1_000), (10**7, 8_192_000)],
)
def test_between_two_sizes_there_is_no_look(size, expected):
    assert looks.reached(size, 500) == expected


def test_the_sizes_are_halves_and_doubles_and_each_has_its_part():
    assert looks.sizes(500)[:11] == [1, 2, 4, 8, 16, 32, 63, 125, 250, 500, 1_000]
    parts = [looks.part(size, 500) for size in (125, 250, 500, 1_000, 2_000, 4_000)]
    assert parts == [1 / 64, 1 / 32, 3 / 4, 1 / 8, 1 / 32, 1 / 128]
