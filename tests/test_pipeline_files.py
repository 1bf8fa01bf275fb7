"""The pipeline's files against the code: dependencies, parameters, flags, and the fence around the truth."""

import ast
import re
import shutil
import sys

import numpy as np
import param_trees
import pytest
import yaml
from dvc_files import parameters_read, stages
from projects import ROOT

from selflabel import files
from selflabel.stages import answer

STAGES = stages()
EACH = pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)

# Who tells the labelling stages something of the truth: as much as a person would who was asked.
DOORS = {"seed_labels", "answer"}
MAY_READ_POOL_TRUTH = DOORS | {"audit", "audits", "leak", "random_labels", "baselines", "evaluate"}
MAY_READ_TEST_TRUTH = {"evaluate"}


@EACH
def test_a_stage_depends_on_the_code_it_imports_and_on_no_other(stage):
    assert stage.code == ({f"data/code/{stage.name}.txt"} if stage.name != "code" else set())


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
        optional = {key for name, key in param_trees.WITH if name == section}
        assert section in read or read == {f"{section}.{key}" for key in tree[section].keys() | optional}


@EACH
def test_every_path_in_the_command_is_declared_and_every_declared_path_is_in_the_command(stage):
    paths = {
        value
        for flag, value in stage.flags.items()
        if flag not in ("--round", "--arm", "--redraws") and (stage.name, flag) != ("study_inputs", "--inputs")
    }
    declared = stage.data | stage.outs | stage.plans.keys()
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
def test_a_stage_has_a_file_of_its_own_name(stage):
    assert stage.module == f"selflabel.stages.{stage.name}"


def test_no_stage_file_is_left_over():
    assert {path.stem for path in (ROOT / "selflabel/stages").glob("[!_]*.py")} == {stage.name for stage in STAGES}


@EACH
def test_only_those_who_may_depend_on_the_truth(stage):
    named = {path for path in {*stage.deps, *stage.flags.values()} - stage.outs if path.startswith("data/truth")}
    allowed = set()
    if stage.name in MAY_READ_POOL_TRUTH:
        allowed.add("data/truth/pool.npy")
    if stage.name in MAY_READ_TEST_TRUTH:
        allowed.add("data/truth/test.npy")
    assert named <= allowed


@EACH
def test_who_is_given_the_truth_says_so(stage):
    if any("truth" in flag for flag in stage.flags):
        assert "truth" in stage.desc


def test_a_foreach_item_is_looked_at_as_what_it_stands_for():
    """The fence would be blind to the truth as an item."""
    (baselines,) = [stage for stage in STAGES if stage.name == "baselines"]
    assert {"data/truth/pool.npy", "data/leak/labels.arrow", "data/rounds/0/labels.arrow"} <= baselines.deps


def reaches(out, dep):
    """Whether a path is the other, or inside it; what is written as ${...} may stand for anything."""
    parts = zip(out.split("/"), dep.split("/"), strict=False)
    return all(one == other or "${" in one + other for one, other in parts)


def upstream(name):
    """The stages on whose outputs a stage depends, and those on which they depend, and so on."""
    todo, found = [name], set()
    while todo:
        deps = next(stage.data for stage in STAGES if stage.name == todo[-1])
        todo.pop()
        before = {stage.name for stage in STAGES for out in stage.outs for dep in deps if reaches(out, dep)}
        todo += before - found
        found |= before
    return found


def test_nothing_that_labels_depends_on_the_truth_except_through_the_seed_labels_and_the_answers():
    before = upstream("finish")
    assert before == {
        "check", "download", "embed", "features", "graph", "seed_labels", "self_label", "answer", "student"
    }  # fmt: skip
    told = {stage.name for stage in STAGES for path in {*stage.data, *stage.flags.values()} if "truth" in path}
    assert told & (before | {"finish"}) == DOORS | {"download"}


def test_what_goes_through_the_rounds_numbers_is_seen():
    """The fence would be blind to a round as ${...}."""
    assert {"self_label", "answer", "seed_labels"} <= upstream("self_label")
    assert {"finish", "random_labels", "leak"} <= upstream("baselines")
    assert reaches("data/rounds/${key}", "data/rounds/${item.after}/questions.csv")
    assert reaches("data/answers/${key}.csv", "data/answers/3.csv")
    assert not reaches("data/rounds/${key}", "data/answers/${key}.csv")


def test_the_study_which_reads_all_truth_is_upstream_of_nothing():
    outs = {path for stage in STAGES for path in stage.outs if stage.name in ("study", "study_inputs", "audits")}
    readers = {stage.name for stage in STAGES for dep in stage.data if any(reaches(out, dep) for out in outs)}
    assert readers == {"study"}


def test_the_answers_tell_nothing_of_what_was_not_asked(tmp_path, monkeypatch):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    tree = files.read_yaml(tmp_path / "params.yaml")
    files.write_text(tmp_path / "params.yaml", yaml.safe_dump(tree | {"answers": {"source": "simulated"}}))
    monkeypatch.chdir(tmp_path)
    files.write_table("questions.csv", {"row": [4, 1], "strategy": ["margin", "margin"]})
    truth = np.int16([0, 1, 0, 1, 0, 1])
    written = []
    for name, values in {"as it is": truth, "elsewhere": np.where(np.isin(np.arange(6), [4, 1]), truth, 9)}.items():
        files.write_array(f"{name}.npy", values)
        flags = {"questions": "questions.csv", "truth": f"{name}.npy", "out": f"{name}.csv"}
        monkeypatch.setattr(sys, "argv", ["answer", *(f"--{flag}={path}" for flag, path in flags.items())])
        answer.main()
        written.append(files.read_text(f"{name}.csv"))
    assert written[0] == written[1]
    assert files.read_table("elsewhere.csv")["label"].tolist() == [0, 1]


def test_the_study_declares_what_it_reads_of_its_plan():
    (study,) = [stage for stage in STAGES if stage.name == "study"]
    text = (ROOT / "selflabel/stages/study.py").read_text()
    assert set(re.findall(r'plan\["(\w+)"\]', text)) == {"base", "arms", "seeds"}
    assert study.plans == {"study/arms.yaml": ["base", "seeds", "arms.${key}.run"]}
    assert 'plan["arms"][args.arm]["run"]' in text


def test_no_stage_knows_a_path_of_the_data_but_is_told_it():
    # The tools stand outside the pipeline.
    # The schema tells where things are.
    tools = {
        *(ROOT / "selflabel" / name for name in ("cli.py", "config/schema.py", "config/project.py")),
        *(ROOT / "selflabel/people").glob("*.py"),
    }
    for path in set((ROOT / "selflabel").rglob("*.py")) - tools:
        texts = [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
        assert not [text for text in texts if isinstance(text, str) and text.startswith("data/")], path


def test_the_rounds_table_has_a_row_for_every_round_and_each_goes_on_from_the_one_before():
    table = yaml.safe_load((ROOT / "rounds/table.yaml").read_text())["rounds"]
    assert table == {str(number): {"after": number - 1} for number in range(1, len(table) + 1)}
    n_rounds = yaml.safe_load((ROOT / "params.yaml").read_text())["self_label"]["iterations"]
    assert len(table) >= n_rounds, f"`make rounds N={n_rounds}` extends the table"


def test_every_round_that_is_played_stands_in_the_lock():
    """Rows that never ran make `dvc pull` and `dvc exp apply` fail."""
    lock = yaml.safe_load((ROOT / "rounds/dvc.lock").read_text())["stages"]
    n_rounds = yaml.safe_load((ROOT / "params.yaml").read_text())["self_label"]["iterations"]
    assert lock.keys() >= {f"{name}@{number}" for name in ("self_label", "answer") for number in range(1, n_rounds + 1)}


def test_every_plot_has_a_title_and_names_for_its_axes():
    for plot in yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"]:
        if isinstance(plot, dict):
            (definition,) = plot.values()
            assert {"title", "x_label", "y_label"} <= definition.keys()


def test_no_metric_has_the_name_of_a_parameter_or_of_another_metric():
    """`dvc exp show --csv` puts the file's name before those, and their column is not found."""
    from selflabel.evaluation.pull_request import flatten

    names = [
        name
        for path in ("metrics/evaluate.json", "metrics/certificate.json", "params.yaml")
        for name in flatten(files.read_yaml(ROOT / path))
    ]
    assert len(names) == len(set(names))
