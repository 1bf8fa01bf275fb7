"""The file of answers that several writers share."""

import multiprocessing
from datetime import UTC, datetime, timedelta

import pytest

from selflabel.labels import answers
from selflabel.labels.answers import Answer
from selflabel.people.answer_file import AnswerFile

HASHES = [f"{row:032x}" for row in range(50)]
DAY = datetime(2026, 1, 2, tzinfo=UTC)


def said(row, label="Coat", annotator="ann"):
    return Answer(HASHES[row], label, annotator, DAY + timedelta(seconds=row), "", "margin", "page")


def opened(folder, text="hash,label,annotator,when,comment,strategy,way\n"):
    path = folder / "answers.csv"
    if not path.exists():
        path.write_text(text)
    return AnswerFile(path, classes=("Coat", "Shirt"), known=HASHES)


def test_an_answer_that_was_appended_is_read_by_everybody(tmp_path):
    one, other = opened(tmp_path), opened(tmp_path)
    assert one.read() == other.read() == []
    with one.locked():
        one.append([said(3)])
    assert not one.has_changed() and other.has_changed()
    assert one.read() == other.read() == [said(3)]


def test_a_file_from_before_gets_its_columns_with_the_first_answer(tmp_path):
    file = opened(tmp_path, f"hash,label,annotator,when,comment\n{HASHES[0]},Shirt,bob,2026-01-01,")
    with file.locked():
        file.append([said(3)])
    text = (tmp_path / "answers.csv").read_text()
    assert text.splitlines()[0] == "hash,label,annotator,when,comment,strategy,way"
    assert [answer.annotator for answer in opened(tmp_path).read()] == ["bob", "ann"]


def test_a_disk_that_takes_nothing_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    file = opened(tmp_path)
    before = (tmp_path / "answers.csv").read_bytes()

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with file.locked(), pytest.raises(OSError, match="No space"):
        file.append([said(3)])
    assert (tmp_path / "answers.csv").read_bytes() == before and file.read() == []


def _append_some(folder, annotator):
    for row in range(len(HASHES)):
        file = opened(folder)
        with file.locked():
            file.append([said(row, annotator=annotator)])


def test_two_writers_at_once_lose_nothing_and_break_no_line(tmp_path):
    opened(tmp_path)
    writers = [multiprocessing.Process(target=_append_some, args=(tmp_path, name)) for name in ("ann", "bob")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    given = opened(tmp_path).read()
    assert len(given) == 100 == len(answers.decide(given, classes=("Coat", "Shirt"))) * 2
