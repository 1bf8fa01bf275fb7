"""Pictures of which nobody knows any: classes are empty folders, and people are asked before anything is predicted."""

import numpy as np
import pytest
from browsing import write_pictures
from in_process import InProcess

from selflabel import files
from selflabel.labels.pool_index import PoolIndex

pytestmark = pytest.mark.xdist_group("photographs")
FAST = {
    "dataset": {"image_size": 16}, "features": {"extractor": "pixels", "components": 0},
    "ask": {"strategy": "margin", "per_round": 12, "budget": 24}, "audit": {"size": 10},
    "self_label": {"keep": "revise"}, "training": {"train_on": "human_labels"}, "accept": {"threshold_start": 0.5},
    "classifier": {"name": "kernel_ridge", "C": 10.0, "gamma": 1.0, "seed": 0},
}  # fmt: skip


@pytest.fixture
def project(_in_process: InProcess, tmp_path) -> tuple[InProcess, list[str]]:
    """240 pictures without a label, and the class of each by its number; the ten classes are empty folders."""
    folder, names = tmp_path / "pictures", [f"digit {n}" for n in range(10)]
    truth = write_pictures(folder, names)
    for path in folder.glob("digit*/*.png"):
        path.rename(folder / "unlabelled" / path.name)
    project = _in_process.copy(tmp_path / "project")
    project.tool("init", str(folder))
    project.set(**FAST)
    return project, truth


def answer_queue(project, truth):
    queue = files.read_table(project.folder / "data/queue/queue.csv")
    paths = PoolIndex.read(project.folder / "data/raw/index.csv").path
    queue["label"] = np.array([truth[int(paths[row].split("/")[-1][:4])] for row in queue["row"]], object)
    files.write_table(project.folder / "filled.csv", queue)
    project.tool("answer", "filled.csv", "--annotator", "ann")
    return queue


def test_people_are_asked_before_anything_is_predicted_and_then_as_ever(project):
    project, truth = project
    assert "labels given: 0, of 10 classes" in project.tool("plan")
    said = project.play()
    # Every stage gets through, and no label is made of nothing.
    assert "finish: threshold 1, 0 accepted" in said
    labels = files.read_table(project.folder / "data/export/labels.csv")
    assert set(labels["origin"]) == {"none"}
    first = answer_queue(project, truth)
    assert len(first["row"]) == 12 and set(first["strategy"]) == {"typiclust", "random"}
    project.play()
    second = answer_queue(project, truth)
    assert set(second["strategy"]) == {"margin"} and not set(first["row"]) & set(second["row"])
    project.play()
    audit = answer_queue(project, truth)
    assert set(audit["strategy"]) == {"audit"} and len(audit["row"]) == 10
    project.play()
    labels = files.read_table(project.folder / "data/export/labels.csv")
    paths = [int(path.split("/")[-1][:4]) for path in labels["path"]]
    is_machine = labels["origin"] == "machine"
    right = np.mean(labels["label"][is_machine] == np.array(truth, object)[paths][is_machine])
    assert is_machine.sum() == 240 - 34 and right > 0.5


def test_one_class_alone_is_no_reason_to_predict(project):
    project, _ = project
    project.play()
    queue = files.read_table(project.folder / "data/queue/queue.csv")
    queue["label"] = np.full(len(queue["row"]), "digit 3", object)
    files.write_table(project.folder / "filled.csv", queue)
    project.tool("answer", "filled.csv", "--annotator", "ann")
    project.play()
    labels = files.read_table(project.folder / "data/release/labels.csv")
    assert set(labels["origin"]) == {"none", "human"}
    assert set(files.read_table(project.folder / "data/queue/queue.csv")["strategy"]) == {"typiclust", "random"}
