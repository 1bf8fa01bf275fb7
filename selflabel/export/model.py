"""The model that is handed over: a copy of what labels new images, laid out as in the project it comes from."""

from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import selflabel
from selflabel import files

# Whose versions are noted: another one may give other last digits, which `selflabel predict` tells.
LIBRARIES = ("numpy", "scipy", "scikit-learn", "opencv-python-headless", "faiss-cpu", "pillow")
NOTES = "model.json"


def write(folder: Path, places: Iterable[Path]) -> None:
    """Copy the files at some places, those below folders too, to the same places below ``folder``, with their notes."""
    digests = {}
    for path in sorted({file for place in places for file in _files(place)}):
        digests[str(path)] = files.digest(path)
        files.copy(path, folder / path)
    libraries = {name: version(name) for name in LIBRARIES}
    files.write_json(folder / NOTES, {"selflabel": selflabel.__version__, "libraries": libraries, "files": digests})


def _files(place: Path) -> list[Path]:
    below = place.rglob("*") if place.is_dir() else [place]
    return [path for path in below if path.is_file() and not path.name.startswith(".")]


def check(folder: Path) -> None:
    """Raise ``ValueError`` unless a model is whole, and of the installed version."""
    told = files.read_json(folder / NOTES)
    if told["selflabel"] != selflabel.__version__:
        raise ValueError(
            f"{folder} must be a model of selflabel {selflabel.__version__}, which is installed, got one of "
            f"{told['selflabel']}: `pip install selflabel=={told['selflabel']}`"
        )
    for name, digest in told["files"].items():
        if not (folder / name).is_file() or files.digest(folder / name) != digest:
            raise ValueError(f"{folder / name} must be the file that the model was made with, got none or another")
