"""The feature set that every round reads: features of pool and test images, and the pool's graph."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from selflabel import files
from selflabel.chunks import chunks
from selflabel.features.neighbours import Graph, build

CHUNK = 1_000


class Block(NamedTuple):
    """The columns that one extractor made, and their total variance in the pool (the sum over columns)."""

    columns: int
    variance: float


class FeatureSet(NamedTuple):
    """Features float32 of the pool (N, D) and of the test images (M, D), the extractors' blocks, and the graph.

    ``blocks``: one an extractor, in the order of the columns; empty: all columns are one. ``graph``: None where there
    is none, and nothing is smoothed.
    """

    pool: np.ndarray
    test: np.ndarray
    blocks: tuple[Block, ...] = ()
    graph: Graph | None = None


def read(features: Path, graph: Path) -> FeatureSet:
    """Return what the stages ``features`` and ``graph`` wrote into their folders."""
    columns = [Block(**block) for block in files.read_json(Path(features, "blocks.json"))]
    return FeatureSet(
        files.read_array(Path(features, "pool.npy")),
        files.read_array(Path(features, "test.npy")),
        tuple(columns),
        Graph.read(Path(graph)),
    )


def blocks(features: np.ndarray, widths: Sequence[int]) -> list[Block]:
    """Return what the extractors made of the pool: how many columns each, and their total variance.

    ``features``: float32 (N, sum of widths).
    """
    total, squares = np.zeros(features.shape[1]), np.zeros(features.shape[1])
    for rows in chunks(len(features), CHUNK):
        part = np.asarray(features[rows], np.float64)
        total += part.sum(axis=0)
        squares += (part**2).sum(axis=0)
        files.give_back(features)
    variances = np.maximum(squares / len(features) - (total / len(features)) ** 2, 0)
    return [Block(len(part), float(part.sum())) for part in np.split(variances, np.cumsum(widths)[:-1])]


def with_embedding(features: FeatureSet, of_pool: np.ndarray, of_test: np.ndarray) -> FeatureSet:
    """Return what is held with an embedding, float32 (N, E) and (M, E), as a block more, and in the graph.

    It is scaled to the first extractor's total variance. The graph's distances then are in the first extractor's
    columns and the embedding together.
    """
    first = (features.blocks or blocks(features.pool, [features.pool.shape[1]]))[0]
    (embedded,) = blocks(of_pool, [of_pool.shape[1]])
    scale = np.float32(np.sqrt(first.variance / (embedded.variance or 1.0)))
    added = [scale * of_pool, scale * of_test]
    pool, test = (np.hstack(parts) for parts in zip((features.pool, features.test), added, strict=True))
    links = features.graph
    if links is not None:
        near_pool, near_test = (
            np.hstack([part[:, : first.columns], embedding])
            for part, embedding in zip((features.pool, features.test), added, strict=True)
        )
        k = links.test_neighbours.shape[1]
        links = build(near_pool, near_test, neighbours=k)
    known = features.blocks or (first,)
    return FeatureSet(pool, test, (*known, Block(embedded.columns, first.variance)), links)
