"""The README against what there is: figures, commands, folders."""

import json
import re

import numpy as np
import pytest
import yaml
from pipeline import ROOT

from selflabel import files, results

README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


def test_the_results_table_is_what_the_command_prints(tutorials_params):
    report = json.loads((ROOT / "metrics/evaluate.json").read_text())
    assert (
        f"<!-- results: python -m selflabel results -->\n{results.table(report, is_tutorials=True)}\n<!-- end -->"
        in README
    )


def test_the_study_table_is_what_the_command_prints():
    draws = [json.loads(path.read_text()) for path in sorted((ROOT / "metrics/study").glob("*.json"))]
    assert f"<!-- results: python -m selflabel study -->\n{results.study_table(draws)}\n<!-- end -->" in README


def test_the_figures_by_class_are_those_of_the_metrics(tutorials_params):
    from test_figures import PRINTED, per_class

    measured = {name: per_class(name) for name in ("true_labels_leak", "fully_supervised")}
    for name, printed in PRINTED.items():
        cells = (printed[:3], measured["true_labels_leak"][name], printed[3:], measured["fully_supervised"][name])
        row = [" / ".join(f"{figure:.2f}" for figure in cell) for cell in cells]
        (line,) = re.findall(rf"^\| {re.escape(name)} +\|(.*)\|$", README, re.MULTILINE)
        assert [cell.strip() for cell in line.split("|")] == row


def test_the_figures_in_the_text_are_those_of_the_metrics(tutorials_params):
    n_leaked = json.loads((ROOT / "metrics/evaluate.json").read_text())["baselines"]["true_labels_leak"]["human_labels"]
    rounds = files.read_table(ROOT / "metrics/rounds.csv")
    text = " ".join(README.split())
    assert f"The run prints all three: {n_leaked:,} true labels behind a figure" in text
    n_left = rounds["n_remaining"][rounds["round"] == 10][0]
    assert f"it is {60_000 - n_leaked:,} with its leak and {n_left:,} without." in text
    n_wrong = rounds["n_accepted"] * (1 - rounds["accepted_accuracy"])
    assert "seven in ten of the wrong labels come from the last acceptance" in text
    assert round(n_wrong[-1] / np.nansum(n_wrong), 1) == 0.7
    assert "rounds 1 to 6 accept nothing at all" in text
    assert not rounds["n_accepted"][:6].any()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE))))
def test_every_make_command_exists(target):
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("target", re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.MULTILINE))
def test_every_make_command_is_told_of(target):
    # `setup` goes by itself.
    assert target in ("help", "setup") or f"`make {target}" in README


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:metrics|tests|selflabel|stages|rounds|\.github)/[\w./]+)`", README)))
)
def test_every_file_named_exists(path):
    assert (ROOT / path).exists()


def test_every_parameter_named_exists():
    tree = yaml.safe_load((ROOT / "params.yaml").read_text())
    for section, key in re.findall(r"\b((?:self|seed)_label\w*|dataset|features|classifier)\.([a-z_]+)[=`']", README):
        assert key in tree[section]


def test_every_top_level_folder_is_told_of():
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(("_", "."))}
    made_by_runs = {"data", "report", "dvc_plots"}
    assert not [name for name in folders - made_by_runs if f"`{name}/`" not in README]


def test_the_ci_calls_the_readmes_commands():
    text = (ROOT / ".ci/run").read_text()
    assert "make test\n" in text and "make run\n" in text


@pytest.mark.parametrize("path", [".github/workflows/ci.yml", ".github/workflows/clean.yml", ".gitlab-ci.yml"])
def test_the_workflows_are_yaml_and_call_what_exists(path):
    text = (ROOT / path).read_text()
    assert yaml.safe_load(text)
    for target in re.findall(r"\bmake ([a-z-]+)", text.replace("git make jq", "")):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)
