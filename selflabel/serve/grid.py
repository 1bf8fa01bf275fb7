"""The labels that a person may confirm or correct many at once: what an audit left, suspects, a class of the machine's.

An image that an audit judges is never among them: who is to judge a label must not be told it first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from selflabel.config import build
from selflabel.labels.answers import Answer
from selflabel.labels.questions import AGAIN, CONFIRMED, REST
from selflabel.labels.table import Labels
from selflabel.people import second_look
from selflabel.serve.project import Project, Rounds

# So many are shown at once.
N_SHOWN = 40


@dataclass(frozen=True)
class Group:
    """Images to be confirmed or corrected: rows of the pool, the least sure first, each with the label that it has.

    ``strategy``: why they are asked about. REST: an audit left them to people. AGAIN: people gave the label, and
    classifiers contradict it. CONFIRMED: the machine gave it, and nobody asks. ``label``: of all; empty where they have
    several, for suspects are few.
    """

    strategy: str
    label: str
    cells: dict[int, str]


def groups(rounds: Rounds, project: Project, given: Sequence[Answer]) -> list[Group]:
    """Return the groups, what an audit left first, class by class; ``given``: people's answers so far."""
    labels = (rounds.audit.after if rounds.audit else rounds.states[-1]).labels
    waiting = rounds.waiting
    rest = waiting.row[waiting.strategy == REST]
    parts = [
        *_by_class(REST, _unsure_first(rest, labels), labels, project),
        (AGAIN, "", _suspects(rounds, project, given)),
        *_by_class(CONFIRMED, _by_machine(rounds, project, given), labels, project),
    ]
    made = []
    for strategy, label, rows in parts:
        rows = _once(rows, project)
        cells = dict(zip(rows.tolist(), project.classes.names(labels.label[rows]).tolist(), strict=True))
        made += [Group(strategy, label, cells)] if cells else []
    return made


def _by_class(
    strategy: str, rows: np.ndarray, labels: Labels, project: Project
) -> Iterator[tuple[str, str, np.ndarray]]:
    for number, name in enumerate(project.classes):
        yield strategy, name, rows[labels.label[rows] == number]


def _suspects(rounds: Rounds, project: Project, given: Sequence[Answer]) -> np.ndarray:
    fit = build.fit(project.params)
    final = rounds.final or rounds.states[-1]
    # Without folds or a second class nothing is out of fold, and before a round nothing has been predicted.
    if fit.folds < 2 or not final.history or len(np.unique(final.labels.label[final.labels.is_human])) < 2:
        return np.empty(0, np.int64)
    rows, told = second_look.judged(final, project.features, fit, project.classes)
    is_seen = second_look.was_seen(final, project.index.hash, given)[rows]
    # What several people already contest goes back to the queue by itself.
    is_seen |= np.isin(rows, rounds.waiting.row)
    chosen = told.order[told.is_marked[told.order] & ~is_seen[told.order]]
    return np.asarray(rows[chosen])


def _by_machine(rounds: Rounds, project: Project, given: Sequence[Answer]) -> np.ndarray:
    """Return the rows that the machine labelled, and about which nobody is asked; none while there is an audit.

    A person who looked at them then might see what the audit asks about, and a label given after it needs another one.
    """
    if rounds.audit:
        return np.empty(0, np.int64)
    last = rounds.states[-1]
    is_free = last.labels.is_machine.copy()
    is_free[np.concatenate([last.asked.row, last.questions.row, last.apart])] = False
    is_free &= ~np.isin(project.index.hash, [answer.hash for answer in given])
    return _unsure_first(np.flatnonzero(is_free), last.labels)


def _unsure_first(rows: np.ndarray, labels: Labels) -> np.ndarray:
    return np.asarray(rows[np.argsort(labels.confidence[rows], kind="stable")])


def _once(rows: np.ndarray, project: Project) -> np.ndarray:
    """Return the rows without those whose image another one before them has."""
    _, first = np.unique(project.index.hash[rows], return_index=True)
    return np.asarray(rows[np.sort(first)])
