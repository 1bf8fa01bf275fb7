"""A project that an older version laid down gets what the installed one needs, and keeps what its user set."""

import pytest
import yaml

from selflabel import files
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
    files.write_text(tmp_path / project.VERSION_FILE, "0.1.0 abc\n")
    (tmp_path / "embeddings/README.md").unlink()
    return tmp_path


def test_what_is_new_is_added_and_what_was_set_stays(old):
    told = project.upgrade(old)
    added = "audit.repeat, features.hog.bins, features.onnx, features.keras"
    assert told[-1] == f"params.yaml has {added}, with the values of a new project"
    params = load.load(str(old / "params.yaml"))
    assert (params.ask.budget, params.features.hog.bins, params.accept.rule) == (77, 9, "percentile")
    stages = files.read_text(old / "dvc.yaml")
    assert "embed:" in stages and "--package selflabel.version" in stages
    assert (old / "embeddings/README.md").exists()
    assert files.read_text(old / project.VERSION_FILE) == project.version_text()
    assert project.upgrade(old) == ["selflabel.version names the installed version"]


def test_a_folder_that_is_no_laid_down_project_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"has the file .*selflabel\.version, got a folder without it"):
        project.upgrade(tmp_path)


def test_a_project_outside_of_git_gets_a_repository_of_its_own(tmp_path):
    commands = []
    project.lay_down(tmp_path, run=lambda command, **_options: commands.append(command))
    assert commands == [["git", "init", "--quiet"], ["dvc", "init", "--quiet"]]


def test_an_upgrade_tells_which_stages_are_repeated_and_for_which_modules(tmp_path):
    texts = project.stages_code(project.PACKAGE)
    for name, text in texts.items():
        files.write_text(tmp_path / f"data/code/{name}.txt", text)
    assert project.repeated(tmp_path) == []
    line = next(line for line in texts["graph"].splitlines() if line.endswith("features/neighbours.py"))
    files.write_text(tmp_path / "data/code/graph.txt", texts["graph"].replace(line, f"0  {line.split()[1]}"))
    assert project.repeated(tmp_path) == ["graph is repeated, for other code in selflabel/features/neighbours.py"]
