"""Time the tutorial's own loop against this project's, on the same features, in one run: `make bench`.

The tutorial's loop is written anew from its description: Python lists, a prediction an image, membership tests in
lists. Both loops do the same work (the tutorial's, true labels moved in) and have to come to the same images. Each
runs in a process of its own, so that peak memory is its own; times within one run are comparable, across runs and
machines only their ratio is.
"""

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from sklearn.svm import LinearSVC

from selflabel import files
from selflabel.features.extractors import hog
from selflabel.features.feature_set import FeatureSet
from selflabel.labels import seeds, state, table
from selflabel.loop import acceptance
from selflabel.loop.round import RoundConfig
from selflabel.loop.run import run_loop
from selflabel.markdown import markdown_table
from selflabel.models import classifiers
from selflabel.models.predict import FitConfig

IMAGES, TRUTH = "data/raw/pool_images.npy", "data/truth/pool.npy"
# The solver stops where its draws lead it, and the tutorial hands it its rows in another order.
AGREE_WITHIN = 0.01
CLASSES = "data/raw/classes.json"


def tutorial(features: np.ndarray, truth: np.ndarray, seed_rows: np.ndarray, n_rounds: int) -> np.ndarray:
    """Return the rows left without a label, the tutorial's way."""
    chosen = list(seed_rows)
    labelled_x, labelled_y, unlabelled = [], [], []
    for row in range(len(features)):
        if row in chosen:
            labelled_x.append(features[row])
            labelled_y.append(truth[row])
        else:
            unlabelled.append(row)
    for iteration in range(n_rounds):
        model = LinearSVC()
        model.fit(np.array(labelled_x), np.array(labelled_y))
        moved = []
        for row in unlabelled:
            probabilities = model._predict_proba_lr(features[row].reshape(1, -1))
            # Rounded as ours is, so that both meet the same thresholds.
            if np.max(probabilities) > round(0.75 - 0.05 * iteration, 10):
                labelled_x.append(features[row])
                labelled_y.append(truth[row])
                moved.append(row)
        unlabelled = [row for row in unlabelled if row not in moved]
    return np.array(unlabelled)


def ours(features: np.ndarray, truth: np.ndarray, seed_rows: np.ndarray, n_rounds: int) -> np.ndarray:
    """Return the rows left without a label, this project's way."""
    after = run_loop(
        state.first(table.Labels.from_seeds(seed_rows, truth[seed_rows], n_rows=len(truth))),
        FeatureSet(features, features[:1]),
        n_rounds=n_rounds,
        config=RoundConfig(
            FitConfig(classifiers.ClassifierConfig("linear_svm")), acceptance.Rule("linear", 0.75, -0.05)
        ),
        classes=files.read_json(CLASSES),
        true_labels=truth,
    ).labels
    return np.flatnonzero(~after.is_labelled)


# Seconds spent in LinearSVC itself, which both loops call alike.
fitting = [0.0]
original_fit = LinearSVC.fit


def fit(self, *arguments, **options):
    started = time.perf_counter()
    try:
        return original_fit(self, *arguments, **options)
    finally:
        fitting[0] += time.perf_counter() - started


def measure(loop: Callable, n_rounds: int) -> tuple[np.ndarray, float, float, float, float]:
    LinearSVC.fit = fit
    images, truth = np.load(IMAGES), np.load(TRUTH)
    # The tutorial's features and its 1 %, whatever params.yaml says.
    features = hog(images, files.read_yaml("params.yaml")["features"])(images)
    seed_rows = seeds.draw_seed_rows(truth, percentage=1.0, seed=0, classes=files.read_json(CLASSES))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    remaining = loop(features, truth, seed_rows, n_rounds)
    seconds = time.perf_counter() - started
    # Kilobytes on Linux.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return remaining, seconds, seconds - fitting[0], peak / 1024, (peak - before) / 1024


def main() -> None:
    missing = [path for path in (IMAGES, TRUTH, CLASSES) if not Path(path).exists()]
    if missing:
        sys.exit(f"error: {missing[0]} is not there yet: `make run` writes it")
    name = files.read_yaml("params.yaml")["dataset"]["name"]
    spawn = multiprocessing.get_context("spawn")
    results = []
    for loop in (tutorial, ours):
        with ProcessPoolExecutor(1, mp_context=spawn) as own_process:
            results.append(own_process.submit(measure, loop, 10).result())
    (left, *slow), (left_here, *fast) = results
    # The tutorial's loop hands the solver its rows in another order, which moves where it stops by a hair.
    n_apart = len(np.setxor1d(left, left_here))
    if n_apart > AGREE_WITHIN * (len(left) + len(left_here)):
        sys.exit(f"the loops disagree on {n_apart} images of {len(left)} and {len(left_here)} left without a label")
    rows = [
        [what, f"{a:,.1f}", f"{b:,.1f}", f"{a / b:.1f}"]
        for what, a, b in zip(
            ("seconds", "seconds outside LinearSVC.fit", "peak MiB", "peak MiB above the loaded data"),
            slow,
            fast,
            strict=True,
        )
    ]
    print(f"{name}, ten rounds: {len(left):,} and {len(left_here):,} images left, {n_apart} of them not in both")
    print(markdown_table(["", "tutorial's loop", "this project's", "ratio"], rows))


if __name__ == "__main__":
    main()
