"""The README's trial: somebody's own pictures, from `init` to the export, with answers in between."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from in_process import JUDGES, InProcess
from pyarrow import parquet

from selflabel import files
from selflabel.config import presets
from selflabel.data import built_in, user_images
from selflabel.labels import answers
from selflabel.labels.pool_index import PoolIndex

# They share runs, and some go on from each other.
pytestmark = pytest.mark.xdist_group("own_images")


@pytest.fixture(scope="module")
def clothes(default_project) -> tuple[InProcess, Path]:
    """3,000 pictures, 20 of each class labelled, and the project after its first run on them."""
    project, folder = InProcess(default_project.folder), default_project.folder.parent / "my clothes"
    done = project.run("python", "-m", "bench.trial", "images", str(folder), check=False)
    if "no source has the data set" in done.stdout:
        pytest.skip("Fashion-MNIST cannot be had here")
    assert done.stdout == f"3,000 images in {folder}, 200 of them in the folder of their class\n"
    project.tool("init", str(folder))
    told = project.tool("plan")
    assert "3,000 images in the pool, no test images" in told and "labels given: 200, of 10 classes" in told
    assert "280 questions in 3 rounds, 280 images to audit, people" in told
    project.play()
    return project, folder


def queue(project: InProcess) -> dict[str, np.ndarray]:
    return files.read_table(project.folder / "data/queue/queue.csv")


def person(project: InProcess, folder: Path) -> None:
    """What the person does who sits before the queue."""
    project.run("python", "-m", "bench.trial", "person", str(folder))
    project.tool("answer", "filled.csv", "--annotator", "ann")


def certificate(project: InProcess) -> dict:
    return json.loads((project.folder / "metrics/certificate.json").read_text())


def given_answers(project: InProcess) -> dict[str, str]:
    """The class that people answered, by the image's hash."""
    classes = files.read_json(project.folder / "data/raw/classes.json")
    text = files.read_text(project.folder / "answers.csv")
    decisions = answers.decide(answers.parse(text, source="answers.csv", classes=classes), classes=classes)
    return {key: classes[one.label] for key, one in decisions.items() if one.status == "answered"}


def assert_every_answer_is_handed_over(project: InProcess) -> dict[str, np.ndarray]:
    exported, given = files.read_table(project.folder / "data/export/labels.csv"), given_answers(project)
    is_answered = np.isin(exported["hash"], list(given))
    assert set(exported["hash"][is_answered]) == given.keys()
    assert exported["label"][is_answered].tolist() == [given[key] for key in exported["hash"][is_answered]]
    assert "machine" not in exported["origin"][is_answered]
    for row in parquet.read_table(project.folder / "data/export/labels.parquet").to_pylist():
        assert row["label"] == given.get(row["hash"], row["label"])
    released = files.read_columns(project.folder / "data/release/labels.arrow")
    assert {key: name for key, name in zip(released["hash"], released["class"], strict=True) if key in given} == given
    return exported


def test_given_labels_are_the_seeds_and_what_nobody_knows_is_absent(clothes):
    project, _ = clothes
    table = files.read_columns(project.folder / "data/final/labels.arrow")
    paths = PoolIndex.read(project.folder / "data/raw/index.csv").path
    given = np.array(["" if path.startswith("unlabelled/") else path.split("/")[0] for path in paths])
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
    shown = project.tool("results")
    assert shown.startswith("No test set; ") and "In truth" not in shown


def records(path: Path) -> list[str]:
    """What a file says of each thing it lists; of another kind of file, what it says in all."""
    if path.suffix == ".csv":
        columns = files.read_table(path)
        return [repr(row) for row in zip(*columns.values(), strict=True)]
    if path.suffix == ".parquet":
        return [repr(row) for row in parquet.read_table(path).to_pylist()]
    if path.suffix == ".json":
        return [json.dumps(task) for task in files.read_json(path)]
    # Numbers are judged by who asks for them.
    return [] if path.suffix in (".png", ".npy") else [files.read_text(path)]


def test_answers_teach_from_round_0_on_and_the_audit_comes_last(clothes):
    project, folder = clothes
    before = project.bytes_of("data/raw", "data/features", "data/graph")
    n_seen = []
    while "margin" in queue(project)["strategy"]:
        n_seen.append(len(queue(project)["row"]))
        person(project, folder)
        ran = project.stages_played()
        assert "self_label@1" in ran and not {"download", "features", "graph"} & set(ran)
    assert project.bytes_of("data/raw", "data/features", "data/graph") == before
    assert n_seen == [94, 94, 92]
    table = files.read_columns(project.folder / "data/final/labels.arrow")
    assert np.sum((table["origin"] == "human") & (table["round"] == 0)) == 280
    assert len(queue(project)["row"]) == 280 and set(queue(project)["strategy"]) == {"audit"}


def test_nothing_that_leaves_the_pipeline_hints_at_what_the_audit_asks_about(clothes):
    """Every file that an annotator may get, by every option there is."""
    project, _ = clothes
    options = ("imagefolder", "label_studio", "embeddings", "model")
    project.set(export={"folders": "copy"} | dict.fromkeys(options, True))
    project.play()
    asked = queue(project)["hash"][queue(project)["strategy"] == "audit"].tolist()
    table = files.read_columns(project.folder / "data/final/labels.arrow")
    said = {key: name for key, name in zip(table["hash"], table["class"], strict=True) if key in set(asked)}
    assert len(said) == 280 and all(said.values())
    n_looked_at = 0
    for path in [each for name in ("export", "queue") for each in (project.folder / "data" / name).rglob("*.*")]:
        place = path.relative_to(project.folder / "data").as_posix()
        for key in [key for key in asked if key in place]:
            n_looked_at += 1
            assert said[key] not in place
        for record in records(path):
            for key in [key for key in asked if key in record]:
                n_looked_at += 1
                assert said[key] not in record, (place, record)
    # labels.csv and .parquet, two queues, two kinds of folders, metadata, tasks.
    assert n_looked_at == 8 * 280
    hashes = files.read_table(project.folder / "data/export/labels.csv")["hash"]
    is_told = np.isfinite(np.load(project.folder / "data/export/pred_probs.npy")).any(axis=1)
    assert set(hashes[~is_told]) == set(asked)
    project.set(export={"folders": "none"} | dict.fromkeys(options, False))
    project.play()


def test_with_the_audits_answers_a_part_is_certified(clothes):
    project, folder = clothes
    person(project, folder)
    project.play()
    assert not len(queue(project)["row"])
    assert certificate(project)["human_labels_in_all"] == 200 + 280 + 280
    assert certificate(project)["certified"]["n"] > 1_000
    # What the promise is about, as only the trial knows it.
    known = files.read_table(f"{folder}.truth.csv")
    truth = dict(zip(known["path"], known["label"], strict=True))
    table = files.read_columns(project.folder / "data/audit/labels.arrow")
    paths = PoolIndex.read(project.folder / "data/raw/index.csv").path
    is_wrong = table["class"] != [truth[path] for path in paths]
    assert is_wrong[table["certified"]].mean() <= 0.05
    assert is_wrong[table["origin"] == "machine"].mean() <= certificate(project)["whole"]["error_at_most"]


def test_the_export_has_what_people_said_and_reads_back_as_the_same_labels(clothes):
    """After the runs above: the card, and the table as a manifest."""
    project, folder = clothes
    exported = assert_every_answer_is_handed_over(project)
    known = files.read_table(f"{folder}.truth.csv")
    truth = {f"{folder}/{path}": label for path, label in zip(known["path"], known["label"], strict=True)}
    is_human = exported["origin"] == "human"
    assert is_human.sum() == len(given_answers(project)) and set(exported["annotator"][is_human]) == {"ann"}
    assert all(
        truth[path] == label
        for path, label in zip(exported["path"][is_human], exported["label"][is_human], strict=True)
    )
    assert exported["path"].tolist() == sorted(truth)
    card = (project.folder / "data/export/README.md").read_text()
    assert "\n# my clothes, labelled by selflabel" in card
    assert f"| all            |  200 |   {is_human.sum()} |   {2_800 - is_human.sum():,} | 3,000 |" in card
    assert "- Certified: at most 5 % of the" in card
    project.run("sha256sum", "--check", "--quiet", "data/export/code.txt")
    shutil.copytree(project.folder / "data/export", project.folder / "data/labelled")
    again = user_images.survey("csv", str(project.folder / "data/labelled/labels.csv"))
    assert {entry.path: entry.label for entry in again.entries} == dict(
        zip(exported["path"], exported["label"], strict=True)
    )


def test_an_answer_that_was_paid_for_counts_whatever_else_changes(clothes):
    """Other features, a preset, renamed and doubled files: the same answers, none asked for again."""
    project, folder = clothes
    n_answers = len(given_answers(project))
    project.set(features={"extractor": "pixels"})
    project.play(without=JUDGES)
    assert_every_answer_is_handed_over(project)
    table = files.read_columns(project.folder / "data/final/labels.arrow")
    assert np.sum(table["origin"] == "human") == 280
    told = project.tool("preset", "tutorial")
    assert "left as they are for your data: ask.budget, ask.per_round, features.extractor, leak.iterations" in told
    preset = files.read_yaml(project.folder / "presets/tutorial.yaml")
    _, left = presets.options(files.read_yaml(project.folder / "params.yaml"), preset)
    project.set(
        **{
            name: {key: value for key, value in values.items() if f"{name}.{key}" not in left}
            for name, values in preset.items()
        }
    )
    project.play(without=JUDGES)
    tree = files.read_yaml(project.folder / "params.yaml")
    assert tree["seed_labels"]["percentage"] == 100 and tree["self_label"]["iterations"] == 3
    assert tree["classifier"]["name"] == "linear_svm"
    assert_every_answer_is_handed_over(project)
    project.set(features={"extractor": "hog_fine"}, audit={"release": "best"}, **BACK)
    answered = [path for path in (folder / "unlabelled").iterdir() if digest(path) in given_answers(project)]
    for number, path in enumerate(sorted(answered)[:60]):
        if number % 2:
            path.rename(folder / f"renamed {number}.png")
        else:
            shutil.copy(path, folder / "unlabelled" / f"again {number}.png")
    project.play(without=JUDGES)
    exported = assert_every_answer_is_handed_over(project)
    assert len(exported["hash"]) == 3_030 and len(set(exported["hash"])) == 3_000
    assert not exported["certified"].any()
    assert "none here is certified" in files.read_text(project.folder / "data/export/README.md")
    assert len(given_answers(project)) == n_answers and "audit" not in queue(project)["strategy"]


BACK = {
    "classifier": {"name": "kernel_ridge", "C": 10.0, "gamma": 1.0}, "graph": {"neighbours": 10},
    "ask": {"strategy": "margin"},
    "self_label": {"keep": "revise", "final_threshold": 0.0}, "accept": {"rule": "fixed", "threshold_start": 0.5},
    "training": {"train_on": "human_labels"},
}  # fmt: skip


def digest(path: Path) -> str:
    return built_in.digest(path.read_bytes())
