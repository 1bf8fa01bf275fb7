"""The IDX file format of MNIST and its kin."""

import gzip
import zlib

import numpy as np

_GZIP_MAGIC = b"\x1f\x8b"
_UINT8 = 8


def decode(data: bytes, *, name: str, n_dimensions: int) -> np.ndarray:
    """Return the uint8 array of an IDX file's bytes, gzipped or not.

    Layout: two zero bytes, the type (8 for uint8), the number of dimensions, each dimension as a big-endian
    32-bit count, then the values in C order. Raises ``ValueError`` naming ``name`` for anything else: truncated
    or damaged gzip, another type, another number of dimensions than ``n_dimensions``, too few or too many values.
    """
    if data[:2] == _GZIP_MAGIC:
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"{name} must be a whole gzip file, got a damaged one ({error})") from error
    header = 4 + 4 * n_dimensions
    if len(data) < header or data[:3] != bytes([0, 0, _UINT8]) or data[3] != n_dimensions:
        raise ValueError(
            f"{name} must be an IDX file of bytes with {n_dimensions} dimensions, "
            f"got {len(data)} bytes that begin with {data[:4].hex() or 'nothing'}"
        )
    shape = tuple(np.frombuffer(data, ">u4", n_dimensions, offset=4).tolist())
    n_values = int(np.prod(shape, dtype=object))
    if len(data) != header + n_values:
        raise ValueError(f"{name} must hold {n_values} values, as its header says {shape}, got {len(data) - header}")
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)
