"""IDX files: what is written is read, and what is damaged is refused by name."""

import gzip
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from selflabel.data import idx

ARRAYS = arrays(np.uint8, array_shapes(max_dims=3, min_side=0, max_side=4))
SMALL = np.arange(8, dtype=np.uint8).reshape(2, 2, 2)


def encode(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(length.to_bytes(4, "big") for length in array.shape)
    return header + array.tobytes()


def outcome(get):
    try:
        return get()
    except ValueError as error:
        return error


def decode(data, n_dimensions=3):
    """Of bytes and of a file that holds them: the same array, or the same sentence, but for zlib's own words."""
    decoded = outcome(lambda: idx.decode(data, name="f", n_dimensions=n_dimensions))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "f")
        path.write_bytes(data)
        read = outcome(lambda: idx.read(path, n_dimensions=n_dimensions))
        if isinstance(decoded, ValueError):
            assert str(read).replace(str(path), "f").partition(" (")[0] == str(decoded).partition(" (")[0]
            raise decoded
        np.testing.assert_array_equal(read, decoded, strict=True)
    return decoded


@given(ARRAYS, st.booleans())
def test_an_array_survives_the_format_gzipped_or_not(array, is_gzipped):
    data = gzip.compress(encode(array)) if is_gzipped else encode(array)
    decoded = decode(data, array.ndim)
    np.testing.assert_array_equal(decoded, array)
    assert decoded.dtype == np.uint8
    assert decoded.shape == array.shape


@pytest.mark.parametrize("data", [encode(SMALL), gzip.compress(encode(SMALL))], ids=["plain", "gzipped"])
def test_a_file_cut_off_at_any_byte_is_refused_by_name(data):
    for length in range(len(data)):
        with pytest.raises(ValueError, match=r"^f must "):
            decode(data[:length])


def test_a_gzip_file_with_any_of_its_content_changed_is_never_read_as_something_else():
    data = gzip.compress(encode(SMALL), mtime=0)
    for position in range(10, len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 0xFF
        with pytest.raises(ValueError, match=r"^f must be a whole gzip file, got a damaged one"):
            decode(bytes(damaged))


@settings(max_examples=300)
@given(st.binary(max_size=40) | st.binary(max_size=40).map(lambda rest: b"\x1f\x8b\x08" + rest), st.integers(1, 3))
def test_arbitrary_bytes_are_an_array_or_a_value_error(data, n_dimensions):
    try:
        assert decode(data, n_dimensions).ndim == n_dimensions
    except ValueError as error:
        assert str(error).startswith("f must ")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "f must be an IDX file of bytes with 1 dimensions, got 0 bytes that begin with nothing"),
        (
            bytes([0, 0, 13, 1, 0, 0, 0, 1, 7]),
            "f must be an IDX file of bytes with 1 dimensions, got 9 bytes that begin with 00000d01",
        ),
        (encode(SMALL), "f must be an IDX file of bytes with 1 dimensions, got 24 bytes that begin with 00000803"),
        (encode(np.uint8([1, 2, 3]))[:-1], "f must hold 3 values, as its header says (3,), got 2"),
        (encode(np.uint8([1, 2, 3])) + b"x", "f must hold 3 values, as its header says (3,), got 4"),
    ],
)
def test_a_fault_says_what_was_expected_and_what_was_got(data, sentence):
    with pytest.raises(ValueError) as error:
        decode(data, 1)
    assert str(error.value) == sentence


def test_a_header_that_promises_more_than_a_machine_holds_is_refused():
    with pytest.raises(ValueError, match=f"must hold {(2**32 - 1) ** 3} values"):
        decode(bytes([0, 0, 8, 3]) + b"\xff" * 12)
