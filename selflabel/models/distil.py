"""The last classifier teaches a student, a CNN, what it says of the whole pool, and learns how images look from it."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from selflabel import files
from selflabel.features import feature_set
from selflabel.features.feature_set import FeatureSet
from selflabel.labels.state import State
from selflabel.labels.table import Labels
from selflabel.models import predict
from selflabel.models import student as cnn
from selflabel.models.predict import FitConfig, StudentPredictions
from selflabel.models.student import StudentConfig


class JoinConfig(NamedTuple):
    """How a student joins the last acceptance (params.yaml's student.embedding and student.weight).

    ``embedding``: whether its last layer joins the features and the graph. ``weight``: in [0, 1], its share in the mean
    of its probabilities and the classifier's; 0 to ask it nothing.
    """

    embedding: bool
    weight: float


class StudentOutput(NamedTuple):
    """A student's output for pool and test images, float32: class probabilities (N, n_classes), embeddings (N, E)."""

    pool_probabilities: np.ndarray
    test_probabilities: np.ndarray
    pool_embedding: np.ndarray
    test_embedding: np.ndarray


def teach(
    before: State,
    features: FeatureSet,
    pool_images: np.ndarray,
    test_images: np.ndarray,
    *,
    config: FitConfig,
    student: StudentConfig,
    classes: Sequence[str],
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> tuple[list[np.ndarray], StudentOutput]:
    """Return a student's weights, and what it says.

    ``before``: the state after the rounds, its answers included. ``config``: how its teacher learns. Images: uint8
    (N, height, width) and (M, height, width).
    """
    predictions = predict.fit_predict(
        before.labels, features, config, round_number=len(before.history) + 1, classes=classes, picked=before.picked
    )
    weights = cnn.train(pool_images, targets(predictions.pool, before.labels), student=student, progress=progress)
    pool, test = (
        cnn.look(weights, images, student=student, n_classes=len(classes)) for images in (pool_images, test_images)
    )
    return weights, StudentOutput(pool[0], test[0], pool[1], test[1])


def write(folder: Path, output: StudentOutput) -> None:
    """Write what a student says, a file for each array."""
    for name, array in output._asdict().items():
        files.write_array(Path(folder, f"{name}.npy"), array)


def read(folder: Path) -> StudentOutput:
    """Return what ``write`` left in a folder."""
    return StudentOutput(*(files.read_array(Path(folder, f"{name}.npy")) for name in StudentOutput._fields))


def targets(probabilities: np.ndarray, labels: Labels) -> np.ndarray:
    """Return float32 (N, n_classes): the probabilities, but one-hot where a person gave the label."""
    targets = np.array(probabilities, np.float32)
    human_rows = np.flatnonzero(labels.is_human)
    targets[human_rows] = np.eye(targets.shape[1], dtype=np.float32)[labels.label[human_rows]]
    return targets


def joined(
    features: FeatureSet, output: StudentOutput, config: JoinConfig
) -> tuple[FeatureSet, StudentPredictions | None]:
    """Return what the last acceptance is to read: features, with the embedding if wanted, and whom to ask as well."""
    if config.embedding:
        features = feature_set.with_embedding(features, output.pool_embedding, output.test_embedding)
    if not config.weight:
        return features, None
    return features, StudentPredictions(output.pool_probabilities, output.test_probabilities, config.weight)
