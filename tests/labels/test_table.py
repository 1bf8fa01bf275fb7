"""Labels: what a row of the pool carries, and the table it is written to."""

import dataclasses
from itertools import pairwise, takewhile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selflabel import files
from selflabel.labels import table
from selflabel.labels.table import Labels

NAN = pytest.approx(np.nan, nan_ok=True)
FIELDS = [field.name for field in dataclasses.fields(Labels)]


def seeds():
    return Labels.from_seeds(np.array([1, 3]), np.array([7, 0]), n_rows=5)


def values(given):
    return {name: getattr(given, name).tolist() for name in FIELDS}


def assert_same(one, other):
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), strict=True)


@st.composite
def any_labels(draw):
    """Any labels there could be, whether or not some rounds lead to them."""
    n_rows = draw(st.integers(0, 12))

    def column(values, dtype):
        return np.array(draw(st.lists(values, min_size=n_rows, max_size=n_rows)), dtype)

    origin = column(st.integers(0, 3), np.int8)
    numbers = st.integers(0, 32767)
    whole = {name: column(numbers, np.int16) for name in ("label", "round", "confirmed")}
    sure = {name: column(st.floats(0, 1), np.float64) for name in ("confidence", "raw_confidence")}
    has_none = origin == table.NONE
    return Labels(
        origin=origin,
        flips=column(numbers, np.int16),
        **{name: np.where(has_none, -1, values).astype(np.int16) for name, values in whole.items()},
        **{name: np.where(has_none, np.nan, values) for name, values in sure.items()},
    )


def machine(before, rows, given, *, number, sure=0.5, raw=0.25, revise=False):
    """Labels by machine, all equally sure."""
    rows = np.array(rows, int)
    apply = before.revised if revise else before.with_machine_labels
    return apply(rows, np.array(given, int), np.full(len(rows), sure), np.full(len(rows), raw), round_number=number)


def test_seed_rows_carry_their_classes_and_the_others_none():
    assert values(seeds()) == {
        "label": [-1, 7, -1, 0, -1],
        "origin": [0, 1, 0, 1, 0],
        "round": [-1, 0, -1, 0, -1],
        "confirmed": [-1, 0, -1, 0, -1],
        "confidence": [NAN, 1.0, NAN, 1.0, NAN],
        "raw_confidence": [NAN, 1.0, NAN, 1.0, NAN],
        "flips": [0, 0, 0, 0, 0],
    }
    assert seeds().is_labelled.tolist() == seeds().is_human.tolist() == [False, True, False, True, False]
    assert not seeds().is_machine.any()


def test_machine_labels_are_added_and_everything_else_stays():
    before = seeds()
    after = before.with_machine_labels(
        np.array([4, 0]), np.array([2, 3]), np.array([0.25, 0.5]), np.array([0.125, 0.75]), round_number=6
    )
    assert values(after) == {
        "label": [3, 7, -1, 0, 2],
        "origin": [3, 1, 0, 1, 3],
        "round": [6, 0, -1, 0, 6],
        "confirmed": [6, 0, -1, 0, 6],
        "confidence": [0.5, 1.0, NAN, 1.0, 0.25],
        "raw_confidence": [0.75, 1.0, NAN, 1.0, 0.125],
        "flips": [0, 0, 0, 0, 0],
    }
    assert after.is_machine.tolist() == [True, False, False, False, True]
    assert after.is_human.tolist() == [False, True, False, True, False]
    assert_same(before, seeds())


def test_a_confidence_that_was_not_calibrated_is_the_raw_one():
    after = seeds().with_machine_labels(np.array([0]), np.array([3]), np.array([0.5]), round_number=1)
    assert after.raw_confidence[0] == after.confidence[0] == 0.5


@pytest.mark.parametrize("revise", [False, True])
@pytest.mark.parametrize("row", [1, 3, 2])
def test_a_row_that_a_person_labelled_is_given_no_other_label(row, revise):
    before = seeds().with_human_labels(np.array([2]), np.array([5]), round_number=1)
    with pytest.raises(ValueError, match="a machine label may only go to a row without a label"):
        machine(before, [0, row], [2, 2], number=1, revise=revise)
    with pytest.raises(ValueError, match="a row with a seed or human label may not be labelled again"):
        before.with_human_labels(np.array([0, row]), np.array([2, 2]), round_number=2)


def test_a_machine_label_is_not_overwritten_by_another():
    before = machine(seeds(), [0], [4], number=1)
    with pytest.raises(ValueError, match="a machine label may only go to a row without a label"):
        machine(before, [0], [4], number=2)


def test_an_answer_stands_in_the_round_that_asked_and_replaces_a_machine_label():
    before = machine(seeds(), [0, 4], [4, 2], number=1)
    after = before.with_human_labels(np.array([2, 0]), np.array([6, 5]), round_number=1)
    assert values(after) == {
        "label": [5, 7, 6, 0, 2],
        "origin": [2, 1, 2, 1, 3],
        "round": [1, 0, 1, 0, 1],
        "confirmed": [1, 0, 1, 0, 1],
        "confidence": [1.0, 1.0, 1.0, 1.0, 0.5],
        "raw_confidence": [1.0, 1.0, 1.0, 1.0, 0.25],
        "flips": [0, 0, 0, 0, 0],
    }
    assert after.is_human.tolist() == [True, True, True, True, False]
    assert_same(before, machine(seeds(), [0, 4], [4, 2], number=1))


def test_a_revision_gives_all_machine_labels_anew():
    """Row 0 keeps its class, row 2 gets another, row 4 loses it, row 5 is new; the seeds stay."""
    before = machine(Labels.from_seeds(np.array([1, 3]), np.array([7, 0]), n_rows=6), [0, 2, 4], [4, 5, 6], number=1)
    after = machine(before, [5, 2, 0], [8, 9, 4], number=2, sure=0.75, raw=0.5, revise=True)
    assert values(after) == {
        "label": [4, 7, 9, 0, -1, 8],
        "origin": [3, 1, 3, 1, 0, 3],
        "round": [1, 0, 2, 0, -1, 2],
        "confirmed": [2, 0, 2, 0, -1, 2],
        "confidence": [0.75, 1.0, 0.75, 1.0, NAN, 0.75],
        "raw_confidence": [0.5, 1.0, 0.5, 1.0, NAN, 0.5],
        "flips": [0, 0, 1, 0, 0, 0],
    }


def test_a_label_that_comes_back_after_a_break_is_a_new_one_and_no_flip():
    after = machine(seeds(), [0], [4], number=1)
    for number, (rows, classes) in enumerate([([0], [5]), ([], []), ([0], [4])], start=2):
        after = machine(after, rows, classes, number=number, revise=True)
    assert (after.round[0], after.confirmed[0], after.flips[0]) == (4, 4, 1)


def test_an_answer_keeps_the_count_of_the_flips_before_it():
    flipped = machine(machine(seeds(), [0], [4], number=1), [0], [5], number=2, revise=True)
    assert flipped.with_human_labels(np.array([0]), np.array([4]), round_number=2).flips[0] == 1


ROUNDS = st.lists(st.lists(st.integers(-1, 2), min_size=6, max_size=6), max_size=6)


@given(ROUNDS)
def test_revisions_are_what_following_each_image_through_the_rounds_gives(rounds):
    """Rows 0 to 5 by machine, each round's classes given (−1: none), row 6 a seed."""
    after = Labels.from_seeds(np.array([6]), np.array([1]), n_rows=7)
    for number, classes in enumerate(rounds, start=1):
        rows = [row for row, label in enumerate(classes) if label != -1]
        after = machine(after, rows, [classes[row] for row in rows], number=number, sure=number / 8, revise=True)
    for row in range(6):
        told = [-1, *(classes[row] for classes in rounds)]
        last = told[-1]
        assert after.label[row] == last
        assert after.flips[row] == sum(a != b and -1 not in (a, b) for a, b in pairwise(told))
        if last != -1:
            assert after.confirmed[row] == len(rounds)
            assert after.confidence[row] == len(rounds) / 8
            n_same = len(list(takewhile(lambda label, last=last: label == last, reversed(told))))
            assert after.round[row] == len(rounds) - n_same + 1
    assert (after.label[6], after.origin[6], after.confirmed[6], after.flips[6]) == (1, table.SEED, 0, 0)


@given(any_labels(), st.integers(0, 9))
def test_a_revision_without_labels_leaves_only_those_of_people(before, number):
    after = machine(before, [], [], number=number, revise=True)
    assert after.is_labelled.tolist() == before.is_human.tolist()
    for name in FIELDS:
        column, old = getattr(after, name), getattr(before, name)
        np.testing.assert_array_equal(column[before.is_human], old[before.is_human])
        assert column.dtype == old.dtype
    np.testing.assert_array_equal(after.flips, before.flips)


def test_labels_are_not_assigned_to():
    with pytest.raises(dataclasses.FrozenInstanceError):
        seeds().label = np.zeros(5)


@given(any_labels())
def test_labels_survive_their_columns(given):
    assert_same(table.from_columns(table.to_columns(given), source="t"), given)


@settings(max_examples=40)
@given(any_labels())
def test_labels_survive_their_file(tmp_path_factory, given):
    path = tmp_path_factory.mktemp("labels") / "labels.arrow"
    table.write(path, given)
    assert_same(table.read(path), given)


def test_columns_that_others_added_are_left_alone():
    columns = {"hash": np.array(["x"] * 5)} | table.to_columns(seeds())
    assert_same(table.from_columns(columns, source="t"), seeds())


@pytest.mark.parametrize("name", ["row", *FIELDS])
def test_a_missing_column_is_named(name):
    columns = table.to_columns(seeds())
    del columns[name]
    with pytest.raises(ValueError) as error:
        table.from_columns(columns, source="t.csv")
    assert str(error.value) == f"t.csv must have a column {name}, got {', '.join(columns)}"


@pytest.mark.parametrize("rows", [[0, 1, 2, 3, 5], [1, 0, 2, 3, 4], [1, 2, 3, 4, 5], [0, 1, 1, 3, 4]])
def test_rows_that_do_not_count_are_refused(rows):
    with pytest.raises(ValueError, match=r"^t\.csv: column row must count 0, 1, 2, … without gaps$"):
        table.from_columns(table.to_columns(seeds()) | {"row": np.array(rows)}, source="t.csv")


def test_an_unknown_origin_is_named():
    columns = table.to_columns(seeds()) | {"origin": np.array(["none", "seed", "oracle", "seed", "none"])}
    with pytest.raises(ValueError, match=r"^t\.csv: origin must be one of none, seed, human, machine, got 'oracle'$"):
        table.from_columns(columns, source="t.csv")


@pytest.mark.parametrize(("column", "value"), [("origin", "machine"), ("label", 2)])
def test_a_label_without_an_origin_and_an_origin_without_a_label_are_refused(column, value):
    columns = table.to_columns(seeds())
    columns[column] = columns[column].astype(object)
    columns[column][0] = value
    with pytest.raises(ValueError, match="a row must have a label exactly if its origin is not none"):
        table.from_columns(columns, source="t.csv")


@pytest.mark.parametrize("number", [np.nan, 65537, 32768, 0.5, -2])
@pytest.mark.parametrize("name", ["label", "round"])
def test_what_is_no_number_of_a_class_or_round_is_refused_and_not_bent_into_one(tmp_path, name, number):
    path, columns = tmp_path / "labels.arrow", table.to_columns(seeds())
    columns[name] = np.where(np.arange(5) == 1, number, columns[name].astype(np.float64))
    files.write_columns(path, columns)
    with pytest.raises(ValueError) as error:
        table.read(path)
    assert str(error.value) == f"{path}: {name} must be a whole number from -1 to 32767, got {number:g} in row 1"


@pytest.mark.parametrize("name", ["label", "round", "confirmed", "flips"])
def test_each_column_of_whole_numbers_is_checked(name):
    columns = table.to_columns(seeds()) | {name: np.array([0, 0, 0.5, 0, 0])}
    with pytest.raises(ValueError, match=rf"^t: {name} must be a whole number from -1 to 32767, got 0\.5 in row 2$"):
        table.from_columns(columns, source="t")


def test_the_table_reads_as_words_and_numbers(tmp_path):
    given = machine(seeds().with_human_labels(np.array([2]), np.array([5]), round_number=3), [0], [4], number=3)
    table.write(tmp_path / "labels.arrow", given, more=np.array(list("tuvwx")))
    columns = files.read_columns(tmp_path / "labels.arrow")
    assert {name: column.tolist() for name, column in columns.items()} == {
        "row": [0, 1, 2, 3, 4],
        "label": [4, 7, 5, 0, -1],
        "origin": ["machine", "seed", "human", "seed", "none"],
        "round": [3, 0, 3, 0, -1],
        "confirmed": [3, 0, 3, 0, -1],
        "confidence": [0.5, 1, 1, 1, NAN],
        "raw_confidence": [0.25, 1, 1, 1, NAN],
        "flips": [0, 0, 0, 0, 0],
        "more": list("tuvwx"),
    }
