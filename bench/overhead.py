"""Measure what DVC and processes of their own cost the stages: `python -m bench.overhead`, some minutes.

The stages of a run are played twice: by `dvc repro`, and by the same functions called one after the other in one
process. Two runs: the default one from nothing, without the stages that load the data set and fit on all true labels;
and that of a person's own 3,000 images after a batch of new answers. Across machines the ratios alone are comparable.
"""

import argparse
import importlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from selflabel import files
from selflabel.config import project
from selflabel.data import built_in
from selflabel.markdown import markdown_table

ROOT = Path(__file__).parent.parent
# Of the default run: one is as slow as the disk or the network, the other has nothing to do with the labels.
APART = ("download", "baselines@fully_supervised")
N_OWN, N_GIVEN = 3_000, 100


def main() -> None:
    """Print a row a run: seconds by DVC, in one process, and their ratio."""
    parser = argparse.ArgumentParser(prog="python -m bench.overhead", description=__doc__)
    parser.add_argument("--commands", type=Path, help=argparse.SUPPRESS)
    if commands := parser.parse_args().commands:
        in_one_process(files.read_json(commands))
        return
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = lay_down(Path(name, "default"))
        dvc(folder, "repro", "inputs/dvc.yaml:download")
        rows.append(["the default run, from nothing", *compared(folder, APART)])
        folder = own(Path(name))
        dvc(folder, "repro")
        answer(folder)
        rows.append([f"{N_OWN:,} images, a batch of answers", *compared(folder)])
    print(markdown_table(["run", "stages", "by DVC, s", "in one process, s", "ratio"], rows))


def lay_down(folder: Path) -> Path:
    """Return a folder that has the default's project and nothing else."""
    for name in project.TEMPLATES:
        files.copy(ROOT / name, folder / name)
    (folder / "images").mkdir()
    (folder / "selflabel").symlink_to(ROOT / "selflabel")
    dvc(folder, "init", "--no-scm", "--quiet")
    return folder


def own(folder: Path) -> Path:
    """Return a project that `selflabel init` laid down for 3,000 images of Fashion-MNIST, 100 of them with a label."""
    data, target = built_in.load("fashion_mnist", "auto"), folder / "own"
    labels = data.pool.labels[:N_OWN].astype(np.int64)
    labels[N_GIVEN:] = -1
    arrays = {"images": data.pool.images[:N_OWN], "labels": labels, "classes": np.array(data.classes)}
    np.savez(folder / "own.npz", **arrays, test_images=data.test.images, test_labels=data.test.labels)
    target.mkdir()
    subprocess.run([sys.executable, "-m", "selflabel", "init", str(folder / "own.npz")], cwd=target, check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    return target


def answer(folder: Path) -> None:
    """Answer all that waits in the queue from the truth."""
    data = built_in.load("fashion_mnist", "auto")
    queue = files.read_table(folder / "data/queue/queue.csv")
    queue["label"] = np.array(data.classes, object)[data.pool.labels[queue["row"]]]
    files.write_table(folder / "filled.csv", queue)
    command = [sys.executable, "-m", "selflabel", "answer", "filled.csv", "--annotator", "ada"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def compared(folder: Path, apart: Collection[str] = ()) -> list[str]:
    """Return the number of stages that are stale, the seconds that they take in both ways, and the ratio."""
    twin = folder.with_name(f"{folder.name}-twin")
    subprocess.run(["cp", "-r", str(folder), str(twin)], check=True)
    commands, by_dvc = played(folder)
    files.write_json(twin / "commands.json", list(commands.items()))
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "bench.overhead", "--commands", "commands.json"], cwd=twin, check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    alone = {"": time.monotonic() - began} | files.read_json(twin / "seconds.json")
    alone[""] -= sum(alone.values()) - alone[""]
    seconds = [sum(took for name, took in of.items() if name not in apart) for of in (by_dvc, alone)]
    n_stages = len(commands.keys() - set(apart))
    return [str(n_stages), *(f"{of:.1f}" for of in seconds), f"{seconds[0] / seconds[1]:.2f}"]


def played(folder: Path) -> tuple[dict[str, list[str]], dict[str, float]]:
    """Run `dvc repro`; return the arguments of each stage that ran, and its seconds; "": DVC's before the first."""
    commands, names, marks = [], [""], [time.monotonic()]
    process = subprocess.Popen(
        ["dvc", "repro"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    for line in process.stdout or ():
        if stage := re.match(r"Running stage '(?:.*:)?(.*)'", line):
            names.append(stage[1])
            marks.append(time.monotonic())
        elif line.startswith("> python -m "):
            commands.append(line.split()[3:])
    if process.wait():
        raise RuntimeError(f"`dvc repro` failed in {folder}")
    marks.append(time.monotonic())
    return dict(zip(names[1:], commands, strict=True)), dict(zip(names, np.diff(marks).tolist(), strict=True))


def in_one_process(commands: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Call the stages with their arguments, the module first; write the seconds of each into seconds.json."""
    seconds = {}
    for name, (module, *arguments) in commands:
        sys.argv, began = [module, *arguments], time.monotonic()
        importlib.import_module(module).main()
        seconds[name] = time.monotonic() - began
    files.write_json("seconds.json", seconds)


def dvc(folder: Path, *arguments: str) -> None:
    """Run DVC in a folder."""
    subprocess.run(["dvc", *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
