"""Train a CNN on what the last classifier says of the whole pool; off where student.epochs is 0."""

from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from selflabel import files, held, settings, state, teaching
from selflabel.params import load
from selflabel.student import Student
from stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "before", "answers", "features", "graph", "pool-images", "test-images", "classes", "out")
    params = load()
    weights, taught = [], teaching.Taught(*(np.empty((0, 0), np.float32) for _ in teaching.Taught._fields))
    if params.student.epochs:
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
    say(f"student: {params.student.epochs} epochs" if params.student.epochs else "student: none (student.epochs is 0)")


if __name__ == "__main__":
    run(main)
