"""People's answers: the CSV text they are kept in, and what they come to for each image."""

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from selflabel.labels import NO_LABEL

SKIP = "skip"
HEADER = ("hash", "label", "annotator", "when", "comment")
MAX_FAULTS = 20

# Not the csv module: it takes a stray quote for text, and after a fault it cannot go on at the next line.
_END = r"(?:\r\n|\r|\n)"
_CELL = r'(?:"[^"]*(?:""[^"]*)*"|[^",\r\n]*)'
_ROW = re.compile(rf"({_CELL}(?:,{_CELL})*|[^\r\n]*)(?:{_END}|\Z)")
# Git merges no file with a NUL, a terminal obeys the other control characters, a lone surrogate has no UTF-8.
NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
# Names are joined by semicolons, and "ann " beside "ann" would have two votes.
_NAME = re.compile(r"[^\s;](?:[^;\r\n]*[^\s;])?")


class Answer(NamedTuple):
    """What one person said of one image; ``label`` is a class name or ``SKIP``, ``when`` has a time zone."""

    hash: str
    label: str
    annotator: str
    when: datetime
    comment: str


class Decision(NamedTuple):
    """What the answers to one image come to: ``status`` is answered, skipped, tied or open (nobody answered).

    ``label``: class number, −1 unless answered. ``annotator``: those who said so, sorted, joined by ``;``, empty if
    tied. ``votes``: empty if all agree, else such as ``Coat 2, Shirt 1``.
    """

    status: str
    label: int = NO_LABEL
    annotator: str = ""
    votes: str = ""


def parse(text: str, *, source: str, classes: Sequence[str], known: Iterable[str] | None = None) -> list[Answer]:
    """Return the answers of an answers file, in its order.

    ``known``: hashes of all images; left out, any will do. A time without zone is UTC, a date its first moment.
    Raises ``ValueError`` with a line for each fault, naming file and line; a merge marker or wrong header hides others.
    """
    return _read(text, _checker(classes, known), lambda found: tuple(found) == HEADER, f"be {','.join(HEADER)}", source)


def filled_in(
    text: str, *, source: str, classes: Sequence[str], known: Iterable[str] | None, annotator: str | None, now: datetime
) -> tuple[list[Answer], int]:
    """Return the answers that a person wrote into a queue table, and how many of its rows have an empty label.

    The table has the columns hash and label and may have annotator, when and comment; others are left alone.
    ``annotator`` and ``now`` stand where a row's own cell is empty or missing. Raises as ``parse`` does.
    """
    check, instead = _checker(classes, known), {"annotator": annotator, "when": now.isoformat()}

    def answer(cells: Mapping[str, str]) -> Answer | None:
        return check({name: cells.get(name) or instead.get(name) or "" for name in HEADER}) if cells["label"] else None

    def is_right(header: Sequence[str]) -> bool:
        return {"hash", "label"} <= set(header) and all(header.count(name) <= 1 for name in HEADER)

    answers = _read(text, answer, is_right, "have the columns hash and label, and none of its columns twice", source)
    return [answer for answer in answers if answer], answers.count(None)


def lines(answers: Sequence[Answer]) -> str:
    """Return the lines to append to an answers file; ``parse`` gives these answers back, or names their faults."""
    rows = (answer._replace(when=answer.when.isoformat()) for answer in answers)
    return "".join(",".join(map(_quoted, row)) + "\n" for row in rows)


def decide(answers: Sequence[Answer], *, classes: Sequence[str]) -> dict[str, Decision]:
    """Return, by hash, what most annotators answered; if several labels have the most votes, they are tied.

    Of one annotator the latest answer counts, of several at one time the last; a skip is a vote like any other.
    """
    latest: dict[str, dict[str, str]] = {}
    for answer in sorted(answers, key=lambda answer: answer.when):
        latest.setdefault(answer.hash, {})[answer.annotator] = answer.label
    return {key: _majority(given, classes) for key, given in latest.items()}


def look_up(rows: np.ndarray, hashes: Sequence[str], decisions: Mapping[str, Decision]) -> dict[str, np.ndarray | list]:
    """Return the answers to Q questions as columns in their order: row, int64, label, int16, and texts.

    ``rows``: int (Q,), in the pool. ``hashes``: (Q,), of those rows. The texts are as in ``Decision``.
    """
    found = [decisions.get(key, Decision("open")) for key in hashes]
    texts = {name: [getattr(decision, name) for decision in found] for name in ("status", "annotator", "votes")}
    return {"row": rows.astype(np.int64), "label": np.array([decision.label for decision in found], np.int16)} | texts


def from_truth(rows: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray | list]:
    """Return the columns of ``look_up`` as if answered from ``truth``: int (N,), classes of the whole pool."""
    answers = {f"{row}": Decision("answered", int(truth[row]), "simulated") for row in rows}
    return look_up(rows, [f"{row}" for row in rows], answers)


def _majority(given: Mapping[str, str], classes: Sequence[str]) -> Decision:
    # Counted in the order of the classes, which most_common keeps among equals.
    ranked = Counter(sorted(given.values(), key=[*classes, SKIP].index)).most_common()
    votes = ", ".join(f"{label} {count}" for label, count in ranked) if len(ranked) > 1 else ""
    if len(ranked) > 1 and ranked[0][1] == ranked[1][1]:
        return Decision("tied", votes=votes)
    most = ranked[0][0]
    status, label = ("skipped", NO_LABEL) if most == SKIP else ("answered", classes.index(most))
    return Decision(status, label, ";".join(sorted(name for name in given if given[name] == most)), votes)


def _read(text: str, read: Callable, is_right: Callable, rule: str, source: str) -> list:
    """Return ``read`` of the named cells of each row; raise with the faults of all rows, or that of the header."""
    (line, first), *rows = list(_rows(text.removeprefix("\ufeff"), source)) or [(1, "")]
    (header,) = _each([(line, first)], _cells, source)
    if not is_right(header):
        raise ValueError(f"{source}:{line}: header must {rule}, got {first!r:.80}")
    return _each(rows, lambda row: read(dict(zip(header, _cells(row, len(header)), strict=True))), source)


def _rows(text: str, source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and text of each row that is not blank; one whose quotes are wrong ends with its first line."""
    line = 1
    for row in _ROW.finditer(text):
        if re.match(r"([<|=>])\1{6}(?: |\Z)", row[1]):
            rule = "holds a merge-conflict marker: resolve the merge and keep the lines of both sides"
            raise ValueError(f"{source}: line {line} {rule}")
        if row[1].strip():
            yield line, row[1]
        line += len(re.findall(_END, row[0]))


def _each(rows: Sequence[tuple[int, str]], read: Callable, source: str) -> list:
    results, faults = [], []
    for line, row in rows:
        try:
            results.append(read(row))
        except ValueError as error:
            faults += [f"{source}:{line}: {fault}" for fault in error.args]
    more = [f"... and {len(faults) - MAX_FAULTS} more"] if len(faults) > MAX_FAULTS else []
    if faults:
        raise ValueError("\n".join(faults[:MAX_FAULTS] + more))
    return results


def _cells(row: str, wanted: int | None = None) -> list[str]:
    if found := NO_TEXT.search(row):
        raise ValueError(f"a row must be text, got the character U+{ord(found[0]):04X}")
    cells = re.findall(f",{_CELL}", f",{row}")
    if "".join(cells) != f",{row}":
        raise ValueError(f"quotes must stand around a whole cell and be doubled inside it, got {row!r:.80}")
    if wanted not in (None, len(cells)):
        raise ValueError(f"a row must have {wanted} cells, got {len(cells)}")
    return [cell[2:-1].replace('""', '"') if cell.startswith(',"') else cell[1:] for cell in cells]


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if re.search('[",\r\n]', cell) else cell


def _checker(classes: Sequence[str], known: Iterable[str] | None) -> Callable[[Mapping[str, str]], Answer]:
    """Return what makes an answer of named cells; it raises ``ValueError`` with an argument for each fault."""
    labels = {name.casefold(): name for name in (*classes, SKIP)}
    is_hash = re.compile("[0-9a-f]{32}").fullmatch if known is None else frozenset(known).__contains__
    rules = {
        "hash": (is_hash, "32 lower-case hexadecimal digits" if known is None else "that of an image of this data set"),
        "label": ((*classes, SKIP).__contains__, f"one of the classes or {SKIP}"),
        "annotator": (_NAME.fullmatch, "a name without semicolon, line break or spaces around it"),
        "when": (_when, "an ISO 8601 date or date-time"),
    }

    def check(cells: Mapping[str, str]) -> Answer:
        wrong = [name for name, (is_right, _) in rules.items() if not is_right(cells[name])]
        if wrong:
            close = difflib.get_close_matches(cells["label"].strip().casefold(), labels, n=1)
            hint = {"label": f", did you mean {labels[close[0]]}?"} if close else {}
            raise ValueError(*(f"{n} must be {rules[n][1]}, got {cells[n]!r:.80}{hint.get(n, '')}" for n in wrong))
        return Answer(**{**cells, "when": _when(cells["when"])})

    return check


def _when(text: str) -> datetime | None:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
