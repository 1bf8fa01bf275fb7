"""The loop: one round is fit, score, select, apply."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from selflabel import classifiers, confidence, history, rules
from selflabel.chunks import chunks
from selflabel.labels import CONFIDENCE_DECIMALS, Labels

SCORING_CHUNK = 10_000


class Held(NamedTuple):
    """What a round reads besides the labels: features float32 of the pool (N, D) and of the test images (M, D)."""

    pool: np.ndarray
    test: np.ndarray


class Round(NamedTuple):
    """What a round leaves behind.

    ``test_probabilities``: float32 (M, n_classes), of the classifier fitted at the round's start.
    """

    labels: Labels
    summary: dict
    test_probabilities: np.ndarray


def play(
    labels: Labels,
    features: Held,
    *,
    round_number: int,
    rule: rules.Rule,
    recipe: classifiers.Recipe,
    classes: Sequence[str],
    true_labels: np.ndarray | None = None,
) -> Round:
    """Return one round: fit on all labels, score the unlabelled rows, accept what ``rule`` says.

    An accepted row gets the predicted label. ``true_labels``, int (N,), gives it the true one instead: the
    tutorial's label leak, there to be measured and for nothing else.
    """
    n_classes = len(classes)
    rows = np.flatnonzero(~labels.is_labelled)
    score = fit(labels, features.pool, recipe=recipe, n_classes=n_classes, round_number=round_number)
    probabilities = predict(score, features.pool, rows, n_classes=n_classes)
    accepted = rules.accept(probabilities, rule, round_number=round_number)
    given = probabilities.argmax(axis=1) if true_labels is None else true_labels[rows]
    labels = labels.with_machine_labels(
        rows[accepted], given[accepted], probabilities.max(axis=1)[accepted], round_number=round_number
    )
    test_rows = np.arange(len(features.test))
    test_probabilities = predict(score, features.test, test_rows, n_classes=n_classes).astype(np.float32)
    summary = history.summarise(labels, round_number, rules.threshold(rule, round_number), classes)
    return Round(labels, summary, test_probabilities)


def predict(score: classifiers.Scorer, features: np.ndarray, rows: np.ndarray, *, n_classes: int) -> np.ndarray:
    """Return float64 (len(rows), n_classes), the probabilities of some rows, rounded to six decimals.

    Computed in chunks, so that memory stays flat.
    """
    probabilities = np.empty((len(rows), n_classes))
    for chunk in chunks(len(rows), SCORING_CHUNK):
        probabilities[chunk] = confidence.ovr_logistic(score(features[rows[chunk]]))
    # Once and here, so that what is compared with a threshold is what is written down.
    return np.round(probabilities, CONFIDENCE_DECIMALS)


def play_all(labels: Labels, features: Held, *, iterations: int, **options) -> Labels:
    """Return the labels after ``iterations`` rounds; ``options`` go to ``play``."""
    for number in range(1, iterations + 1):
        labels = play(labels, features, round_number=number, **options).labels
    return labels


def fit(
    labels: Labels, pool: np.ndarray, *, recipe: classifiers.Recipe, n_classes: int, round_number: int = 0
) -> classifiers.Scorer:
    """Return the scorer of a classifier fitted on every labelled row of ``pool``, float32 (N, D)."""
    rows = np.flatnonzero(labels.is_labelled)
    return classifiers.fit(recipe, pool[rows], labels.label[rows], n_classes=n_classes, round_number=round_number)
