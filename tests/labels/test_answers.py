"""People's answers: none is lost, what is wrong is named, and the majority of the latest ones counts."""

import csv
import io
import random
import unicodedata
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selflabel import files
from selflabel.labels import answers
from selflabel.labels.answers import HEADER, Answer, Decision

CLASSES = ("T-shirt/top", "Coat", "Shirt", "Dogs, small")
WHOLE_HEAD = ",".join(HEADER) + "\n"
# Shorter lines, which an answers file may have had before.
HEAD = ",".join(HEADER[:6]) + "\n"
A, B, C = (letter * 32 for letter in "abc")
DAY = datetime(2024, 5, 1, tzinfo=UTC)

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.sampled_from('",\n\r\t'), max_size=12)
GIVEN = st.builds(
    Answer,
    hash=st.text("0123456789abcdef", min_size=32, max_size=32),
    label=st.sampled_from([*CLASSES, answers.SKIP]),
    # Names are read composed.
    annotator=st.from_regex(r'[^\s;\x00-\x1f\x7f-\x9f"]([ ,"][^\s;\x00-\x1f\x7f-\x9f]){0,3}', fullmatch=True).map(
        partial(unicodedata.normalize, "NFC")
    ),
    when=st.datetimes(timezones=ZONES),
    comment=TEXTS,
    strategy=st.sampled_from(["", "margin", "audit", "k_means"]),
    way=st.sampled_from(["", "file", "page"]),
)


def harmless(answer):
    """An answer's cells as they stand in the file: none that a spreadsheet would run."""
    typed = {name: answers.neutral(getattr(answer, name)) for name in ("label", "annotator", "comment")}
    return list(answer._replace(when=answer.when.isoformat(), **typed))


def parse(text, **more):
    return answers.parse(text, **{"source": "a.csv", "classes": CLASSES} | more)


def fault(text, read=parse, **more):
    with pytest.raises(ValueError) as error:
        read(text, **more)
    return str(error.value)


def fill(text, **more):
    return answers.filled_in(
        text, **{"source": "q.csv", "classes": CLASSES, "known": None, "annotator": "ann", "now": DAY} | more
    )


def said(label, annotator="ann", *, key=A, hours=0):
    return Answer(key, label, annotator, DAY + timedelta(hours=hours), "")


def decided(*given):
    return answers.decide(given, classes=CLASSES).get(A)


# The answers file.


def test_a_line_is_an_answer():
    text = HEAD + f'{A},Coat,ann,2024-05-01T12:30:00+02:00,"a ""fine"", warm\ncoat",audit\n{B},skip,bob,2024-05-01,,\n'
    assert parse(text) == [
        Answer(A, "Coat", "ann", datetime(2024, 5, 1, 10, 30, tzinfo=UTC), 'a "fine", warm\ncoat', "audit"),
        Answer(B, "skip", "bob", DAY, "", ""),
    ]


def test_a_time_without_a_zone_is_utc_and_one_with_a_zone_keeps_it():
    first, second = parse(HEAD + f"{A},Coat,ann,2024-05-01 02:00,,\n{A},Coat,ann,2024-05-01T02:00-05:00,,\n")
    assert first.when == DAY + timedelta(hours=2)
    assert second.when == DAY + timedelta(hours=7)
    assert second.when.utcoffset() == timedelta(hours=-5)


def test_a_header_alone_holds_no_answers():
    assert parse(HEAD) == parse(HEAD.strip()) == []


def test_nothing_is_nothing_to_append():
    assert answers.lines([]) == ""


@given(st.lists(GIVEN, max_size=6))
def test_answers_survive_their_lines(given):
    text = WHOLE_HEAD + answers.lines(given)
    assert parse(text) == given
    assert [answer.when.utcoffset() for answer in parse(text)] == [answer.when.utcoffset() for answer in given]


@given(st.lists(GIVEN, max_size=6))
def test_python_s_csv_reads_the_lines_alike(given):
    rows = csv.reader(io.StringIO(answers.lines(given), newline=""), strict=True)
    assert list(rows) == [harmless(answer) for answer in given]


@given(st.lists(GIVEN, max_size=6), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans(), st.booleans())
def test_neither_quotes_nor_line_ends_nor_a_mark_of_utf_8_matter(given, end, has_mark, has_end, is_all_quoted):
    target = io.StringIO(newline="")
    # Python's csv does not put quotes around a lone carriage return if lines do not end with one.
    is_quoted = is_all_quoted or any("\r" in answer.comment for answer in given)
    writer = csv.writer(target, lineterminator=end, quoting=csv.QUOTE_ALL if is_quoted else csv.QUOTE_MINIMAL)
    writer.writerows([HEADER, *map(harmless, given)])
    text = target.getvalue() if has_end else target.getvalue().removesuffix(end)
    assert parse("\ufeff" * has_mark + text) == given


@given(st.lists(GIVEN, max_size=6), st.lists(st.integers(0, 6), max_size=4), st.sampled_from(["\n", "\r\n", "  \n"]))
def test_blank_lines_hold_no_answers(given, places, blank):
    rows = [answers.lines([answer]) for answer in given]
    for place in places:
        rows.insert(place, blank)
    assert parse(WHOLE_HEAD + "".join(rows)) == given


@settings(max_examples=300)
@given(st.lists(GIVEN, min_size=1, max_size=4), st.integers(0), st.sampled_from(['"', ",", "\n", "", "\r", "x", "\0"]))
def test_a_file_with_a_slip_anywhere_is_refused_or_none_of_its_cells_is_lost(given, place, text):
    before = WHOLE_HEAD + answers.lines(given)
    place %= len(before)
    after = before[:place] + text + before[place + 1 :]
    try:
        found = parse(after)
    except ValueError:
        return
    # Cells that a quote joined are in a comment, commas and all. The header may end in a carriage return.
    assert answers.lines(found).count(",") == after.removeprefix(WHOLE_HEAD.rstrip("\n")).count(",")


@settings(max_examples=300)
@given(st.text(max_size=40) | st.text(f'{A[0]},"\n\r<=>|;', max_size=40))
def test_any_text_is_read_or_refused_with_a_line_number(text):
    for read, source in ((parse, "a.csv"), (fill, "q.csv")):
        for head in ("", HEAD, "hash,label\n"):
            try:
                read(head + text)
            except ValueError as error:
                for line in str(error).split("\n"):
                    assert line.startswith((f"{source}:", "... and "))


# Its faults.


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (f"{A},Coats,ann,2024-05-01,,", "label must be one of the classes or skip, got 'Coats', did you mean Coat?"),
        (f"{A},COAT,ann,2024-05-01,,", "label must be one of the classes or skip, got 'COAT', did you mean Coat?"),
        (f"{A}, Coat,ann,2024-05-01,,", "label must be one of the classes or skip, got ' Coat', did you mean Coat?"),
        (f"{A},Skip,ann,2024-05-01,,", "label must be one of the classes or skip, got 'Skip', did you mean skip?"),
        (f"{A},7,ann,2024-05-01,,", "label must be one of the classes or skip, got '7'"),
        (f"{A},,ann,2024-05-01,,", "label must be one of the classes or skip, got ''"),
        ("1e10,Coat,ann,2024-05-01,,", "hash must be 32 lower-case hexadecimal digits, got '1e10'"),
        (f"{A[1:]}A,Coat,ann,2024-05-01,,", f"hash must be 32 lower-case hexadecimal digits, got '{A[1:]}A'"),
        (
            f"{A},Coat,,2024-05-01,,",
            "annotator must be a name without semicolon, line break or spaces around it, got ''",
        ),
        (
            f"{A},Coat,ann ,2024-05-01,,",
            "annotator must be a name without semicolon, line break or spaces around it, got 'ann '",
        ),
        (
            f"{A},Coat,ann;bob,2024-05-01,,",
            "annotator must be a name without semicolon, line break or spaces around it, got 'ann;bob'",
        ),
        (f"{A},Coat,ann,1/5/2024,,", "when must be an ISO 8601 date or date-time, got '1/5/2024'"),
        (f"{A},Coat,ann,2024-02-30,,", "when must be an ISO 8601 date or date-time, got '2024-02-30'"),
        (f"{A},Coat,ann,,,", "when must be an ISO 8601 date or date-time, got ''"),
        (f"{A},Coat,ann,2024-05-01", "a row must have 6 cells, got 4"),
        (f"{A},Coat,ann,2024-05-01,warm, fine,,", "a row must have 6 cells, got 8"),
        ("=====", "a row must have 6 cells, got 1"),
        (f"{A},Coat,ann,2024-05-01,,\0", "a row must be text, got the character U+0000"),
        (f"{A},Coat,ann,2024-05-01,,\ud800", "a row must be text, got the character U+D800"),
    ],
)
def test_a_fault_is_named_with_its_line(row, sentence):
    assert fault(HEAD + f"{B},Coat,bob,2024-05-01,,\n" + row) == f"a.csv:3: {sentence}"


@pytest.mark.parametrize("comment", ['5" long', '"long', '"long" ago', 'lo"ng"', '"'])
def test_quotes_that_do_not_pair_spoil_their_row_only(comment):
    row = f"{A},Coat,ann,2024-05-01,{comment},"
    text = HEAD + row + f"\n{B},Coat,bob,2024-05-01,,\n{B},Cat,bob,2024-05-01,,"
    quotes, label = fault(text).split("\n")
    assert quotes == f"a.csv:2: quotes must stand around a whole cell and be doubled inside it, got {row!r}"
    assert label.startswith("a.csv:4: label must be")


def test_answers_about_images_that_are_not_in_the_data_set_do_not_count_and_hinder_nobody():
    text = HEAD + f"{A},Coat,ann,2024-05-01,,\n{B},no class of these,ann,2024-05-01,,\n"
    (found,) = parse(text, known=[A])
    assert found.hash == A and parse(text, known=[]) == []
    # Whatever data set they are about, they have to be answers.
    assert fault(text + "x,Coat,ann,2024-05-01,,\n", known=[A]) == (
        "a.csv:4: hash must be 32 lower-case hexadecimal digits, got 'x'"
    )
    assert fault(text + f"{B},,ann,today,,\n", known=[A]).count("a.csv:4: ") == 2


def test_the_two_ways_to_write_an_accent_are_one_class():
    (found,) = answers.parse(
        HEAD + f"{A},\u00fcn,ann,2024-05-01,,\n", source="a.csv", classes=["u\u0308n", "x"], known=None
    )
    assert found.label == "u\u0308n"


def test_all_faults_of_all_rows_are_named():
    text = HEAD + f"x,Cat,ann,today,,\n{A},Coat,ann,2024-05-01,,\n{A},Coat\n"
    assert [line.split(" must")[0] for line in fault(text).split("\n")] == [
        "a.csv:2: hash",
        "a.csv:2: label",
        "a.csv:2: when",
        "a.csv:4: a row",
    ]


@pytest.mark.parametrize(("n_faults", "last"), [(20, "a.csv:21: "), (21, "... and 1 more"), (99, "... and 79 more")])
def test_of_many_faults_twenty_are_named_and_the_others_counted(n_faults, last):
    found = fault(HEAD + f"{A},Cat,ann,2024-05-01,,\n" * n_faults).split("\n")
    assert len(found) == min(n_faults, 21)
    assert found[-1].startswith(last)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_row_s_line_is_the_one_on_which_it_starts(end):
    text = (
        f'\n{HEAD}\n{A},Coat,ann,2024-05-01,"one\n\nthree",\n{A},Cat,ann,2024-05-01,"\n",\n\n{A},Dog,ann,2024-05-01,,'
    )
    assert [line.split(" ")[0] for line in fault(text.replace("\n", end)).split("\n")] == ["a.csv:7:", "a.csv:10:"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "hash,label,annotator,when\n",
        "hash;label;annotator;when;comment",
        "hash,label,annotator,comment,when",
    ],
)
def test_any_other_header_is_refused(text):
    found = fault(text)
    assert found.startswith("a.csv:1: header must be hash,label,annotator,when,comment,strategy,way, got ")
    assert found.endswith(repr(text.strip()))


def test_answers_without_a_header_are_refused():
    assert fault(answers.lines([said("Coat")])).startswith("a.csv:1: header must be hash,label,")


@pytest.mark.parametrize(
    "marker", ["<<<<<<< HEAD", "=======", ">>>>>>> my,branch,of,five,cells", "||||||| base", "<<<<<<<"]
)
@pytest.mark.parametrize("before", ["", HEAD, HEAD + f'{A},Cat,ann,2024-05-01,,"two\nlines"\n', HEAD + '"\n'])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_merge_s_marker_is_named_alone(marker, before, end):
    text = (before + marker + f"\n{A},Coat,ann,2024-05-01,\n").replace("\n", end)
    rule = "holds a merge-conflict marker: resolve the merge and keep the lines of both sides"
    assert fault(text) == f"a.csv: line {before.count(chr(10)) + 1} {rule}"


def test_a_comment_may_hold_what_looks_like_a_merge_s_marker():
    comment = "Title\n=======\n<<<<<<< HEAD"
    assert parse(WHOLE_HEAD + answers.lines([said("Coat")._replace(comment=comment)]))[0].comment == comment


# What the answers come to.


@pytest.mark.parametrize(
    ("given", "decision"),
    [
        ([said("Coat")], ("answered", 1, "ann", "")),
        ([said("skip")], ("skipped", -1, "ann", "")),
        ([said("Coat", "bob"), said("Coat", "ann")], ("answered", 1, "ann;bob", "")),
        ([said("skip", "bob"), said("skip", "ann")], ("skipped", -1, "ann;bob", "")),
        ([said("Shirt", "bob"), said("Coat", "ann")], ("tied", -1, "", "Coat 1, Shirt 1")),
        ([said("skip", "bob"), said("Shirt", "ann")], ("tied", -1, "", "Shirt 1, skip 1")),
        (
            [said("Shirt", "eve"), said("Coat", "ann"), said("Shirt", "bob")],
            ("answered", 2, "bob;eve", "Shirt 2, Coat 1"),
        ),
        (
            [said("skip", "eve"), said("Coat", "ann"), said("skip", "bob")],
            ("skipped", -1, "bob;eve", "skip 2, Coat 1"),
        ),
        (
            [said("Shirt", name) for name in "ab"] + [said("Coat", name) for name in "cd"] + [said("skip", "e")],
            ("tied", -1, "", "Coat 2, Shirt 2, skip 1"),
        ),
    ],
)
def test_the_majority_counts_and_a_tie_is_told(given, decision):
    assert decided(*given) == Decision(*decision)


def test_of_one_annotator_the_latest_answer_counts_and_is_no_conflict():
    assert decided(said("Coat", hours=2), said("Shirt", hours=1)) == Decision("answered", 1, "ann", "")


def test_of_answers_at_one_time_the_line_further_down_counts():
    assert decided(said("Coat"), said("Shirt")).label == 2
    assert decided(said("Shirt"), said("Coat")).label == 1


def test_times_in_different_zones_are_compared_as_the_moments_they_are():
    early = said("Coat")._replace(when=datetime(2024, 5, 1, 13, tzinfo=timezone(timedelta(hours=5))))
    late = said("Shirt")._replace(when=datetime(2024, 5, 1, 9, tzinfo=UTC))
    assert decided(late, early).label == 2


def test_a_change_of_mind_can_end_a_tie():
    tie = [said("Coat", "ann"), said("Shirt", "bob")]
    assert decided(*tie).status == "tied"
    assert decided(*tie, said("Coat", "bob", hours=1)) == Decision("answered", 1, "ann;bob", "")


def test_each_image_has_its_own_decision():
    found = answers.decide([said("Coat"), said("skip", key=B)], classes=CLASSES)
    assert {key: decision.status for key, decision in found.items()} == {A: "answered", B: "skipped"}
    assert answers.decide([], classes=CLASSES) == {}


VOTES = st.builds(
    said,
    st.sampled_from([*CLASSES[:3], "skip"]),
    st.sampled_from(["ann", "bob", "eve", "joe"]),
    key=st.sampled_from([A, B]),
    hours=st.integers(0, 30),
)


@given(st.lists(VOTES, max_size=12, unique_by=lambda answer: (answer.annotator, answer.when)), st.randoms())
def test_the_order_of_the_lines_does_not_matter_where_the_times_differ(given, shuffler: random.Random):
    shuffled = shuffler.sample(given, len(given))
    assert answers.decide(shuffled, classes=CLASSES) == answers.decide(given, classes=CLASSES)


@given(st.lists(VOTES, max_size=12))
def test_a_label_is_given_exactly_where_one_class_has_most_votes(given):
    found = answers.decide(given, classes=CLASSES)
    assert set(found) == {answer.hash for answer in given}
    for key, decision in found.items():
        names = {answer.annotator for answer in given if answer.hash == key}
        latest = [
            max((answer.when, i, answer.label) for i, answer in enumerate(given) if answer[0::2][:2] == (key, name))[2]
            for name in names
        ]
        counts = Counter(latest)
        top = [label for label, count in counts.items() if count == max(counts.values())]
        expected = "tied" if len(top) > 1 else "skipped" if top == ["skip"] else "answered"
        assert decision.status == expected
        assert decision.label == (CLASSES.index(top[0]) if expected == "answered" else -1)
        assert decision.votes.count(",") == len(counts) - 1
        assert len(decision.annotator.split(";")) == (1 if expected == "tied" else counts[top[0]])


# The answers to questions.


def test_questions_get_their_answers_in_their_order():
    found = answers.decide([said("Shirt"), said("skip", key=B)], classes=CLASSES)
    columns = answers.look_up(np.array([7, 3, 5], np.int32), [C, B, A], found)
    assert {name: list(column) for name, column in columns.columns().items()} == {
        "row": [7, 3, 5],
        "label": [-1, -1, 2],
        "status": ["open", "skipped", "answered"],
        "annotator": ["", "ann", "ann"],
        "votes": ["", "", ""],
    }
    assert columns.row.dtype == columns.label.dtype == np.int64


def test_two_images_alike_share_their_answer():
    columns = answers.look_up(np.array([2, 9]), [A, A], answers.decide([said("Coat")], classes=CLASSES))
    assert columns.label.tolist() == [1, 1]


def test_simulated_answers_are_the_truth_of_their_rows():
    columns = answers.from_truth(np.array([4, 0, 1]), np.array([8, 7, 6, 5, 0]))
    assert {name: list(column) for name, column in columns.columns().items()} == {
        "row": [4, 0, 1],
        "label": [0, 8, 7],
        "status": ["answered"] * 3,
        "annotator": ["simulated"] * 3,
        "votes": [""] * 3,
    }
    assert columns.row.dtype == columns.label.dtype == np.int64


@pytest.mark.parametrize("rows", [[], [1], [2, 0]])
def test_both_kinds_of_answers_make_the_same_table_and_survive_its_file(tmp_path, rows):
    rows = np.array(rows, int)
    found = {A: Decision("answered", 1, "ann;bob", "Coat 2, skip 1")}
    tables = [answers.look_up(rows, [A, B][: len(rows)], found), answers.from_truth(rows, np.array([3, 2, 1]))]
    for columns in tables:
        columns.write(tmp_path / "t.csv")
        read = files.read_table(tmp_path / "t.csv")
        written = columns.columns()
        assert {name: list(column) for name, column in read.items()} == {n: list(c) for n, c in written.items()}
        assert list(written) == ["row", "label", "status", "annotator", "votes"]


# Whose answers teach.


def test_what_was_ever_asked_about_to_judge_teaches_nothing_whoever_answers_it_again():
    given = [said("Coat")._replace(strategy="audit"), said("Coat", "bob"), said("Shirt", key=B), said("skip", key=C)]
    teaching, judging = answers.known(given, classes=CLASSES)
    assert set(teaching) == {B, C} and set(judging) == {A}
    assert judging[A] == Decision("answered", 1, "ann;bob", "")
    assert answers.known([said("Coat")._replace(strategy="rest")], classes=CLASSES)[0] == {}


def test_only_what_was_never_asked_about_for_a_reason_was_asked_about_at_random():
    given = [
        said("Coat")._replace(strategy="random"),
        said("Coat", key=B)._replace(strategy="random"),
        said("x", key=B),
    ]
    assert answers.asked_at_random(given) == {A}


def test_late_is_what_was_first_asked_about_to_learn_from_after_something_judged():
    given = [
        said("Coat", key=A), said("Coat", key=B, hours=1)._replace(strategy="audit"), said("Shirt", key=C, hours=2),
        # Asked about before, and by another person again; judged, and answered again.
        said("Shirt", "bob", key=A, hours=3), said("Shirt", "bob", key=B, hours=3),
    ]  # fmt: skip
    assert answers.late(given) == {C} and answers.late(reversed(given)) == {C}
    assert answers.late(given[:2]) == answers.late(given[2:]) == set()
    # At one time the lines count.
    at_once = [answer._replace(when=DAY) for answer in given[:3]]
    assert answers.late(at_once) == {C} and answers.late([*at_once[::2], at_once[1]]) == set()


OLD = "hash,label,annotator,when,comment\n"


def test_a_file_from_before_the_column_strategy_is_read_and_renewed_without_a_loss():
    text = OLD + f'{A},Coat,ann,2024-05-01,"one, two\nthree"\n\n{B},skip,bob,2024-05-01,\n'
    assert parse(answers.renewed(text)) == parse(text)
    assert [answer.strategy for answer in parse(text)] == ["", ""]
    assert answers.renewed(WHOLE_HEAD) == WHOLE_HEAD == answers.renewed(HEAD) == answers.renewed(OLD.strip())
    assert answers.renewed(answers.renewed(text)) == answers.renewed(text)


def test_the_two_ways_to_write_an_accent_are_one_annotator():
    text = HEAD + f"{A},Coat,Ren\u00e9,2024-05-01,,\n{A},Shirt,Rene\u0301,2024-05-02,,\n"
    assert answers.decide(parse(text), classes=CLASSES)[A] == Decision("answered", 2, "Ren\u00e9")


# A queue that a person filled in.


def in_file(answer):
    return answer._replace(way="file")


def test_a_queue_gives_the_answers_written_into_it_and_counts_the_others():
    text = f"queue,row,hash,score,label\nselflabel,3,{A},0.5,Coat\nselflabel,4,{B},0.4,\nselflabel,5,{C},0.3,skip\n"
    expected = [in_file(said("Coat")), in_file(said("skip", key=C))]
    assert fill(text, known={A, B, C}) == (expected, 1)


def test_what_a_row_says_itself_comes_first():
    header = "comment,when,annotator,label,hash,strategy,queue"
    text = f"{header}\nwarm,2024-06-01,bob,Coat,{A},audit,selflabel\n,,,Shirt,{B},,selflabel\n"
    first = in_file(Answer(A, "Coat", "bob", datetime(2024, 6, 1, tzinfo=UTC), "warm", "audit"))
    assert fill(text) == ([first, in_file(said("Shirt", key=B))], 0)
    assert fill("\n".join(text.splitlines()[:2]), annotator=None) == ([first], 0)


def test_a_moment_without_a_zone_is_utc():
    ((answer,), _) = fill(f"queue,hash,label\nselflabel,{A},Coat\n", now=DAY.replace(tzinfo=None))
    assert answer.when == DAY


def test_an_answer_that_nobody_gave_is_a_fault():
    rule = "annotator must be a name without semicolon, line break or spaces around it, got ''"
    text = f"queue,hash,label,annotator\nselflabel,{A},Coat,bob\nselflabel,{B},Shirt,\nselflabel,{B},,\n"
    assert fault(text, fill, annotator=None) == f"q.csv:3: {rule}"


def test_a_queue_has_the_faults_of_an_answers_file():
    rows = [f'{A},Coats,"1\n2"', f"{B},Coat,", f"{B},,,", f'{A},"Coat']
    text = "queue,hash,label,score\n" + "".join(f"selflabel,{row}\n" for row in rows)
    assert fault(text, fill, known={A}).split("\n") == [
        "q.csv:2: label must be one of the classes or skip, got 'Coats', did you mean Coat?",
        f"q.csv:4: hash must be that of an image of this data set, got '{B}'",
        "q.csv:5: a row must have 4 cells, got 5",
        f"q.csv:6: quotes must stand around a whole cell and be doubled inside it, got 'selflabel,{A},\"Coat'",
    ]
    assert fault("queue,hash,label\n=======\n", fill).startswith("q.csv: line 2 holds a merge-conflict marker")


@pytest.mark.parametrize(
    "header",
    [
        "", "hash,label", "queue,hash", "queue,Hash,label", "queue,hash,label,label", "queue,hash,label,when,when",
        "queue,queue,hash,label",
        # What labelling tools export has a hash and a label, and drops skips.
        "image,hash,id,label,annotator,annotation_id,created_at,updated_at,lead_time",
    ],
)  # fmt: skip
def test_what_is_no_copy_of_the_queue_is_refused(header):
    found = fault(header + f"\n{A},Coat\n" if header else "", fill)
    assert found.startswith(
        "q.csv:1: header must be that of a filled-in copy of data/queue/queue.csv, with the columns"
    )
    assert found.endswith(f"got {header!r:.80}")


def test_a_row_that_the_queue_did_not_write_is_refused():
    text = f"queue,hash,label\nselflabel,{A},Coat\n,{B},Coat\n,{C},\n"
    assert fault(text, fill) == "q.csv:3: a row must be one of the queue, with selflabel in the column queue, got ''"


def test_a_queue_may_have_columns_without_a_name():
    assert fill(f"queue,hash,label,,\nselflabel,{A},Coat,,\n,,,,\n") == ([in_file(said("Coat"))], 1)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_a_spreadsheet_makes_of_a_queue_is_taken(delimiter, end, encoding):
    rows = [
        ["queue", "hash", "label", "comment"],
        ["selflabel", A, "coat ", "warm"],
        ["selflabel", B, "SKIP", "a,b;c\td"],
    ]
    target = io.StringIO(newline="")
    csv.writer(target, delimiter=delimiter, lineterminator=end).writerows(rows)
    found, _ = fill(answers.decode(target.getvalue().encode(encoding), source="q.csv"))
    assert [(answer.hash, answer.label, answer.comment) for answer in found] == [
        (A, "Coat", "warm"), (B, "skip", "a,b;c\td")
    ]  # fmt: skip


def test_a_table_in_another_encoding_is_refused_with_what_to_do():
    with pytest.raises(ValueError, match=r"q\.csv must be UTF-8, got the byte 0xe9: save it as CSV UTF-8"):
        answers.decode("caf\u00e9".encode("latin-1"), source="q.csv")


CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=5) | st.text("=+-@'a", max_size=4)


@given(CELLS)
def test_a_cell_is_made_harmless_and_read_back(cell):
    made = answers.neutral(cell)
    assert not made.startswith(tuple("=+-@\t\r")) and answers.plain(made) == cell


def test_a_class_that_a_spreadsheet_would_run_is_answered_in_either_way():
    for written in ("=1+1", "'=1+1"):
        ((answer,), _) = fill(f"queue,hash,label\nselflabel,{A},{written}\n", classes=("=1+1", "b"))
        assert answer.label == "=1+1"


@given(st.lists(GIVEN, max_size=6), st.permutations(HEADER), TEXTS)
def test_a_queue_in_any_order_of_columns_gives_all_answers(given, order, extra):
    target = io.StringIO(newline="")
    writer = csv.writer(target, quoting=csv.QUOTE_ALL)
    writer.writerow([*order, "queue", "extra"])
    for answer in given:
        cells = answer._replace(when=answer.when.isoformat(), comment=answers.neutral(answer.comment.strip()))._asdict()
        writer.writerow([*(cells[name] for name in order), "selflabel", extra])
    # Blanks around a comment are nobody's word.
    expected = [answer._replace(comment=answer.comment.strip(), way=answer.way or "file") for answer in given]
    assert fill(target.getvalue(), annotator=None) == (expected, 0)


def test_a_second_look_makes_nothing_late_and_no_random_image_picked():
    random, again = (said("Coat")._replace(strategy=strategy) for strategy in ("random", "again"))
    judging = said("Coat", key=C)._replace(strategy="audit")
    given = [random, judging, said("Shirt", hours=1)._replace(strategy="again"), again._replace(hash=B)]
    assert answers.late(given) == set()
    # Not the second look at what was drawn, nor at a given label: the one is random, the other nobody was asked about.
    assert answers.asked_at_random(given) == {A}
    assert answers.only_for(given, "again") == {B}
    assert answers.asked_at_random([*given, said("Coat", "bob")]) == set()
    assert answers.only_for([*given, said("Coat", "bob", key=B)], "again") == set()


def test_what_has_judged_teaches_nothing_whoever_looks_again():
    given = [said("Coat")._replace(strategy="audit"), said("Shirt", hours=1)._replace(strategy="again")]
    teaching, judging = answers.known(given, classes=CLASSES)
    assert teaching == {} and judging[A].label == CLASSES.index("Shirt")


# Where two people are asked.


def test_a_question_of_two_people_is_open_until_two_have_answered_and_settled_then():
    given = [
        *(said("Coat", "ann", key=key) for key in (A, B, C)), said("Coat", "bob", key=B), said("skip", "bob", key=C),
    ]  # fmt: skip
    replies = answers.look_up(np.arange(4), [A, B, C, "d" * 32], answers.decide(given, classes=CLASSES))
    assert replies.status.tolist() == ["answered", "answered", "tied", "open"]
    assert replies.is_by_several.tolist() == [False, True, True, False]
    twice = replies.of_two_people(np.array([True, True, True, True]))
    assert twice.status.tolist() == ["open", "answered", "skipped", "open"]
    assert twice.label.tolist() == [-1, 1, -1, -1] and twice.annotator.tolist() == ["ann", "ann;bob", "", ""]
    assert twice.votes.tolist() == ["", "", "Coat 1, skip 1", ""]
    once = replies.of_two_people(np.zeros(4, bool))
    assert {name: list(column) for name, column in once.columns().items()} == {
        name: list(column) for name, column in replies.columns().items()
    }


@pytest.mark.parametrize("name", ["", " ann", "a;b", "a\nb", "a\0b"])
def test_a_name_that_the_file_cannot_hold_is_refused(name):
    with pytest.raises(ValueError, match="annotator must be a name"):
        answers.name_of(name)
    assert answers.name_of("Rene\u0301") == "Ren\u00e9"


@given(st.text(max_size=20))
def test_whatever_is_noted_the_file_can_be_read(note):
    answer = said("Coat")._replace(comment=answers.note_of(note))
    assert parse(WHOLE_HEAD + answers.lines([answer])) == [answer]
