"""Measure what a model learns from the labels handed over: `python -m bench.downstream [--seeds …]`, after `make run`.

The default's loop over several draws of the seed labels, then scikit-learn's logistic regression on the same features,
trained on people's labels alone, on all, on all with each weighing its confidence, and on people's with the surest
half of the machine's. The test set judges each once. About a quarter of an hour.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from selflabel import files
from selflabel.config import build, load
from selflabel.evaluation import study
from selflabel.features import feature_set
from selflabel.labels.classes import Classes
from selflabel.labels.table import Labels
from selflabel.loop.run import last_round
from selflabel.markdown import markdown_table

DATA = Path("data")


def labels_of(
    seed: int, features: feature_set.FeatureSet, truth: np.ndarray, classes: Classes, *, per_round: int | None = None
) -> Labels:
    """Return the final labels of the default's run from one draw; ``truth``: int (N,), of the pool.

    ``per_round``: another number of questions of each round.
    """
    params = load.load()
    if per_round:
        ask = params.ask.model_copy(update={"per_round": per_round, "budget": per_round * params.self_label.iterations})
        params = params._replace(ask=ask)
    config = build.run(params).with_seed(seed)
    percentage = params.seed_labels.percentage
    before = study.rounds_of(config, features, truth, classes, percentage=percentage, seed=seed)
    return last_round(before, features, config=config.last, classes=classes).state.labels


def trained_on(labels: Labels) -> dict[str, tuple[np.ndarray, np.ndarray | None]]:
    """Return the rows that each model is trained on, int64, and their weights, None for all alike."""
    human, machine = np.flatnonzero(labels.is_human), np.flatnonzero(labels.is_machine)
    surest = machine[np.argsort(-labels.confidence[machine], kind="stable")[: len(machine) // 2]]
    everything = np.flatnonzero(labels.is_labelled)
    weights = np.where(labels.is_human, 1.0, labels.confidence)
    return {
        "people's labels": (human, None),
        "people's and the surest half of the machine's": (np.union1d(human, surest), None),
        "all labels": (everything, None),
        "all labels, each weighing its confidence": (everything, weights[everything]),
    }


def accuracy(
    train: np.ndarray, given: np.ndarray, weights: np.ndarray | None, test: np.ndarray, truth: np.ndarray
) -> float:
    """Return the test accuracy of logistic regression on features, float32 (n, D) and (M, D)."""
    from sklearn.linear_model import LogisticRegression

    # A hundred steps are where more change nothing.
    with warnings.catch_warnings(action="ignore"):
        model = LogisticRegression(C=1_000, max_iter=100).fit(train, given, weights)
    return float(np.mean(model.predict(test) == truth))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.downstream", description=__doc__)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    args = parser.parse_args()
    features = feature_set.read(DATA / "features", DATA / "graph")
    truth, test_truth = (files.read_array(DATA / f"truth/{part}.npy") for part in ("pool", "test"))
    classes, figures, counts = Classes.read(DATA / "raw/classes.json"), {}, {}
    for seed in args.seeds:
        with threadpool_limits(1):
            labels = labels_of(seed, features, truth, classes)
        for name, (rows, weights) in trained_on(labels).items():
            right = accuracy(features.pool[rows], labels.label[rows], weights, features.test, test_truth)
            figures.setdefault(name, []).append(100 * right)
            counts[name] = len(rows)
            print(f"draw {seed}: {name}: {right:.4f}", flush=True)
    rows = [
        [name, f"{counts[name]:,}", f"{np.mean(each):.1f} ± {np.std(each, ddof=1):.1f}"]
        for name, each in figures.items()
    ]
    print(f"\n{markdown_table(['trained on', 'labels', f'test images right, %, {len(args.seeds)} draws'], rows)}")


if __name__ == "__main__":
    main()
