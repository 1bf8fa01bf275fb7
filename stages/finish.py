"""Fit once more, accept the rest above the final threshold: the final labels and held-out predictions."""

from pathlib import Path

from selflabel import files, held, history, pool_index, provenance, rounds, settings, state, teaching
from selflabel.params import load
from stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "before", "answers", "features", "graph", "student", "index", "classes", "out")
    params = load()
    before, classes = state.read(args.before).answered(files.read_table(args.answers)), files.read_json(args.classes)
    features, student = teaching.joined(
        held.read(args.features, args.graph),
        args.student,
        epochs=params.student.epochs,
        embedding=params.student.embedding,
        weight=params.student.weight,
    )
    played = rounds.play(
        before,
        features,
        round_number=len(before.history) + 1,
        settings=settings.last(params),
        classes=classes,
        student=student,
    )
    final = played.state.ended(before)
    hashes = pool_index.read(args.index)["hash"]
    state.write(args.out, final, **provenance.columns(final, hashes, classes))
    files.write_array(Path(args.out, "test_probabilities.npy"), played.test_probabilities)
    say(f"finish: {history.sentence(final.history[-1])}")


if __name__ == "__main__":
    run(main)
