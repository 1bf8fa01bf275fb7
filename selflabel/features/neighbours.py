"""The graph of each image's nearest neighbours."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits

from selflabel import files, portions
from selflabel.chunks import chunks

# With a cell for 250 rows the search is linear in the pool; with more than 2,000 to be found, finding cells is not.
CELL_ROWS, MAX_CELLS, CELLS_SEARCHED = 250, 2_000, 16
# Rows of each cell from which k-means learns where the cells are.
TRAINED_ON = 64
# Points that are projected, or searched for by one thread, at a time. A multiple of the 24 rows that the kernel of a
# product takes at once: where a portion begins then leaves no trace in a row's last digits.
PORTION = 12_000
# Of squared distances; what a last digit decides, the row's number does then.
DISTANCE_DECIMALS = 6
# A neighbour's weight falls to exp(−4) = 0.02 at the farthest of a row's neighbours.
DECAY = 4.0


class Graph(NamedTuple):
    """``similarity``: see there. ``test_neighbours``: int32 (M, k), pool rows; ``test_weights``: float32 (M, k)."""

    similarity: sparse.csr_array
    test_neighbours: np.ndarray
    test_weights: np.ndarray

    def write(self, folder: Path) -> None:
        """Write a file for each array into a folder."""
        links = self.similarity
        parts = {"values": links.data, "columns": links.indices, "starts": links.indptr}
        parts |= {"test_neighbours": self.test_neighbours, "test_weights": self.test_weights}
        for name, array in parts.items():
            files.write_array(folder / f"{name}.npy", array)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return what ``write`` left, memory-mapped; None where there is no graph."""
        parts = ("values", "columns", "starts", "test_neighbours", "test_weights")
        values, columns, starts, *of_test = (files.read_array(folder / f"{name}.npy") for name in parts)
        if len(starts) < 2:
            return None
        return cls(sparse.csr_array((values, columns, starts), shape=(len(starts) - 1,) * 2), *of_test)


NO_GRAPH = Graph(sparse.csr_array((0, 0), dtype=np.float32), np.empty((0, 0), np.int32), np.empty((0, 0), np.float32))


def build(pool: np.ndarray, test: np.ndarray, *, neighbours: int) -> Graph:
    """Return the graph of points, float32 (N, c) and (M, c), whose k, ``neighbours``, nearest are linked."""
    near_pool, (test_neighbours, test_distances) = nearest(pool, test, neighbours=neighbours)
    return Graph(similarity(*near_pool), test_neighbours, weights(test_distances))


def project(components: Any, points: np.ndarray, target: np.ndarray) -> None:
    """Write the principal components, fitted by ``pca.fit``, of points, float32 (N, D), into float32 (N, c)."""

    def of(rows: slice) -> np.ndarray:
        return np.asarray(components.transform(points[rows]))

    portioned = chunks(len(points), PORTION)
    for rows, found in zip(portioned, portions.over(of, portioned), strict=True):
        target[rows] = found
        files.give_back(points, target)


def nearest(pool: np.ndarray, *others: np.ndarray, neighbours: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return int32 (M, k) and float32 (M, k): the pool rows nearest to each point, and their squared distances.

    Nearest first, equally near ones by row; of the pool's own rows, of which none is its own neighbour, then of each of
    the ``others``. ``pool``: float32 (N, c). ``others``: float32 (M, c). k is ``neighbours``, or as many as there are.
    Distances are rounded to six decimals. Exact for pools of up to 4,000; of larger ones only the 16 nearest of N/250
    Voronoi cells, 2,000 at most, are searched (Sivic & Zisserman, ICCV 2003; faiss's IndexIVFFlat).
    """
    (rows, distances), *of_others = _found(pool, others, neighbours)
    is_other = rows != np.arange(len(rows))[:, None]
    # A row with many twins may not be among its own nearest.
    is_other[is_other.all(axis=1), -1] = False
    rows, distances = (values[is_other].reshape(len(rows), -1) for values in (rows, distances))
    for of in ((rows, distances), *of_others):
        _put_in_order(*of)
    return [(rows, distances), *of_others]


def _found(pool: np.ndarray, others: Sequence[np.ndarray], neighbours: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return what ``nearest`` does in no order yet, and for the pool's own rows one more, for each finds itself."""
    import faiss

    n_cells = min(max(len(pool) // CELL_ROWS, 1), MAX_CELLS)
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(pool.shape[1]), pool.shape[1], n_cells)
    index.cp.min_points_per_centroid = 1  # below 39 it prints a warning
    # More threads add sums up in another order.
    with threadpool_limits(1):
        faiss.omp_set_num_threads(1)
        # Evenly spread, so that the draw is nobody's. All rows would take time with the square of their number.
        index.train(np.ascontiguousarray(pool[:: max(len(pool) // (TRAINED_ON * n_cells), 1)]))
        for part in chunks(len(pool), PORTION):
            index.add(np.ascontiguousarray(pool[part]))
        found = [_search(index, pool, _by_cell(index), min(neighbours + 1, len(pool)))]
        found += [_search(index, points, np.arange(len(points)), min(neighbours, len(pool))) for points in others]
        return found


def _by_cell(index: Any) -> np.ndarray:
    """Return the index's rows, int64, cell by cell: whoever is searched for one after the other meets the same rows."""
    import faiss

    lists = index.invlists
    sizes = [lists.list_size(cell) for cell in range(index.nlist)]
    cells = [faiss.rev_swig_ptr(lists.get_ids(cell), size).copy() for cell, size in enumerate(sizes) if size]
    return np.concatenate(cells)


def _search(index: Any, points: np.ndarray, order: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the ``k`` nearest rows, int32 (M, k), and rounded distances of ``points``, portions in a given order."""

    def search(asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        import faiss

        # A setting of each thread.
        faiss.omp_set_num_threads(1)
        few, all_cells = faiss.SearchParametersIVF(), faiss.SearchParametersIVF()
        few.nprobe, all_cells.nprobe = CELLS_SEARCHED, index.nlist
        wanted = np.ascontiguousarray(points[asked])
        near, found = index.search(wanted, k, params=few)
        if found.min(initial=0) < 0:
            # The cells searched have not that many: search all.
            near, found = index.search(wanted, k, params=all_cells)
        return found.astype(np.int32), np.round(near, DISTANCE_DECIMALS)

    rows, distances = np.empty((len(points), k), np.int32), np.empty((len(points), k), np.float32)
    portioned = [order[part] for part in chunks(len(points), PORTION)]
    for asked, found in zip(portioned, portions.over(search, portioned), strict=True):
        rows[asked], distances[asked] = found
    return rows, distances


def _put_in_order(rows: np.ndarray, distances: np.ndarray) -> None:
    for part in chunks(len(rows), PORTION):
        order = np.lexsort((rows[part], distances[part]), axis=1)
        rows[part] = np.take_along_axis(rows[part], order, axis=1)
        distances[part] = np.take_along_axis(distances[part], order, axis=1)


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
    # Small numbers of columns where they do: half the room, and less to fetch in each round.
    starts = np.arange(0, n_rows * k + 1, k, dtype=sparse.get_index_dtype(maxval=2 * n_rows * k))
    links = sparse.csr_array((_decay(distances).ravel(), neighbours.ravel(), starts), shape=(n_rows, n_rows))
    links = links.maximum(links.T)
    scale = (1 / np.sqrt(links.sum(axis=1))).astype(np.float32)
    links.data *= np.repeat(scale, np.diff(links.indptr))
    links.data *= scale[links.indices]
    return links
