"""The state between two rounds: written, read, answered, passed through, ended."""

import numpy as np
import pytest
from examples import SUMMARY
from hypothesis import given, settings
from hypothesis import strategies as st

from selflabel import files
from selflabel.labels import answers, history, state
from selflabel.labels.answers import Decision
from selflabel.labels.questions import Questions, Replies
from selflabel.labels.table import HUMAN, MACHINE, NONE, SEED, Labels

ARRAYS = ("test_labels", "machine_labels", "predicted", "apart")
TABLES = ("questions", "asked")
DECISIONS = {
    2: Decision("answered", 1, "ann;bob", "b 2, a 1"),
    3: Decision("skipped", annotator="7"),
    4: Decision("tied", votes="a 1, b 1"),
}


def seeds():
    return Labels.from_seeds(np.array([0, 1]), np.array([0, 1]), n_rows=7)


def after_one(stop="no", questions=(2, 3, 4, 5)):
    """Row 6 labelled by machine in round 1, which asks about some rows."""
    labels = seeds().with_machine_labels(np.array([6]), np.array([0]), np.array([0.9]), round_number=1)
    return state.State(
        labels=labels,
        history=[SUMMARY._replace(round=1, n_questions=len(questions), stop=stop)],
        test_labels=np.int16([[0, 1, 1]]),
        machine_labels=state.machine_labels(labels)[None],
        predicted=np.int16([0, 1, 1, 0, 1, 0, 0]),
        questions=Questions(questions, ["margin"] * len(questions)),
        asked=state.first(seeds()).asked,
    )


def looked_up(*rows, decisions=DECISIONS):
    return answers.look_up(np.array(rows, int), list(rows), decisions)


def answered():
    return after_one().answered(looked_up(2, 3, 4, 5))


def asked_again():
    """A second round, which asked about the row that the first had labelled."""
    before = answered()
    number = {"round": 2, "n_questions": 1}
    before = before._replace(
        history=[*before.history, before.history[0]._replace(**number)],
        machine_labels=np.vstack([before.machine_labels, state.machine_labels(before.labels)]),
        questions=Questions([6], ["random"]),
    )
    return before.answered(looked_up(6, decisions={6: Decision("answered", 1, 'Nan, "the" ;x')}))


def assert_same(one, other):
    for name in seeds().__dataclass_fields__:
        np.testing.assert_array_equal(getattr(one.labels, name), getattr(other.labels, name), strict=True)
    assert one.history == other.history
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), strict=True)
    for name in TABLES:
        for column, values in getattr(one, name).columns().items():
            np.testing.assert_array_equal(values, getattr(getattr(other, name), column), strict=True)


def test_before_round_1_nothing_was_played_and_nobody_asked():
    first = state.first(seeds())
    assert (first.history, first.has_stopped, first.precision_alarm) == ([], False, False)
    assert (first.n_asked, first.n_open, len(first.picked)) == (0, 0, 0)
    assert (first.test_labels.shape, first.machine_labels.shape) == ((0, 0), (0, 7))
    assert first.predicted.tolist() == [-1] * 7


@pytest.mark.parametrize("make", [lambda: state.first(seeds()), after_one, answered, asked_again])
def test_a_state_is_read_as_it_was_written(tmp_path, make):
    state.write(str(tmp_path / "state"), make())
    assert_same(state.read(str(tmp_path / "state")), make())


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00;"), max_size=5) | st.sampled_from(
    ["7", "007", "1e3", "nan", "true", "2024-01-01", 'Ann, "B"', ""]
)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["answered", "skipped", "tied", "open"]), NAMES, NAMES), max_size=5))
def test_answers_survive_their_file_and_the_state_that_took_them_its_own(tmp_path_factory, given_answers):
    folder = tmp_path_factory.mktemp("state")
    rows = np.arange(2, 2 + len(given_answers))
    decisions = {
        row: Decision(status, 1 if status == "answered" else -1, annotator, votes)
        for row, (status, annotator, votes) in zip(rows.tolist(), given_answers, strict=True)
    }
    before, table = after_one(questions=rows), looked_up(*rows.tolist(), decisions=decisions)
    table.write(folder / "answers.csv")
    after = before.answered(Replies.read(folder / "answers.csv"))
    assert_same(after, before.answered(table))
    assert after.asked.annotator.tolist() == [annotator for _, annotator, _ in given_answers]
    state.write(folder / "state", after)
    assert_same(state.read(folder / "state"), after)


def test_the_questions_of_a_round_are_read_by_themselves_too(tmp_path):
    for before in (after_one(), after_one(questions=())):
        state.write(tmp_path, before)
        questions = Questions.read(tmp_path / "questions.csv")
        assert questions.row.tolist() == before.questions.row.tolist()
        assert questions.strategy.tolist() == before.questions.strategy.tolist()
        assert questions.row.dtype == np.int64


def test_a_state_has_the_same_bytes_every_time(tmp_path):
    for name in ("one", "other"):
        state.write(str(tmp_path / name), answered())
    written = [
        {str(path.relative_to(tmp_path / name)): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in ("one", "other")
    ]
    assert written[0] == written[1]
    assert sorted(written[0]) == [
        "apart.npy", "asked.csv", "history.json", "labels.arrow", "machine_labels/1.npy", "predicted.npy",
        "questions.csv", "test_labels.npy",
    ]  # fmt: skip


def test_more_columns_stand_beside_the_labels_and_do_not_disturb_reading(tmp_path):
    state.write(str(tmp_path), answered(), hash=np.array(list("tuvwxyz")), rule=np.array(["fixed"] * 7))
    columns = files.read_columns(tmp_path / "labels.arrow")
    assert next(iter(columns)) == "row"
    assert list(columns)[-2:] == ["hash", "rule"]
    assert columns["hash"].tolist() == list("tuvwxyz")
    assert_same(state.read(str(tmp_path)), answered())


def test_answered_rows_get_a_persons_label_and_all_questions_move_to_the_asked():
    before, after = after_one(), answered()
    assert after.labels.label.tolist() == [0, 1, 1, -1, -1, -1, 0]
    assert after.labels.origin.tolist() == [SEED, SEED, HUMAN, NONE, NONE, NONE, MACHINE]
    assert after.labels.round.tolist() == [0, 0, 1, -1, -1, -1, 1]
    assert {name: column.tolist() for name, column in after.asked.columns().items()} == {
        "round": [1, 1, 1, 1],
        "row": [2, 3, 4, 5],
        "label": [1, -1, -1, -1],
        "strategy": ["margin"] * 4,
        "status": ["answered", "skipped", "tied", "open"],
        "annotator": ["ann;bob", "7", "", ""],
        "votes": ["b 2, a 1", "", "a 1, b 1", ""],
    }
    assert len(after.questions) == 0
    assert (before.n_asked, before.n_open) == (4, 0)
    # Who skips has answered.
    assert (after.n_asked, after.n_open) == (4, 2)


def test_a_persons_answer_replaces_what_the_machine_said_meanwhile():
    after = after_one(questions=(6,)).answered(looked_up(6, decisions={6: Decision("answered", 1, "ann")}))
    assert (after.labels.label[6], after.labels.origin[6]) == (1, HUMAN)
    assert state.machine_labels(after.labels).tolist() == [-1] * 7
    # What the machine had said after the round is not undone.
    assert after.machine_labels[0, 6] == 0


def test_later_questions_come_after_earlier_ones_with_their_own_round():
    after = asked_again()
    assert after.asked.row.tolist() == [2, 3, 4, 5, 6]
    assert after.asked.round.tolist() == [1, 1, 1, 1, 2]
    assert (after.labels.label[6], after.labels.round[6]) == (1, 2)


def test_without_questions_nothing_changes():
    before = after_one(questions=())
    assert_same(before.answered(looked_up()), before)


OTHERS = "the answers must be to the round's questions, got those to others; `dvc repro` looks them up"


@pytest.mark.parametrize("rows", [(), (2, 3, 4), (2, 3, 4, 5, 6), (3, 2, 4, 5), (2, 3, 4, 6)])
def test_answers_to_other_questions_are_refused(rows):
    with pytest.raises(ValueError, match=OTHERS):
        after_one().answered(looked_up(*rows))


def test_a_question_is_answered_once():
    with pytest.raises(ValueError, match=OTHERS):
        answered().answered(looked_up(2, 3, 4, 5))


@pytest.mark.parametrize(("stop", "has_stopped"), [("no", False), ("pool_empty", True), ("nothing_accepted", True)])
def test_the_rounds_have_stopped_where_the_last_one_says_so(stop, has_stopped):
    assert after_one(stop).has_stopped == has_stopped


@pytest.mark.parametrize("stop", ["no", "iterations", "claimed_precision_off", "pool_empty", *history.CHOSEN_STOPS])
def test_the_alarm_ended_the_rounds_where_the_last_one_says_so_also_once_others_went_by(tmp_path, stop):
    precision_alarm = stop == "claimed_precision_off"
    one = after_one(stop)
    later = one.answered(looked_up(2, 3, 4, 5)).passed_through(2).passed_through(3)
    state.write(str(tmp_path), later)
    for found in (one, later, state.read(str(tmp_path)), one.ended(one)):
        assert found.precision_alarm is precision_alarm


def test_only_what_a_round_asked_about_for_a_reason_was_picked():
    assert answered().picked.tolist() == [2, 3, 4, 5]
    # The question about row 6 was drawn at random.
    assert asked_again().asked.row.tolist() == [2, 3, 4, 5, 6]
    assert asked_again().picked.tolist() == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("before", "last", "word"),
    [
        ("no", "no", "iterations"),
        # Nothing that the last acceptance finds ended them,
        ("no", "pool_empty", "iterations"),
        *(("no", word, "iterations") for word in history.CHOSEN_STOPS),
        ("budget_spent", "no", "budget_spent"),
        ("nothing_accepted", "pool_empty", "nothing_accepted"),
        ("pool_empty", "nothing_accepted", "pool_empty"),
        # but for an alarm.
        ("no", "claimed_precision_off", "claimed_precision_off"),
        ("nothing_accepted", "claimed_precision_off", "claimed_precision_off"),
        ("claimed_precision_off", "claimed_precision_off", "claimed_precision_off"),
    ],
)
def test_the_end_says_why_there_were_no_more_rounds(before, last, word):
    final = after_one(last)
    ended = final.ended(after_one(before))
    assert ended.history == [final.history[0]._replace(stop=word)]
    assert_same(ended._replace(history=final.history), final)


def test_after_no_round_at_all_the_end_is_that_of_the_iterations():
    assert after_one().ended(state.first(seeds())).history[-1].stop == "iterations"
    off = after_one("claimed_precision_off").ended(state.first(seeds()))
    assert off.history[-1].stop == "claimed_precision_off"


def test_a_stopped_state_passes_through_and_only_says_that_a_round_went_by():
    before = answered()
    before = before._replace(history=[before.history[0]._replace(stop="pool_empty")])
    passed = before.passed_through(2)
    assert passed.test_labels.tolist() == [[0, 1, 1], [0, 1, 1]]
    assert passed.machine_labels.tolist() == [[-1, -1, -1, -1, -1, -1, 0]] * 2
    assert passed.history[0] == before.history[0]
    assert (passed.history[1].round, passed.history[1].stop) == (2, "pool_empty")
    assert passed.has_stopped
    same = {"history": before.history, "test_labels": before.test_labels, "machine_labels": before.machine_labels}
    assert_same(passed._replace(**same), before)


def test_a_state_that_passed_through_is_read_as_it_was_written_and_passes_through_again(tmp_path):
    passed = answered().passed_through(2)
    state.write(str(tmp_path), passed)
    assert_same(state.read(str(tmp_path)).passed_through(3), passed.passed_through(3))


def test_a_new_state_leaves_the_old_one_alone():
    before = after_one()
    before.answered(looked_up(2, 3, 4, 5))
    before.passed_through(2)
    before.ended(before)
    assert_same(before, after_one())


def test_what_was_given_two_labels_is_asked_about_before_the_first_round():
    first = state.first(Labels.from_seeds(np.array([0]), np.array([1]), n_rows=4), [1, 3])
    assert first.questions.row.tolist() == [1, 3] and set(first.questions.strategy) == {"conflict"}
    after = first.answered(Replies([1, 3], [0, -1], ["answered", "open"], ["ann", ""], ["", ""]))
    assert after.labels.label.tolist() == [1, 0, -1, -1] and after.n_open == 1
    # They were no draw at random: they teach, and are no evidence.
    assert after.picked.tolist() == [1, 3]
    # Nor were they a round's: they take nothing from the budget, and the desk is free.
    assert first.n_asked == after.n_asked == after.n_on_desk == 0
