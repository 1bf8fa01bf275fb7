"""Compute the vectors of pool and test images, and write them into a folder; by which networks there are."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from tqdm import tqdm

from selflabel import files, portions
from selflabel.chunks import chunks
from selflabel.embeddings import efficientnet_lite0, own_vectors
from selflabel.embeddings.keras_network import KerasNetwork
from selflabel.embeddings.onnx_network import OnnxNetwork, Preparation
from selflabel.embeddings.pictures import Pictures

# Half precision: coarser than what processors disagree about, but for the rare value between two of its steps.
DTYPE = np.dtype(np.float16)
LARGEST = float(np.finfo(DTYPE).max)
# What is known of each extractor's source.
FACTS = "networks.json"
# Images of one task: small, so that the bar moves and no core waits for long.
PORTION = 32


class Network(Protocol):
    """What makes vectors of images: ``width`` numbers each, ``batch`` images at once, by a ``provider``.

    ``is_sent``: whether it can be sent to the workers of a cluster.
    """

    width: int
    batch: int
    provider: str
    is_sent: bool

    def embed(self, pictures: Pictures, rows: Sequence[int]) -> np.ndarray:
        """Return float32 (B, width)."""


def lite0(options: Mapping[str, Any], own: Path) -> tuple[Network, Mapping[str, str]]:
    """Return EfficientNet-Lite0, and where it comes from; its weights may be in the folder ``own``."""
    data = efficientnet_lite0.weights(own)
    model = efficientnet_lite0.network(efficientnet_lite0.tensors(data))
    mean, std = ([value / 255] * 3 for value in (efficientnet_lite0.MEAN, efficientnet_lite0.STD))
    size = options["efficientnet_lite0"]["size"]
    network = OnnxNetwork(model, Preparation(size, mean, std), name="efficientnet_lite0")
    origin = f"{efficientnet_lite0.PACKAGE} {efficientnet_lite0.VERSION} (PyPI)"
    return network, {"origin": origin, "licence": efficientnet_lite0.LICENCE, "sha256": efficientnet_lite0.SHA256}


def onnx(options: Mapping[str, Any], _own: Path) -> tuple[Network, Mapping[str, str]]:
    """Return the network of ``features.onnx``, and its file."""
    of = options["onnx"]
    preparation = Preparation(of["size"], of["mean"], of["std"], of["resize"], of["layout"])
    path = Path(of["path"])
    return OnnxNetwork(path, preparation, output=of["output"]), {"origin": str(path), "sha256": files.digest(path)}


def keras(options: Mapping[str, Any], _own: Path) -> tuple[Network, Mapping[str, str]]:
    """Return the network of ``features.keras``, and its name or file."""
    of = options["keras"]
    network = KerasNetwork(of["model"], size=of["size"], crop=of["resize"] == "crop")
    is_file = of["model"].endswith(".keras")
    return network, {"origin": of["model"]} | ({"sha256": files.digest(Path(of["model"]))} if is_file else {})


NETWORKS: dict[str, Callable[[Mapping[str, Any], Path], tuple[Network, Mapping[str, str]]]] = {
    "efficientnet_lite0": lite0,
    "onnx": onnx,
    "keras": keras,
}
OWN = "precomputed"
# By part the hashes of images, and their paths where they are files.
Keys = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Source:
    """Where an extractor's vectors come from: ``width`` numbers an image, the ``facts`` of its origin, and ``told``.

    ``fill``: writes the vectors of pictures, whose keys are given too, into an array (N, width).
    """

    width: int
    facts: Mapping[str, str]
    told: str
    fill: Callable[[Pictures, Keys, np.ndarray, Callable[..., Iterable[Any]]], None]


def source(name: str, options: Mapping[str, Any], own: Path) -> Source:
    """Return the source of an extractor's vectors; the arguments are those of ``write``."""
    if name == OWN:
        return _own(Path(options[OWN]["path"]))
    network, facts = NETWORKS[name](options, own)
    return Source(
        network.width,
        facts,
        f"by {network.provider}",
        lambda pictures, _keys, target, progress: fill(network, pictures, target, progress=progress),
    )


def write(
    names: Sequence[str],
    options: Mapping[str, Any],
    parts: Mapping[str, Pictures],
    keys: Mapping[str, Keys],
    *,
    own: Path,
    folder: Path,
) -> list[str]:
    """Write NAME_PART.npy, float16 (N, D), for each name and part, and networks.json; return a line for each name.

    ``names``: of ``NETWORKS``, or ``OWN``. ``options``: of params.yaml's section features, those of each name.
    ``parts``: pool and test. ``keys``: of each part. ``own``: the project's folder embeddings. Raises ``ValueError``
    and ``OSError`` as the networks do.
    """
    facts, lines = {}, []
    for name in names:
        of = source(name, options, own)
        for part, pictures in parts.items():
            with files.new_array(folder / f"{name}_{part}.npy", (len(pictures), of.width), DTYPE) as target:
                # disable=None: a bar on a terminal, none in a log.
                bar = partial(tqdm, desc=f"{name} of the {part}", unit=" images", unit_scale=PORTION, disable=None)
                of.fill(pictures, keys[part], target, bar)
        lines.append(f"{name}: {of.width:,} numbers an image, {of.told}")
        facts[name] = {**of.facts, "width": of.width}
    files.write_json(folder / FACTS, facts)
    return lines


def fill(
    network: Network,
    pictures: Pictures,
    target: np.ndarray,
    progress: Callable[..., Iterable[Any]] = iter,
) -> None:
    """Write the vectors of ``pictures`` into ``target``, (N, width), portion by portion, one on each core.

    While one core decodes another one computes. Raises ``ValueError`` for a number that is none, or too large.
    """

    def embed(part: Pictures) -> np.ndarray:
        vectors = [network.embed(part, range(len(part))[batch]) for batch in chunks(len(part), network.batch)]
        return np.concatenate(vectors)

    portioned = chunks(len(pictures), PORTION)
    parts = [pictures.part(rows) for rows in portioned]
    found = portions.over(embed, parts, progress=progress, is_sent=network.is_sent)
    for rows, vectors in zip(portioned, found, strict=True):
        if len(bad := np.flatnonzero(~(np.abs(vectors).max(axis=1) <= LARGEST))):
            row = rows.start + int(bad[0])
            raise ValueError(
                f"the network must give numbers of at most {LARGEST:,.0f} in size, got another one for the image "
                f"{pictures.files[row] if pictures.files else f'in row {row}'}"
            )
        target[rows] = vectors


def _own(path: Path) -> Source:
    kind, own, vectors = own_vectors.read(path)
    if not np.isfinite(vectors).all() or np.abs(vectors).max(initial=0) > LARGEST:
        raise ValueError(f"{path} must hold numbers of at most {LARGEST:,.0f} in size, got others")

    def fill(_pictures: Pictures, keys: Keys, target: np.ndarray, _progress: Callable[..., Iterable[Any]]) -> None:
        if kind not in keys:
            raise ValueError(f"{path} must be keyed by hash where the images are not files, got {kind}")
        own_vectors.aligned(kind, own, vectors, keys[kind], target, source=str(path))

    return Source(int(vectors.shape[1]), {"origin": str(path)}, f"out of {path}", fill)
