"""Train a CNN on what the last classifier says of the whole pool; off where student.epochs is 0."""

from functools import partial
from pathlib import Path
from typing import cast

from tqdm import tqdm

from selflabel import files
from selflabel.config.load import load
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "before", "answers", "features", "graph", "pool-images", "test-images", "classes", "out")
    params = load(sections=["student"])
    if not params.student.epochs:
        files.write_arrays(Path(args.out, "weights.npz"), [])
        say("student: none (student.epochs is 0)")
        return
    # They take a second, and most runs have no student.
    from selflabel.config import build
    from selflabel.features import feature_set
    from selflabel.labels import state
    from selflabel.labels.classes import Classes
    from selflabel.labels.questions import Replies
    from selflabel.models import distil
    from selflabel.models.student import StudentConfig

    params = load()
    weights, output = distil.teach(
        state.read(args.before).answered(Replies.read(args.answers)),
        feature_set.read(args.features, args.graph),
        files.read_array(args.pool_images),
        files.read_array(args.test_images),
        config=build.fit(params),
        student=cast(StudentConfig, build.student(params)),
        classes=Classes.read(args.classes),
        # disable=None: a bar on a terminal, none in a log.
        progress=partial(tqdm, desc="student", disable=None),
    )
    files.write_arrays(Path(args.out, "weights.npz"), weights)
    distil.write(args.out, output)
    say(f"student: {params.student.epochs} epochs")


if __name__ == "__main__":
    run(main)
