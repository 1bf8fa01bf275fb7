"""Look up the answers to a round's questions in the truth, where answers are simulated, so that no round sees it.

People's answers that are there already are labels from round 0 on: what a round asks people has none yet.
"""

import numpy as np

from selflabel import files
from selflabel.config.load import load
from selflabel.labels import answers, state
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "questions", "truth", "out")
    params = load()
    rows = state.read_questions(args.questions)["row"]
    if params.answers.source == "simulated":
        found = answers.simulated(rows, files.read_array(args.truth))
    else:
        found = answers.look_up(rows, [""] * len(rows), {})
    files.write_table(args.out, found)
    n_open = int(np.isin(found["status"], state.OPEN).sum())
    say(f"answer: {len(rows) - n_open:,} of {len(rows):,} questions have an answer ({params.answers.source})")


if __name__ == "__main__":
    run(main)
