"""Look up the answers to a round's questions in the truth, where answers are simulated, so that no round sees it.

People's answers that are there already are labels from round 0 on: what a round asks people has none yet.
"""

from selflabel import files
from selflabel.config.load import load
from selflabel.labels import answers
from selflabel.labels.questions import Questions
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "questions", "truth", "out")
    params = load(sections=["answers"])
    rows = Questions.read(args.questions).row
    if params.answers.source == "simulated":
        replies = answers.simulated(rows, files.read_array(args.truth))
    else:
        replies = answers.look_up(rows, [""] * len(rows), {})
    replies.write(args.out)
    n_replies = int((~replies.is_waiting).sum())
    say(f"answer: {n_replies:,} of {len(rows):,} questions have an answer ({params.answers.source})")


if __name__ == "__main__":
    run(main)
