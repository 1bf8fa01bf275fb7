"""The page, where an audit asks about some images twice: who is offered them, and who has to wait for whom."""

import pytest
from small_session import CLASSES, opened

from selflabel.audit.certificate import Agreement
from selflabel.serve.session import Browser, Refused, Task


@pytest.fixture
def session(tmp_path):
    # Ten images are audited, the first three of them twice.
    return opened(
        tmp_path,
        ("self_label.iterations", 0),
        ("ask.strategy", "none"),
        ("audit.size", 10),
        ("audit.planned", 10),
        ("audit.repeat", 0.3),
    )


def answer_all(session, browser, n=100):
    """Answer the task that stands first, until none is left or ``n`` are answered; return the rows."""
    rows = []
    while len(rows) < n and (tasks := session.state(browser)["tasks"]):
        session.answer(browser, tasks[0]["row"], CLASSES[tasks[0]["row"] % 2])
        rows.append(tasks[0]["row"])
    return rows


def test_one_person_alone_comes_to_an_end_and_is_told_who_is_waited_for(session):
    ann = Browser("ann")
    assert session.state(ann)["progress"]["audit"] == [0, 13]
    rows = answer_all(session, ann)
    told = session.state(ann)
    assert len(set(rows)) == len(rows) == 10
    assert (told["phase"], told["tasks"], told["progress"]["audit"]) == ("done", [], [10, 13])
    assert told["message"].startswith("3 images of the audit wait for a second person")


def test_the_images_of_two_people_are_offered_to_another_person_and_not_to_the_same_one_again(session):
    ann, anns_phone, bob = Browser("ann"), Browser("ann"), Browser("bob")
    rows = answer_all(session, ann)
    told = session.state(bob)
    assert (told["phase"], told["message"]) == ("audit", "")
    # The first ones of the audit, and nobody tells what ann said.
    assert [task["row"] for task in told["tasks"]] == rows[:3]
    assert not any("label" in task for task in told["tasks"])
    assert session.state(anns_phone)["tasks"] == []
    with pytest.raises(Refused):
        session.answer(anns_phone, rows[0], CLASSES[1 - rows[0] % 2])


def test_once_the_second_person_has_answered_the_certificate_is_there_whether_they_agree_or_not(session):
    ann, bob = Browser("ann"), Browser("bob")
    rows = answer_all(session, ann)
    session.answer(bob, rows[0], CLASSES[1 - rows[0] % 2])
    # Nothing is played between their answers.
    assert session.state(bob)["phase"] == "audit"
    assert answer_all(session, bob) == rows[1:3]
    session.wait()
    issued = session.rounds.audit.certificate
    assert issued.agreement == Agreement(n_both=3, n_alike=2, n_waiting=0)
    assert (issued.audit.n_missing, issued.audit.n_skipped) == (0, 1)
    for browser in (ann, bob, Browser("cat")):
        told = session.state(browser)
        assert (told["phase"], told["message"], told["progress"]["audit"]) == ("done", "", [13, 13])


def test_what_is_taken_back_is_asked_again_of_who_took_it_back(session):
    ann = Browser("ann")
    rows = answer_all(session, ann)
    session.undo(ann)
    told = session.state(ann)
    assert (told["phase"], [task["row"] for task in told["tasks"]]) == ("audit", rows[-1:])


@pytest.mark.parametrize(("strategy", "kind"), [("again", "again"), ("audit", "audit"), ("margin", "question")])
def test_a_task_says_of_which_kind_it_is(strategy, kind):
    assert Task(0, "h", strategy).kind == kind
