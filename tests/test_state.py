"""The state between two rounds: written, read, gone on from, passed through."""

import numpy as np
import pytest

from selflabel import files, history, state
from selflabel.labels import Labels
from selflabel.rounds import Round

CLASSES = ("a", "b")


def seeds(n_rows=4):
    return Labels.from_seeds(np.array([0, 1]), np.array([0, 1]), n_rows=n_rows)


def played(before, number, rows, probabilities):
    rows = np.array(rows, int)
    labels = before.with_machine_labels(rows, np.zeros(len(rows)), np.full(len(rows), 0.9), round_number=number)
    return Round(labels, history.summarise(labels, number, 0.5, CLASSES), np.float32(probabilities))


def after_two(rows=((2,), (3,))):
    one = played(seeds(), 1, rows[0], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
    two = played(one.labels, 2, rows[1], [[0.1, 0.9], [0.2, 0.8], [0.7, 0.3]])
    return state.first(seeds()).after(one).after(two)


def assert_same(one, other):
    for name in ("label", "origin", "round", "confidence"):
        np.testing.assert_array_equal(getattr(one.labels, name), getattr(other.labels, name), strict=True)
    assert one.history == other.history
    np.testing.assert_array_equal(one.test_labels, other.test_labels, strict=True)


def test_before_round_1_nothing_was_played():
    first = state.first(seeds())
    assert (first.history, len(first.test_labels), first.has_stopped) == ([], 0, False)


def test_each_round_adds_its_summary_and_the_classes_it_gave_to_the_test_images():
    after = after_two()
    assert [summary["round"] for summary in after.history] == [1, 2]
    np.testing.assert_array_equal(after.test_labels, np.int16([[0, 1, 1], [1, 1, 0]]), strict=True)
    np.testing.assert_array_equal(after.labels.round, [0, 0, 1, 2])


@pytest.mark.parametrize("make", [lambda: state.first(seeds()), after_two], ids=["first", "after two rounds"])
def test_a_state_is_read_as_it_was_written(tmp_path, make):
    state.write(str(tmp_path / "state"), make())
    assert_same(state.read(str(tmp_path / "state")), make())


def test_a_state_that_was_read_goes_on_as_the_one_that_was_written(tmp_path):
    one = played(seeds(), 1, [2], [[0.9, 0.1]])
    state.write(str(tmp_path), state.first(seeds()))
    assert_same(state.read(str(tmp_path)).after(one), state.first(seeds()).after(one))


def test_a_state_has_the_same_bytes_every_time(tmp_path):
    for name in ("one", "other"):
        state.write(str(tmp_path / name), after_two())
    written = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "other")]
    assert written[0] == written[1]
    assert sorted(written[0]) == ["history.json", "labels.csv", "test_labels.npy"]


def test_more_columns_stand_beside_the_labels_and_do_not_disturb_reading(tmp_path):
    state.write(str(tmp_path), after_two(), hash=["w", "x", "y", "z"], **{"class": ["a", "b", "a", "a"]})
    columns = files.read_table(tmp_path / "labels.csv")
    assert list(columns) == ["row", "label", "origin", "round", "confidence", "hash", "class"]
    assert columns["hash"].tolist() == ["w", "x", "y", "z"]
    assert_same(state.read(str(tmp_path)), after_two())


def test_the_rounds_have_stopped_when_no_row_is_without_a_label():
    assert after_two().has_stopped
    assert not after_two(rows=((2,), ())).has_stopped


def test_a_stopped_state_passes_through_and_only_says_that_a_round_went_by():
    before = after_two()
    passed = before.passed_through(3)
    np.testing.assert_array_equal(passed.test_labels, np.int16([[0, 1, 1], [1, 1, 0], [1, 1, 0]]), strict=True)
    assert passed.history[:2] == before.history
    assert passed.history[2] == {
        "round": 3,
        "threshold": None,
        "n_accepted": 0,
        "accepted_per_class": {"a": 0, "b": 0},
        "n_remaining": 0,
        "stop": "pool_empty",
    }
    assert_same(passed._replace(history=before.history, test_labels=before.test_labels), before)
    assert passed.has_stopped


def test_a_state_that_passed_through_is_read_as_it_was_written_and_passes_through_again(tmp_path):
    passed = after_two().passed_through(3)
    state.write(str(tmp_path), passed)
    assert_same(state.read(str(tmp_path)).passed_through(4), passed.passed_through(4))


def test_a_new_state_leaves_the_old_one_alone():
    before = after_two()
    before.passed_through(3)
    before.after(played(seeds(), 3, [], [[0.1, 0.9]] * 3))
    assert_same(before, after_two())
