"""Fit the classifier once, on the labels of a label table or on the truth, and predict the test images."""

from pathlib import Path

import numpy as np

from selflabel import classifiers, files, labels, opinions, settings
from selflabel.params import load
from stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "labels", "pool-features", "test-features", "classes", "out")
    params = load()
    is_truth = args.labels.endswith(".npy")
    given = np.array(files.read_array(args.labels)) if is_truth else labels.read(args.labels).label
    rows = np.flatnonzero(given != labels.NO_LABEL)
    score = classifiers.fit(
        settings.recipe(params),
        classifiers.Given(files.read_array(args.pool_features), rows, given[rows]),
        n_classes=len(files.read_json(args.classes)),
    )
    predicted = opinions.scores(score, files.read_array(args.test_features)).argmax(axis=1)
    files.write_array(Path(args.out, "test_labels.npy"), predicted.astype(np.int16))
    # Every label here is a true one, so every one would have to be paid for.
    files.write_json(Path(args.out, "summary.json"), {"human_labels": len(rows)})
    say(f"baselines: fitted on {len(rows):,} labels of {args.labels}")


if __name__ == "__main__":
    run(main)
