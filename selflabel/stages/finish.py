"""Fit once more, accept the rest above the final threshold: the final labels and held-out predictions."""

from pathlib import Path

from selflabel import files
from selflabel.config import build
from selflabel.config.load import load
from selflabel.features import feature_set
from selflabel.labels import provenance, state
from selflabel.labels.classes import Classes
from selflabel.labels.pool_index import PoolIndex
from selflabel.labels.questions import Replies
from selflabel.loop.run import last_round
from selflabel.models import distil
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "before", "answers", "features", "graph", "student", "index", "classes", "out")
    params = load()
    before, classes = state.read(args.before).answered(Replies.read(args.answers)), Classes.read(args.classes)
    join = build.join(params)
    last = last_round(
        before,
        feature_set.read(args.features, args.graph),
        config=build.last_round(params),
        classes=classes,
        student=distil.read(args.student) if join else None,
        join=join,
    )
    final = last.state.ended(before)
    hashes = PoolIndex.read(args.index).hash
    state.write(args.out, final, **provenance.columns(final, hashes, classes))
    files.write_array(Path(args.out, "test_probabilities.npy"), last.test_probabilities)
    files.write_array(Path(args.out, "pool_probabilities.npy"), last.unseen_probabilities(before))
    say(f"finish: {final.history[-1].sentence()}")


if __name__ == "__main__":
    run(main)
