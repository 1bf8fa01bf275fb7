"""Draw the seed labels: the state before round 1."""

from selflabel import files, labels, seeds, state
from selflabel.params import load
from stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "truth", "classes", "out")
    params = load()
    truth, classes = files.read_array(args.truth), files.read_json(args.classes)
    rows = seeds.draw_seed_rows(
        truth, percentage=params.seed_labels.percentage, seed=params.seed_labels.seed, classes=classes
    )
    state.write(args.out, state.first(labels.Labels.from_seeds(rows, truth[rows], n_rows=len(truth))))
    say(f"seed_labels: {len(rows):,} of {len(truth):,} images")


if __name__ == "__main__":
    run(main)
