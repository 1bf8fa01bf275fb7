"""Disturbing images at random, so that what learns from them learns what they show."""

import numpy as np


def augment(images: np.ndarray, *, shift: int, flip: bool, cutout: int, rng: np.random.Generator) -> np.ndarray:
    """Return new uint8 images, each at random moved, mirrored and with a square erased, or not.

    ``images``: uint8 (N, height, width) or (N, height, width, 3); so is what comes back.
    ``shift``: at least 0, the most pixels it is moved by, each way. ``cutout``: at least 0, pixels, the side of the
    square (DeVries & Taylor 2017, arXiv 1708.04552), whose centre is anywhere in the image. What comes in at a border
    and what is erased is 0.
    """
    n, height, width = images.shape[:3]
    padded = np.pad(images, ((0, 0), (shift,) * 2, (shift,) * 2, (0, 0))[: images.ndim])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    down, right = rng.integers(0, 2 * shift + 1, (2, n))
    moved = windows[np.arange(n), down, right]
    # The windows' sides come last, after the channels.
    moved = np.moveaxis(moved, 1, -1) if images.ndim == 4 else moved
    if flip:
        is_mirrored = rng.random(n) < 0.5
        moved[is_mirrored] = moved[is_mirrored, :, ::-1]
    if cutout:
        is_erased_row = _is_covered(height, cutout, np.asarray(rng.integers(0, height, n)))
        is_erased_column = _is_covered(width, cutout, np.asarray(rng.integers(0, width, n)))
        moved[is_erased_row[:, :, None] & is_erased_column[:, None, :]] = 0
    return moved


def _is_covered(length: int, side: int, centres: np.ndarray) -> np.ndarray:
    offsets = np.arange(length) - (centres - side // 2)[:, None]
    return (offsets >= 0) & (offsets < side)
