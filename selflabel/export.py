"""The labelled data set as others read it: a row an image of the pool, with what is known of its label."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from selflabel import provenance
from selflabel.labels import ORIGINS, Labels
from selflabel.state import State


def audited(final: State) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of machine labels that people judged in the audit, and what they said: two of int64 (N',)."""
    is_answer = (final.asked["strategy"] == provenance.AUDIT) & (final.asked["status"] == "answered")
    return final.asked["row"][is_answer], final.asked["label"][is_answer]


def judged(final: State) -> tuple[int, int]:
    """Return how many machine labels people judged in the audit, and how many of them they found wrong."""
    rows, given = audited(final)
    # The last that the machine gave: by now some are people's.
    return len(rows), int(np.sum(final.machine_labels[-1][rows] != given))


def corrected(final: State) -> Labels:
    """Return the labels in which what people said in the audit stands in the place of the machine's.

    The audit itself leaves the machine's labels, for they are what it judges; who uses them wants the right ones.
    """
    rows, given = audited(final)
    # With audit.label_rest some are people's already.
    is_new = ~final.labels.is_human[rows]
    return final.labels.with_human_labels(rows[is_new], given[is_new], round_number=len(final.history))


def table(
    final: State, hashes: Sequence[str], classes: Sequence[str], *, certified: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the export's columns for the N rows of the pool, in their order, path still empty.

    hash; path; label (a class, or empty); origin (a word of ``ORIGINS``); round (int16, 0 for seed labels, −1 for
    none); confidence (float64 in [0, 1], NaN for none); certified (bool, as given); annotator (empty for machine and
    seed labels).
    """
    labels = corrected(final)
    told = provenance.columns(final._replace(labels=labels), hashes, classes)
    return {
        "hash": np.asarray(hashes, object),
        "path": np.full(len(hashes), "", object),
        "label": told["class"].astype(object),
        "origin": np.array(ORIGINS, object)[labels.origin],
        "round": labels.round,
        "confidence": labels.confidence,
        "certified": np.asarray(certified, bool),
        "annotator": told["annotator"],
    }


def sources(name: str, path: str, below: Sequence[str]) -> list[Path]:
    """Return a user's own files; ``name`` and ``path``: of the section dataset; ``below``: the index's column path."""
    root = Path(path) if name == "folder" else Path(path).parent
    return [root / file for file in below]


def path_from(folder: Path, file: Path, *, project: Path) -> str:
    """Return how a file is called from a folder of the project: relative if it is inside the project, else absolute.

    A project folder can be moved then, together with the images in it. ``project``: absolute.
    """
    absolute = os.path.normpath(project / file)
    return os.path.relpath(absolute, project / folder) if Path(absolute).is_relative_to(project) else absolute


def code(digests: Sequence[str]) -> str:
    """Return each line of several files of the stage ``code`` once, sorted, as ``sha256sum --check`` takes them."""
    return "".join(f"{line}\n" for line in sorted({line for text in digests for line in text.splitlines()}))
