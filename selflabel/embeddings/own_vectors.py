"""Vectors that a user has computed elsewhere, keyed by path or content hash, so that no order can mix them up."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from selflabel import files
from selflabel.chunks import chunks

KEYS = ("hash", "path")
# So many keys are named where they are missing.
SHOWN = 20
CHUNK = 10_000


def read(path: Path) -> tuple[str, list[str], np.ndarray]:
    """Return what the vectors are keyed by (hash or path), the keys, and the vectors, float32 (R, D).

    ``path``: ``X.npy`` with the keys in ``X.csv`` beside it, a column hash or path; or a Parquet file with such a
    column, and a list column vector or columns of numbers. Raises ``ValueError`` for anything else.
    """
    if path.suffix == ".parquet":
        return _parquet(path)
    beside = path.with_suffix(".csv")
    if not beside.is_file():
        raise ValueError(f"features.precomputed.path must have its keys beside it in {beside}, got no such file")
    table = files.read_table(beside)
    vectors = files.read_array(path)
    kind = _kind(table, str(beside))
    if vectors.ndim != 2 or not np.issubdtype(vectors.dtype, np.floating):
        raise ValueError(f"{path} must be floating-point numbers (rows, columns), got {vectors.dtype} {vectors.shape}")
    keys = [str(key) for key in table[kind].tolist()]
    if len(keys) != len(vectors):
        raise ValueError(f"{beside} must have a key for each of the {len(vectors):,} rows of {path}, got {len(keys):,}")
    return kind, keys, vectors


def _kind(columns: Sequence[str] | dict[str, np.ndarray], source: str) -> str:
    there = [kind for kind in KEYS if kind in columns]
    if len(there) != 1:
        raise ValueError(f"{source} must have the column hash or the column path, got {', '.join(columns)}")
    return there[0]


def _parquet(path: Path) -> tuple[str, list[str], np.ndarray]:
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except pyarrow.ArrowException as error:
        raise ValueError(f"{path} must be a Parquet file, got something else ({error})") from error
    kind = _kind(table.column_names, str(path))
    others = [name for name in table.column_names if name != kind]
    is_list = [pyarrow.types.is_list(table[name].type) or pyarrow.types.is_fixed_size_list(table[name].type)
               for name in others]  # fmt: skip
    if sum(is_list) == 1:
        (name,) = [name for name, has in zip(others, is_list, strict=True) if has]
        rows = table[name].to_pylist()
        if len({len(row or ()) for row in rows}) != 1:
            raise ValueError(f"the column {name} of {path} must have vectors of one length, got several")
        vectors = np.array(rows, np.float32)
    else:
        numbers = [name for name in others if pyarrow.types.is_floating(table[name].type)]
        if not numbers:
            raise ValueError(f"{path} must have a list column, or columns of floating-point numbers, got none")
        vectors = np.column_stack([table[name].to_numpy() for name in numbers]).astype(np.float32)
    return kind, [str(key) for key in table[kind].to_pylist()], vectors


def aligned(
    kind: str, keys: Sequence[str], vectors: np.ndarray, wanted: Sequence[str], target: np.ndarray, *, source: str
) -> None:
    """Write the vector of each image into ``target``, (N, D), by its key; others are left alone.

    ``wanted``: the images' hashes or paths, (N,). Raises ``ValueError`` with the keys where an image has none, or two
    rows have one image's key.
    """
    place = {key: row for row, key in enumerate(keys)}
    if missing := [key for key in wanted if key not in place]:
        raise ValueError(f"{source} must have a row for each image, got none for {_named(missing)}")
    counts, needed = Counter(keys), set(wanted)
    if doubled := [key for key, n in counts.items() if n > 1 and key in needed]:
        raise ValueError(f"{source} must have one row for each {kind}, got several for {_named(doubled)}")
    rows = np.array([place[key] for key in wanted], np.int64)
    for part in chunks(len(rows), CHUNK):
        target[part] = vectors[rows[part]]


def _named(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - SHOWN:,} more" if len(keys) > SHOWN else ""
    return f"{len(keys):,}: {', '.join(keys[:SHOWN])}{more}"
