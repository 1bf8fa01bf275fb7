"""README and docs against what there is: figures, commands, folders, links."""

import json
import re
import subprocess
import sys

import pytest
import yaml
from examples import TUTORIAL_FIGURES, TUTORIAL_PRINTED
from projects import ROOT

from selflabel import cli, files
from selflabel.audit import simulate
from selflabel.config import load, schema
from selflabel.evaluation import budget_plot, results

README = (ROOT / "README.md").read_text()
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text() for path in (ROOT / "docs").glob("*.md")}
# All that is told, in one text.
TEXT = "\n".join([README, (ROOT / "CONTRIBUTING.md").read_text(), *PAGES.values()])
MAKEFILE = (ROOT / "Makefile").read_text()


ARMS = yaml.safe_load((ROOT / "study/arms.yaml").read_text())["arms"]
STUDY = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "study/results").glob("*.json"))}


def block(kind: str) -> tuple[str, str]:
    """The command of a marked block, and what stands there as its output."""
    (parts,) = re.findall(rf"<!-- {kind}: selflabel (.*?) -->\n(.*?)\n<!-- end -->", TEXT, re.DOTALL)
    return parts


def test_the_results_table_is_what_the_command_prints():
    report = json.loads((ROOT / "metrics/evaluate.json").read_text())
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    table = results.table(report, is_tutorials=results.is_tutorials(params))
    figures = json.loads((ROOT / "metrics/certificate.json").read_text())
    assert block("results") == ("results", f"{table}\n\n{results.certificate(figures, report)}")


def test_the_table_of_audits_is_what_the_command_prints():
    assert block("audits") == ("audits", simulate.table(files.read_table(ROOT / "study/audits.csv")))


@pytest.mark.parametrize("kind", ["fresh", "others", "tutorial", "study"])
def test_the_tables_of_the_study_are_what_the_command_prints(kind):
    command, table = block(kind)
    names = command.split()[1:] or ARMS
    assert table == results.study_table({name: arm for name, arm in ARMS.items() if name in names}, STUDY)


def test_the_picture_of_what_labels_buy_is_what_the_study_draws(tmp_path):
    files.write_picture(tmp_path / "budget.png", budget_plot.picture(ARMS, STUDY))
    assert (tmp_path / "budget.png").read_bytes() == (ROOT / "metrics/budget.png").read_bytes()


def test_every_arm_has_been_played_over_at_least_five_seeds():
    assert STUDY.keys() == ARMS.keys()
    assert all(len({run["seed"] for run in runs}) >= 5 for runs in STUDY.values())


def test_the_figures_by_class_are_those_of_the_study():
    n_same = 0
    for position, (name, printed) in enumerate(TUTORIAL_PRINTED.items()):
        leaked, supervised = (
            [STUDY[arm][0][figure][position] for figure in TUTORIAL_FIGURES]
            for arm in ("tutorial_true_labels", "fully_supervised")
        )
        n_same += sum(round(a, 2) == b for a, b in zip(supervised, printed[3:], strict=True))
        row = [" / ".join(f"{x:.2f}" for x in cell) for cell in (printed[:3], leaked, printed[3:], supervised)]
        page = PAGES["docs/tutorial.md"]
        (line,) = re.findall(rf"^\| {re.escape(name)} +\|(.*)\|$", page, re.MULTILINE)
        assert [cell.strip() for cell in line.split("|")] == row
    assert f"{n_same} of the thirty figures agree to two digits" in " ".join(TEXT.split())


def test_the_figures_in_the_text_are_those_of_the_study():
    text = " ".join(TEXT.split())
    assert f"has used {STUDY['tutorial_true_labels'][0]['true_labels']:,} true labels" in text


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:^|`)make ([a-z-]+)", TEXT, re.MULTILINE))))
def test_every_make_command_exists(target):
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("target", re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.MULTILINE))
def test_every_make_command_is_told_of(target):
    # `setup` goes by itself.
    assert target in ("help", "setup") or f"`make {target}" in TEXT


@pytest.mark.parametrize(
    "path",
    sorted(
        set(re.findall(r"`((?:metrics|tests|selflabel|study|bench|rounds|presets|\.github)/[\w./]*\w\.\w+)`", TEXT))
    ),
)
def test_every_file_named_exists(path):
    assert (ROOT / path).exists()


def test_every_parameter_named_exists():
    # What was renamed or is gone may be named where that is told.
    names = re.findall(r"`([a-z_]+\.[a-zA-Z_]+)(?:[:=][^`]*)?`", TEXT)
    tree = yaml.safe_load((ROOT / "params.yaml").read_text())
    known = {
        f"{section}.{key}"
        for section in tree
        for model in (schema.KINDS[section][1] if section in schema.KINDS else [load.Params.__annotations__[section]])
        for key in model.model_fields
    }
    assert [
        name for name in names if name.split(".")[0] in tree and not name.endswith(".csv") and name not in known
    ] == []


@pytest.mark.parametrize("name", sorted(set(re.findall(r"(?:^|[`(])selflabel ([a-z-]+)", TEXT, re.MULTILINE))))
def test_every_command_named_exists(name):
    assert name in {name for group in cli.GROUPS.values() for name in group}


def test_every_top_level_folder_is_told_of():
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(("_", "."))}
    made_by_runs = {"data", "report", "dvc_plots", "site"}
    assert [name for name in folders - made_by_runs if f"{name}/" not in README] == []


def test_every_room_stands_in_the_readmes_tree():
    rooms = [path.name for path in (ROOT / "selflabel").iterdir() if path.is_dir() and not path.name.startswith("_")]
    assert [name for name in rooms if f"\n  {name}/ " not in README] == []


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 150 and len(README.split()) <= 1_200


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", *PAGES])
def test_every_link_to_a_file_leads_to_one(page):
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (ROOT / page).parent.joinpath(target).exists(), target


def test_the_pages_build_without_a_warning(tmp_path):
    mkdocs = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path / "site"]
    done = subprocess.run(mkdocs, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "site/certificate/index.html").exists() and (tmp_path / "site/metrics/certificate.png").exists()


def test_the_ci_calls_the_readmes_commands():
    text = (ROOT / ".ci/run").read_text()
    assert "make test\n" in text and "make run\n" in text


@pytest.mark.parametrize("path", [".github/workflows/ci.yml", ".github/workflows/clean.yml", ".gitlab-ci.yml"])
def test_the_workflows_are_yaml_and_call_what_exists(path):
    text = (ROOT / path).read_text()
    assert yaml.safe_load(text)
    for target in re.findall(r"\bmake ([a-z-]+)", text.replace("git make jq", "")):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)
