"""Check the names of a user's classes: which may not stand beside each other, or nowhere."""

import unicodedata
from collections.abc import Iterable

from selflabel.labels.answers import SKIP

# The column of the true class beside those of the classes, in metrics/confusion_matrix.csv.
ACTUAL = "actual"


def check(classes: Iterable[str]) -> None:
    """Raise ``ValueError`` for a name that is empty, an answer's skip, no text, or another's but for its case.

    Spaces around a name, and two ways to write an accent, make no difference either.
    """
    seen = {}
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
