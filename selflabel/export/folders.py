"""Where an exported image lies: in the folder of its class, or in a Hugging Face imagefolder."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from selflabel import files
from selflabel.data import built_in
from selflabel.data.listing import TEST, UNLABELLED

# Where the imagefolder's images and their metadata lie.
IMAGEFOLDER = "imagefolder/train"
# A folder of these names means something else to `dataset.name: folder`.
_RESERVED = (UNLABELLED, "unlabeled", TEST)
_UNSAFE = re.compile(r"[\x00-\x1f\x7f%/\\]")


def escaped(name: str) -> str:
    """Return a class name, not empty, as the name of a folder; ``urllib.parse.unquote`` returns the name.

    Slashes, percent signs and control characters are percent-encoded, and so is the first letter of a name that would
    be hidden or is reserved: two classes never share a folder.
    """
    if name.startswith(".") or name.casefold() in _RESERVED:
        return _encoded(name[0]) + _UNSAFE.sub(lambda match: _encoded(match[0]), name[1:])
    return _UNSAFE.sub(lambda match: _encoded(match[0]), name)


def _encoded(letter: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letter.encode())


def file_names(hashes: Iterable[str], endings: Sequence[str]) -> list[str]:
    """Return a name for each image: its hash and ending, numbered from the second of the same image on."""
    seen: Counter[str] = Counter()
    names = []
    for key, ending in zip(hashes, endings, strict=True):
        seen[key] += 1
        names.append(f"{key}{f'-{seen[key]}' if seen[key] > 1 else ''}{ending}")
    return names


def ending(file: Path) -> str:
    """Return the ending of a user's own file, with its dot; none if it is no plain one."""
    return file.suffix if re.fullmatch(r"\.[A-Za-z0-9]{1,10}", file.suffix) else ""


def places(labels: Iterable[str], names: Sequence[str], *, tree: bool, imagefolder: bool) -> dict[str, list[str]]:
    """Return the path of each image by the kind of folder, imagefolder before folders, of those that are wanted.

    imagefolder: Hugging Face's, all in its split train. folders (``tree``): one for each class, and one for the images
    without a label.
    """
    paths = {"imagefolder": [f"{IMAGEFOLDER}/{name}" for name in names]} if imagefolder else {}
    if tree:
        folder = lru_cache(lambda label: escaped(label) if label else UNLABELLED)
        paths["folders"] = [f"folders/{folder(label)}/{name}" for label, name in zip(labels, names, strict=True)]
    return paths


def metadata(table: Mapping[str, np.ndarray], names: list[str]) -> dict[str, np.ndarray | list[Any]]:
    """Return the imagefolder's metadata: file_name, then the columns of the export but for path."""
    return {"file_name": names} | {name: column for name, column in table.items() if name != "path"}


def write(path: Path, image: np.ndarray | Path, key: str, *, is_link: bool) -> None:
    """Write an image: an array, uint8 (h, w) or (h, w, 3), as PNG, a user's own file as it is or as a link to it.

    Raises ``ValueError`` if that file's bytes are no longer those that got the hash ``key``.
    """
    if isinstance(image, np.ndarray):
        files.write_image(path, image)
        return
    data = image.read_bytes()
    if built_in.digest(data) != key:
        raise ValueError(
            f"{image} must be the image that was labelled, got other bytes; "
            "`dvc repro --force inputs/dvc.yaml:download` reads it anew"
        )
    if is_link:
        files.write_link(path, image)
    else:
        files.write_bytes(path, data)
