"""Fit once more, accept the rest above the final threshold: the final labels and held-out predictions."""

from pathlib import Path

import numpy as np

from selflabel import classifiers, files, history, rounds, rules, state
from selflabel.params import load
from stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "before", "pool-features", "test-features", "index", "classes", "out")
    params = load()
    before, classes = state.read(args.before), files.read_json(args.classes)
    played = rounds.play(
        before.labels,
        rounds.Held(files.read_array(args.pool_features), files.read_array(args.test_features)),
        round_number=len(before.history) + 1,
        rule=rules.above(params.self_label.final_threshold),
        recipe=classifiers.Recipe(params.classifier.name, params.classifier.C, params.classifier.seed),
        classes=classes,
    )
    summary = played.summary
    if summary["stop"] == history.GOES_ON:
        summary = summary | {"stop": history.ITERATIONS}

    index = files.read_table(args.index)
    # The last name is for label −1, none.
    names = np.array([*classes, ""])[played.labels.label]
    hashes = index["hash"][index["split"] == "pool"]
    final = before.after(played._replace(summary=summary))
    state.write(args.out, final, **{"hash": hashes, "class": names})
    files.write_array(Path(args.out, "test_probabilities.npy"), played.test_probabilities)
    say(f"finish: {history.sentence(summary)}")


if __name__ == "__main__":
    run(main)
