"""The tutorial's loop as published: an accepted image gets its *true* label. Only to be compared with."""

from selflabel import classifiers, files, labels, rounds, rules, state
from selflabel.params import load
from stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "before", "truth", "pool-features", "test-features", "classes", "out")
    params = load()
    leaked = rounds.play_all(
        state.read(args.before).labels,
        rounds.Held(files.read_array(args.pool_features), files.read_array(args.test_features)),
        iterations=params.leak.iterations,
        rule=rules.Rule("linear", params.leak.threshold_start, params.leak.threshold_step),
        recipe=classifiers.Recipe(params.classifier.name, params.classifier.C, params.classifier.seed),
        classes=files.read_json(args.classes),
        true_labels=files.read_array(args.truth),
    )
    files.write_table(args.out, labels.to_columns(leaked))
    say(f"leak: {leaked.is_machine.sum():,} accepted with their true labels")


if __name__ == "__main__":
    run(main)
