"""Temporary copies of the project, as Git repositories in which DVC really runs."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
import yaml
from filelock import FileLock
from in_process import InProcess
from projects import ROOT, Project

from selflabel.evaluation import results

# The first case of a test may import a library, and machines are busy.
hypothesis.settings.register_profile("selflabel", deadline=None)
hypothesis.settings.load_profile("selflabel")

# The whole pipeline in seconds: the tutorial's way on a small embedded dataset, in few rounds.
SMALL = {
    "dataset": {"name": "digits"},
    "features": {"extractor": "pixels"},
    "seed_labels": {"percentage": 5.0},
    "self_label": {"iterations": 3, "final_threshold": 0.0},
    "accept": {"threshold_start": 0.4, "threshold_step": -0.1},
    "leak": {"iterations": 2, "threshold_start": 0.4, "threshold_step": -0.1},
    "audit": {"size": 100, "planned": 100},
}
# The same with a person in it: three rounds that ask, labels that are revised.
ASKING = {
    "self_label": {"keep": "revise"},
    "accept": {"rule": "fixed", "threshold_start": 0.8},
    "training": {"train_on": "human_labels", "confidence": "sigmoid", "folds": 5},
    "ask": {"strategy": "margin", "per_round": 20, "budget": 50},
}


def _copy(folder: Path) -> Project:
    """The project as a new repository, with nothing computed yet."""
    project = Project(folder)
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    for name in listed:
        source = ROOT / name
        # Results of the big dataset say nothing about the small one; its study takes minutes.
        if source.is_file() and not name.startswith(("metrics/", "study/")) and not name.endswith("dvc.lock"):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    project.run("git", "init", "--quiet", "--initial-branch", "main")
    return project


def _new_project(folder: Path) -> Project:
    project = _copy(folder)
    project.set(**yaml.safe_load((ROOT / "presets/tutorial.yaml").read_text()))
    project.set(**SMALL)
    project.run("python", "-m", "selflabel", "rounds", "3")
    project.commit("start")
    return project


@pytest.fixture(scope="session")
def default_project_folder(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project with its own parameters and nothing computed yet, to be copied."""
    return _copy(tmp_path_factory.mktemp("default"))


@pytest.fixture(scope="module")
def default_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project with its own parameters and nothing computed yet, committed."""
    project = _copy(tmp_path_factory.mktemp("default"))
    project.commit("start")
    return project


@pytest.fixture
def new_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project with nothing computed yet."""
    return _new_project(tmp_path_factory.mktemp("new"))


@pytest.fixture(scope="session")
def _finished(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Project:
    """The project after one real `dvc repro`, which all processes of the tests share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "finished"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            # Under its name only when it is whole.
            unfinished = folder.with_name("unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            project = _new_project(unfinished)
            project.repro()
            project.commit("results")
            unfinished.rename(folder)
    return Project(folder)


@pytest.fixture(scope="session")
def _in_process(tmp_path_factory: pytest.TempPathFactory) -> InProcess:
    """The project after a run in this process, committed."""
    project = InProcess(_new_project(tmp_path_factory.mktemp("in_process")).folder)
    project.play()
    project.commit("results")
    return project


@pytest.fixture
def played(_in_process: InProcess, tmp_path: Path) -> InProcess:
    """The project after a run in this process; the test may change it."""
    return _in_process.copy(tmp_path / "played")


@pytest.fixture(scope="session")
def _asked(_in_process: InProcess, tmp_path_factory: pytest.TempPathFactory) -> InProcess:
    project = _in_process.copy(tmp_path_factory.mktemp("asked") / "project")
    project.set(**ASKING)
    project.play()
    return project


@pytest.fixture
def asking_project(_asked: InProcess, tmp_path: Path) -> InProcess:
    """The project after a run that asked, answers simulated; the test may change it."""
    return _asked.copy(tmp_path / "asking")


@pytest.fixture
def project(_finished: Project, tmp_path: Path) -> Project:
    """The project after a run, committed; the test may change it."""
    # Not DVC's own locks, which a test that reads the shared run may be writing.
    shutil.copytree(_finished.folder, tmp_path / "project", symlinks=True, ignore=shutil.ignore_patterns("rwlock*"))
    return Project(tmp_path / "project")


@pytest.fixture(scope="module")
def shared_project(_finished: Project) -> Iterator[Project]:
    """The project after a run; the test only reads it."""
    yield _finished
    assert not _finished.run("git", "status", "--porcelain").stdout, "a test changed what it should only read"


@pytest.fixture(scope="session")
def tutorials_params() -> dict:
    """params.yaml, where it has the tutorial's settings; else there is nothing to compare with its figures."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    if not results.is_tutorials(params) or params["seed_labels"]["seed"] != 0:
        pytest.skip("params.yaml is not the tutorial's, so the figures are not either")
    return params


@pytest.fixture
def edit() -> Callable[[Path, str, str], None]:
    """Replace a text in a file, which has to hold it."""

    def replace(path: Path, old: str, new: str) -> None:
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return replace


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The shared run first: one process makes it while the others have other tests, and nobody waits for it."""
    items.sort(key=lambda item: item.path.name != "test_in_process.py")
