"""The images at the size that a network takes: decoded from the original files, where the images are files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from selflabel.data import decoding


@dataclass(frozen=True, eq=False)
class Pictures:
    """N images: ``images``, uint8 (N, h, w) or (N, h, w, 3), and the ``files`` they came from; None where none did.

    ``max_pixels``: a file with more is not opened.
    """

    images: np.ndarray
    files: Sequence[Path] | None = None
    max_pixels: int = 2**31 - 1

    def __len__(self) -> int:
        return len(self.images)

    def part(self, rows: slice) -> "Pictures":
        """Return some of them; the paths of their files are whole."""
        paths = None if self.files is None else [Path.cwd() / path for path in self.files[rows]]
        return Pictures(self.images[rows], paths, self.max_pixels)

    def square(self, row: int, *, size: int, crop: bool) -> np.ndarray:
        """Return an image, uint8 (size, size, 3), as ``decoding.fit`` fits or crops it.

        Raises ``ValueError`` naming a file that cannot be read any more.
        """
        if self.files is None:
            return decoding.fit(np.asarray(self.images[row]), size=size, colour=True, crop=crop)
        path = self.files[row]
        try:
            data = path.read_bytes()
            return decoding.decode(data, size=size, colour=True, crop=crop, max_pixels=self.max_pixels, is_draft=True)
        except (OSError, ValueError) as error:
            raise ValueError(f"{path} must still be the image that it was, got another file ({error})") from error
