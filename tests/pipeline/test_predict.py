"""New images, labelled by the classifier of a run: as it labels test images, and nothing where it would be another."""

import shutil

import numpy as np
import pytest
from in_process import JUDGES, InProcess

from selflabel import files

pytestmark = pytest.mark.xdist_group("photographs")


@pytest.fixture
def project(_in_process: InProcess, tmp_path) -> InProcess:
    return _in_process.copy(tmp_path / "project")


def write_test_images(project, folder):
    for row, image in enumerate(np.load(project.folder / "data/raw/test_images.npy")):
        files.write_image(folder / f"{row % 3}/{row:04d}.png", image)


def predicted(project, folder):
    told = project.tool("predict", str(folder), "--out", "new.csv")
    return told, files.read_table(project.folder / "new.csv")


def test_a_test_image_that_comes_as_a_file_gets_the_label_that_it_had(project, tmp_path):
    write_test_images(project, tmp_path / "new")
    (tmp_path / "new/0/junk.png").write_bytes(b"no image")
    (tmp_path / "new/.hidden.png").write_bytes(b"hidden")
    told, table = predicted(project, tmp_path / "new")
    known = np.load(project.folder / "data/final/test_probabilities.npy")
    assert f"{len(known):,} images labelled in new.csv; 1 files cannot be used" in told
    is_junk = table["problem"] != ""
    assert table["path"][is_junk].tolist() == ["0/junk.png"] and table["label"][is_junk].tolist() == [""]
    assert np.isnan(table["confidence"][is_junk]).all()
    rows = [int(path.split("/")[1][:4]) for path in table["path"][~is_junk]]
    np.testing.assert_allclose(table["confidence"][~is_junk], known[rows].max(axis=1), atol=1e-5)
    # Classes of digits are numbers, which a table reads as such.
    assert table["label"][~is_junk].astype(int).tolist() == known[rows].argmax(axis=1).tolist()
    certified = files.read_json(project.folder / "metrics/certificate.json")["certified"]
    if "confidence" in certified:
        sure = table["confidence"][~is_junk] >= certified["confidence"]
        assert (table["as_sure_as_certified"][~is_junk] == np.where(sure, "yes", "no")).all()


def test_with_a_student_its_word_counts_for_new_images_too(project, tmp_path):
    pytest.importorskip("tensorflow")
    project.set(student={"epochs": 1, "embedding": True, "weight": 0.5})
    project.play(without=(*JUDGES, "export", "queue"))
    write_test_images(project, tmp_path / "new")
    _, table = predicted(project, tmp_path / "new")
    known = np.load(project.folder / "data/final/test_probabilities.npy")
    rows = [int(path.split("/")[1][:4]) for path in table["path"]]
    np.testing.assert_allclose(table["confidence"], known[rows].max(axis=1), atol=1e-4)


def test_what_cannot_be_is_said_in_a_sentence(project, tmp_path):
    write_test_images(project, tmp_path / "new")
    refusals = {"DIR must be a folder with images, got 'none'": ["predict", "none"]}
    project.set(features={"components": 7})
    refusals["data/features must be those of params.yaml and of these images"] = ["predict", str(tmp_path / "new")]
    for words, command in refusals.items():
        assert words in project.tool(*command, check=False)
    (project.folder / "data/final/labels.arrow").unlink()
    assert "data/final must hold the labels of a run" in project.tool("predict", str(tmp_path / "new"), check=False)


def test_a_folder_without_an_image_is_an_empty_table(project, tmp_path):
    (tmp_path / "new").mkdir()
    told, table = predicted(project, tmp_path / "new")
    assert told.startswith("0 images labelled") and len(table["path"]) == 0


def test_a_model_that_was_handed_over_labels_as_the_project_does_and_alone(project, tmp_path, monkeypatch):
    project.set(export={"model": True})
    project.play("check", "export")
    write_test_images(project, tmp_path / "new")
    _, expected = predicted(project, tmp_path / "new")
    shutil.copytree(project.folder / "data/export/model", tmp_path / "model")
    elsewhere = InProcess(tmp_path / "elsewhere")
    elsewhere.folder.mkdir()
    told = elsewhere.tool("predict", "../new", "--model", "../model", "--out", "new.csv")
    assert "images labelled in" in told
    assert (elsewhere.folder / "new.csv").read_bytes() == (project.folder / "new.csv").read_bytes()
    assert len(expected["path"])
    # What is not whole, or of another version, labels nothing.
    notes = files.read_json(tmp_path / "model/model.json")
    files.write_json(tmp_path / "model/model.json", notes | {"selflabel": "0.0.1"})
    told = elsewhere.tool("predict", "../new", "--model", "../model", check=False)
    assert "got one of 0.0.1: `pip install selflabel==0.0.1`" in told
    files.write_json(tmp_path / "model/model.json", notes)
    (tmp_path / "model/data/raw/classes.json").write_text("[]")
    told = elsewhere.tool("predict", "../new", "--model", "../model", check=False)
    assert "data/raw/classes.json must be the file that the model was made with" in told
    told = elsewhere.tool("predict", "../new", "--model", "../new", check=False)
    assert "--model must be a folder with model.json" in told
