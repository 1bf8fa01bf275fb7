"""Experiments: the table made of what DVC prints."""

import csv
import io

import pytest

from selflabel.evaluation import experiments

HEADER = ["Experiment", "rev", "typ", "Created", "parent", "State", "Executor"]
PARAMETERS = {"self_label.iterations", "classifier.C", "dataset.name"}
FIGURES = {
    "test.accuracy": "0.84", "human_labels": "600", "pool.label_accuracy": "0.8", "pool.coverage": "0.5",
    "certified.coverage": "0.6", "whole.error_at_most": "0.15", "baselines.seed_only.accuracy": "0.83",
}  # fmt: skip


def table(*rows, parameters=PARAMETERS):
    names = [*HEADER, *FIGURES, *sorted({name for row in rows for name in row} - {*HEADER, *FIGURES})]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in experiments.table(text.getvalue(), parameters).splitlines()
    ]


def row(name="", rev="workspace", **values):
    return {"Experiment": name, "rev": rev} | FIGURES | values


def test_an_experiment_is_a_line_with_its_figures():
    header, _, line = table(row())
    assert header == [
        "experiment", "human labels", "test accuracy", "machine labels right", "coverage", "certified", "error at most",
        "seed labels alone", "state",
    ]  # fmt: skip
    assert line == ["workspace", "600", "0.84", "0.8", "0.5", "0.6", "0.15", "0.83", "done"]


def test_the_best_test_accuracy_comes_first_and_what_has_none_last():
    lines = table(
        row("low", **{"test.accuracy": "0.7"}),
        row("none", State="Queued", **dict.fromkeys(FIGURES, "")),
        row("high", **{"test.accuracy": "0.9"}),
        row("zero", **{"test.accuracy": "0.0"}),
    )[2:]
    assert [line[0] for line in lines] == ["high", "low", "zero", "none"]
    assert lines[-1][1:] == ["–"] * 7 + ["queued"]


def test_figures_that_dvc_could_not_read_are_shown_as_such_and_come_last():
    # DVC prints an exclamation mark where a revision lacks a metrics file.
    lines = table(row("broken", **dict.fromkeys(FIGURES, "!")), row("whole"))[2:]
    assert [line[0] for line in lines] == ["whole", "broken"]
    assert not any(character.isdigit() for cell in lines[1][1:] for character in cell)


def test_a_parameter_is_a_column_where_it_differs_and_only_there():
    values = {"dataset.name": "digits", "classifier.C": "1.0", "other.file": "x"}
    header, _, *lines = table(
        row("a", **values, **{"self_label.iterations": "3"}), row("b", **values, **{"self_label.iterations": "10"})
    )
    assert header[:3] == ["experiment", "self_label.iterations", "human labels"]
    assert [line[1] for line in lines] == ["3", "10"]


def test_what_differs_but_is_no_parameter_is_no_column():
    header = table(row("a", **{"data/final": "abc"}), row("b", **{"data/final": "def"}))[0]
    assert header[1] == "human labels"


def test_1_and_1_0_are_the_same_value():
    header = table(row("a", **{"classifier.C": "1"}), row("b", **{"classifier.C": "1.0"}))[0]
    assert "classifier.C" not in header


def shown(text):
    _, _, *lines = table(row("a", **{"classifier.C": text}), row("b", **{"classifier.C": "other"}))
    return lines[0][1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.8407", "0.8407"), ("0.84", "0.84"), ("1.0", "1"), ("60000", "60,000"), ("0", "0"), ("-0.05", "-0.05"),
        ("hog", "hog"), ("", "–"),
    ],
)  # fmt: skip
def test_a_value_is_shown_without_needless_digits(text, expected):
    assert shown(text) == expected


@pytest.mark.parametrize("text", ["0.999983", "0.00001", "-0.00001", "1.00001", "123.45678"])
def test_a_value_is_never_shortened_to_another_one_or_to_half_a_number(text):
    assert not shown(text).endswith(".")
    assert float(shown(text)) == pytest.approx(float(text), rel=1e-3)


def test_small_values_that_differ_are_shown_apart():
    header, _, *lines = table(row("a", **{"classifier.C": "0.00001"}), row("b", **{"classifier.C": "0.00002"}))
    assert header[1] == "classifier.C"
    assert [float(line[1]) for line in lines] == [0.00001, 0.00002]


@pytest.mark.parametrize("state", ["Queued", "Running", "Failed"])
def test_a_state_that_is_not_done_is_said_in_small_letters(state):
    assert table(row("a", State=state))[2][-1] == state.lower()


@pytest.mark.parametrize("state", ["", "Success"])
def test_a_commit_and_a_success_are_done(state):
    assert table(row("a", State=state))[2][-1] == "done"


def test_without_experiments_the_table_is_a_header():
    assert len(experiments.table("", PARAMETERS).splitlines()) == 2


def test_metrics_that_no_row_has_have_no_column():
    header, _, line = experiments.table("Experiment,rev,typ,State\n,workspace,baseline,\n", PARAMETERS).splitlines()
    assert header.replace(" ", "") == "|experiment|state|" and line.replace(" ", "") == "|workspace|done|"


def test_an_unfinished_experiment_shows_no_figures_though_dvc_does():
    text = (
        "Experiment,rev,State,test.accuracy,classifier.C\n"
        ",workspace,,0.8,1\nslow-one,abc,Running,0.9,2\ndone-one,def,Success,0.7,3\n"
    )
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in experiments.table(text, {"classifier.C"}).splitlines()[2:]
    ]
    assert [(line[0], line[2], line[-1]) for line in lines] == [
        ("workspace", "0.8", "done"), ("done-one", "0.7", "done"), ("slow-one", "–", "running"),
    ]  # fmt: skip


def looks(*rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, sorted({name for row in rows for name in row}), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return experiments.looks(text.getvalue())


def audited(error, n_looks="1", seed="0", **values):
    return row(
        **{"whole.error_at_most": error, "audit.n_answered": "500", "audit.looks": n_looks, "audit.seed": seed} | values
    )


def test_certificates_that_share_answers_are_warned_about_unless_they_share_the_risk():
    assert looks(audited("0.1"), audited("0.2"), audited("0.3")).startswith("3 runs share audit answers")
    assert looks(audited("0.1", "3"), audited("0.2", "3"), audited("0.3", "3")) is None
    # The one that took the whole risk has spent it.
    assert looks(audited("0.1", "1"), audited("0.2", "2")).startswith("2 runs")


def test_one_run_and_runs_that_share_no_answer_are_not_warned_about():
    assert looks(audited("0.1"), audited("0.1")) is None
    assert looks(audited("0.1"), audited("0.2", seed="1")) is None
    assert looks(audited("0.1"), audited("0.2", **{"dataset.name": "digits"})) is None
    assert looks(audited("0.1"), row(State="Queued"), audited("0.2", **{"audit.n_answered": "0"})) is None
