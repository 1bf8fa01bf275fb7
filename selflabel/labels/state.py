"""The state that one round hands to the next, as a folder: labels, history, questions, predictions so far."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from selflabel import files
from selflabel.labels import history, table
from selflabel.labels.history import RoundSummary
from selflabel.labels.questions import AGAIN, CONFIRMED, CONFLICT, RANDOM, AskedQuestions, Questions, Replies
from selflabel.labels.table import NO_LABEL, Labels

ARRAYS = ("test_labels", "predicted", "apart")


class State(NamedTuple):
    """The state after a round.

    ``history``: the summaries of rounds 1 to this one. ``test_labels``: int16 (rounds so far, M), the classes that
    each round's classifier gave to the test images. ``machine_labels``: int16 (rounds so far, N), the machine labels
    after each round, −1 for none. ``predicted``: int16 (N,), the classes that the round's classifier gave to the whole
    pool (before round 1: all −1). ``questions``: what the round asks. ``asked``: what the rounds before asked, and the
    replies. ``apart``: int64, the rows whose answers judge
    machine labels, of this or an earlier run, and so teach nothing; nobody is asked about them again.
    """

    labels: Labels
    history: list[RoundSummary]
    test_labels: np.ndarray
    machine_labels: np.ndarray
    predicted: np.ndarray
    questions: Questions
    asked: AskedQuestions
    apart: np.ndarray = np.empty(0, np.int64)

    @property
    def has_stopped(self) -> bool:
        """Whether later rounds only pass this state through."""
        return bool(self.history) and self.history[-1].has_stopped

    @property
    def precision_alarm(self) -> bool:
        """Whether the alarm ended the rounds."""
        return bool(self.history) and self.history[-1].stop == history.CLAIMED_PRECISION_OFF

    @property
    def n_asked(self) -> int:
        """How many questions were asked, those of this round and those answered before the run included.

        Not those about images that had a label anyway, or two, and not what people confirmed unasked.
        """
        asked = np.append(self.asked.strategy, self.questions.strategy)
        return int(np.sum(~np.isin(asked, (CONFLICT, AGAIN, CONFIRMED))))

    @property
    def n_open(self) -> int:
        """How many questions of the rounds before nobody has answered."""
        return int(self.asked.is_waiting.sum())

    @property
    def n_on_desk(self) -> int:
        """How many of the questions that rounds asked nobody has answered: a desk holds one round's."""
        return int(np.sum(self.asked.is_waiting & (self.asked.strategy != CONFLICT)))

    @property
    def picked(self) -> np.ndarray:
        """Int64: the rows that a round asked about for a reason, and not drawn at random.

        A given label that people have corrected is as random as it was.
        """
        return self.asked.row[~np.isin(self.asked.strategy, (RANDOM, AGAIN))]

    def answered(self, replies: Replies) -> Self:
        """Return the state in which the round's questions have got their replies, and answered rows their labels.

        ``replies``: in the order of the questions. Raises ``ValueError`` if they are to others.
        """
        if not np.array_equal(replies.row, self.questions.row):
            raise ValueError(
                "the answers must be to the round's questions, got those to others; `dvc repro` looks them up"
            )
        number = len(self.history)
        given = replies.where(replies.label != NO_LABEL)
        return self._replace(
            labels=self.labels.with_human_labels(given.row, given.label, round_number=number),
            questions=Questions.empty(),
            asked=self.asked.with_replies(self.questions.strategy, replies, round_number=number),
        )

    def with_all_answers(self) -> Self:
        """Return the state in which every answer is a label, those too that judged a machine label.

        The audit itself leaves the machine's labels, for they are what it judges; who uses them wants the right ones.
        """
        new = self.asked.where(self.asked.is_answered & ~self.labels.is_human[self.asked.row])
        # Two questions about one image have one answer.
        rows, first = np.unique(new.row, return_index=True)
        return self._replace(
            labels=self.labels.with_human_labels(rows, new.label[first], round_number=len(self.history))
        )

    def ended(self, before: Self) -> Self:
        """Return this last state with the word for why the rounds ended: that of ``before``, if they had stopped."""
        stop = before.history[-1].stop if before.has_stopped else history.ITERATIONS
        if self.precision_alarm:
            stop = history.CLAIMED_PRECISION_OFF
        return self._replace(history=[*self.history[:-1], self.history[-1]._replace(stop=stop)])

    def passed_through(self, round_number: int) -> Self:
        """Return the state after a round in which nothing was done."""
        return self._replace(
            history=[*self.history, self.history[-1].passed_through(round_number)],
            test_labels=np.vstack([self.test_labels, self.test_labels[-1:]]),
            machine_labels=np.vstack([self.machine_labels, machine_labels(self.labels)]),
        )


def machine_labels(labels: Labels) -> np.ndarray:
    """Return int16 (N,), the machine labels, −1 where there is none."""
    return np.where(labels.is_machine, labels.label, NO_LABEL).astype(np.int16)


def first(
    seeds: Labels,
    in_conflict: Sequence[int] | np.ndarray = (),
    known: Mapping[int, str] | None = None,
    apart: Sequence[int] | np.ndarray = (),
) -> State:
    """Return the state before round 1.

    It asks about the rows that were given two different labels, ``in_conflict``, and those that have answers already,
    ``known``: for each row why it was asked about, if that was at random, once more or not at all, else
    ``questions.KNOWN``.
    ``apart``: as in ``State``.
    """
    n_rows = len(seeds.label)
    why = dict.fromkeys(map(int, in_conflict), CONFLICT)
    why |= {row: strategy for row, strategy in (known or {}).items() if row not in why}
    return State(
        labels=seeds,
        history=[],
        test_labels=np.empty((0, 0), np.int16),
        machine_labels=np.empty((0, n_rows), np.int16),
        predicted=np.full(n_rows, NO_LABEL, np.int16),
        questions=Questions(np.array(list(why)), np.array(list(why.values()))),
        asked=AskedQuestions.empty(),
        apart=np.sort(np.array(apart, np.int64)),
    )


def write(folder: str | Path, state: State, **more_columns: np.ndarray) -> None:
    """Write a state: labels.arrow (``more_columns`` beside the others), history.json, and a file for each other field.

    Of the machine labels each round has a file of its own: those of the rounds before are the same bytes again, which
    DVC's cache keeps once.
    """
    folder = Path(folder)
    table.write(folder / "labels.arrow", state.labels, **more_columns)
    files.write_json(folder / "history.json", [summary._asdict() for summary in state.history])
    for name in ARRAYS:
        files.write_array(folder / f"{name}.npy", getattr(state, name))
    for number, of_round in enumerate(state.machine_labels, start=1):
        files.write_array(_machine_labels(folder, number), of_round)
    state.questions.write(folder / "questions.csv")
    state.asked.write(folder / "asked.csv")


def read(folder: str | Path) -> State:
    """Return the state that ``write`` left in a folder."""
    folder = Path(folder)
    labels = table.read(folder / "labels.arrow")
    summaries = [RoundSummary(**summary) for summary in files.read_json(folder / "history.json")]
    given = [files.read_array(_machine_labels(folder, number)) for number in range(1, len(summaries) + 1)]
    return State(
        labels=labels,
        history=summaries,
        machine_labels=np.array(given, np.int16).reshape(len(summaries), len(labels.label)),
        **{name: files.read_array(folder / f"{name}.npy") for name in ARRAYS},
        questions=Questions.read(folder / "questions.csv"),
        asked=AskedQuestions.read(folder / "asked.csv"),
    )


def _machine_labels(folder: Path, number: int) -> Path:
    return folder / f"machine_labels/{number}.npy"
