"""Tasks from the queue, answers from a project's JSON export, and what a push changes."""

import numpy as np
import pytest
from example_run import CLASSES, HASHES, final
from hypothesis import given
from hypothesis import strategies as st

from selflabel.labels import answers
from selflabel.labels.classes import Classes
from selflabel.people import label_studio
from selflabel.people.label_studio import Plan, Question

NAMES = Classes(["cat", "dog"])
KNOWN = {"a" * 32, "b" * 32, "c" * 32}
EMAILS = {1: "ann@example.org", 2: "bob@example.org"}


def question(letter, *, suggestion="", strategy="margin", number=1):
    return Question("abc".index(letter), letter * 32, number, strategy, suggestion, 0.75)


def annotation(number=1, *chosen, by=1, when="2026-01-02T03:04:05.600000Z", **more):
    result = [{"type": "choices", "value": {"choices": list(chosen)}}] if chosen else []
    told = {"id": number, "completed_by": by, "updated_at": when, "was_cancelled": False, "ground_truth": False}
    return told | {"result": result} | more


def exported(letter, *annotations, number=1, drafts=(), **data):
    data = {"hash": letter * 32, "strategy": "margin", "round": 1} | data
    return {"id": number, "data": data, "annotations": list(annotations), "drafts": list(drafts)}


def pulled(*tasks):
    return label_studio.answers_of(tasks, EMAILS, known=KNOWN, classes=NAMES)


def test_a_suggestion_is_a_prediction_and_an_audit_has_none():
    told = label_studio.task(question("a", suggestion="cat"), "/data/a.png", model_version="v")
    assert told["data"] == {"image": "/data/a.png", "hash": "a" * 32, "round": 1, "strategy": "margin"}
    (prediction,) = told["predictions"]
    assert (prediction["score"], prediction["model_version"]) == (0.75, "v")
    assert prediction["result"][0]["value"] == {"choices": ["cat"]}
    assert label_studio.task(question("a", strategy="audit"), "", model_version="v")["predictions"] == []


def test_an_answer_has_the_persons_address_its_own_time_and_why_it_was_asked_for():
    (answer,) = pulled(exported("a", annotation(7, "dog", by=2))).answers
    assert answer[:3] == ("a" * 32, "dog", "bob@example.org") and answer.when.microsecond == 600_000
    assert answer[4:] == ("label studio annotation 7", "margin", "label_studio")


def test_a_skip_is_a_skip_though_it_carries_the_machines_choice():
    found = pulled(exported("a", annotation(1, "cat", was_cancelled=True)), exported("b", annotation(2)))
    assert [answer.label for answer in found.answers] == ["skip"]
    assert found.problems == ["task 1, annotation 2 by ann@example.org: must have one class of the run, got 0"]


@pytest.mark.parametrize(
    ("task", "problem"),
    [
        (exported("a", annotation(1, "cat", "dog")), "got 2"),
        (exported("a", annotation(1, "bird")), "got 'bird'"),
        (exported("d", annotation(1, "cat")), None),
        (exported("a", annotation(1, "cat", ground_truth=True)), None),
        (exported("a", drafts=[{"result": []}]), None),
    ],
)
def test_what_is_no_single_known_class_of_an_image_of_ours_is_no_answer(task, problem):
    found = pulled(task)
    assert found.answers == [] and len(found.problems) == (problem is not None)
    assert problem is None or found.problems[0].endswith(problem)
    assert found.n_foreign == (task["data"]["hash"] == "d" * 32)


def test_who_the_server_does_not_name_is_told_by_number():
    (answer,) = pulled(exported("a", annotation(1, "cat", by=9))).answers
    assert answer.annotator == "label studio 9"


def test_open_tasks_are_replaced_by_the_queue_and_others_are_left_alone():
    tasks = [
        exported("a", annotation(1, "cat"), number=1),
        exported("b", number=2),
        exported("c", number=3, drafts=[{}]),
        {"id": 4, "data": {"text": "another's"}, "annotations": [], "drafts": []},
    ]
    wanted = [question("c"), question("b", number=2)]
    assert label_studio.plan(wanted, tasks, known=KNOWN) == Plan([2], [wanted[1]])
    # People differ about what was answered: it is asked anew.
    again = [question("a"), question("b")]
    assert label_studio.plan(again, tasks, known=KNOWN) == Plan([1, 2], again)


TASKS = st.lists(
    st.tuples(st.sampled_from("abc"), st.booleans(), st.booleans()), max_size=6, unique_by=lambda each: each[0]
)


@given(tasks=TASKS, wanted=st.lists(st.sampled_from("abc"), max_size=3, unique=True))
def test_after_a_push_the_open_tasks_are_the_queue_nothing_begun_is_lost_and_a_second_push_does_nothing(tasks, wanted):
    there = [
        exported(letter, *([annotation(1, "cat")] * answered), number=n, drafts=[{}] * drafted)
        for n, (letter, answered, drafted) in enumerate(tasks)
    ]
    asked = [question(letter) for letter in wanted]
    done = label_studio.plan(asked, there, known=KNOWN)
    kept = [task for task in there if task["id"] not in done.delete]
    after = kept + [exported(each.hash[0], number=100 + n) for n, each in enumerate(done.ask)]
    open_ones = [task["data"]["hash"] for task in after if not task["annotations"]]
    assert sorted(set(open_ones) & {each.hash for each in asked}) == sorted(each.hash for each in asked)
    for task in there:
        assert task in kept or not task["drafts"] or task["annotations"]
        assert task in kept or not task["annotations"] or task["data"]["hash"] in {each.hash for each in asked}
    if not any(drafted and answered for _, answered, drafted in tasks):
        assert label_studio.plan(asked, after, known=KNOWN) == Plan([], [])


def test_questions_come_in_the_queues_order_and_of_an_audit_nothing_is_told():
    run = final()
    nobody = answers.look_up(np.array([5]), ["x"], {})
    for strategy, told in (("margin", ("Coat", 0.6875)), ("audit", ("", 0.0)), ("rest", ("Coat", 0.6875))):
        asking = run._replace(asked=run.asked.with_replies(strategy, nobody, round_number=3))
        questions = label_studio.questions(asking, HASHES, CLASSES)
        assert [(each.row, each.strategy) for each in questions] == [(4, "random"), (3, "margin"), (5, strategy)]
        assert [each[4:] for each in questions] == [("", 0.0), ("", 0.0), told]
