"""The sections of params.yaml: every value, its type and its range."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from selflabel.labels.history import CHOSEN_STOPS


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
# Beyond these a product with it is 0 or infinite in single precision, which is told late and of something else.
Positive = Annotated[float, _within("[1e-6, 1e6]")]
# A share of wrong labels, or a risk: nearer to 0 or 1 no number of labels would do.
Share = Annotated[float, _within("[0.0001, 0.9999]")]
Count = Annotated[int, _within("[1, inf)")]
Seed = Annotated[int, _within("[0, 4294967295]")]


EXTRACTORS = ("hog", "hog_fine", "hog_coarse", "kmeans_patches", "pixels")


def _extractors(value: object) -> object:
    names = value if isinstance(value, list) else [value]
    if not names or any(name not in EXTRACTORS for name in names) or len({*names}) < len(names):
        raise ValueError(f"must be one of {', '.join(EXTRACTORS)}, or a list of different ones")
    return value


# Each round is a stage, and DVC reads them all at every command.
MAX_ROUNDS = 1000


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Dataset(_Section):
    name: Literal["fashion_mnist", "digits", "mnist_sample", "folder", "csv", "npz", "idx"]
    source: str
    path: str
    image_size: Annotated[int, _within("[8, 1024]")]
    colour: bool
    max_pixels: Annotated[int, _within("[1, 2147483647]")]
    on_error: Literal["stop", "skip"]


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


class HogCells(_Section):
    cell: Annotated[int, _within("[2, 512]")]
    padding: Annotated[int, _within("[0, 512]")]
    bins: Annotated[int, _within("[1, 360]")]


class KmeansPatches(_Section):
    patch: Annotated[int, _within("[2, 64]")]
    stride: Count
    centres: Annotated[int, _within("[2, 10000]")]
    grid: Count
    seed: Seed


class Features(_Section):
    extractor: Annotated[object, AfterValidator(_extractors)]
    components: Annotated[int, _within("[0, 100000]")]
    hog: Hog
    hog_fine: HogCells
    hog_coarse: HogCells
    kmeans_patches: KmeansPatches


class Graph(_Section):
    neighbours: Annotated[int, _within("[0, 1000]")]
    components: Count


class Smoothing(_Section):
    alpha: Annotated[float, _within("[0, 1)")]
    steps: Annotated[int, _within("[0, 1000]")]
    temperature: Positive


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
    target_error: Share
    target_alpha: Share
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


class Audit(_Section):
    size: Annotated[int, _within("[0, 10000000]")]
    seed: Seed
    error: Share
    confidence: Annotated[float, _within("[0.5, 0.9999]")]
    looks: Annotated[int, _within("[1, 1000]")]
    label_rest: bool
    release: Literal["certified", "best"]


class Classifier(_Section):
    name: str
    C: Positive
    gamma: Positive
    neighbours: Count
    trees: Count
    options: dict[str, object]
    seed: Seed


class Student(_Section):
    epochs: Annotated[int, _within("[0, 10000]")]
    width: Annotated[int, _within("[1, 1024]")]
    batch_size: Annotated[int, _within("[1, 100000]")]
    learning_rate: Positive
    weight_decay: Annotated[float, _within("[0, 1]")]
    shift: Annotated[int, _within("[0, 512]")]
    flip: bool
    cutout: Annotated[int, _within("[0, 512]")]
    sharpen: Positive
    embedding: bool
    weight: Probability
    seed: Seed


class Evaluate(_Section):
    reliability_bins: Annotated[int, _within("[2, 100]")]
    mistakes_per_round: Annotated[int, _within("[1, 100]")]


class Draw(_Section):
    samples_per_class: Annotated[int, _within("[1, 50]")]
    seed: Seed


class Export(_Section):
    folders: Literal["none", "copy", "link"]
    imagefolder: bool
    label_studio: bool
