"""The download stage as a process of its own, on data of every kind."""

import subprocess
import sys

import numpy as np
import pytest
import yaml
from PIL import Image
from projects import ROOT

from selflabel import files
from selflabel.data import built_in

ARRAYS = ("pool-images", "test-images", "pool-truth", "test-truth")
FILES = {name: f"{name}.npy" for name in ARRAYS} | {
    "index": "index.csv", "classes": "classes.json", "problems": "problems.csv"
}  # fmt: skip
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 30, 20, 3), np.uint8)


@pytest.fixture
def download(tmp_path, monkeypatch):
    """Run the stage, which ends well or not; what it says."""

    def run(check=True, **dataset):
        tree = files.read_yaml(ROOT / "params.yaml")
        tree["features"]["extractor"] = "pixels"
        tree["seed_labels"]["percentage"] = 5.0
        tree["dataset"] |= dataset
        files.write_text(tmp_path / "params.yaml", yaml.safe_dump(tree))
        flags = [f"--{name}={file}" for name, file in FILES.items()]
        done = subprocess.run(
            [sys.executable, "-m", "selflabel.stages.download", "--check=none", *flags],
            cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True,
        )  # fmt: skip
        assert (done.returncode == 0) == check, done.stderr
        return done.stderr.strip()

    monkeypatch.chdir(tmp_path)
    return run


def array(name):
    return np.load(f"{name}.npy")


def save(folder, *paths):
    for path, image in zip(paths, IMAGES, strict=False):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / path, "PNG")


PATHS = ["b c/x.png", "b c/é\n.png", "a/1.png", "a/2.png", "unlabelled/u.png", "v.png", "test/a/t.png"]
SORTED = ["a/1.png", "a/2.png", "b c/x.png", "b c/é\n.png", "unlabelled/u.png", "v.png", "test/a/t.png"]


def test_a_folder_becomes_pool_and_test_images(download, tmp_path):
    save(tmp_path / "in", *PATHS)
    said = download(name="folder", path="in", image_size=15, colour=True)
    assert said == (
        "download: 6 pool and 1 test images of in; 0 cannot be used, 0 are the same as another: problems.csv"
    )
    index = files.read_table("index.csv")
    assert list(index) == ["row", "hash", "split", "conflict", "entry", "path"]
    # By what is in them; beside each stands where it was listed.
    assert index["path"][np.argsort(index["entry"])].tolist() == SORTED
    assert index["hash"].tolist()[:-1] == sorted(index["hash"].tolist()[:-1])
    assert files.read_text("problems.csv") == '"path","reason","action"\n'
    assert files.read_json("classes.json") == ["a", "b c"]
    in_order = np.argsort(index["entry"][:-1])
    assert array("pool-truth")[in_order].tolist() == [0, 0, 1, 1, -1, -1]
    assert array("test-truth").tolist() == [0]
    assert array("pool-images").shape == (6, 15, 15, 3)
    assert array("test-images").shape == (1, 15, 15, 3)
    # Of 30×20 pixels the mean over 2×2 each, in the middle.
    expected = IMAGES[PATHS.index("b c/x.png")].reshape(15, 2, 10, 2, 3).mean(axis=(1, 3))
    assert np.abs(array("pool-images")[in_order[2], :, 2:12] - expected).max() <= 1
    assert not array("pool-images")[:, :, [0, 1, 12, 13, 14]].any()


def test_a_bad_file_stops_or_is_skipped_and_is_listed_either_way(download, tmp_path):
    save(tmp_path / "in", *PATHS)
    (tmp_path / "in" / "a" / "0.png").write_bytes((tmp_path / "in" / "a" / "1.png").read_bytes()[:99])
    said = download(check=False, name="folder", path="in")
    assert said == (
        "error: 1 of 8 files cannot be used, the first: a/0.png (truncated); problems.csv lists all; "
        "dataset.on_error=skip goes on without them"
    )
    assert files.read_table("problems.csv")["path"].tolist() == ["a/0.png"]
    assert "; 1 cannot be used, 0" in download(name="folder", path="in", on_error="skip", image_size=30)
    assert files.read_table("problems.csv")["path"].tolist() == ["a/0.png"]
    index = files.read_table("index.csv")
    assert sorted(index["path"].tolist()) == sorted(SORTED)
    grey = np.asarray(Image.fromarray(IMAGES[PATHS.index("v.png")]).convert("L"))
    np.testing.assert_array_equal(array("pool-images")[index["path"].tolist().index("v.png")][:, 5:25], grey)


def test_a_manifest_and_arrays_give_the_same_images(download, tmp_path):
    save(tmp_path / "in", *(f"{n:02}.png" for n in range(12)))
    labels = np.int64([0, 1, -1] * 4)
    lines = [f"{n:02}.png,{['a', 'b', ''][n % 3]},{'test' if n == 0 else ''}" for n in range(12)]
    files.write_text(tmp_path / "in" / "m.csv", "\n".join(["path,label,split", *lines]))
    download(name="csv", path="in/m.csv", image_size=12)
    found = {name: by_place(array(name), name) for name in ARRAYS}
    np.savez("a.npz", images=IMAGES[1:], labels=labels[1:], test_images=IMAGES[:1], test_labels=labels[:1],
             classes=np.array(["a", "b"]))  # fmt: skip
    download(name="npz", path="a.npz", image_size=12)
    for name, values in found.items():
        np.testing.assert_array_equal(by_place(array(name), name), values)
        assert array(name).dtype == values.dtype
    index = files.read_table("index.csv")
    assert list(index) == ["row", "hash", "split", "conflict", "entry"]
    hashes = built_in.content_hashes(np.roll(IMAGES, -1, axis=0))
    assert index["hash"][np.argsort(index["entry"])].tolist() == hashes
    assert index["hash"].tolist() == [*sorted(hashes[:-1]), hashes[-1]]


def by_place(values, name):
    """The pool's values as they were listed."""
    index = files.read_table("index.csv")
    is_pool = index["split"] == "pool"
    return values[np.argsort(index["entry"][is_pool])] if name.startswith("pool") else values


def test_copies_of_an_image_are_one_row_of_the_pool_and_all_are_in_the_index(download):
    np.savez("a.npz", images=IMAGES[[3, 0, 3, 1, 3]], labels=np.int8([-1, 0, -1, 1, 1]))
    said = download(name="npz", path="a.npz")
    assert "3 pool and 0 test images" in said and "2 are the same as another" in said
    index = files.read_table("index.csv")
    rows = index["row"][np.argsort(index["entry"])].tolist()
    assert rows[0] == rows[2] == rows[4] and sorted(set(rows)) == [0, 1, 2]
    assert array("pool-truth")[rows].tolist() == [1, 0, 1, 1, 1]


def test_without_test_images_there_are_none(download):
    np.savez("a.npz", images=IMAGES, labels=np.int8([0, 1] + [-1] * 10))
    download(name="npz", path="a.npz", image_size=16, colour=True)
    assert array("test-images").shape == (0, 16, 16, 3)
    assert array("test-truth").shape == (0,)


def test_contradicting_labels_leave_a_class_without_one_which_people_are_asked_about(download):
    np.savez("a.npz", images=IMAGES[[0, 0, 1]], labels=np.int8([0, 1, 1]))
    assert "2 pool and 0 test images" in download(name="npz", path="a.npz")
    assert sorted(array("pool-truth").tolist()) == [-1, 1]
    assert len(files.read_table("problems.csv")["path"]) == 2


def test_a_ready_made_data_set_has_no_problems_and_no_new_columns(download):
    said = download(name="digits")
    assert said == "download: 1,498 pool and 299 test images of digits from scikit-learn"
    assert list(files.read_table("index.csv")) == ["row", "hash", "split"]
    assert files.read_text("problems.csv") == '"path","reason","action"\n'
