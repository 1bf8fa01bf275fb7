"""Fit and score: what a round's classifier says of every image, and what people's labels say of the classifier."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from selflabel import asking, classifiers, confidence, graph, out_of_fold, rules, scoring
from selflabel.held import Held
from selflabel.labels import CONFIDENCE_DECIMALS, Labels


class Settings(NamedTuple):
    """How the rounds go (params.yaml's self_label, ask, classifier, smoothing); the defaults are the tutorial's way.

    ``keep``: permanent (a machine label stays) or revise (all are given anew each round). ``train_on``: all_labels or
    human_labels. ``weights``: none, or confidence (a machine label weighs its confidence). ``confidence``: a name in
    ``confidence.CALIBRATIONS``. ``folds``: of the human-given labels, 0 for no figures out of fold.
    ``precision_margin``: in [0, 1], by how much the claimed precision may exceed the shown. ``stop``: words of
    ``history.CHOSEN_STOPS``. ``stable_kappa``: in [0, 1]. ``ask``: None to ask nobody. ``smoothing``: along the graph,
    where there is one. ``rule``: None where an opinion is formed and nothing accepted.
    """

    rule: rules.Rule | None
    recipe: classifiers.Recipe
    keep: str = "permanent"
    train_on: str = "all_labels"
    weights: str = "none"
    confidence: str = "ovr_logistic"
    folds: int = 0
    precision_margin: float = 1.0
    stop: Sequence[str] = ()
    stable_kappa: float = 1.0
    ask: asking.Ask | None = None
    smoothing: graph.Smoothing | None = None


class Opinion(NamedTuple):
    """What a round's classifier says.

    ``pool``: float64 (N, n_classes), class probabilities, calibrated. ``raw``: float64 (N,), the largest one not
    calibrated. ``test``: float32 (M, n_classes), of the test images. ``evidence``: None where there are no folds.
    ``scores``: float64 (N, n_classes), of the classifier itself. ``smoothed``: float32 (N, n_classes), the class shares
    after smoothing, not calibrated; None where there is no graph. All are rounded to six decimals.
    """

    pool: np.ndarray
    raw: np.ndarray
    test: np.ndarray
    evidence: out_of_fold.Evidence | None
    scores: np.ndarray
    smoothed: np.ndarray | None = None

    @property
    def predicted(self) -> np.ndarray:
        """Int16 (N,): the likeliest class of each pool row."""
        return self.pool.argmax(axis=1).astype(np.int16)


class Predictions(NamedTuple):
    """Class probabilities of a student, float32 (N, n_classes) and (M, n_classes); its share, in [0, 1]."""

    pool: np.ndarray
    test: np.ndarray
    weight: float


def form(
    labels: Labels,
    features: Held,
    settings: Settings,
    *,
    round_number: int,
    classes: Sequence[str],
    picked: Sequence[int] = (),
) -> Opinion:
    """Return the opinion of a classifier fitted on ``labels``, smoothed along the graph where there is one.

    Its probabilities are calibrated on scores that classifiers like it, but fitted and smoothed without a fold of the
    human-given labels, gave to that fold; never on machine labels. Where machine labels teach, each of these gives the
    same images labels of its own first, for those that there are would give the fold away. ``picked``: the rows with a
    human label that were not drawn at random, which are no evidence. Raises ``ValueError`` naming each class too rare
    for the folds.
    """
    human = np.flatnonzero(labels.is_human)
    truth = labels.label[human].astype(int)
    teach = _teacher(labels, features, settings, round_number=round_number, n_classes=len(classes))
    fold = None
    if settings.folds:
        seed = (settings.recipe.seed, round_number)
        fold = out_of_fold.assign(truth, n_folds=settings.folds, seed=seed, classes=classes)
    say = scoring.plainly if features.graph is None else scoring.smoothed
    said = _rounded_all(say(teach, human, truth, fold, features, settings.smoothing))

    calibrate, evidence = confidence.ovr_logistic, None
    if settings.folds:
        calibrate = confidence.CALIBRATIONS[settings.confidence](said.found, truth)
        is_random = ~np.isin(human, picked)
        evidence = out_of_fold.evidence(said.found, truth, fold, method=settings.confidence, is_random=is_random)
    raw = _rounded(confidence.ovr_logistic(said.pool)).max(axis=1)
    test = _rounded(calibrate(said.test)).astype(np.float32)
    return Opinion(_rounded(calibrate(said.pool)), raw, test, evidence, said.own, said.smoothed)


def with_student(opinion: Opinion, student: Predictions) -> Opinion:
    """Return the opinion whose probabilities are the weighted mean of its own and the student's.

    The evidence stays the teacher's: a student that has learnt from the teacher is no judge of it.
    """
    own = {"pool": opinion.pool, "test": opinion.test}
    mixed = {
        name: _rounded((1 - student.weight) * values + student.weight * getattr(student, name)).astype(values.dtype)
        for name, values in own.items()
    }
    return opinion._replace(**mixed)


def _teacher(
    labels: Labels, features: Held, settings: Settings, *, round_number: int, n_classes: int
) -> Callable[[np.ndarray], classifiers.Fitted]:
    """Return a function that fits on all labels that teach, but for those of some human-labelled rows, int64."""
    human = np.flatnonzero(labels.is_human)
    machine = np.flatnonzero(labels.is_machine) if settings.train_on == "all_labels" else human[:0]

    def fit(rows: np.ndarray, given: np.ndarray = labels.label) -> classifiers.Fitted:
        weights = labels.confidence[rows] if settings.weights == "confidence" else None
        known = classifiers.Given(features.pool, rows, given[rows], weights, features.blocks)
        return classifiers.fit(settings.recipe, known, n_classes=n_classes, round_number=round_number)

    def fit_without(held_back: np.ndarray) -> classifiers.Fitted:
        if not len(held_back):
            return fit(np.union1d(human, machine))
        others = np.setdiff1d(human, held_back)
        score = fit(others)
        if not len(machine):
            return score
        given = np.array(labels.label)
        given[machine] = scoring.scores(score, features.pool, machine).argmax(axis=1)
        return fit(np.union1d(others, machine), given)

    return fit_without


def _rounded_all(said: scoring.Said) -> scoring.Said:
    # Before anything is chosen by them: coarser than what kernels of other processors disagree about.
    return scoring.Said(*(values if values is None else _rounded(values) for values in said))


def _rounded(probabilities: np.ndarray) -> np.ndarray:
    # Once and here, so that what is compared with a threshold is what is written down.
    return np.round(probabilities, CONFIDENCE_DECIMALS)
