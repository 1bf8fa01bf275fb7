"""Draw the pictures."""

from pathlib import Path

import numpy as np

from selflabel import files
from selflabel.audit.certificate import Certificate
from selflabel.config.load import load
from selflabel.evaluation import certificate_plot, pictures
from selflabel.labels import state
from selflabel.labels.classes import Classes
from selflabel.labels.questions import AUDIT_OF_CLASS
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(
        __doc__, "final", "pool-images", "classes", "metrics", "mistakes", "audit", "pictures", "curves", "certificate"
    )
    params, metrics = load(sections=["draw"]), Path(args.metrics)
    classes, labels = Classes.read(args.classes), state.read(args.final).labels
    figures = pictures.pictures(
        files.read_array(args.pool_images),
        labels,
        classes,
        mistakes=files.read_table(args.mistakes),
        confusion_matrix=files.read_table(metrics / "confusion_matrix.csv"),
        reliability=files.read_table(metrics / "reliability.csv"),
        samples_per_class=params.draw.samples_per_class,
        seed=params.draw.seed,
    )
    paths = {Path(args.pictures, f"{name}.png"): figure for name, figure in figures.items()}
    report = files.read_json(metrics / "evaluate.json")
    paths[Path(args.curves)] = pictures.curves(files.read_table(metrics / "rounds.csv"), report)
    evidence = Path(args.audit, "path.csv")
    paths[Path(args.certificate)] = certificate_plot.picture(
        Certificate.from_json(files.read_json(metrics / "certificate.json")),
        files.read_table(metrics / "certificate_shares.csv"),
        # Of the frozen labels: people may have labelled the rest since.
        *certificate_plot.audited(labels, _audited(args.audit), classes),
        path=files.read_table(evidence) if evidence.exists() else None,
    )
    for path, figure in paths.items():
        files.write_picture(path, figure)
    say(f"draw: {len(paths)} pictures in {args.pictures} and {args.metrics}")


def _audited(folder: str) -> np.ndarray:
    """Return what people said of the images drawn from all, texts (N,): those drawn by class are more of some."""
    asked, said = state.read(folder).asked, files.read_columns(Path(folder, "labels.arrow"), "audited")["audited"]
    said[asked.row[asked.strategy == AUDIT_OF_CLASS]] = ""
    return said


if __name__ == "__main__":
    run(main)
