"""Look up the answers to a round's questions, in the truth or in people's file, so that no round sees the truth."""

import numpy as np

from selflabel import answers, files, state
from selflabel.params import load
from stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "questions", "index", "classes", "truth", "answers", "out")
    params = load()
    rows = state.read_questions(args.questions)["row"]
    index = files.read_table(args.index)
    hashes = index["hash"][index["split"] == "pool"]
    if params.answers.source == "simulated":
        found = answers.from_truth(rows, files.read_array(args.truth))
    else:
        classes, text = files.read_json(args.classes), files.read_text(args.answers)
        given = answers.parse(text, source=args.answers, classes=classes, known=set(hashes))
        found = answers.look_up(rows, hashes[rows], answers.decide(given, classes=classes))
    files.write_table(args.out, found)
    n_open = int(np.isin(found["status"], state.OPEN).sum())
    say(f"answer: {len(rows) - n_open:,} of {len(rows):,} questions have an answer ({params.answers.source})")


if __name__ == "__main__":
    run(main)
