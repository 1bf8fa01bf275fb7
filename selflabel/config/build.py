"""From the sections of params.yaml to the objects that the other rooms take."""

from selflabel.config.load import Params
from selflabel.loop.acceptance import Rule
from selflabel.loop.query import QueryConfig
from selflabel.loop.round import RoundConfig
from selflabel.loop.run import RunConfig
from selflabel.models.catalogue import ClassifierConfig
from selflabel.models.distil import JoinConfig
from selflabel.models.predict import FitConfig
from selflabel.models.smoothing import SmoothingConfig
from selflabel.models.student import StudentConfig


def classifier(params: Params) -> ClassifierConfig:
    """Return the classifier that the section classifier describes."""
    return ClassifierConfig(**dict(params.classifier))


def query(params: Params) -> QueryConfig | None:
    """Return whom the section ask would ask; None where that is nobody."""
    config = QueryConfig(
        strategy=params.ask.strategy,
        per_round=params.ask.per_round,
        budget=params.ask.budget,
        min_distance=params.ask.min_distance,
        seed=params.ask.seed,
        # Read by the strategy of that name alone.
        lower_threshold=params.ask.lower_threshold or 0.0,
    )
    return None if config.strategy == "none" else config


def smoothing(params: Params) -> SmoothingConfig:
    """Return how class probabilities are smoothed along the graph, where there is one."""
    return SmoothingConfig(
        alpha=params.smoothing.alpha,
        steps=params.smoothing.steps,
        temperature=params.smoothing.temperature,
        adapt=params.smoothing.adapt,
    )


def plain_fit(params: Params) -> FitConfig:
    """Return a fit on all labels alike, with nothing out of fold: the baselines', and the leak's."""
    return FitConfig(classifier(params), smoothing=smoothing(params))


def fit(params: Params) -> FitConfig:
    """Return what the rounds' classifier learns from and how."""
    return FitConfig(
        classifier=classifier(params),
        train_on=params.training.train_on,
        weights=params.training.weights,
        calibration=params.training.confidence,
        folds=params.training.folds,
        smoothing=smoothing(params),
    )


def rule(params: Params) -> Rule:
    """Return which machine labels a round accepts."""
    numbers = dict(params.accept)
    return Rule(numbers.pop("rule"), **numbers)


def each_round(params: Params) -> RoundConfig:
    """Return how each round goes."""
    return RoundConfig(
        fit=fit(params),
        rule=rule(params),
        keep=params.self_label.keep,
        precision_margin=params.stopping.precision_margin,
        stop=params.stopping.stop,
        # Read where stopping.stop lists stable_predictions alone.
        stable_kappa=1.0 if params.stopping.stable_kappa is None else params.stopping.stable_kappa,
        query=query(params),
    )


def last_round(params: Params) -> RoundConfig:
    """Return how the last acceptance goes, after the rounds: as they do, but for its threshold; it asks nobody."""
    config = each_round(params)._replace(query=None)
    if params.self_label.final_threshold is None:
        return config
    return config._replace(rule=Rule("final_threshold", threshold_start=params.self_label.final_threshold))


def join(params: Params) -> JoinConfig | None:
    """Return how the student joins the last acceptance; None where there is no student."""
    config = JoinConfig(embedding=params.student.embedding, weight=params.student.weight)
    return config if params.student.epochs else None


def student(params: Params) -> StudentConfig | None:
    """Return the student; None where there is none."""
    config = StudentConfig(
        epochs=params.student.epochs,
        width=params.student.width,
        batch_size=params.student.batch_size,
        learning_rate=params.student.learning_rate,
        weight_decay=params.student.weight_decay,
        shift=params.student.shift,
        flip=params.student.flip,
        cutout=params.student.cutout,
        sharpen=params.student.sharpen,
        seed=params.student.seed,
    )
    return config if config.epochs else None


def run(params: Params) -> RunConfig:
    """Return how a whole run goes."""
    return RunConfig(
        n_rounds=params.self_label.iterations,
        each=each_round(params),
        last=last_round(params),
        student=student(params),
        join=join(params),
    )
