"""Play somebody with pictures of their own: write some of Fashion-MNIST as files, and answer the queue as they would.

`python -m bench.trial images DIR` writes DIR/<class>/*.png, DIR/unlabelled/*.png and, beside DIR, what only the person
knows: DIR.truth.csv. `python -m bench.trial person DIR` fills in a copy of the queue from that.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from selflabel import files
from selflabel.data import built_in

QUEUE = "data/queue/queue.csv"


def images(folder: Path, *, n: int, given: int, seed: int, source: str) -> None:
    """Write ``n`` images of Fashion-MNIST as PNG files, the first ``given`` of each class in a folder of its name."""
    data = built_in.load("fashion_mnist", source)
    # A class is a folder, and T-shirt/top cannot be one.
    classes = [name.replace("/", " or ") for name in data.classes]
    rows = np.sort(np.random.default_rng(seed).choice(len(data.pool.images), n, replace=False))
    seen, truth = np.zeros(len(classes), int), {"path": [], "label": []}
    for row in rows:
        label = data.pool.labels[row]
        seen[label] += 1
        path = Path(classes[label] if seen[label] <= given else "unlabelled", f"{row:05d}.png")
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / path), data.pool.images[row])
        truth["path"].append(str(path))
        truth["label"].append(classes[label])
    files.write_table(f"{folder}.truth.csv", truth)
    print(f"{n:,} images in {folder}, {int(np.minimum(seen, given).sum()):,} of them in the folder of their class")


def person(folder: Path, *, out: str) -> None:
    """Write a copy of the queue in which every label is filled in as the truth has it."""
    truth = files.read_table(f"{folder}.truth.csv")
    known = dict(zip(truth["path"], truth["label"], strict=True))
    queue = files.read_table(QUEUE)
    files.write_table(out, queue | {"label": [known[path] for path in queue["path"]]})
    print(f"{len(queue['path']):,} answers in {out}")


def main() -> None:
    """Run one of the two."""
    parser = argparse.ArgumentParser(prog="python -m bench.trial", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    one = commands.add_parser("images", help=images.__doc__)
    one.add_argument("--n", type=int, default=3_000, help="images (default: %(default)s)")
    one.add_argument("--given", type=int, default=20, help="labels given of each class (default: %(default)s)")
    one.add_argument("--seed", type=int, default=0, help="of the draw (default: %(default)s)")
    one.add_argument("--source", default="auto", help="as dataset.source (default: %(default)s)")
    other = commands.add_parser("person", help=person.__doc__)
    other.add_argument("--out", default="filled.csv", help="file to write (default: %(default)s)")
    for command in (one, other):
        command.add_argument("folder", type=Path, metavar="DIR", help="of the images")
    options = vars(parser.parse_args())
    {"images": images, "person": person}[options.pop("command")](**options)


if __name__ == "__main__":
    main()
