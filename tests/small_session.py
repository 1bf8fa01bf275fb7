"""A session of labelling on points of two classes, without files but answers.csv."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import param_trees
import pytest
from projects import ROOT

from selflabel import files
from selflabel.config import load
from selflabel.features.feature_set import FeatureSet
from selflabel.labels.answers import HEADER
from selflabel.labels.classes import Classes
from selflabel.labels.pool_index import PoolIndex
from selflabel.people.answer_file import AnswerFile
from selflabel.serve.project import Project
from selflabel.serve.session import Browser, Session

CLASSES = Classes(["Coat", "Shirt"])
N_SEEDS = 12


def opened(
    folder: Path, *changes: tuple[str, object], n: int = 60, apart: float = 6.0, n_twins: int = 0, wrong: tuple = ()
) -> Session:
    """A session whose row is of class row % 2, but for the seeds ``wrong``; ``apart``: the classes' distance.

    The last ``n_twins`` rows are the same images as those before them.
    """
    params = load.parse(
        param_trees.changed(files.read_yaml(ROOT / "params.yaml"), ("answers.source", "people"), *changes),
        source="params.yaml",
    )
    truth = np.arange(n) % 2
    features = np.random.default_rng(0).normal(size=(n, 2)) + apart * truth[:, None]
    numbers = [row - n_twins if row >= n - n_twins else row for row in range(n)]
    given = np.where(np.isin(np.arange(n), wrong), 1 - truth, truth)
    project = Project(
        folder=folder,
        params=params,
        classes=CLASSES,
        index=PoolIndex(np.arange(n), np.array([f"{number:032x}" for number in numbers], object)),
        images=np.zeros((n, 8, 8), np.uint8),
        features=FeatureSet(features[numbers].astype(np.float32), np.empty((0, 2), np.float32)),
        seed_rows=np.arange(N_SEEDS),
        given=np.where(np.arange(n) < N_SEEDS, given, -1),
    )
    shutil.copy(ROOT / "params.yaml", folder)
    (folder / "answers.csv").write_text(",".join(HEADER) + "\n")
    return _of(project, train=lambda project: pytest.fail("there is no student"))


def opened_in(folder: Path, **options) -> Session:
    """A session of the project in a folder, whose stages before the rounds were played."""
    return _of(Project.read(folder), train=lambda project: None, **options)


def _of(project: Project, **options) -> Session:
    known = project.index.hash.tolist()
    session = Session(
        project, AnswerFile(project.folder / "answers.csv", classes=project.classes, known=known), **options
    )
    session.start()
    session.wait()
    return session


def answer_all(session: Session, browser: Browser, truth: Sequence[str], *, phase: str = "questions") -> list[int]:
    """Answer what is asked until the phase is another; return the rows."""
    rows = []
    while (shown := session.state(browser))["phase"] == phase:
        row = shown["tasks"][0]["row"]
        session.answer(browser, row, truth[row])
        rows.append(row)
        session.wait()
    return rows


def given(folder: Path) -> list[dict[str, str]]:
    """The rows of a project's answers.csv."""
    table = files.read_table(folder / "answers.csv")
    return [dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)]
