"""Put every answer in the place of the machine's label, and where wanted learn from all: what is handed over."""

from pathlib import Path

import numpy as np

from selflabel import files
from selflabel.config.load import load
from selflabel.labels import provenance, state
from selflabel.labels.classes import Classes
from selflabel.labels.pool_index import PoolIndex
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "audit", "probabilities", "features", "graph", "student", "index", "classes", "out")
    params, out = load(sections=["audit"]), Path(args.out)
    released, classes = state.read(args.audit).with_all_answers(), Classes.read(args.classes)
    is_certified = files.read_columns(Path(args.audit, "labels.arrow"), "certified")["certified"]
    test, pool = np.empty((0, len(classes)), np.float32), files.read_array(args.probabilities)
    if params.audit.release == "best":
        # They take longer than to put answers into their places.
        from selflabel.config import build
        from selflabel.features import feature_set
        from selflabel.loop.run import last_round
        from selflabel.models import distil

        params = load()
        join = build.join(params)
        last = last_round(
            released,
            feature_set.read(args.features, args.graph),
            config=build.last_round(params),
            classes=classes,
            student=distil.read(args.student) if join else None,
            join=join,
        )
        pool, test = last.unseen_probabilities(released), last.test_probabilities
        # The promise was about the labels before.
        released, is_certified = last.state, np.zeros_like(is_certified)
    columns = provenance.columns(released, PoolIndex.read(args.index).hash, classes)
    state.write(out, released, **columns, certified=is_certified)
    files.write_array(out / "test_probabilities.npy", test)
    files.write_array(out / "pool_probabilities.npy", pool)
    n_human = int(released.labels.is_human.sum())
    say(f"release: {n_human:,} labels by people, {int(released.labels.is_machine.sum()):,} by machine")


if __name__ == "__main__":
    run(main)
