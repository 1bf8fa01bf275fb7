"""Train a CNN on what the last classifier says of the whole pool; off where student.epochs is 0."""

from functools import partial
from pathlib import Path

from tqdm import tqdm

from selflabel import files
from selflabel.params import load
from selflabel.student import Student
from stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "before", "answers", "features", "graph", "pool-images", "test-images", "classes", "out")
    params = load()
    if not params.student.epochs:
        files.write_arrays(Path(args.out, "weights.npz"), [])
        say("student: none (student.epochs is 0)")
        return
    # They take a second, and most runs have no student.
    from selflabel import held, settings, state, teaching

    weights, taught = teaching.teach(
        state.read(args.before).answered(files.read_table(args.answers)),
        held.read(args.features, args.graph),
        files.read_array(args.pool_images),
        files.read_array(args.test_images),
        settings=settings.opinion(params),
        student=Student(**dict(params.student)),
        classes=files.read_json(args.classes),
        # disable=None: a bar on a terminal, none in a log.
        progress=partial(tqdm, desc="student", disable=None),
    )
    files.write_arrays(Path(args.out, "weights.npz"), weights)
    for name, array in taught._asdict().items():
        files.write_array(Path(args.out, f"{name}.npy"), array)
    say(f"student: {params.student.epochs} epochs")


if __name__ == "__main__":
    run(main)
