"""Audits that end by themselves."""

from functools import partial

import numpy as np
import pytest
from example_audit import CLASSES, HASHES, PLAN, TRUTH, N, final, in_vain

from selflabel.audit import certificate, sequence, wording
from selflabel.labels import answers

GOAL = PLAN._replace(mode="sequential", goal=0.5, size=300)
FROM_TRUTH = partial(answers.from_truth, truth=TRUTH)


def audit(look_up=FROM_TRUTH, plan=GOAL, of=None):
    return certificate.audit(final() if of is None else of, HASHES, look_up, plan, classes=CLASSES)


def until(n):
    """The first n images that are asked about have an answer, those after them none."""
    asked = audit().sequence.asked

    def look_up(rows):
        replies = FROM_TRUTH(rows)
        replies.status[~np.isin(rows, asked[:n])] = "open"
        return replies

    return look_up


def test_it_ends_with_the_answer_that_is_enough():
    shown = audit()
    n, part = len(shown.path.wealth), shown.certificate.certified
    assert shown.path.is_reached and shown.path.wealth[-1] >= 20 > shown.path.wealth[:-1].max()
    assert len(shown.drawn) == n < 300 and shown.certificate.audit.n_answered == n
    assert part.n == len(shown.certified) == 490 and part.n_audited == n
    # All that is certified are the most confident half, and what was asked about is among them.
    assert shown.certified.tolist() == list(range(N - 490, N)) and np.isin(shown.drawn.row, shown.certified).all()
    assert shown.certificate.error_at_most == (24 + 490) / 980
    assert audit(look_up=until(n)).certificate == shown.certificate


def test_what_is_left_for_people_is_what_the_goals_promise_does_not_cover():
    issued = audit().certificate
    # Of all 1,000 labels 50 may be wrong, 24 of them inside.
    assert issued.rest["asked"] == (0.05, 490 - 26)
    done = audit(plan=GOAL._replace(label_rest=True))
    assert done.certificate.rest_by_people.is_issued and done.certificate.rest_by_people.n_answered == 490 - 26
    assert done.after.labels.is_human.sum() == 20 + 490 - 26


def test_while_answers_are_missing_the_next_ones_are_asked_about_and_nothing_is_certified():
    shown = audit(look_up=until(10))
    assert len(shown.path.wealth) == 10 and not shown.path.is_ended and not len(shown.certified)
    waiting = shown.after.asked.where(shown.after.asked.is_waiting)
    assert waiting.row.tolist() == shown.sequence.asked[10 : 10 + sequence.AHEAD].tolist()
    assert shown.certificate.error_at_most == 1 and shown.certificate.certified.n == 0
    # Nobody is asked about the rest before.
    assert not len(audit(look_up=until(10), plan=GOAL._replace(label_rest=True)).after.questions)


def test_an_answer_after_a_missing_one_waits_for_it():
    asked = audit().sequence.asked

    def look_up(rows):
        replies = FROM_TRUTH(rows)
        replies.status[rows == asked[3]] = "open"
        return replies

    assert len(audit(look_up=look_up).path.wealth) == 3


def test_it_says_early_that_the_goal_cannot_be_reached():
    def all_wrong(rows):
        return answers.from_truth(rows, 1 - TRUTH)

    shown = audit(look_up=all_wrong)
    assert shown.path.is_ended and not shown.path.is_reached and shown.path.n_more is None
    assert "cannot" not in wording.statements(shown.certificate)[1]
    small = audit(plan=GOAL._replace(size=20))
    assert small.path.is_ended and not small.path.is_reached and len(small.drawn) == 20


def test_a_larger_audit_goes_on_where_it_ended():
    small, large = audit(plan=GOAL._replace(size=20)), audit()
    np.testing.assert_array_equal(small.sequence.asked, large.sequence.asked[:20])
    np.testing.assert_array_equal(small.path.wealth, large.path.wealth[:20])


def test_a_skipped_image_counts_as_wrong():
    first = audit().sequence.asked[0]

    def look_up(rows):
        replies = FROM_TRUTH(rows)
        replies.status[rows == first], replies.label[rows == first] = "skipped", -1
        return replies

    shown = audit(look_up=look_up)
    assert shown.path.n_wrong == audit().path.n_wrong + 1 and len(shown.path.wealth) > len(audit().path.wealth)


def test_a_goal_that_nobody_chose_is_within_reach_and_does_not_depend_on_the_answers_wanted():
    chosen = [audit(plan=GOAL._replace(goal=0.0, size=size)).sequence.goal for size in (50, 300)]
    assert chosen[0] == chosen[1] > 0
    assert audit(plan=GOAL._replace(goal=0.0, planned=1)).sequence.goal == 0.05


@pytest.mark.parametrize("change", [{"size": 0}, {}])
def test_without_an_audit_nothing_is_asked(change):
    waiting = final(asked=in_vain(990))
    shown = audit(plan=GOAL._replace(**change), of=waiting if not change else None)
    assert shown.path is None and not len(shown.drawn) and shown.certificate.goal is None


def test_a_certificate_with_a_goal_is_read_from_its_json():
    for look_up in (FROM_TRUTH, until(5)):
        issued = audit(look_up=look_up).certificate
        assert certificate.Certificate.from_json(issued.to_json()) == issued and issued.goal
