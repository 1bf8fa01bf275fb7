"""People's answers: the CSV text they are kept in, and what they come to for each image."""

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from selflabel import strict_csv
from selflabel.labels import NO_LABEL

SKIP = "skip"
HEADER = ("hash", "label", "annotator", "when", "comment")
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

    ``known``: hashes of all images; left out, any will do. Answers about other images, of another data set or no longer
    there, are left out, whatever their label. A time without zone is UTC, a date its first moment.
    Raises ``ValueError`` with a line for each fault, naming file and line; a merge marker or wrong header hides others.
    """
    check, check_other = _checker(classes, None), _checker(None, None)
    known = None if known is None else frozenset(known)

    def answer(cells: Mapping[str, str]) -> Answer | None:
        if known is None or cells["hash"] in known:
            return check(cells)
        check_other(cells)
        return None

    found = strict_csv.read(text, answer, lambda found: tuple(found) == HEADER, f"be {','.join(HEADER)}", source)
    return [one for one in found if one]


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

    rule = "have the columns hash and label, and none of its columns twice"
    answers = strict_csv.read(text, answer, is_right, rule, source)
    return [answer for answer in answers if answer], answers.count(None)


def lines(answers: Sequence[Answer]) -> str:
    """Return the lines to append to an answers file; ``parse`` gives these answers back, or names their faults."""
    rows = (answer._replace(when=answer.when.isoformat()) for answer in answers)
    return "".join(",".join(map(strict_csv.quoted, row)) + "\n" for row in rows)


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


def _checker(classes: Sequence[str] | None, known: Iterable[str] | None) -> Callable[[Mapping[str, str]], Answer]:
    """Return what makes an answer of named cells; it raises ``ValueError`` with an argument for each fault.

    ``classes``: None for those of another data set, of which any name may be one.
    """
    names = (*(classes or ()), SKIP)
    labels = {name.casefold(): name for name in names}
    # There are two ways to write an accent, and a keyboard has one of them.
    written = {unicodedata.normalize("NFC", name): name for name in names}
    is_hash = re.compile("[0-9a-f]{32}").fullmatch if known is None else frozenset(known).__contains__
    rules = {
        "hash": (is_hash, "32 lower-case hexadecimal digits" if known is None else "that of an image of this data set"),
        "label": (names.__contains__ if classes is not None else bool, f"one of the classes or {SKIP}"),
        "annotator": (_NAME.fullmatch, "a name without semicolon, line break or spaces around it"),
        "when": (_when, "an ISO 8601 date or date-time"),
    }

    def check(cells: Mapping[str, str]) -> Answer:
        cells = {**cells, "label": written.get(unicodedata.normalize("NFC", cells["label"]), cells["label"])}
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
