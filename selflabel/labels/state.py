"""The state that one round hands to the next, as a folder: labels, history, questions, predictions so far."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from selflabel import files
from selflabel.labels import history
from selflabel.labels import table as label_table
from selflabel.labels.history import RoundSummary
from selflabel.labels.table import NO_LABEL, Labels, to_columns

# Of a question, once somebody looked for its answer: the columns that an answers table adds.
ANSWER_COLUMNS = ("label", "status", "annotator", "votes")
ARRAYS = ("test_labels", "machine_labels", "predicted", "apart")
OPEN = ("open", "tied")
# The column strategy of questions about what was given two labels, and of what was answered before the run, beside the
# names of the asking strategies.
CONFLICT, KNOWN = "conflict", "known"


class State(NamedTuple):
    """The state after a round.

    ``history``: the summaries of rounds 1 to this one. ``test_labels``: int16 (rounds so far, M), the classes that
    each round's classifier gave to the test images. ``machine_labels``: int16 (rounds so far, N), the machine labels
    after each round, −1 for none. ``predicted``: int16 (N,), the classes that the round's classifier gave to the whole
    pool (before round 1: all −1). ``questions``: what the round asks, columns row (int64) and strategy, best first.
    ``asked``: the questions of the rounds before, columns round, row, strategy and those of the answers: label (−1 for
    none), status (answered, skipped, open, tied), annotator, votes. ``apart``: int64, the rows whose answers judge
    machine labels, of this or an earlier run, and so teach nothing; nobody is asked about them again.
    """

    labels: Labels
    history: list[RoundSummary]
    test_labels: np.ndarray
    machine_labels: np.ndarray
    predicted: np.ndarray
    questions: dict[str, np.ndarray]
    asked: dict[str, np.ndarray]
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
        """How many questions were asked, those of this round and those answered before the run included."""
        return sum(int(np.sum(questions["strategy"] != CONFLICT)) for questions in (self.asked, self.questions))

    @property
    def n_open(self) -> int:
        """How many questions of the rounds before nobody has answered."""
        return int(np.isin(self.asked["status"], OPEN).sum())

    @property
    def n_on_desk(self) -> int:
        """How many of the questions that rounds asked nobody has answered: a desk holds one round's."""
        return int(np.sum(np.isin(self.asked["status"], OPEN) & (self.asked["strategy"] != CONFLICT)))

    @property
    def picked(self) -> np.ndarray:
        """Int64: the rows that a round asked about for a reason, and not drawn at random."""
        return self.asked["row"][self.asked["strategy"] != "random"]

    def answered(self, answers: Mapping[str, np.ndarray]) -> Self:
        """Return the state in which the round's questions have got their answers, and answered rows their labels.

        ``answers``: an answers table, in the order of the questions. Raises ``ValueError`` if it is that of others.
        """
        if not np.array_equal(answers["row"], self.questions["row"]):
            raise ValueError(
                "the answers must be to the round's questions, got those to others; `dvc repro` looks them up"
            )
        number = len(self.history)
        new = {"round": np.full(len(answers["row"]), number)} | self.questions
        new |= {name: np.asarray(answers[name]) for name in ANSWER_COLUMNS}
        asked = _typed({name: np.concatenate([self.asked[name], new[name]]) for name in self.asked}, self.asked)
        has_label = np.asarray(answers["label"]) != NO_LABEL
        given = np.asarray(answers["label"])[has_label]
        labels = self.labels.with_human_labels(self.questions["row"][has_label], given, round_number=number)
        return self._replace(labels=labels, questions=no_questions(), asked=asked)

    def with_all_answers(self) -> Self:
        """Return the state in which every answer is a label, those too that judged a machine label.

        The audit itself leaves the machine's labels, for they are what it judges; who uses them wants the right ones.
        """
        labels, asked = self.labels, self.asked
        is_new = (asked["status"] == "answered") & ~labels.is_human[asked["row"]]
        # Two questions about one image have one answer.
        rows, first = np.unique(asked["row"][is_new], return_index=True)
        given = asked["label"][is_new][first]
        return self._replace(labels=labels.with_human_labels(rows, given, round_number=len(self.history)))

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


def no_questions() -> dict[str, np.ndarray]:
    """Return an empty table of questions."""
    return {"row": np.empty(0, np.int64), "strategy": np.empty(0, object)}


def _nothing_asked() -> dict[str, np.ndarray]:
    numbers, texts = ("round", "row", "label"), ("strategy", "status", "annotator", "votes")
    return {name: np.empty(0, np.int64) for name in numbers} | {name: np.empty(0, object) for name in texts}


def first(
    seeds: Labels, in_conflict: Sequence[int] = (), known: Mapping[int, str] | None = None, apart: Sequence[int] = ()
) -> State:
    """Return the state before round 1.

    It asks about the rows that were given two different labels, ``in_conflict``, and those that have answers already,
    ``known``: for each row why it was asked about, if that was at random, else ``KNOWN``. ``apart``: as in ``State``.
    """
    n_rows = len(seeds.label)
    why = dict.fromkeys(map(int, in_conflict), CONFLICT)
    why |= {row: strategy for row, strategy in (known or {}).items() if row not in why}
    questions = {"row": np.array(list(why), np.int64), "strategy": np.array(list(why.values()), object)}
    return State(
        labels=seeds,
        history=[],
        test_labels=np.empty((0, 0), np.int16),
        machine_labels=np.empty((0, n_rows), np.int16),
        predicted=np.full(n_rows, NO_LABEL, np.int16),
        questions=questions,
        asked=_nothing_asked(),
        apart=np.sort(np.array(apart, np.int64)),
    )


def write(folder: str, state: State, **more_columns: list[Any]) -> None:
    """Write a state: labels.csv (``more_columns`` beside the others), history.json, and a file for each other field."""
    folder = Path(folder)
    files.write_table(folder / "labels.csv", to_columns(state.labels) | more_columns)
    files.write_json(folder / "history.json", [summary._asdict() for summary in state.history])
    for name in ARRAYS:
        files.write_array(folder / f"{name}.npy", getattr(state, name))
    for name in ("questions", "asked"):
        files.write_table(folder / f"{name}.csv", getattr(state, name))


def read(folder: str) -> State:
    """Return the state that ``write`` left in a folder."""
    folder = Path(folder)
    return State(
        labels=label_table.read(folder / "labels.csv"),
        history=[RoundSummary(**summary) for summary in files.read_json(folder / "history.json")],
        **{name: files.read_array(folder / f"{name}.npy") for name in ARRAYS},
        questions=read_questions(folder / "questions.csv"),
        asked=_typed(files.read_table(folder / "asked.csv"), _nothing_asked()),
    )


def read_questions(path: str) -> dict[str, np.ndarray]:
    """Return a round's table of questions."""
    return _typed(files.read_table(path), no_questions())


def _typed(columns: Mapping[str, np.ndarray], like: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    # A table without rows does not tell what its columns are.
    return {name: columns[name].astype(column.dtype) for name, column in like.items()}
