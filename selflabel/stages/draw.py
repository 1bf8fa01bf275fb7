"""Draw the pictures."""

from pathlib import Path

import numpy as np

from selflabel import files
from selflabel.config.load import load
from selflabel.evaluation import certificate_plot, plots
from selflabel.labels import state
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(
        __doc__, "final", "pool-images", "classes", "metrics", "mistakes", "audit", "pictures", "curves", "certificate"
    )
    params = load()
    images, classes = files.read_array(args.pool_images), files.read_json(args.classes)
    labels = state.read(args.final).labels
    generator = np.random.default_rng(params.draw.seed)
    rows_by_class = [
        plots.choose(labels.label == index, labels.is_machine, n=params.draw.samples_per_class, generator=generator)
        for index in range(len(classes))
    ]
    names = ("rounds", "reliability", "confusion_matrix")
    tables = {name: files.read_table(Path(args.metrics, f"{name}.csv")) for name in names}
    matrix = np.column_stack([tables["confusion_matrix"][name] for name in classes])
    baselines = files.read_json(Path(args.metrics, "evaluate.json")).get("baselines", {})
    references = {name: scores["accuracy"] for name, scores in baselines.items()}

    audited = files.read_table(Path(args.audit, "labels.csv"))["audited"]
    is_audited = audited != ""
    # Of the frozen labels: people may have labelled the rest since.
    names = np.array([*classes, ""])[labels.label]

    drawn = {
        Path(args.pictures, "samples.png"): plots.samples(images, rows_by_class, labels.origin, classes=classes),
        Path(args.curves): plots.curves(tables["rounds"], references),
        Path(args.certificate): certificate_plot.picture(
            files.read_json(Path(args.metrics, "certificate.json")),
            files.read_table(Path(args.metrics, "certificate_shares.csv")),
            labels.confidence[is_audited],
            (audited == names)[is_audited],
        ),
    }
    mistakes = files.read_table(args.mistakes)
    if len(mistakes["row"]):
        drawn[Path(args.pictures, "mistakes.png")] = plots.mistakes(images, mistakes)
    # Where there are no test images, or nobody knows the truth, there is nothing of them to show.
    if len(matrix):
        drawn[Path(args.pictures, "confusion.png")] = plots.confusion(matrix, classes=classes)
    if len(tables["reliability"]["of"]):
        drawn[Path(args.pictures, "reliability.png")] = plots.reliability(tables["reliability"])
    for path, figure in drawn.items():
        files.write_picture(path, figure)
    say(f"draw: {len(drawn)} pictures in {args.pictures} and {args.metrics}")


if __name__ == "__main__":
    run(main)
