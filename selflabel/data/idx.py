"""The IDX file format of MNIST and its kin."""

import gzip
import zlib
from pathlib import Path

import numpy as np

from selflabel import files

_GZIP_MAGIC = b"\x1f\x8b"
_UINT8 = 8
_DAMAGED = "{} must be a whole gzip file, got a damaged one ({})"


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
            raise ValueError(_DAMAGED.format(name, error)) from error
    return _shaped(np.frombuffer(data, np.uint8), name, n_dimensions)


def read(path: Path, *, n_dimensions: int) -> np.ndarray:
    """Return what ``decode`` does of a file's bytes, memory-mapped; a gzipped file is unpacked into a temporary one."""
    with path.open("rb") as file:
        is_packed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    if is_packed:
        with gzip.open(path) as packed:
            try:
                values = files.unpacked_array(packed, np.dtype(np.uint8))
            except (EOFError, OSError, zlib.error) as error:
                raise ValueError(_DAMAGED.format(path, error)) from error
    else:
        # A memory map cannot be empty.
        values = np.asarray(np.memmap(path, np.uint8, "r")) if path.stat().st_size else np.empty(0, np.uint8)
    return _shaped(values, str(path), n_dimensions)


def _shaped(values: np.ndarray, name: str, n_dimensions: int) -> np.ndarray:
    header = 4 + 4 * n_dimensions
    head = values[:header].tobytes()
    if len(head) < header or head[:3] != bytes([0, 0, _UINT8]) or head[3] != n_dimensions:
        raise ValueError(
            f"{name} must be an IDX file of bytes with {n_dimensions} dimensions, "
            f"got {len(values)} bytes that begin with {head[:4].hex() or 'nothing'}"
        )
    shape = tuple(np.frombuffer(head, ">u4", n_dimensions, offset=4).tolist())
    n_values = int(np.prod(shape, dtype=object))
    if len(values) != header + n_values:
        raise ValueError(f"{name} must hold {n_values} values, as its header says {shape}, got {len(values) - header}")
    return values[header:].reshape(shape)
