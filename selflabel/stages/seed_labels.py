"""Draw the seed labels, or take those that were given, and people's answers: the state before round 1.

It asks nothing, but for images that were given two different labels.
"""

from selflabel import files
from selflabel.config.load import load
from selflabel.labels import answers, seeds, state
from selflabel.labels.classes import Classes
from selflabel.labels.pool_index import PoolIndex
from selflabel.labels.table import is_complete
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "truth", "index", "classes", "answers", "out", "replies")
    params = load(sections=["answers", "seed_labels"])
    truth, classes, index = files.read_array(args.truth), Classes.read(args.classes), PoolIndex.read(args.index)
    percentage, seed = params.seed_labels.percentage, params.seed_labels.seed
    rows = seeds.seed_rows(truth, percentage=percentage, seed=seed, classes=classes)
    given = None
    if params.answers.source == "people":
        text = files.read_text(args.answers)
        given = answers.parse(text, source=args.answers, classes=classes, known=index.hash.tolist())
    first, replies = seeds.start(rows, truth, index, given, classes=classes)
    state.write(args.out, first)
    # Round 1 goes on from this as every round does from the one before and the answers to it.
    replies.write(args.replies)
    how = "drawn, for all labels are known" if is_complete(truth) else "given, as many as are known"
    n_known = len(first.questions) - len(index.in_conflict)
    more = f"; {n_known:,} answers, {len(first.apart):,} more that judge" if n_known or len(first.apart) else ""
    say(f"seed_labels: {first.labels.is_human.sum():,} of {len(truth):,} images ({how}){more}")


if __name__ == "__main__":
    run(main)
