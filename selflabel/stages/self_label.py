"""Play one round: fit, accept the machine labels that the rule says, ask people about others."""

from selflabel.config import build
from selflabel.config.load import load
from selflabel.features import feature_set
from selflabel.labels import state
from selflabel.labels.classes import Classes
from selflabel.labels.questions import Replies
from selflabel.loop.round import run_round
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "before", "answers", "features", "graph", "classes", "out", round="the round, from 1")
    params = load()
    before = state.read(args.before).answered(Replies.read(args.answers))
    if before.has_stopped:
        state.write(args.out, before.passed_through(args.round))
        say(f"self_label@{args.round}: nothing to do ({before.history[-1].stop})")
        return

    played = run_round(
        before,
        feature_set.read(args.features, args.graph),
        round_number=args.round,
        config=build.each_round(params),
        classes=Classes.read(args.classes),
    )
    state.write(args.out, played.state)
    say(f"self_label@{args.round}: {played.state.history[-1].sentence()}")


if __name__ == "__main__":
    run(main)
