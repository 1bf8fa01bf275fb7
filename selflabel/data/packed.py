"""A user's own data that are arrays in files already: NumPy's ``.npz``, or the IDX files of MNIST and its kin."""

import math
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from selflabel import files
from selflabel.data import idx, sources
from selflabel.data.listing import POOL, TEST, Entry, Listing, listing
from selflabel.labels.table import NO_LABEL

IDX_NO_LABEL = 255
# Whatever a damaged, encrypted or hostile file makes zipfile and NumPy stumble over.
_STUMBLES = (
    ValueError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, SyntaxError, TypeError,
    MemoryError, RecursionError, OverflowError, KeyError,
)  # fmt: skip
ARRAYS = ("images", "labels", "test_images", "test_labels", "classes")


def npz(path: Path) -> Listing:
    """Return the entries of an ``.npz`` file: images, and if there labels, test_images, test_labels and classes.

    Images, memory-mapped, are uint8 (N, h, w) or (N, h, w, 3); labels whole numbers (−1 for none) or texts (empty for
    none). Classes are the labels' names, sorted, numbers by their value; with ``classes``, those, and labels are their
    numbers or names. Raises ``ValueError`` naming file and array for anything else; nothing is unpickled.
    """
    arrays = _read(Path(path))
    if "images" not in arrays:
        raise ValueError(f"{path} must have the array images, got {', '.join(sorted(arrays)) or 'none'}")
    for part in ("images", "labels"):
        if f"test_{part}" in arrays and not {"test_images", "test_labels"} <= arrays.keys():
            raise ValueError(f"{path} must have both test_images and test_labels, got test_{part} alone")
    names = [str(name) for name in arrays["classes"].ravel()] if "classes" in arrays else None
    splits = {prefix: _split(arrays, prefix, names, path) for prefix in ("", "test_") if f"{prefix}images" in arrays}
    entries = [
        Entry(f"{prefix}images[{row}]", label, TEST if prefix else POOL, image)
        for prefix, (images, labels) in splits.items()
        for row, (image, label) in enumerate(zip(images, labels, strict=True))
    ]
    return listing(entries, [], names or _in_order({entry.label for entry in entries} - {""}))


def idx_folder(directory: Path) -> Listing:
    """Return the entries of the IDX files in a folder, gzipped or plain, those of test images if they are there.

    A label of 255 is none. Classes are the numbers, as texts. Raises ``OSError`` for a file that is missing,
    ``ValueError`` for one that is not what it should be.
    """
    arrays = {}
    for key, path in sources.in_directory(Path(directory), optional=TEST).items():
        arrays[key] = idx.read(path, n_dimensions=3 if key[1] == "images" else 1)
    entries = []
    for split in dict.fromkeys(part for part, _ in arrays):
        images, labels = arrays[split, "images"], arrays[split, "labels"]
        if len(images) != len(labels):
            raise ValueError(
                f"{directory} must have a label for each {split} image, "
                f"got {len(labels)} labels for {len(images)} images"
            )
        if 0 in images.shape[1:]:
            raise ValueError(
                f"{directory} must have {split} images with pixels, got {images.shape[1]}×{images.shape[2]}"
            )
        names = ["" if label == IDX_NO_LABEL else str(label) for label in labels.tolist()]
        file = sources.FILES[split, "images"]
        entries += [Entry(f"{file}[{row}]", names[row], split, image) for row, image in enumerate(images)]
    return listing(entries, [], _in_order({entry.label for entry in entries} - {""}))


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            return {name: _array(archive, info) for name, info in members.items() if name in ARRAYS}
    except _STUMBLES as error:
        if path.read_bytes()[: len(np.lib.format.MAGIC_PREFIX)] == np.lib.format.MAGIC_PREFIX:
            raise ValueError(f"{path} must be an .npz file, got a single array") from error
        raise ValueError(f"{path} must be a whole .npz file without pickles, got something else ({error})") from error


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, is_fortran, dtype = read_header(file)
        if dtype.hasobject:
            raise ValueError(f"{info.filename} holds pickled objects")
        # Before room is made for as much as the header promises.
        n_bytes, n_there = math.prod(shape) * dtype.itemsize, info.file_size - file.tell()
        if n_bytes != n_there:
            raise ValueError(f"{info.filename} promises {n_bytes:,} bytes and has {n_there:,}")
        return files.unpacked_array(file, dtype, shape, "F" if is_fortran else "C")


def _split(arrays: Mapping[str, Any], prefix: str, names: list[str] | None, path: Path) -> tuple[np.ndarray, list[str]]:
    images = arrays[f"{prefix}images"]
    is_shaped = images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 3)
    if images.dtype != np.uint8 or not is_shaped or 0 in images.shape[1:]:
        raise ValueError(
            f"{path}: {prefix}images must be uint8 (N, h, w) or (N, h, w, 3), got {images.dtype} {images.shape}"
        )
    labels = arrays.get(f"{prefix}labels", np.full(len(images), NO_LABEL))
    if labels.dtype.kind not in "iuU" or labels.shape != (len(images),):
        raise ValueError(
            f"{path}: {prefix}labels must be whole numbers or texts, one for each of {len(images)} images, "
            f"got {labels.dtype} {labels.shape}"
        )
    return images, _named(labels.tolist(), names, f"{path}: {prefix}labels")


def _named(labels: Sequence[int | str], names: list[str] | None, place: str) -> list[str]:
    """Return each label's name, empty for none; raise ``ValueError`` for one that is none of ``names``."""
    known = {label: str(label) for label in labels} if names is None else dict(enumerate(names)) | {n: n for n in names}
    known |= {NO_LABEL: "", "": ""}
    for label in labels:
        if label not in known or (isinstance(label, int) and label < NO_LABEL):
            raise ValueError(f"{place} must be −1 or empty for none, or among the classes, got {label!r}")
    return [known[label] for label in labels]


def _in_order(names: set[str]) -> list[str]:
    is_numbers = all(name.isdecimal() for name in names)
    return sorted(names, key=lambda name: (int(name) if is_numbers else 0, name))
