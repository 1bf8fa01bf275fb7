"""People's answers: the CSV text they are kept in, and what they come to for each image."""

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np

from selflabel.labels import strict_csv
from selflabel.labels.classes import SKIP
from selflabel.labels.questions import AGAIN, ANSWERED, JUDGING, OPEN, RANDOM, SKIPPED, TIED, Replies
from selflabel.labels.table import NO_LABEL, is_complete

HEADER = ("hash", "label", "annotator", "when", "comment", "strategy", "way")
# Files from before there were the last columns.
OLD_HEADERS = (HEADER[:5], HEADER[:6])
# How an answer was given: the column way. By a filled-in copy of the queue; on the page; there, with hints shown; in
# the grid, where many labels are confirmed at once; in Label Studio, where the machine's label is shown.
FILE, PAGE, PAGE_WITH_HINTS, GRID, LABEL_STUDIO = "file", "page", "page_hints", "grid", "label_studio"
# What a person may have typed, so that it may look like a formula.
_TYPED = ("label", "annotator", "comment")
# The queue's own mark, in a column of this name, so that no other table is taken for one.
MARK = ("queue", "selflabel")
# What a spreadsheet takes for a formula.
_FORMULA = re.compile(r"[=+\-@\t\r']")
# Names are joined by semicolons, and "ann " beside "ann" would have two votes.
NAME = re.compile(r"[^\s;](?:[^;\r\n]*[^\s;])?")


class Answer(NamedTuple):
    """One person's answer about one image; ``label`` is a class name or ``SKIP``, ``when`` has a time zone.

    ``strategy``: why the image was asked about, a word of the queue's column, and ``way``: how the answer was given;
    each empty if nobody knows.
    """

    hash: str
    label: str
    annotator: str
    when: datetime
    comment: str
    strategy: str = ""
    way: str = ""


class Decision(NamedTuple):
    """The decision on one image: ``status`` is answered, skipped, tied or open (nobody answered).

    ``label``: class number, −1 unless answered. ``annotator``: those who said so, sorted, joined by ``;``, empty if
    tied. ``votes``: empty if all agree, else such as ``Coat 2, Shirt 1``.
    """

    status: str
    label: int = NO_LABEL
    annotator: str = ""
    votes: str = ""


def name_of(text: str) -> str:
    """Return an annotator's name as the file has it; raise ``ValueError`` for one that cannot stand there."""
    name = unicodedata.normalize("NFC", text)
    if not NAME.fullmatch(name) or strict_csv.NO_TEXT.search(name):
        raise ValueError(
            f"annotator must be a name without semicolon, line break or spaces around it, got {text!r:.80}"
        )
    return name


def note_of(text: str) -> str:
    """Return a note as the file has it: on one line, without characters that are no text."""
    return " ".join(strict_csv.NO_TEXT.sub("", text).split())


def parse(text: str, *, source: str, classes: Sequence[str], known: Iterable[str] | None = None) -> list[Answer]:
    """Return the answers of an answers file, in its order.

    ``known``: hashes of all images; left out, any will do. Answers about other images, of another data set or no longer
    there, are left out, whatever their label. A time without zone is UTC, a date its first moment.
    Raises ``ValueError`` with a line for each fault, naming file and line; a merge marker or wrong header hides others.
    """
    check, check_other = _checker(classes, None), _checker(None, None)
    known = None if known is None else frozenset(known)

    def answer(cells: Mapping[str, str]) -> Answer | None:
        cells = {"strategy": "", "way": "", **cells}
        cells |= {name: plain(cells[name], classes or ()) for name in _TYPED}
        if known is None or cells["hash"] in known:
            return check(cells)
        check_other(cells)
        return None

    def is_right(header: Sequence[str]) -> bool:
        return tuple(header) in (HEADER, *OLD_HEADERS)

    answers = strict_csv.read(text, answer, is_right, f"be {','.join(HEADER)}", source)
    return [answer for answer in answers if answer]


def renewed(text: str) -> str:
    """Return the text of an answers file with all columns, whose cells are empty where they were not there."""
    head = text.removeprefix("\ufeff").lstrip()
    if not any(re.match(rf"{','.join(header)}[ \t]*(?:[\r\n]|\Z)", head) for header in OLD_HEADERS):
        return text
    rows = strict_csv.read(text, lambda cells: list(cells.values()), lambda header: True, "", "")
    whole = [HEADER, *([*row, *[""] * (len(HEADER) - len(row))] for row in rows)]
    return "".join(",".join(map(strict_csv.quoted, row)) + "\n" for row in whole)


def filled_in(
    text: str, *, source: str, classes: Sequence[str], known: Iterable[str] | None, annotator: str | None, now: datetime
) -> tuple[list[Answer], int]:
    """Return the answers that a person wrote into a copy of the queue, and how many of its rows have an empty label.

    What a spreadsheet makes of it is taken: semicolons or tabs, a byte order mark, blanks around cells, a class in
    another case. The table has the columns queue, hash and label and may have annotator, when, comment and strategy;
    others are left alone. ``annotator`` and ``now`` stand where a row's own cell is empty or missing. Raises as
    ``parse`` does; a table without the queue's mark is refused, for it would say something else.
    """
    check, instead = (
        _checker(classes, known, lenient=True),
        {"annotator": annotator, "when": now.isoformat(), "way": FILE},
    )
    mark, marked = MARK

    def answer(cells: Mapping[str, str]) -> Answer | None:
        cells = {name: plain(cell.strip(), classes) for name, cell in cells.items()}
        if not cells["label"]:
            return None
        if cells[mark] != marked:
            raise ValueError(
                f"a row must be one of the queue, with {marked} in the column {mark}, got {cells[mark]!r:.80}"
            )
        return check({name: cells.get(name) or instead.get(name) or "" for name in HEADER})

    def is_right(header: Sequence[str]) -> bool:
        return {mark, "hash", "label"} <= set(header) and all(header.count(name) <= 1 for name in (mark, *HEADER))

    rule = (
        f"be that of a filled-in copy of data/queue/queue.csv, with the columns {mark}, hash and label, and none twice "
        "(another table, such as a labelling tool's export, may have dropped skips, or hold labels that are no answers)"
    )
    answers = strict_csv.read(text, answer, is_right, rule, source, delimiter=_delimiter(text))
    return [answer for answer in answers if answer], answers.count(None)


def _delimiter(text: str) -> str:
    header = next((line for line in text.removeprefix("\ufeff").splitlines() if line.strip()), "")
    return max(",;\t", key=header.count)


def decode(data: bytes, *, source: str) -> str:
    """Return the text of a table's bytes, in UTF-8 or, with a byte order mark, UTF-16.

    Raises ``ValueError`` naming ``source`` and what to do for anything else.
    """
    try:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{source} must be UTF-8, got the byte {data[error.start]:#04x}: save it as CSV UTF-8 in a spreadsheet"
        ) from error


def neutral(cell: str) -> str:
    """Return a cell that no spreadsheet runs as a formula: with an apostrophe before it, if it may be one."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def plain(cell: str, classes: Collection[str] = ()) -> str:
    """Return the cell of which ``neutral`` made another; a class that begins with an apostrophe stays, if typed so."""
    return cell[1:] if cell.startswith("'") and cell not in classes and _FORMULA.match(cell[1:]) else cell


def lines(answers: Sequence[Answer]) -> str:
    """Return the lines to append to an answers file; ``parse`` gives these answers back, or names their faults."""
    rows = []
    for answer in answers:
        cells = answer._asdict() | {"when": answer.when.isoformat()}
        rows.append(cells | {name: neutral(cells[name]) for name in _TYPED})
    return "".join(",".join(map(strict_csv.quoted, row.values())) + "\n" for row in rows)


def decide(answers: Sequence[Answer], *, classes: Sequence[str]) -> dict[str, Decision]:
    """Return, by hash, what most annotators answered; if several labels have the most votes, they are tied.

    Of one annotator the latest answer counts, of several at one time the last; a skip is a vote like any other.
    """
    latest: dict[str, dict[str, str]] = {}
    for answer in sorted(answers, key=lambda answer: answer.when):
        latest.setdefault(answer.hash, {})[answer.annotator] = answer.label
    return {key: majority(given, classes) for key, given in latest.items()}


def known(answers: Sequence[Answer], *, classes: Sequence[str]) -> tuple[dict[str, Decision], dict[str, Decision]]:
    """Return, by hash, what teaches and what judges: decisions on images never asked about to judge, and the others.

    One answer given in an audit, or to label what an audit left, keeps its image apart for good: were it to teach after
    all, people could take the mistakes that an audit found out of the next one.
    """
    judged = {answer.hash for answer in answers if answer.strategy in JUDGING}
    decisions = decide(answers, classes=classes)
    judging = {key: decision for key, decision in decisions.items() if key in judged}
    return {key: decision for key, decision in decisions.items() if key not in judged}, judging


def late(answers: Iterable[Answer]) -> set[str]:
    """Return the hashes of images whose first answer teaches and came after the first answer that judges.

    In the order of their times, at one time of their lines. One asked about again is none of them: it had a given
    label before, so that no audit could have drawn it, and the answer takes it out of none.
    """
    answers = list(answers)
    judged = {answer.hash for answer in answers if answer.strategy in JUDGING}
    seen: set[str] = set()
    late: set[str] = set()
    is_judging = False
    for answer in sorted(answers, key=lambda answer: answer.when):
        is_judging |= answer.strategy in JUDGING
        if is_judging and answer.strategy != AGAIN and answer.hash not in judged | seen:
            late.add(answer.hash)
        seen.add(answer.hash)
    return late


def asked_at_random(answers: Iterable[Answer]) -> set[str]:
    """Return the hashes of images that were only ever asked about at random, but for second looks.

    A second look is at what classifiers contradict: were its images left out, the others would be those that are
    predicted right, and no random draw any more.
    """
    answers = list(answers)
    picked = {answer.hash for answer in answers if answer.strategy not in (RANDOM, AGAIN)}
    return {answer.hash for answer in answers if answer.strategy == RANDOM} - picked


def only_for(answers: Iterable[Answer], strategy: str) -> set[str]:
    """Return the hashes of images that were answered for this reason alone.

    For ``AGAIN`` these are images that had a given label, and were asked about for a second look alone.
    """
    answers = list(answers)
    return {answer.hash for answer in answers} - {answer.hash for answer in answers if answer.strategy != strategy}


def look_up(rows: np.ndarray, hashes: Sequence[str], decisions: Mapping[str, Decision]) -> Replies:
    """Return the replies to Q questions, in their order; who is not in ``decisions`` has an open one.

    ``rows``: int (Q,), in the pool. ``hashes``: (Q,), of those rows.
    """
    replies = [decisions.get(key, Decision(OPEN)) for key in hashes]
    columns = {name: [getattr(reply, name) for reply in replies] for name in Decision._fields}
    return Replies.of({"row": rows, **columns})


def reader(answers: Sequence[Answer], hashes: np.ndarray, classes: Sequence[str]) -> Callable[[np.ndarray], Replies]:
    """Return what gives people's replies about rows, int64; ``hashes``: of all rows of the pool."""
    decisions = decide(answers, classes=classes)
    return lambda rows: look_up(rows, hashes[rows], decisions)


def simulated(rows: np.ndarray, truth: np.ndarray) -> Replies:
    """Return what ``from_truth`` does; raise ``ValueError`` where not every image's label is known."""
    if not is_complete(truth):
        raise ValueError(
            "answers.source must be people where not every image's label is known, got simulated (the labels of images "
            "that were given two are not)"
        )
    return from_truth(rows, truth)


def from_truth(rows: np.ndarray, truth: np.ndarray) -> Replies:
    """Return what ``look_up`` does as if answered from ``truth``: int (N,), classes of the whole pool."""
    n = len(rows)
    return Replies(rows, truth[rows], np.full(n, ANSWERED), np.full(n, "simulated"), np.full(n, ""))


def majority(given: Mapping[str, str], classes: Sequence[str]) -> Decision:
    """Return the decision on one image; ``given``: by annotator, at least one, a class name or ``SKIP``."""
    if len(given) == 1:
        ((annotator, label),) = given.items()
        return (
            Decision(SKIPPED, annotator=annotator)
            if label == SKIP
            else Decision(ANSWERED, classes.index(label), annotator)
        )
    # Counted in the order of the classes, which most_common keeps among equals.
    ranked = Counter(sorted(given.values(), key=[*classes, SKIP].index)).most_common()
    votes = ", ".join(f"{label} {count}" for label, count in ranked) if len(ranked) > 1 else ""
    if len(ranked) > 1 and ranked[0][1] == ranked[1][1]:
        return Decision(TIED, votes=votes)
    most = ranked[0][0]
    status, number = (SKIPPED, NO_LABEL) if most == SKIP else (ANSWERED, classes.index(most))
    return Decision(status, number, ";".join(sorted(name for name in given if given[name] == most)), votes)


def _checker(
    classes: Sequence[str] | None, known: Iterable[str] | None, *, lenient: bool = False
) -> Callable[[Mapping[str, str]], Answer]:
    """Return what makes an answer of named cells; it raises ``ValueError`` with an argument for each fault.

    ``classes``: None for those of another data set, of which any name may be one. ``lenient``: another case will do.
    """
    names = (*(classes or ()), SKIP)
    labels = {name.casefold(): name for name in names}
    # There are two ways to write an accent, and a keyboard has one of them.
    written = {unicodedata.normalize("NFC", name): name for name in names}
    if lenient:
        written = {key.casefold(): name for key, name in written.items()} | written
    is_hash = re.compile("[0-9a-f]{32}").fullmatch if known is None else frozenset(known).__contains__
    rules = {
        "hash": (is_hash, "32 lower-case hexadecimal digits" if known is None else "that of an image of this data set"),
        "label": (names.__contains__ if classes is not None else bool, f"one of the classes or {SKIP}"),
        "annotator": (NAME.fullmatch, "a name without semicolon, line break or spaces around it"),
        "when": (_when, "an ISO 8601 date or date-time"),
        "strategy": (re.compile("[a-z_]*").fullmatch, "a word of the queue's column strategy, or empty"),
        "way": (re.compile("[a-z_]*").fullmatch, "a word such as page or file, or empty"),
    }

    composed = partial(unicodedata.normalize, "NFC")

    @lru_cache
    def named(label: str) -> str:
        return written.get(composed(label), written.get(composed(label).casefold(), label) if lenient else label)

    def check(cells: Mapping[str, str]) -> Answer:
        # Of a name too: written another way it would be another's, with a vote of its own.
        cells = {**cells, "label": named(cells["label"]), "annotator": composed(cells["annotator"])}
        wrong = [name for name, (is_right, _) in rules.items() if not is_right(cells[name])]
        when = _when(cells["when"])
        if wrong or when is None:
            close = difflib.get_close_matches(cells["label"].strip().casefold(), labels, n=1)
            hint = {"label": f", did you mean {labels[close[0]]}?"} if close else {}
            raise ValueError(*(f"{n} must be {rules[n][1]}, got {cells[n]!r:.80}{hint.get(n, '')}" for n in wrong))
        texts = {name: cells[name] for name in HEADER if name != "when"}
        return Answer(when=when, **texts)

    return check


@lru_cache
def _when(text: str) -> datetime | None:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
