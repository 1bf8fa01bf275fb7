"""Fit and score: what a round's classifier says of every image, and what people's labels say of the classifier."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from selflabel import asking, classifiers, confidence, out_of_fold, rules
from selflabel.chunks import chunks
from selflabel.labels import CONFIDENCE_DECIMALS, Labels

SCORING_CHUNK = 10_000


class Held(NamedTuple):
    """What a round reads besides the labels: features float32 of the pool (N, D) and of the test images (M, D)."""

    pool: np.ndarray
    test: np.ndarray


class Settings(NamedTuple):
    """How the rounds go (in params.yaml: self_label, ask and classifier); the defaults are the tutorial's way.

    ``keep``: permanent (a machine label stays) or revise (all are given anew each round). ``train_on``: all_labels or
    human_labels. ``weights``: none, or confidence (a machine label weighs its confidence). ``confidence``: a name in
    ``confidence.CALIBRATIONS``. ``folds``: of the human-given labels, 0 for no figures out of fold.
    ``precision_margin``: in [0, 1], by how much the claimed precision may exceed the shown. ``stop``: words of
    ``history.CHOSEN_STOPS``. ``stable_kappa``: in [0, 1]. ``ask``: None to ask nobody.
    """

    rule: rules.Rule
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


class Opinion(NamedTuple):
    """What a round's classifier says.

    ``pool``: float64 (N, n_classes), class probabilities, calibrated, rounded to six decimals. ``raw``: float64 (N,),
    the largest one not calibrated. ``test``: float32 (M, n_classes), of the test images. ``evidence``: None where
    there are no folds.
    """

    pool: np.ndarray
    raw: np.ndarray
    test: np.ndarray
    evidence: out_of_fold.Evidence | None

    @property
    def predicted(self) -> np.ndarray:
        """Int16 (N,): the likeliest class of each pool row."""
        return self.pool.argmax(axis=1).astype(np.int16)


def form(
    labels: Labels,
    features: Held,
    settings: Settings,
    *,
    round_number: int,
    classes: Sequence[str],
    picked: Sequence[int] = (),
) -> Opinion:
    """Return the opinion of a classifier fitted on ``labels``.

    Its probabilities are calibrated on scores that classifiers like it, but fitted without a fold of the human-given
    labels, gave to that fold; never on machine labels. Where machine labels teach, each of these gives the same images
    labels of its own first, for those that there are would give the fold away. ``picked``: the human-labelled rows that
    were not drawn at random, which are no evidence. Raises ``ValueError`` naming each class too rare for the folds.
    """

    def fit(rows: np.ndarray, given: np.ndarray = labels.label) -> classifiers.Scorer:
        weights = labels.confidence[rows] if settings.weights == "confidence" else None
        known = classifiers.Given(features.pool, rows, given[rows], weights)
        return classifiers.fit(settings.recipe, known, n_classes=len(classes), round_number=round_number)

    human = np.flatnonzero(labels.is_human)
    machine = np.flatnonzero(labels.is_machine) if settings.train_on == "all_labels" else human[:0]

    def fit_without(held: np.ndarray) -> classifiers.Scorer:
        others = np.setdiff1d(human, held)
        score = fit(others)
        if not len(machine):
            return score
        given = np.array(labels.label)
        given[machine] = scores(score, features.pool, machine).argmax(axis=1)
        return fit(np.union1d(others, machine), given)

    score = fit(np.union1d(human, machine))
    calibrate, evidence = confidence.ovr_logistic, None
    if settings.folds:
        truth = labels.label[human].astype(int)
        seed = (settings.recipe.seed, round_number)
        fold = out_of_fold.assign(truth, n_folds=settings.folds, seed=seed, classes=classes)
        found = out_of_fold.scores(features.pool, human, fold, fit_without)
        calibrate = confidence.CALIBRATIONS[settings.confidence](found, truth)
        is_random = ~np.isin(human, picked)
        evidence = out_of_fold.evidence(found, truth, fold, method=settings.confidence, is_random=is_random)
    pool_scores = scores(score, features.pool)
    raw = _rounded(confidence.ovr_logistic(pool_scores)).max(axis=1)
    test = _rounded(calibrate(scores(score, features.test))).astype(np.float32)
    return Opinion(_rounded(calibrate(pool_scores)), raw, test, evidence)


def scores(score: classifiers.Scorer, features: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Return float64 (n, n_classes), the scores of some ``rows`` or all; in chunks, so that memory stays flat."""
    parts = chunks(len(features) if rows is None else len(rows), SCORING_CHUNK)
    found = [score(features[part if rows is None else rows[part]]) for part in parts]
    return np.concatenate(found).astype(np.float64)


def _rounded(probabilities: np.ndarray) -> np.ndarray:
    # Once and here, so that what is compared with a threshold is what is written down.
    return np.round(probabilities, CONFIDENCE_DECIMALS)
