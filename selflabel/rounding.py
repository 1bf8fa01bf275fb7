"""Six decimals: few enough that the last bits of a sum, which processors disagree about, never reach a file."""

from collections.abc import Mapping
from typing import Any

import numpy as np

DECIMALS = 6


def rounded(value: Any) -> Any:
    """Return numbers, in lists, arrays and mappings however deep, rounded to six decimals."""
    if isinstance(value, Mapping):
        return {name: rounded(part) for name, part in value.items()}
    if isinstance(value, list):
        return [rounded(part) for part in value]
    is_fraction = isinstance(value, float) or (isinstance(value, np.ndarray) and value.dtype.kind == "f")
    return np.round(value, DECIMALS) if is_fraction else value
