"""Pictures of which nobody knows any: classes are empty folders, and people are asked before anything is predicted."""

import numpy as np
import pytest
from browsing import write_pictures
from in_process import InProcess
from small_session import opened_in

from selflabel import files
from selflabel.labels import state
from selflabel.labels.pool_index import PoolIndex
from selflabel.serve.session import Browser, Refused

pytestmark = pytest.mark.xdist_group("photographs")
FAST = {
    "dataset": {"image_size": 16}, "features": {"extractor": "pixels", "components": 0},
    "ask": {"strategy": "margin", "per_round": 12, "budget": 24}, "audit": {"size": 10, "planned": 10},
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
    labels = files.read_columns(project.folder / "data/release/labels.arrow")
    assert set(labels["origin"]) == {"none", "human"}
    assert set(files.read_table(project.folder / "data/queue/queue.csv")["strategy"]) == {"typiclust", "random"}


def test_classes_that_people_name_while_they_answer_are_those_of_the_stages_too(_in_process, tmp_path, monkeypatch):
    """A flat folder of pictures, of which two classes are known beforehand; the other eight are met on the way."""
    folder = tmp_path / "pictures"
    truth = write_pictures(folder, [f"digit {n}" for n in range(10)])
    for path in [*folder.glob("*/*.png")]:
        path.rename(folder / path.name)
    for empty in [*folder.iterdir()]:
        if empty.is_dir():
            empty.rmdir()
    project = _in_process.copy(tmp_path / "project")
    assert "selflabel init DIR --classes cat,dog" in project.tool("init", str(folder), check=False)
    project.tool("init", str(folder), "--classes", "digit 0, digit 1")
    project.set(**FAST)
    project.play("check", "download", "embed", "features", "graph")
    monkeypatch.chdir(project.folder)
    session, browser = opened_in(project.folder), Browser("ann")
    paths = PoolIndex.read("data/raw/index.csv").path

    def answer_a_round():
        for _ in range(12):
            row = session.state(browser)["tasks"][0]["row"]
            label = truth[int(paths[row].removesuffix(".png"))]
            session.name_class(label)
            session.answer(browser, row, label)
        session.wait()

    answer_a_round()
    classes = list(session.project.classes)
    assert classes[:2] == ["digit 0", "digit 1"] and len(classes) > 4
    assert files.read_yaml("params.yaml")["dataset"]["classes"] == classes
    # A text that is not there yet, and is another's but for its case.
    with pytest.raises(Refused, match="classes must differ by more than case and spaces, got 'digit 0' and 'Digit 0'"):
        session.name_class("Digit 0 ")
    project.play()
    assert files.read_json("data/raw/classes.json") == classes
    for number, held in enumerate(session.rounds.states):
        state.write("held", held)
        written = project.folder / f"data/rounds/{number}"
        for path in written.rglob("*.*"):
            assert (project.folder / "held" / path.relative_to(written)).read_bytes() == path.read_bytes(), path
    asked = session.rounds.states[-1].asked.row.tolist()
    assert len(asked) == len({*asked}) == 12
    answer_a_round()
    assert session.state(browser)["phase"] == "audit"
    # A last one, which `selflabel answer` knows before `dvc repro` does.
    session.name_class("no digit")
    index = PoolIndex.read("data/raw/index.csv")
    (tmp_path / "more.csv").write_text(f"queue,hash,label\nselflabel,{index.hash[0]},no digit\n")
    assert "1 answers appended" in project.tool("answer", str(tmp_path / "more.csv"), "--annotator", "bob")
