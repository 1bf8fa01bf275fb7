"""Compute the features of the pool and of the test images, in chunks."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from selflabel import files
from selflabel.config.load import load
from selflabel.features import extractors as features
from selflabel.features import feature_set
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "pool-images", "test-images", "out")
    params = load()
    compute(params.features, files.read_array(args.pool_images), files.read_array(args.test_images), args.out)


def compute(options, pool: np.ndarray, test: np.ndarray, out: str) -> None:
    """Write pool.npy, test.npy and blocks.json into the folder ``out``; ``options``: params.yaml's section features."""
    names = features.names(options.extractor)
    found = [features.EXTRACTORS[name](pool, options.model_dump()) for name in names]
    reduce = partial(features.reduced, pool=pool, components=options.components)
    # A core each; sums are added up by one thread, so that the number of cores leaves no trace.
    with threadpool_limits(1), ThreadPoolExecutor(os.cpu_count()) as executor:
        extractors = list(executor.map(reduce, found))
    widths = [features.n_features(extract, pool.shape[1:]) for extract in extractors]
    with (
        files.new_array(Path(out, "pool.npy"), (len(pool), sum(widths)), "float32") as of_pool,
        files.new_array(Path(out, "test.npy"), (len(test), sum(widths)), "float32") as of_test,
    ):
        for images, target, name in ((pool, of_pool, "pool"), (test, of_test, "test")):
            # disable=None: a bar on a terminal, none in a log.
            bar = partial(tqdm, desc=f"features of the {name}", unit="k images", disable=None)
            features.fill(extractors, images, target, progress=bar)
        blocks = feature_set.blocks(of_pool, widths)
        # One alone drowns nobody: its features stay as they are known.
        if len(names) > 1:
            for target in (of_pool, of_test):
                features.balance(target, blocks)
            blocks = feature_set.blocks(of_pool, widths)
    files.write_json(Path(out, "blocks.json"), [block._asdict() for block in blocks])
    parts = " + ".join(f"{width:,} {name}" for name, width in zip(names, widths, strict=True))
    say(f"features: {len(pool) + len(test):,} images, {parts} features each")


if __name__ == "__main__":
    run(main)
