"""Data sets: from tiny IDX files to checked arrays, and what happens when a file is not what it should be."""

import gzip
import hashlib

import numpy as np
import pytest
from sklearn.datasets import load_digits

from selflabel import datasets, sources

IMAGES, LABELS, KEYS = ("pool", "images"), ("pool", "labels"), list(sources.FILES)
ARRAYS = {
    ("pool", "images"): np.arange(12, dtype=np.uint8).reshape(3, 2, 2),
    ("pool", "labels"): np.uint8([0, 9, 1]),
    ("test", "images"): np.arange(4, dtype=np.uint8).reshape(1, 2, 2),
    ("test", "labels"): np.uint8([5]),
}


def encode(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(length.to_bytes(4, "big") for length in array.shape)
    return header + array.tobytes()


def write(folder, arrays=ARRAYS):
    folder.mkdir(exist_ok=True)
    for key, name in sources.FILES.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(encode(arrays[key])))
    return folder


def file_of(folder, key):
    return folder / f"{sources.FILES[key]}.gz"


@pytest.fixture(autouse=True)
def _tiny(monkeypatch):
    sums = {key: (array.shape, hashlib.sha256(array.tobytes()).hexdigest()) for key, array in ARRAYS.items()}
    monkeypatch.setattr(datasets, "FASHION_SUMS", sums)


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "idx")


def load_error(source):
    with pytest.raises(ValueError) as error:
        datasets.load("fashion_mnist", str(source))
    # One source, one sentence.
    return str(error.value).splitlines()


def test_the_files_of_a_directory_become_pool_and_test_images(folder):
    loaded = datasets.load("fashion_mnist", str(folder))
    for part, name in ((loaded.pool, "pool"), (loaded.test, "test")):
        np.testing.assert_array_equal(part.images, ARRAYS[name, "images"])
        np.testing.assert_array_equal(part.labels, ARRAYS[name, "labels"])
        assert (part.images.dtype, part.labels.dtype) == (np.uint8, np.int16)
    assert loaded.source == f"the directory {folder}"
    assert len(set(loaded.classes)) == 10


@pytest.mark.parametrize("key", KEYS, ids="-".join)
def test_a_changed_value_is_an_error_naming_the_file(folder, key):
    other = ARRAYS[key].copy()
    other.flat[0] += 1
    file_of(folder, key).write_bytes(gzip.compress(encode(other)))
    (line,) = load_error(folder)
    assert line == (
        f"the directory {folder}: {file_of(folder, key)} must hold values with the SHA-256 "
        f"{hashlib.sha256(ARRAYS[key].tobytes()).hexdigest()}, got {hashlib.sha256(other.tobytes()).hexdigest()}"
    )


@pytest.mark.parametrize("key", KEYS, ids="-".join)
def test_a_truncated_file_is_an_error_naming_the_file(folder, key):
    path = file_of(folder, key)
    path.write_bytes(path.read_bytes()[:-4])
    (line,) = load_error(folder)
    assert line.startswith(f"the directory {folder}: {path} must be a whole gzip file, got a damaged one")


@pytest.mark.parametrize("key", KEYS, ids="-".join)
def test_another_shape_is_an_error_naming_the_file_even_if_the_bytes_are_the_same(folder, key):
    array = ARRAYS[key]
    shape = (*array.shape[:-1], array.shape[-1] + 1)
    file_of(folder, key).write_bytes(gzip.compress(encode(np.zeros(shape, np.uint8))))
    (line,) = load_error(folder)
    assert line == f"the directory {folder}: {file_of(folder, key)} must have the shape {array.shape}, got {shape}"


def test_images_in_the_place_of_labels_are_an_error_naming_the_file(folder):
    file_of(folder, LABELS).write_bytes(file_of(folder, IMAGES).read_bytes())
    (line,) = load_error(folder)
    assert f"{file_of(folder, LABELS)} must be an IDX file of bytes with 1 dimensions" in line


def unreachable(reason):
    def fetch():
        raise OSError(reason)

    return fetch


def test_auto_takes_the_first_source_that_works_and_asks_no_further(folder, tmp_path, monkeypatch):
    damaged = write(tmp_path / "damaged", ARRAYS | {LABELS: np.uint8([0, 0, 0])})
    asked = []

    def fetch(name, where):
        def now():
            asked.append(name)
            return sources.from_directory(where)

        return name, now

    order = [("first", tmp_path / "empty"), ("second", damaged), ("third", folder), ("fourth", folder)]
    monkeypatch.setattr(sources, "AUTO", [fetch(*source) for source in order])
    assert datasets.load("fashion_mnist", "auto").source == "third"
    assert asked == ["first", "second", "third"]


def test_where_no_source_works_each_has_one_line_with_its_reason(tmp_path, monkeypatch):
    damaged = write(tmp_path / "damaged", ARRAYS | {LABELS: np.uint8([0, 0])})
    automatic = [
        ("a mirror", unreachable("no network")),
        ("an archive", lambda: sources.from_directory(damaged)),
        ("a cache", lambda: sources.from_directory(tmp_path)),
        ("another mirror", unreachable("no space left")),
    ]
    monkeypatch.setattr(sources, "AUTO", automatic)
    name = sources.FILES[IMAGES]
    assert load_error("auto") == [
        "no source has the data set:",
        "a mirror: no network",
        f"an archive: {file_of(damaged, LABELS)} must have the shape (3,), got (2,)",
        f"a cache: there is no {name}.gz and no {name} in {tmp_path}",
        "another mirror: no space left",
    ]


def test_a_fault_of_the_program_itself_does_not_pass_for_a_source_that_has_nothing(monkeypatch):
    monkeypatch.setattr(sources, "AUTO", [("a mirror", lambda: {}["no such key"])] * 4)
    with pytest.raises(KeyError):
        datasets.load("fashion_mnist", "auto")


def test_digits_are_dealt_to_pool_and_test_images_without_loss():
    loaded, bunch = datasets.load("digits", "auto"), load_digits()
    images = np.concatenate([loaded.pool.images, loaded.test.images])
    labels = np.concatenate([loaded.pool.labels, loaded.test.labels])
    assert (len(loaded.pool.images), len(loaded.test.images)) == (1498, 299)
    order, original = np.lexsort(images.reshape(-1, 64).T), np.lexsort(bunch.images.reshape(-1, 64).T)
    np.testing.assert_array_equal(np.round(images[order] * (16 / 255)), bunch.images[original])
    np.testing.assert_array_equal(labels[order], bunch.target[original])
    assert (images.dtype, images.max(), labels.dtype) == (np.uint8, 255, np.int16)


def test_images_have_the_same_hash_exactly_if_they_are_the_same():
    images = np.zeros((3, 2, 3), np.uint8)
    images[1, 1, 2] = 1
    first, second, third = datasets.content_hashes(images)
    assert first == third != second
    assert datasets.content_hashes(images[::-1]) == [third, second, first]
    assert len(first) == 32


def test_the_same_bytes_in_another_shape_have_another_hash():
    images = np.zeros((1, 2, 3), np.uint8)
    assert datasets.content_hashes(images) != datasets.content_hashes(images.reshape(1, 3, 2))
