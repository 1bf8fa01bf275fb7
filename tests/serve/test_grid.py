"""The grid: which labels may be confirmed many at once, what is written, and what must never be shown there."""

import time

import pytest
from small_session import CLASSES, answer_all, given, opened

from selflabel.serve import grid
from selflabel.serve.session import Browser, Refused

ROUNDS = (
    ("self_label.iterations", 2), ("ask.per_round", 4), ("ask.budget", 8), ("audit.size", 20), ("audit.planned", 20),
    ("training.folds", 3), ("graph.neighbours", 0),
)  # fmt: skip
TRUTH = CLASSES * 200


def rows_of(shown):
    return [cell["row"] for cell in shown["cells"]]


def test_what_the_machine_labelled_is_confirmed_and_corrected_at_once_and_teaches(tmp_path):
    session, ann = opened(tmp_path, *ROUNDS, n=120), Browser("ann")
    shown = session.grid(ann, "confirmed", "Shirt")
    rows = rows_of(shown)
    assert len(rows) == grid.N_SHOWN and not set(rows) & {task["row"] for task in session.state(ann)["tasks"]}
    labels = session.rounds.states[-1].labels
    assert (labels.is_machine[rows] & (labels.label[rows] == CLASSES.index("Shirt"))).all()
    assert (labels.confidence[rows[:-1]] <= labels.confidence[rows[1:]]).all()
    budget = session.state(ann)["progress"]["budget"]
    answers = dict.fromkeys(rows, "Shirt") | {rows[0]: "Coat", rows[1]: "skip"}
    assert session.confirm(ann, "confirmed", answers) == 0
    session.wait()
    assert [(row["label"], row["strategy"], row["way"]) for row in given(tmp_path)] == [
        (label, "confirmed", "grid") for label in answers.values()
    ]
    after = session.rounds.states[-1]
    assert after.labels.is_human[rows].sum() == len(rows) - 1 and not after.labels.is_human[rows[1]]
    assert after.labels.label[rows[0]] == CLASSES.index("Coat")
    # Nobody asked, so that it costs nothing of the budget.
    assert session.state(ann)["progress"]["budget"] == budget
    assert not set(rows) & set(rows_of(session.grid(ann, "confirmed", "Shirt")))


def test_the_same_grid_once_more_writes_what_is_another_now_and_nothing_twice(tmp_path):
    session, ann = opened(tmp_path, *ROUNDS, n=120), Browser("ann")
    rows = rows_of(session.grid(ann, "confirmed", "Coat"))
    for label, n in (("Coat", len(rows)), ("Coat", len(rows)), ("Shirt", len(rows) + 1)):
        assert session.confirm(ann, "confirmed", dict.fromkeys(rows, "Coat") | {rows[3]: label}) == 0
        assert len(given(tmp_path)) == n
    session.wait()
    assert session.rounds.states[-1].labels.label[rows[3]] == CLASSES.index("Shirt")


def test_no_image_of_an_audit_is_shown_and_none_that_the_machine_labelled_while_there_is_one(tmp_path):
    session, ann, bob = opened(tmp_path, *ROUNDS, n=120), Browser("ann"), Browser("bob")
    seen_before = rows_of(session.grid(bob, "confirmed", "Coat"))
    answer_all(session, ann, TRUTH, phase="questions")
    shown = session.grid(ann, "confirmed", "Coat")
    assert shown["is_audited"] and all(group["strategy"] == "again" for group in shown["groups"])
    audited = session.rounds.audit.drawn.row.tolist()
    assert not set(audited) & set(rows_of(shown))
    # What was on a screen when the audit was drawn is not taken any more.
    assert session.confirm(bob, "confirmed", dict.fromkeys(seen_before, "Coat")) == len(seen_before)
    assert session.confirm(ann, "rest", dict.fromkeys(audited, "Coat")) == len(audited)
    assert not {row["way"] for row in given(tmp_path)} & {"grid"}
    answer_all(session, ann, TRUTH, phase="audit")
    assert not session.grid(ann, "", "")["cells"] or session.grid(ann, "", "")["strategy"] == "again"


def test_what_an_audit_left_is_confirmed_and_changes_no_machine_label(tmp_path):
    session, ann = opened(tmp_path, *ROUNDS, ("audit.label_rest", True), n=240, apart=1.2), Browser("ann")
    answer_all(session, ann, TRUTH, phase="questions")
    # The audit comes first: then it is known what is left.
    n_left = session.grid(ann, "rest", "Coat")["groups"]
    assert not [group for group in n_left if group["strategy"] == "rest"]
    while (task := session.state(ann)["tasks"][0])["kind"] == "audit":
        session.answer(ann, task["row"], TRUTH[task["row"]])
        session.wait()
    taught, n_confirmed = session.rounds.final, 0
    while (shown := session.grid(ann, "", ""))["strategy"] == "rest" and shown["cells"]:
        labels = {row: TRUTH[row] for row in rows_of(shown)}
        assert session.confirm(ann, "rest", labels) == 0
        n_confirmed += len(labels)
        session.wait()
    assert n_confirmed > grid.N_SHOWN and session.rounds.final is taught
    assert session.state(ann)["phase"] == "done"
    answers = [row for row in given(tmp_path) if row["way"] == "grid"]
    assert len({row["hash"] for row in answers}) == n_confirmed == len(answers)
    assert {row["strategy"] for row in answers} == {"rest"}


def test_suspects_are_looked_at_once_more_and_an_answer_that_says_the_same_counts_as_a_look(tmp_path):
    session, ann = opened(tmp_path, *ROUNDS, n=120, wrong=(2, 5)), Browser("ann")
    told = session.grid(ann, "again", "")
    shown = {cell["row"]: cell["label"] for cell in told["cells"]}
    assert (told["strategy"], told["label"]) == ("again", "") and shown[2] == "Shirt" and shown[5] == "Coat"
    assert session.confirm(ann, "again", {row: TRUTH[row] for row in shown}) == 0
    session.wait()
    labels = session.rounds.states[-1].labels
    assert labels.label[2] == CLASSES.index("Coat") and labels.label[5] == CLASSES.index("Shirt")
    assert {row["strategy"] for row in given(tmp_path)} == {"again"} and len(given(tmp_path)) == len(shown)
    left = session.grid(ann, "again", "Coat")["groups"]
    assert not [group for group in left if group["strategy"] == "again"]


def test_two_browsers_get_other_images_and_the_first_answer_stands(tmp_path, monkeypatch):
    session, ann, bob = opened(tmp_path, *ROUNDS, n=120), Browser("ann"), Browser("bob")
    of_ann, of_bob = (rows_of(session.grid(browser, "confirmed", "Coat")) for browser in (ann, bob))
    assert of_ann and not set(of_ann) & set(of_bob)
    later = time.monotonic() + 601
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert rows_of(session.grid(bob, "confirmed", "Coat")) == of_ann
    session.confirm(bob, "confirmed", {of_ann[0]: "Coat"})
    assert session.confirm(ann, "confirmed", dict.fromkeys(of_ann, "Coat")) == 1
    session.wait()
    by = {row["hash"]: row["annotator"] for row in given(tmp_path)}
    assert by[f"{of_ann[0]:032x}"] == "bob" and len(by) == len(given(tmp_path)) == len(of_ann)


def test_copies_of_an_image_are_shown_once(tmp_path):
    session, ann = opened(tmp_path, *ROUNDS, n=60, n_twins=20), Browser("ann")
    rows = [row for label in CLASSES for row in rows_of(session.grid(ann, "confirmed", label))]
    assert rows and not [row for row in rows if row >= 40]


def test_a_row_that_was_not_shown_and_a_class_that_is_none_are_refused_with_the_whole_grid(tmp_path):
    session, ann = opened(tmp_path, *ROUNDS, n=120), Browser("ann")
    first, second, *_ = rows_of(session.grid(ann, "confirmed", "Coat"))
    with pytest.raises(Refused, match="the label must be one of the classes or skip, got 'Hat'"):
        session.confirm(ann, "confirmed", {first: "Coat", second: "Hat"})
    with pytest.raises(Refused, match="the row must be one from 0 to 119, got 120"):
        session.confirm(ann, "confirmed", {first: "Coat", 120: "Coat"})
    assert session.confirm(ann, "confirmed", {0: "Coat"}) == 1
    assert session.confirm(Browser("ann"), "confirmed", {first: "Coat"}) == 1
    assert given(tmp_path) == []
