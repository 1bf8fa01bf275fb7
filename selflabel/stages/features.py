"""Compute the features of the pool and of the test images, in chunks."""

from selflabel import files
from selflabel.config.load import load
from selflabel.features import compute
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "pool-images", "test-images", "out")
    params = load()
    pool, test = files.read_array(args.pool_images), files.read_array(args.test_images)
    widths = compute.features(params.features.model_dump(), pool, test, args.out)
    parts = " + ".join(f"{width:,} {name}" for name, width in widths.items())
    say(f"features: {len(pool) + len(test):,} images, {parts} features each")


if __name__ == "__main__":
    run(main)
