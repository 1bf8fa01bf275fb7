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


def table(exp_show_csv: str, parameters: set[str]) -> str:
    """Return the experiments of ``dvc exp show --csv`` as a table, best test accuracy first.

    ``parameters``: the names of params.yaml's values; a column is shown where they differ between the rows. Rows
    that have no figures yet (queued, failed) come last and say so.
    """
    rows = [
        row for row in csv.DictReader(io.StringIO(exp_show_csv)) if row["rev"] != "workspace" or row["test.accuracy"]
    ]
    varied = [name for name in (rows[0] if rows else {}) if name in parameters and len({row[name] for row in rows}) > 1]
    rows.sort(key=lambda row: -float(row.get("test.accuracy") or -1))
    lines = [
        [
            row["Experiment"] or row["rev"],
            *(row[name] for name in varied),
            *(_figure(row.get(name, "")) for name in METRICS),
            row.get("State") or "done",
        ]
        for row in rows
    ]
    return markdown_table(["experiment", *varied, *METRICS.values(), "state"], lines)


def _figure(text: str) -> str:
    try:
        value = float(text)
    except ValueError:
        return "–"
    return f"{value:,.0f}" if value.is_integer() and value > 1 else f"{value:.4f}"


def leaves(tree: object, prefix: str = "") -> set[str]:
    """Return the dotted names of a tree's values, {"a": {"b": 1}} giving {"a.b"}."""
    if not isinstance(tree, dict):
        return {prefix}
    return {name for key, value in tree.items() for name in leaves(value, f"{prefix}.{key}" if prefix else str(key))}
