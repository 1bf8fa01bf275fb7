"""The labelled data set as others read it, and the stage that writes it."""

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import yaml
from example_run import CLASSES, HASHES, final
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from projects import ROOT

from selflabel import files
from selflabel.audit import certificate
from selflabel.data import listing
from selflabel.data.user_images import original_files
from selflabel.export import dataset
from selflabel.labels import answers, provenance, state
from selflabel.labels.answers import Decision
from selflabel.stages import export as stage

ANSWERS = {5: Decision("answered", 1, "eve", "Shirt 1"), 6: Decision("answered", 1, "eve", "Shirt 1")}
NOBODY = answers.look_up(np.array([], np.int64), [], {})


def audited(rest=NOBODY, decisions=ANSWERS):
    """Both machine labels judged: row 5 is a Shirt and not a Coat, row 6 is the Shirt that it is said to be."""
    return certificate.recorded(final(), answers.look_up(np.array([5, 6]), [5, 6], decisions), rest)


def columns(state_):
    """As they are handed over: every answer is a label."""
    table = dataset.table(state_.with_all_answers(), HASHES, CLASSES, certified=np.arange(8) == 6)
    return {name: column.tolist() for name, column in table.items()}


def test_a_row_says_all_that_is_known_of_its_label():
    nan = pytest.approx(np.nan, nan_ok=True)
    assert columns(final()) == {
        "hash": HASHES.tolist(),
        "path": [""] * 8,
        "label": ["Coat", "Shirt", "Shirt", "", "", "Coat", "Shirt", ""],
        "origin": ["seed", "seed", "human", "none", "none", "machine", "machine", "none"],
        "round": [0, 0, 1, -1, -1, 1, 2, -1],
        "confidence": [1, 1, 1, nan, nan, 0.6875, 0.6875, nan],
        "certified": [False] * 6 + [True, False],
        "annotator": ["", "", "ann;bob", "", "", "", "", ""],
    }


def test_what_a_person_said_in_the_audit_stands_in_the_place_of_the_machines_label_and_nothing_else_changes():
    before, after = columns(final()), columns(audited())
    changed = {name: [row for row in range(8) if before[name][row:][:1] != after[name][row:][:1]] for name in after}
    assert after["label"][5:7] == ["Shirt", "Shirt"] and after["origin"][5:7] == ["human", "human"]
    assert after["annotator"][5:7] == ["eve", "eve"] and after["confidence"][5:7] == [1, 1]
    assert after["round"][5:7] == [3, 3] and after["certified"] == before["certified"]
    assert changed["label"] == [5] and changed["origin"] == changed["annotator"] == [5, 6]
    assert dataset.judged(audited()) == (2, 1) and dataset.judged(final()) == (0, 0)


def test_what_nobody_could_tell_stays_the_machines():
    decisions = {row: Decision("skipped", annotator="eve") for row in (5, 6)}
    assert str(columns(audited(decisions=decisions))) == str(columns(final()))


@pytest.mark.parametrize("decision", [None, Decision("tied", votes="Coat 1, Shirt 1")])
def test_what_an_audit_still_asks_has_no_label_that_could_be_told_to_who_answers(decision):
    decisions = {5: Decision("answered", 1, "eve")} | ({6: decision} if decision else {})
    before, after = columns(final()), columns(audited(decisions=decisions))
    assert before["label"][6] == "Shirt" and before["certified"][6]
    assert (after["label"][6], after["origin"][6], after["round"][6]) == ("", "none", -1)
    assert np.isnan(after["confidence"][6]) and not after["certified"][6]
    assert after["label"][5] == "Shirt"


def test_an_earlier_audits_answer_is_the_label_too_and_judges_nothing_here():
    earlier = answers.look_up(np.array([5, 6]), [5, 6], ANSWERS)
    drawn = answers.look_up(np.array([6]), [6], ANSWERS)
    found = certificate.recorded(final(), drawn, NOBODY, earlier)
    assert found.asked.strategy.tolist()[-2:] == ["audit", "earlier"]
    assert columns(found)["label"][5] == "Shirt" and columns(found)["origin"][5] == "human"
    assert dataset.judged(found) == (1, 0)


def test_who_labelled_the_rest_too_has_labelled_it_already():
    rest = answers.look_up(np.array([5]), [5], ANSWERS)
    assert str(columns(audited(rest))) == str(columns(audited()))
    assert dataset.judged(audited(rest)) == (2, 1)


@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("images/a/1.png", "../../images/a/1.png"), ("/project/images/1.png", "../../images/1.png"),
        ("../beside/1.png", "/beside/1.png"), ("/else/x/../1.png", "/else/1.png"), ("data/1.png", "../1.png"),
    ],
)  # fmt: skip
def test_a_file_inside_the_project_is_found_from_the_export_wherever_the_project_is(file, path):
    assert dataset.path_from(Path("data/export"), Path(file), project=Path("/project")) == path


def test_own_files_are_below_the_folder_or_beside_the_manifest():
    assert original_files("folder", "images", ["a/1.png"]) == [Path("images/a/1.png")]
    assert original_files("csv", "lists/all.csv", ["a/1.png", "/b.png"]) == [Path("lists/a/1.png"), Path("/b.png")]
    assert original_files("digits", "images", []) == []


def test_the_code_of_several_stages_is_each_file_once():
    assert dataset.code(["1  b.py\n2  a.py\n", "2  a.py\n0  c.py\n"]) == "0  c.py\n1  b.py\n2  a.py\n"


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)


@given(st.lists(st.tuples(TEXT, TEXT.filter(bool)), min_size=1, max_size=5))
def test_whatever_classes_and_files_are_called_a_strict_reader_finds_the_same(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "labels.csv"
    files.write_table(path, {name: [row[i] for row in rows] for i, name in enumerate(("label", "path"))})
    with path.open(encoding="utf-8", newline="") as lines:
        assert [(row["label"], row["path"]) for row in csv.DictReader(lines, strict=True)] == rows


PATHS = [f"class {row % 2}/ü {row}.png" for row in range(8)]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A run's results, of eight own images in a folder of the project."""
    monkeypatch.chdir(tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (8, 6, 6), np.uint8)
    for path, image in zip(PATHS, images, strict=True):
        files.write_image(Path("images", path), image)
    hashes = [hashlib.blake2b(Path("images", path).read_bytes(), digest_size=16).hexdigest() for path in PATHS]
    files.write_array("pool_images.npy", images)
    # A test image last, which is not exported.
    index = {"hash": [*hashes, "t"], "split": ["pool"] * 8 + ["test"], "path": [*PATHS, "test/a/t.png"]}
    files.write_table("index.csv", {"row": [*range(8), 0]} | index)
    files.write_json("classes.json", CLASSES)
    for name, each in {"audit": audited(), "release": audited().with_all_answers()}.items():
        told = provenance.columns(each, hashes, CLASSES)
        state.write(name, each, **told, certified=np.arange(8) == 6)
    shutil.copy(ROOT / "metrics/certificate.json", tmp_path)
    files.write_array("release/pool_probabilities.npy", np.tile(np.float32([[0.75, 0.25]]), (8, 1)))
    files.write_array("features/pool.npy", np.arange(24, dtype=np.float32).reshape(8, 3))
    files.write_json("networks/networks.json", {})
    for name in stage.LABELLING:
        files.write_text(f"code/{name}.txt", f"0  selflabel/{name}.py\n1  selflabel/files.py\n")
    return tmp_path


FLAGS = {
    "audit": "audit", "release": "release", "index": "index.csv", "pool-images": "pool_images.npy",
    "classes": "classes.json", "certificate": "certificate.json", "params": "params.yaml", "code": "code",
    "features": "features", "final": "final", "before": "before",
    "answers": "answers", "student": "student", "vectors": "networks", "own": "own", "out": "data/export",
}  # fmt: skip


def run(monkeypatch, *, dataset="folder", **options):
    shutil.rmtree("data", ignore_errors=True)
    tree = yaml.safe_load((ROOT / "params.yaml").read_text())
    tree["dataset"] |= {"name": dataset, "path": "images"}
    tree["seed_labels"]["percentage"] = 100.0
    tree["export"] = {
        "folders": "none",
        "imagefolder": False,
        "label_studio": False,
        "embeddings": False,
        "model": False,
    } | options
    files.write_text("params.yaml", yaml.safe_dump(tree))
    monkeypatch.setattr(sys, "argv", ["export", *(f"--{name}={path}" for name, path in FLAGS.items())])
    stage.main()
    return sorted(path.relative_to("data/export").as_posix() for path in Path("data/export").rglob("*.*"))


def rows_of(path):
    with Path(path).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, strict=True))


def reimported():
    found = listing.manifest(Path("data/export/labels.csv"))
    assert found.problems == []
    return {
        hashlib.blake2b(Path(entry.source).read_bytes(), digest_size=16).hexdigest(): entry.label
        for entry in found.entries
    }


TABLES = ["README.md", "classes.json", "code.txt", "labels.csv", "labels.parquet", "pred_probs.npy", "queue.csv"]


def test_the_stage_writes_the_tables_and_a_card(project, monkeypatch, capsys):
    assert run(monkeypatch) == TABLES
    assert capsys.readouterr().err == "export: 8 images, 5 with a label, in data/export\n"
    rows = rows_of("data/export/labels.csv")
    assert [row["label"] for row in rows] == ["Coat", "Shirt", "Shirt", "", "", "Shirt", "Shirt", ""]
    assert [row["path"] for row in rows] == [f"../../images/{path}" for path in PATHS]
    assert list(rows[0]) == ["hash", "path", "label", "origin", "round", "confidence", "certified", "annotator"]
    card = files.read_text("data/export/README.md")
    assert "\n# images, labelled by selflabel\n\n8 images of 2 classes." in card
    assert "People judged 2 machine labels in the audit." in card and "; 1 of them correct" in card
    assert files.read_text("data/export/code.txt").count("selflabel/files.py") == 1


def test_probabilities_and_embeddings_have_the_rows_of_the_table(project, monkeypatch):
    assert set(run(monkeypatch, embeddings=True)) == {*TABLES, "embeddings.npy"}
    assert files.read_json("data/export/classes.json") == list(CLASSES)
    told, embeddings = (np.load(f"data/export/{name}.npy") for name in ("pred_probs", "embeddings"))
    assert (told.dtype, told.shape, embeddings.dtype) == (np.float32, (8, 2), np.float32)
    assert embeddings.tolist() == np.arange(24).reshape(8, 3).tolist()


@pytest.mark.parametrize("decision", [None, Decision("tied", votes="Coat 1, Shirt 1")])
def test_what_an_audit_still_asks_has_no_probabilities_either(decision):
    decisions = {5: Decision("answered", 1, "eve")} | ({6: decision} if decision else {})
    told = dataset.probabilities(audited(decisions=decisions).with_all_answers(), np.ones((8, 2), np.float32))
    assert np.flatnonzero(np.isnan(told).all(axis=1)).tolist() == [6] and np.isnan(told).sum() == 2


LOADED = """
import json, datasets
from huggingface_hub import DatasetCard
rows = datasets.load_dataset("data/export", split="train")
size = rows[0]["image"].size if "image" in rows.features else None
head = DatasetCard.load("data/export/README.md").data.to_dict()
print(json.dumps([dict(zip(rows["hash"], rows["label"])), size, head]))
"""


@pytest.mark.parametrize("imagefolder", [False, True])
def test_the_hub_loads_the_table_or_the_images_and_reads_the_card(project, monkeypatch, imagefolder):
    run(monkeypatch, imagefolder=imagefolder)
    # In a process of its own: it leaves files open, and takes the host of the Hub from its environment.
    here = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(project / "home")}
    done = subprocess.run(
        [sys.executable, "-c", LOADED], env=os.environ | here, check=True, capture_output=True, text=True
    )
    labels, size, head = json.loads(done.stdout)
    # What is empty in a CSV is None there.
    assert {key: label or "" for key, label in labels.items()} == {
        row["hash"]: row["label"] for row in rows_of("data/export/labels.csv")
    }
    assert len(labels) == 8 and size == ([6, 6] if imagefolder else None)
    assert head["task_categories"] == ["image-classification"] and head["size_categories"] == ["n<1K"]
    assert head["license"] == "unknown"


def test_parquet_has_the_rows_of_the_csv_with_their_types(project, monkeypatch):
    run(monkeypatch)
    table = pyarrow.parquet.read_table("data/export/labels.parquet")
    types = {field.name: str(field.type) for field in table.schema}
    assert types == dict.fromkeys(("hash", "path", "label", "origin", "annotator"), "string") | {
        "round": "int16", "confidence": "double", "certified": "bool"
    }  # fmt: skip
    for name, column in files.read_table("data/export/labels.csv").items():
        assert np.array_equal(table[name].to_numpy(), column, equal_nan=name == "confidence"), name


def test_the_queue_says_which_picture_to_label_best_first(project, monkeypatch):
    run(monkeypatch)
    rows = rows_of("data/export/queue.csv")
    assert [row["row"] for row in rows] == ["4", "3"]
    assert [row["path"] for row in rows] == [f"../../images/{PATHS[row]}" for row in (4, 3)]


def test_read_again_as_a_manifest_the_labels_are_the_same(project, monkeypatch):
    for options in ({}, {"folders": "copy"}, {"folders": "link"}, {"imagefolder": True}):
        run(monkeypatch, **options)
        rows = rows_of("data/export/labels.csv")
        assert reimported() == {row["hash"]: row["label"] for row in rows}
    # The images are in the export: without the own files, too.
    shutil.rmtree("images")
    assert reimported() == {row["hash"]: row["label"] for row in rows}


@pytest.mark.parametrize("kind", ["copy", "link"])
def test_the_class_folders_read_again_as_own_images_give_the_same_labels(project, monkeypatch, kind):
    run(monkeypatch, folders=kind)
    rows = rows_of("data/export/labels.csv")
    placed = {path.name: path for path in Path("data/export/folders").rglob("*.*")}
    assert {name: path.parent.name for name, path in placed.items()} == {
        f"{row['hash']}.png": row["label"] or "unlabelled" for row in rows
    }
    assert all(path.is_symlink() == (kind == "link") for path in placed.values())
    if kind == "copy":
        found = listing.folder(Path("data/export/folders"))
        assert sorted(entry.label for entry in found.entries) == sorted(row["label"] for row in rows)


def test_an_imagefolder_has_a_row_of_metadata_for_each_image_in_it(project, monkeypatch):
    run(monkeypatch, imagefolder=True)
    folder = Path("data/export/imagefolder/train")
    rows = rows_of(folder / "metadata.csv")
    assert {row["file_name"] for row in rows} == {path.name for path in folder.iterdir()} - {"metadata.csv"}
    assert [row["label"] for row in rows] == [row["label"] for row in rows_of("data/export/labels.csv")]


def test_label_studio_gets_a_task_for_each_image(project, monkeypatch):
    run(monkeypatch, label_studio=True)
    tasks = files.read_json("data/export/label_studio.json")
    assert ["annotations" in task for task in tasks] == [True, True, True, False, False, True, True, False]
    assert tasks[0]["data"]["image"] == "/data/local-files/?d=images/class%200/%C3%BC%200.png"
    assert 'value="Coat"' in files.read_text("data/export/label_studio.xml")


def test_images_without_files_are_written_where_an_option_asks_for_them(project, monkeypatch):
    index = files.read_table("index.csv")
    files.write_table("index.csv", {name: index[name] for name in ("row", "hash", "split")})
    assert run(monkeypatch, dataset="digits", label_studio=True) == sorted(
        [*TABLES, "label_studio.json", "label_studio.xml"]
    )
    assert {row["path"] for row in rows_of("data/export/labels.csv")} == {""}
    run(monkeypatch, dataset="digits", folders="link", imagefolder=True)
    rows, images = rows_of("data/export/labels.csv"), files.read_array("pool_images.npy")
    for row, image in zip(rows, images, strict=True):
        assert np.array_equal(np.asarray(Image.open(Path("data/export", row["path"]))), image)
    assert len(listing.manifest(Path("data/export/labels.csv")).entries) == 8


def test_the_same_run_has_the_same_bytes(project, monkeypatch):
    written = []
    for _ in range(2):
        paths = run(monkeypatch, folders="copy", imagefolder=True, label_studio=True)
        written.append({path: Path("data/export", path).read_bytes() for path in paths})
    assert written[0] == written[1]


def test_an_own_file_that_has_changed_since_is_refused(project, monkeypatch):
    Path("images", PATHS[3]).write_bytes(b"another")
    with pytest.raises(ValueError, match=r"ü 3\.png must be the image that was labelled, got other bytes"):
        run(monkeypatch, folders="copy")


def test_the_code_that_labels_is_that_of_every_stage_before_the_audit():
    deps = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["export"]["deps"]
    assert {path for path in deps if path.startswith("data/code/")} == {
        "data/code/export.txt",
        *(f"data/code/bytes/{name}.txt" for name in stage.LABELLING),
    }
