"""Where each label comes from: the final table's columns, the queue, one image's story."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from selflabel.labels.answers import JUDGING, MARK, REST, neutral
from selflabel.labels.history import RoundSummary
from selflabel.labels.state import OPEN, State
from selflabel.labels.table import NO_LABEL, ORIGINS

# Whose labels nobody who answers may be told: they are judged.
BLIND = tuple(name for name in JUDGING if name != REST)


def columns(final: State, hashes: Sequence[str], classes: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the final table's columns beside those of ``Labels``: hash, class, rule, threshold, annotator.

    rule and threshold are those in force when the label was last given by machine (threshold: NaN where the rule
    counts instead); annotator is who answered. ``hashes``: of the N pool rows.
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
    is_answered = (final.asked["status"] == "answered") & labels.is_human[final.asked["row"]]
    annotators[final.asked["row"][is_answered]] = final.asked["annotator"][is_answered]
    return {
        "hash": hashes,
        # The last name is for label −1, none.
        "class": np.array([*classes, ""])[labels.label],
        "rule": rules,
        "threshold": thresholds,
        "annotator": annotators,
    }


def _thresholds(summary: RoundSummary, classes: Sequence[str]) -> np.ndarray:
    if summary.class_thresholds:
        return np.array([summary.class_thresholds[name] for name in classes])
    return np.full(len(classes), np.nan if summary.threshold is None else summary.threshold)


def queue(
    final: State, hashes: Sequence[str], classes: Sequence[str], *, paths: Sequence[str] | None = None
) -> dict[str, list[Any]]:
    """Return the queue, a row a question without an answer, in the order in which they were asked.

    Columns queue (the queue's mark), hash, label, annotator, when, comment (the last four empty, for a person to fill
    in), row, round, strategy, status (open or tied), votes, and suggestion: the machine's label, if it has one. An
    audit gets none: who is to judge a label should not be told it first. ``paths``: of the images, where they are
    files; a column path. What a spreadsheet would take for a formula has an apostrophe before it.
    """
    is_open = np.isin(final.asked["status"], OPEN)
    asked = {name: final.asked[name][is_open] for name in ("row", "round", "strategy", "status", "votes")}
    empty = {name: np.full(is_open.sum(), "", object) for name in ("label", "annotator", "when", "comment")}
    suggestion = np.array([*classes, ""], object)[final.labels.label[asked["row"]]]
    suggestion[np.isin(asked["strategy"], BLIND)] = ""
    found = {MARK[0]: [MARK[1]] * int(is_open.sum()), "hash": np.asarray(hashes)[asked["row"]], **empty, **asked}
    found |= {"votes": asked["votes"], "suggestion": suggestion}
    found |= {} if paths is None else {"path": np.asarray(paths, object)[asked["row"]]}
    return found | {
        name: [neutral(cell) for cell in found[name]] for name in ("votes", "suggestion", "path") if name in found
    }


def missing(n_open: int, path: str) -> str:
    """Return what to do about questions without an answer, whose queue is in the file ``path``."""
    if not n_open:
        return "no answers missing"
    return (
        f"{n_open:,} answer{'s' * (n_open > 1)} missing: fill in the column label (a class or skip) in a copy of "
        f"{path}, then `selflabel answer COPY --annotator NAME` and `dvc repro`"
    )


def story(final: State, table: Mapping[str, np.ndarray], row: int, classes: Sequence[str]) -> list[str]:
    """Return five lines on the image in ``row``: what it is, whence its label, how sure, its rounds, its questions.

    ``table``: data/audit/labels.csv, ``Labels``, ``columns`` and certified together.
    """
    of = {name: column[row] for name, column in table.items()}
    rounds = [summary.round for summary in final.history]
    names = np.array([*classes, "–"])[final.machine_labels[:, row]] if rounds else []
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


def _asked(final: State, row: int, classes: Sequence[str]) -> str:
    found = np.flatnonzero(final.asked["row"] == row).tolist() if len(final.asked["row"]) else []
    texts = []
    for of in ({name: column[place] for name, column in final.asked.items()} for place in found):
        answer = f", {classes[of['label']]}" if of["label"] != NO_LABEL else ""
        votes = f" ({of['votes']})" if of["votes"] else ""
        texts.append(f"asked in round {of['round']} by {of['strategy']}: {of['status']}{answer}{votes}")
    return "; ".join(texts) or "no person was asked"


def counts(final: State) -> list[str]:
    """Return the run in lines: labels by origin, rounds, questions, and each image whose annotators disagree."""
    labels, asked = final.labels, final.asked
    of = dict(zip(ORIGINS, np.bincount(labels.origin, minlength=len(ORIGINS)).tolist(), strict=True))
    status = {name: int(np.sum(asked["status"] == name)) for name in ("answered", "skipped", *OPEN)}
    # The last summary is the last acceptance's; a round that stopped is the last one played.
    n_played = next((summary.round for summary in final.history[:-1] if summary.has_stopped), len(final.history) - 1)
    conflicts = np.flatnonzero(asked["votes"].astype(bool))
    return [
        f"labelled: {int(labels.is_labelled.sum()):,} of {len(labels.label):,} images "
        f"({of['seed']:,} seed, {of['human']:,} human, {of['machine']:,} machine; {of['none']:,} none)",
        f"rounds: {n_played}, ended by {final.history[-1].stop}",
        f"asked: {len(asked['row']):,} ({', '.join(f'{count:,} {name}' for name, count in status.items())})",
        *(f"disagreement on row {asked['row'][i]}: {asked['votes'][i]} ({asked['status'][i]})" for i in conflicts),
    ]
