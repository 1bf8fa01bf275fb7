"""A project that an older version laid down gets what the installed one needs, and keeps what its user set."""

import pytest
import yaml

from selflabel import __version__, files
from selflabel.config import load, project


@pytest.fixture
def old(tmp_path):
    """A project from before there were networks, in which something was set."""
    project.lay_down(tmp_path, run=lambda *_args, **_options: None)
    tree = files.read_yaml(tmp_path / "params.yaml")
    tree["ask"]["budget"] = 77
    for name in ("onnx", "keras"):
        del tree["features"][name]
    del tree["features"]["hog"]["bins"], tree["audit"]["repeat"]
    tree["accept"] = {"rule": "percentile", "percent": 20.0}
    files.write_text(tmp_path / "params.yaml", yaml.safe_dump(tree, sort_keys=False))
    files.write_text(tmp_path / "dvc.yaml", "stages: {}\n")
    files.write_text(tmp_path / "dvc.lock", "schema: '2.0'\nstages:\n  download: {cmd: old}\n  finish: {cmd: older}\n")
    files.write_text(tmp_path / project.VERSION_FILE, "0.1.0 abc\n")
    (tmp_path / "embeddings/README.md").unlink()
    return tmp_path


def test_what_is_new_is_added_and_what_was_set_stays(old):
    told = project.upgrade(old)
    added = "audit.repeat, features.hog.bins, features.onnx, features.keras"
    assert told[-1] == f"params.yaml has {added}, with the values of a new project"
    params = load.load(str(old / "params.yaml"))
    assert (params.ask.budget, params.features.hog.bins, params.accept.rule) == (77, 9, "percentile")
    stages = files.read_text(old / "inputs/dvc.yaml")
    assert "embed:" in stages and "--package selflabel.version" in stages
    # A stage that has another file has its lock there too.
    assert list(files.read_yaml(old / "dvc.lock")["stages"]) == ["finish"]
    assert (old / "embeddings/README.md").exists()
    assert files.read_text(old / project.VERSION_FILE) == project.version_text()
    assert project.upgrade(old) == ["selflabel.version names the installed version"]


def test_a_folder_that_is_no_laid_down_project_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"has the file .*selflabel\.version, got a folder without it"):
        project.upgrade(tmp_path)


def test_a_project_outside_of_git_gets_a_repository_of_its_own(tmp_path):
    commands = []
    project.lay_down(tmp_path, run=lambda command, **_options: commands.append(command))
    assert commands[:2] == [["git", "init", "--quiet"], ["dvc", "init", "--quiet"]]
    # The page of the plots needs no network.
    assert commands[2:] == [["dvc", "config", "--quiet", "plots.html_template", "plots.html"]]
    assert "vega" in files.read_text(tmp_path / ".dvc/plots.html")


@pytest.mark.parametrize("host", project.CI)
def test_a_file_of_checks_installs_this_version_and_calls_commands_that_there_are(tmp_path, host):
    names = project.lay_down(tmp_path, run=lambda *_args, **_options: None, ci=host)
    (place,) = [name for name in names if name in (".github/workflows/selflabel.yml", ".gitlab-ci.yml")]
    tree = yaml.safe_load((tmp_path / place).read_text())
    script = tree["labels"]["script"] if host == "gitlab" else [
        step["run"] for step in tree["jobs"]["labels"]["steps"] if "run" in step
    ]  # fmt: skip
    assert script == [
        f"pip install selflabel=={__version__}", "dvc pull --allow-missing", "dvc status", "selflabel results",
    ]  # fmt: skip


def test_an_upgrade_keeps_what_a_person_wrote_beside_the_values(old):
    path = old / "params.yaml"
    files.write_text(path, files.read_text(path).replace("  budget: 77", "  budget: 77  # agreed with Ann"))
    project.upgrade(old)
    text = files.read_text(path)
    assert "  budget: 77  # agreed with Ann\n" in text and "\n  onnx:\n    path:" in text


def test_an_upgrade_tells_which_stages_are_repeated_and_for_which_modules(tmp_path):
    texts = project.stages_code(project.PACKAGE)
    for name, text in texts.items():
        files.write_text(tmp_path / f"data/code/{name}.txt", text)
    assert project.repeated(tmp_path) == []
    line = next(line for line in texts["graph"].splitlines() if line.endswith("features/neighbours.py"))
    files.write_text(tmp_path / "data/code/graph.txt", texts["graph"].replace(line, f"0  {line.split()[1]}"))
    assert project.repeated(tmp_path) == ["graph is repeated, for other code in selflabel/features/neighbours.py"]
