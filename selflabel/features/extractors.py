"""From images to features.

A new extractor is one function that is given the pool and the section ``features`` of params.yaml, returns its own
chunk function, and has a line in ``EXTRACTORS``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from selflabel import files, portions
from selflabel.chunks import chunks
from selflabel.features import patches, pca
from selflabel.features.feature_set import Block

# Takes uint8 images (B, height, width), or (B, height, width, 3), and returns float32 features (B, D). Those of
# ``VECTORS`` take vectors, float16 (B, D), that networks made of the images.
Extractor = Callable[[np.ndarray], np.ndarray]

# OpenCV's HOG has one gradient filter and one norm, and its detection scales do nothing at a single window.
DERIV_APERTURE, L2_HYS, LEVELS = 1, 0, 64
CHUNK = 1_000
# Coarser than what kernels of other processors disagree about.
DECIMALS = 6


def pixels(_pool: np.ndarray, _options: Mapping[str, Any]) -> Extractor:
    """Return an extractor of raw grey levels, or of red, green and blue, in [0, 1]."""
    return lambda images: images.reshape(len(images), -1).astype(np.float32) / 255


def hog(pool: np.ndarray, options: Mapping[str, Any]) -> Extractor:
    """Return an extractor of histograms of oriented gradients (Dalal & Triggs, CVPR 2005; OpenCV's).

    ``options``: with the key hog, as in params.yaml, lengths in pixels. Raises ``ValueError`` unless the window is
    exactly the image, so that an image is one descriptor. OpenCV keeps the first ``l2hys_threshold`` it meets as long
    as the process lives: use one a process. Of a coloured image it takes, in each pixel, the channel that changes most.
    """
    values = options["hog"]
    window, block, stride, cell = ((values[name], values[name]) for name in ("window", "block", "stride", "cell"))
    if pool.shape[1:3] != window:
        raise ValueError(f"features.hog.window must be the size of the images, {pool.shape[1:3]}, got {window[0]}")
    return _descriptors(window, block, stride, cell, values["bins"], values)


def hog_cells(pool: np.ndarray, options: Mapping[str, Any], name: str) -> Extractor:
    """Return an extractor of HOG in blocks of 2×2 cells that move by one, for images of any size.

    ``options``: with the keys ``name`` (cell and padding in pixels, bins) and hog, whose options besides the geometry
    hold here too. Zeros are added around the images, ``padding`` at least and as many as fill the last cell.
    """
    values = options[name]
    cell = values["cell"]
    # Of the zeros that fill the last cell, half stand on either side.
    sides = [max(-(-(length + 2 * values["padding"]) // cell), 2) * cell for length in pool.shape[1:3]]
    around = [
        ((side - length) // 2, -(-(side - length) // 2)) for side, length in zip(sides, pool.shape[1:3], strict=True)
    ]
    extract = _descriptors(
        (sides[1], sides[0]), (2 * cell, 2 * cell), (cell, cell), (cell, cell), values["bins"], options["hog"]
    )
    around = [(0, 0), *around, *[(0, 0)] * (pool.ndim - 3)]
    return lambda images: extract(np.pad(images, around))


def _descriptors(
    window: tuple[Any, ...],
    block: tuple[Any, ...],
    stride: tuple[Any, ...],
    cell: tuple[Any, ...],
    bins: int,
    options: Mapping[str, Any],
) -> Extractor:
    values = (
        window, block, stride, cell, bins,
        DERIV_APERTURE, options["win_sigma"], L2_HYS,
        options["l2hys_threshold"], options["gamma_correction"], LEVELS, options["signed_gradients"],
    )  # fmt: skip
    return lambda images: np.stack([np.ravel(_descriptor(*values).compute(image)) for image in images])


@cache
def _descriptor(*values: Any) -> Any:
    # In the process that computes, for it cannot be sent to one.
    portions.hold("features.hog.l2hys_threshold", values[8])
    return cv2.HOGDescriptor(*values)


def kmeans_patches(pool: np.ndarray, options: Mapping[str, Any]) -> Extractor:
    """Return an extractor of patches' nearness to centres that k-means finds in the pool's, see ``patches.learn``."""
    values = options["kmeans_patches"]
    learnt = patches.learn(
        pool,
        patch=values["patch"],
        stride=values["stride"],
        centres=values["centres"],
        grid=values["grid"],
        seed=values["seed"],
    )
    return lambda images: patches.encode(learnt, images)


def colour_histogram(_pool: np.ndarray, options: Mapping[str, Any]) -> Extractor:
    """Return an extractor of the share of each colour in parts of an image, rooted, as counts are compared.

    ``options``: with the key colour_histogram: bins of hue, saturation and value, and parts a side. A grey image has
    values alone.
    """
    values = options["colour_histogram"]
    bins = [values["hue"], values["saturation"], values["value"]]
    # OpenCV's ranges of 8-bit hue, saturation and value.
    ranges = [0, 180, 0, 256, 0, 256]

    def histogram(image: np.ndarray) -> np.ndarray:
        coloured = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=-1)
        hsv = cv2.cvtColor(coloured, cv2.COLOR_RGB2HSV)
        rows = np.array_split(hsv, values["grid"])
        parts = [np.ascontiguousarray(part) for row in rows for part in np.array_split(row, values["grid"], axis=1)]
        counts = [cv2.calcHist([part], [0, 1, 2], None, bins, ranges).ravel() / part[..., 0].size for part in parts]
        return np.sqrt(np.concatenate(counts))

    return lambda images: np.stack([histogram(image) for image in images]).astype(np.float32)


def vectors(pool: np.ndarray, _options: Mapping[str, Any]) -> Extractor:
    """Return an extractor of vectors that are there already, each of length one: their angles are compared.

    ``pool``: floating-point (N, D). Where no number is below 0, as after a network's last ReLU, they are rooted first,
    so that the few large ones do not decide alone (power normalisation; Perronnin, Sánchez & Mensink, ECCV 2010).
    """
    is_rooted = all(pool[rows].min(initial=0) >= 0 for rows in chunks(len(pool), CHUNK))

    def directions(given: np.ndarray) -> np.ndarray:
        values = np.sqrt(given, dtype=np.float32) if is_rooted else given.astype(np.float32)
        lengths = np.linalg.norm(values, axis=1, keepdims=True)
        return values / np.where(lengths > 0, lengths, 1)

    return directions


# Their vectors are there already: the stage embed writes them.
VECTORS = ("efficientnet_lite0", "onnx", "keras", "precomputed")

EXTRACTORS: dict[str, Callable[[np.ndarray, Mapping[str, Any]], Extractor]] = {
    "hog": hog,
    "hog_fine": partial(hog_cells, name="hog_fine"),
    "hog_coarse": partial(hog_cells, name="hog_coarse"),
    "kmeans_patches": kmeans_patches,
    "pixels": pixels,
    "colour_histogram": colour_histogram,
    **dict.fromkeys(VECTORS, vectors),
}


def reduced(extract: Extractor, pool: np.ndarray, components: int) -> Extractor:
    """Return an extractor of the principal components of what another extracts, or that itself if ``components`` is 0.

    They are those of 10,000 images of the pool, evenly spread; there are fewer where there are fewer features or
    images. Distances, and with them kernels and neighbours, stay nearly what they are, in a fraction of the columns.
    """
    if not components:
        return extract
    sample = pca.sample(pool)
    known = np.concatenate([extract(sample[rows]) for rows in chunks(len(sample), CHUNK)])
    projection = pca.fit(known, components)

    def project(images: np.ndarray) -> np.ndarray:
        # More threads add sums up in another order.
        with threadpool_limits(1):
            return projection.transform(extract(images))

    return project


def names(extractor: str | Sequence[str]) -> list[str]:
    """Return the names of ``features.extractor``, which may be one or a list."""
    return [extractor] if isinstance(extractor, str) else list(extractor)


def n_features(extractor: Extractor, shape: tuple[int, ...]) -> int:
    """Return how many features an image has; ``shape``: of an image, or of its vector."""
    return extractor(np.zeros((1, *shape), np.uint8)).shape[1]


def fill(
    parts: Sequence[tuple[Extractor, np.ndarray]],
    target: np.ndarray,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> None:
    """Write the features of the same images by each extractor into ``target``, float32 (N, D), side by side.

    ``parts``: each extractor with what it takes, (N, …). Rounded to six decimals. In chunks, so that memory stays flat,
    one on each core; ``progress`` is put around them.
    """

    def extract_all(rows: slice) -> np.ndarray:
        return np.round(np.hstack([extract(taken[rows]) for extract, taken in parts]), DECIMALS)

    portioned = chunks(len(target), CHUNK)
    for rows, found in zip(portioned, portions.over(extract_all, portioned, progress=progress), strict=True):
        target[rows] = found
        files.give_back(target, *(taken for _, taken in parts))


def balance(features: np.ndarray, found: Sequence[Block]) -> None:
    """Divide each block of ``features``, in place, so that its total variance in the pool is one.

    Two images then differ by as much, on average, in each block: none drowns the others. Rounded to six decimals.
    """
    scale = np.concatenate([np.full(block.columns, 1 / np.sqrt(block.variance or 1.0), np.float32) for block in found])
    for rows in chunks(len(features), CHUNK):
        features[rows] = np.round(features[rows] * scale, DECIMALS)
        files.give_back(features)
