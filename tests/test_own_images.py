"""The README's trial: somebody's own pictures, from `init` to the export, with answers in between."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import Project

from selflabel import files, own


@pytest.fixture(scope="module")
def clothes(default_project) -> tuple[Project, Path]:
    """3,000 pictures, 20 of each class labelled, and the project after its first run on them."""
    project, folder = default_project, default_project.folder.parent / "my clothes"
    done = project.run("python", "-m", "bench.trial", "images", str(folder), check=False)
    if "no source has the data set" in done.stdout:
        pytest.skip("Fashion-MNIST cannot be had here")
    assert done.stdout == f"3,000 images in {folder}, 200 of them in the folder of their class\n"
    project.run("python", "-m", "selflabel", "init", str(folder))
    told = project.run("python", "-m", "selflabel", "plan").stdout
    assert "3,000 images in the pool, no test images" in told and "labels given: 200, of 10 classes" in told
    assert "280 questions in 3 rounds, 280 images to audit, people" in told
    project.repro()
    return project, folder


def queue(project: Project) -> dict[str, np.ndarray]:
    return files.read_table(project.folder / "data/queue/queue.csv")


def person(project: Project, folder: Path) -> None:
    """What the person does who sits before the queue."""
    project.run("python", "-m", "bench.trial", "person", str(folder))
    project.run("python", "-m", "selflabel", "answer", "filled.csv", "--annotator", "ann")


def test_given_labels_are_the_seeds_and_what_nobody_knows_is_absent(clothes):
    project, _ = clothes
    table = files.read_table(project.folder / "data/final/labels.csv")
    index = files.read_table(project.folder / "data/raw/index.csv")
    given = np.array(["" if path.startswith("unlabelled/") else path.split("/")[0] for path in index["path"]])
    is_seed = table["origin"] == "seed"
    assert np.array_equal(is_seed, given != "") and np.array_equal(table["class"][is_seed], given[is_seed])
    report = json.loads((project.folder / "metrics/evaluate.json").read_text())
    assert report.keys() == {"human_labels", "out_of_fold", "pool"} and report["pool"].keys() == {"coverage"}
    assert report["out_of_fold"]["n"] == report["human_labels"] == 200 and report["out_of_fold"]["accuracy"] > 0.7
    for name in ("rounds", "per_class", "rounds_per_class"):
        assert not [
            column for column in files.read_table(project.folder / f"metrics/{name}.csv") if "accuracy" in column
        ]
    pictures = {path.name for path in (project.folder / "data/pictures").iterdir()}
    assert pictures == {"samples.png"}
    shown = project.run("python", "-m", "selflabel", "results").stdout
    assert shown.startswith("No test set; ") and "In truth" not in shown


def test_answers_run_only_what_depends_on_them_until_none_is_missing_and_certify(clothes):
    project, folder = clothes
    assert set(queue(project)["strategy"]) == {"margin", "audit"}
    before = project.bytes_of("data/raw", "data/features", "data/graph", "data/rounds/1")
    person(project, folder)
    ran = project.stages_run()
    assert "self_label@2" in ran and not {"download", "features", "graph", "self_label@1", "leak"} & set(ran)
    assert project.bytes_of("data/raw", "data/features", "data/graph", "data/rounds/1") == before
    for _ in range(2):
        person(project, folder)
        project.repro()
    assert not len(queue(project)["row"])
    certificate = json.loads((project.folder / "metrics/certificate.json").read_text())
    assert certificate["human_labels_in_all"] == 200 + 280 + 280 and certificate["certified"]["n"] > 1_000
    # What the promise is about, as only the trial knows it.
    known = files.read_table(f"{folder}.truth.csv")
    truth = dict(zip(known["path"], known["label"], strict=True))
    table = files.read_table(project.folder / "data/audit/labels.csv")
    paths = files.read_table(project.folder / "data/raw/index.csv")["path"]
    is_wrong = table["class"] != [truth[path] for path in paths]
    assert is_wrong[table["certified"]].mean() <= 0.05
    assert is_wrong[table["origin"] == "machine"].mean() <= certificate["whole"]["error_at_most"]


def test_the_export_has_what_people_said_and_reads_back_as_the_same_labels(clothes):
    """After the runs above: the card, and the table as a manifest."""
    project, folder = clothes
    exported = files.read_table(project.folder / "data/export/labels.csv")
    known = files.read_table(f"{folder}.truth.csv")
    truth = {f"{folder}/{path}": label for path, label in zip(known["path"], known["label"], strict=True)}
    is_human = exported["origin"] == "human"
    assert is_human.sum() == 280 + 280 and set(exported["annotator"][is_human]) == {"ann"}
    assert all(
        truth[path] == label
        for path, label in zip(exported["path"][is_human], exported["label"][is_human], strict=True)
    )
    card = (project.folder / "data/export/DATASET_CARD.md").read_text()
    assert (
        card.startswith("# my clothes, labelled by selflabel")
        and "| all            |  200 |   560 |   2,240 | 3,000 |" in card
    )
    assert "- Certified: at most 5 % of the" in card
    project.run("sha256sum", "--check", "--quiet", "data/export/code.txt")
    shutil.copytree(project.folder / "data/export", project.folder / "data/labelled")
    again = own.survey("csv", str(project.folder / "data/labelled/labels.csv"))
    assert {entry.path: entry.label for entry in again.entries} == dict(
        zip(exported["path"], exported["label"], strict=True)
    )
