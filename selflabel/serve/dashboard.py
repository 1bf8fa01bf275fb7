"""The run at a glance, for the page beside the one for labelling: read only, and without a hint for who answers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from selflabel.audit import wording
from selflabel.labels import provenance
from selflabel.labels import table as label_table
from selflabel.labels.history import RoundSummary
from selflabel.labels.questions import BLIND
from selflabel.labels.state import State
from selflabel.labels.table import ORIGINS
from selflabel.rounding import rounded
from selflabel.serve.project import Project, Rounds

# Images of the gallery on one page.
PER_PAGE = 40


def state_of(rounds: Rounds) -> State:
    """Return the newest state: after the audit, or after the last round."""
    return rounds.audit.after if rounds.audit else rounds.states[-1]


def hidden(state: State) -> np.ndarray:
    """Return the rows, int64, that an audit still asks about: who answers must find nothing about them."""
    asked = state.asked
    return asked.row[asked.is_waiting & np.isin(asked.strategy, BLIND)]


def overview(rounds: Rounds, project: Project, tested: Mapping[str, np.ndarray] | None) -> dict[str, Any]:
    """Return the run in numbers, ready for JSON: counts, columns over the rounds, the certificate, the classes.

    ``tested``: the columns of metrics/rounds.csv, where they are of this run; None elsewhere.
    """
    state, audit = state_of(rounds), rounds.audit
    labels, classes = state.labels, project.classes
    origins = np.bincount(labels.origin, minlength=len(ORIGINS)).tolist()
    machine = np.bincount(labels.label[labels.is_machine], minlength=len(classes)).tolist()
    human = np.bincount(labels.label[labels.is_human], minlength=len(classes)).tolist()
    bounds = audit.classes["error_at_most"] if audit else []
    # A class that was named since has none.
    bounds = [*bounds, *[None] * (len(classes) - len(bounds))]
    return {
        "n_images": len(labels.label),
        "n_labelled": int(labels.is_labelled.sum()),
        "n_asked": state.n_asked,
        "n_certified": len(audit.certified) if audit else 0,
        "origins": dict(zip(ORIGINS, origins, strict=True)),
        "stop": state.history[-1].stop if state.history else "no",
        "rounds": curves(state.history, len(labels.label), tested),
        "certificate": wording.statements(audit.certificate) if audit else [],
        "shares": {name: rounded(column).tolist() for name, column in audit.shares.items()} if audit else {},
        "target": audit.certificate.target if audit else None,
        "classes": [
            {"name": name, "machine": of_machine, "human": of_human, "error_at_most": rounded(bound)}
            for name, of_machine, of_human, bound in zip(classes, machine, human, bounds, strict=True)
        ],
    }


def curves(
    history: list[RoundSummary], n_images: int, tested: Mapping[str, np.ndarray] | None
) -> dict[str, str | list[Any]]:
    """Return columns over the rounds: round, labelled (share of the images), human_labels, accuracy; and which it is.

    accuracy_of: test images, where there are some and the rounds were evaluated, else out of fold: how many of the
    human-given labels a classifier predicts right that has not learnt from them. None where that is not known.
    """
    accuracy: list[float | None] = [_out_of_fold(summary) for summary in history]
    what = "human labels, out of fold"
    if tested is not None and "test_accuracy" in tested and len(tested["test_accuracy"]) == len(history):
        accuracy, what = tested["test_accuracy"].tolist(), "test images"
    return {
        "round": [summary.round for summary in history],
        "labelled": [round(1 - summary.n_remaining / n_images, 6) for summary in history],
        "human_labels": [summary.human_labels for summary in history],
        "accuracy": accuracy,
        "accuracy_of": what,
    }


def _out_of_fold(summary: RoundSummary) -> float | None:
    if not summary.reliability or not summary.reliability["count"]:
        return None
    return round(float(np.average(summary.reliability["share_right"], weights=summary.reliability["count"])), 6)


def gallery(rounds: Rounds, project: Project, wanted: Mapping[str, str]) -> dict[str, Any]:
    """Return a page of the images that have what is ``wanted``, least confident first, ready for JSON.

    ``wanted``: class, origin, certified (yes or no), disagreement (yes: people differ), least and most (confidence),
    page from 0 on; what is not there restricts nothing. What an audit still asks about is not among them. Raises
    ``ValueError`` for a number that is none.
    """
    state = state_of(rounds)
    labels, n = state.labels, len(state.labels.label)
    is_shown, names = np.ones(n, bool), project.classes.names(labels.label)
    is_shown[hidden(state)] = False
    certified = np.isin(np.arange(n), rounds.audit.certified if rounds.audit else [])
    disputed = np.isin(np.arange(n), state.asked.row[state.asked.votes != ""])
    if wanted.get("class"):
        is_shown &= names == wanted["class"]
    if wanted.get("origin"):
        is_shown &= np.array(ORIGINS)[labels.origin] == wanted["origin"]
    for name, has in (("certified", certified), ("disagreement", disputed)):
        if wanted.get(name):
            is_shown &= has == (wanted[name] == "yes")
    confidence = np.nan_to_num(labels.confidence, nan=0.0)
    is_shown &= (confidence >= float(wanted.get("least") or 0)) & (confidence <= float(wanted.get("most") or 1))
    rows = np.flatnonzero(is_shown)
    rows = rows[np.argsort(confidence[rows], kind="stable")]
    first = PER_PAGE * max(0, int(wanted.get("page") or 0))
    return {
        "n": len(rows),
        "per_page": PER_PAGE,
        "items": [
            {
                "row": row,
                "label": str(names[row]),
                "origin": ORIGINS[labels.origin[row]],
                "confidence": round(float(confidence[row]), 4),
                "certified": bool(certified[row]),
            }
            for row in rows[first : first + PER_PAGE].tolist()
        ],
    }


def story(rounds: Rounds, project: Project, row: int) -> list[str]:
    """Return the lines on one image. Raises ``ValueError`` for one that an audit still asks about."""
    state = state_of(rounds)
    if row in hidden(state):
        raise ValueError(f"the audit still asks about the image in row {row}: its story is told when it is answered")
    table = label_table.to_columns(state.labels) | provenance.columns(state, project.index.hash, project.classes)
    certified = rounds.audit.certified if rounds.audit else np.empty(0, np.int64)
    table |= {"certified": np.isin(np.arange(len(state.labels.label)), certified)}
    return provenance.story(state, table, row, project.classes)
