"""Compute the features of the pool and of the test images, in chunks."""

from pathlib import Path

import numpy as np

from selflabel import files
from selflabel.config import checks
from selflabel.config.load import load
from selflabel.features import compute, extractors
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "pool-images", "test-images", "vectors", "out")
    params = load(sections=["features"])
    pool, test = files.read_array(args.pool_images), files.read_array(args.test_images)
    vectors = {
        name: (read(args.vectors, name, "pool"), read(args.vectors, name, "test"))
        for name in checks.extractors(params.features)
        if name in extractors.VECTORS
    }
    widths = compute.features(params.features.model_dump(), pool, test, args.out, vectors)
    parts = " + ".join(f"{width:,} {name}" for name, width in widths.items())
    say(f"features: {len(pool) + len(test):,} images, {parts} features each")


def read(folder: str, name: str, part: str) -> np.ndarray:
    return files.read_array(Path(folder, f"{name}_{part}.npy"))


if __name__ == "__main__":
    run(main)
