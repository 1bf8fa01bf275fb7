"""Which row of the pool is which image."""

import numpy as np

from selflabel import files


def read(path: str) -> dict[str, np.ndarray]:
    """Return the index's columns for the pool's N rows, in their order.

    row (int64) and hash; of a user's own data conflict (0 or 1: was given two labels), entry (int64, its place among
    all images as they were listed) and path where images are files.
    """
    index = files.read_table(path)
    is_pool = index["split"] == "pool"
    return {name: column[is_pool] for name, column in index.items()}


def listed(path: str) -> dict[str, np.ndarray]:
    """Return the same columns for all images that are not test images, copies too, in the order of the listing.

    row: int64, of the pool; the same for those that are the same.
    """
    index = files.read_table(path)
    places = np.flatnonzero(index["split"] != "test")
    places = places[np.argsort(index["entry"][places], kind="stable")] if "entry" in index else places
    return {name: column[places] for name, column in index.items()}
