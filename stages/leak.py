"""The tutorial's loop as published: an accepted image gets its *true* label. Only to be compared with."""

from selflabel import files, held, labels, rounds, rules, settings, state
from selflabel.opinions import Settings
from selflabel.params import load
from stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "before", "truth", "features", "graph", "classes", "out")
    params = load()
    truth = files.read_array(args.truth)
    if not params.leak.iterations or not labels.is_complete(truth):
        # What nobody knows cannot leak.
        files.write_table(args.out, labels.to_columns(labels.Labels.empty(0)))
        say(f"leak: none ({'a truth is not known' if params.leak.iterations else 'leak.iterations is 0'})")
        return

    rule = rules.Rule("linear", params.leak.threshold_start, params.leak.threshold_step)
    leaked = rounds.play_all(
        state.read(args.before),
        held.read(args.features, args.graph),
        iterations=params.leak.iterations,
        settings=Settings(rule, settings.recipe(params), smoothing=settings.smoothing(params)),
        classes=files.read_json(args.classes),
        true_labels=truth,
    ).labels
    files.write_table(args.out, labels.to_columns(leaked))
    say(f"leak: {leaked.is_machine.sum():,} accepted with their true labels")


if __name__ == "__main__":
    run(main)
