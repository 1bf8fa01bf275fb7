"""From the sections of params.yaml to what the functions take."""

from selflabel.asking import Ask
from selflabel.catalogue import Recipe
from selflabel.graph import Smoothing
from selflabel.opinions import Settings
from selflabel.params import Params
from selflabel.rules import Rule


def recipe(params: Params) -> Recipe:
    """Return the classifier that the section classifier describes."""
    return Recipe(
        name=params.classifier.name,
        C=params.classifier.C,
        gamma=params.classifier.gamma,
        neighbours=params.classifier.neighbours,
        trees=params.classifier.trees,
        options=params.classifier.options,
        seed=params.classifier.seed,
    )


def ask(params: Params) -> Ask | None:
    """Return whom the section ask would ask; None where that is nobody."""
    found = Ask(
        strategy=params.ask.strategy,
        per_round=params.ask.per_round,
        budget=params.ask.budget,
        min_distance=params.ask.min_distance,
        seed=params.ask.seed,
        lower_threshold=params.self_label.lower_threshold,
    )
    return None if found.strategy == "none" else found


def smoothing(params: Params) -> Smoothing:
    """Return how what a classifier says is smoothed along the graph, where there is one."""
    return Smoothing(
        alpha=params.smoothing.alpha, steps=params.smoothing.steps, temperature=params.smoothing.temperature
    )


def opinion(params: Params) -> Settings:
    """Return what the classifier learns from and how; it accepts nothing and asks nobody."""
    return Settings(
        rule=None,
        recipe=recipe(params),
        train_on=params.self_label.train_on,
        weights=params.self_label.weights,
        confidence=params.self_label.confidence,
        folds=params.self_label.folds,
        smoothing=smoothing(params),
    )


def loop(params: Params) -> Settings:
    """Return how the rounds go."""
    settings = opinion(params)
    return settings._replace(
        rule=Rule(
            params.self_label.accept,
            threshold_start=params.self_label.threshold_start,
            threshold_step=params.self_label.threshold_step,
            threshold_factor=params.self_label.threshold_factor,
            percent=params.self_label.percent,
            k=params.self_label.k,
            target_error=params.self_label.target_error,
            target_alpha=params.self_label.target_alpha,
        ),
        keep=params.self_label.keep,
        precision_margin=params.self_label.precision_margin,
        stop=params.self_label.stop,
        stable_kappa=params.self_label.stable_kappa,
        ask=ask(params),
    )


def last(params: Params) -> Settings:
    """Return how the last acceptance goes, after the rounds: as they do, but for its threshold; it asks nobody."""
    settings = loop(params)._replace(ask=None)
    if params.self_label.final_threshold is None:
        return settings
    return settings._replace(rule=Rule("final_threshold", threshold_start=params.self_label.final_threshold))
