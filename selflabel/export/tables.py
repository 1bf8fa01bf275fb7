"""The labelled data set as others read it: a row an image of the pool, with what is known of its label."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from selflabel.labels import provenance
from selflabel.labels.answers import AUDIT
from selflabel.labels.state import OPEN, State
from selflabel.labels.table import ORIGINS


def judged(audited: State) -> tuple[int, int]:
    """Return how many machine labels people judged in the audit, and how many of them they found wrong."""
    is_answer = (audited.asked["strategy"] == AUDIT) & (audited.asked["status"] == "answered")
    rows, given = audited.asked["row"][is_answer], audited.asked["label"][is_answer]
    # The last that the machine gave: by now some are people's.
    return len(rows), int(np.sum(audited.machine_labels[-1][rows] != given))


def withheld(released: State) -> np.ndarray:
    """Return the rows, int64, whose machine label an open question of the audit is about."""
    is_open = np.isin(released.asked["strategy"], provenance.BLIND) & np.isin(released.asked["status"], OPEN)
    return released.asked["row"][is_open]


def table(
    released: State, hashes: Sequence[str], classes: Sequence[str], *, certified: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the export's columns for the N rows of the pool, in their order, path still empty.

    hash; path; label (a class, or empty); origin (a word of ``ORIGINS``); round (int16, 0 for what was there before
    round 1, −1 for none); confidence (float64 in [0, 1], NaN for none); certified (bool, as given); annotator (empty
    for machine and seed labels). What the audit still asks has no label: who answers must find none.
    """
    rows, is_told = withheld(released), np.ones(len(hashes), bool)
    is_told[rows] = False
    labels = released.labels.without_machine_labels(rows)
    told = provenance.columns(released._replace(labels=labels), hashes, classes)
    return {
        "hash": np.asarray(hashes, object),
        "path": np.full(len(hashes), "", object),
        "label": told["class"].astype(object),
        "origin": np.array(ORIGINS, object)[labels.origin],
        "round": labels.round,
        "confidence": labels.confidence,
        "certified": np.asarray(certified, bool) & is_told,
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
