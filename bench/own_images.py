"""Measure a user's own images on their way in, at 10,000 and 100,000 files: `python -m bench.own_images`.

PNG files of Fashion-MNIST are written into a temporary folder, and the stages download, features, graph and the first
round are run on them as DVC would run them, each a process whose memory is looked at every 20 ms. Memory of its own is
what it cannot give back (RssAnon); mapped files come on top as long as nobody else wants the room. Of one run the
ratio of the two sizes is comparable, across runs and machines it alone.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from selflabel import files
from selflabel.config import init
from selflabel.data import built_in
from selflabel.markdown import markdown_table

SIZES = (10_000, 100_000)
ROOT = Path(__file__).parent.parent
GIVEN = 100
STAGES = {
    "download": "--check data/check.txt --pool-images data/pool_images.npy --test-images data/test_images.npy "
    "--index data/index.csv --classes data/classes.json --pool-truth data/pool.npy --test-truth data/test.npy "
    "--problems data/problems.csv",
    "embed": "--pool-images data/pool_images.npy --test-images data/test_images.npy --index data/index.csv "
    "--own embeddings --out data/embeddings",
    "features": "--pool-images data/pool_images.npy --test-images data/test_images.npy --vectors data/embeddings "
    "--out data/features",
    "graph": "--features data/features --out data/graph",
    "seed_labels": "--truth data/pool.npy --index data/index.csv --classes data/classes.json --answers answers.csv "
    "--out data/0 --replies data/0.csv",
    "self_label": "--round 1 --before data/0 --answers data/0.csv --features data/features --graph data/graph "
    "--classes data/classes.json --out data/1",
}


def main() -> None:
    """Print seconds, images a second and MiB of each stage at both sizes."""
    data = built_in.load("fashion_mnist", "auto")
    found = {}
    for n in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder, "images"), data, n)
            values = init.settings(init.look("folder", str(Path(folder, "images"))))
            text = init.edited(files.read_text(ROOT / "params.yaml"), values)
            files.write_text(Path(folder, "params.yaml"), text)
            files.write_text(Path(folder, "answers.csv"), files.read_text(ROOT / "answers.csv"))
            found[n] = {stage: measured(stage, flags, Path(folder)) for stage, flags in STAGES.items()}
    rows = [
        shown(stage, n, *found[n][stage]) for stage in STAGES if stage not in ("seed_labels", "embed") for n in SIZES
    ]
    print(markdown_table(["stage", "images", "seconds", "images/s", "own MiB", "with mapped files"], rows))


def write(folder: Path, data: built_in.Dataset, n: int) -> None:
    """Write ``n`` different images as PNG files, the first hundred in folders of their class."""
    images, labels = data.pool
    for row in range(n):
        turn, i = divmod(row, len(images))
        label = data.classes[labels[i]].replace("/", " or ")
        path = folder / (label if row < GIVEN else "unlabelled") / f"{row:06d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.roll(images[i], turn, axis=1))


def measured(stage: str, flags: str, folder: Path) -> tuple[float, float, float]:
    """Return a stage's seconds, and the most MiB it had of its own and in all."""
    start, own, whole = time.perf_counter(), 0, 0
    command = [sys.executable, "-m", f"selflabel.stages.{stage}", *flags.split()]
    with subprocess.Popen(command, cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": ""}) as process:
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status").read_text()
            memory = dict(line.split(":\t") for line in status.splitlines() if line.startswith(("RssAnon", "VmHWM")))
            own = max(own, *(int(value.split()[0]) for name, value in memory.items() if name == "RssAnon"), 0)
            whole = max(whole, *(int(value.split()[0]) for name, value in memory.items() if name == "VmHWM"), 0)
            time.sleep(0.02)
    if process.returncode:
        raise RuntimeError(f"the stage {stage} must end well, got {process.returncode}")
    return time.perf_counter() - start, own / 1024, whole / 1024


def shown(stage: str, n: int, seconds: float, own: float, whole: float) -> list[str]:
    """Return a row of the table."""
    return [f"`{stage}`", f"{n:,}", f"{seconds:.1f}", f"{n / seconds:,.0f}", f"{own:,.0f}", f"{whole:,.0f}"]


if __name__ == "__main__":
    main()
