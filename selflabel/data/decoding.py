"""From the bytes of an image file to an array of one size; what cannot be one is refused with a reason.

Transparent pixels become black, as the padding is.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

# Pixels and nothing else: Pillow would hand PostScript to another program.
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000", "AVIF")
# What Pillow calls a camera's JPEG with a preview behind the picture: not animated.
WITH_PREVIEW = "MPO"
# Whatever a damaged file makes Pillow's readers stumble over.
_STUMBLES = (
    OSError, ValueError, SyntaxError, TypeError, AttributeError, ArithmeticError, LookupError, RuntimeError, EOFError,
    MemoryError, struct.error, zlib.error,
)  # fmt: skip

# All readers now, rather than by several threads at once.
Image.init()
# The own limit is checked first, and a warning of Pillow's would only be printed beside it.
Image.MAX_IMAGE_PIXELS = None


def decode(
    data: bytes, *, size: int, colour: bool, max_pixels: int, crop: bool = False, is_draft: bool = False
) -> np.ndarray:
    """Return the image in a file's bytes as ``fit`` does: uint8 (size, size), or (size, size, 3) with ``colour``.

    Told by its content, turned as its EXIF says, 16 bits scaled to 8. ``is_draft``: a JPEG is decoded no larger than
    about twice what is asked for, in a fraction of the time, to slightly other pixels. Raises ``ValueError`` with the
    reason alone: no bytes, no image, damaged or truncated, several frames, more than ``max_pixels``, values that are no
    16 bits.
    """
    if not data:
        raise ValueError("zero bytes")
    with _reading():
        image = Image.open(BytesIO(data), formats=FORMATS)
    # The header says so: nothing is decoded yet.
    if image.width * image.height > max_pixels:
        raise ValueError(f"{image.width}×{image.height} pixels, more than dataset.max_pixels")
    with _reading():
        is_animated = getattr(image, "is_animated", False) and image.format != WITH_PREVIEW
        if is_draft:
            image.draft(None, (2 * size, 2 * size))
    if is_animated:
        raise ValueError("several frames")
    with _reading():
        image.load()
    upright = _byte_deep(_upright(image))
    with _reading():
        return _fitted(_opaque(upright), size, colour, crop)


def fit(image: np.ndarray, *, size: int, colour: bool, crop: bool = False) -> np.ndarray:
    """Return an image, uint8 (h, w) or (h, w, 3), as uint8 (size, size), or (size, size, 3) with ``colour``.

    Its aspect is kept: scaled until its longer side is ``size`` (down by the mean over areas, up bilinearly), in the
    middle, with black around it. With ``crop`` it is scaled until its shorter side is ``size``, and what sticks out on
    either side is cut off. Grey is the luma of ITU-R BT.601.
    """
    return _fitted(Image.fromarray(np.ascontiguousarray(image)), size, colour, crop)


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except UnidentifiedImageError as error:
        raise ValueError("not an image") from error
    except _STUMBLES as error:
        # Not the error's own words: some hold an address, and what is written has to be the same every time.
        raise ValueError("truncated" if "truncated" in str(error).lower() else "damaged") from error


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except _STUMBLES:
        # Pixels are whole: only the note about them is damaged.
        return image


def _byte_deep(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise ValueError("floating-point values")
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise ValueError("values of 32 bits")
    return Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8))


def _opaque(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image.convert("RGBA")).convert("RGB")


def _fitted(image: Image.Image, size: int, colour: bool, crop: bool) -> np.ndarray:
    mode = "RGB" if colour else "L"
    image, side = image.convert(mode), min(image.size) if crop else max(image.size)
    inner = [max(1, round(length * size / side)) for length in image.size]
    # Pillow's box filter is the mean over areas.
    image = image.resize(inner, Image.Resampling.BOX if side > size else Image.Resampling.BILINEAR)
    framed = Image.new(mode, (size, size))
    framed.paste(image, ((size - inner[0]) // 2, (size - inner[1]) // 2))
    return np.asarray(framed)
