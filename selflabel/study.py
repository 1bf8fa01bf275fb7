"""One arm of the study: a whole run in one process, for one draw of the seed labels, judged by the truth."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from selflabel import answers, metrics, rounds, seeds, settings, state, teaching
from selflabel.held import Held
from selflabel.labels import Labels
from selflabel.params import Params
from selflabel.student import Student


class Data(NamedTuple):
    """What is held of pool (N) and test images (M); truth int (N,), (M,); images uint8 (N, height, width), (M, …)."""

    features: Held
    pool_truth: np.ndarray
    test_truth: np.ndarray
    pool_images: np.ndarray
    test_images: np.ndarray
    classes: Sequence[str]


def play(params: Params, data: Data, *, seed: int, has_true_labels: bool, has_classes: bool = False) -> dict:
    """Return the figures of one run as ``params`` say, of which only the seed is another.

    accuracy (test images) and label_accuracy (machine labels; left out where there are none), in [0, 1], coverage,
    human_labels, how many true labels the last classifier learnt from, and the word that ended the rounds.
    ``has_true_labels``: what is accepted gets its true label, which leaves the effect of the selection alone.
    ``has_classes``: add precision, recall and f1 of each class.
    """
    truth = data.pool_truth
    rows = seeds.draw_seed_rows(truth, percentage=params.seed_labels.percentage, seed=seed, classes=data.classes)
    # An arm's draws differ from seed to seed, as the seed labels do.
    loop, last = (
        options._replace(ask=options.ask and options.ask._replace(seed=seed), recipe=options.recipe._replace(seed=seed))
        for options in (settings.loop(params), settings.last(params))
    )
    options = {"classes": data.classes, "true_labels": truth if has_true_labels else None}
    before = rounds.play_all(
        state.first(Labels.from_seeds(rows, truth[rows], n_rows=len(truth))),
        data.features,
        iterations=params.self_label.iterations,
        answer=lambda asked: answers.from_truth(asked, truth),
        settings=loop,
        **options,
    )
    features, student = data.features, None
    if params.student.epochs:
        learner = Student(**dict(params.student))._replace(seed=seed)
        images = (data.pool_images, data.test_images)
        _, taught = teaching.teach(before, features, *images, settings=loop, student=learner, classes=data.classes)
        features, student = teaching.learnt(features, taught, embedding=learner.embedding, weight=learner.weight)
    number = len(before.history) + 1
    played = rounds.play(before, features, round_number=number, settings=last, student=student, **options)
    final = played.state.ended(before)
    predicted = played.test_probabilities.argmax(axis=1)
    learnt = before.labels.is_labelled if has_true_labels else before.labels.is_human
    by_class = metrics.per_class(data.test_truth, predicted, classes=data.classes) if has_classes else {}
    return {
        "seed": seed,
        "accuracy": metrics.accuracy(data.test_truth, predicted),
        **metrics.pool_scores(final.labels, truth),
        "human_labels": int(final.labels.is_human.sum()),
        "true_labels": int(learnt.sum()),
        **{name: by_class[name].tolist() for name in ("precision", "recall", "f1") if by_class},
        "stop": final.history[-1]["stop"],
    }


def merged(base: Mapping, changes: Mapping) -> dict:
    """Return the tree of sections ``base`` in which the values of ``changes`` have replaced its own."""
    return {name: values | changes.get(name, {}) for name, values in base.items()}
