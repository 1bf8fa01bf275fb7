"""The label table: for each row of the pool its label and where it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self

import numpy as np

from selflabel import files

NO_LABEL = -1
ORIGINS = ("none", "seed", "human", "machine")
NONE, SEED, HUMAN, MACHINE = range(4)

# Few enough that the last bits of a sum never reach a file.
CONFIDENCE_DECIMALS = 6


@dataclass(frozen=True)
class Labels:
    """The labels of N pool rows; never changed in place.

    ``label``: int16 (N,), class in 0..n_classes−1, or −1 for none. ``origin``: int8 (N,), index into ``ORIGINS``.
    ``round``: int16 (N,), the round since which the row has had this label without a break, 0 for seed labels, the
    round that asked for human ones, −1 for none. ``confirmed``: int16 (N,), the last round that gave it, as
    ``round``. ``confidence`` and ``raw_confidence``: float64 (N,), in [0, 1], of that last round, calibrated and
    not; 1 for seed and human labels, NaN for none. ``flips``: int16 (N,), how often a round gave another machine
    label than the one before.
    """

    label: np.ndarray
    origin: np.ndarray
    round: np.ndarray
    confirmed: np.ndarray
    confidence: np.ndarray
    raw_confidence: np.ndarray
    flips: np.ndarray

    @classmethod
    def from_seeds(cls, rows: np.ndarray, given: np.ndarray, *, n_rows: int) -> Self:
        """Return labels where ``rows`` (int, distinct) carry the classes ``given`` and the others none."""
        nothing = cls.empty(n_rows)
        return nothing._with(rows, label=given, origin=SEED, round=0, confirmed=0, confidence=1, raw_confidence=1)

    @classmethod
    def empty(cls, n_rows: int) -> Self:
        """Return labels of which there is none."""
        return cls(
            label=np.full(n_rows, NO_LABEL, np.int16),
            origin=np.full(n_rows, NONE, np.int8),
            round=np.full(n_rows, NO_LABEL, np.int16),
            confirmed=np.full(n_rows, NO_LABEL, np.int16),
            confidence=np.full(n_rows, np.nan),
            raw_confidence=np.full(n_rows, np.nan),
            flips=np.zeros(n_rows, np.int16),
        )

    def with_human_labels(self, rows: np.ndarray, given: np.ndarray, *, round_number: int) -> Self:
        """Return labels where ``rows`` carry the classes ``given`` by people whom ``round_number`` asked.

        A person's word replaces a machine label. Raises ``ValueError`` if one of the rows has a human label already.
        """
        if np.any(self.is_human[rows]):
            raise ValueError("a row with a seed or human label may not be labelled again")
        return self._with(
            rows, label=given, origin=HUMAN, round=round_number, confirmed=round_number, confidence=1, raw_confidence=1
        )

    def with_machine_labels(
        self,
        rows: np.ndarray,
        given: np.ndarray,
        confidence: np.ndarray,
        raw_confidence: np.ndarray | None = None,
        *,
        round_number: int,
    ) -> Self:
        """Return labels where the so far unlabelled ``rows`` carry the classes ``given``.

        ``raw_confidence`` left out is the same as ``confidence``. Raises ``ValueError`` if one of the rows has a
        label already.
        """
        if np.any(self.is_labelled[rows]):
            raise ValueError("a machine label may only go to a row without a label")
        raw = confidence if raw_confidence is None else raw_confidence
        return self._with(
            rows, label=given, origin=MACHINE, round=round_number, confirmed=round_number,
            confidence=confidence, raw_confidence=raw,
        )  # fmt: skip

    def revised(
        self,
        rows: np.ndarray,
        given: np.ndarray,
        confidence: np.ndarray,
        raw_confidence: np.ndarray | None = None,
        *,
        round_number: int,
    ) -> Self:
        """Return labels whose machine labels are these and no others; seed and human labels stay.

        A row that keeps its class keeps its ``round``; one that changes it counts a flip.
        """
        cleared = self.without_machine_labels(np.flatnonzero(self.is_machine))
        new = cleared.with_machine_labels(rows, given, confidence, raw_confidence, round_number=round_number)
        stays = self.is_machine & (new.label == self.label)
        flipped = self.is_machine & new.is_machine & ~stays
        return replace(new, round=np.where(stays, self.round, new.round), flips=(self.flips + flipped).astype(np.int16))

    def without_machine_labels(self, rows: np.ndarray) -> Self:
        """Return labels where those of ``rows``, int, that have a machine label have none."""
        return self._with(
            rows[self.is_machine[rows]], label=NO_LABEL, origin=NONE, round=NO_LABEL, confirmed=NO_LABEL,
            confidence=np.nan, raw_confidence=np.nan,
        )  # fmt: skip

    def _with(self, rows: np.ndarray, **values: object) -> Self:
        changed = {}
        for name, value in values.items():
            column = getattr(self, name).copy()
            column[rows] = value
            changed[name] = column
        return replace(self, **changed)

    @property
    def is_labelled(self) -> np.ndarray:
        """Bool (N,): has a label."""
        return self.label != NO_LABEL

    @property
    def is_machine(self) -> np.ndarray:
        """Bool (N,): has a machine label."""
        return self.origin == MACHINE

    @property
    def is_human(self) -> np.ndarray:
        """Bool (N,): has a label that a person gave, a seed label or an answer."""
        return (self.origin == SEED) | (self.origin == HUMAN)


COLUMNS = tuple(field.name for field in fields(Labels))
_FLOATS = ("confidence", "raw_confidence")


def is_complete(truth: np.ndarray) -> bool:
    """Return whether a truth, int (N,), knows every label: what is not known is −1."""
    return not (truth == NO_LABEL).any()


def to_columns(labels: Labels) -> dict[str, np.ndarray]:
    """Return the label table: column row, then the fields of ``Labels`` (origin as its word); a line per pool row."""
    columns = {"row": np.arange(len(labels.label), dtype=np.int32)}
    columns |= {name: getattr(labels, name) for name in COLUMNS}
    return columns | {"origin": np.array(ORIGINS, object)[labels.origin]}


def from_columns(columns: Mapping[str, np.ndarray], *, source: str) -> Labels:
    """Return the labels of a label table; extra columns are left alone.

    Raises ``ValueError``, naming ``source`` and the fault, if a column is missing, rows are not 0..N−1 in order,
    an origin is unknown, a label, round or count is no number from −1 up, or a label and its origin disagree.
    """
    missing = [name for name in ("row", *COLUMNS) if name not in columns]
    if missing:
        raise ValueError(f"{source} must have a column {missing[0]}, got {', '.join(columns)}")
    if not np.array_equal(columns["row"], np.arange(len(columns["row"]))):
        raise ValueError(f"{source}: column row must count 0, 1, 2, … without gaps")
    origin = np.full(len(columns["origin"]), NO_LABEL, np.int8)
    for number, word in enumerate(ORIGINS):
        origin[columns["origin"] == word] = number
    if (origin == NO_LABEL).any():
        unknown = str(columns["origin"][np.argmin(origin)])
        raise ValueError(f"{source}: origin must be one of {', '.join(ORIGINS)}, got {unknown!r}")
    values = {name: columns[name].astype(np.float64, copy=False) for name in _FLOATS} | {"origin": origin}
    values |= {name: _whole_numbers(columns, name, source) for name in COLUMNS if name not in values}
    labels = Labels(**values)
    if not np.array_equal(labels.is_labelled, labels.origin != NONE):
        raise ValueError(f"{source}: a row must have a label exactly if its origin is not none")
    return labels


def _whole_numbers(columns: Mapping[str, np.ndarray], name: str, source: str) -> np.ndarray:
    # Compared before they are converted, which would bend what does not fit.
    values = columns[name]
    if values.dtype == np.int16 and values.min(initial=0) >= NO_LABEL:
        return values
    values = values.astype(np.float64)
    is_wrong = ~((values >= NO_LABEL) & (values <= np.iinfo(np.int16).max) & (np.floor(values) == values))
    if is_wrong.any():
        row = int(np.argmax(is_wrong))
        raise ValueError(f"{source}: {name} must be a whole number from -1 to 32767, got {values[row]:g} in row {row}")
    return values.astype(np.int16)


def write(path: str | Path, labels: Labels, **more_columns: np.ndarray) -> None:
    """Write the label table as an Arrow file, ``more_columns`` beside the others."""
    files.write_columns(path, to_columns(labels) | more_columns)


def read(path: str | Path) -> Labels:
    """Return the labels of a label table's file."""
    return from_columns(files.read_columns(path, "row", *COLUMNS), source=str(path))
