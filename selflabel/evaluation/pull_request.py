"""The pull request's report: what changed against a base, as one Markdown text."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeGuard, TypeVar

from selflabel.markdown import markdown_table

# Last part of a metric's name to whether more of it is better.
HIGHER_IS_BETTER = {
    "accuracy": True,
    "macro_f1": True,
    "label_accuracy": True,
    "coverage": True,
    "human_labels": False,
    "calibration_error": False,
    "error_at_most": False,
}
N_MOVERS = 5
Item = TypeVar("Item")
# By which a workflow finds the comment it wrote before.
MARKER = "<!-- selflabel report -->"


class Change(NamedTuple):
    """A value in the base and now; None where it is not there."""

    old: object
    new: object


def markdown(
    base: str,
    *,
    params: Mapping[str, Change] | None,
    metrics: Mapping[str, Change] | None,
    movers: Sequence[tuple[str, str, float, float]] | None,
    picture: str,
    notes: Sequence[str] = (),
) -> str:
    """Return the report.

    ``params`` and ``metrics``: the changes by dotted name. ``movers``: class, figure, old, new. None where the base
    has nothing to compare with. ``picture``: the address of the picture to show. ``notes``: sentences on what could
    not be compared.
    """
    parts = [
        MARKER,
        f"# Self-labelling against `{base}`",
        *notes,
        "## Parameters",
        _section(_items(params), "No change of parameters.", ["parameter", "base", "now"], _param_row),
        "## Metrics",
        _section(_items(metrics), "No change of metrics.", ["metric", "base", "now", "change", ""], _metric_row),
        "## Classes that moved most (test images)",
        _section(movers, "No change in any class.", ["class", "figure", "base", "now", "change", ""], _mover_row),
        "## Curves over rounds",
        f"![curves over rounds]({picture})",
    ]
    return "\n\n".join(parts) + "\n"


def changes(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, Change]:
    """Return what differs between two flat mappings, by name in alphabetical order; numbers up to rounding."""
    values = {name: Change(old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys())}
    return {name: change for name, change in values.items() if not _same(*change)}


def biggest_movers(
    old: Mapping[str, Sequence[Any]], new: Mapping[str, Sequence[Any]], *, n: int = N_MOVERS
) -> list[tuple[str, str, float, float]] | None:
    """Return (class, figure, old, new) of the ``n`` largest changes of precision, recall or F1, largest first.

    ``old``, ``new``: the columns of metrics/per_class.csv. None where their classes are not the same, or where one was
    without test images.
    """
    rows, figures = {name: i for i, name in enumerate(old["class"])}, ("precision", "recall", "f1")
    if rows.keys() != set(new["class"]) or not set(figures) <= old.keys() & new.keys():
        return None
    moved = [
        (name, figure, float(old[figure][rows[name]]), float(new[figure][i]))
        for i, name in enumerate(new["class"])
        for figure in figures
    ]
    moved = [row for row in moved if not _same(row[2], row[3])]
    return sorted(moved, key=lambda row: -abs(row[3] - row[2]))[:n]


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, object]:
    """Return a tree's values by dotted name, {"a": {"b": 1}} giving {"a.b": 1}."""
    flat: dict[str, object] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _same(old: object, new: object) -> bool:
    if _is_number(old) and _is_number(new):
        return math.isclose(old, new, rel_tol=1e-9)
    return old == new


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _items(changes: Mapping[str, Change] | None) -> list[tuple[str, Change]] | None:
    return None if changes is None else list(changes.items())


def _section(items: Sequence[Item] | None, nothing: str, header: list[str], to_row: Callable[[Item], list[str]]) -> str:
    if items is None:
        return "Nothing to compare with."
    return markdown_table(header, [to_row(item) for item in items]) if items else nothing


def _param_row(item: tuple[str, Change]) -> list[str]:
    name, change = item
    return [name, *(f"{value:g}" if isinstance(value, float) else _show(value) for value in change)]


def _metric_row(item: tuple[str, Change]) -> list[str]:
    return [item[0], *map(_show, item[1]), *_difference(item[0], *item[1])]


def _mover_row(item: tuple[str, str, float, float]) -> list[str]:
    name, figure, old, new = item
    return [name, figure, f"{old:.3f}", f"{new:.3f}", *_difference("accuracy", old, new)]


def _difference(name: str, old: object, new: object) -> tuple[str, str]:
    if not (_is_number(old) and _is_number(new)):
        return "", ""
    change = new - old
    arrow = "▲" if change > 0 else "▼"
    # A baseline is a yardstick: that it moved is neither good nor bad.
    figure = None if name.startswith("baselines.") else name.rsplit(".", 1)[-1]
    if figure in HIGHER_IS_BETTER:
        arrow += " better" if (change > 0) == HIGHER_IS_BETTER[figure] else " worse"
    return (f"{change:+,d}" if isinstance(change, int) else f"{change:+.4f}"), arrow


def _show(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" if isinstance(value, float) and not value.is_integer() and abs(value) < 1 else f"{value}"
