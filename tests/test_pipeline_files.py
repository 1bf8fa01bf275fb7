"""The pipeline's files against the code: dependencies, parameters, flags, and the fence around the truth."""

import ast
import re

import pytest
import yaml
from pipeline import ROOT, SCHEMA, UNTRACKED, imported_files, parameters_read, stages

STAGES = stages()
EACH = pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)

MAY_READ_POOL_TRUTH = {"seed_labels", "leak", "baselines", "evaluate", "study"}
MAY_READ_TEST_TRUTH = {"evaluate", "study"}


@EACH
def test_a_stage_depends_on_the_code_it_imports_and_on_no_other(stage):
    # The schema is what `check` is about.
    untracked = UNTRACKED - SCHEMA if stage.name == "check" else UNTRACKED
    assert stage.code == imported_files(stage.module, untracked=untracked)


@EACH
def test_a_stage_declares_the_parameters_it_reads_and_no_others(stage):
    read = parameters_read(stage.module)
    # A whole section is declared where all its keys are read.
    declared = {name for name in read if name in stage.params or name.split(".")[0] in stage.params}
    assert read == declared
    assert stage.params <= read | {name.split(".")[0] for name in read}


@EACH
def test_a_whole_section_is_declared_only_by_who_reads_all_of_it(stage):
    tree = yaml.safe_load((ROOT / "params.yaml").read_text())
    for section in stage.params - {name for name in stage.params if "." in name}:
        read = {name for name in parameters_read(stage.module) if name.split(".")[0] == section}
        assert read == {f"{section}.{key}" for key in tree[section]}


@EACH
def test_every_path_in_the_command_is_declared_and_every_declared_path_is_in_the_command(stage):
    paths = {value for flag, value in stage.flags.items() if flag not in ("--round", "--seed")}
    declared = stage.data | stage.outs
    if "${item}" in paths:
        # Stands for the items' paths, a command each.
        paths = paths - {"${item}"} | {path for path in stage.data if not stage.flags_name(path)}
    # A flag may name the folder of several declared files, or one folder that holds the declared file.
    assert all(any(other == path or other.startswith(f"{path}/") for other in declared) for path in paths)
    assert all(any(path == other or path.startswith(f"{other}/") for other in paths) for path in declared)


@EACH
def test_a_stage_says_what_it_does(stage):
    assert len(stage.desc) > 20


@EACH
def test_a_stage_has_a_file_of_its_own_name_of_at_most_60_lines(stage):
    assert stage.module == f"stages.{stage.name}"
    assert len((ROOT / f"stages/{stage.name}.py").read_text().splitlines()) <= 60


def test_no_stage_file_is_left_over():
    assert {path.stem for path in (ROOT / "stages").glob("[!_]*.py")} == {stage.name for stage in STAGES}


@EACH
def test_only_those_who_may_depend_on_the_truth(stage):
    named = {path for path in {*stage.deps, *stage.flags.values()} - stage.outs if path.startswith("data/truth")}
    allowed = set()
    if stage.name in MAY_READ_POOL_TRUTH:
        allowed.add("data/truth/pool.npy")
    if stage.name in MAY_READ_TEST_TRUTH:
        allowed.add("data/truth/test.npy")
    assert named <= allowed


def test_a_foreach_item_is_looked_at_as_what_it_stands_for():
    """The fence would be blind to the truth as an item."""
    (baselines,) = [stage for stage in STAGES if stage.name == "baselines"]
    assert {"data/truth/pool.npy", "data/leak/labels.csv", "data/rounds/0/labels.csv"} <= baselines.deps


def test_nothing_that_labels_comes_after_a_reader_of_the_truth_except_the_seed_labels():
    readers = MAY_READ_POOL_TRUTH - {"seed_labels"}
    told = {out for stage in STAGES if stage.name in readers for out in stage.outs}
    for stage in STAGES:
        if stage.name in ("features", "self_label", "finish"):
            assert not {path for path in stage.data for out in told if path.startswith(out)}


def test_no_code_but_the_download_names_a_path_of_the_data():
    for path in [*(ROOT / "selflabel").glob("*.py"), *(ROOT / "stages").glob("*.py")]:
        texts = [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
        assert not [text for text in texts if isinstance(text, str) and text.startswith("data/")], path


def test_the_untracked_package_file_is_a_docstring_and_nothing_else():
    assert "selflabel/__init__.py" in UNTRACKED
    (only,) = ast.parse((ROOT / "selflabel/__init__.py").read_text()).body
    assert isinstance(only, ast.Expr)


def test_the_rounds_table_has_a_row_for_every_round_and_each_goes_on_from_the_one_before():
    table = yaml.safe_load((ROOT / "rounds/table.yaml").read_text())["rounds"]
    assert table == {str(number): {"after": number - 1} for number in range(1, len(table) + 1)}
    n_rounds = yaml.safe_load((ROOT / "params.yaml").read_text())["self_label"]["iterations"]
    assert len(table) >= n_rounds, f"`make rounds N={n_rounds}` extends the table"


def test_every_round_that_is_played_stands_in_the_lock():
    """Rows that never ran make `dvc pull` and `dvc exp apply` fail."""
    lock = yaml.safe_load((ROOT / "rounds/dvc.lock").read_text())["stages"]
    n_rounds = yaml.safe_load((ROOT / "params.yaml").read_text())["self_label"]["iterations"]
    assert lock.keys() >= {f"self_label@{number}" for number in range(1, n_rounds + 1)}


def test_every_plot_has_a_title_and_names_for_its_axes():
    for plot in yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"]:
        if isinstance(plot, dict):
            (definition,) = plot.values()
            assert {"title", "x_label", "y_label"} <= definition.keys()


def test_every_parameter_says_its_range_on_its_line():
    for line in (ROOT / "params.yaml").read_text().splitlines():
        if re.match(r" +\w+: \S", line):
            assert re.search(r"\S +# .{10}", line), line


def test_the_modules_are_short():
    for path in (ROOT / "selflabel").glob("*.py"):
        text = path.read_text()
        assert len(text.splitlines()) <= 200, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 60, (path, node.name)
