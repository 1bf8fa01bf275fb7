"""Pictures: each can be drawn, whatever the tables hold or do not hold; a warning would be an error."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex

from selflabel import files
from selflabel.evaluation import plots
from selflabel.models import reliability
from selflabel.stages.evaluate import BASELINES

NAN = float("nan")
IMAGES = np.random.default_rng(0).integers(0, 256, (6, 4, 4), np.uint8)
ORIGIN = np.array([1, 3, 2, 3, 3, 3], np.int8)
MISTAKES = {
    "round": [1, 1, 3],
    "row": [4, 5, 1],
    "confidence": [0.9, 0.8, 0.7],
    "label": ["a", "b", "a"],
    "truth": ["b", "a", "b"],
}
ROUNDS = {"round": [1, 2], "test_accuracy": [0.5, 0.6], "label_accuracy": [NAN, 0.9], "coverage": [0.1, 0.4]}
NO_LABELS = ROUNDS | {"label_accuracy": [NAN, NAN]}
CLAIMED = ROUNDS | {"claimed_precision": [NAN, 0.95], "shown_precision": [NAN, NAN]}
SHOWN = ROUNDS | {"claimed_precision": [0.9, 0.95], "shown_precision": [0.8, 0.7]}
ONE_ROUND = {"round": [1], "test_accuracy": [0.5], "label_accuracy": [NAN], "coverage": [1.0]}


def written(path, columns):
    """The columns as the stage that draws finds them."""
    files.write_table(path / "table.csv", columns)
    return files.read_table(path / "table.csv")


def save(path, figure):
    files.write_picture(path / "picture.png", figure)
    assert (path / "picture.png").read_bytes().startswith(b"\x89PNG")


def texts(axes):
    return [text.get_text() for text in axes.texts]


def shown(figure):
    """The images in a grid, row by row, without the cells that are empty."""
    rows = {}
    for image in figure.axes[0].images:
        left, _, _, top = image.get_extent()
        rows.setdefault(top, []).append((left, image.get_array()))
    for row in rows.values():
        assert row == sorted(row, key=lambda cell: cell[0])
    return [[image for _, image in rows[top]] for top in sorted(rows)]


@pytest.mark.parametrize("rows", [[[0, 1], [2, 3, 4]], [[], [5]], [[], []], [[0]]])
def test_samples_are_the_rows_of_each_class(tmp_path, rows):
    figure = plots.samples(IMAGES, [np.array(row, int) for row in rows], ORIGIN, classes=["a", "b"][: len(rows)])
    save(tmp_path, figure)
    found = [image for row in shown(figure) for image in row]
    np.testing.assert_array_equal(np.reshape(found, (-1, 4, 4)), IMAGES[[row for of_class in rows for row in of_class]])
    assert [len(row) for row in shown(figure)] == [len(of_class) for of_class in rows if of_class]


def test_each_sample_has_the_colour_of_its_labels_origin():
    figure = plots.samples(IMAGES, [np.array([0, 1]), np.array([2])], ORIGIN, classes=["a", "b"])
    colours = [to_hex(frame.get_edgecolor()) for frame in figure.axes[0].patches]
    assert colours == [plots.BLUE, plots.ORANGE, plots.GREEN]


def test_mistakes_are_a_row_for_each_round_that_has_some(tmp_path):
    figure = plots.mistakes(IMAGES, written(tmp_path, MISTAKES))
    save(tmp_path, figure)
    assert [len(row) for row in shown(figure)] == [2, 1]
    np.testing.assert_array_equal(shown(figure)[0][1], IMAGES[5])
    assert texts(figure.axes[0]) == ["round 1", "a\n(b) 0.90", "b\n(a) 0.80", "round 3", "a\n(b) 0.70"]


def test_no_mistakes_at_all_are_an_empty_picture(tmp_path):
    empty = {name: np.array(column)[:0] for name, column in MISTAKES.items()}
    for table in (empty, written(tmp_path, empty)):
        figure = plots.mistakes(IMAGES, table)
        save(tmp_path, figure)
        assert shown(figure) == []


@pytest.mark.parametrize(("rows", "in_rows"), [([], []), ([3, 1], [2]), ([0] * 10, [10]), ([2] * 13, [10, 2])])
def test_a_queue_shows_its_first_questions_ten_in_a_row(tmp_path, monkeypatch, rows, in_rows):
    monkeypatch.setattr(plots, "QUEUE_SHOWN", 12)
    figure = plots.queue(IMAGES, np.array(rows, int), [f"{row:032x}" for row in rows])
    save(tmp_path, figure)
    assert [len(row) for row in shown(figure)] == in_rows
    for row, image in zip(rows, [image for images in shown(figure) for image in images], strict=False):
        np.testing.assert_array_equal(image, IMAGES[row])
    waiting = f"Waiting for an answer: {len(rows)} images" if rows else "No image waits for an answer"
    assert figure.get_suptitle() == waiting


def test_a_question_has_its_number_in_the_queue_and_how_its_hash_begins():
    figure = plots.queue(IMAGES, np.array([4, 2]), ["0123456789abcdef" * 2, "fedcba9876543210" * 2])
    assert texts(figure.axes[0]) == ["", "1\n01234567", "2\nfedcba98"]


LINES = {
    "machine labels that are right": "label_accuracy",
    "pool that has a label": "coverage",
    "claimed of what is accepted": "claimed_precision",
    "shown for it by human labels": "shown_precision",
}


def lines(axes):
    return {line.get_label(): np.asarray(line.get_ydata(), float) for line in axes.lines}


@pytest.mark.parametrize("rounds", [ROUNDS, NO_LABELS, ONE_ROUND, CLAIMED, SHOWN])
@pytest.mark.parametrize("is_written", [False, True])
def test_curves_show_the_columns_and_the_references(tmp_path, rounds, is_written):
    table = written(tmp_path, rounds) if is_written else rounds
    figure = plots.curves(table, {"alone": 0.8, "all": 0.9})
    save(tmp_path, figure)
    left, right = (lines(axes) for axes in figure.axes)
    np.testing.assert_array_equal(left["self-labelled"], rounds["test_accuracy"])
    # A column of which nothing is known has no line.
    known = {label: rounds[column] for label, column in LINES.items() if np.isfinite(rounds.get(column, NAN)).any()}
    assert list(right) == list(known)
    for label, column in known.items():
        np.testing.assert_array_equal(right[label], column)
    assert set(left["alone 0.800"]) == {0.8}
    assert set(left["all 0.900"]) == {0.9}


@pytest.mark.parametrize("old", [None, ROUNDS, NO_LABELS, ONE_ROUND, SHOWN])
def test_curves_against_a_base_show_both_or_what_there_is(tmp_path, old):
    figure = plots.curves_against(old, SHOWN)
    save(tmp_path, figure)
    left, right = (set(lines(axes)) for axes in figure.axes)
    assert left == {"self-labelled, now"} | ({"self-labelled, base"} if old else set())
    assert {name for name in right if name.endswith(", now")} == {f"{label}, now" for label in LINES}
    assert ("claimed of what is accepted, base" in right) == (old is SHOWN)


def test_no_baseline_is_left_out_for_want_of_a_style():
    figure = plots.curves(ROUNDS, dict.fromkeys(BASELINES, 0.5))
    assert {f"{name} 0.500" for name in BASELINES} < lines(figure.axes[0]).keys()


@pytest.mark.parametrize(
    ("matrix", "numbers"), [([[3, 1], [0, 20]], ["3", "1", "20"]), ([[0, 0], [0, 0]], []), ([[7]], ["7"])]
)
def test_a_confusion_matrix_writes_every_count_but_zero(tmp_path, matrix, numbers):
    figure = plots.confusion(np.array(matrix), classes=["a", "b"][: len(matrix)])
    save(tmp_path, figure)
    assert texts(figure.axes[0]) == numbers


def test_a_confusion_matrix_is_shaded_by_the_share_of_its_row():
    figure = plots.confusion(np.array([[3, 1], [0, 0]]), classes=["a", "b"])
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), [[0.75, 0.25], [0, 0]])


def reliability_table(**parts):
    found = {
        name: reliability.reliability(np.array(values), np.array(values) > 0.5, n_bins=4)
        for name, values in parts.items()
    }
    columns = {
        column: np.concatenate([part[column] for part in found.values()]) for column in ("count", "mean_confidence")
    }
    columns["share_right"] = np.concatenate([part["share_right"] for part in found.values()])
    return {"of": np.array([name for name, part in found.items() for _ in part["count"]], str)} | columns


@pytest.mark.parametrize(
    ("parts", "titles"),
    [
        ({"machine": [0.3, 0.6, 0.9], "test": [0.7]}, ["Reliability: machine (3)", "Reliability: test (1)"]),
        ({"machine": [], "test": [0.7, 0.1]}, ["Reliability: test (2)"]),
        ({"machine": [], "test": []}, [""]),
    ],
    ids=["both", "no machine labels", "nothing"],
)
@pytest.mark.parametrize("is_written", [False, True])
def test_reliability_has_a_diagram_for_each_kind_that_has_labels(tmp_path, parts, titles, is_written):
    table = reliability_table(**parts)
    figure = plots.reliability(written(tmp_path, table) if is_written else table)
    save(tmp_path, figure)
    assert [axes.get_title() for axes in figure.axes] == titles


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30), st.integers(1, 8), st.integers(0, 99))
def test_chosen_rows_are_wanted_and_distinct_and_as_many_as_there_are(flags, n, seed):
    is_wanted, is_machine = np.array(flags, bool).reshape(-1, 2).T
    rows = plots.choose(is_wanted, is_machine, n=n, generator=np.random.default_rng(seed))
    assert len(set(rows.tolist())) == len(rows) <= n
    assert is_wanted[rows].all()
    n_given = int(np.sum(~is_machine[rows]))
    n_machine_wanted = int(np.sum(is_wanted & is_machine))
    assert len(rows) == min(n, np.sum(is_wanted))
    assert n_given <= max(n // 2, n - n_machine_wanted)
    # Given labels first.
    assert not is_machine[rows[:n_given]].any()


def test_the_same_generator_chooses_the_same_rows():
    flags = np.ones(30, bool), np.arange(30) % 2 == 0
    chosen = [plots.choose(*flags, n=6, generator=np.random.default_rng(seed)).tolist() for seed in (1, 1, 2)]
    assert chosen[0] == chosen[1] != chosen[2]


def test_a_name_with_dollar_signs_is_no_formula(tmp_path):
    save(tmp_path, plots.confusion(np.eye(2, dtype=int), classes=["$5_$10$", "b"]))
