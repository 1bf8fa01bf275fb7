"""Arrays in files: what is in them, or the sentence that says which array is not as it should be."""

import gzip
import zipfile

import numpy as np
import pytest

from selflabel.data import packed, sources

IMAGES = np.arange(48, dtype=np.uint8).reshape(3, 4, 4)


@pytest.fixture
def npz(tmp_path):
    def read(**arrays):
        np.savez(tmp_path / "a.npz", **arrays)
        return packed.npz(tmp_path / "a.npz")

    return read


def entries(found):
    return [entry[:3] for entry in found.entries]


def test_numbers_are_labels_and_minus_one_is_none(npz):
    found = npz(images=IMAGES, labels=np.int64([10, -1, 2]), test_images=IMAGES[:1], test_labels=np.uint8([2]))
    assert entries(found) == [
        ("images[0]", "10", "pool"), ("images[1]", "", "pool"), ("images[2]", "2", "pool"),
        ("test_images[0]", "2", "test"),
    ]  # fmt: skip
    assert found.classes == ("2", "10")
    np.testing.assert_array_equal([entry.source for entry in found.entries[:3]], IMAGES)


def test_texts_are_labels_and_an_empty_one_is_none(npz):
    found = npz(images=IMAGES, labels=np.array(["dog", "", "cat"]))
    assert [entry.label for entry in found.entries] == ["dog", "", "cat"]
    assert found.classes == ("cat", "dog")


def test_classes_name_the_numbers_and_keep_their_order(npz):
    for labels in (np.int8([1, -1, 0]), np.array(["cat", "", "dog"])):
        found = npz(images=IMAGES, labels=labels, classes=np.array(["dog", "cat"]))
        assert [entry.label for entry in found.entries] == ["cat", "", "dog"]
        assert found.classes == ("dog", "cat")


def test_without_labels_nothing_is_given(npz):
    assert entries(npz(images=np.stack([IMAGES] * 3, axis=3)))[0] == ("images[0]", "", "pool")


def test_a_test_image_without_a_label_is_a_problem(npz):
    found = npz(images=IMAGES, test_images=IMAGES, test_labels=np.int8([0, -1, 1]))
    assert [problem[:2] for problem in found.problems] == [("test_images[1]", "a test image without a label")]
    assert len(found.entries) == 5


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"pictures": IMAGES}, "must have the array images, got none"),
        ({"images": IMAGES / 255}, "images must be uint8 (N, h, w) or (N, h, w, 3), got float64 (3, 4, 4)"),
        ({"images": IMAGES.astype(np.uint16)}, "images must be uint8 (N, h, w) or (N, h, w, 3), got uint16 (3, 4, 4)"),
        ({"images": IMAGES[..., None]}, "images must be uint8 (N, h, w) or (N, h, w, 3), got uint8 (3, 4, 4, 1)"),
        ({"images": IMAGES[:, :0]}, "images must be uint8 (N, h, w) or (N, h, w, 3), got uint8 (3, 0, 4)"),
        ({"images": np.uint8(1)}, "images must be uint8 (N, h, w) or (N, h, w, 3), got uint8 ()"),
        ({"labels": np.int8([1, 2])}, "labels must be whole numbers or texts, one for each of 3 images, got int8 (2,)"),
        ({"labels": np.ones(3)}, "labels must be whole numbers or texts, one for each of 3 images, got float64 (3,)"),
        ({"labels": np.int8([0, -2, 1])}, "labels must be −1 or empty for none, or among the classes, got -2"),
        (
            {"labels": np.int8([0, 2, 1]), "classes": np.array(["1", "2"])},
            "labels must be −1 or empty for none, or among the classes, got 2",
        ),
        (
            {"labels": np.array(["a", "c", ""]), "classes": np.array(["a", "b"])},
            "labels must be −1 or empty for none, or among the classes, got 'c'",
        ),
        ({"test_images": IMAGES}, "must have both test_images and test_labels, got test_images alone"),
        ({"test_labels": np.int8([1])}, "must have both test_images and test_labels, got test_labels alone"),
    ],
)
def test_an_array_that_is_not_as_it_should_be_is_an_error_naming_it(npz, tmp_path, arrays, sentence):
    with pytest.raises(ValueError) as error:
        npz(**{"images": IMAGES} | arrays if "pictures" not in arrays else arrays)
    assert str(error.value).replace(f"{tmp_path}/a.npz", "").lstrip(": ") == sentence


def test_nothing_is_unpickled_and_what_is_no_npz_is_an_error_naming_it(npz, tmp_path):
    with pytest.raises(ValueError, match=r"a\.npz must be a whole \.npz file without pickles"):
        npz(images=IMAGES, labels=np.array([{}, 1, 2], object))
    path = tmp_path / "b.npz"
    for data in (b"", b"hello", (tmp_path / "a.npz").read_bytes()[:200]):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"b\.npz must be a whole \.npz file without pickles"):
            packed.npz(path)
    with path.open("wb") as file:
        np.save(file, IMAGES)
    with pytest.raises(ValueError, match=r"must be an \.npz file, got a single array"):
        packed.npz(path)


def write_idx(folder, **arrays):
    for name, array in arrays.items():
        header = bytes([0, 0, 8, array.ndim]) + b"".join(length.to_bytes(4, "big") for length in array.shape)
        key = tuple(name.split("_"))
        (folder / f"{sources.FILES[key]}.gz").write_bytes(gzip.compress(header + array.tobytes()))
    return packed.idx_folder(folder)


def test_idx_files_are_read_and_255_is_no_label(tmp_path):
    found = write_idx(tmp_path, pool_images=IMAGES, pool_labels=np.uint8([10, 255, 9]))
    assert entries(found) == [
        ("train-images-idx3-ubyte[0]", "10", "pool"),
        ("train-images-idx3-ubyte[1]", "", "pool"),
        ("train-images-idx3-ubyte[2]", "9", "pool"),
    ]
    assert found.classes == ("9", "10")
    found = write_idx(tmp_path, test_images=IMAGES[:2], test_labels=np.uint8([255, 9]))
    assert entries(found)[3:] == [("t10k-images-idx3-ubyte[1]", "9", "test")]
    assert found.problems[0][:2] == ("t10k-images-idx3-ubyte[0]", "a test image without a label")


def test_idx_files_that_do_not_fit_each_other_are_an_error(tmp_path):
    with pytest.raises(ValueError, match="must have a label for each pool image, got 2 labels for 3 images"):
        write_idx(tmp_path, pool_images=IMAGES, pool_labels=np.uint8([1, 2]))
    with pytest.raises(FileNotFoundError, match="there is no t10k-labels-idx1-ubyte"):
        write_idx(tmp_path, pool_labels=np.uint8([1, 2, 3]), test_images=IMAGES)


def zipped(path, content, *, method=zipfile.ZIP_STORED, flags=0):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("images.npy"), content)
    data = bytearray(path.read_bytes())
    # In the member's header and in the list of members.
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.index(sign) + place
        data[start] |= flags
        data[start + 2] = method
    path.write_bytes(data)
    return path


def header(shape):
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (header("(99999999, 1000, 1000)"), {}, "promises 99,999,999,000,000 bytes and has 0"),
        (header("(3, 4, 4)") + bytes(48), {"flags": 1}, "password"),
        (header("(3, 4, 4)") + bytes(48), {"method": 97}, "compression"),
        (header("(" * 3_000 + ")" * 3_000), {}, ""),
        (b"\x93NUMPY", {}, ""),
    ],
    ids=["78 TB", "encrypted", "unknown compression", "nested", "cut short"],
)
def test_what_a_hostile_archive_promises_is_not_believed(tmp_path, content, options, words):
    path = zipped(tmp_path / "a.npz", content, **options)
    with pytest.raises(
        ValueError, match=r"a\.npz must be a whole \.npz file without pickles, got something else"
    ) as error:
        packed.npz(path)
    assert words in str(error.value)


def test_images_without_pixels_are_refused(tmp_path):
    files = {("pool", "images"): (3, 0, 4), ("pool", "labels"): (3,)}
    for key, shape in files.items():
        head = bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)
        (tmp_path / sources.FILES[key]).write_bytes(head + bytes(np.prod(shape)))
    with pytest.raises(ValueError, match="must have pool images with pixels, got 0×4"):
        packed.idx_folder(tmp_path)
