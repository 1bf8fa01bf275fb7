"""The classes: which number has which name, and which names may not stand beside each other, or nowhere."""

import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import numpy as np

from selflabel import files
from selflabel.labels.table import NO_LABEL

# In the place of a class, in answers: it cannot be told.
SKIP = "skip"
# The column of the true class beside those of the classes, in metrics/confusion_matrix.csv.
ACTUAL = "actual"


class Classes(tuple[str, ...]):
    """The names of the classes, in the order of their numbers 0 to n − 1."""

    __slots__ = ()

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Return the classes of a JSON list of names."""
        return cls(files.read_json(path))

    def names(self, labels: np.ndarray, *, none: str = "") -> np.ndarray:
        """Return the names, str, of ``labels``, int in −1..n − 1; ``none`` for −1, no label."""
        # The last name is that of −1.
        return np.array([*self, none])[labels]

    def numbers(self, names: Iterable[str]) -> np.ndarray:
        """Return the numbers, int16, of ``names``; −1 for an empty one. Raises ``KeyError`` for one that is none."""
        number = {name: i for i, name in enumerate(self)} | {"": NO_LABEL}
        return np.array([number[name] for name in names], np.int16)

    def with_name(self, name: str) -> Self:
        """Return these classes and one more, the last. Raises ``ValueError`` as ``check`` does."""
        classes = type(self)([*self, unicodedata.normalize("NFC", name).strip()])
        check(classes)
        return classes


def check(classes: Iterable[str]) -> None:
    """Raise ``ValueError`` for a name that is empty, an answer's skip, no text, or another's but for its case.

    Spaces around a name, and two ways to write an accent, make no difference either.
    """
    seen: dict[str, str] = {}
    for name in classes:
        key = unicodedata.normalize("NFC", name).strip().casefold()
        if key in ("", SKIP, ACTUAL):
            raise ValueError(f"a class must have a name, and another one than {SKIP} or {ACTUAL}, got {name!r}")
        # Line breaks as well: names stand in tables.
        if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
            raise ValueError(f"a class must have a name without control characters, got {name!r}")
        if key in seen:
            raise ValueError(f"classes must differ by more than case and spaces, got {seen[key]!r} and {name!r}")
        seen[key] = name
