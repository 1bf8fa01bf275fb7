"""One arm of the study: a whole run in one process, for one draw of the seed labels, judged by the truth."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from selflabel.evaluation import metrics
from selflabel.features.feature_set import FeatureSet
from selflabel.labels import answers, seeds, state
from selflabel.labels.state import State
from selflabel.labels.table import Labels
from selflabel.loop.run import RunConfig, last_round, run_loop
from selflabel.models import distil


class Data(NamedTuple):
    """Features, truth and images of the pool (N) and of test images (M).

    Truth: int (N,) and (M,); images: uint8 (N, height, width) and (M, …).
    """

    features: FeatureSet
    pool_truth: np.ndarray
    test_truth: np.ndarray
    pool_images: np.ndarray
    test_images: np.ndarray
    classes: Sequence[str]


def rounds_of(
    config: RunConfig,
    features: FeatureSet,
    truth: np.ndarray,
    classes: Sequence[str],
    *,
    percentage: float,
    seed: int,
    true_labels: np.ndarray | None = None,
) -> State:
    """Return the state after the rounds from one draw of the seed labels, all questions answered from the truth.

    ``truth``: int (N,), of the pool. ``true_labels``: as in ``run_round``. The others as in ``run_arm``.
    """
    rows = seeds.draw_seed_rows(truth, percentage=percentage, seed=seed, classes=classes)
    return run_loop(
        state.first(Labels.from_seeds(rows, truth[rows], n_rows=len(truth))),
        features,
        n_rounds=config.n_rounds,
        config=config.each,
        classes=classes,
        answer=lambda asked: answers.from_truth(asked, truth),
        true_labels=true_labels,
    )


def run_arm(
    config: RunConfig,
    data: Data,
    *,
    percentage: float,
    seed: int,
    has_true_labels: bool,
    has_classes: bool = False,
) -> dict[str, Any]:
    """Return the figures of one run, all of whose draws come from ``seed``.

    accuracy (test images) and label_accuracy (machine labels; left out where there are none), in [0, 1], coverage,
    human_labels, how many true labels the last classifier learnt from, and the word that ended the rounds.
    ``percentage``: of each class, in (0, 100], seed labels. ``has_true_labels``: what is accepted gets its true label,
    which leaves the effect of the selection alone. ``has_classes``: add precision, recall and f1 of each class.
    """
    config, truth = config.with_seed(seed), data.pool_truth
    leaked = truth if has_true_labels else None
    before = rounds_of(config, data.features, truth, data.classes, percentage=percentage, seed=seed, true_labels=leaked)
    student = None
    if config.student:
        _, student = distil.teach(
            before,
            data.features,
            data.pool_images,
            data.test_images,
            config=config.each.fit,
            student=config.student,
            classes=data.classes,
        )
    last = last_round(
        before,
        data.features,
        config=config.last,
        classes=data.classes,
        student=student,
        join=config.join,
        true_labels=leaked,
    )
    final = last.state.ended(before)
    predicted = last.test_probabilities.argmax(axis=1)
    has_learnt_from = before.labels.is_labelled if has_true_labels else before.labels.is_human
    by_class = metrics.per_class(data.test_truth, predicted, classes=data.classes) if has_classes else {}
    return {
        "seed": seed,
        "accuracy": metrics.accuracy(data.test_truth, predicted),
        **metrics.pool_scores(final.labels, truth),
        "human_labels": int(final.labels.is_human.sum()),
        "true_labels": int(has_learnt_from.sum()),
        **{name: by_class[name].tolist() for name in ("precision", "recall", "f1") if by_class},
        "stop": final.history[-1].stop,
    }
