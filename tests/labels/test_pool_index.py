import numpy as np

from selflabel import files
from selflabel.labels.pool_index import PoolIndex

OWN = {
    "row": [0, 1, 0, 0], "hash": ["a", "b", "a", "c"], "split": ["pool", "pool", "copy", "test"],
    "conflict": [0, 1, 0, 0], "entry": [2, 0, 1, 3], "path": ["x", "y", "z", "t"],
}  # fmt: skip


def test_it_has_the_pools_rows_in_their_order(tmp_path):
    files.write_table(tmp_path / "index.csv", OWN)
    index = PoolIndex.read(tmp_path / "index.csv")
    assert (index.row.tolist(), index.hash.tolist(), index.path.tolist()) == ([0, 1], ["a", "b"], ["x", "y"])
    assert len(index) == 2 and index.in_conflict.tolist() == [1]


def test_the_listing_has_copies_too_and_its_own_order(tmp_path):
    files.write_table(tmp_path / "index.csv", OWN)
    listed = PoolIndex.read_listed(tmp_path / "index.csv")
    assert (listed.row.tolist(), listed.path.tolist()) == ([1, 0, 0], ["y", "z", "x"])


def test_a_built_in_data_set_has_neither_paths_nor_conflicts(tmp_path):
    files.write_table(tmp_path / "index.csv", {name: OWN[name] for name in ("row", "hash", "split")})
    for index in (PoolIndex.read(tmp_path / "index.csv"), PoolIndex.read_listed(tmp_path / "index.csv")):
        assert index.path is None and index.in_conflict.tolist() == [] and index.row.dtype == np.int64
