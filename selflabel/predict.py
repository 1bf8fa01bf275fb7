"""Label new images with the classifier that labelled the pool: `selflabel predict DIR`.

The project is the model, or a copy of what it takes (``export.model``). The features are computed anew and compared
with those that the labels were made with; the new images stand where test images do, and the last acceptance's
classifier says what they are.
"""

import contextlib
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from selflabel import files
from selflabel.audit.certificate import Certificate
from selflabel.config import build, checks
from selflabel.config.load import Params, load
from selflabel.data import user_images
from selflabel.data.listing import POOL, Entry
from selflabel.embeddings import compute as embeddings
from selflabel.embeddings.pictures import Pictures
from selflabel.export import model
from selflabel.features import compute, extractors, feature_set
from selflabel.features.feature_set import FeatureSet
from selflabel.labels import state
from selflabel.labels.classes import Classes
from selflabel.labels.questions import Replies
from selflabel.loop.run import last_round
from selflabel.models import distil, student

DATA, OWN, CERTIFICATE = Path("data"), Path("embeddings"), Path("metrics/certificate.json")
COLUMNS = ("path", "hash", "label", "confidence", "as_sure_as_certified", "problem")


def with_model(folder: str, place: str, out: str, *, progress: Callable[..., Any] = iter) -> str:
    """Do as ``predict`` does, with a model that a project has handed over in a folder.

    It has the files of a project at their places. Raises ``ValueError`` where it is not whole, or of another version.
    """
    if not Path(folder, model.NOTES).is_file():
        raise ValueError(f"--model must be a folder with {model.NOTES}, such as data/export/model, got {folder!r}")
    model.check(Path(folder))
    place, out = str(Path(place).resolve()), str(Path(out).resolve())
    with contextlib.chdir(folder):
        return predict(place, out, progress=progress)


def predict(place: str, out: str, *, progress: Callable[..., Any] = iter) -> str:
    """Label the images below a folder, write a table, and return in a sentence how many there are.

    The table is CSV with a row a file, sorted: path, hash, label, confidence in [0, 1], as_sure_as_certified (yes where
    the confidence is at least that of every certified machine label, no elsewhere, empty where nothing is certified),
    and problem, why a file has no label, and so no confidence. Raises ``ValueError`` where the project has no final
    labels, or its features are of other parameters or images; and for a folder that is none.
    """
    if not Path(place).is_dir():
        raise ValueError(f"DIR must be a folder with images, got {place!r}")
    if not (DATA / "final/labels.arrow").exists():
        raise ValueError(f"{DATA}/final must hold the labels of a run, got none: `dvc repro` makes them")
    params, classes = load(), Classes.read(DATA / "raw/classes.json")
    entries = [
        Entry(path.relative_to(place).as_posix(), "", POOL, str(path))
        for path in sorted(Path(place).rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(place).parts)
    ]
    pool = files.read_array(DATA / "raw/pool_images.npy")
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        shape = (len(entries), *pool.shape[1:])
        images = stack.enter_context(files.scratch_array(work / "images", shape, np.dtype(np.uint8)))
        hashes, problems = user_images.decode(entries, images, max_pixels=params.dataset.max_pixels, progress=progress)
        usable = np.flatnonzero(np.array(problems, object) == "")
        probabilities = np.zeros((len(entries), len(classes)), np.float32)
        if len(usable):
            shown = np.asarray(images)[usable]
            keys = {"path": [entries[n].path for n in usable], "hash": [hashes[n] for n in usable]}
            paths = [Path(str(entries[n].source)) for n in usable]
            features = _features(params, pool, Pictures(shown, paths, params.dataset.max_pixels), keys, work)
            probabilities[usable] = _probabilities(params, features, shown, classes)
    confidence = probabilities.max(axis=1, initial=0)
    certified = Certificate.from_json(files.read_json(CERTIFICATE)).certified.threshold
    sure = np.where(confidence >= (certified or 0), "yes", "no") if certified is not None else np.full(len(entries), "")
    is_usable = np.isin(np.arange(len(entries)), usable)
    columns: list[list[Any]] = [
        [entry.path for entry in entries],
        hashes,
        np.where(is_usable, classes.names(probabilities.argmax(axis=1)), "").tolist(),
        np.where(is_usable, confidence.astype(np.float64).round(6), np.nan).tolist(),
        np.where(is_usable, sure, "").tolist(),
        problems,
    ]
    files.write_table(out, dict(zip(COLUMNS, columns, strict=True)))
    return f"{len(usable):,} images labelled in {out}; {len(entries) - len(usable):,} files cannot be used"


def _features(
    params: Params, pool: np.ndarray, pictures: Pictures, keys: dict[str, list[str]], work: Path
) -> FeatureSet:
    """Return the pool's features and graph, with the new images in the place of the test images."""
    vectors, options = {}, params.features.model_dump()
    for name in checks.extractors(params.features):
        if name in extractors.VECTORS:
            of_pool = files.read_array(DATA / f"embeddings/{name}_pool.npy")
            source = embeddings.source(name, options, OWN)
            of_new = np.empty((len(pictures), source.width), embeddings.DTYPE)
            source.fill(pictures, keys, of_new, iter)
            vectors[name] = (of_pool, of_new)
    compute.features(options, pool, pictures.images, work / "features", vectors)
    made, known = (files.read_array(folder / "features/pool.npy") for folder in (work, DATA))
    if made.shape != known.shape or not np.array_equal(made, known):
        raise ValueError(
            f"{DATA}/features must be those of params.yaml and of these images, got others: `dvc repro` renews them"
        )
    neighbours = params.graph.neighbours
    compute.graph(work / "features", work / "graph", n_neighbours=neighbours, components=params.graph.components)
    read = feature_set.read(work / "features", work / "graph")
    # The folder is gone when the labels are made.
    return read._replace(pool=np.array(read.pool), test=np.array(read.test))


def _probabilities(params: Params, features: FeatureSet, images: np.ndarray, classes: Classes) -> np.ndarray:
    """Return float32 (M, n_classes), calibrated, of the new images."""
    n_rounds = params.self_label.iterations
    before = state.read(DATA / f"rounds/{n_rounds}").answered(Replies.read(DATA / f"answers/{n_rounds}.csv"))
    # What the rounds said of other test images is nobody's question here.
    before = before._replace(test_labels=np.zeros((len(before.history), len(images)), np.int16))
    join, network, taught = build.join(params), build.student(params), None
    if join and network:
        known = distil.read(DATA / "student")
        weights = files.read_arrays(DATA / "student/weights.npz")
        said, embedding = student.look(weights, images, student=network, n_classes=len(classes))
        taught = known._replace(test_probabilities=said, test_embedding=embedding)
    config = build.last_round(params)
    last = last_round(before, features, config=config, classes=classes, student=taught, join=join)
    return np.asarray(last.test_probabilities)
