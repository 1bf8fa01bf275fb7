"""The pictures of a run."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from selflabel.evaluation import plots
from selflabel.labels.classes import Classes
from selflabel.labels.table import Labels


def pictures(
    images: np.ndarray,
    labels: Labels,
    classes: Classes,
    *,
    mistakes: Mapping[str, np.ndarray],
    confusion_matrix: Mapping[str, np.ndarray],
    reliability: Mapping[str, np.ndarray],
    samples_per_class: int,
    seed: int,
) -> dict[str, Figure]:
    """Return the pictures of the images, uint8 (N, …), and the ``labels`` of a run, by file name.

    ``mistakes``, ``confusion_matrix``, ``reliability``: columns of the tables of `evaluate`.
    """
    generator = np.random.default_rng(seed)
    rows_by_class = [
        plots.choose(labels.label == index, labels.is_machine, n=samples_per_class, generator=generator)
        for index in range(len(classes))
    ]
    figures = {"samples": plots.samples(images, rows_by_class, labels.origin, classes=classes)}
    if len(mistakes["row"]):
        figures["mistakes"] = plots.mistakes(images, mistakes)
    # Where there are no test images, or nobody knows the truth, there is nothing of them to show.
    matrix = np.column_stack([confusion_matrix[name] for name in classes])
    if len(matrix):
        figures["confusion"] = plots.confusion(matrix, classes=classes)
    if len(reliability["of"]):
        figures["reliability"] = plots.reliability(reliability)
    return figures


def curves(rounds: Mapping[str, np.ndarray], report: Mapping[str, Any]) -> Figure:
    """Return the curves over the rounds; ``report``: the content of metrics/evaluate.json."""
    baselines = report.get("baselines", {})
    return plots.curves(rounds, {name: scores["accuracy"] for name, scores in baselines.items()})
