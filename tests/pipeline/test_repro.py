"""Real `dvc repro` runs, on the small dataset."""

import json
import os
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest
import yaml
from projects import Project, environment

from selflabel import files
from selflabel.config.project import STAGE_FILES
from selflabel.labels import table as labels


def test_a_run_leaves_the_figures_that_others_build_on(shared_project):
    report = json.loads((shared_project.folder / "metrics/evaluate.json").read_text())
    assert 0.5 < report["test"]["accuracy"] < 1 and 0.5 < report["test"]["macro_f1"] < 1
    assert 0.5 < report["pool"]["label_accuracy"] < 1
    # A final threshold of 0 accepts every image.
    assert report["pool"]["coverage"] == 1
    assert report["human_labels"] == report["baselines"]["seed_only"]["human_labels"] == 76
    assert report["baselines"]["fully_supervised"]["human_labels"] == 1498
    assert report["baselines"]["fully_supervised"]["accuracy"] > report["baselines"]["seed_only"]["accuracy"]
    assert "accuracy" in report["baselines"]["true_labels_leak"]


def test_the_rounds_table_tells_each_round_and_the_last_acceptance(shared_project):
    rounds = files.read_table(shared_project.folder / "metrics/rounds.csv")
    assert rounds["round"].tolist() == [1, 2, 3, 4]
    assert rounds["threshold"].tolist() == [0.4, 0.3, 0.2, 0.0]
    assert rounds["n_remaining"][-1] == 0
    assert rounds["n_accepted"].sum() == 1498 - 76


def test_dvc_shows_all_metrics(shared_project):
    shown = shared_project.run("dvc", "metrics", "show").stdout
    assert "failed" not in shown and "whole.error_at_most" in shown


def test_a_second_run_does_nothing(shared_project):
    assert "Data and pipelines are up to date." in shared_project.repro()
    assert "up to date" in shared_project.run("dvc", "status", *STAGE_FILES).stdout


def test_labels_do_not_depend_on_the_truth_of_images_nobody_asked_about(played):
    """The fence, at work: with every other true label permuted, the same bytes come out."""
    project = played
    before = project.bytes_of("data/rounds", "data/final")
    truth_file = project.folder / "data/truth/pool.npy"
    truth = np.load(truth_file)
    given = labels.read(project.folder / "data/rounds/0/labels.arrow").is_labelled
    others = np.flatnonzero(~given)
    truth[others] = np.random.default_rng(0).permutation(truth[others])
    truth_file.unlink()
    np.save(truth_file, truth)
    project.play(*(f"self_label@{number}" for number in (1, 2, 3)), "finish", force=True)
    assert project.bytes_of("data/rounds", "data/final") == before


def test_the_leak_does_depend_on_that_truth(played):
    """The control of the test above: what reads the truth changes with it."""
    project = played
    before = project.bytes_of("data/leak")
    truth_file = project.folder / "data/truth/pool.npy"
    truth = np.load(truth_file)
    truth_file.unlink()
    np.save(truth_file, np.roll(truth, 1))
    project.play("leak", force=True)
    assert project.bytes_of("data/leak") != before


def test_a_machine_label_is_the_predicted_one_and_never_taken_back(shared_project):
    tables = [labels.read(shared_project.folder / f"data/rounds/{number}/labels.arrow") for number in range(4)]
    final = labels.read(shared_project.folder / "data/final/labels.arrow")
    for earlier, later in zip(tables, [*tables[1:], final], strict=True):
        kept = earlier.is_labelled
        for column in ("label", "origin", "round", "confidence"):
            assert np.array_equal(getattr(earlier, column)[kept], getattr(later, column)[kept])
    truth = np.load(shared_project.folder / "data/truth/pool.npy")
    # Were they the true ones, all would be right.
    assert np.any(final.label[final.is_machine] != truth[final.is_machine])


def test_fewer_rounds_reuse_those_already_played(project):
    assert project.stages_run("--no-run-cache") == []
    project.set(self_label={"iterations": 2})
    # What comes after `finish` goes on from it.
    assert project.stages_run("finish") == ["check", "student", "finish"]


def test_another_wording_of_the_code_runs_nothing_and_another_number_what_reads_it(project, edit):
    metrics = project.folder / "selflabel/evaluation/metrics.py"
    edit(metrics, '"""How good labels are', '"""How right labels are')
    # The export lists the bytes of the code that labelled, to which this does not belong.
    assert project.stages_run() == ["code"]
    edit(metrics, "per_round]", "per_round + 0]")
    assert project.stages_run() == ["code", "evaluate"]


def test_a_changed_threshold_repeats_the_rounds_and_not_the_baselines(project):
    project.set(accept={"threshold_step": -0.15})
    ran = project.stages_run("finish", "baselines/dvc.yaml:leak", "baselines/dvc.yaml:baselines@fully_supervised")
    # Round 1 has the same threshold: its result is the same, and DVC goes on from there.
    # The questions, none, are the same: nobody is asked again.
    assert ran == ["check", "self_label@1", "self_label@2", "self_label@3", "student", "finish"]


def test_another_seed_percentage_does_not_repeat_the_slow_baseline(project):
    project.set(seed_labels={"percentage": 6.0})
    names = ("leak", "baselines@seed_only", "baselines@fully_supervised")
    ran = project.stages_run(*(f"baselines/dvc.yaml:{name}" for name in names))
    assert set(ran) == {"check", "seed_labels", "leak", "baselines@seed_only"}


@pytest.mark.parametrize("file", STAGE_FILES)
def test_a_lock_names_no_folder_of_this_machine(shared_project, file):
    lock = (shared_project.folder / file).with_suffix(".lock")
    assert str(shared_project.folder) not in lock.read_text()


def test_every_fault_of_the_parameters_is_told_before_anything_runs(new_project):
    new_project.set(
        accept={"threshold_start": 1.5, "treshold": 0.1}, seed_labels={"percentage": "5"}, draw={"seed": None}
    )
    done = new_project.run("dvc", "repro", check=False)
    assert done.returncode != 0
    for sentence in (
        "accept.threshold_start must be in [0, 1], got 1.5",
        "accept.treshold is not a parameter; did you mean threshold_step?",
        "seed_labels.percentage must be a number, got '5'",
        "draw.seed must be a whole number, got None",
    ):
        assert sentence in done.stdout
    assert "Traceback" not in done.stdout
    assert not (new_project.folder / "data/raw").exists()


def test_more_rounds_than_the_table_has_are_refused_at_once_with_the_command_that_helps(project):
    project.set(self_label={"iterations": 4}, accept={"threshold_start": 0.5})
    done = project.run("dvc", "repro", check=False)
    assert done.returncode != 0
    assert "`make rounds N=4` extends the table" in done.stdout
    assert project.run("python", "-m", "selflabel", "rounds", "4").stdout.startswith("rounds/table.yaml has 4 rounds")
    assert "self_label@4" in project.stages_run("rounds/dvc.yaml:self_label@4")


def test_all_seed_labels_and_no_rounds_are_a_supervised_run(played):
    project = played
    project.set(seed_labels={"percentage": 100.0}, self_label={"iterations": 0})
    project.play()
    report = json.loads((project.folder / "metrics/evaluate.json").read_text())
    assert report["test"]["accuracy"] == report["baselines"]["fully_supervised"]["accuracy"]
    assert "label_accuracy" not in report["pool"]


def test_a_pool_without_an_unlabelled_image_passes_through_the_rounds(played):
    project = played
    project.set(accept={"threshold_start": 0.0, "threshold_step": 0.0})
    out = project.play()
    assert "self_label@2: nothing to do (pool_empty)" in out
    rounds = files.read_table(project.folder / "metrics/rounds.csv")
    assert rounds["stop"].tolist() == ["pool_empty"] * 4
    assert rounds["n_accepted"][1:].tolist() == [0, 0, 0]


def test_a_quota_for_each_class_goes_through_the_whole_pipeline(played):
    project = played
    project.set(accept={"rule": "class_k_best", "k": 20})
    out = project.play()
    assert "self_label@1: 200 accepted" in out
    rounds = files.read_table(project.folder / "metrics/rounds.csv")
    # Without a threshold until the last acceptance, which has one.
    assert np.isnan(rounds["threshold"][:3]).all() and rounds["threshold"][3] == 0
    per_class = files.read_table(project.folder / "metrics/rounds_per_class.csv")
    assert set(per_class["n_machine"][per_class["round"] == 1]) == {20}


def test_too_few_seed_labels_are_refused_with_the_class(played):
    project = played
    project.set(seed_labels={"percentage": 0.1})
    assert "seed_labels.percentage must give at least one seed label to each class" in project.play(keep=True)


def test_status_push_pull_checkout_and_apply_work_with_a_remote(project, tmp_path):
    project.run("dvc", "remote", "add", "--default", "local", str(tmp_path / "remote"))
    project.run("dvc", "push")
    shutil.rmtree(project.folder / "data")
    shutil.rmtree(project.folder / ".dvc/cache")
    project.run("dvc", "pull")
    assert "up to date" in project.run("dvc", "status", *STAGE_FILES).stdout
    project.run("dvc", "exp", "run", "--name", "two", "--set-param", "self_label.iterations=2")
    project.run("git", "checkout", "--quiet", ".")
    project.run("dvc", "checkout")
    project.run("dvc", "exp", "apply", "two")
    assert yaml.safe_load((project.folder / "params.yaml").read_text())["self_label"]["iterations"] == 2
    assert "up to date" in project.run("dvc", "status", *STAGE_FILES).stdout


def test_a_queue_over_a_grid_works_and_compares_as_a_table(project):
    project.run(
        "dvc", "exp", "run", "--queue",
        "--set-param", "audit.size=50,200",
    )  # fmt: skip
    project.run("dvc", "queue", "start", "-j", "1")
    deadline = time.monotonic() + 240
    while (rows := project.run("dvc", "queue", "status").stdout).count("Success") < 2:
        assert time.monotonic() < deadline and "Failed" not in rows, rows
        time.sleep(2)
    table = project.run("python", "-m", "selflabel", "compare").stdout
    table, warning = table.strip().split("\n\n")
    # The workspace and its commit are the same run.
    assert warning.startswith("3 runs share audit answers")
    header, _, *lines = table.splitlines()
    assert "audit.size" in header
    assert "classifier.C" not in header
    assert len(lines) == 4
    accuracies = [float(line.split("|")[4]) for line in lines]
    assert accuracies == sorted(accuracies, reverse=True)


def kill_in_the_middle(project: Project, stage: str, *command: str) -> None:
    """Run a command until a stage has written some of its files, and kill it then."""
    process = subprocess.Popen(
        command, cwd=project.folder, start_new_session=True, env=_killing(project, stage),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    marker = project.folder / "half-written"
    deadline = time.monotonic() + 120
    while not marker.exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    marker.unlink()


def test_a_first_run_killed_in_the_middle_and_a_run_of_another_clone_give_the_same_bytes(new_project, shared_project):
    kill_in_the_middle(new_project, "features", "dvc", "repro")
    new_project.repro()
    for name in STAGE_FILES:
        locks = [(each.folder / name).with_suffix(".lock") for each in (new_project, shared_project)]
        assert locks[0].read_bytes() == locks[1].read_bytes()
    assert new_project.bytes_of("data", "metrics") == shared_project.bytes_of("data", "metrics")


@pytest.mark.parametrize(
    ("stage", "target"),
    [
        ("download", "inputs/dvc.yaml:download"), ("self_label", "rounds/dvc.yaml:self_label@2"), ("finish", "finish"),
        ("evaluate", "evaluate"),
    ],
)  # fmt: skip
def test_kill_9_leaves_nothing_that_a_later_run_would_believe(project, shared_project, stage, target):
    command = ("dvc", "repro", "--single-item", "--force", "--no-run-cache", target)
    kill_in_the_middle(project, stage, *command)
    project.repro("--no-run-cache")
    # A stage that DVC restores from its cache overwrites no half of a file; nobody reads it.
    left = {name: content for name, content in project.bytes_of("data", "metrics").items() if "/.partial-" not in name}
    assert left == shared_project.bytes_of("data", "metrics")


def _killing(project: Project, stage: str) -> dict[str, str]:
    """An environment in which ``stage`` stops in the middle of its writing, and says so."""
    hook = project.folder / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(
        "import pathlib, sys, time\n"
        f"if 'selflabel.stages.{stage}' in sys.orig_argv:\n"
        "    real, done = pathlib.Path.replace, []\n"
        "    def replace(self, target):\n"
        "        if done:\n"
        f"            pathlib.Path({str(project.folder / 'half-written')!r}).touch()\n"
        "            time.sleep(600)\n"
        "        done.append(real(self, target))\n"
        "    pathlib.Path.replace = replace\n"
    )
    (project.folder / ".git/info/exclude").write_text("hook\nhalf-written\n")
    return environment() | {"PYTHONPATH": str(hook)}


# The other way: several extractors, a graph, a student.
WHOLE = {
    "features": {"extractor": ["hog_fine", "pixels"], "components": 20},
    "graph": {"neighbours": 5},
    "self_label": {"keep": "revise"},
    "accept": {"rule": "fixed"},
    "training": {"train_on": "human_labels", "confidence": "temperature", "folds": 3},
    "ask": {"strategy": "mixed_margin", "per_round": 20, "budget": 60},
    "classifier": {"name": "kernel_ridge", "C": 10.0, "gamma": 1.0},
    "student": {"epochs": 1, "width": 4, "flip": False, "cutout": 2, "shift": 1, "weight": 0.1},
}


def test_graph_and_student_run_and_the_student_is_asked_after_the_rounds_alone(played):
    project = played
    project.set(**WHOLE)
    ran = project.stages_played()
    assert [name for name in ran if name in ("features", "graph", "student", "finish")] == [
        "features", "graph", "student", "finish"
    ]  # fmt: skip
    report = json.loads((project.folder / "metrics/evaluate.json").read_text())
    assert report["human_labels"] == 76 + 60 and report["pool"]["coverage"] == 1
    assert report["test"]["accuracy"] > report["baselines"]["seed_only"]["accuracy"] > 0.5
    rounds = project.bytes_of("data/rounds")
    before = project.bytes_of("data/final", "data/student")
    # The same parameters, the same bytes, TensorFlow's included; and the fence.
    truth_file = project.folder / "data/truth/pool.npy"
    truth = np.load(truth_file)
    others = np.flatnonzero(~labels.read(project.folder / "data/final/labels.arrow").is_human)
    truth[others] = np.random.default_rng(0).permutation(truth[others])
    truth_file.unlink()
    np.save(truth_file, truth)
    project.play("student", "finish", force=True)
    assert project.bytes_of("data/final", "data/student") == before
    project.set(student={"epochs": 0})
    project.play("student", "finish")
    assert project.bytes_of("data/rounds") == rounds
    assert project.bytes_of("data/final") != {name: before[name] for name in before if name.startswith("data/final")}
