"""The labelled data set as others read it: a row an image of the pool, with what is known of its label."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from selflabel.data.user_images import original_files
from selflabel.export import folders
from selflabel.labels import provenance
from selflabel.labels.classes import Classes
from selflabel.labels.pool_index import PoolIndex
from selflabel.labels.questions import AUDIT, AUDIT_OF_CLASS, BLIND
from selflabel.labels.state import State
from selflabel.labels.table import ORIGINS


class Dataset(NamedTuple):
    """The labelled data set, a row an image that there was, copies too, in the order of the listing.

    ``table``: the export's columns. ``rows``: int64, of each in the pool. ``files``: a user's own, none where the
    images are not files. ``names``: of the images' copies; ``places``: their paths from the export's folder, by the
    kind of folder. ``queue``: as in ``provenance.queue``, with those paths.
    """

    table: dict[str, np.ndarray]
    rows: np.ndarray
    files: list[Path]
    names: list[str]
    places: dict[str, list[str]]
    queue: dict[str, list[Any]]


class Source(NamedTuple):
    """Where the images come from: the section dataset's ``name`` and ``path``; the absolute folder ``project``."""

    name: str
    path: str
    project: Path


def build(
    released: State,
    index: PoolIndex,
    listed: PoolIndex,
    classes: Classes,
    source: Source,
    *,
    certified: np.ndarray,
    out: Path,
    has_folders: bool,
    has_imagefolder: bool,
) -> Dataset:
    """Return the data set of ``released`` labels as it is written to the folder ``out``.

    ``index``, ``listed``: of the pool, and with the copies. ``certified``: bool (N,). ``has_folders``,
    ``has_imagefolder``: which kinds of folders are wanted.
    """
    of_pool = table(released, index.hash, classes, certified=certified)
    columns = {name: column[listed.row] for name, column in of_pool.items()}
    files = original_files(source.name, source.path, () if listed.path is None else listed.path)
    endings = [folders.ending(file) for file in files] or [".png"] * len(listed)
    names = folders.file_names(columns["hash"], endings)
    places = folders.places(columns["label"], names, tree=has_folders, imagefolder=has_imagefolder)
    there = [path_from(out, file, project=source.project) for file in files] or columns["path"].tolist()
    columns["path"] = np.array(next(iter(places.values()), there), object)
    paths = np.full(len(index), "", object)
    # Of copies the first.
    paths[listed.row[::-1]] = columns["path"][::-1]
    queue = provenance.queue(released, index.hash, classes, paths=paths)
    return Dataset(columns, listed.row, files, names, places, queue)


def probabilities(released: State, told: np.ndarray) -> np.ndarray:
    """Return class probabilities without those of images that the audit still asks about, which are NaN.

    ``told``: float32 (N, n_classes), of the pool. Who answers must find none.
    """
    kept = np.array(told)
    kept[withheld(released)] = np.nan
    return kept


def judged(audited: State) -> tuple[int, int]:
    """Return how many machine labels people judged in the audit, and how many of them they found wrong."""
    answered = audited.asked.where(audited.asked.is_answered & np.isin(audited.asked.strategy, (AUDIT, AUDIT_OF_CLASS)))
    # The last that the machine gave: by now some are people's.
    return len(answered), int(np.sum(audited.machine_labels[-1][answered.row] != answered.label))


def withheld(released: State) -> np.ndarray:
    """Return the rows, int64, whose machine label an open question of the audit is about."""
    return released.asked.row[released.asked.is_waiting & np.isin(released.asked.strategy, BLIND)]


def table(released: State, hashes: np.ndarray, classes: Classes, *, certified: np.ndarray) -> dict[str, np.ndarray]:
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


def path_from(folder: Path, file: Path, *, project: Path) -> str:
    """Return how a file is called from a folder of the project: relative if it is inside the project, else absolute.

    A project folder can be moved then, together with the images in it. ``project``: absolute.
    """
    absolute = os.path.normpath(project / file)
    return os.path.relpath(absolute, project / folder) if Path(absolute).is_relative_to(project) else absolute


def code(digests: Sequence[str]) -> str:
    """Return each line of several files of the stage ``code`` once, sorted, as ``sha256sum --check`` takes them."""
    return "".join(f"{line}\n" for line in sorted({line for text in digests for line in text.splitlines()}))
