"""The data sets: images, true labels, class names."""

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from selflabel import idx, sources

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
    """Return the data set ``name``: fashion_mnist (from ``source``) or digits (embedded in scikit-learn).

    Raises ``ValueError`` where no source works, with one sentence for each.
    """
    return LOADERS[name](source)


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


def _first_that_works(candidates: Sequence[sources.Source], decode: Callable[[sources.Raw, str], Dataset]) -> Dataset:
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


def check_sum(array: np.ndarray, shape: tuple[int, ...], expected: str, *, name: str) -> np.ndarray:
    """Return ``array``; raise ``ValueError`` naming ``name`` unless its shape and SHA-256 are the expected ones."""
    if array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, got {array.shape}")
    found = hashlib.sha256(array.tobytes()).hexdigest()
    if found != expected:
        raise ValueError(f"{name} must hold values with the SHA-256 {expected}, got {found}")
    return array


def content_hashes(images: np.ndarray) -> list[str]:
    """Return 32 hexadecimal digits for each image (BLAKE2b over shape and bytes): the same image, the same hash.

    ``images``: uint8 (N, height, width).
    """
    shape = repr(images.shape[1:]).encode()
    return [hashlib.blake2b(shape + image.tobytes(), digest_size=HASH_BYTES).hexdigest() for image in images]


LOADERS: dict[str, Callable[[str], Dataset]] = {"fashion_mnist": fashion_mnist, "digits": digits}
