"""What a project's pipeline has written, held in memory: what a round is played with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np

from selflabel import files
from selflabel.audit import certificate
from selflabel.audit.certificate import Audit, AuditConfig
from selflabel.config import build, init
from selflabel.config.load import Params, load
from selflabel.data.registry import BUILT_IN
from selflabel.data.user_images import original_files
from selflabel.features import feature_set
from selflabel.features.feature_set import FeatureSet
from selflabel.labels import answers, seeds
from selflabel.labels.answers import Answer
from selflabel.labels.classes import Classes
from selflabel.labels.pool_index import PoolIndex
from selflabel.labels.questions import AskedQuestions
from selflabel.labels.state import State
from selflabel.labels.table import is_complete
from selflabel.loop.run import last_round, play_rounds

# The stages whose outputs are read here, with all before them.
STAGES = ("inputs/dvc.yaml:graph",)


@dataclass(frozen=True)
class Rounds:
    """The rounds played on some answers: the states after rounds 0 to the last one, and the audit after all of them.

    Something waits for people in the last state, or there is an audit of the ``final`` one. ``likeliest``: by row, of
    each question of the last round, the two likeliest classes.
    """

    states: list[State]
    final: State | None = None
    audit: Audit | None = None
    likeliest: Mapping[int, list[str]] = field(default_factory=dict)

    @property
    def waiting(self) -> AskedQuestions:
        """The questions that wait for people, in the order of asking: those of the rounds, or the audit's."""
        if self.audit:
            asked = self.audit.after.asked
            return asked.where(asked.is_waiting)
        last = self.states[-1]
        open_ones = answers.look_up(last.questions.row, [""] * len(last.questions), {})
        asked = last.asked.with_replies(last.questions.strategy, open_ones, round_number=self.number)
        return asked.where(asked.is_waiting)

    @property
    def of_two_people(self) -> np.ndarray:
        """Int64: the rows about which the audit asks two people."""
        return self.audit.drawn.row[: self.audit.n_repeated] if self.audit else np.empty(0, np.int64)

    @property
    def number(self) -> int:
        """The last round."""
        return len(self.states[-1].history)


class NeedsStudent(Exception):
    """The rounds are over, and a student has to be trained before the last labels are there."""


def check_people_answer(folder: Path) -> Params:
    """Return a project's parameters. Raises ``ValueError`` where answers are simulated: people could say nothing."""
    params = load(str(folder / "params.yaml"))
    if params.answers.source != "people":
        raise ValueError(
            f"answers.source must be people, so that people can answer, got {params.answers.source}: `selflabel "
            "init DIR` sets it for images of your own"
        )
    return params


@dataclass(frozen=True, eq=False)
class Project:
    """The parameters, and the outputs of the stages before the rounds.

    ``seed_rows``: int64, the rows with a seed label; ``given``: int (N,), their classes, −1 for the others.
    ``may_name_classes``: whether people may name classes that nobody gave: not where all labels are known.
    """

    folder: Path
    params: Params
    classes: Classes
    index: PoolIndex
    images: np.ndarray
    features: FeatureSet
    seed_rows: np.ndarray
    given: np.ndarray
    may_name_classes: bool = True

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the project in a folder, in which ``STAGES`` were played.

        Raises ``ValueError`` where answers are simulated: there is nothing that people could say then.
        """
        params = check_people_answer(folder)
        data = folder / "data"
        classes, truth = Classes.read(data / "raw/classes.json"), files.read_array(data / "truth/pool.npy")
        rows = seeds.seed_rows(
            truth, percentage=params.seed_labels.percentage, seed=params.seed_labels.seed, classes=classes
        )
        # What the draw did not give stays unknown here, a benchmark's truth too.
        given = np.full(len(truth), -1)
        given[rows] = truth[rows]
        return cls(
            folder=folder,
            params=params,
            classes=classes,
            index=PoolIndex.read(data / "raw/index.csv"),
            images=files.read_array(data / "raw/pool_images.npy"),
            features=feature_set.read(data / "features", data / "graph"),
            seed_rows=rows,
            given=given,
            may_name_classes=params.dataset.name not in BUILT_IN and not is_complete(truth),
        )

    def with_class(self, name: str) -> Self:
        """Return the project with one class more, which is written into params.yaml: `dvc repro` has it then too.

        Raises ``ValueError`` for a name that cannot stand beside the others, and where all labels are known.
        """
        if not self.may_name_classes:
            raise ValueError("a class may be named where not all labels are known, got a data set whose labels are")
        classes, path = self.classes.with_name(name), self.folder / "params.yaml"
        dataset = self.params.dataset.model_copy(update={"classes": [*self.params.dataset.classes, classes[-1]]})
        files.write_text(path, init.edited(files.read_text(path), {"dataset.classes": dataset.classes}))
        # What `selflabel answer` reads until then.
        files.write_json(self.folder / "data" / "raw/classes.json", list(classes))
        return replace(self, classes=classes, params=self.params._replace(dataset=dataset))

    def tested(self, rounds: Rounds) -> dict[str, np.ndarray] | None:
        """Return the columns of metrics/rounds.csv, if they are of these rounds: the last acceptance has a row more."""
        path = self.folder / "metrics/rounds.csv"
        if not rounds.audit or not path.exists():
            return None
        columns = files.read_table(path)
        history = rounds.audit.after.history
        is_same = columns["human_labels"].tolist() == [summary.human_labels for summary in history]
        return columns if is_same else None

    def source_of(self, row: int) -> np.ndarray | Path:
        """Return the image of a row: its original file where images are files, else its pixels."""
        if self.index.path is None:
            return np.asarray(self.images[row])
        return original_files(self.params.dataset.name, self.params.dataset.path, [self.index.path[row]])[0]

    @property
    def audit_config(self) -> AuditConfig:
        """What an audit is to certify."""
        return AuditConfig.of(self.params.audit)

    def play(self, given: Sequence[Answer]) -> Rounds:
        """Return the rounds that `dvc repro` would play with these answers, until one waits for people; else the audit.

        Raises ``NeedsStudent`` instead of the audit where there is a student.
        """
        n_rounds, config = self.params.self_label.iterations, build.each_round(self.params)
        first, replies = seeds.start(self.seed_rows, self.given, self.index, given, classes=self.classes)
        states, state = [first], first.answered(replies)
        played = play_rounds(state, self.features, n_rounds=n_rounds, config=config, classes=self.classes)
        for state, predictions in played:
            states.append(state)
            if len(state.questions) and predictions:
                probabilities = predictions.pool[state.questions.row]
                likeliest = self.classes.names(np.argsort(-probabilities, axis=1, kind="stable")[:, :2]).tolist()
                return Rounds(states, likeliest=dict(zip(state.questions.row.tolist(), likeliest, strict=True)))
        if certificate.n_awaited(state):
            return Rounds(states)
        if build.join(self.params):
            raise NeedsStudent
        last = last_round(state, self.features, config=build.last_round(self.params), classes=self.classes)
        final = last.state.ended(state)
        return Rounds(states, final, self.audit(final, given))

    def audit(self, final: State, given: Sequence[Answer]) -> Audit:
        """Return the audit of the ``final`` labels with these answers."""
        look_up = answers.reader(given, self.index.hash, self.classes)
        late = answers.late(given)
        return certificate.audit(final, self.index.hash, look_up, self.audit_config, classes=self.classes, late=late)
