"""Set params.yaml and the rounds table for data of one's own, by how many images and labels there are."""

import importlib.util
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from selflabel import files
from selflabel.config import load
from selflabel.data import sources, user_images
from selflabel.labels import seeds

# What a person answers in an hour or two, unless the pool is small; the default's, for tens of thousands of images.
MOST_QUESTIONS, MOST_AUDITED, LEAST_AUDITED = 540, 500, 100
ROUNDS = 3  # each waits for a person
FOLDS = 3
LOOKED_AT = 200  # images, evenly spread
GREY = ("1", "L", "LA", "I", "I;16", "I;16B", "F")  # Pillow's modes
# Pixels of a side: up to which HOG is chosen, of grey images, for it sees neither colour nor what a picture shows; and
# at which all are kept to be looked at, while a network sees the original files.
LARGEST_HOG, LARGEST_SIDE = 32, 64
NETWORK, HOG = "efficientnet_lite0", ["hog_fine", "hog_coarse"]
# What ``settings`` sets: of data of one's own these are about the data, and no preset's.
OWN_VALUES = frozenset({
    "dataset.name", "dataset.path", "dataset.classes", "dataset.image_size", "dataset.colour",
    "seed_labels.percentage", "answers.source", "self_label.iterations", "training.confidence", "training.folds",
    "stopping.precision_margin", "smoothing.adapt", "ask.per_round", "ask.budget", "audit.size", "audit.planned",
    "leak.iterations", "features.extractor",
})  # fmt: skip


def begin(place: str, text: str, classes: Sequence[str] = ()) -> tuple[dict[str, Any], str, str]:
    """Return the values to set for the data at ``place``, by dotted name, params.yaml's text with them set, and why.

    The last in lines: which folders were taken for what, where that is not the usual one, and why the extractor.

    ``text``: of params.yaml as it is. ``classes``: beside those that the data names; left out, those that params.yaml
    has for the same data. Raises ``ValueError`` where the data cannot be used.
    """
    # Absolute, so that experiments in other folders find it.
    path = Path(place).expanduser().resolve()
    before = files.parse_yaml(text).get("dataset") or {}
    if not classes and before.get("path") == str(path):
        classes = before.get("classes") or ()
    data = look(kind_of(path), str(path), classes)
    values = settings(data)
    text = edited(text, values)
    load.parse(files.parse_yaml(text), source="params.yaml")
    return values, text, "\n".join(filter(None, [data.layout and f"layout: {data.layout}", why(data)]))


def rounds_table(n: int) -> str:
    """Return the text of rounds/table.yaml with ``n`` rounds."""
    head = f"# Written by `make rounds N={n}`: the rounds there are, and the one each goes on from."
    rows = [f'  "{number}": {{after: {number - 1}}}' for number in range(1, n + 1)]
    return "\n".join([head + " DVC wants the numbers quoted.", "rounds:", *rows]) + "\n"


def kind_of(path: Path) -> str:
    """Return dataset.name for what is at ``path``; raise ``ValueError`` if it is nothing that can be read."""
    if path.is_dir():
        is_idx = any((path / f"{sources.FILES['pool', 'images']}{ending}").is_file() for ending in ("", ".gz"))
        return "idx" if is_idx else "folder"
    if path.is_file() and path.suffix.lower() in (".csv", ".npz"):
        return path.suffix.lower().removeprefix(".")
    raise ValueError(
        f"DIR must be a folder of images or of IDX files, a .csv manifest or an .npz file, got {str(path)!r}"
    )


class OwnData(NamedTuple):
    """Facts about data of one's own, as far as one can tell without decoding an image."""

    kind: str  # dataset.name
    path: str  # dataset.path
    n_unlabelled: int  # images of the pool
    given: Mapping[str, int]  # labels given of each class
    side: int  # of a typical image, pixels
    is_colour: bool  # most images are
    layout: str = ""  # which folders were taken for what, in words
    classes: Sequence[str] = ()  # dataset.classes


def look(kind: str, path: str, classes: Sequence[str] = ()) -> OwnData:
    """Return what there is at a path; of some images the header is read, none is decoded.

    Raises ``ValueError`` where the data cannot be used.
    """
    listing = user_images.survey(kind, path, classes)
    entries = listing.entries[:: -(-len(listing.entries) // LOOKED_AT)]
    shapes = [shape for entry in entries if (shape := _shape(entry.source))]
    given = user_images.given(listing)
    n_pool = sum(entry.split == "pool" for entry in listing.entries)
    return OwnData(
        kind=kind,
        path=path,
        n_unlabelled=n_pool - sum(given.values()),
        given=given,
        side=int(median(side for side, _ in shapes)) if shapes else 0,
        is_colour=2 * sum(is_colour for _, is_colour in shapes) > len(shapes),
        layout=listing.layout,
        classes=classes,
    )


def _shape(source: str | np.ndarray) -> tuple[int, bool] | None:
    """Return an image's longer side in pixels and whether it has colours; None if its header cannot be read."""
    if isinstance(source, np.ndarray):
        return max(source.shape[:2]), source.ndim == 3
    try:
        with Image.open(source) as image:
            return max(image.size), image.mode not in GREY
    except (OSError, ValueError):
        # The run says what is wrong with it.
        return None


def settings(data: OwnData) -> dict[str, object]:
    """Return values of params.yaml by dotted name; the others are to stay as they are."""
    fewest, n_unlabelled = min(data.given.values(), default=0), data.n_unlabelled
    # Where all labels are given it is a benchmark, of which some are drawn and the others are the truth.
    is_benchmark = n_unlabelled == 0 and fewest > 0
    percentage = min(100, max(10, math.ceil(100 * FOLDS / fewest))) if is_benchmark else 100
    if is_benchmark:
        n_unlabelled = sum(data.given.values()) * (100 - percentage) // 100
        fewest = seeds.count(fewest, percentage)
    n_questions = min(MOST_QUESTIONS, math.ceil(n_unlabelled / 10))
    n_audited = min(max(LEAST_AUDITED, math.ceil(n_unlabelled / 10)), MOST_AUDITED, max(n_unlabelled, 0))
    # Of a benchmark's class with one label nothing can be held out; of people's, more labels come.
    n_folds = min(FOLDS, fewest) if is_benchmark else FOLDS
    has_folds = n_folds >= 2
    return {
        "dataset.name": data.kind,
        "dataset.path": data.path,
        "dataset.classes": list(data.classes),
        "dataset.image_size": min(max(data.side, 8), LARGEST_SIDE),
        "dataset.colour": data.is_colour,
        "seed_labels.percentage": percentage * 1.0,
        "answers.source": "simulated" if is_benchmark else "people",
        "self_label.iterations": ROUNDS,
        "training.confidence": "temperature" if has_folds else "ovr_logistic",
        "training.folds": n_folds if has_folds else 0,
        "stopping.precision_margin": 0.1 if has_folds else 1.0,
        "smoothing.adapt": has_folds,
        "ask.per_round": math.ceil(n_questions / ROUNDS),
        "ask.budget": n_questions,
        "audit.size": n_audited,
        "audit.planned": max(n_audited, 1),
        "leak.iterations": 0,
        "features.extractor": NETWORK if wants_network(data) and can_run_networks() else HOG,
    }


def wants_network(data: OwnData) -> bool:
    """Return whether a network that knows what things look like is the better choice: of coloured or larger images."""
    return data.is_colour or data.side > LARGEST_HOG


def can_run_networks() -> bool:
    """Return whether what runs networks is installed."""
    return all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime"))


def why(data: OwnData) -> str:
    """Return in a sentence why the extractor was chosen."""
    kind = f"{'coloured' if data.is_colour else 'grey'} images of {data.side} pixels a side"
    if not wants_network(data):
        return f"features.extractor is {' and '.join(HOG)}: {kind} are told apart by their shapes"
    if can_run_networks():
        return f"features.extractor is {NETWORK}: {kind} are told apart by what they show, which it has learnt"
    return (
        f"features.extractor is {' and '.join(HOG)}, for want of onnx and onnxruntime: {kind} are told apart better by "
        f"{NETWORK} (`pip install 'selflabel[photographs]'`, then `selflabel init` once more)"
    )


def edited(text: str, values: Mapping[str, object]) -> str:
    """Return the text of a params.yaml with other values, by dotted name; all else stays, comments too.

    Raises ``ValueError`` for a name that is not there.
    """

    def change(tree: Any) -> None:
        for name, value in values.items():
            section, key = name.split(".")
            if key not in (tree.get(section) or {}):
                raise ValueError(f"params.yaml must have {name}")
            tree[section][key] = value

    return files.edit_yaml(text, change)
