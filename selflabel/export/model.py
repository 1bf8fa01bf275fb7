"""The model that is handed over: a copy of what labels new images, laid out as in the project it comes from."""

import hashlib
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import selflabel

# Whose versions are noted: another one may give other last digits, which `selflabel predict` tells.
LIBRARIES = ("numpy", "scipy", "scikit-learn", "opencv-python-headless", "faiss-cpu", "pillow")
NOTES = "model.json"


def files_of(places: Iterable[Path]) -> list[Path]:
    """Return the files at some places, those below folders too, sorted; what is hidden is left out."""
    found = set()
    for place in places:
        below = place.rglob("*") if place.is_dir() else [place]
        found |= {path for path in below if path.is_file() and not path.name.startswith(".")}
    return sorted(found)


def notes(digests: Mapping[str, str]) -> dict[str, Any]:
    """Return what stands in model.json; ``digests``: SHA-256 of each file by its path below the model."""
    return {
        "selflabel": selflabel.__version__,
        "libraries": {name: version(name) for name in LIBRARIES},
        "files": dict(sorted(digests.items())),
    }


def check(folder: Path, told: Mapping[str, Any]) -> None:
    """Raise ``ValueError`` unless a model is whole and of the installed version; ``told``: its model.json."""
    if told["selflabel"] != selflabel.__version__:
        raise ValueError(
            f"{folder} must be a model of selflabel {selflabel.__version__}, which is installed, got one of "
            f"{told['selflabel']}: `pip install selflabel=={told['selflabel']}`"
        )
    for name, digest in told["files"].items():
        if not (folder / name).is_file() or digest_of((folder / name).read_bytes()) != digest:
            raise ValueError(f"{folder / name} must be the file that the model was made with, got none or another")


def digest_of(data: bytes) -> str:
    """Return SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
