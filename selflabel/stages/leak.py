"""The tutorial's loop as published: an accepted image gets its *true* label. Only to be compared with."""

from selflabel import files
from selflabel.config.load import load
from selflabel.labels import table
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "seeds", "truth", "features", "graph", "classes", "out")
    params = load(sections=["leak", "classifier", "smoothing"])
    truth = files.read_array(args.truth)
    if not params.leak.iterations or not table.is_complete(truth):
        # What nobody knows cannot leak.
        table.write(args.out, table.Labels.empty(0))
        say(f"leak: none ({'a truth is not known' if params.leak.iterations else 'leak.iterations is 0'})")
        return

    # They take longer than to find that there is no leak.
    from selflabel.config import build
    from selflabel.features import feature_set
    from selflabel.labels import state
    from selflabel.labels.classes import Classes
    from selflabel.loop import acceptance
    from selflabel.loop.round import RoundConfig
    from selflabel.loop.run import run_loop

    rule = acceptance.Rule("linear", params.leak.threshold_start, params.leak.threshold_step)
    leaked = run_loop(
        state.first(table.read(args.seeds)),
        feature_set.read(args.features, args.graph),
        n_rounds=params.leak.iterations,
        config=RoundConfig(build.plain_fit(params), rule),
        classes=Classes.read(args.classes),
        true_labels=truth,
    ).labels
    table.write(args.out, leaked)
    say(f"leak: {leaked.is_machine.sum():,} accepted with their true labels")


if __name__ == "__main__":
    run(main)
