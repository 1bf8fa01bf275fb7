from selflabel import files
from selflabel.labels import pool_index


def test_it_has_the_pools_rows_in_their_order_and_every_column(tmp_path):
    columns = {"row": [0, 1, 0], "hash": ["a", "b", "c"], "split": ["pool", "pool", "test"], "path": ["x", "y", "z"]}
    files.write_table(tmp_path / "index.csv", columns)
    found = pool_index.read(tmp_path / "index.csv")
    assert {name: column.tolist() for name, column in found.items()} == {
        "row": [0, 1], "hash": ["a", "b"], "split": ["pool", "pool"], "path": ["x", "y"],
    }  # fmt: skip
