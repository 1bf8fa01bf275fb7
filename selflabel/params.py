"""params.yaml: its schema, and every fault of it at once.

There are no defaults: each value stands in params.yaml, where DVC tracks it key by key. That is why stages need
not list this module among their dependencies: no change of it can change a value.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from selflabel import consistency, files, wording
from selflabel.history import CHOSEN_STOPS


def _within(interval: str) -> AfterValidator:
    """Return a validator for numbers in an interval written as ``(0, 100]`` or ``[1, inf)``."""
    low, high = (float(bound) for bound in interval[1:-1].split(","))

    def check(value: float) -> float:
        above = value >= low if interval[0] == "[" else value > low
        below = value <= high if interval[-1] == "]" else value < high
        # Written so that NaN, which compares as false, is refused.
        if not (above and below):
            raise ValueError(f"must be {low:g}" if low == high else f"must be in {interval}")
        return value

    return AfterValidator(check)


Probability = Annotated[float, _within("[0, 1]")]
Positive = Annotated[float, _within("(0, inf)")]
Count = Annotated[int, _within("[1, inf)")]
Seed = Annotated[int, _within("[0, 4294967295]")]


# Each round is a stage, and DVC reads them all at every command.
MAX_ROUNDS = 1000


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Dataset(_Section):
    name: Literal["fashion_mnist", "digits"]
    source: str


class Hog(_Section):
    window: Annotated[int, _within("[2, 1024]")]
    block: Count
    stride: Count
    cell: Count
    bins: Annotated[int, _within("[1, 360]")]
    deriv_aperture: Annotated[int, _within("[1, 1]")]
    win_sigma: Annotated[float, _within("[-1, inf)")]
    histogram_norm_type: Annotated[int, _within("[0, 0]")]
    l2hys_threshold: Positive
    gamma_correction: bool
    levels: Annotated[int, _within("[1, 2147483647]")]
    signed_gradients: bool


class Features(_Section):
    extractor: Literal["hog", "pixels"]
    hog: Hog


class SeedLabels(_Section):
    percentage: Annotated[float, _within("(0, 100]")]
    seed: Seed


class Leak(_Section):
    iterations: Annotated[int, _within(f"[0, {MAX_ROUNDS}]")]
    threshold_start: Probability
    threshold_step: Annotated[float, _within("[-1, 1]")]


class SelfLabel(Leak):
    accept: Literal["fixed", "linear", "geometric", "flexmatch", "target_error", "percentile", "k_best", "class_k_best"]
    threshold_factor: Annotated[float, _within("(0, 2]")]
    percent: Annotated[float, _within("(0, 100]")]
    k: Count
    target_error: Annotated[float, _within("(0, 1)")]
    target_alpha: Annotated[float, _within("(0, 1)")]
    final_threshold: Probability | None
    keep: Literal["permanent", "revise"]
    train_on: Literal["all_labels", "human_labels"]
    weights: Literal["none", "confidence"]
    confidence: Literal["ovr_logistic", "sigmoid", "temperature", "isotonic"]
    folds: Annotated[int, _within("[0, 20]")]
    precision_margin: Probability
    stop: list[Literal[CHOSEN_STOPS]]
    stable_kappa: Probability
    lower_threshold: Probability


class Ask(_Section):
    strategy: str
    per_round: Annotated[int, _within("[0, 100000]")]
    budget: Annotated[int, _within("[0, 10000000]")]
    min_distance: Probability
    seed: Seed


class Answers(_Section):
    source: Literal["simulated", "people"]


class Classifier(_Section):
    name: str
    C: Positive
    gamma: Positive
    neighbours: Count
    trees: Count
    options: dict[str, object]
    seed: Seed


class Evaluate(_Section):
    reliability_bins: Annotated[int, _within("[2, 100]")]
    mistakes_per_round: Annotated[int, _within("[1, 100]")]


class Draw(_Section):
    samples_per_class: Annotated[int, _within("[1, 50]")]
    seed: Seed


class Params(NamedTuple):
    """The sections of params.yaml, each read-only with its values as attributes."""

    dataset: Dataset
    features: Features
    seed_labels: SeedLabels
    self_label: SelfLabel
    ask: Ask
    answers: Answers
    classifier: Classifier
    leak: Leak
    evaluate: Evaluate
    draw: Draw


def faults(tree: object, *, n_round_rows: int | None = None) -> list[str]:
    """Return one sentence for each fault of a params tree, none if it is valid.

    ``n_round_rows``: how many rounds the rounds table has; left out, ``iterations`` is not compared with it.
    """
    return _parse(tree, n_round_rows)[1]


def load(path: str = "params.yaml") -> Params:
    """Return the parameters in a file; raise ``ValueError`` with all faults, a line each, if there are any."""
    return parse(files.read_yaml(path), source=path)


def parse(tree: object, *, source: str, sections: Sequence[str] = tuple(Params.__annotations__)) -> Params:
    """Return the parameters in a tree; raise ``ValueError`` with all faults, each naming ``source``, if there are any.

    ``sections``: those it has to have; left out, all. The others are None.
    """
    params, found = _parse(tree, None, sections)
    if found:
        raise ValueError("\n".join(f"{source}: {fault}" for fault in found))
    return params


def _parse(
    tree: object, n_round_rows: int | None, names: Sequence[str] = tuple(Params.__annotations__)
) -> tuple[Params | None, list[str]]:
    if not isinstance(tree, dict):
        return None, [f"the parameters must be a mapping of sections, got {tree!r}"]
    models, found = {name: Params.__annotations__[name] for name in names}, []
    for name in tree.keys() - models.keys():
        found.append(wording.unknown(str(name), str(name), models))
    sections = {}
    for name, model in models.items():
        if name not in tree:
            found.append(f"{name} is missing")
            continue
        try:
            sections[name] = model.model_validate(tree[name])
        except ValidationError as error:
            found += [wording.sentence(name, model, fault) for fault in error.errors()]
    found += consistency.faults(sections, n_round_rows=n_round_rows)
    return (None if found else Params(**dict.fromkeys(Params.__annotations__) | sections)), sorted(found)
