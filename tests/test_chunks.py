"""Chunks: together they are every row once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selflabel.chunks import chunks


@given(st.integers(0, 60), st.integers(1, 70))
def test_chunks_are_every_row_once_in_order_and_none_is_empty_or_too_large(n_rows, size):
    rows = list(range(n_rows))
    parts = [rows[chunk] for chunk in chunks(n_rows, size)]
    assert [row for part in parts for row in part] == rows
    assert all(1 <= len(part) <= size for part in parts)
    assert all(len(part) == size for part in parts[:-1])


@given(st.integers(0, 60), st.integers(1, 70))
def test_no_chunk_ends_beyond_the_last_row(n_rows, size):
    assert all(chunk.stop <= n_rows for chunk in chunks(n_rows, size))


def test_chunks_of_no_size_are_refused():
    with pytest.raises(ValueError):
        chunks(3, 0)
