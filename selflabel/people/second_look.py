"""Look again at labels that people gave: which of them classifiers contradict, and the queue that asks once more."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from selflabel import files
from selflabel.features import feature_set
from selflabel.features.feature_set import FeatureSet
from selflabel.labels import answers, provenance, state
from selflabel.labels.answers import Answer
from selflabel.labels.classes import Classes
from selflabel.labels.pool_index import PoolIndex
from selflabel.labels.questions import AGAIN, AskedQuestions
from selflabel.labels.state import State
from selflabel.markdown import markdown_table
from selflabel.models import predict
from selflabel.models.predict import FitConfig
from selflabel.models.suspects import Suspects, suspects
from selflabel.people.tools import ANSWERS, CLASSES, INDEX

# The labels before the audit, whose answers judge and are no labels here.
LABELS, FEATURES, GRAPH = "data/final", "data/features", "data/graph"


def look(fit: FitConfig, *, n: int | None = None, out: str | None = None) -> str:
    """Return a table of the labels by people that classifiers contradict, the most strongly contradicted first.

    ``fit``: how the rounds fit. ``n``: how many labels, at least 1; None: those that confident learning marks. ``out``:
    a file that is not there yet, for the queue of these images. Raises ``ValueError`` where there is nothing out of
    fold.
    """
    if n is not None and n < 1:
        raise ValueError(f"--n must be at least 1, got {n}")
    if out is not None and Path(out).exists():
        raise ValueError(f"--out must be a file that is not there yet, got {out}, which may hold answers")
    final, classes, index = state.read(LABELS), Classes.read(CLASSES), PoolIndex.read(INDEX)
    columns = files.read_columns(Path(LABELS, "labels.arrow"), "hash", "annotator")
    if not np.array_equal(columns["hash"], index.hash):
        raise ValueError(f"{LABELS} must be about the images of {INDEX}, got others: `dvc repro` labels these")
    given = answers.parse(files.read_text(ANSWERS), source=ANSWERS, classes=classes, known=index.hash.tolist())
    features = feature_set.read(Path(FEATURES), Path(GRAPH))
    human_rows, told = judged(final, features, fit, classes)
    is_left = ~was_seen(final, index.hash, given)[human_rows]
    chosen = told.order[is_left[told.order]]
    chosen = chosen[told.is_marked[chosen]] if n is None else chosen[:n]
    n_marked, n_seen = int(np.sum(told.is_marked & is_left)), int(np.sum(~is_left))
    seen = f"; {n_seen:,} more have judged, or were looked at again" if n_seen else ""
    parts = [f"{n_marked:,} of {int(is_left.sum()):,} labels by people are suspects by confident learning{seen}"]
    if len(chosen):
        rows = human_rows[chosen]
        cells = {"row": rows, "hash": index.hash[rows]}
        cells |= {} if index.path is None else {"path": index.path[rows]}
        cells |= {
            "given": classes.names(final.labels.label[rows]),
            "likeliest other": classes.names(told.other[chosen]),
            "self-confidence": np.char.mod("%.6f", told.confidence[chosen]),
            "given by": np.where(columns["annotator"][rows] == "", "a seed label", columns["annotator"][rows]),
            "suspect": np.where(told.is_marked[chosen], "yes", "no"),
        }
        parts.append(markdown_table(list(cells), list(zip(*cells.values(), strict=True))))
    if out is not None:
        files.write_table(out, queue(human_rows[chosen], index, round_number=len(final.history)))
        parts.append(
            f"{out} asks about {len(chosen):,} images once more: fill in its column label (a class or skip), then "
            f"`selflabel answer {out} --annotator NAME`"
        )
    return "\n\n".join(parts)


def judged(final: State, features: FeatureSet, fit: FitConfig, classes: Classes) -> tuple[np.ndarray, Suspects]:
    """Return the human-labelled rows, int64 (n,) ascending, and how suspect the label of each is.

    The folds are those of the last acceptance, and so are the classifiers where human labels alone teach. No student
    joins: it has learnt what classifiers say that have seen all labels. Raises ``ValueError`` without folds, or where
    people gave one class alone.
    """
    told = predict.fit_predict(final.labels, features, fit, round_number=len(final.history), classes=classes).held_out
    if told is None:
        raise ValueError(
            f"training.folds must be at least 2, and people's labels of two classes, so that labels are judged out of "
            f"fold, got {fit.folds} folds"
        )
    rows = np.flatnonzero(final.labels.is_human)
    return rows, suspects(told, final.labels.label[rows])


def was_seen(final: State, hashes: np.ndarray, given: Sequence[Answer]) -> np.ndarray:
    """Return bool (N,): the images about which there is nothing to ask once more.

    Somebody has looked at them again, or they have judged: to ask about those again would take their label away.
    ``hashes``: (N,), of the pool.
    """
    is_seen = np.isin(hashes, [answer.hash for answer in given if answer.strategy == AGAIN])
    is_seen[final.apart] = True
    return is_seen


def queue(rows: np.ndarray, index: PoolIndex, *, round_number: int) -> dict[str, list[Any]]:
    """Return the queue that asks about some rows, int64, once more, as `selflabel answer` takes it."""
    nobody = answers.look_up(rows, [""] * len(rows), {})
    asked = AskedQuestions.empty().with_replies(AGAIN, nobody, round_number=round_number)
    return provenance.queue_again(asked, index.hash, paths=index.path)
