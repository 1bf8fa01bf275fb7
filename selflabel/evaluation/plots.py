"""Pictures to look at; each function returns a matplotlib figure."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from selflabel.labels.table import HUMAN, MACHINE, SEED

# Colours that stay apart for colour-blind readers (Okabe & Ito, 2008).
BLUE, ORANGE, GREEN, GREY = "#0072b2", "#d55e00", "#009e73", "#777777"
COLUMN_INCHES, ROW_INCHES, IMAGE_INCHES, LETTER_INCHES, TITLE_INCHES = 0.95, 1.1, 0.85, 0.09, 0.6
QUEUE_SHOWN, QUEUE_COLUMNS = 100, 10


def choose(is_wanted: np.ndarray, is_machine: np.ndarray, *, n: int, generator: np.random.Generator) -> np.ndarray:
    """Return at most ``n`` random wanted rows: given labels first, at most half where the others suffice.

    ``is_wanted``, ``is_machine``: bool (N,).
    """
    machine = generator.permutation(np.flatnonzero(is_wanted & is_machine))
    given = generator.permutation(np.flatnonzero(is_wanted & ~is_machine))[: max(n // 2, n - len(machine))]
    machine = machine[: n - len(given)]
    return np.concatenate([given, machine])


def samples(
    images: np.ndarray, rows_by_class: Sequence[np.ndarray], origin: np.ndarray, *, classes: Sequence[str]
) -> Figure:
    """Return a grid of images, a row of pictures a class, framed in the colour of the label's origin.

    ``images``: uint8 (N, height, width). ``rows_by_class``: int arrays of pool rows. ``origin``: int (N,), as in
    ``Labels``.
    """
    n_columns, colours = max(1, max(map(len, rows_by_class))), {SEED: BLUE, HUMAN: GREEN, MACHINE: ORANGE}
    cells = [[(images[row], "", colours[int(origin[row])]) for row in rows] for rows in rows_by_class]
    title = "Images by the label they were given\nblue: seed label, green: a person's answer, orange: machine label"
    return _grid(cells, list(classes), n_columns, title)


def mistakes(images: np.ndarray, table: Mapping[str, np.ndarray]) -> Figure:
    """Return a grid of wrong machine labels, a row of pictures a round, the most confident first.

    ``table``: columns round, row, confidence, label, truth; sorted by round.
    """
    numbers = sorted(set(np.asarray(table["round"]).tolist()))
    cells = []
    for number in numbers:
        of_round = np.flatnonzero(table["round"] == number)
        cells.append(
            [
                (
                    images[table["row"][i]],
                    f"{table['label'][i]}\n({table['truth'][i]}) {table['confidence'][i]:.2f}",
                    ORANGE,
                )
                for i in of_round
            ]
        )
    n_columns = max([1, *map(len, cells)])
    title = "Most confident mistakes of each round: label given (truth) confidence"
    return _grid(cells, [f"round {number}" for number in numbers], n_columns, title, ROW_INCHES + 0.35)


def queue(images: np.ndarray, rows: Sequence[int], hashes: Sequence[str]) -> Figure:
    """Return a grid of the first questions of the queue, in its order, each with its number and how its hash begins.

    ``images``: uint8 (N, height, width). ``rows``: int (n,), ``hashes``: (n,).
    """
    shown = [
        (images[row], f"{number}\n{digest[:8]}", GREY)
        for number, (row, digest) in enumerate(zip(rows[:QUEUE_SHOWN], hashes, strict=False), start=1)
    ]
    cells = [shown[start : start + QUEUE_COLUMNS] for start in range(0, max(1, len(shown)), QUEUE_COLUMNS)]
    title = f"Waiting for an answer: {len(rows):,} images" if len(rows) else "No image waits for an answer"
    return _grid(cells, [""] * len(cells), QUEUE_COLUMNS, title, ROW_INCHES + 0.35)


def curves(rounds: Mapping[str, np.ndarray], references: Mapping[str, float]) -> Figure:
    """Return curves over rounds: test accuracy beside ``references``, and quality and coverage of the labels.

    ``rounds``: the columns of metrics/rounds.csv; without test images the curves of the labels are alone.
    """
    figure, left, right = _curve_axes()
    for (name, value), style in zip(references.items(), (":", "-.", "--", (0, (1, 4))), strict=False):
        left.axhline(value, color=GREY, linestyle=style, label=f"{name} {value:.3f}")
    _plot_curves(left, right, rounds, "")
    return _with_legends(figure)


def curves_against(old: Mapping[str, Sequence[Any]] | None, new: Mapping[str, Sequence[Any]]) -> Figure:
    """Return the curves over rounds now, solid, and those of a base, dashed (None: it has none)."""
    figure, left, right = _curve_axes()
    if old is not None:
        _plot_curves(left, right, old, ", base", linestyle="--", alpha=0.6, marker="")
    _plot_curves(left, right, new, ", now")
    return _with_legends(figure)


def _curve_axes() -> tuple[Figure, Axes, Axes]:
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.set(title="Test accuracy of each round's classifier", ylabel="accuracy")
    right.set(title="Labels after each round", ylabel="share", ylim=(-0.02, 1.02))
    for axes in (left, right):
        axes.set_xlabel("round")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
    return figure, left, right


def _plot_curves(
    left: Axes, right: Axes, rounds: Mapping[str, Sequence[Any] | np.ndarray], suffix: str, **style: Any
) -> None:
    for axes, column, colour, label in (
        (left, "test_accuracy", BLUE, "self-labelled"),
        (right, "label_accuracy", GREEN, "machine labels that are right"),
        (right, "coverage", ORANGE, "pool that has a label"),
        (right, "claimed_precision", BLUE, "claimed of what is accepted"),
        (right, "shown_precision", GREY, "shown for it by human labels"),
    ):
        values = np.array(rounds.get(column, []), float)
        # A base may not have the column; without folds nothing is shown.
        if not np.isfinite(values).any():
            continue
        axes.plot(rounds["round"], values, color=colour, label=label + suffix, **({"marker": "o"} | style))


def _with_legends(figure: Figure) -> Figure:
    # Without test images there are no curves of them, and the others get the room.
    for axes in [axes for axes in figure.axes if not axes.lines]:
        axes.remove()
    if len(figure.axes) == 1:
        figure.axes[0].set_subplotspec(figure.add_gridspec(1, 1)[0])
    for axes in figure.axes:
        # Below the axes: inside there is no corner that every run leaves free.
        axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2)
    return figure


def confusion(matrix: np.ndarray, *, classes: Sequence[str]) -> Figure:
    """Return a confusion matrix, int (n_classes, n_classes), true classes as rows, shaded by share of the row."""
    figure = Figure(figsize=(2.2 + 0.55 * len(classes),) * 2, layout="constrained")
    axes = figure.subplots()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, count, ha="center", va="center", fontsize=8, color=colour)
    ticks = range(len(classes))
    axes.set_xticks(ticks, classes, rotation=45, ha="right", parse_math=False)
    axes.set_yticks(ticks, classes, parse_math=False)
    axes.set(title="Test images: true class against predicted", xlabel="predicted", ylabel="true")
    return figure


def reliability(table: Mapping[str, np.ndarray]) -> Figure:
    """Return reliability diagrams, one for each value of column ``of``: share right against mean confidence."""
    kinds = list(dict.fromkeys(table["of"]))
    figure = Figure(figsize=(5 * max(1, len(kinds)), 4.4), layout="constrained")
    for axes, kind in zip(np.ravel(figure.subplots(1, max(1, len(kinds)))), kinds, strict=False):
        chosen = table["of"] == kind
        count, claimed, right = (table[name][chosen] for name in ("count", "mean_confidence", "share_right"))
        axes.plot([0, 1], [0, 1], ":", color=GREY, label="calibrated")
        axes.plot(claimed, right, "-", color=BLUE, alpha=0.5)
        axes.scatter(claimed, right, s=10 + 150 * count / count.max(), color=BLUE, label="bin, area by images")
        axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="mean confidence", ylabel="share right")
        axes.set_title(f"Reliability: {kind} ({count.sum():,})")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, loc="lower right")
    return figure


def _grid(
    cells: Sequence[Sequence[tuple[np.ndarray, str, str]]],
    names: Sequence[str],
    n_columns: int,
    title: str,
    row_inches: float = ROW_INCHES,
) -> Figure:
    # Each cell: image, caption below it, colour of its frame. All on one pair of axes, in inches from the top left:
    # axes for each image take seconds.
    name_inches = 0.2 + LETTER_INCHES * max(map(len, names), default=0)
    width, height = name_inches + COLUMN_INCHES * n_columns, TITLE_INCHES + row_inches * max(1, len(cells))
    figure = Figure(figsize=(width, height))
    figure.suptitle(title, fontsize=10, y=1 - 0.1 / height)
    axes = figure.add_axes((0, 0, 1, 1))
    for index, (row, name) in enumerate(zip(cells, names, strict=True)):
        top = TITLE_INCHES + row_inches * index
        bottom = top + IMAGE_INCHES
        axes.text(name_inches - 0.1, (top + bottom) / 2, name, ha="right", va="center", fontsize=9, parse_math=False)
        for column, (image, caption, colour) in enumerate(row):
            left = name_inches + COLUMN_INCHES * column
            axes.imshow(image, cmap="gray", vmin=0, vmax=255, extent=(left, left + IMAGE_INCHES, bottom, top))
            frame = Rectangle((left, top), IMAGE_INCHES, IMAGE_INCHES, fill=False, edgecolor=colour, linewidth=2)
            axes.add_patch(frame)
            middle = left + IMAGE_INCHES / 2
            axes.text(middle, bottom + 0.04, caption, ha="center", va="top", fontsize=6, parse_math=False)
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    return figure
