"""Compare with the truth: the pipeline's only reader of the test images' labels."""

from pathlib import Path

import numpy as np

from selflabel import evaluation, files, metrics, state
from selflabel.params import load
from stages import parse, run, say

BASELINES = ("seed_only", "random_labels", "true_labels_leak", "fully_supervised")


def main() -> None:
    args = parse(__doc__, "final", "audit", *BASELINES, "pool-truth", "test-truth", "classes", "metrics", "details")
    params = load()
    final, classes = state.read(args.final), files.read_json(args.classes)
    pool_truth, test_truth = files.read_array(args.pool_truth), files.read_array(args.test_truth)
    probabilities = files.read_array(Path(args.final, "test_probabilities.npy"))
    baselines = {
        name: evaluation.Baseline(
            files.read_array(Path(folder, "test_labels.npy")), **files.read_json(Path(folder, "summary.json"))
        )
        for name, folder in vars(args).items()
        if name in BASELINES
    }
    # Where nothing leaked, or nobody was asked, a control is the seed labels once more.
    n_seeds = baselines["seed_only"].human_labels
    baselines = {
        name: baseline
        for name, baseline in baselines.items()
        if name in ("seed_only", "fully_supervised") or baseline.human_labels != n_seeds
    }

    tables = evaluation.tables(
        final, probabilities, baselines, pool_truth, test_truth,
        classes=classes, n_bins=params.evaluate.reliability_bins,
    )  # fmt: skip
    for name, table in tables.items():
        files.write_table(Path(args.metrics, f"{name}.csv"), table)
    names, predicted = np.array(classes), probabilities.argmax(axis=1)
    mistakes = metrics.confident_mistakes(final.labels, pool_truth, per_round=params.evaluate.mistakes_per_round)
    details = {
        "confusion": {"actual": names[test_truth], "predicted": names[predicted]},
        "mistakes": evaluation.mistakes_table(final.labels, pool_truth, mistakes, classes=classes),
    }
    for name, table in details.items():
        files.write_table(Path(args.details, f"{name}.csv"), table)
    report = evaluation.report(
        final.labels, probabilities, baselines, pool_truth, test_truth,
        classes=classes, n_bins=params.evaluate.reliability_bins,
    )  # fmt: skip
    audited = files.read_table(Path(args.audit, "labels.csv"))
    report["certificate"] = evaluation.certificate(final, audited, pool_truth)
    files.write_json(Path(args.metrics, "evaluate.json"), report)
    say(f"evaluate: test accuracy {report['test']['accuracy']:.4f} from {report['human_labels']:,} human labels")


if __name__ == "__main__":
    run(main)
