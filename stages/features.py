"""Compute the features of the pool and of the test images, in chunks."""

from tqdm import tqdm

from selflabel import features, files
from selflabel.chunks import chunks
from selflabel.params import load
from stages import parse, run, say

CHUNK = 1000


def main() -> None:
    args = parse(__doc__, "pool-images", "test-images", "pool-features", "test-features")
    params = load()
    for source, target in (
        (args.pool_images, args.pool_features),
        (args.test_images, args.test_features),
    ):
        images = files.read_array(source)
        extract = features.EXTRACTORS[params.features.extractor](images.shape[1:], dict(params.features.hog))
        shape = (len(images), features.n_features(extract, images.shape[1:]))
        with files.new_array(target, shape, "float32") as array:
            # disable=None: a bar on a terminal, none in a log.
            for rows in tqdm(chunks(len(images), CHUNK), desc=target, unit="k images", disable=None):
                array[rows] = extract(images[rows])
        say(f"features: {shape[0]:,} images, {shape[1]} {params.features.extractor} features each")


if __name__ == "__main__":
    run(main)
