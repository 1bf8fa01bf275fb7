"""Play one arm of the study over all its seeds, a process each."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from threadpoolctl import threadpool_limits

from selflabel import files, held, params, study
from stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "arm", "arms", "inputs", "out")
    plan = files.read_yaml(args.arms)
    arm = plan["arms"][args.arm]["run"]
    tree = study.merged(plan["base"], arm)
    checked = params.parse(tree, source=f"{args.arms}, {args.arm}", sections=tuple(plan["base"]))
    kind = {"has_true_labels": arm.get("true_labels", False), "has_classes": arm.get("per_class", False)}
    play = partial(_play, args, checked, kind)
    with ProcessPoolExecutor() as pool:
        figures = list(pool.map(play, plan["seeds"][arm.get("seeds", "chosen_on")]))
    files.write_json(args.out, figures)
    accuracies = ", ".join(f"{figure['accuracy']:.4f}" for figure in figures)
    say(f"study: {args.arm} from {figures[0]['human_labels']:,} human labels, test accuracy {accuracies}")


def _play(args, checked: params.Params, kind: dict[str, bool], seed: int) -> dict:
    data = study.Data(
        held.read(Path(args.inputs, "features"), Path(args.inputs, "graph")),
        *(
            files.read_array(Path(args.inputs, f"{part}_{kind}.npy"))
            for kind in ("truth", "images")
            for part in ("pool", "test")
        ),
        files.read_json(Path(args.inputs, "classes.json")),
    )
    # The processes share the cores already.
    with threadpool_limits(1):
        return study.play(checked, data, seed=seed, **kind)


if __name__ == "__main__":
    run(main)
