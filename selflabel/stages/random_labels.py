"""The control: as many human labels as the run paid for, but the asked ones drawn at random."""

import numpy as np

from selflabel import files
from selflabel.config.load import load
from selflabel.labels import seeds, table
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "seeds", "final", "truth", "out")
    params = load(sections=["seed_labels"])
    given, truth = table.read(args.seeds), files.read_array(args.truth)
    n_asked = int(table.read(args.final).is_human.sum() - given.is_human.sum())
    if not n_asked or not table.is_complete(truth):
        table.write(args.out, table.Labels.empty(0))
        say(f"random_labels: none ({'a truth is not known' if n_asked else 'nobody was asked'})")
        return

    rows = np.sort(seeds.draw_more_rows(given.is_human, n_asked, seed=params.seed_labels.seed))
    drawn = table.Labels.from_seeds(rows, truth[rows], n_rows=len(truth))
    table.write(args.out, drawn)
    say(f"random_labels: {len(rows):,} labels, {n_asked:,} of them drawn in place of the asked ones")


if __name__ == "__main__":
    run(main)
