"""From images to features.

A new extractor is one function that returns its own chunk function, and one line in ``EXTRACTORS``.
"""

from collections.abc import Callable, Mapping

import cv2
import numpy as np

# Takes uint8 images (B, height, width) and returns float32 features (B, D).
Extractor = Callable[[np.ndarray], np.ndarray]


def pixels(_image_shape: tuple[int, int], _options: Mapping) -> Extractor:
    """Return an extractor of raw grey levels in [0, 1]."""
    return lambda images: images.reshape(len(images), -1).astype(np.float32) / 255


def hog(image_shape: tuple[int, int], options: Mapping) -> Extractor:
    """Return an extractor of histograms of oriented gradients (Dalal & Triggs, CVPR 2005; OpenCV's).

    ``options``: the keys of ``features.hog`` in params.yaml, lengths in pixels. Raises ``ValueError`` unless the
    window is exactly the image, so that an image is one descriptor. OpenCV keeps the first ``l2hys_threshold`` it
    meets as long as the process lives: use one a process.
    """
    if image_shape != (options["window"], options["window"]):
        raise ValueError(f"features.hog.window must be the size of the images, {image_shape}, got {options['window']}")
    square = {name: (options[name], options[name]) for name in ("window", "block", "stride", "cell")}
    descriptor = cv2.HOGDescriptor(
        square["window"], square["block"], square["stride"], square["cell"], options["bins"],
        options["deriv_aperture"], options["win_sigma"], options["histogram_norm_type"],
        options["l2hys_threshold"], options["gamma_correction"], options["levels"], options["signed_gradients"],
    )  # fmt: skip
    return lambda images: np.stack([descriptor.compute(image).ravel() for image in images])


EXTRACTORS: dict[str, Callable[[tuple[int, int], Mapping], Extractor]] = {"hog": hog, "pixels": pixels}


def n_features(extractor: Extractor, image_shape: tuple[int, int]) -> int:
    """Return how many features an image has."""
    return extractor(np.zeros((1, *image_shape), np.uint8)).shape[1]
