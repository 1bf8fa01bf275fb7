"""Compare with the truth: the pipeline's only reader of the test images' labels."""

from pathlib import Path

import numpy as np

from selflabel import files
from selflabel.audit import wording
from selflabel.config.load import load
from selflabel.evaluation import metrics
from selflabel.evaluation import tables as evaluation
from selflabel.labels import state
from selflabel.labels.table import is_complete
from selflabel.stages import parse, run, say

BASELINES = ("seed_only", "random_labels", "true_labels_leak", "fully_supervised")


def main() -> None:
    args = parse(
        __doc__, "final", "audit", "release", *BASELINES, "pool-truth", "test-truth", "classes", "metrics", "details"
    )
    params = load()
    final, classes = state.read(args.final), files.read_json(args.classes)
    pool_truth, test_truth = files.read_array(args.pool_truth), files.read_array(args.test_truth)
    truth = evaluation.Truth(pool_truth if is_complete(pool_truth) else None, test_truth)
    probabilities = files.read_array(Path(args.final, "test_probabilities.npy"))
    baselines = {
        name: evaluation.Baseline(
            files.read_array(Path(folder, "test_labels.npy")), **files.read_json(Path(folder, "summary.json"))
        )
        for name, folder in vars(args).items()
        if name in BASELINES
    }
    # Where nothing leaked, nobody was asked, or no truth is known, there is no such control.
    baselines = {name: baseline for name, baseline in baselines.items() if baseline.human_labels}

    options = {"classes": classes, "n_bins": params.evaluate.reliability_bins}
    tables = evaluation.tables(final, probabilities, baselines, truth, **options)
    for name, table in tables.items():
        files.write_table(Path(args.metrics, f"{name}.csv"), table)
    names, predicted = np.array(classes), probabilities.argmax(axis=1)
    # Of what nobody knows there is no mistake to show.
    judge = final.labels.label if truth.pool is None else pool_truth
    mistakes = metrics.confident_mistakes(final.labels, judge, per_round=params.evaluate.mistakes_per_round)
    table = evaluation.mistakes_table(final.labels, pool_truth, mistakes, classes=classes)
    files.write_table(Path(args.details, "mistakes.csv"), table)
    table = {"actual": names[test_truth], "predicted": names[predicted]}
    files.write_table(Path(args.details, "confusion.csv"), table)
    report = evaluation.report(final, probabilities, baselines, truth, **options)
    if truth.pool is not None:
        audited = files.read_table(Path(args.audit, "labels.csv"))
        report["certificate"] = evaluation.certificate(final, audited, pool_truth)
    if params.audit.release == "best":
        report |= evaluation.released(
            state.read(args.release).labels, files.read_array(Path(args.release, "test_probabilities.npy")), truth
        )
    files.write_json(Path(args.metrics, "evaluate.json"), report)
    say(f"evaluate: {wording.accuracy(report)}")


if __name__ == "__main__":
    run(main)
