"""The real server of a small project of pictures, for real browsers."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image
from projects import Project, environment

from selflabel.labels.pool_index import PoolIndex

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
# Of each class so many are given; so many pictures in all.
N_GIVEN, N = 6, 240
PER_ROUND, BUDGET, AUDITED = 6, 18, 10
FAST = {
    "dataset": {"image_size": 16},
    "features": {"extractor": "pixels", "components": 0},
    "graph": {"neighbours": 0},
    "ask": {"per_round": PER_ROUND, "budget": BUDGET},
    "audit": {"size": AUDITED, "planned": AUDITED},
    "self_label": {"iterations": 3},
    "training": {"folds": 3},
}


def write_pictures(folder: Path, names: list[str]) -> list[str]:
    """Write coloured pictures of digits, the first of each class into its folder; return the class of each."""
    from sklearn.datasets import load_digits

    digits, generator = load_digits(), np.random.default_rng(0)
    seen, truth = dict.fromkeys(names, 0), []
    for n in range(N):
        name = names[digits.target[n]]
        seen[name] += 1
        below = folder / (name if seen[name] <= N_GIVEN else "unlabelled")
        below.mkdir(parents=True, exist_ok=True)
        colour = generator.integers(120, 256, 3) / 255
        pixels = (digits.images[n][..., None] * 15 * colour + generator.integers(0, 15, 3)).astype(np.uint8)
        Image.fromarray(pixels).resize((64, 64), Image.Resampling.BICUBIC).save(below / f"{n:04d}.png")
        truth.append(name)
    return truth


def new_project(default: Project, folder: Path, names: list[str]) -> tuple[Project, list[str]]:
    """A project on a new folder of pictures, played up to the rounds; the class of each picture by its number."""
    truth = write_pictures(folder / "pictures", names)
    shutil.copytree(default.folder, folder / "project")
    project = Project(folder / "project")
    project.run("python", "-m", "selflabel", "init", str(folder / "pictures"))
    project.set(**FAST)
    project.repro("inputs/dvc.yaml:graph")
    return project, truth


def by_row(project: Project, truth: list[str]) -> dict[int, str]:
    """The true class of each row of the pool."""
    paths = PoolIndex.read(project.folder / "data/raw/index.csv").path
    return {row: truth[int(Path(path).stem)] for row, path in enumerate(paths)}


class Server:
    """The real server of a project."""

    def __init__(self, project: Project, *options: str) -> None:
        command = [sys.executable, "-m", "selflabel", "label", "--no-browser", "--annotator", "ann", *options]
        self._log = (project.folder / "server.log").open("w")
        self._process = subprocess.Popen(
            command, cwd=project.folder, env=environment(), stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        line = self._process.stdout.readline()
        self.address = re.search(r"http://\S+", line)[0]
        self.origin = self.address.partition("/?")[0]
        self.port = int(self.origin.rpartition(":")[2])

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process.stdout.close()
        self._log.close()


def until(holds, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)
