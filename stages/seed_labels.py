"""Draw the seed labels: the state before round 1, which asks nothing."""

from selflabel import answers, files, labels, seeds, state
from selflabel.params import load
from stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "truth", "classes", "out", "answers")
    params = load()
    truth, classes = files.read_array(args.truth), files.read_json(args.classes)
    rows = seeds.draw_seed_rows(
        truth, percentage=params.seed_labels.percentage, seed=params.seed_labels.seed, classes=classes
    )
    first = state.first(labels.Labels.from_seeds(rows, truth[rows], n_rows=len(truth)))
    state.write(args.out, first)
    # Round 1 goes on from this as every round does from the one before and the answers to it.
    files.write_table(args.answers, answers.from_truth(first.questions["row"], truth))
    say(f"seed_labels: {len(rows):,} of {len(truth):,} images")


if __name__ == "__main__":
    run(main)
