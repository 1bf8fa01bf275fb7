"""Labels: what a row of the pool carries, and the table it is written to."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selflabel import files, labels
from selflabel.labels import Labels

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
    n_rows = draw(st.integers(0, 12))
    owners = np.array(draw(st.lists(st.integers(0, 3), min_size=n_rows, max_size=n_rows)), int)
    given = np.array(draw(st.lists(st.integers(0, 9), min_size=n_rows, max_size=n_rows)), int)
    sure = np.array(draw(st.lists(st.floats(0, 1), min_size=n_rows, max_size=n_rows)))
    result = Labels.from_seeds(np.flatnonzero(owners == 1), given[owners == 1], n_rows=n_rows)
    for owner in (2, 3):
        rows = np.flatnonzero(owners == owner)
        result = result.with_machine_labels(rows, given[rows], sure[rows], round_number=owner)
    return result


def test_seed_rows_carry_their_classes_and_the_others_none():
    nan = pytest.approx(np.nan, nan_ok=True)
    assert values(seeds()) == {
        "label": [-1, 7, -1, 0, -1],
        "origin": [0, 1, 0, 1, 0],
        "round": [-1, 0, -1, 0, -1],
        "confidence": [nan, 1.0, nan, 1.0, nan],
    }
    assert seeds().is_labelled.tolist() == [False, True, False, True, False]
    assert not seeds().is_machine.any()


def test_machine_labels_are_added_and_everything_else_stays():
    before = seeds()
    after = before.with_machine_labels(np.array([4, 0]), np.array([2, 3]), np.array([0.25, 0.5]), round_number=6)
    nan = pytest.approx(np.nan, nan_ok=True)
    assert values(after) == {
        "label": [3, 7, -1, 0, 2],
        "origin": [2, 1, 0, 1, 2],
        "round": [6, 0, -1, 0, 6],
        "confidence": [0.5, 1.0, nan, 1.0, 0.25],
    }
    assert after.is_machine.tolist() == [True, False, False, False, True]
    assert_same(before, seeds())


@pytest.mark.parametrize("row", [1, 3])
def test_a_row_that_has_a_label_is_given_no_other(row):
    with pytest.raises(ValueError, match="a machine label may only go to a row without a label"):
        seeds().with_machine_labels(np.array([0, row]), np.array([2, 2]), np.ones(2), round_number=1)


def test_labels_are_not_assigned_to():
    with pytest.raises(dataclasses.FrozenInstanceError):
        seeds().label = np.zeros(5)


@settings(deadline=None)
@given(any_labels())
def test_labels_survive_their_columns(given):
    assert_same(labels.from_columns(labels.to_columns(given), source="t"), given)


@settings(deadline=None, max_examples=40)
@given(any_labels())
def test_labels_survive_their_file(tmp_path_factory, given):
    path = tmp_path_factory.mktemp("labels") / "labels.csv"
    files.write_table(path, labels.to_columns(given))
    assert_same(labels.read(path), given)


def test_columns_that_others_added_are_left_alone():
    columns = {"hash": np.array(["x"] * 5)} | labels.to_columns(seeds())
    assert_same(labels.from_columns(columns, source="t"), seeds())


@pytest.mark.parametrize("name", ["row", "label", "origin", "round", "confidence"])
def test_a_missing_column_is_named(name):
    columns = labels.to_columns(seeds())
    del columns[name]
    with pytest.raises(ValueError) as error:
        labels.from_columns(columns, source="t.csv")
    assert str(error.value) == f"t.csv must have a column {name}, got {', '.join(columns)}"


@pytest.mark.parametrize("rows", [[0, 1, 2, 3, 5], [1, 0, 2, 3, 4], [1, 2, 3, 4, 5], [0, 1, 1, 3, 4]])
def test_rows_that_do_not_count_are_refused(rows):
    with pytest.raises(ValueError, match=r"^t\.csv: column row must count 0, 1, 2, … without gaps$"):
        labels.from_columns(labels.to_columns(seeds()) | {"row": np.array(rows)}, source="t.csv")


def test_an_unknown_origin_is_named():
    columns = labels.to_columns(seeds()) | {"origin": np.array(["none", "seed", "oracle", "seed", "none"])}
    with pytest.raises(ValueError, match=r"^t\.csv: origin must be one of none, seed, machine, got 'oracle'$"):
        labels.from_columns(columns, source="t.csv")


@pytest.mark.parametrize(("column", "value"), [("origin", "machine"), ("label", 2)])
def test_a_label_without_an_origin_and_an_origin_without_a_label_are_refused(column, value):
    columns = labels.to_columns(seeds())
    columns[column] = columns[column].astype(object)
    columns[column][0] = value
    with pytest.raises(ValueError, match="a row must have a label exactly if its origin is not none"):
        labels.from_columns(columns, source="t.csv")


def write_with(path, old, new):
    files.write_table(path, labels.to_columns(seeds()))
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


@pytest.mark.parametrize("label", ["", "65537", "0.5"])
def test_a_label_that_is_no_class_number_is_refused_and_not_bent_into_one(tmp_path, label):
    path = write_with(tmp_path / "labels.csv", '1,7,"seed"', f'1,{label},"seed"')
    with pytest.raises(ValueError, match=r"labels\.csv"):
        labels.read(path)
