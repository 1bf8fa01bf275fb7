"""Draw the seed labels, or take those that were given, and people's answers: the state before round 1.

It asks nothing, but for images that were given two different labels.
"""

import numpy as np

from selflabel import files
from selflabel.config.load import load
from selflabel.labels import answers, pool_index, seeds, state, table
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "truth", "index", "classes", "answers", "out", "found")
    params = load()
    truth, classes, index = files.read_array(args.truth), files.read_json(args.classes), pool_index.read(args.index)
    if table.is_complete(truth):
        rows = seeds.draw_seed_rows(
            truth, percentage=params.seed_labels.percentage, seed=params.seed_labels.seed, classes=classes
        )
    else:
        rows = np.flatnonzero(truth != table.NO_LABEL)
    in_conflict = np.flatnonzero(index["conflict"]) if "conflict" in index else rows[:0]
    n_fewest = int(np.bincount(truth[rows], minlength=len(classes)).min())
    if len(in_conflict) and n_fewest < params.training.folds:
        raise ValueError(
            f"training.folds must be at most {n_fewest}, the labels of a class, while {len(in_conflict):,} images "
            f"were given two different ones, which do not count, got {params.training.folds}"
        )
    given, teaching, judging = [], {}, {}
    if params.answers.source == "people":
        given = answers.parse(
            files.read_text(args.answers), source=args.answers, classes=classes, known=index["hash"].tolist()
        )
        teaching, judging = answers.known(given, classes=classes)
    rows, known, apart = seeds.with_answers(rows, truth, index["hash"].tolist(), teaching, judging)
    at_random = answers.asked_at_random(given)
    why = {row: "random" if index["hash"][row] in at_random else state.KNOWN for row in known.tolist()}
    first = state.first(table.Labels.from_seeds(rows, truth[rows], n_rows=len(truth)), in_conflict, why, apart)
    state.write(args.out, first)
    # Round 1 goes on from this as every round does from the one before and the answers to it.
    asked = first.questions["row"]
    if params.answers.source == "people":
        found = answers.look_up(asked, index["hash"][asked], teaching)
    else:
        found = answers.simulated(asked, truth)
    files.write_table(args.found, found)
    how = "drawn, for all labels are known" if table.is_complete(truth) else "given, as many as are known"
    more = f"; {len(known):,} answers, {len(apart):,} more that judge" if len(known) or len(apart) else ""
    say(f"seed_labels: {len(rows):,} of {len(truth):,} images ({how}){more}")


if __name__ == "__main__":
    run(main)
