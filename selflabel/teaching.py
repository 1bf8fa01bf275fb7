"""The last classifier teaches a student, a CNN, what it says of the whole pool, and learns how images look from it."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from selflabel import files, held, opinions
from selflabel import student as cnn
from selflabel.held import Held
from selflabel.labels import Labels
from selflabel.opinions import Predictions, Settings
from selflabel.state import State
from selflabel.student import Student


class Taught(NamedTuple):
    """What a student says of pool and test images, float32: class probabilities (N, n_classes), embeddings (N, E)."""

    pool_probabilities: np.ndarray
    test_probabilities: np.ndarray
    pool_embedding: np.ndarray
    test_embedding: np.ndarray


def teach(
    before: State,
    features: Held,
    pool_images: np.ndarray,
    test_images: np.ndarray,
    *,
    settings: Settings,
    student: Student,
    classes: Sequence[str],
    progress: Callable[[Iterable], Iterable] = iter,
) -> tuple[list[np.ndarray], Taught]:
    """Return a student's weights, and what it says.

    ``before``: the state after the rounds, its answers included. ``settings``: how its teacher learns. Images: uint8
    (N, height, width) and (M, height, width).
    """
    opinion = opinions.form(
        before.labels, features, settings, round_number=len(before.history) + 1, classes=classes, picked=before.picked
    )
    weights = cnn.train(pool_images, targets(opinion.pool, before.labels), student=student, progress=progress)
    pool, test = (
        cnn.look(weights, images, student=student, n_classes=len(classes)) for images in (pool_images, test_images)
    )
    return weights, Taught(pool[0], test[0], pool[1], test[1])


def joined(
    features: Held, folder: Path, *, epochs: int, embedding: bool, weight: float
) -> tuple[Held, Predictions | None]:
    """Return what ``learnt`` does of the student that was written into a folder; with ``epochs`` 0 there is none."""
    if not epochs:
        return features, None
    taught = Taught(*(files.read_array(Path(folder, f"{name}.npy")) for name in Taught._fields))
    return learnt(features, taught, embedding=embedding, weight=weight)


def targets(probabilities: np.ndarray, labels: Labels) -> np.ndarray:
    """Return float32 (N, n_classes): the probabilities, but one-hot where a person gave the label."""
    found = np.array(probabilities, np.float32)
    human = np.flatnonzero(labels.is_human)
    found[human] = np.eye(found.shape[1], dtype=np.float32)[labels.label[human]]
    return found


def learnt(features: Held, taught: Taught, *, embedding: bool, weight: float) -> tuple[Held, Predictions | None]:
    """Return what the last acceptance is to read: features, with the embedding if wanted, and whom to ask as well.

    ``weight``: the student's share in the mean of the probabilities; 0 to ask it nothing.
    """
    if embedding:
        features = held.with_embedding(features, taught.pool_embedding, taught.test_embedding)
    asked = Predictions(taught.pool_probabilities, taught.test_probabilities, weight) if weight else None
    return features, asked
