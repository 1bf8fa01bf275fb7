"""Fit a classifier and predict every image; estimate out of fold, on people's labels, how right it is."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import softmax

from selflabel import files, portions
from selflabel.chunks import chunks
from selflabel.features.feature_set import FeatureSet
from selflabel.features.neighbours import Graph
from selflabel.labels.table import Labels
from selflabel.models import calibration, classifiers, out_of_fold
from selflabel.models.catalogue import ClassifierConfig
from selflabel.models.smoothing import SmoothingConfig, chosen_share, mixed, smooth, smooth_new
from selflabel.rounding import DECIMALS

SCORING_CHUNK = 10_000

# Takes human-labelled rows, int64, and returns the classifier that has learnt from all labels but theirs.
FitWithout = Callable[[np.ndarray], classifiers.Fitted]


class FitConfig(NamedTuple):
    """What a classifier learns from and how (params.yaml's training, classifier, smoothing).

    The defaults are the tutorial's way. ``train_on``: all_labels or human_labels. ``weights``: none, or confidence (a
    machine label weighs its confidence). ``calibration``: a name in ``calibration.CALIBRATIONS``. ``folds``: of the
    human-given labels, 0 for no figures out of fold. ``smoothing``: along the graph, where there is one.
    """

    classifier: ClassifierConfig
    train_on: str = "all_labels"
    weights: str = "none"
    calibration: str = "ovr_logistic"
    folds: int = 0
    smoothing: SmoothingConfig | None = None


class Predictions(NamedTuple):
    """The predictions of one fitted classifier, all rounded to six decimals.

    ``pool``: float64 (N, n_classes), class probabilities, calibrated. ``raw``: float64 (N,), the largest one not
    calibrated. ``test``: float32 (M, n_classes), of the test images. ``evidence``: None where there are no folds.
    ``scores``: float64 (N, n_classes), of the classifier itself. ``smoothed``: float32 (N, n_classes), the class shares
    after smoothing, not calibrated; None where there is no graph. ``held_out``: float64 (n, n_classes), class
    probabilities of the human-labelled rows, ascending, by a classifier and a calibration that have not learnt from the
    fold a row is in; None where there are no folds.
    """

    pool: np.ndarray
    raw: np.ndarray
    test: np.ndarray
    evidence: out_of_fold.Evidence | None
    scores: np.ndarray
    smoothed: np.ndarray | None = None
    held_out: np.ndarray | None = None

    @property
    def classes(self) -> np.ndarray:
        """Int16 (N,): the likeliest class of each pool row."""
        return self.pool.argmax(axis=1).astype(np.int16)

    def unseen(self, human_rows: np.ndarray) -> np.ndarray:
        """Return float32 (N, n_classes): of each row the probabilities by a classifier that has not seen its label.

        ``human_rows``: int64 (n,), ascending, the rows that people labelled; NaN where there are no folds to judge them
        by. No machine label has taught where human labels alone do (``train_on``).
        """
        probabilities = np.array(self.pool, np.float32)
        probabilities[human_rows] = np.nan if self.held_out is None else self.held_out
        return probabilities


class StudentPredictions(NamedTuple):
    """Class probabilities of a student, float32 (N, n_classes) and (M, n_classes); its share, in [0, 1]."""

    pool: np.ndarray
    test: np.ndarray
    weight: float


class Scores(NamedTuple):
    """Scores of one fit, float64 (n, n_classes), before calibration.

    ``classifier``: of the pool, by the classifier itself. ``pool``, ``test``: after smoothing, log-odds; without a
    graph the classifier's own. ``out_of_fold``: of each human-labelled row, by a fit without its label; None without
    folds. ``smoothed``: float32 (N, n_classes), class shares of the pool after smoothing; None without a graph.
    """

    classifier: np.ndarray
    pool: np.ndarray
    test: np.ndarray
    out_of_fold: np.ndarray | None
    smoothed: np.ndarray | None = None

    def rounded(self) -> "Scores":
        """Return the same to six decimals."""
        return Scores(
            np.round(self.classifier, DECIMALS),
            np.round(self.pool, DECIMALS),
            np.round(self.test, DECIMALS),
            None if self.out_of_fold is None else np.round(self.out_of_fold, DECIMALS),
            None if self.smoothed is None else np.round(self.smoothed, DECIMALS),
        )


def fit_predict(
    labels: Labels,
    features: FeatureSet,
    config: FitConfig,
    *,
    round_number: int,
    classes: Sequence[str],
    picked: Sequence[int] | np.ndarray = (),
) -> Predictions:
    """Return the predictions of a classifier fitted on ``labels``, smoothed along the graph where there is one.

    The probabilities are calibrated on scores of the human-labelled rows by classifiers that were fitted and smoothed
    without the fold a row is in; never on machine labels. Where machine labels teach, each of these classifiers first
    gives the same images labels of its own, for the labels at hand would give the fold away. ``picked``: rows with a
    human label that were not drawn at random; they are no evidence. Before people have given two classes nothing can be
    predicted: all probabilities are 0.
    """
    human_rows = np.flatnonzero(labels.is_human)
    human_labels = labels.label[human_rows].astype(int)
    if len(np.unique(human_labels)) < 2:
        return nothing_known(features, n_classes=len(classes))
    fit_without = _fitter(labels, features, config, round_number=round_number, n_classes=len(classes))
    folds = None
    if config.folds:
        seed = (config.classifier.seed, round_number)
        folds = out_of_fold.assign(human_labels, n_folds=config.folds, seed=seed)
    if features.graph is None:
        scores = plain_scores(fit_without, human_rows, folds, features)
    elif config.smoothing is None:
        raise ValueError("a fit along a graph must say how it is smoothed, got none")
    else:
        smoothing = (features.graph, config.smoothing)
        scores = smoothed_scores(fit_without, human_rows, human_labels, folds, features, *smoothing)
    # Rounded before anything is chosen by them: coarser than what kernels of other processors disagree about.
    scores = scores.rounded()

    calibrate: Callable[[np.ndarray], np.ndarray] = calibration.ovr_logistic
    evidence, held_out = None, None
    if folds is not None and scores.out_of_fold is not None:
        calibrate = calibration.CALIBRATIONS[config.calibration](scores.out_of_fold, human_labels)
        is_random = ~np.isin(human_rows, picked)
        held_out = out_of_fold.probabilities(scores.out_of_fold, human_labels, folds, method=config.calibration)
        evidence = out_of_fold.evidence(held_out, human_labels, is_random=is_random)
    # Rounded here, so that what is compared with a threshold is what is written down.
    return Predictions(
        pool=np.round(calibrate(scores.pool), DECIMALS),
        raw=np.round(calibration.ovr_logistic(scores.pool), DECIMALS).max(axis=1),
        test=np.round(calibrate(scores.test), DECIMALS).astype(np.float32),
        evidence=evidence,
        scores=scores.classifier,
        smoothed=scores.smoothed,
        held_out=held_out,
    )


def nothing_known(features: FeatureSet, *, n_classes: int) -> Predictions:
    """Return predictions that are none: every probability is 0."""
    pool, test = (np.zeros((len(part), n_classes)) for part in (features.pool, features.test))
    return Predictions(
        pool=pool,
        raw=pool[:, 0],
        test=test.astype(np.float32),
        evidence=None,
        scores=pool,
        smoothed=pool,
        held_out=None,
    )


def with_student(predictions: Predictions, student: StudentPredictions) -> Predictions:
    """Return predictions whose probabilities are the weighted mean of the classifier's and the student's.

    The evidence stays the classifier's: a student that has learnt from a teacher is no judge of it.
    """

    def mixed(classifiers_own: np.ndarray, students: np.ndarray) -> np.ndarray:
        mean = (1 - student.weight) * classifiers_own + student.weight * students
        return np.round(mean, DECIMALS).astype(classifiers_own.dtype)

    return predictions._replace(pool=mixed(predictions.pool, student.pool), test=mixed(predictions.test, student.test))


def plain_scores(
    fit_without: FitWithout, human_rows: np.ndarray, folds: np.ndarray | None, features: FeatureSet
) -> Scores:
    """Return the classifier's own scores.

    ``human_rows``: int64 (n,), the rows that people labelled. ``folds``: int (n,), the fold of each, or None.
    """
    fitted = fit_without(human_rows[:0])
    of_pool = score(fitted, features.pool)
    of_test = score(fitted, features.test) if len(features.test) else of_pool[:0]
    held_out = None if folds is None else out_of_fold.scores(features.pool, human_rows, folds, fit_without)
    return Scores(of_pool, of_pool, of_test, held_out)


def smoothed_scores(
    fit_without: FitWithout,
    human_rows: np.ndarray,
    human_labels: np.ndarray,
    folds: np.ndarray | None,
    features: FeatureSet,
    graph: Graph,
    smoothing: SmoothingConfig,
) -> Scores:
    """Return the log-odds of what is left of the classifier's scores after smoothing along the graph, or of a mixture.

    ``human_rows``: int64 (n,), the rows that people labelled. ``human_labels``: int (n,), their classes. ``folds``: int
    (n,), the fold of each, or None for no figures out of fold. A fold's labels are held back from the smoothing too:
    both from the classifier and from the rows that are known. Where ``smoothing`` adapts, what is smoothed is mixed
    with what was before, by the share that is right most often out of fold.
    """
    # The first classifier has learnt from all labels, number k + 1 from all but those of fold k.
    folds = np.full(len(human_rows), -1) if folds is None else folds
    is_held_back = [folds == number for number in (-2, *range(folds.max() + 1))]
    fitted = [fit_without(human_rows[held_back]) for held_back in is_held_back]
    own_scores, of_fits, own_held_out = _own_shares(
        fitted, features.pool, human_rows, human_labels, is_held_back, smoothing.temperature
    )
    of_fits = smooth(of_fits, graph, smoothing, overwrite=True)
    smoothed_held_out = np.full_like(own_held_out, np.nan)
    for number, held_back in enumerate(is_held_back):
        smoothed_held_out[held_back] = of_fits[human_rows[held_back], number]
    share, smoothed = 1.0, np.ascontiguousarray(of_fits[:, 0])
    # The largest thing of a round, and done with.
    del of_fits
    if smoothing.adapt and len(fitted) > 1:
        share = chosen_share(own_held_out, smoothed_held_out, human_labels)
    shares = smoothed
    if share < 1:
        before = softmax(own_scores / smoothing.temperature, axis=1)
        before[human_rows] = np.eye(before.shape[1])[human_labels]
        shares = mixed(before, smoothed, share)
    of_test = shares[:0]
    if len(features.test):
        of_test = softmax(score(fitted[0], features.test) / smoothing.temperature, axis=1)
        of_test = mixed(of_test, smooth_new(of_test, smoothed, graph, smoothing), share)
    held_out = mixed(own_held_out, smoothed_held_out, share)
    pool, test, without = (classifiers.log_odds(of_part) for of_part in (shares, of_test, held_out))
    return Scores(own_scores, pool, test, without, shares)


def _own_shares(
    fitted: Sequence[classifiers.Fitted],
    pool: np.ndarray,
    human_rows: np.ndarray,
    human_labels: np.ndarray,
    is_held_back: Sequence[np.ndarray],
    temperature: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what fits say of the pool's features, before smoothing; ``is_held_back``: bool (n,) of each, its gaps.

    float64 (N, n_classes), the scores of the first; float32 (N, n_fits, n_classes), class probabilities by each, where
    it knows the label one-hot; float64 (n, n_classes), those of each human-labelled row by the fit that does not, NaN
    where all do.
    """
    n_fits, n_classes = len(fitted), fitted[0](pool[:1]).shape[1]
    one_hot = np.eye(n_classes)[human_labels]
    first, of_fits = np.empty((len(pool), n_classes)), np.empty((len(pool), n_fits, n_classes), np.float32)
    held_out = np.full((len(human_rows), n_classes), np.nan)

    scorer, parts = classifiers.together(fitted), chunks(len(pool), SCORING_CHUNK)

    def look(part: slice) -> tuple[np.ndarray, list[np.ndarray]]:
        scores = scorer(pool[part])
        return scores[:, :n_classes], [softmax(own / temperature, axis=1) for own in np.split(scores, n_fits, axis=1)]

    # All fits at once, a portion at a time: their scores for the whole pool would be twice as large again.
    for part, (scores, of_part) in zip(parts, portions.over(look, parts), strict=True):
        humans = slice(*np.searchsorted(human_rows, (part.start, part.stop)))
        places = human_rows[humans] - part.start
        first[part] = scores
        for number, shares in enumerate(of_part):
            lacks = is_held_back[number][humans]
            held_out[humans][lacks] = shares[places[lacks]]
            shares[places[~lacks]] = one_hot[humans][~lacks]
            of_fits[part, number] = shares
        files.give_back(pool)
    return first, of_fits, held_out


def score(
    scorer: classifiers.Scorer | classifiers.Fitted, features: np.ndarray, rows: np.ndarray | None = None
) -> np.ndarray:
    """Return float64 (n, n_classes), the scores of some ``rows`` or all; in portions, so that memory stays flat."""
    parts = chunks(len(features) if rows is None else len(rows), SCORING_CHUNK)
    asked: Sequence[Any] = parts if rows is None else [rows[part] for part in parts]
    # One thread for the sums of each: the same bytes as one after another.
    return np.concatenate([*portions.over(lambda part: scorer(features[part]), asked)]).astype(np.float64)


def _fitter(
    labels: Labels, features: FeatureSet, config: FitConfig, *, round_number: int, n_classes: int
) -> FitWithout:
    """Return a function that fits on all labels that teach, but for those of some human-labelled rows, int64."""
    human_rows = np.flatnonzero(labels.is_human)
    machine_rows = np.flatnonzero(labels.is_machine) if config.train_on == "all_labels" else human_rows[:0]

    def fit(rows: np.ndarray, given: np.ndarray = labels.label) -> classifiers.Fitted:
        weights = labels.confidence[rows] if config.weights == "confidence" else None
        training_set = classifiers.TrainingSet(features.pool, rows, given[rows], weights, features.blocks)
        return classifiers.fit(config.classifier, training_set, n_classes=n_classes, round_number=round_number)

    def fit_without(held_back: np.ndarray) -> classifiers.Fitted:
        if not len(held_back):
            return fit(np.union1d(human_rows, machine_rows))
        others = np.setdiff1d(human_rows, held_back)
        fitted = fit(others)
        if not len(machine_rows):
            return fitted
        given = np.array(labels.label)
        given[machine_rows] = score(fitted, features.pool, machine_rows).argmax(axis=1)
        return fit(np.union1d(others, machine_rows), given)

    return fit_without
