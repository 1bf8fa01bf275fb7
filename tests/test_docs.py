"""The pages against what there is: figures, files, commands, parameters, links."""

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from dvc_files import stages
from examples import TUTORIAL_FIGURES, TUTORIAL_PRINTED
from projects import ROOT

from selflabel import __version__, cli, files
from selflabel.audit import simulate
from selflabel.audit.certificate import Certificate
from selflabel.config import load, schema
from selflabel.evaluation import budget_plot, results

PATHS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/README.md", "images/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
PAGES = {str(path.relative_to(ROOT)): path.read_text() for path in PATHS}
# The changelog also names what there was once.
TEXT = "\n\n".join(text for name, text in PAGES.items() if name != "CHANGELOG.md")
README, CONTRIBUTING, TOOLS = PAGES["README.md"], PAGES["CONTRIBUTING.md"], PAGES["docs/tools.md"]
MAKEFILE = (ROOT / "Makefile").read_text()
EACH_PAGE = pytest.mark.parametrize("page", PAGES)

ARMS = yaml.safe_load((ROOT / "study/arms.yaml").read_text())["arms"]
STUDY = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "study/results").glob("*.json"))}


def block(kind: str) -> tuple[str, str]:
    """The command of a marked block of the pages, and what stands there as its output."""
    (match,) = re.findall(rf"<!-- {kind}: selflabel (.*?) -->\n(.*?)\n<!-- end -->", TEXT, re.DOTALL)
    return match


def anchors(text: str) -> set[str]:
    """The names of a page's headings in links, as GitHub and MkDocs make them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


# Figures.


def test_the_results_table_is_what_the_command_prints():
    report = json.loads((ROOT / "metrics/evaluate.json").read_text())
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    table = results.table(report, is_tutorials=results.is_tutorials(params))
    certificate = Certificate.from_json(json.loads((ROOT / "metrics/certificate.json").read_text()))
    assert block("results") == ("results", f"{table}\n\n{results.certificate_list(certificate, report)}")


def test_the_table_of_audits_is_what_the_command_prints():
    fixed, sequential = (files.read_table(ROOT / f"study/audits{name}.csv") for name in ("", "_sequential"))
    assert block("audits") == ("audits", f"{simulate.table(fixed)}\n\n{simulate.sequences_table(sequential)}")


@pytest.mark.parametrize("kind", ["fresh", "others", "tutorial", "study"])
def test_the_tables_of_the_study_are_what_the_command_prints(kind):
    command, table = block(kind)
    names = command.split()[1:] or ARMS
    assert table == results.study_table({name: arm for name, arm in ARMS.items() if name in names}, STUDY)


def test_every_block_that_a_command_prints_is_compared_here():
    kinds = re.findall(r"<!-- (\w+): selflabel [a-z]", TEXT)
    assert sorted(kinds) == ["audits", "fresh", "others", "results", "study", "tutorial"]


def test_the_drawn_stages_are_the_ones_that_there_are():
    drawn = ElementTree.parse(ROOT / "docs/pictures/stages.svg").getroot().iter("{http://www.w3.org/2000/svg}title")
    named = {tuple(title.text.replace("\\n", "\n").split("->")) for title in drawn if "->" in title.text}
    assert named == runpy.run_path(str(ROOT / "docs/stages.py"))["arrows"](str(ROOT))


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
        (line,) = re.findall(rf"^\| {re.escape(name)} +\|(.*)\|$", TEXT, re.MULTILINE)
        assert [cell.strip() for cell in line.split("|")] == row
    assert f"{n_same} of the thirty figures agree to two digits" in " ".join(TEXT.split())


def test_the_figures_in_the_text_are_those_of_the_study():
    text = " ".join(TEXT.split())
    assert f"has used {STUDY['tutorial_true_labels'][0]['true_labels']:,} true labels" in text


# What is named exists, and what exists is named.


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:^|`)make ([a-z-]+)", TEXT, re.MULTILINE))))
def test_every_make_command_named_exists(target):
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("target", re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.MULTILINE))
def test_every_make_command_is_told_of(target):
    # `setup` goes by itself.
    assert target in ("help", "setup") or f"`make {target}" in TOOLS


def test_every_command_of_selflabel_named_exists_and_each_is_told_of():
    there = {name for group in cli.GROUPS.values() for name in group}
    assert set(re.findall(r"(?:^|`|\()selflabel ([a-z][a-z-]*)", TEXT, re.MULTILINE)) <= there
    assert there - set(re.findall(r"`selflabel ([a-z][a-z-]*)", TOOLS)) == set()


FOLDERS = r"(?:metrics|tests|selflabel|rounds|study|bench|docs|presets|\.ci|\.github)"


@pytest.mark.parametrize("path", sorted(set(re.findall(rf"`({FOLDERS}/[\w./-]*)`", TEXT))))
def test_every_file_named_exists(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("module", sorted(set(re.findall(r"python -m ((?:bench|selflabel)[\w.]*)", TEXT))))
def test_every_module_named_exists(module):
    path = ROOT / module.replace(".", "/")
    assert path.with_suffix(".py").exists() or (path / "__main__.py").exists()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(data/[\w./-]+)`", TEXT))))
def test_everything_of_a_run_that_is_named_is_an_output_of_a_stage(path):
    path = path.rstrip("/")
    outs = [out for stage in stages() for out in stage.outs]
    # data/labelled is a copy that a user makes.
    is_written = any(path == out or path.startswith(f"{out}/") or out.startswith(f"{path}/") for out in outs)
    assert is_written or path == "data/README.md" or path.startswith("data/labelled")


def test_the_page_of_the_data_tells_of_all_that_a_run_writes_there_and_of_nothing_else():
    outs = {out.split("/")[1] for stage in stages() for out in stage.outs if out.startswith("data/")}
    assert set(re.findall(r"^\| `([\w.]+)/?`", PAGES["data/README.md"], re.MULTILINE)) == outs


def test_every_parameter_named_exists():
    def exists(models, keys):
        """Whether one of the models has the first key, and its own model the others."""
        fields = [field for model in models if (field := getattr(model, "model_fields", {}).get(keys[0]))]
        inner = [field.annotation for field in fields]
        # What is no section of its own, such as options, holds what the user puts there.
        return bool(fields) and (len(keys) == 1 or exists(inner, keys[1:]) or inner == [dict[str, object]])

    sections = "|".join(load.SECTIONS)
    named = set(re.findall(rf"(?<![\w./-])({sections})((?:\.[A-Za-z_0-9]+)+)(?![\w/])", TEXT))
    # Files of the same names, and calls.
    endings = ("csv", "yaml", "py", "json", "txt", "md", "png", "parquet", "npz")
    named = {(section, tuple(rest[1:].split("."))) for section, rest in named if not rest.endswith(endings)}
    assert len(named) > 40
    models = {name: load.Params.__annotations__[name] for name in load.SECTIONS}
    models = {name: schema.KINDS[name][1] if name in schema.KINDS else (model,) for name, model in models.items()}
    assert [(section, keys) for section, keys in sorted(named) if not exists(models[section], keys)] == []


def test_no_page_names_a_parameter_by_its_old_name():
    assert [old for old in (*schema.MOVED, *schema.REMOVED) if re.search(rf"\b{re.escape(old)}\b", TEXT)] == []
    told = PAGES["CHANGELOG.md"]
    assert [old for old in (*schema.MOVED, *schema.REMOVED) if f"`{old}`" not in told] == []
    assert [new for new in schema.MOVED.values() if f"`{new}`" not in told] == []


def test_every_top_level_folder_is_in_the_readme():
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(("_", "."))}
    made_by_runs = {"report", "dvc_plots", "site"}
    assert not [name for name in folders - made_by_runs if not re.search(rf"(?<![\w/]){name}/", README)]


def test_the_rooms_of_the_package_are_in_the_readme_and_in_contributing():
    rooms = {path.parent.name for path in (ROOT / "selflabel").glob("*/__init__.py")}
    assert set(re.findall(r"^[├└]── (\w+)/", README, re.MULTILINE)) == rooms
    assert [name for name in rooms if f"`selflabel/{name}/`" not in CONTRIBUTING] == []


def test_contributing_says_for_ten_kinds_of_change_which_files_to_touch():
    rows = re.findall(r"^\| ([^|`]+) \| (.*) \|$", CONTRIBUTING.split("## Which files to touch")[1], re.MULTILINE)
    rows = {kind: text for kind, text in rows if "selflabel/" in text}
    assert list(rows) == [
        "extractor", "asking strategy", "export format", "acceptance rule", "bound", "data set", "column of provenance",
        "plot", "CLI command", "stage",
    ]  # fmt: skip
    for kind, text in rows.items():
        code = "".join((ROOT / path).read_text() for path in re.findall(r"`(selflabel/[\w/]+\.py)`", text))
        # What one of the files defines.
        for name in re.findall(r"`([A-Z_a-z]+)`", text):
            assert re.search(rf"^ *(?:def |class )?{name}\b[ (:=]", code, re.MULTILINE), (kind, name)


def test_the_ci_calls_the_readmes_commands():
    text = (ROOT / ".ci/run").read_text()
    assert "make test\n" in text and "make run\n" in text


@pytest.mark.parametrize("path", [".github/workflows/ci.yml", ".github/workflows/clean.yml", ".gitlab-ci.yml"])
def test_the_workflows_are_yaml_and_call_what_exists(path):
    text = (ROOT / path).read_text()
    assert yaml.safe_load(text)
    for target in re.findall(r"\bmake ([a-z-]+)", text.replace("git make jq", "")):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


# The pages themselves.


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 150
    assert len(README.split()) <= 1_200


@EACH_PAGE
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", PAGES[page])):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        there = Path(os.path.normpath((ROOT / page).parent / path)) if path else ROOT / page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there.read_text()), target


def test_the_pages_are_built_without_a_warning_and_need_no_network_to_be_read(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    built = {path.stem for path in tmp_path.glob("*.html")} - {"404"}
    assert built == {path.stem for path in (ROOT / "docs").glob("*.md")} | {"CONTRIBUTING", "CHANGELOG"}
    # The page of a server's 404 has addresses from the server's root.
    for path in set(tmp_path.glob("*.html")) - {tmp_path / "404.html"}:
        loaded = re.findall(r"<(?:script|img|link)[^>]* (?:src|href)=\"?([^\" >]+)", path.read_text())
        assert len(loaded) > 3
        assert [address for address in loaded if not (tmp_path / address.split("?")[0]).exists()] == []


def test_every_page_is_in_the_navigation():
    text = (ROOT / "mkdocs.yml").read_text()
    assert [path.name for path in (ROOT / "docs").glob("*.md") if f": {path.name}\n" not in text] == []


def test_the_changelog_the_citation_and_the_package_name_the_same_version():
    headings = re.findall(r"^## \[(.*?)\](?: - (\d{4}-\d\d-\d\d))?$", PAGES["CHANGELOG.md"], re.MULTILINE)
    assert headings[0] == ("Unreleased", "")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (citation["version"], str(citation["date-released"])) == headings[1]
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert __version__ == citation["version"]


def test_the_hooks_before_a_commit_fetch_nothing():
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert {repo["repo"] for repo in repos} == {"local"}
    assert {hook["language"] for repo in repos for hook in repo["hooks"]} == {"system"}
