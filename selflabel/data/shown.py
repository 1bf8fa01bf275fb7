"""Pictures as people are shown them, made anew from the pixels alone: nothing else of a file reaches a page."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

# Pixels of the longest side: as large as a page shows it; in a grid; and as large as anybody looks at it.
SHOWN = 1_600
SIZES = {"small": 320, "full": 4_096}
# Up to here PNG, which loses nothing; above it JPEG, which arrives sooner.
LOSSLESS = 512


def encoded(source: np.ndarray | Path, *, longest: int, max_pixels: int) -> tuple[bytes, str]:
    """Return a picture's bytes and their media type, its longest side at most ``longest`` pixels.

    ``source``: uint8 (h, w) or (h, w, 3), or a file. Raises ``OSError`` for a file that is no image (any more), and
    ``ValueError`` for one of more than ``max_pixels`` pixels.
    """
    if isinstance(source, np.ndarray):
        return _bytes(Image.fromarray(source), longest)
    with Image.open(source) as image:
        if image.width * image.height > max_pixels:
            raise ValueError(f"the image must have at most {max_pixels:,} pixels, got {image.width}×{image.height}")
        # A JPEG is decoded no larger than it takes.
        image.draft(None, (longest, longest))
        return _bytes(ImageOps.exif_transpose(image), longest)


def _bytes(image: Image.Image, longest: int) -> tuple[bytes, str]:
    plain = image if image.mode in ("L", "RGB") else image.convert("RGBA" if "A" in image.getbands() else "RGB")
    if plain.mode == "RGBA":
        white = Image.new("RGB", plain.size, "white")
        white.paste(plain, mask=plain.getchannel("A"))
        plain = white
    plain.thumbnail((longest, longest))
    kind = "PNG" if max(plain.size) <= LOSSLESS else "JPEG"
    # A new image, to which no metadata clings.
    target = io.BytesIO()
    Image.frombytes(plain.mode, plain.size, plain.tobytes()).save(target, kind, quality=90)
    return target.getvalue(), f"image/{kind.lower()}"
