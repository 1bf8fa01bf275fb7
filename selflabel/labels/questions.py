"""What people are asked about and what they replied, as tables with a row a question, and the words in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np

from selflabel import files

# How a question stands: the column status.
ANSWERED, SKIPPED, OPEN, TIED = "answered", "skipped", "open", "tied"
# Nobody has answered yet, or nobody more than another.
WAITING = (OPEN, TIED)

# Why an image was asked about: the column strategy, where it is not the name of an asking strategy. It was given two
# labels, or it was answered before the run; at random it is asked by a strategy as well.
CONFLICT, KNOWN, RANDOM = "conflict", "known", "random"
# An audit drew it, an audit left it to people, an earlier audit drew it: the answer judges machine labels, so that it
# must not teach them.
AUDIT, REST, EARLIER = JUDGING = ("audit", "rest", "earlier")
# Whose labels nobody who answers may be told, for they are judged.
BLIND = (AUDIT, EARLIER)

_NUMBERS = ("round", "row", "label")


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of one length, a field each: round, row and label int64, the others texts (object)."""

    def __post_init__(self) -> None:
        for name, column in self.columns().items():
            object.__setattr__(self, name, np.asarray(column, np.int64 if name in _NUMBERS else object))

    def __len__(self) -> int:
        return len(next(iter(self.columns().values())))

    def columns(self) -> dict[str, np.ndarray]:
        """Return the columns by name, in the order of the fields."""
        return {name: getattr(self, name) for name in self.names()}

    def where(self, which: np.ndarray) -> Self:
        """Return the rows ``which``, bool (Q,) or positions."""
        return type(self)(**{name: column[which] for name, column in self.columns().items()})

    def followed_by(self, other: Self) -> Self:
        """Return these rows and then those of ``other``."""
        return type(self)(**{name: np.append(column, getattr(other, name)) for name, column in self.columns().items()})

    def write(self, path: str | Path) -> None:
        """Write the table as CSV."""
        files.write_table(path, self.columns())

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of the columns."""
        return [field.name for field in fields(cls)]

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[object] | np.ndarray]) -> Self:
        """Return the table of some ``columns``; others are left alone."""
        return cls(**{name: columns[name] for name in cls.names()})

    @classmethod
    def empty(cls) -> Self:
        """Return a table without rows."""
        return cls(**{name: np.empty(0) for name in cls.names()})

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Return the table that ``write`` left."""
        return cls.of(files.read_table(path))


@dataclass(frozen=True, eq=False)
class Questions(Table):
    """The questions of a round, best first: the ``row`` of the pool, and the ``strategy`` that chose it."""

    row: np.ndarray
    strategy: np.ndarray


@dataclass(frozen=True, eq=False)
class _Replied(Table):
    row: np.ndarray
    label: np.ndarray
    status: np.ndarray
    annotator: np.ndarray
    votes: np.ndarray

    @property
    def is_answered(self) -> np.ndarray:
        """Bool (Q,): has an answer that is a class."""
        return np.asarray(self.status == ANSWERED, bool)

    @property
    def is_waiting(self) -> np.ndarray:
        """Bool (Q,): waits for people, since nobody answered or two labels have as many votes."""
        return np.isin(self.status, WAITING)


@dataclass(frozen=True, eq=False)
class Replies(_Replied):
    """What people replied to questions about ``row``: ``label`` (−1 for none), ``status``, ``annotator``, ``votes``."""


@dataclass(frozen=True, eq=False)
class AskedQuestions(_Replied):
    """The questions of several rounds, with the ``round`` that asked and what people replied; −1: no ``label``."""

    round: np.ndarray
    strategy: np.ndarray

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of the columns, in their order in files."""
        return ["round", "row", "label", "strategy", "status", "annotator", "votes"]

    def with_replies(self, strategy: str | np.ndarray, replies: Replies, *, round_number: int) -> Self:
        """Return these and then the questions that ``round_number`` asked for a reason, as ``replies`` answer them."""
        n = len(replies)
        new = replies.columns() | {"round": np.full(n, round_number), "strategy": np.broadcast_to(strategy, n)}
        return self.followed_by(type(self).of(new))
