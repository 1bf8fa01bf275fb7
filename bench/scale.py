"""Measure every stage of the default pipeline as the pool grows: `python -m bench.scale [--images 10000 100000 …]`.

The images of Fashion-MNIST, moved by a few pixels until there are enough, are somebody's own data: IDX files, or with
`--files` a PNG file each. Each stage is run as DVC would run it, a process whose memory is looked at every 20 ms.
Memory of its own is what it cannot give back (RssAnon); mapped files come on top as long as nobody else wants the room.
The rounds are one row: of seconds the mean, of memory and of bytes written the most of all. Across runs and machines
the ratios alone are comparable. A million images take half an hour and 10 GB of disk.
"""

import argparse
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from scipy.spatial.distance import cdist

from selflabel import files
from selflabel.chunks import chunks
from selflabel.config import init, project
from selflabel.config.load import load
from selflabel.data import built_in
from selflabel.features import feature_set, neighbours, pca
from selflabel.markdown import markdown_table

ROOT = Path(__file__).parent.parent
SIZES = (10_000, 100_000)
# Labels given of each class, whatever the size.
GIVEN = 60
PROBED = 500


class Measured(NamedTuple):
    """A stage's seconds, the most MiB it had of its own and in all, and the MiB it wrote into data/."""

    seconds: float
    own: float
    whole: float
    written: float


def main() -> None:
    """Print a table with a row a stage and size, and what the cache then holds."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--images", nargs="+", type=int, default=list(SIZES), help="sizes (default: %(default)s)")
    parser.add_argument("--files", action="store_true", help="PNG files in place of IDX files")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="other parameters")
    args = parser.parse_args()
    found: dict[str, dict[int, list[Measured]]] = {}
    totals, recalls = {}, {}
    for n in args.images:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            lay_down(folder, n, dict(of.split("=", 1) for of in args.set), as_files=args.files)
            for stage, command in commands(folder):
                before = written(folder)
                seconds, own, whole = measured(command, folder)
                one = Measured(seconds, own, whole, written(folder) - before)
                print(f"{n:,} {stage}: {', '.join(f'{value:,.1f}' for value in one)}", file=sys.stderr, flush=True)
                found.setdefault(stage.split("@")[0], {}).setdefault(n, []).append(one)
            totals[n], recalls[n] = kept(folder), recall(folder)
    rows = [shown(stage, n, np.array(of)) for stage, by_size in found.items() for n, of in by_size.items()]
    print(markdown_table(["stage", "images", "seconds", "own MiB", "with mapped files", "MiB written"], rows))
    for n, total in totals.items():
        print(
            f"\n{n:,} images: {total:,.0f} MiB in data/ besides images and features; {recalls[n]:.4f} of the links to "
            f"exact nearest neighbours are in the graph."
        )


def lay_down(folder: Path, n: int, values: dict[str, str], *, as_files: bool) -> None:
    """Write a project whose data are ``n`` different images, with the default's parameters."""
    data = built_in.load("fashion_mnist", "auto")
    (write_files if as_files else write_idx)(folder / "images", data, n)
    text = init.edited(
        files.read_text(ROOT / "params.yaml"),
        {"dataset.name": "folder" if as_files else "idx", "dataset.path": "images", "dataset.image_size": 28}
        | {"seed_labels.percentage": 1000 * GIVEN / n, "leak.iterations": 0}
        | {name: files.parse_yaml(value) for name, value in values.items()},
    )
    files.write_text(folder / "params.yaml", text)
    for name in (*project.STAGE_FILES, "rounds/table.yaml", "answers.csv"):
        files.copy(ROOT / name, folder / name)
    (folder / "embeddings").mkdir()
    (folder / "selflabel").symlink_to(ROOT / "selflabel")
    subprocess.run(["dvc", "init", "--no-scm", "--quiet"], cwd=folder, check=True)


def moved(part: built_in.Part, n: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield ``n`` images and their labels: the part as it is, then as often as it takes moved, never twice alike."""
    turns = [(0, 0), *(pair for pair in itertools.product(range(-2, 3), repeat=2) if any(pair))]
    for turn, start in enumerate(range(0, n, len(part.images))):
        many = min(len(part.images), n - start)
        yield np.roll(part.images[:many], turns[turn], axis=(1, 2)), part.labels[:many]


def write_idx(source: Path, data: built_in.Dataset, n: int) -> None:
    """Write IDX files of ``n`` images, and of the test images as they are."""
    source.mkdir()
    for name, part, count in (("train", data.pool, n), ("t10k", data.test, len(data.test.images))):
        with (
            Path(source, f"{name}-images-idx3-ubyte").open("wb") as to_images,
            Path(source, f"{name}-labels-idx1-ubyte").open("wb") as to_labels,
        ):
            to_images.write(np.array([0x803, count, 28, 28], ">i4").tobytes())
            to_labels.write(np.array([0x801, count], ">i4").tobytes())
            for images, labels in moved(part, count):
                to_images.write(images.tobytes())
                to_labels.write(labels.astype(np.uint8).tobytes())


def write_files(source: Path, data: built_in.Dataset, n: int) -> None:
    """Write ``n`` images as PNG files in folders of their class."""
    for turn, (images, labels) in enumerate(moved(data.pool, n)):
        for row, (image, label) in enumerate(zip(images, labels, strict=True)):
            path = source / data.classes[label].replace("/", " or ") / f"{turn:02d}-{row:06d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), image)


def commands(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each stage's name and its command, in the order in which DVC would run them."""
    done = subprocess.run(["dvc", "repro", "--dry", "--force"], cwd=folder, check=True, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    for name, command in itertools.pairwise(lines):
        stage = name.partition("'")[2].partition("'")[0].rpartition(":")[2]
        if command.startswith("> python"):
            yield stage, command.removeprefix("> python").split()


def measured(command: list[str], folder: Path) -> tuple[float, float, float]:
    """Return the seconds of a Python command, and the most MiB it had of its own and in all."""
    start, most = time.perf_counter(), {"RssAnon": 0, "VmHWM": 0}
    with subprocess.Popen([sys.executable, *command], cwd=folder, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            # A process that is about to end has no memory any more.
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
                name, _, value = line.partition(":")
                if name in most:
                    most[name] = max(most[name], int(value.split()[0]))
            time.sleep(0.02)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} must end well, got {process.returncode}")
    return time.perf_counter() - start, most["RssAnon"] / 1024, most["VmHWM"] / 1024


def written(folder: Path) -> float:
    """Return the MiB in data/ and metrics/."""
    paths = (path for part in ("data", "metrics") for path in Path(folder, part).rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in paths) / 2**20


def kept(folder: Path) -> float:
    """Return the MiB in data/ that are neither images nor features."""
    no_part = sum(path.stat().st_size for path in Path(folder, "data/raw").glob("*_images.npy"))
    no_part += sum(path.stat().st_size for path in Path(folder, "data/features").glob("*.npy"))
    return written(folder) - no_part / 2**20


def recall(folder: Path) -> float:
    """Return the share of the exact nearest neighbours of 500 images, evenly spread, that the graph links them to."""
    params, known = load(str(folder / "params.yaml")), feature_set.read(folder / "data/features", folder / "data/graph")
    if known.graph is None:
        return float("nan")
    features = known.pool[:, : known.blocks[0].columns]
    fitted = pca.fit(pca.sample(features), params.graph.components)
    with files.scratch_array(folder / "points", (len(features), fitted.n_components_), np.float32) as points:
        neighbours.project(fitted, features, points)
        rows = np.linspace(0, len(points) - 1, PROBED).astype(int)
        squares = np.hstack([cdist(points[rows], points[part], "sqeuclidean") for part in chunks(len(points), 10_000)])
    squares[np.arange(PROBED), rows] = np.inf
    exact = np.argpartition(squares, params.graph.neighbours, axis=1)[:, : params.graph.neighbours]
    found = [np.isin(near, known.graph.similarity[[row]].indices) for row, near in zip(rows, exact, strict=True)]
    return float(np.mean(found))


def shown(stage: str, n: int, of: np.ndarray) -> list[str]:
    """Return a row of the table; ``of``: float (runs, 4), a row each time that the stage ran."""
    most = of.max(axis=0)
    return [f"`{stage}`", f"{n:,}", f"{of[:, 0].mean():.1f}", *(f"{value:,.0f}" for value in most[1:])]


if __name__ == "__main__":
    main()
