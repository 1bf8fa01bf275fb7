"""What labels buy: test accuracy against how many labels people gave, a picture."""

from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import Any

from matplotlib.figure import Figure

from selflabel.evaluation.plots import BLUE, ORANGE

KINDS = {"asked": ("asked by the run", BLUE), "random": ("as many at random", ORANGE)}


def picture(arms: Mapping[str, Mapping[str, Any]], figures: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """Return mean and sample standard deviation over the seeds of each arm that has a ``curve``: asked or random.

    ``arms``: of study/arms.yaml. ``figures``: by arm, what ``study.run_arm`` returned for each seed, at least one.
    """
    figure = Figure(figsize=(6.5, 4.2), layout="constrained")
    axes = figure.subplots()
    n_seeds = set()
    for kind, (words, colour) in KINDS.items():
        runs = [figures[name] for name, arm in arms.items() if arm.get("curve") == kind and name in figures]
        points = sorted(
            (of_seeds[0]["human_labels"], mean(accuracies), stdev(accuracies) if len(accuracies) > 1 else 0.0)
            for of_seeds in runs
            for accuracies in [[run["accuracy"] for run in of_seeds]]
        )
        n_seeds |= {len(of_seeds) for of_seeds in runs}
        if points:
            labels, means, spreads = zip(*points, strict=True)
            axes.errorbar(labels, means, spreads, fmt="o-", color=colour, capsize=3, label=words)
            for x, y in zip(labels, means, strict=True):
                axes.annotate(f"{y:.3f}", (x, y), (6, -10), textcoords="offset points", fontsize=7, color=colour)
    of_seeds = " or ".join(map(str, sorted(n_seeds)))
    axes.set(
        xlabel="labels that people gave, seeds included", ylabel="test accuracy",
        title=f"Test accuracy by human labels, mean ± standard deviation ({of_seeds} seeds)",
    )  # fmt: skip
    axes.margins(x=0.08)
    axes.grid(alpha=0.3)
    if axes.containers:
        axes.legend(loc="lower right")
    return figure
