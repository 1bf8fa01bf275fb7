import numpy as np
import pytest

from selflabel.labels.questions import AskedQuestions, Questions, Replies

REPLIES = Replies([4, 2, 7], [1, -1, -1], ["answered", "tied", "skipped"], ["ann", "", "bob"], ["", "a 1, b 1", ""])


@pytest.mark.parametrize("table", [Questions([3], ["margin"]), REPLIES, Questions.empty(), AskedQuestions.empty()])
def test_a_table_is_read_as_it_was_written_also_without_rows(tmp_path, table):
    table.write(tmp_path / "t.csv")
    read = type(table).read(tmp_path / "t.csv")
    for name, column in table.columns().items():
        np.testing.assert_array_equal(getattr(read, name), column, strict=True)


def test_a_row_that_waits_has_no_answer_or_two():
    assert REPLIES.is_answered.tolist() == [True, False, False]
    assert REPLIES.is_waiting.tolist() == [False, True, False]


def test_rows_are_taken_by_a_mask_or_by_their_places():
    assert REPLIES.where(REPLIES.row < 5).row.tolist() == REPLIES.where(np.array([0, 1])).row.tolist() == [4, 2]


def test_replies_are_asked_questions_of_a_round_for_one_reason_or_a_reason_each():
    asked = AskedQuestions.empty().with_replies("audit", REPLIES.where(np.array([0])), round_number=3)
    asked = asked.with_replies(np.array(["margin", "random"]), REPLIES.where(np.array([1, 2])), round_number=4)
    assert asked.row.tolist() == [4, 2, 7] and asked.round.tolist() == [3, 4, 4]
    assert asked.strategy.tolist() == ["audit", "margin", "random"] and asked.votes.tolist() == ["", "a 1, b 1", ""]
