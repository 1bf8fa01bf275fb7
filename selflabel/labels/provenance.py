"""Where each label comes from: the final table's columns, the queue, one image's story."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from selflabel.labels.answers import MARK, neutral
from selflabel.labels.classes import Classes
from selflabel.labels.history import RoundSummary
from selflabel.labels.questions import ANSWERED, BLIND, SKIPPED, WAITING, AskedQuestions
from selflabel.labels.state import State
from selflabel.labels.table import NO_LABEL, ORIGINS


def columns(final: State, hashes: np.ndarray, classes: Classes) -> dict[str, np.ndarray]:
    """Return the final table's columns beside those of ``Labels``: hash, class, rule, threshold, annotator.

    rule and threshold are those in force when the label was last given by machine (threshold: NaN where the rule
    counts instead); annotator is who answered. ``hashes``: texts (N,), of the pool.
    """
    labels = final.labels
    summaries = {summary.round: summary for summary in final.history}
    rules, thresholds = np.full(len(labels.label), "", object), np.full(len(labels.label), np.nan)
    for number, summary in summaries.items():
        rows = np.flatnonzero(labels.is_machine & (labels.confirmed == number))
        rules[rows] = summary.rule
        thresholds[rows] = _thresholds(summary, classes)[labels.label[rows]]
    annotators = np.full(len(labels.label), "", object)
    # An audited image was answered too, but its label is the machine's.
    answered = final.asked.where(final.asked.is_answered & labels.is_human[final.asked.row])
    annotators[answered.row] = answered.annotator
    return {
        "hash": hashes,
        "class": classes.names(labels.label),
        "rule": rules,
        "threshold": thresholds,
        "annotator": annotators,
    }


def _thresholds(summary: RoundSummary, classes: Classes) -> np.ndarray:
    if summary.class_thresholds:
        return np.array([summary.class_thresholds[name] for name in classes])
    return np.full(len(classes), np.nan if summary.threshold is None else summary.threshold)


def queue(
    final: State, hashes: np.ndarray, classes: Classes, *, paths: np.ndarray | None = None
) -> dict[str, list[Any]]:
    """Return the queue, a row a question without an answer, in the order in which they were asked.

    Columns queue (the queue's mark), hash, label, annotator, when, comment (the last four empty, for a person to fill
    in), row, round, strategy, status (open or tied), votes, and suggestion: the machine's label, if it has one. An
    audit gets none: who is to judge a label should not be told it first. ``paths``: of the images, where they are
    files; a column path. Where some wait for a second person, a column answered_by: who was the first. What a
    spreadsheet would take for a formula has an apostrophe before it.
    """
    waiting = final.asked.where(final.asked.is_waiting)
    suggestions = np.where(np.isin(waiting.strategy, BLIND), "", classes.names(final.labels.label[waiting.row]))
    texts = {"suggestion": suggestions}
    texts |= {} if paths is None else {"path": paths[waiting.row]}
    texts |= {"answered_by": waiting.annotator} if any(waiting.annotator) else {}
    return _to_fill_in(waiting, hashes, texts)


def queue_again(asked: AskedQuestions, hashes: np.ndarray, *, paths: np.ndarray | None = None) -> dict[str, list[Any]]:
    """Return the queue of images to be looked at once more; columns as in ``queue``.

    Nobody is told the label that was given, nor what the machine says: who looks again should see with own eyes.
    """
    more = {"suggestion": [""] * len(asked)} | ({} if paths is None else {"path": paths[asked.row]})
    return _to_fill_in(asked, hashes, more)


def _to_fill_in(
    asked: AskedQuestions, hashes: np.ndarray, texts: Mapping[str, Sequence[str] | np.ndarray]
) -> dict[str, list[Any]]:
    columns = {MARK[0]: [MARK[1]] * len(asked), "hash": hashes[asked.row]}
    columns |= {name: [""] * len(asked) for name in ("label", "annotator", "when", "comment")}
    columns |= {name: getattr(asked, name) for name in ("row", "round", "strategy", "status")}
    texts = {"votes": asked.votes, **texts}
    return columns | {name: [neutral(cell) for cell in column] for name, column in texts.items()}


def missing(n_open: int, path: str) -> str:
    """Return what to do about questions without an answer, whose queue is in the file ``path``."""
    if not n_open:
        return "no answers missing"
    return (
        f"{n_open:,} answer{'s' * (n_open > 1)} missing: fill in the column label (a class or skip) in a copy of "
        f"{path}, then `selflabel answer COPY --annotator NAME` and `dvc repro`"
    )


def story(final: State, table: Mapping[str, np.ndarray], row: int, classes: Classes) -> list[str]:
    """Return five lines on the image in ``row``: what it is, whence its label, how sure, its rounds, its questions.

    ``table``: data/audit/labels.arrow, ``Labels``, ``columns`` and certified together.
    """
    of = {name: column[row] for name, column in table.items()}
    rounds = [summary.round for summary in final.history]
    names = classes.names(final.machine_labels[:, row], none="–") if rounds else ()
    by_round = ", ".join(f"{number} {name}" for number, name in zip(rounds, names, strict=True))
    return [
        f"row {row}, hash {of['hash']}: {of['class'] or 'no label'} ({of['origin']})",
        _whence(of),
        _how_sure(of),
        f"machine labels by round: {by_round or 'there was no round'}",
        _asked(final, row, classes),
    ]


def _whence(of: Mapping[str, Any]) -> str:
    if of["origin"] == "machine":
        return f"this label since round {of['round']}, last given in round {of['confirmed']}, flips {of['flips']}"
    texts = {
        "none": "nobody gave it a label, neither person nor machine",
        "seed": "given before round 1, as a seed label",
        "human": f"given by {of['annotator']}, {_asked_when(of['round'])}; flips before that {of['flips']}",
    }
    return texts[of["origin"]]


def _asked_when(number: int) -> str:
    return f"whom round {number} asked" if number else "before round 1"


def _how_sure(of: Mapping[str, Any]) -> str:
    if of["origin"] != "machine":
        return "confidence: none" if of["origin"] == "none" else "confidence 1: a person's word"
    above = "" if np.isnan(of["threshold"]) else f" above {of['threshold']:g}"
    sure = f"confidence {of['confidence']:.4f} ({of['raw_confidence']:.4f} not calibrated)"
    certified = ", certified" if of.get("certified") else ""
    return f"{sure}, accepted by {of['rule']}{above}{certified}"


def _asked(final: State, row: int, classes: Classes) -> str:
    questions = final.asked.where(final.asked.row == row).columns()
    texts = []
    for cells in zip(*questions.values(), strict=True):
        of = dict(zip(questions, cells, strict=True))
        answer = f", {classes[of['label']]}" if of["label"] != NO_LABEL else ""
        votes = f" ({of['votes']})" if of["votes"] else ""
        texts.append(f"asked in round {of['round']} by {of['strategy']}: {of['status']}{answer}{votes}")
    return "; ".join(texts) or "no person was asked"


def counts(final: State) -> list[str]:
    """Return the run in lines: labels by origin, rounds, questions, and each image whose annotators disagree."""
    labels, asked = final.labels, final.asked
    of = dict(zip(ORIGINS, np.bincount(labels.origin, minlength=len(ORIGINS)).tolist(), strict=True))
    n_by_status = {name: int(np.sum(asked.status == name)) for name in (ANSWERED, SKIPPED, *WAITING)}
    # The last summary is the last acceptance's; a round that stopped is the last one played.
    n_played = next((summary.round for summary in final.history[:-1] if summary.has_stopped), len(final.history) - 1)
    conflicts = asked.where(asked.votes.astype(bool))
    return [
        f"labelled: {int(labels.is_labelled.sum()):,} of {len(labels.label):,} images "
        f"({of['seed']:,} seed, {of['human']:,} human, {of['machine']:,} machine; {of['none']:,} none)",
        f"rounds: {n_played}, ended by {final.history[-1].stop}",
        f"asked: {len(asked):,} ({', '.join(f'{count:,} {name}' for name, count in n_by_status.items())})",
        *(
            f"disagreement on row {row}: {votes} ({status})"
            for row, votes, status in zip(conflicts.row, conflicts.votes, conflicts.status, strict=True)
        ),
    ]
