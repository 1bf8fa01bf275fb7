"""Any network as an ONNX file, run by onnxruntime."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from selflabel.embeddings.faults import first_line
from selflabel.embeddings.pictures import Pictures

# A run of one image keeps a network's layers in a core's cache: some four times as many images a second as a run of 32.
BATCH_ON_CPU, BATCH_ON_GPU = 1, 32
ON_CPU = "CPUExecutionProvider"
# Those that compute what a processor would, but for rounding.
ON_GPU = ("CUDAExecutionProvider", "ROCMExecutionProvider")


@dataclass(frozen=True)
class Preparation:
    """What a network takes: images of ``size`` pixels a side, (pixel / 255 − mean) / std, in a ``layout``.

    ``resize``: fit (black around) or crop. ``mean``, ``std``: of red, green and blue.
    """

    size: int
    mean: Sequence[float]
    std: Sequence[float]
    resize: str = "fit"
    layout: str = "nchw"

    def prepared(self, pictures: Pictures, rows: Sequence[int]) -> np.ndarray:
        """Return float32 (B, 3, size, size), or (B, size, size, 3) with the layout nhwc."""
        scale = (1 / (255 * np.array(self.std))).astype(np.float32)
        shift = (np.array(self.mean) / np.array(self.std)).astype(np.float32)
        values = np.empty((len(rows), 3, self.size, self.size), np.float32)
        for image, row in zip(values, rows, strict=True):
            square = pictures.square(row, size=self.size, crop=self.resize == "crop")
            # Channel by channel takes a quarter of the time of all at once.
            for channel in range(3):
                np.multiply(square[..., channel], scale[channel], out=image[channel])
                image[channel] -= shift[channel]
        return values if self.layout == "nchw" else np.ascontiguousarray(values.transpose(0, 2, 3, 1))


class OnnxNetwork:
    """A network that makes vectors of images.

    ``model``: a file, or its bytes. ``output``: the name of what is taken; empty: the first. Raises ``ValueError`` for
    a file that is no network, lacks a part, or takes or gives something else than images and a vector of each.
    """

    is_sent = True

    def __init__(self, model: Path | bytes, preparation: Preparation, *, output: str = "", name: str = "") -> None:
        self._model, self._name = model, name or str(model)
        self.preparation = preparation
        self._session = _session(model, self._name)
        self._input = self._checked_input()
        self._output, self.width = self._checked_output(output)
        on_gpu = self._session.get_providers()[0] != ON_CPU
        free = not isinstance(self._input.shape[0], int)
        self.batch = (BATCH_ON_GPU if on_gpu else BATCH_ON_CPU) if free else 1
        self.provider = str(self._session.get_providers()[0])

    def __reduce__(self) -> tuple[Any, ...]:
        # A session stays in its process: on a worker the network is loaded anew.
        model = self._model if isinstance(self._model, bytes) else self._model.resolve()
        return _sent, (model, self.preparation, self._output, self._name, _runtime(), self.provider)

    def embed(self, pictures: Pictures, rows: Sequence[int]) -> np.ndarray:
        """Return float32 (B, width). May be called from several threads: each run uses one core."""
        (vectors,) = self._session.run([self._output], {self._input.name: self._typed(pictures, rows)})
        return np.asarray(vectors, np.float32).reshape(len(rows), -1)

    def _typed(self, pictures: Pictures, rows: Sequence[int]) -> np.ndarray:
        values = self.preparation.prepared(pictures, rows)
        return values.astype(np.float16) if self._input.type == "tensor(float16)" else values

    def _checked_input(self) -> Any:
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or inputs[0].type not in ("tensor(float)", "tensor(float16)"):
            told = ", ".join(f"{one.name} {one.type}" for one in inputs)
            raise ValueError(f"{self._name} must take one array of images, of floating-point numbers, got {told}")
        size, shape = self.preparation.size, inputs[0].shape
        wanted = [1, 3, size, size] if self.preparation.layout == "nchw" else [1, size, size, 3]
        # What is no number is free.
        if len(shape) != 4 or any(
            isinstance(got, int) and got != side for got, side in zip(shape, wanted, strict=True)
        ):
            raise ValueError(
                f"{self._name} must take images as features.onnx says, {self.preparation.layout} of {size} pixels a "
                f"side, one or any number at once, got an input of shape {_shape(shape)}"
            )
        return inputs[0]

    def _checked_output(self, output: str) -> tuple[str, int]:
        outputs = {one.name: one for one in self._session.get_outputs()}
        told = ", ".join(f"{name} {_shape(one.shape)}" for name, one in outputs.items())
        if output and output not in outputs:
            raise ValueError(f"features.onnx.output must be an output of {self._name} ({told}), got {output!r}")
        name = output or next(iter(outputs))
        size = self.preparation.size
        black = Pictures(np.zeros((1, size, size, 3), np.uint8))
        try:
            (vectors,) = self._session.run([name], {self._input.name: self._typed(black, [0])})
        except Exception as error:
            raise ValueError(f"{self._name} must run on an image, got a fault ({first_line(error)})") from error
        shape = np.shape(vectors)
        if len(shape) < 2 or shape[0] != 1 or np.prod(shape[1:]) != max(shape[1:]):
            raise ValueError(
                f"the output {name} of {self._name} must be a vector an image, got shape {_shape(shape)}; its outputs: "
                f"{told} (features.onnx.output names another one)"
            )
        if not np.issubdtype(np.asarray(vectors).dtype, np.floating):
            raise ValueError(f"the output {name} of {self._name} must be floating-point, got {vectors.dtype}")
        return name, int(max(shape[1:]))


def _runtime() -> str:
    import onnxruntime

    return f"onnxruntime {onnxruntime.__version__}"


def _sent(
    model: Path | bytes, preparation: Preparation, output: str, name: str, runtime: str, provider: str
) -> OnnxNetwork:
    """Return a network that was sent; raise ``ValueError`` where another version or processor would run it."""
    network = OnnxNetwork(model, preparation, output=output, name=name)
    if (_runtime(), network.provider) != (runtime, provider):
        raise ValueError(
            f"each Dask worker must run {name} by {runtime}, {provider}, got {_runtime()}, {network.provider}"
        )
    return network


def _session(model: Path | bytes, name: str) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ValueError("features.extractor needs onnxruntime: `pip install 'selflabel[photographs]'`") from error
    options = onnxruntime.SessionOptions()
    # Portions of images keep all cores busy, and a sum's parts are added up in one order.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    there = onnxruntime.get_available_providers()
    providers = [*[provider for provider in ON_GPU if provider in there], ON_CPU]
    try:
        return onnxruntime.InferenceSession(
            model if isinstance(model, bytes) else str(model), options, providers=providers
        )
    except Exception as error:
        raise ValueError(
            f"{name} must be an ONNX file with all its parts, got one that cannot be loaded ({first_line(error)})"
        ) from error


def _shape(shape: Sequence[Any]) -> str:
    return f"({', '.join(str(side) if isinstance(side, int) else 'any' for side in shape)})"
