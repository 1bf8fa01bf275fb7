"""Look up the answers to a round's questions, in the truth or in people's file, so that no round sees the truth."""

from collections.abc import Callable
from functools import partial

import numpy as np

from selflabel import answers, files, pool_index, state
from selflabel.labels import is_complete
from selflabel.params import load
from stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "questions", "index", "classes", "truth", "answers", "out")
    params = load()
    rows = state.read_questions(args.questions)["row"]
    hashes, classes = pool_index.read(args.index)["hash"], files.read_json(args.classes)
    found = reader(params.answers.source, hashes, classes, truth=args.truth, answers_file=args.answers)(rows)
    files.write_table(args.out, found)
    n_open = int(np.isin(found["status"], state.OPEN).sum())
    say(f"answer: {len(rows) - n_open:,} of {len(rows):,} questions have an answer ({params.answers.source})")


def reader(
    source: str, hashes: np.ndarray, classes: list[str], *, truth: str, answers_file: str
) -> Callable[[np.ndarray], dict]:
    """Return what gives the answers to questions about rows, from the file of the truth or of people, read once."""
    if source == "simulated":
        known = files.read_array(truth)
        if not is_complete(known):
            raise ValueError(
                "answers.source must be people where not every image's label is known, got simulated (the labels of "
                "images that were given two are not)"
            )
        return partial(answers.from_truth, truth=known)
    text = files.read_text(answers_file)
    given = answers.parse(text, source=answers_file, classes=classes, known=set(hashes))
    decisions = answers.decide(given, classes=classes)
    return lambda rows: answers.look_up(rows, hashes[rows], decisions)


if __name__ == "__main__":
    run(main)
