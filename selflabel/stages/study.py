"""Play one arm of the study over all its seeds, a process each."""

from argparse import Namespace
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from selflabel import files
from selflabel.config import build, load
from selflabel.evaluation import study
from selflabel.features import feature_set
from selflabel.labels.classes import Classes
from selflabel.loop.run import RunConfig
from selflabel.stages import parse, run, say


def main() -> None:
    args = parse(__doc__, "arm", "arms", "inputs", "out")
    plan = files.read_yaml(args.arms)
    arm = plan["arms"][args.arm]["run"]
    tree = load.merged(plan["base"], arm)
    checked = load.parse(tree, source=f"{args.arms}, {args.arm}", sections=tuple(plan["base"]))
    kind = {"has_true_labels": arm.get("true_labels", False), "has_classes": arm.get("per_class", False)}
    kind["percentage"] = checked.seed_labels.percentage
    arm_of = partial(_run_arm, args, build.run(checked), kind)
    with ProcessPoolExecutor() as pool:
        figures = list(pool.map(arm_of, plan["seeds"][arm.get("seeds", "chosen_on")]))
    files.write_json(args.out, figures)
    accuracies = ", ".join(f"{figure['accuracy']:.4f}" for figure in figures)
    say(f"study: {args.arm} from {figures[0]['human_labels']:,} human labels, test accuracy {accuracies}")


def _run_arm(args: Namespace, config: RunConfig, kind: dict[str, Any], seed: int) -> dict[str, Any]:
    inputs = Path(args.inputs)
    data = study.Data(
        features=feature_set.read(inputs / "features", inputs / "graph"),
        pool_truth=files.read_array(inputs / "pool_truth.npy"),
        test_truth=files.read_array(inputs / "test_truth.npy"),
        pool_images=files.read_array(inputs / "pool_images.npy"),
        test_images=files.read_array(inputs / "test_images.npy"),
        classes=Classes.read(inputs / "classes.json"),
    )
    # The processes share the cores already.
    with threadpool_limits(1):
        return study.run_arm(config, data, seed=seed, **kind)


if __name__ == "__main__":
    run(main)
