"""What people are asked about and what they replied, as tables with a row a question, and the words in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self

import numpy as np

from selflabel import files
from selflabel.labels.table import NO_LABEL

# How a question stands: the column status.
ANSWERED, SKIPPED, OPEN, TIED = "answered", "skipped", "open", "tied"
# Nobody has answered yet, or nobody more than another.
WAITING = (OPEN, TIED)

# Why an image was asked about: the column strategy, where it is not the name of an asking strategy. It was given two
# labels, or it was answered before the run; at random it is asked by a strategy as well.
CONFLICT, KNOWN, RANDOM = "conflict", "known", "random"
# It had a label by people, and they were asked about it once more (`selflabel suspects`): the answer confirms that
# label or corrects it, and teaches as it did. Why the image had a label in the first place stays what it was.
AGAIN = "again"
# A person has looked at what the machine labelled, unasked, and confirmed that label or corrected it.
CONFIRMED = "confirmed"
# An audit drew it from all or in addition from its class, an audit left it to people, an earlier audit drew it: the
# answer judges machine labels, so that it must not teach them.
AUDIT, AUDIT_OF_CLASS, REST, EARLIER = JUDGING = ("audit", "audit_of_class", "rest", "earlier")
# Whose labels nobody who answers may be told, for they are judged.
BLIND = (AUDIT, AUDIT_OF_CLASS, EARLIER)

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

    @property
    def is_by_several(self) -> np.ndarray:
        """Bool (Q,): several people have answered, alike or not."""
        # Where all agree there are no votes, but all their names.
        several = [";" in names or bool(votes) for names, votes in zip(self.annotator, self.votes, strict=True)]
        return np.array(several, bool)


@dataclass(frozen=True, eq=False)
class Replies(_Replied):
    """What people replied to questions about ``row``: ``label`` (−1 for none), ``status``, ``annotator``, ``votes``.

    An open one has an annotator where one person has answered, and another one is waited for.
    """

    def of_two_people(self, is_twice: np.ndarray) -> Self:
        """Return the same where the questions ``is_twice``, bool (Q,), are asked of two people.

        They are open until two have answered. Where as many then say the one as the other, nobody else is asked: people
        cannot tell, as after a skip.
        """
        is_first = is_twice & ~self.is_by_several
        is_split = is_twice & (self.status == TIED)
        status = np.where(is_first, OPEN, np.where(is_split, SKIPPED, self.status))
        return replace(self, label=np.where(is_first, NO_LABEL, self.label), status=status)


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
