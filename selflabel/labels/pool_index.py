"""Which row of the pool is which image."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from selflabel import files


@dataclass(frozen=True, eq=False)
class PoolIndex:
    """The pool's N images.

    ``row``: int64 (N,), in the pool. ``hash``: of the content. Of a user's own data also ``conflict``: int64, 1 where
    an image was given two labels; and where images are files ``path``. None where there is no such column.
    """

    row: np.ndarray
    hash: np.ndarray
    conflict: np.ndarray | None = None
    path: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.row)

    @property
    def in_conflict(self) -> np.ndarray:
        """Int64: the rows that were given two labels."""
        return self.row[:0] if self.conflict is None else np.flatnonzero(self.conflict)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Return the pool's index, its rows in their order."""
        index = files.read_table(path)
        return cls._of(index, index["split"] == "pool")

    @classmethod
    def read_listed(cls, path: str | Path) -> Self:
        """Return the same for all images that are not test images, copies too, in the order of the listing.

        Those that are the same have the same row.
        """
        index = files.read_table(path)
        places = np.flatnonzero(index["split"] != "test")
        return cls._of(index, places[np.argsort(index["entry"][places], kind="stable")] if "entry" in index else places)

    @classmethod
    def _of(cls, index: Mapping[str, np.ndarray], which: np.ndarray) -> Self:
        return cls(**{name: index[name][which] for name in ("row", "hash", "conflict", "path") if name in index})
