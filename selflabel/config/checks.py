"""Rules between the parameters of params.yaml: what no single value can get wrong.

A rule is a function of the sections that it names as its arguments; it returns one sentence for each fault.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from selflabel.config import schema
from selflabel.data.registry import BUILT_IN
from selflabel.labels import classes, seeds
from selflabel.labels.history import STABLE_PREDICTIONS
from selflabel.loop import query
from selflabel.loop.acceptance import geometric_threshold, linear_threshold
from selflabel.models import catalogue


def faults(sections: Mapping[str, schema.Section], *, n_round_rows: int | None) -> list[str]:
    """Return one sentence for each rule that is broken.

    ``sections``: the valid sections by name; a rule about one that is not there is left out. ``n_round_rows``: how
    many rounds the rounds table has, or None.
    """
    sentences = []
    for rule in RULES:
        names = inspect.signature(rule).parameters
        if names.keys() <= sections.keys():
            sentences += rule(**{name: sections[name] for name in names})
    self_label = sections.get("self_label")
    if n_round_rows is not None and isinstance(self_label, schema.SelfLabel):
        sentences += _round_rows(self_label, n_round_rows)
    return sentences


def extractors(features: schema.Features) -> list[str]:
    """Return the names of ``features.extractor``, which may be one or a list."""
    names: Any = features.extractor
    return [names] if isinstance(names, str) else list(names)


def _side(dataset: schema.Dataset) -> int:
    """Return the side of an image in pixels, which is square."""
    built_in = BUILT_IN.get(dataset.name)
    return built_in.side if built_in else dataset.image_size


def _hog_geometry(features: schema.Features) -> list[str]:
    if "hog" not in extractors(features):
        return []
    hog, sentences = features.hog, []
    if hog.block > hog.window:
        sentences.append(f"features.hog.block must be at most the window ({hog.window}), got {hog.block}")
    elif (hog.window - hog.block) % hog.stride:
        sentences.append(
            f"features.hog.stride must divide window − block ({hog.window} − {hog.block}), got {hog.stride}"
        )
    if hog.block % hog.cell:
        sentences.append(f"features.hog.cell must divide the block ({hog.block}), got {hog.cell}")
    elif (hog.block // hog.cell) ** 2 * hog.bins < 4:
        # OpenCV normalises four values at a time, and ends the process where there are fewer.
        sentences.append(f"features.hog.bins must give a block at least 4 values (cells · bins), got {hog.bins}")
    if hog.win_sigma != -1 and hog.win_sigma < 0.5:
        # OpenCV takes 0 and less for −1; a hair above 0 leaves nothing but zeros.
        sentences.append(f"features.hog.win_sigma must be -1 or at least 0.5, got {hog.win_sigma:g}")
    # OpenCV shares the gradients of neighbouring blocks between cells of one grid.
    if hog.stride % hog.cell:
        sentences.append(f"features.hog.stride must be a multiple of the cell ({hog.cell}), got {hog.stride}")
    return sentences


def _hog_window(dataset: schema.Dataset, features: schema.Features) -> list[str]:
    side, window = _side(dataset), features.hog.window
    if "hog" not in extractors(features) or window == side:
        return []
    return [
        f"features.hog.window must be {side}, the size of the images of {dataset.name}, got {window}; "
        "features.extractor=pixels takes any size"
    ]


def _hog_cells(dataset: schema.Dataset, features: schema.Features) -> list[str]:
    # OpenCV normalises four values of a block at a time, which four cells always have.
    side = _side(dataset)
    cells = {"hog_fine": features.hog_fine.cell, "hog_coarse": features.hog_coarse.cell}
    return [
        f"features.{name}.cell must be at most {side}, the size of the images, got {cell}"
        for name, cell in cells.items()
        if name in extractors(features) and cell > side
    ]


def _kmeans_patches(dataset: schema.Dataset, features: schema.Features) -> list[str]:
    options, side = features.kmeans_patches, _side(dataset)
    if "kmeans_patches" not in extractors(features):
        return []
    if options.patch > side:
        return [f"features.kmeans_patches.patch must be at most {side}, the size of the images, got {options.patch}"]
    n_positions = (side - options.patch) // options.stride + 1
    if options.grid <= n_positions:
        return []
    return [
        f"features.kmeans_patches.grid must be at most {n_positions}, the positions of a patch of {options.patch} "
        f"along a side of {side} in steps of {options.stride}, got {options.grid}"
    ]


def _own_files(features: schema.Features) -> list[str]:
    """Return a fault for each network or array of one's own that is used, and is not where DVC looks for it."""
    paths = {
        "onnx": ("path", features.onnx.path, (".onnx",)),
        "precomputed": ("path", features.precomputed.path, (".npy", ".parquet")),
    }
    if features.keras.model.endswith(".keras"):
        paths["keras"] = ("model", features.keras.model, (".keras",))
    sentences = []
    for name in extractors(features):
        key, path, endings = paths.get(name, ("", "", ()))
        if key and (
            not Path(path).is_file()
            or Path(path).suffix not in endings
            or not Path(path).resolve().parent.is_relative_to(Path(schema.EMBEDDINGS_FOLDER).resolve())
        ):
            sentences.append(
                f"features.{name}.{key} must be a file {' or '.join(endings)} in the folder "
                f"{schema.EMBEDDINGS_FOLDER}, got {path!r}"
            )
    if "onnx" in extractors(features) and min(features.onnx.std) <= 0:
        sentences.append(f"features.onnx.std must be above 0, got {features.onnx.std}")
    return sentences


def _classes(dataset: schema.Dataset) -> list[str]:
    if dataset.classes and dataset.name in BUILT_IN:
        return [f"dataset.classes must be empty where dataset.name is {dataset.name}, got {dataset.classes}"]
    try:
        classes.check(dataset.classes)
    except ValueError as error:
        return [f"dataset.classes: {error}"]
    return []


def _seed_percentage(dataset: schema.Dataset, seed_labels: schema.SeedLabels) -> list[str]:
    built_in = BUILT_IN.get(dataset.name)
    if not built_in or seeds.count(built_in.smallest_class, seed_labels.percentage):
        return []
    return [
        f"seed_labels.percentage must give at least one seed label to each class, got {seed_labels.percentage:g}, "
        f"which gives none to a class of {built_in.smallest_class} images of {dataset.name}"
    ]


def _thresholds(self_label: schema.SelfLabel, accept: schema.Accept) -> list[str]:
    # The last acceptance may be one round more of the same.
    n_rounds = max(self_label.iterations + (self_label.final_threshold is None), 1)
    if isinstance(accept, schema.AcceptLinear):
        last = linear_threshold(n_rounds, start=accept.threshold_start, step=accept.threshold_step)
        return _threshold("accept.threshold_step", accept.threshold_step, last, n_rounds)
    if isinstance(accept, schema.AcceptGeometric):
        last = geometric_threshold(n_rounds, start=accept.threshold_start, factor=accept.threshold_factor)
        return _threshold("accept.threshold_factor", accept.threshold_factor, last, n_rounds)
    return []


def _leak_thresholds(leak: schema.Leak) -> list[str]:
    last = linear_threshold(max(leak.iterations, 1), start=leak.threshold_start, step=leak.threshold_step)
    return _threshold("leak.threshold_step", leak.threshold_step, last, leak.iterations)


def _threshold(name: str, change: float, last: float, n_rounds: int) -> list[str]:
    if 0 <= last <= 1:
        return []
    return [f"{name} must keep the threshold of round {n_rounds} in [0, 1], got {change:g}, which makes it {last:g}"]


def _folds(
    training: schema.Training, accept: schema.Accept, stopping: schema.Stopping, smoothing: schema.Smoothing
) -> list[str]:
    reasons = {
        "accept.rule=target_error": accept.rule == "target_error",
        f"training.confidence={training.confidence}": training.confidence != "ovr_logistic",
        f"stopping.precision_margin={stopping.precision_margin:g}": stopping.precision_margin < 1,
        "smoothing.adapt=True": smoothing.adapt,
    }
    needing = " and ".join(reason for reason, holds in reasons.items() if holds)
    if training.folds >= 2 or (training.folds == 0 and not needing):
        return []
    return [f"training.folds must be from 2 to 20{needing and f' with {needing}'}, got {training.folds}"]


def _folds_of_seeds(dataset: schema.Dataset, seed_labels: schema.SeedLabels, training: schema.Training) -> list[str]:
    built_in = BUILT_IN.get(dataset.name)
    n_given = seeds.count(built_in.smallest_class, seed_labels.percentage) if built_in else 0
    if not 0 < n_given < training.folds:
        return []
    return [f"training.folds must be at most {n_given}, the seed labels of the smallest class, got {training.folds}"]


def _strategy(ask: schema.Ask) -> list[str]:
    names = ask.strategy.split("+")
    is_mix = len(set(names)) == len(names) and set(names) <= set(query.STRATEGIES)
    if ask.strategy == "none" or is_mix:
        return []
    known = ", ".join(query.NAMES)
    return [f"ask.strategy must be one of {known}, or different ones but none joined by +, got {ask.strategy!r}"]


def _lower_threshold(ask: schema.Ask) -> list[str]:
    names = ask.strategy.split("+")
    return _belongs("ask.lower_threshold", ask.lower_threshold, "ask.strategy", "lower_threshold", names)


def _stable_kappa(stopping: schema.Stopping) -> list[str]:
    return _belongs("stopping.stable_kappa", stopping.stable_kappa, "stopping.stop", STABLE_PREDICTIONS, stopping.stop)


def _belongs(name: str, value: float | None, chooser: str, word: str, chosen: Sequence[str]) -> list[str]:
    """Return a fault where a value is there without the word that reads it, or the word without its value."""
    if value is None and word in chosen:
        return [f"{name} is missing, which {chooser}={word} needs"]
    if value is not None and word not in chosen:
        return [f"{name} belongs to {chooser}={word} alone"]
    return []


def _sequential(audit: schema.Audit) -> list[str]:
    if audit.mode == "sequential" and audit.repeat:
        return [f"audit.repeat must be 0 with audit.mode=sequential, which may end at any answer, got {audit.repeat:g}"]
    if audit.mode == "sequential" and audit.classes:
        return ["audit.classes must be false with audit.mode=sequential, which asks about the goal's part alone"]
    if audit.mode == "fixed" and audit.goal:
        return ["audit.goal belongs to audit.mode=sequential alone"]
    return []


def _graph(ask: schema.Ask, graph: schema.Graph) -> list[str]:
    needing = [name for name in query.OF_GRAPH if name in ask.strategy.split("+") and not graph.neighbours]
    return [f"graph.neighbours must be at least 1 with ask.strategy={name}, got 0" for name in needing]


def _classifier(classifier: schema.Classifier) -> list[str]:
    sentence = catalogue.fault(classifier.name, _options(classifier), has_weights=False)
    return [sentence] if sentence else []


def _weights(classifier: schema.Classifier, training: schema.Training) -> list[str]:
    if training.weights == "none" or _classifier(classifier):
        return []
    sentence = catalogue.fault(classifier.name, _options(classifier), has_weights=True)
    return [sentence] if sentence else []


def _options(classifier: schema.Classifier) -> Mapping[str, object]:
    return classifier.options if isinstance(classifier, schema.ClassifierByPath) else {}


def _round_rows(self_label: schema.SelfLabel, n_rows: int) -> list[str]:
    if self_label.iterations <= n_rows:
        return []
    return [
        f"self_label.iterations must be at most {n_rows}, the rows of rounds/table.yaml, got {self_label.iterations}; "
        f"`make rounds N={self_label.iterations}` extends the table"
    ]


RULES: tuple[Callable[..., list[str]], ...] = (
    _hog_geometry, _hog_window, _hog_cells, _kmeans_patches, _own_files, _classes, _seed_percentage,
    _thresholds,
    _leak_thresholds, _folds, _folds_of_seeds, _strategy, _lower_threshold, _stable_kappa, _sequential, _graph,
    _classifier, _weights,
)  # fmt: skip
