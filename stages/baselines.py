"""Fit the classifier once, on the labels of a label table or on the truth, and predict the test images."""

from pathlib import Path

import numpy as np

from selflabel import classifiers, files, labels, rounds
from selflabel.params import load
from stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "labels", "pool-features", "test-features", "classes", "out")
    params = load()
    if args.labels.endswith(".npy"):
        truth = files.read_array(args.labels)
        given = labels.Labels.from_seeds(np.arange(len(truth)), truth, n_rows=len(truth))
    else:
        given = labels.read(args.labels)
    n_classes = len(files.read_json(args.classes))
    score = rounds.fit(
        given,
        files.read_array(args.pool_features),
        recipe=classifiers.Recipe(params.classifier.name, params.classifier.C, params.classifier.seed),
        n_classes=n_classes,
    )
    test = files.read_array(args.test_features)
    probabilities = rounds.predict(score, test, np.arange(len(test)), n_classes=n_classes)
    n_labels = int(given.is_labelled.sum())
    files.write_array(Path(args.out, "test_labels.npy"), probabilities.argmax(axis=1).astype(np.int16))
    # Every label here is a true one, so every one would have to be paid for.
    files.write_json(Path(args.out, "summary.json"), {"human_labels": n_labels})
    say(f"baselines: fitted on {n_labels:,} labels of {args.labels}")


if __name__ == "__main__":
    run(main)
