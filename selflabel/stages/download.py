"""Get the data set: images, index and class names; the truth goes into files of its own."""

from argparse import Namespace
from functools import partial
from typing import Any

import numpy as np
from tqdm import tqdm

from selflabel import files
from selflabel.config.load import load
from selflabel.config.schema import Dataset
from selflabel.data import built_in as datasets
from selflabel.data import duplicates, user_images
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(
        __doc__, "check", "pool-images", "test-images", "index", "classes", "pool-truth", "test-truth", "problems"
    )
    params = load(sections=["dataset"])
    get = from_user if params.dataset.name in user_images.READERS else built_in
    index, classes, labels, told = get(params.dataset, args)
    files.write_table(args.index, index)
    files.write_json(args.classes, classes)
    files.write_array(args.pool_truth, labels["pool"])
    files.write_array(args.test_truth, labels["test"])
    say(f"download: {len(labels['pool']):,} pool and {len(labels['test']):,} test images of {told}")


def built_in(options: Dataset, args: Namespace) -> tuple[dict[str, Any], tuple[Any, ...], dict[str, Any], str]:
    dataset = datasets.load(options.name, options.source)
    files.write_table(args.problems, user_images.table([]))
    files.write_array(args.pool_images, dataset.pool.images)
    files.write_array(args.test_images, dataset.test.images)
    labels = {"pool": dataset.pool.labels, "test": dataset.test.labels}
    return datasets.index(dataset), dataset.classes, labels, f"{options.name} from {dataset.source}"


def from_user(options: Dataset, args: Namespace) -> tuple[dict[str, Any], tuple[Any, ...], dict[str, Any], str]:
    listing = user_images.listed(options.name, options.path, options.classes)
    # Now, so that what is refused below can be looked up.
    files.write_table(args.problems, user_images.table(listing.problems))
    user_images.check_listing(listing)
    side, channels = (options.image_size,) * 2, (3,) * options.colour
    with files.scratch_array(args.pool_images, (len(listing.entries), *side, *channels), np.dtype(np.uint8)) as images:
        # disable=None: a bar on a terminal, none in a log.
        bar = partial(tqdm, desc="decoding", unit="chunks", disable=None)
        hashes, reasons = user_images.decode(listing.entries, images, max_pixels=options.max_pixels, progress=bar)
        settled = duplicates.settle(listing, hashes, reasons)
        files.write_table(args.problems, user_images.table(settled.problems))
        n_refused = user_images.refused(settled, on_error=options.on_error, place=args.problems)
        user_images.check(listing.classes, settled.labels["pool"])
        files.write_rows(args.pool_images, images, settled.entries["pool"])
        files.write_rows(args.test_images, images, settled.entries["test"])
    n_kept = sum(problem.action == "kept" for problem in settled.problems)
    told = f"{options.path}; {n_refused:,} cannot be used, {n_kept:,} are the same as another: {args.problems}"
    return duplicates.index(listing, settled, hashes), listing.classes, settled.labels, told


if __name__ == "__main__":
    run(main)
