"""Which row of the pool is which image."""

import numpy as np

from selflabel import files


def read(path: str) -> dict[str, np.ndarray]:
    """Return the index's columns for the pool's N rows, in their order.

    row (int64) and hash; of a user's own data conflict (0 or 1: was given two labels), and path where images are files.
    """
    index = files.read_table(path)
    is_pool = index["split"] == "pool"
    return {name: column[is_pool] for name, column in index.items()}
