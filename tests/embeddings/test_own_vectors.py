"""A user's own vectors: by key and not by order, and every key that is missing or doubled is named."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from selflabel import files
from selflabel.config import schema
from selflabel.embeddings import compute
from selflabel.embeddings.pictures import Pictures
from selflabel.features import extractors

VECTORS = np.float32([[1, 2], [3, 4], [5, 6], [7, 8]])
PATHS = ["b/2.png", "a/1.png", "c/3.png", "never/used.png"]


def test_what_has_a_source_is_what_may_be_chosen_and_what_reads_vectors():
    assert {*compute.NETWORKS, compute.OWN} == set(schema.EMBEDDINGS) == set(extractors.VECTORS)


def write_npy(folder, kind="path", keys=PATHS, vectors=VECTORS):
    files.write_array(folder / "v.npy", vectors)
    files.write_table(folder / "v.csv", {kind: list(keys)})
    return folder / "v.npy"


def written(path, folder, wanted=(("a/1.png", "b/2.png"), ("c/3.png",))):
    keys = {part: {"path": list(paths), "hash": [f"h{name}" for name in paths]} for part, paths in
            zip(("pool", "test"), wanted, strict=True)}  # fmt: skip
    parts = {part: Pictures(np.zeros((len(of["path"]), 8, 8), np.uint8)) for part, of in keys.items()}
    compute.write(["precomputed"], {"precomputed": {"path": str(path)}}, parts, keys, own=folder, folder=folder)
    return [np.load(folder / f"precomputed_{part}.npy").tolist() for part in ("pool", "test")]


def test_each_image_gets_the_vector_of_its_key_in_whatever_order(tmp_path):
    expected = [[[3, 4], [1, 2]], [[5, 6]]]
    assert written(write_npy(tmp_path), tmp_path / "out") == expected
    by_hash = write_npy(tmp_path, "hash", [f"h{path}" for path in PATHS])
    assert written(by_hash, tmp_path / "out") == expected
    table = pa.table({"path": PATHS, "vector": VECTORS.tolist()})
    parquet.write_table(table, tmp_path / "list.parquet")
    assert written(tmp_path / "list.parquet", tmp_path / "out") == expected
    parquet.write_table(pa.table({"x": VECTORS[:, 0], "path": PATHS, "y": VECTORS[:, 1]}), tmp_path / "wide.parquet")
    assert written(tmp_path / "wide.parquet", tmp_path / "out") == expected


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (["b/2.png", "x", "c/3.png", "y"], "a row for each image, got none for 1: a/1.png"),
        (["b/2.png", "a/1.png", "c/3.png", "a/1.png"], "one row for each path, got several for 1: a/1.png"),
        (["b/2.png", "a/1.png", "c/3.png"], "a key for each of the 4 rows of .*, got 3"),
    ],
)
def test_a_key_that_is_missing_or_doubled_is_named(tmp_path, keys, words):
    with pytest.raises(ValueError, match=words):
        written(write_npy(tmp_path, keys=keys), tmp_path / "out")


def test_a_doubled_key_of_an_image_that_is_not_there_hurts_nobody(tmp_path):
    keys = ["b/2.png", "a/1.png", "c/3.png", "gone", "gone"]
    vectors = np.vstack([VECTORS, VECTORS[:1]])
    assert written(write_npy(tmp_path, keys=keys, vectors=vectors), tmp_path / "out")[1] == [[5, 6]]


@pytest.mark.parametrize(
    ("vectors", "words"),
    [
        (VECTORS.astype(np.int64), "must be floating-point numbers"), (VECTORS[0], "must be floating-point numbers"),
        (VECTORS * np.float32(np.nan), "must hold numbers of at most 65,504"),
        (VECTORS * 1e6, "must hold numbers of at most"),
    ],
)  # fmt: skip
def test_numbers_that_will_not_do_are_refused(tmp_path, vectors, words):
    with pytest.raises(ValueError, match=words):
        written(write_npy(tmp_path, vectors=vectors), tmp_path / "out")


def test_keys_beside_and_a_column_of_keys_have_to_be_there(tmp_path):
    path = write_npy(tmp_path, kind="name")
    with pytest.raises(ValueError, match=r"v.csv must have the column hash or the column path, got name"):
        written(path, tmp_path / "out")
    (tmp_path / "v.csv").unlink()
    with pytest.raises(ValueError, match=r"must have its keys beside it in .*v\.csv, got no such file"):
        written(path, tmp_path / "out")
    (tmp_path / "v.parquet").write_bytes(b"none")
    with pytest.raises(ValueError, match="must be a Parquet file"):
        written(tmp_path / "v.parquet", tmp_path / "out")
