"""Compare with the truth: the pipeline's only reader of the test images' labels."""

from pathlib import Path

from selflabel import files
from selflabel.audit import wording
from selflabel.config.load import load
from selflabel.evaluation import tables
from selflabel.labels import state
from selflabel.labels.classes import Classes
from selflabel.stages import parse, run, say

BASELINES = ("seed_only", "random_labels", "true_labels_leak", "fully_supervised")


def main() -> None:
    args = parse(
        __doc__, "final", "audit", "release", *BASELINES, "pool-truth", "test-truth", "classes", "metrics", "details"
    )
    params = load(sections=["audit", "evaluate"])
    run_of = tables.Run(
        state.read(args.final),
        files.read_array(Path(args.final, "test_probabilities.npy")),
        files.read_columns(Path(args.audit, "labels.arrow"), "label", "origin", "certified"),
    )
    baselines = {}
    for name in BASELINES:
        folder = Path(getattr(args, name))
        test_labels, summary = files.read_array(folder / "test_labels.npy"), files.read_json(folder / "summary.json")
        baselines[name] = tables.Baseline(test_labels, **summary)
    released = None
    if params.audit.release == "best":
        probabilities = files.read_array(Path(args.release, "test_probabilities.npy"))
        released = state.read(args.release).labels, probabilities
    evaluation = tables.evaluate(
        run_of,
        baselines,
        tables.Truth.of(files.read_array(args.pool_truth), files.read_array(args.test_truth)),
        classes=Classes.read(args.classes),
        n_bins=params.evaluate.reliability_bins,
        mistakes_per_round=params.evaluate.mistakes_per_round,
        released=released,
    )
    for name, table in evaluation.tables.items():
        files.write_table(Path(args.metrics, f"{name}.csv"), table)
    for name, table in evaluation.details.items():
        files.write_table(Path(args.details, f"{name}.csv"), table)
    files.write_json(Path(args.metrics, "evaluate.json"), evaluation.report)
    say(f"evaluate: {wording.accuracy(evaluation.report)}")


if __name__ == "__main__":
    run(main)
