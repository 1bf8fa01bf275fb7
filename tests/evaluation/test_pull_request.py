"""The report of a pull request: what changed, which way, and where there is nothing to compare with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selflabel.evaluation import pull_request
from selflabel.evaluation.pull_request import Change

VALUES = st.none() | st.booleans() | st.integers(-99, 99) | st.floats(-1, 1) | st.text("ab", max_size=2)
FLAT = st.dictionaries(st.sampled_from("abcdef"), VALUES)


def markdown(**given):
    parts = {"params": {}, "metrics": {}, "movers": [], "picture": "curves.png"} | given
    return pull_request.markdown("main", **parts)


def rows(text, heading):
    section = text.split(f"## {heading}\n\n")[1].split("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in section.splitlines()[2:]]


def metric_row(name, old, new):
    (row,) = rows(markdown(metrics={name: Change(old, new)}), "Metrics")
    return row


def test_without_changes_each_section_says_so():
    assert markdown() == (
        "<!-- selflabel report -->\n\n# Self-labelling against `main`\n\n"
        "## Parameters\n\nNo change of parameters.\n\n"
        "## Metrics\n\nNo change of metrics.\n\n"
        "## Classes that moved most (test images)\n\nNo change in any class.\n\n"
        "## Curves over rounds\n\n![curves over rounds](curves.png)\n"
    )


def test_without_anything_in_the_base_each_section_says_so():
    text = markdown(params=None, metrics=None, movers=None)
    assert text.count("\n\nNothing to compare with.\n\n") == 3


def test_notes_stand_at_the_top():
    assert markdown(notes=["One.", "Two."]).startswith(
        "<!-- selflabel report -->\n\n# Self-labelling against `main`\n\nOne.\n\nTwo.\n\n## Param"
    )


def test_a_changed_parameter_is_shown_with_both_values_or_with_a_dash():
    params = {"a.b": Change(10, 5), "a.c": Change(None, "hog"), "a.d": Change(True, None)}
    assert rows(markdown(params=params), "Parameters") == [
        ["a.b", "10", "5"],
        ["a.c", "–", "hog"],
        ["a.d", "True", "–"],
    ]


@pytest.mark.parametrize(("old", "new"), [(0.00001, 0.00002), (0.12341, 0.12342), (1e-9, 2e-9)])
def test_parameters_that_differ_do_not_look_the_same(old, new):
    changes = pull_request.changes({"classifier.C": old}, {"classifier.C": new})
    ((_, one, other),) = rows(markdown(params=changes), "Parameters")
    assert (float(one), float(other)) == (old, new)


@pytest.mark.parametrize("figure", ["accuracy", "macro_f1", "label_accuracy", "coverage"])
def test_more_of_a_quality_is_better(figure):
    assert metric_row(f"test.{figure}", 0.8, 0.85) == [f"test.{figure}", "0.8000", "0.8500", "+0.0500", "▲ better"]
    assert metric_row(f"test.{figure}", 0.85, 0.8) == [f"test.{figure}", "0.8500", "0.8000", "-0.0500", "▼ worse"]


def test_more_labels_to_pay_for_are_worse():
    assert metric_row("human_labels", 600, 1800) == ["human_labels", "600", "1800", "+1,200", "▲ worse"]
    assert metric_row("human_labels", 600, 300)[-2:] == ["-300", "▼ better"]


@pytest.mark.parametrize("name", ["baselines.seed_only.accuracy", "baselines.seed_only.human_labels", "something"])
def test_a_change_of_a_baseline_or_of_something_unknown_is_neither_better_nor_worse(name):
    assert metric_row(name, 0.25, 0.5)[-2:] == ["+0.2500", "▲"]


@pytest.mark.parametrize(("old", "new"), [(None, 0.5), (0.5, None), ("no", 0.5)])
def test_where_one_side_is_no_number_there_is_no_difference(old, new):
    assert metric_row("test.accuracy", old, new)[-2:] == ["", ""]


def test_a_class_that_moved_is_shown_with_its_figure():
    text = markdown(movers=[("Shirt", "recall", 0.5, 0.45), ("Coat", "f1", 0.7, 0.72)])
    assert rows(text, "Classes that moved most (test images)") == [
        ["Shirt", "recall", "0.500", "0.450", "-0.0500", "▼ worse"],
        ["Coat", "f1", "0.700", "0.720", "+0.0200", "▲ better"],
    ]


@given(FLAT)
def test_nothing_differs_from_itself(flat):
    assert pull_request.changes(flat, dict(flat)) == {}


@given(FLAT, FLAT)
def test_changes_are_sorted_and_the_other_way_round_they_are_swapped(old, new):
    found = pull_request.changes(old, new)
    assert list(found) == sorted(found)
    assert pull_request.changes(new, old) == {name: Change(change.new, change.old) for name, change in found.items()}
    for name in old.keys() ^ new.keys():
        assert name in found or (old | new)[name] is None


@pytest.mark.parametrize(
    ("old", "new", "is_change"),
    [(1, 1.0, False), (0.1 + 0.2, 0.3, False), (0.5, 0.500001, True), (1, 2, True), ("a", "b", True), (1, "1", True)],
)
def test_numbers_are_compared_up_to_rounding(old, new, is_change):
    assert bool(pull_request.changes({"a": old}, {"a": new})) == is_change


def per_class(**classes):
    columns = {"class": list(classes)}
    return columns | {
        name: [row[i] for row in classes.values()] for i, name in enumerate(("precision", "recall", "f1"))
    }


def test_the_biggest_movers_are_the_largest_changes_either_way():
    old = per_class(a=(0.5, 0.5, 0.5), b=(0.9, 0.9, 0.9))
    new = per_class(b=(0.9, 0.6, 0.8), a=(0.7, 0.5, 0.55))
    assert pull_request.biggest_movers(old, new) == [
        ("b", "recall", 0.9, 0.6), ("a", "precision", 0.5, 0.7), ("b", "f1", 0.9, 0.8), ("a", "f1", 0.5, 0.55),
    ]  # fmt: skip
    assert pull_request.biggest_movers(old, new, n=1) == [("b", "recall", 0.9, 0.6)]


def test_other_classes_are_not_compared():
    assert pull_request.biggest_movers(per_class(a=(0.5,) * 3), per_class(b=(0.9,) * 3)) is None
    assert pull_request.biggest_movers(per_class(a=(0.5,) * 3), per_class(a=(0.5,) * 3, b=(0.9,) * 3)) is None
    assert pull_request.biggest_movers(per_class(a=(0.5,) * 3), per_class(a=(0.5,) * 3)) == []


def test_without_test_images_on_either_side_nothing_moved():
    tested, own = per_class(a=(0.5,) * 3), {"class": ["a"], "n_machine": [3]}
    for pair in ((tested, own), (own, tested), (own, own)):
        assert pull_request.biggest_movers(*pair) is None


def test_no_more_movers_are_named_than_a_reader_takes_in():
    old = per_class(**dict.fromkeys("abcd", (0.1, 0.2, 0.3)))
    new = per_class(**dict.fromkeys("abcd", (0.2, 0.4, 0.6)))
    assert [row[:2] for row in pull_request.biggest_movers(old, new)] == [
        ("a", "f1"), ("b", "f1"), ("c", "f1"), ("d", "f1"), ("a", "recall"),
    ]  # fmt: skip


def test_a_tree_is_flattened_to_dotted_names():
    assert pull_request.flatten({"a": {"b": {"c": 1}, "d": [2]}, "e": None}) == {"a.b.c": 1, "a.d": [2], "e": None}
    assert pull_request.flatten({}) == {}
