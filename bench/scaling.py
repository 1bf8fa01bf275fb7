"""Measure what more cores, and more workers of a cluster, are worth: `python -m bench.scaling`, some minutes.

Features, graph and scores of the default run's images, which `make run` has left in data/: on one core and on two, and
by one Dask worker and two, of one thread each. The ways take turns, and each is a process of its own; counted are the
seconds of the work, without imports.
"""

import argparse
import contextlib
import importlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from selflabel import files, portions
from selflabel.config import build
from selflabel.config.load import load
from selflabel.features import compute, feature_set
from selflabel.labels import table
from selflabel.markdown import markdown_table
from selflabel.models import classifiers, predict

ROOT = Path(__file__).parent.parent
WAYS, WORKERS = ("cores", "workers"), "WORKERS"
# Times that the whole pool is scored, so that a process has something to do.
SCORED = 10


def features(folder: Path) -> None:
    """Compute the features of the images in data/raw."""
    images = [files.read_array(f"data/raw/{part}_images.npy") for part in ("pool", "test")]
    compute.features(load().features.model_dump(), *images, folder)


def graph(folder: Path) -> None:
    """Build the graph of the features in data/features."""
    options = load().graph
    compute.graph("data/features", folder, n_neighbours=options.neighbours, components=options.components)


def scores(_folder: Path) -> None:
    """Fit the default's classifier to the labels by people, and score the whole pool ten times."""
    known, labels = feature_set.read("data/features", "data/graph"), table.read("data/final/labels.arrow")
    rows = np.flatnonzero(labels.is_human)
    given = classifiers.TrainingSet(known.pool, rows, labels.label[rows], blocks=known.blocks)
    fitted = classifiers.fit(build.classifier(load()), given, n_classes=int(labels.label.max()) + 1)
    for _ in range(SCORED):
        predict.score(fitted, known.pool)


STEPS = {"features": features, "graph": graph, "scores": scores}


def main() -> None:
    """Print a row a step and way: seconds with one and with two, medians, and their ratio."""
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="of each (default: %(default)s)")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step:
        if address := portions.scheduler():
            wait_for_workers(address, int(os.environ[WORKERS]))
        with tempfile.TemporaryDirectory(dir="data") as folder:
            began = time.monotonic()
            STEPS[args.step](Path(folder).resolve())
            print(time.monotonic() - began)
        return
    rows = []
    for step in STEPS:
        for way in WAYS:
            taken: dict[int, list[float]] = {1: [], 2: []}
            for _ in range(args.runs):
                for n, seconds in taken.items():
                    seconds.append(on_cores(step, n) if way == "cores" else on_workers(step, n))
            one, two = (statistics.median(seconds) for seconds in taken.values())
            rows.append([step, way, f"{one:.1f}", f"{two:.1f}", f"{one / two:.2f}"])
            print(*rows[-1], file=sys.stderr)
    print(markdown_table(["step", "of", "with one, s", "with two, s", "ratio"], rows))


def on_cores(step: str, n: int) -> float:
    """Return the seconds of a step on ``n`` cores."""
    return _timed(step, sorted(os.sched_getaffinity(0))[:n], os.environ)


def on_workers(step: str, n: int) -> float:
    """Return the seconds of a step on ``n`` Dask workers, a core each; the scheduler and the run share the cores."""
    cores = sorted(os.sched_getaffinity(0))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        scheduler = ["dask", "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
        stack.enter_context(_running(scheduler, folder, cores))
        worker = ["selflabel", "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        for core in cores[:n]:
            stack.enter_context(_running(worker, folder, [core]))
        return _timed(step, cores, os.environ | {portions.SCHEDULER: address, WORKERS: str(n)})


def wait_for_workers(address: str, n: int) -> None:
    """Wait until there are ``n`` workers, which have loaded what they need."""
    from distributed import Client

    with Client(address, set_as_default=False) as client:  # type: ignore[no-untyped-call]
        client.wait_for_workers(n)
        client.run(lambda: [importlib.import_module(name) for name in ("cv2", "faiss", "sklearn.decomposition")])


@contextlib.contextmanager
def _running(command: list[str], folder: str, cores: list[int]) -> Iterator[None]:
    process = subprocess.Popen(
        _bound(cores, *command), cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _timed(step: str, cores: list[int], environment: dict[str, str]) -> float:
    command = _bound(cores, "bench.scaling", "--step", step)
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return float(done.stdout)


def _bound(cores: list[int], *command: str) -> list[str]:
    """Return the command of a Python module that has some cores and no others, from its first thread on."""
    return ["taskset", "--cpu-list", ",".join(map(str, cores)), sys.executable, "-m", *command]


if __name__ == "__main__":
    main()
