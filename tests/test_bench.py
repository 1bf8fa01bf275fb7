"""The benchmark's own copy of the tutorial's loop, on a pool small enough for a test."""

import subprocess
import sys

import numpy as np
from projects import ROOT
from sklearn.datasets import load_digits

from bench import tutorial_loop
from selflabel.labels import seeds


def test_both_loops_leave_the_same_images(tmp_path, monkeypatch):
    bunch = load_digits()
    features, truth = bunch.data[:600].astype(np.float32) / 16, bunch.target[:600]
    rows = seeds.draw_seed_rows(truth, percentage=20, seed=0, classes=tuple("0123456789"))
    classes = tmp_path / "classes.json"
    classes.write_text(str([str(digit) for digit in range(10)]).replace("'", '"'))
    monkeypatch.setattr(tutorial_loop, "CLASSES", classes)
    slow, fast = (loop(features, truth, rows, 8) for loop in (tutorial_loop.tutorial, tutorial_loop.ours))
    assert 0 < len(fast) < 600 - len(rows)
    assert len(np.setxor1d(slow, fast)) <= 3


def test_without_a_run_it_says_what_to_do(tmp_path):
    command = [sys.executable, "-m", "bench.tutorial_loop"]
    done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "error: data/raw/pool_images.npy is not there yet: `make run` writes it\n"
