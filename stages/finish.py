"""Fit once more, accept the rest above the final threshold: the final labels and held-out predictions."""

from pathlib import Path

from selflabel import files, history, provenance, rounds, settings, state
from selflabel.opinions import Held
from selflabel.params import load
from stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "before", "answers", "pool-features", "test-features", "index", "classes", "out")
    params = load()
    before, classes = state.read(args.before).answered(files.read_table(args.answers)), files.read_json(args.classes)
    played = rounds.play(
        before,
        Held(files.read_array(args.pool_features), files.read_array(args.test_features)),
        round_number=len(before.history) + 1,
        settings=settings.last(params),
        classes=classes,
    )
    final = played.state.ended(before)
    index = files.read_table(args.index)
    hashes = index["hash"][index["split"] == "pool"]
    state.write(args.out, final, **provenance.columns(final, hashes, classes))
    files.write_array(Path(args.out, "test_probabilities.npy"), played.test_probabilities)
    say(f"finish: {history.sentence(final.history[-1])}")


if __name__ == "__main__":
    run(main)
