"""The state that the rounds hand on: for each row of the pool its label and where it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from selflabel import files

NO_LABEL = -1
ORIGINS = ("none", "seed", "machine")
NONE, SEED, MACHINE = range(3)

# Few enough that the last bits of a sum never reach a file.
CONFIDENCE_DECIMALS = 6


@dataclass(frozen=True)
class Labels:
    """The labels of N pool rows; never changed in place.

    ``label``: int16 (N,), class in 0..n_classes−1, or −1 for none. ``origin``: int8 (N,), index into
    ``ORIGINS``. ``round``: int16 (N,), the round that gave the label, 0 for seed labels, −1 for none.
    ``confidence``: float64 (N,), in [0, 1], 1 for seed labels, NaN for none.
    """

    label: np.ndarray
    origin: np.ndarray
    round: np.ndarray
    confidence: np.ndarray

    @classmethod
    def from_seeds(cls, rows: np.ndarray, given: np.ndarray, *, n_rows: int) -> Self:
        """Return labels where ``rows`` (int, distinct) carry the classes ``given`` and the others none."""
        nothing = cls(
            label=np.full(n_rows, NO_LABEL, np.int16),
            origin=np.full(n_rows, NONE, np.int8),
            round=np.full(n_rows, NO_LABEL, np.int16),
            confidence=np.full(n_rows, np.nan),
        )
        return nothing._with(rows, given, SEED, 0, np.ones(len(rows)))

    def with_machine_labels(
        self, rows: np.ndarray, given: np.ndarray, confidence: np.ndarray, *, round_number: int
    ) -> Self:
        """Return labels where the so far unlabelled ``rows`` carry the classes ``given``.

        Raises ``ValueError`` if one of the rows has a label already.
        """
        if np.any(self.label[rows] != NO_LABEL):
            raise ValueError("a machine label may only go to a row without a label")
        return self._with(rows, given, MACHINE, round_number, confidence)

    def _with(self, rows, given, origin, round_number, confidence) -> Self:
        columns = (self.label, self.origin, self.round, self.confidence)
        changed = []
        for column, value in zip(columns, (given, origin, round_number, confidence), strict=True):
            column = column.copy()
            column[rows] = value
            changed.append(column)
        return type(self)(*changed)

    @property
    def is_labelled(self) -> np.ndarray:
        """Bool (N,): has a label."""
        return self.label != NO_LABEL

    @property
    def is_machine(self) -> np.ndarray:
        """Bool (N,): has a machine label."""
        return self.origin == MACHINE


def to_columns(labels: Labels) -> dict[str, np.ndarray]:
    """Return the label table: columns row, label, origin, round, confidence; a line per pool row."""
    return {
        "row": np.arange(len(labels.label)),
        "label": labels.label,
        "origin": np.array(ORIGINS)[labels.origin],
        "round": labels.round,
        "confidence": labels.confidence,
    }


def from_columns(columns: Mapping[str, np.ndarray], *, source: str) -> Labels:
    """Return the labels of a label table; extra columns are left alone.

    Raises ``ValueError``, naming ``source`` and the fault, if a column is missing, rows are not 0..N−1 in order,
    an origin is unknown, a label or round is no number from −1 up, or a label and its origin disagree.
    """
    missing = [name for name in ("row", "label", "origin", "round", "confidence") if name not in columns]
    if missing:
        raise ValueError(f"{source} must have a column {missing[0]}, got {', '.join(columns)}")
    if not np.array_equal(columns["row"], np.arange(len(columns["row"]))):
        raise ValueError(f"{source}: column row must count 0, 1, 2, … without gaps")
    unknown = sorted(set(columns["origin"]) - set(ORIGINS))
    if unknown:
        raise ValueError(f"{source}: origin must be one of {', '.join(ORIGINS)}, got {str(unknown[0])!r}")
    order = np.argsort(ORIGINS)
    labels = Labels(
        label=_whole_numbers(columns, "label", source),
        origin=order[np.searchsorted(np.array(ORIGINS)[order], columns["origin"].astype(str))].astype(np.int8),
        round=_whole_numbers(columns, "round", source),
        confidence=columns["confidence"].astype(np.float64),
    )
    if not np.array_equal(labels.is_labelled, labels.origin != NONE):
        raise ValueError(f"{source}: a row must have a label exactly if its origin is not none")
    return labels


def _whole_numbers(columns: Mapping[str, np.ndarray], name: str, source: str) -> np.ndarray:
    # Compared before they are converted, which would bend what does not fit.
    values = columns[name].astype(np.float64)
    is_wrong = ~((values >= NO_LABEL) & (values <= np.iinfo(np.int16).max) & (np.floor(values) == values))
    if is_wrong.any():
        row = int(np.argmax(is_wrong))
        raise ValueError(f"{source}: {name} must be a whole number from -1 to 32767, got {values[row]:g} in row {row}")
    return values.astype(np.int16)


def read(path: str) -> Labels:
    """Return the labels of a label table's file."""
    return from_columns(files.read_table(path), source=str(path))
