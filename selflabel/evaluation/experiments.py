"""DVC's experiments as a table to read."""

import csv
import io
from typing import Any

from selflabel.markdown import markdown_table

# Column of `dvc exp show --csv` to what stands above it.
METRICS = {
    "human_labels": "human labels",
    "test.accuracy": "test accuracy",
    "out_of_fold.accuracy": "right out of fold",
    "pool.label_accuracy": "machine labels right",
    "pool.coverage": "coverage",
    "certified.coverage": "certified",
    "whole.error_at_most": "error at most",
    "baselines.seed_only.accuracy": "seed labels alone",
}
# DVC gives a workspace and a commit no state.
STATES = {"": "done", "Success": "done"}


def table(exp_show_csv: str, parameters: set[str]) -> str:
    """Return the experiments of ``dvc exp show --csv`` as a table, best test accuracy first.

    ``parameters``: the names of params.yaml's values; a column is shown where they differ between the rows. Rows
    that have no figures (queued, failed) come last; the column state says why.
    """
    rows = list(csv.DictReader(io.StringIO(exp_show_csv)))
    for row in rows:
        # While an experiment runs, DVC shows the figures it started from.
        if row.get("State", "") not in STATES:
            row |= dict.fromkeys(METRICS, "")
    names = rows[0].keys() if rows else []
    varied = [name for name in names if name in parameters and len({_figure(row[name]) for row in rows}) > 1]
    # Without a test set, or a truth, some have no figures.
    metrics = {name: title for name, title in METRICS.items() if any(_figure(row.get(name, "")) != "–" for row in rows)}
    rows.sort(key=lambda row: -_number(row.get("test.accuracy", ""), otherwise=-1.0))
    lines = [
        [
            row["Experiment"] or row["rev"],
            *(_figure(row[name]) for name in varied),
            *(_figure(row.get(name, "")) for name in metrics),
            STATES.get(state := row.get("State", ""), state.lower()),
        ]
        for row in rows
    ]
    return markdown_table(["experiment", *varied, *metrics.values(), "state"], lines)


def looks(exp_show_csv: str) -> str | None:
    """Return a warning if more certificates that share audit answers are compared than share their risk."""
    rows = [row for row in csv.DictReader(io.StringIO(exp_show_csv)) if row.get("State", "") in STATES]
    shared: dict[tuple[Any, ...], set[Any]] = {}
    for row in rows:
        if _number(row.get("audit.n_answered", ""), otherwise=0.0):
            # The same figures are those of one run, in the workspace and in its commit.
            figures = tuple(row.get(name, "") for name in ("certified.n", "whole.error_at_most", "test.accuracy"))
            drawn_from = tuple(row.get(name, "") for name in ("dataset.name", "dataset.path", "audit.seed"))
            shared.setdefault(drawn_from, set()).add((figures, row.get("audit.looks", "")))
    most = max(shared.values(), key=len, default=set())
    paid = min((_number(n_looks, otherwise=1.0) for _, n_looks in most), default=1.0)
    return looks_warning(len(most)) if len(most) > paid else None


def looks_warning(n: int) -> str:
    """Return what it costs to compare ``n`` certificates that share audit answers."""
    return (
        f"{n:,} runs share audit answers: to compare them by their certificates is to take {n:,} looks, and the best "
        f"of them promises too much. With audit.looks: {n} each gets its part of the risk."
    )


def _figure(text: str) -> str:
    # DVC writes 1 and 1.0 for the same value, depending on where it comes from.
    try:
        value = float(text)
    except ValueError:
        return text or "–"
    return f"{value:,.0f}" if value.is_integer() else f"{value:.4g}"


def _number(text: str, *, otherwise: float) -> float:
    # DVC writes "!" where a file of figures is missing or broken.
    try:
        return float(text)
    except ValueError:
        return otherwise
