"""Time a session of labelling: `python -m bench.label_session`, some minutes.

A clone of this project in a temporary folder, with Fashion-MNIST and people who answer, has the real server; a scripted
annotator answers the questions of all rounds and the audit from the true labels, at most five a second (``--rate``).
Told are the server's time for an answer (with its fsync), the time from a round's last answer to the next question,
and what `dvc repro` takes in its place. Then the rounds alone, at 3,000 and 500,000 images of random features: the
same functions, without a server.
"""

import argparse
import http.client
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from selflabel import files
from selflabel.config import load
from selflabel.features import compute
from selflabel.features.feature_set import FeatureSet, read
from selflabel.labels.answers import PAGE, Answer
from selflabel.labels.classes import Classes
from selflabel.labels.pool_index import PoolIndex
from selflabel.markdown import markdown_table
from selflabel.serve.project import Project

ROOT = Path(__file__).parent.parent
SIZES = (3_000, 500_000)
N_COLUMNS, N_CLASSES, N_SEEDS = 300, 10, 60


def main() -> None:
    """Print the latencies of a session, and the time of a round at other sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=5.0, help="answers a second at most (default: %(default)s)")
    rate = parser.parse_args().rate
    with tempfile.TemporaryDirectory() as folder:
        told = session(cloned(Path(folder, "project")), rate)
    print(markdown_table(["60,000 images", "seconds"], told))
    print()
    with tempfile.TemporaryDirectory() as folder:
        rows = [[f"{n:,}", *played_alone(n, Path(folder, f"{n}"))] for n in SIZES]
    print(markdown_table(["images, random features", "first round", "round after a round's answers"], rows))


def cloned(folder: Path) -> Path:
    """Return a clone in ``folder`` that has what this project has computed, in which people answer."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    for command in (["cache", "dir", "--local", str(ROOT / ".dvc/cache")], ["checkout", "--quiet", "--allow-missing"]):
        subprocess.run(["dvc", *command], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    text = files.read_text(folder / "params.yaml")
    files.write_text(folder / "params.yaml", re.sub(r"(?m)^(  source: )simulated$", r"\1people", text))
    return folder


def session(folder: Path, rate: float) -> list[list[str]]:
    """Return a table of what a whole session took, answered at most ``rate`` times a second."""
    truth = files.read_array(folder / "data/truth/pool.npy")
    classes = files.read_json(folder / "data/raw/classes.json")
    command = [sys.executable, "-m", "selflabel", "label", "--no-browser", "--annotator", "script"]
    began = time.monotonic()
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    address = next(word for line in server.stdout or () for word in line.split() if word.startswith("http"))
    page, answers, gaps, repro = Page(address), [], [], []
    shown = page.get("/api/state?wait=1")
    ready = time.monotonic() - began
    while shown["phase"] in ("questions", "audit", "playing"):
        phase, began = shown["phase"], time.monotonic()
        if phase == "playing":
            shown = page.get("/api/state?wait=1")
            continue
        row = shown["tasks"][0]["row"]
        shown = page.post("/api/answer", {"row": row, "label": classes[truth[row]], "note": ""})
        answers.append(time.monotonic() - began)
        if shown["phase"] == "playing":
            began = time.monotonic()
            while shown["phase"] == "playing":
                shown = page.get("/api/state?wait=1")
            gaps.append((time.monotonic() - began, phase, shown["phase"]))
            if len(gaps) == 1:
                repro.append(timed_repro(folder))
                page.rest()
        time.sleep(max(0.0, 1 / rate - (time.monotonic() - began)) if rate else 0.0)
    server.terminate()
    of_rounds = [gap for gap, before, after in gaps if before == after == "questions"]
    to_audit = [gap for gap, before, after in gaps if (before, after) == ("questions", "audit")]
    return [
        ["from the command to the first question, nothing stale", f"{ready:.1f}"],
        [f"an answer on the disk, median of {len(answers):,}", f"{statistics.median(answers):.4f}"],
        ["the same, 95th percentile", f"{np.quantile(answers, 0.95):.4f}"],
        [f"from a round's last answer to the next question, median of {len(of_rounds)}", _middle(of_rounds)],
        ["the same, longest", f"{max(of_rounds, default=0):.1f}"],
        ["from the last round's last answer to the audit's first", _middle(to_audit)],
        ["`dvc repro` in place of one such round", _middle(repro)],
    ]


def _middle(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.1f}" if seconds else "–"


def timed_repro(folder: Path) -> float:
    """Return the seconds of `dvc repro queue`, from the answers to the next queue."""
    began = time.monotonic()
    subprocess.run(
        ["dvc", "repro", "queue"], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return time.monotonic() - began


class Page:
    """What a browser does: one connection, the cookie of the first visit, JSON both ways."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._host = parts.netloc
        self._connection = http.client.HTTPConnection(parts.netloc)
        self._connection.request("GET", f"/?{parts.query}")
        response = self._connection.getresponse()
        response.read()
        self._cookie = str(response.getheader("set-cookie")).partition(";")[0]

    def rest(self) -> None:
        """Close the connection, which the server does when nothing comes; the next request opens one."""
        self._connection.close()

    def get(self, path: str) -> dict[str, Any]:
        """Return what is told at an address."""
        return self._send("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return what is told after something was sent."""
        return self._send("POST", path, json.dumps(body).encode())

    def _send(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        headers = {"Cookie": self._cookie, "Content-Type": "application/json", "Origin": f"http://{self._host}"}
        # In one packet, as browsers do: the head alone would wait for its acknowledgement.
        self._connection.putrequest(method, path)
        for name, value in (headers | {"Content-Length": str(len(body or b""))}).items():
            self._connection.putheader(name, value)
        self._connection.endheaders(body)
        response = self._connection.getresponse()
        told = json.loads(response.read())
        if response.status != 200:
            raise OSError(f"{method} {path}: {response.status} {told}")
        return dict(told)


def played_alone(n: int, folder: Path) -> list[str]:
    """Return the seconds of the first round on ``n`` images, and of the round after its answers."""
    generator = np.random.default_rng(0)
    truth = generator.integers(0, N_CLASSES, n)
    centres = generator.normal(size=(N_CLASSES, N_COLUMNS)).astype(np.float32)
    points = centres[truth] + generator.normal(scale=1.5, size=(n, N_COLUMNS)).astype(np.float32)
    features = FeatureSet(points, points[:0])
    params = load.load(str(ROOT / "params.yaml"))
    params = params._replace(answers=params.answers.model_copy(update={"source": "people"}))
    if params.graph.neighbours:
        folder.mkdir(parents=True)
        files.write_array(folder / "pool.npy", points)
        files.write_array(folder / "test.npy", points[:0])
        files.write_json(folder / "blocks.json", [{"columns": N_COLUMNS, "variance": float(points.var(axis=0).sum())}])
        compute.graph(folder, folder, n_neighbours=params.graph.neighbours, components=params.graph.components)
        features = read(folder, folder)
    rows = np.concatenate([np.flatnonzero(truth == number)[: N_SEEDS // N_CLASSES] for number in range(N_CLASSES)])
    given = np.full(n, -1)
    given[rows] = truth[rows]
    hashes = np.array([f"{row:032x}" for row in range(n)], object)
    project = Project(
        folder, params, Classes(map(str, range(N_CLASSES))), PoolIndex(np.arange(n), hashes), points, features,
        np.sort(rows), given,
    )  # fmt: skip
    seconds, answers, now = [], [], datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(2):
        began = time.monotonic()
        played = project.play(answers)
        seconds.append(f"{time.monotonic() - began:.2f}")
        answers += [
            Answer(hashes[row], str(truth[row]), "script", now, "", "margin", PAGE)
            for row in played.waiting.row.tolist()
        ]
    return seconds


if __name__ == "__main__":
    main()
