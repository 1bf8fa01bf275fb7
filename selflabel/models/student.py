"""A small convolutional network, the student, that learns images from the probabilities of another classifier.

What it learns are soft targets, the teacher's probabilities, and not the teacher's likeliest class: distillation
(Hinton, Vinyals & Dean 2015, arXiv 1503.02531). It sees the images disturbed, the teacher saw them as they are: noisy
student (Xie et al., CVPR 2020). TensorFlow is imported where it is used, for that takes seconds.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from scipy.special import softmax

from selflabel import tensorflow_runtime
from selflabel.chunks import chunks
from selflabel.models.augmentation import augment

PREDICTION_CHUNK = 250
DECIMALS = 6  # of what it says
STATISTICS_CHUNK = 10_000
DROPOUT = 0.2
EMBEDDING = "embedding"
# Keras' 0.99 takes hundreds of steps to forget where it began, and a small pool may not have as many.
STATISTICS_MOMENTUM = 0.9
EPSILON = 1e-3  # added to a variance, as Keras does


class StudentConfig(NamedTuple):
    """The student's network and training; a stage that has ``epochs`` 0 has no student and must not train one.

    ``epochs``: at least 0, how often it sees each image. ``width``: at least 1, filters of the first convolutions; then
    there are twice, at last four times as many. ``batch_size``: at least 1. ``learning_rate``: above 0, Adam's at the
    start; it falls to 0 along a cosine. ``weight_decay``: at least 0, times the learning rate the share of each weight
    that a step takes away. ``shift``: at least 0, the most pixels by which an image is moved, each way. ``flip``: half
    of the images are mirrored, left to right; predictions then are the mean over both. ``cutout``: at least 0, pixels,
    the side of the square that is erased at random (DeVries & Taylor 2017, arXiv 1708.04552); it may exceed the image.
    ``sharpen``: above 0, the power that targets are raised to, 1 for as they are. ``seed``: at least 0, below
    2³².
    """

    epochs: int
    width: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    shift: int
    flip: bool
    cutout: int
    sharpen: float
    seed: int


def train(
    images: np.ndarray,
    targets: np.ndarray,
    *,
    student: StudentConfig,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> list[np.ndarray]:
    """Return a trained student as float32 arrays: mean and deviation of the pixels (2,), then the network's weights.

    ``images``: uint8 (N, height, width) or (N, height, width, 3), at least 8 pixels each way; they may be
    memory-mapped, for only a batch is copied at a time. ``targets``: float (N, n_classes), in [0, 1], each row's sum
    1. ``student.epochs``: at least 1.
    ``progress`` takes the range of all steps and returns it, as tqdm does. The same arguments give the same bytes,
    and no global random state is read or changed; TensorFlow's switch for deterministic operations stays on. Raises
    ``RuntimeError`` where TensorFlow already runs with another number of threads.
    """
    tf, _ = _tensorflow()
    rng = np.random.default_rng(student.seed)
    network = _network(images.shape[1:], targets.shape[1], student)
    n_steps = -(-len(images) // student.batch_size)
    learn = _learner(network, student, n_steps * student.epochs)
    scaling, soft = _scaling(images), sharpened(targets, student.sharpen).astype(np.float32)
    for step in progress(range(n_steps * student.epochs)):
        if step % n_steps == 0:
            # Batches of equal size, for a last one of an image or two would be as loud as all others.
            batches = np.array_split(rng.permutation(len(images)), n_steps)
        rows = batches[step % n_steps]
        seen = augment(images[rows], shift=student.shift, flip=student.flip, cutout=student.cutout, rng=rng)
        learn(tf.constant(_scaled(seen, scaling)), tf.constant(soft[rows]))
    return [scaling, *network.get_weights()]


def predict(weights: list[np.ndarray], images: np.ndarray, *, student: StudentConfig, n_classes: int) -> np.ndarray:
    """Return what ``look`` does, but the probabilities alone."""
    return look(weights, images, student=student, n_classes=n_classes)[0]


def look(
    weights: list[np.ndarray], images: np.ndarray, *, student: StudentConfig, n_classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the probabilities that a student gives, float32 (N, n_classes), each row's sum 1, and its embeddings.

    These, float32 (N, 4 · width), at least 0, are its last layer before the classes; both to six decimals.
    ``weights``: what ``train`` returned. ``images``: uint8, of the size and channels it was trained on; they may be
    memory-mapped. An image has the same probabilities alone and among others.
    """
    tf, keras = _tensorflow()
    network = _network(images.shape[1:], n_classes, student)
    network.set_weights(weights[1:])
    # Before dropout, which is there to learn with.
    parts = keras.Model(network.input, [network.output, network.get_layer(EMBEDDING).output])
    # Always the same shape: with another one sums may be added up in another order.
    seen = np.zeros((PREDICTION_CHUNK, *images.shape[1:]), np.uint8)
    outputs = [np.empty((len(images), width), np.float32) for width in (n_classes, parts.output[1].shape[1])]

    @tf.function  # type: ignore[untyped-decorator]  # TensorFlow comes without types
    def both(batch: Any) -> Any:
        return parts(batch, training=False)

    for part in chunks(len(images), PREDICTION_CHUNK):
        n = part.stop - part.start
        seen[:n] = images[part]
        views = [seen, seen[:, :, ::-1]] if student.flip else [seen]
        of_each_view = [both(tf.constant(_scaled(view, weights[0]))) for view in views]
        logits, embeddings = ([view.numpy()[:n] for view in of_views] for of_views in zip(*of_each_view, strict=True))
        # TensorFlow's own softmax divides by an approximation that is another on another make of processor.
        outputs[0][part] = np.round(np.mean([softmax(output, axis=1) for output in logits], axis=0), DECIMALS)
        outputs[1][part] = np.round(np.mean(embeddings, axis=0), DECIMALS)
    return outputs[0], outputs[1]


def sharpened(targets: np.ndarray, power: float) -> np.ndarray:
    """Return float64 (N, n_classes), probabilities raised to a power above 0, each row's sum 1 again."""
    # Relative to the largest one, so that a high power leaves more than zeros.
    raised = (targets / targets.max(axis=1, keepdims=True)).astype(np.float64) ** power
    return raised / raised.sum(axis=1, keepdims=True)


def _scaling(images: np.ndarray) -> np.ndarray:
    # Whole numbers are counted, so that the portions leave no trace.
    counts = sum(np.bincount(images[part].ravel(), minlength=256) for part in chunks(len(images), STATISTICS_CHUNK))
    levels = np.arange(256)
    mean = np.average(levels, weights=counts)
    # Images that are all one grey have no deviation; any will do.
    return np.array([mean, np.sqrt(np.average((levels - mean) ** 2, weights=counts)) or 1.0], np.float32)


def _scaled(images: np.ndarray, scaling: np.ndarray) -> np.ndarray:
    scaled = (images.astype(np.float32) - scaling[0]) / scaling[1]
    return scaled if images.ndim == 4 else scaled[..., None]


def _tensorflow() -> tuple[Any, Any]:
    """Return the modules tensorflow and keras, as ``tensorflow_runtime`` sets them."""
    try:
        return tensorflow_runtime.modules()
    except ImportError as error:
        raise ValueError(
            "student.epochs must be 0 without TensorFlow, which is not installed: `pip install selflabel[student]`"
        ) from error


def _network(image_shape: tuple[int, ...], n_classes: int, student: StudentConfig) -> Any:
    """Return an untrained network from images (N, height, width, 1 or 3), scaled, to logits (N, n_classes)."""
    _, keras = _tensorflow()
    layers, normalisation = keras.layers, _normalisation(keras)
    # A seed for each layer, for without one Keras would take it from Python's global random state.
    seeds = iter(np.random.SeedSequence(student.seed).generate_state(7).tolist())
    image = x = keras.Input((*image_shape, 1)[:3])
    for widening, is_halved in ((1, True), (2, False), (2, True), (4, False), (4, False)):
        start = keras.initializers.GlorotUniform(next(seeds))
        x = layers.Conv2D(widening * student.width, 3, padding="same", use_bias=False, kernel_initializer=start)(x)
        # Before the statistics, which then cost a quarter.
        x = layers.MaxPooling2D(2)(x) if is_halved else x
        x = layers.ReLU()(normalisation()(x))
    x = layers.Dropout(DROPOUT, seed=next(seeds))(layers.GlobalAveragePooling2D(name=EMBEDDING)(x))
    start = keras.initializers.GlorotUniform(next(seeds))
    return keras.Model(image, layers.Dense(n_classes, kernel_initializer=start)(x))


def _normalisation(keras: Any) -> Any:
    """Return batch normalisation (Ioffe & Szegedy, ICML 2015) as a layer for images, last axis channels.

    It divides by a square root, both of which every processor rounds alike. Keras' own multiplies by a reciprocal root,
    which processors approximate, each make in its own way.
    """
    ops = keras.ops

    class Normalisation(keras.layers.Layer):  # type: ignore[misc]  # Keras comes without types
        def build(self, shape: Any) -> None:
            options = {"shape": shape[-1:], "dtype": "float32"}
            self.gamma = self.add_weight(name="gamma", initializer="ones", **options)
            self.beta = self.add_weight(name="beta", initializer="zeros", **options)
            self.mean = self.add_weight(name="mean", initializer="zeros", trainable=False, **options)
            self.variance = self.add_weight(name="variance", initializer="ones", trainable=False, **options)

        def call(self, x: Any, training: bool = False) -> Any:
            mean, variance = self.mean, self.variance
            if training:
                mean, variance = ops.moments(x, axes=(0, 1, 2))
                for kept, now in ((self.mean, mean), (self.variance, variance)):
                    kept.assign(STATISTICS_MOMENTUM * kept + (1 - STATISTICS_MOMENTUM) * now)
            scale = self.gamma / ops.sqrt(variance + EPSILON)
            return x * scale + (self.beta - mean * scale)

    return Normalisation


def _learner(network: Any, student: StudentConfig, n_steps: int) -> Callable[[Any, Any], None]:
    """Return a function that takes a batch of scaled images and targets and moves the network one step."""
    tf, keras = _tensorflow()
    schedule = keras.optimizers.schedules.CosineDecay(student.learning_rate, n_steps)
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=student.weight_decay)
    variables = network.trainable_variables
    optimizer.build(variables)

    # A graph of its own: train_on_batch is no faster, and fit with a generator slower.
    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # TensorFlow comes without types
    def learn(images: Any, targets: Any) -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, network(images, training=True)))
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    return learn
