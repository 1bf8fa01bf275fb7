"""Fit once, on the labels of a label table or on the truth, and predict the test images."""

from pathlib import Path

import numpy as np

from selflabel import files
from selflabel.config.load import load
from selflabel.labels import table
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "labels", "features", "graph", "classes", "out")
    params = load(sections=["classifier", "smoothing"])
    is_truth = args.labels.endswith(".npy")
    given = np.array(files.read_array(args.labels)) if is_truth else table.read(args.labels).label
    n_test = len(files.read_array(Path(args.features, "test.npy")))
    # A control that is off, all labels where not all are known, no test images: nothing to fit, nobody to predict.
    if not len(given) or (is_truth and not table.is_complete(given)) or not n_test:
        files.write_array(Path(args.out, "test_labels.npy"), np.empty(0, np.int16))
        files.write_json(Path(args.out, "summary.json"), {"human_labels": 0})
        say(f"baselines: none on {args.labels}")
        return

    # They take longer than to find that there is nothing to fit.
    from selflabel.config import build
    from selflabel.features import feature_set
    from selflabel.labels.classes import Classes
    from selflabel.models import predict

    rows = np.flatnonzero(given != table.NO_LABEL)
    predictions = predict.fit_predict(
        # Whoever gave them, here they teach as people's do.
        table.Labels.from_seeds(rows, given[rows], n_rows=len(given)),
        feature_set.read(args.features, args.graph),
        build.plain_fit(params),
        round_number=0,
        classes=Classes.read(args.classes),
    )
    files.write_array(Path(args.out, "test_labels.npy"), predictions.test.argmax(axis=1).astype(np.int16))
    # Every label here is a true one, so every one would have to be paid for.
    files.write_json(Path(args.out, "summary.json"), {"human_labels": len(rows)})
    say(f"baselines: fitted on {len(rows):,} labels of {args.labels}")


if __name__ == "__main__":
    run(main)
