"""The graph of each image's nearest neighbours."""

import os
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits

from selflabel.features import pca

# With a cell for 250 rows the search is linear in the pool; with more than 2,000 to be found, finding cells is not.
CELL_ROWS, MAX_CELLS, CELLS_SEARCHED = 250, 2_000, 16
# Rows of each cell from which k-means learns where the cells are.
TRAINED_ON = 64
# Of squared distances; what a last digit decides, the row's number does then.
DISTANCE_DECIMALS = 6
# A neighbour's weight falls to exp(−4) = 0.02 at the farthest of a row's neighbours.
DECAY = 4.0


class Graph(NamedTuple):
    """``similarity``: see there. ``test_neighbours``: int32 (M, k), pool rows; ``test_weights``: float32 (M, k)."""

    similarity: sparse.csr_array
    test_neighbours: np.ndarray
    test_weights: np.ndarray


def principal_components(pool: np.ndarray, test: np.ndarray, *, components: int) -> tuple[np.ndarray, np.ndarray]:
    """Return float32 (N, c) and (M, c): pool and test images along the pool's first principal components.

    ``pool``: float32 (N, D), ``test``: (M, D). c is ``components``, or fewer where there
    are fewer columns or rows. They are those of 10,000 rows of the pool, evenly spread.
    """
    fitted = pca.fit(pca.sample(pool), components)
    # More threads add sums up in another order.
    with threadpool_limits(1):
        # scikit-learn refuses to transform nothing.
        return fitted.transform(pool), fitted.transform(test) if len(test) else test[:, : fitted.n_components_]


def nearest(pool: np.ndarray, *others: np.ndarray, neighbours: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return int32 (M, k) and float32 (M, k): the pool rows nearest to each point, and their squared distances.

    Nearest first, equally near ones by row; of the pool's own rows, of which none is its own neighbour, then of each of
    the ``others``. ``pool``: float32 (N, c). ``others``: float32 (M, c). k is ``neighbours``, or as many as there are.
    Distances are rounded to six decimals. Exact for pools of up to 4,000; of larger ones only the 16 nearest of N/250
    Voronoi cells, 2,000 at most, are searched (Sivic & Zisserman, ICCV 2003; faiss's IndexIVFFlat).
    """
    import faiss

    n_cells = min(max(len(pool) // CELL_ROWS, 1), MAX_CELLS)
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(pool.shape[1]), pool.shape[1], n_cells)
    index.cp.min_points_per_centroid = 1  # below 39 it prints a warning
    # More threads add sums up in another order.
    with threadpool_limits(1):
        faiss.omp_set_num_threads(1)
        # Evenly spread, so that the draw is nobody's. All rows would take time with the square of their number.
        index.train(np.ascontiguousarray(pool[:: max(len(pool) // (TRAINED_ON * n_cells), 1)]))
        index.add(np.ascontiguousarray(pool))
        # But each point is searched by one thread, whatever their number.
        faiss.omp_set_num_threads(os.cpu_count() or 1)
        distances, rows = _search(index, pool, min(neighbours + 1, len(pool)))
        is_self = rows == np.arange(len(rows))[:, None]
        # A row with many twins may not be among its own nearest.
        is_self[~is_self.any(axis=1), -1] = True
        nearest_ones = [tuple(values[~is_self].reshape(len(values), -1) for values in (rows, distances))]
        for points in others:
            distances, rows = _search(index, points, min(neighbours, len(pool)))
            nearest_ones.append((rows, distances))
    return [
        _in_order(rows.astype(np.int32), np.round(distances, DISTANCE_DECIMALS)) for rows, distances in nearest_ones
    ]


def _in_order(rows: np.ndarray, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.lexsort((rows, distances), axis=1)
    return np.take_along_axis(rows, order, axis=1), np.take_along_axis(distances, order, axis=1)


def _search(index: Any, points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    index.nprobe = CELLS_SEARCHED
    distances, rows = index.search(np.ascontiguousarray(points), k)
    if rows.min(initial=0) < 0:
        # The cells searched have not that many: search all.
        index.nprobe = index.nlist
        distances, rows = index.search(np.ascontiguousarray(points), k)
    return distances, rows


def weights(distances: np.ndarray) -> np.ndarray:
    """Return float32 (M, k): each row's weights exp(−4 d²/d_k²), divided by their sum.

    ``distances``: float (M, k), squared, nearest first. Where even the farthest is 0 away, all weigh alike.
    """
    decayed = _decay(distances)
    return decayed / decayed.sum(axis=1, keepdims=True)


def _decay(distances: np.ndarray) -> np.ndarray:
    farthest = distances[:, -1:]
    return np.exp(-DECAY * distances / np.where(farthest > 0, farthest, 1)).astype(np.float32)


def similarity(neighbours: np.ndarray, distances: np.ndarray) -> sparse.csr_array:
    """Return float32 (N, N), sparse and symmetric: S = D^−½ W D^−½.

    W holds exp(−4 d²/d_k²) where one row is among the other's nearest, the larger of the two; D its row sums.
    """
    n_rows, k = neighbours.shape
    starts = np.arange(0, n_rows * k + 1, k)
    links = sparse.csr_array((_decay(distances).ravel(), neighbours.ravel(), starts), shape=(n_rows, n_rows))
    links = links.maximum(links.T)
    scale = sparse.diags_array(1 / np.sqrt(links.sum(axis=1))).astype(np.float32)
    return sparse.csr_array(scale @ links @ scale)
