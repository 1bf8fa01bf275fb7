"""DVC's experiments as a table to read."""

import csv
import io

from selflabel.results import markdown_table

# Column of `dvc exp show --csv` to what stands above it.
METRICS = {
    "human_labels": "human labels",
    "test.accuracy": "test accuracy",
    "pool.label_accuracy": "machine labels right",
    "pool.coverage": "coverage",
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
    rows.sort(key=lambda row: -_number(row.get("test.accuracy", ""), otherwise=-1.0))
    lines = [
        [
            row["Experiment"] or row["rev"],
            *(_figure(row[name]) for name in varied),
            *(_figure(row.get(name, "")) for name in METRICS),
            STATES.get(state := row.get("State", ""), state.lower()),
        ]
        for row in rows
    ]
    return markdown_table(["experiment", *varied, *METRICS.values(), "state"], lines)


def _figure(text: str) -> str:
    # DVC writes 1 and 1.0 for the same value, depending on where it comes from.
    value = _number(text, otherwise=None)
    if value is None:
        return text or "–"
    return f"{value:,.0f}" if value.is_integer() else f"{value:.4g}"


def _number(text: str, *, otherwise: float | None) -> float | None:
    # DVC writes "!" where a file of figures is missing or broken.
    try:
        return float(text)
    except ValueError:
        return otherwise
