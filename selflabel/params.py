"""params.yaml: its schema, and every fault of it at once.

There are no defaults: each value stands in params.yaml, where DVC tracks it key by key. That is why stages need
not list this module among their dependencies: no change of it can change a value.
"""

import difflib
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from selflabel import consistency, files


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
    accept: Literal["linear", "geometric", "percentile", "k_best", "class_k_best"]
    threshold_factor: Annotated[float, _within("(0, 2]")]
    percent: Annotated[float, _within("(0, 100]")]
    k: Count
    final_threshold: Probability


class Classifier(_Section):
    name: Literal["linear_svm"]
    C: Positive
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
    params, found = _parse(files.read_yaml(path), None)
    if found:
        raise ValueError("\n".join(f"{path}: {fault}" for fault in found))
    return params


def _parse(tree: object, n_round_rows: int | None) -> tuple[Params | None, list[str]]:
    if not isinstance(tree, dict):
        return None, [f"the parameters must be a mapping of sections, got {tree!r}"]
    models, found = Params.__annotations__, []
    for name in tree.keys() - models.keys():
        found.append(_unknown(str(name), str(name), models))
    sections = {}
    for name, model in models.items():
        if name not in tree:
            found.append(f"{name} is missing")
            continue
        try:
            sections[name] = model.model_validate(tree[name])
        except ValidationError as error:
            found += [_sentence(name, model, fault) for fault in error.errors()]
    found += consistency.faults(sections, n_round_rows=n_round_rows)
    return (None if found else Params(**sections)), sorted(found)


def _sentence(section: str, model: type[BaseModel], fault: dict) -> str:
    path = ".".join([section, *map(str, fault["loc"])])
    kind, got = fault["type"], fault["input"]
    if kind == "missing":
        return f"{path} is missing"
    if kind == "extra_forbidden":
        for key in fault["loc"][:-1]:
            model = model.model_fields[key].annotation
        return _unknown(path, str(fault["loc"][-1]), model.model_fields)
    rules = {
        "value_error": lambda: str(fault["ctx"]["error"]),
        "literal_error": lambda: f"must be {fault['ctx']['expected']}",
        "int_type": lambda: "must be a whole number",
        "float_type": lambda: "must be a number",
        "bool_type": lambda: "must be true or false",
        "string_type": lambda: "must be text",
        "model_type": lambda: "must be a mapping of parameters",
    }
    rule = rules[kind]() if kind in rules else f"is invalid ({fault['msg']})"
    return f"{path} {rule}, got {got!r}"


def _unknown(path: str, key: str, known: dict) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
    return f"{path} is not a parameter; {hint}"
