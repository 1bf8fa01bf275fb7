"""Play one round: fit on all labels, accept the machine labels that the rule says."""

from selflabel import classifiers, files, history, rounds, rules, state
from selflabel.params import load
from stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "before", "pool-features", "test-features", "classes", "out", round="the round, from 1")
    params = load()
    before = state.read(args.before)
    if before.has_stopped:
        state.write(args.out, before.passed_through(args.round))
        say(f"self_label@{args.round}: nothing to do ({before.history[-1]['stop']})")
        return

    played = rounds.play(
        before.labels,
        rounds.Held(files.read_array(args.pool_features), files.read_array(args.test_features)),
        round_number=args.round,
        rule=rules.Rule(
            params.self_label.accept,
            params.self_label.threshold_start,
            params.self_label.threshold_step,
            params.self_label.threshold_factor,
            params.self_label.percent,
            params.self_label.k,
        ),
        recipe=classifiers.Recipe(params.classifier.name, params.classifier.C, params.classifier.seed),
        classes=files.read_json(args.classes),
    )
    state.write(args.out, before.after(played))
    say(f"self_label@{args.round}: {history.sentence(played.summary)}")


if __name__ == "__main__":
    run(main)
