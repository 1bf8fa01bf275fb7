"""A session of labelling on a small project whose truth is known."""

import time
from datetime import UTC, datetime

import numpy as np
import pytest
from in_process import JUDGES, InProcess
from small_session import answer_all, given, opened_in

from selflabel import files
from selflabel.audit import sequence
from selflabel.labels import state
from selflabel.labels.classes import SKIP
from selflabel.people.answer_file import AnswerFile
from selflabel.serve.project import NeedsStudent, Project
from selflabel.serve.session import Browser, Refused, Session

pytestmark = pytest.mark.xdist_group("serve")
BUDGET, PER_ROUND, AUDITED = 18, 6, 10
ROUNDS = [f"{name}@{number}" for number in (1, 2, 3) for name in ("self_label", "answer")]


@pytest.fixture(scope="module")
def _labelled_by_people(_in_process: InProcess, tmp_path_factory) -> InProcess:
    """The project in which people are asked, its rounds not played yet."""
    project = _in_process.copy(tmp_path_factory.mktemp("serve") / "project")
    project.set(
        answers={"source": "people"},
        self_label={"keep": "revise", "iterations": 3},
        training={"train_on": "human_labels", "confidence": "sigmoid", "folds": 5},
        ask={"strategy": "margin", "per_round": PER_ROUND, "budget": BUDGET},
        audit={"size": AUDITED, "planned": AUDITED},
    )
    project.play("seed_labels")
    return project


@pytest.fixture
def project(_labelled_by_people: InProcess, tmp_path, monkeypatch) -> InProcess:
    project = _labelled_by_people.copy(tmp_path / "project")
    monkeypatch.chdir(project.folder)
    return project


def opened(project: InProcess, **options) -> Session:
    return opened_in(project.folder, **options)


def truth_of(project: InProcess) -> list[str]:
    return [str(label) for label in np.load(project.folder / "data/truth/pool.npy").tolist()]


def test_rounds_and_audit_are_asked_in_turn_and_each_answer_is_in_the_file_once(project):
    session, browser, truth = opened(project), Browser("ann"), truth_of(project)
    asked = answer_all(session, browser, truth)
    assert len(set(asked)) == len(asked) == BUDGET
    shown = session.state(browser)
    assert (shown["phase"], shown["progress"]["audit"]) == ("audit", [0, AUDITED])
    assert {task["kind"] for task in shown["tasks"]} == {"audit"}
    audited = answer_all(session, browser, truth, phase="audit")
    assert len(set(audited)) == AUDITED and not set(asked) & set(audited)
    assert session.state(browser)["phase"] == "done" and session.state(browser)["tasks"] == []
    rows = given(project.folder)
    assert len({row["hash"] for row in rows}) == len(rows) == BUDGET + AUDITED
    assert {row["strategy"] for row in rows} == {"margin", "audit"} and {row["way"] for row in rows} == {"page"}


def test_what_the_server_holds_is_what_the_stages_write(project):
    """After each round of answers: questions, labels and rounds, byte for byte; and at the end the certificate."""
    session, browser, truth = opened(project), Browser("ann"), truth_of(project)
    for n_answered in range(0, BUDGET, PER_ROUND):
        project.play("seed_labels", *ROUNDS)
        for number, held in enumerate(session.rounds.states):
            state.write(project.folder / "held", held)
            written = project.folder / f"data/rounds/{number}"
            for path in written.rglob("*.*"):
                same = project.folder / "held" / path.relative_to(written)
                assert same.read_bytes() == path.read_bytes(), (n_answered, path)
        assert len(session.rounds.states[-1].questions) == PER_ROUND
        for _ in range(PER_ROUND):
            row = session.state(browser)["tasks"][0]["row"]
            session.answer(browser, row, truth[row])
        session.wait()
    answer_all(session, browser, truth, phase="audit")
    project.play("seed_labels", *ROUNDS, "finish", "audit")
    held = session.rounds.audit.certificate.to_json()
    written = files.read_json(project.folder / "metrics/certificate.json")
    assert held["audit"] == written["audit"] and held["certified"]["n"] == written["certified"]["n"]
    assert round(held["whole"]["error_at_most"], 6) == written["whole"]["error_at_most"]


def test_a_sequential_audit_ends_with_the_answer_that_is_enough(project):
    project.set(audit={"mode": "sequential", "goal": 0.3, "error": 0.2, "size": 200})
    session, browser, truth = opened(project), Browser("ann"), truth_of(project)
    answer_all(session, browser, truth)
    assert session.state(browser)["progress"]["audit"] == [0, 200]
    audited = answer_all(session, browser, truth, phase="audit")
    assert session.state(browser)["phase"] == "done"
    goal = session.rounds.audit.certificate.goal
    # Not at the end of what was asked about at once.
    assert goal.is_reached and goal.n_answered == len(audited) and len(audited) % sequence.AHEAD
    project.play("seed_labels", *ROUNDS, "finish", "audit")
    written = files.read_json(project.folder / "metrics/certificate.json")
    assert written["goal"]["n_answered"] == len(audited) and written["certified"]["n"] == goal.n_machine
    path = files.read_table(project.folder / "data/audit/path.csv")
    assert len(path["evidence"]) == len(audited) and path["evidence"][-1] >= goal.wanted


def test_no_class_is_named_where_all_labels_are_known(project):
    session = opened(project)
    assert session.state(Browser("ann"))["may_name_classes"] is False
    with pytest.raises(Refused, match="where not all labels are known, got a data set whose labels are"):
        session.name_class("boot")


def test_of_an_audited_image_nothing_is_told_but_which_it_is(project):
    session, browser, truth = opened(project), Browser("ann"), truth_of(project)
    answer_all(session, browser, truth)
    for task in session.state(browser)["tasks"]:
        row = task["row"]
        assert task == {"row": row, "kind": "audit", "image": f"/image/{row}", "original": f"/image/{row}?size=full"}


def test_an_answer_that_was_taken_back_is_asked_again_and_the_last_word_counts(project):
    session, browser = opened(project), Browser("ann")
    first, second, *_ = [task["row"] for task in session.state(browser)["tasks"]]
    session.answer(browser, first, "0")
    session.answer(browser, second, "1")
    for row, label in ((second, "1"), (first, "0")):
        session.undo(browser)
        task = session.state(browser)["tasks"][0]
        assert (task["row"], task["label"]) == (row, label)
    with pytest.raises(Refused, match="no answer of this browser"):
        session.undo(browser)
    session.answer(browser, first, "2")
    session.answer(browser, second, "3")
    session_hashes = Project.read(project.folder).index.hash
    latest = {row["hash"]: row["label"] for row in given(project.folder)}
    assert [str(latest[session_hashes[row]]) for row in (first, second)] == ["2", "3"] and len(
        given(project.folder)
    ) == 4


def test_an_earlier_round_answered_otherwise_is_played_again(project):
    session, browser, truth = opened(project), Browser("ann"), truth_of(project)
    rows = [session.state(browser)["tasks"][0]["row"]]
    session.answer(browser, rows[0], truth[rows[0]])
    while len(rows) < PER_ROUND:
        rows.append(session.state(browser)["tasks"][0]["row"])
        session.answer(browser, rows[-1], truth[rows[-1]])
    session.wait()
    assert session.state(browser)["progress"]["budget"] == [PER_ROUND, BUDGET]
    session.undo(browser)
    session.answer(browser, rows[-1], SKIP)
    session.wait()
    project.play("seed_labels", *ROUNDS)
    state.write(project.folder / "held", session.rounds.states[-1])
    assert (project.folder / "held/questions.csv").read_bytes() == (
        project.folder / "data/rounds/1/questions.csv"
    ).read_bytes()


def test_the_same_answer_once_more_is_said_already_and_anothers_image_is_refused(project):
    session, one, other, truth = opened(project), Browser("ann"), Browser("bob"), truth_of(project)
    row = session.state(one)["tasks"][0]["row"]
    session.answer(one, row, truth[row])
    session.answer(one, row, truth[row])
    assert len(given(project.folder)) == 1
    with pytest.raises(Refused, match="waits for no answer any more"):
        session.answer(other, row, truth[row])
    with pytest.raises(Refused, match="must be one of the classes or skip, got 'Coat'"):
        session.answer(one, row, "Coat")
    for outside in (-1, 10**9):
        with pytest.raises(Refused, match="the row must be one from 0 to"):
            session.answer(one, outside, truth[row])


def test_two_browsers_get_other_images_until_one_leaves_for_a_minute(project, monkeypatch):
    session, one, other = opened(project), Browser("ann"), Browser("bob")
    of_one = {task["row"] for task in session.state(one)["tasks"]}
    assert len(of_one) == PER_ROUND and session.state(other)["tasks"] == []
    later = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert {task["row"] for task in session.state(other)["tasks"]} == of_one


def test_what_the_command_line_appends_is_seen_and_ends_the_round(project):
    session, browser, truth = opened(project), Browser("ann"), truth_of(project)
    n_asked = session.rounds.states[-1].n_asked
    project.play(without=JUDGES)
    queue = files.read_table(project.folder / "data/queue/queue.csv")
    queue["label"] = np.array([truth[row] for row in queue["row"]], object)
    files.write_table(project.folder / "filled.csv", queue)
    project.tool("answer", "filled.csv", "--annotator", "bob")
    session.state(browser)
    session.wait()
    assert session.rounds.states[-1].n_asked == n_asked + PER_ROUND


def test_a_note_keeps_its_words_on_one_line_and_runs_in_no_spreadsheet(project):
    session, browser = opened(project, now=lambda: datetime(2026, 1, 2, tzinfo=UTC)), Browser("ann")
    row = session.state(browser)["tasks"][0]["row"]
    session.answer(browser, row, "3", note='=1+1, "so"\n  it goes')
    line = (project.folder / "answers.csv").read_text().splitlines()[1]
    assert line.endswith(""",3,ann,2026-01-02T00:00:00+00:00,"'=1+1, ""so"" it goes",margin,page""")


def test_simulated_answers_leave_nothing_to_ask(project):
    project.set(answers={"source": "simulated"})
    with pytest.raises(ValueError, match=r"answers\.source must be people"):
        Project.read(project.folder)


def test_hints_are_shown_where_they_are_wanted_for_questions_alone_and_the_answer_says_so(project):
    session, browser, truth = opened(project, has_hints=True), Browser("ann"), truth_of(project)
    task = session.state(browser)["tasks"][0]
    assert len(set(task["hints"])) == 2
    # A margin that is small: the two likeliest are those that the strategy asked about.
    assert set(task["hints"]) <= set(session.state(browser)["classes"])
    answer_all(session, browser, truth)
    assert {row["way"] for row in given(project.folder)} == {"page_hints"}
    assert all("hints" not in task for task in session.state(browser)["tasks"])
    answer_all(session, browser, truth, phase="audit")
    assert {row["way"] for row in given(project.folder) if row["strategy"] == "audit"} == {"page"}


def test_an_answer_that_comes_while_rounds_are_played_waits_for_them(project):
    """A browser kept it while the server was away."""
    session, browser, truth = opened(project), Browser("ann"), truth_of(project)
    row = session.state(browser)["tasks"][0]["row"]
    again = Session(session._project, session._file, train=lambda project: None)
    again.start()
    again.answer(Browser("ann"), row, truth[row])
    assert len(given(project.folder)) == 1


def test_a_round_that_cannot_be_played_is_told_and_not_waited_for_for_ever(project, monkeypatch):
    of_stages = Project.read(project.folder)
    file = AnswerFile(project.folder / "answers.csv", classes=of_stages.classes, known=of_stages.index.hash.tolist())

    def untrained(_project):
        raise ValueError("`dvc repro audit` must run")

    def needs_student(_project, _given):
        raise NeedsStudent

    monkeypatch.setattr(Project, "play", needs_student)
    monkeypatch.setattr("threading.excepthook", lambda _args: None)
    session = Session(of_stages, file, train=untrained)
    session.start()
    session.wait()
    shown = session.state(Browser("ann"))
    assert (shown["phase"], shown["message"]) == (
        "failed", "The next round cannot be played: `dvc repro audit` must run"
    )  # fmt: skip
