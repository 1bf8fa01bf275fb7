"""Compute the features and the graph of pool and test images, and write them into folders."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from selflabel import files, portions
from selflabel.features import extractors, feature_set, neighbours, pca


def features(
    options: Mapping[str, Any],
    pool: np.ndarray,
    test: np.ndarray,
    folder: Path,
    vectors: Mapping[str, tuple[np.ndarray, np.ndarray]] = MappingProxyType({}),
) -> dict[str, int]:
    """Write pool.npy, test.npy and blocks.json into a folder; return how many features each extractor gives.

    ``options``: params.yaml's section features. ``pool``, ``test``: uint8 (N, height, width) or (N, height, width, 3).
    ``vectors``: by name, what networks made of pool and test images, float16 (N, D).
    """
    names = extractors.names(options["extractor"])
    taken = [vectors.get(name, (pool, test)) for name in names]
    whole = [extractors.EXTRACTORS[name](of[0], options) for name, of in zip(names, taken, strict=True)]

    def reduce(extract: extractors.Extractor, of: tuple[np.ndarray, np.ndarray]) -> extractors.Extractor:
        return extractors.reduced(extract, pool=of[0], components=options["components"])

    # A core each; sums are added up by one thread, so that the number of cores leaves no trace.
    with threadpool_limits(1), ThreadPoolExecutor(os.cpu_count()) as executor:
        reduced = list(executor.map(reduce, whole, taken))
    widths = [extractors.n_features(extract, of[0].shape[1:]) for extract, of in zip(reduced, taken, strict=True)]
    with (
        files.new_array(Path(folder, "pool.npy"), (len(pool), sum(widths)), np.dtype(np.float32)) as of_pool,
        files.new_array(Path(folder, "test.npy"), (len(test), sum(widths)), np.dtype(np.float32)) as of_test,
    ):
        for place, target, name in ((0, of_pool, "pool"), (1, of_test, "test")):
            # disable=None: a bar on a terminal, none in a log.
            bar = partial(tqdm, desc=f"features of the {name}", unit="k images", disable=None)
            parts = [(extract, of[place]) for extract, of in zip(reduced, taken, strict=True)]
            extractors.fill(parts, target, progress=bar)
        blocks = feature_set.blocks(of_pool, widths)
        # One alone drowns nobody: its features stay as they are known.
        if len(names) > 1:
            for target in (of_pool, of_test):
                extractors.balance(target, blocks)
            blocks = feature_set.blocks(of_pool, widths)
    files.write_json(Path(folder, "blocks.json"), [block._asdict() for block in blocks])
    return dict(zip(names, widths, strict=True))


def graph(features_folder: Path, folder: Path, *, n_neighbours: int, components: int) -> int:
    """Write the graph of the pool, and the nearest neighbours of test images, into a folder.

    ``n_neighbours``: 0 for none. ``components``: principal components that distances are measured in, or as many as
    there are columns or rows. Returns how many neighbours an image has.
    """
    # Of several extractors the first is to be that whose neighbours are most alike.
    columns = files.read_json(Path(features_folder, "blocks.json"))[0]["columns"]
    parts = [files.read_array(Path(features_folder, f"{part}.npy"))[:, :columns] for part in ("pool", "test")]
    links = neighbours.NO_GRAPH
    if n_neighbours:
        fitted = pca.fit(pca.sample(parts[0]), components)
        with ExitStack() as stack:
            points = []
            for of in parts:
                shape, is_shared = (len(of), fitted.n_components_), bool(portions.scheduler())
                scratch = files.scratch_array(Path(folder, "points"), shape, np.dtype(np.float32), is_named=is_shared)
                points.append(stack.enter_context(scratch))
                neighbours.project(fitted, of, points[-1])
            links = neighbours.build(*points, neighbours=n_neighbours)
    links.write(Path(folder))
    return min(n_neighbours, len(parts[0]) - 1)
