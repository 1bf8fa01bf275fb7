"""Get the data set: images, index and class names; the truth goes into files of its own."""

import numpy as np

from selflabel import datasets, files
from selflabel.params import load
from stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "check", "pool-images", "test-images", "index", "classes", "pool-truth", "test-truth")
    params = load()
    dataset = datasets.load(params.dataset.name, params.dataset.source)

    parts = {"pool": dataset.pool, "test": dataset.test}
    index = {
        "row": np.concatenate([np.arange(len(part.images)) for part in parts.values()]),
        "hash": [digest for part in parts.values() for digest in datasets.content_hashes(part.images)],
        "split": [name for name, part in parts.items() for _ in part.images],
    }
    files.write_array(args.pool_images, dataset.pool.images)
    files.write_array(args.test_images, dataset.test.images)
    files.write_table(args.index, index)
    files.write_json(args.classes, dataset.classes)
    files.write_array(args.pool_truth, dataset.pool.labels)
    files.write_array(args.test_truth, dataset.test.labels)
    say(
        f"download: {len(dataset.pool.images):,} pool and {len(dataset.test.images):,} test images "
        f"of {params.dataset.name} from {dataset.source}"
    )


if __name__ == "__main__":
    run(main)
