"""The tools beside the pipeline, in real Git repositories."""

import os
import subprocess

import pytest
import yaml
from projects import ROOT, Project

from selflabel import files

BRANCHES = pytest.mark.xdist_group("branches")


@pytest.fixture(scope="module")
def branches(_in_process, tmp_path_factory) -> Project:
    """`main`, and on top of it the branch `change` with other parameters and the results of them."""
    project = _in_process.copy(tmp_path_factory.mktemp("branches") / "project")
    project.run("git", "checkout", "--quiet", "-b", "change")
    project.set(self_label={"iterations": 1}, seed_labels={"percentage": 20.0})
    project.play()
    project.commit("more seed labels")
    return project


def pr_report(project: Project, base: str = "main") -> str:
    project.run("python", "-m", "selflabel", "pr-report", "--base", base)
    assert (project.folder / "report/curves.png").stat().st_size > 10_000
    return (project.folder / "report/report.md").read_text()


@BRANCHES
def test_the_report_tells_two_branches_apart(branches):
    text = pr_report(branches)
    rows = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("|")}
    assert [cell.strip() for cell in rows["seed_labels.percentage"].split("|")[2:4]] == ["5", "20"]
    assert "▲ better" in rows["test.accuracy"]
    assert "▲ worse" in rows["human_labels"]
    # More labels for the baseline are no virtue and no fault.
    assert "▲" in rows["baselines.seed_only.human_labels"]
    assert "worse" not in rows["baselines.seed_only.human_labels"]
    assert "baselines.fully_supervised.accuracy" not in rows
    movers = text.split("## Classes that moved most")[1].split("## Curves")[0]
    assert sum(movers.count(figure) for figure in ("precision", "recall", " f1 ")) == 5
    assert "![curves over rounds](curves.png)" in text
    # Both are certified by the same audit answers.
    assert "2 runs share audit answers" in text


def test_the_report_of_no_change_says_so_in_words(project):
    text = pr_report(project)
    for sentence in ("No change of parameters.", "No change of metrics.", "No change in any class."):
        assert sentence in text


def test_a_base_that_is_not_there_is_said_and_not_crashed_on(project):
    assert "`nowhere` is not in this clone (no such revision)" in pr_report(project, "nowhere")


@BRANCHES
def test_a_shallow_clone_is_said_and_not_crashed_on(branches, tmp_path):
    clone = Project(tmp_path / "clone")
    branches.run("git", "clone", "--quiet", "--depth=1", "--branch=change", branches.folder.as_uri(), str(clone.folder))
    assert "`git fetch --unshallow origin" in pr_report(clone)


def test_a_base_without_metrics_is_said_and_not_crashed_on(project):
    text = pr_report(project, "main~1")
    assert "has no metrics/evaluate.json, metrics/certificate.json, metrics/per_class.csv, metrics/rounds.csv" in text
    assert "No change of parameters." in text
    assert "Nothing to compare with." in text


@BRANCHES
def test_a_base_known_only_at_the_origin_is_found_there(branches, tmp_path):
    clone = Project(tmp_path / "clone")
    branches.run("git", "clone", "--quiet", "--branch=change", branches.folder.as_uri(), str(clone.folder))
    assert "| test.accuracy" in pr_report(clone)


def make_fresh(project: Project) -> str:
    """The recipe of `make fresh`, without the set-up before it."""
    done = project.run("make", "fresh", "--old-file=.venv/ready", "VENV=.venv", check=False)
    return f"{done.returncode}: {done.stdout}"


def test_a_clean_clone_with_fresh_results_passes_without_data(project, tmp_path):
    clone = Project(tmp_path / "clone")
    project.run("git", "clone", "--quiet", project.folder.as_uri(), str(clone.folder))
    assert make_fresh(clone).startswith("0:")
    assert [path.name for path in (clone.folder / "data").iterdir()] == ["README.md"]
    # What needs data is left out of the page, and nothing else.
    shown = clone.run("dvc", "plots", "show").stdout
    page = (clone.folder / "dvc_plots/index.html").read_text()
    assert "index.html" in shown and "Test accuracy of each round" in page and "true class against" not in page


def test_rounds_that_are_not_asked_for_make_no_clone_stale(project, tmp_path):
    # The rounds that are not played have other parameters than the lock file says.
    project.set(self_label={"iterations": 1}, accept={"threshold_start": 0.5})
    project.repro()
    project.commit("one round of the three that the table has")
    clone = Project(tmp_path / "clone")
    project.run("git", "clone", "--quiet", project.folder.as_uri(), str(clone.folder))
    assert make_fresh(clone).startswith("0:")


def test_a_damaged_file_of_the_cache_is_found_and_made_again(project):
    cached = next(path for path in (project.folder / ".dvc/cache/files/md5").rglob("*") if path.stat().st_size > 10_000)
    assert "no file is damaged" in project.run("python", "-m", "selflabel", "check-cache").stdout
    cached.chmod(0o644)
    cached.write_bytes(cached.read_bytes()[:-1])
    done = project.run("python", "-m", "selflabel", "check-cache", check=False)
    assert done.returncode == 1 and done.stdout.startswith("error: 1 file of the cache damaged; delete them")
    assert str(cached.relative_to(project.folder)) in done.stdout
    cached.unlink()
    project.repro("--no-run-cache")
    assert "no file is damaged" in project.run("python", "-m", "selflabel", "check-cache").stdout


def test_a_clone_whose_results_are_older_than_its_parameters_does_not_pass(project, tmp_path):
    project.set(classifier={"C": 2.0})
    project.commit("forgot to run")
    clone = Project(tmp_path / "clone")
    project.run("git", "clone", "--quiet", project.folder.as_uri(), str(clone.folder))
    out = make_fresh(clone)
    assert not out.startswith("0:")
    assert "is older than the code or params.yaml" in out


def test_a_clone_whose_metrics_were_edited_by_hand_does_not_pass(project, edit):
    path = project.folder / "metrics/evaluate.json"
    edit(path, '"human_labels": 76', '"human_labels": 7')
    project.commit("looks better")
    assert not make_fresh(project).startswith("0:")


def test_the_rounds_table_is_not_made_shorter_than_the_iterations(project):
    done = project.run("python", "-m", "selflabel", "rounds", "2", check=False)
    assert done.returncode != 0
    assert done.stdout.strip() == "error: N must be from 3, for self_label.iterations, to 1000, got 2"


def test_the_results_table_shows_each_baseline_and_this_run(shared_project):
    out = shared_project.run("python", "-m", "selflabel", "results").stdout
    for name in ("seed labels alone", "self-labelled (this run)", "all true labels"):
        assert name in out


def test_results_before_any_run_are_an_error_in_one_sentence(new_project):
    done = new_project.run("python", "-m", "selflabel", "results", check=False)
    assert done.returncode != 0
    assert done.stdout.strip() == "error: metrics/evaluate.json is not there yet: `dvc repro` writes it"


def test_the_plots_render_as_a_page(shared_project, tmp_path):
    out = shared_project.run("dvc", "plots", "show", "--out", str(tmp_path / "page")).stdout
    assert "index.html" in out
    page = (tmp_path / "page/index.html").read_text()
    for title in ("Test accuracy of each round", "Machine labels that are right", "Reliability", "true class against"):
        assert title in page


def test_make_run_tells_every_fault_even_where_dvc_cannot_start(project, edit):
    project.set(accept={"threshold_start": 2})
    edit(project.folder / "params.yaml", "  iterations: 3\n", "")
    done = project.run("make", "run", "--old-file=.venv/ready", check=False)
    assert done.returncode != 0
    for sentence in ("self_label.iterations is missing", "accept.threshold_start must be in [0, 1], got 2"):
        assert f"params.yaml: {sentence}" in done.stdout
    assert "Running stage" not in done.stdout


def test_status_tells_what_is_stale_and_what_to_do(project):
    told = project.run("python", "-m", "selflabel", "status").stdout
    assert "stale stages: none\nnext: no answers missing\nto do better: " in told
    project.set(accept={"threshold_start": 0.7})
    told = project.run("python", "-m", "selflabel", "status").stdout
    assert "self_label@1" in told and told.endswith("next: `dvc repro`\n")


def test_a_preset_sets_its_parameters_and_runs(project):
    """Of a section whose kind changes the old keys go and the new ones come: DVC takes the signs for it."""
    preset = {"accept": {"rule": "percentile", "percent": 50.0}, "self_label": {"iterations": 1}}
    files.write_text(project.folder / "presets/mine.yaml", yaml.safe_dump(preset))
    project.run("make", "run", "PRESET=mine", "--old-file=.venv/ready")
    tree = files.read_yaml(project.folder / "params.yaml")
    assert (tree["accept"], tree["self_label"]["iterations"]) == (preset["accept"], 1)
    assert files.read_table(project.folder / "metrics/rounds.csv")["rule"].tolist() == ["percentile", "final_threshold"]
    done = project.run("python", "-m", "selflabel", "preset", "turorial", check=False)
    assert "error: the preset must be one of " in done.stdout and "got 'turorial'" in done.stdout


def test_an_environment_is_made_anew_by_its_own_python_as_well(tmp_path):
    """`make` puts the environment's Python before all others, and it is the one that is removed."""
    venv = tmp_path / "venv"
    for path in (os.environ["PATH"], f"{venv / 'bin'}:{os.environ['PATH']}"):
        environment = {**os.environ, "PATH": path}
        done = subprocess.run([ROOT / ".ci/venv", venv], cwd=ROOT, env=environment, capture_output=True)
        assert done.returncode == 0, done.stderr
    subprocess.run([venv / "bin/python", "-m", "pip", "--version"], check=True, capture_output=True)
