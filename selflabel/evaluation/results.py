"""The results as tables to read, from the figures in metrics/evaluate.json."""

import math
from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import Any

from scipy.stats import t

from selflabel.audit.certificate import Certificate
from selflabel.audit.wording import accuracy, statements
from selflabel.markdown import markdown_table

# Printed by the tutorial (its draw has no seed), to two digits.
TUTORIAL = {"true_labels_leak": "0.87", "fully_supervised": "0.90"}
# What its figures are for.
TUTORIAL_PARAMS: Mapping[str, Mapping[str, object]] = {
    "dataset": {"name": "fashion_mnist"},
    "features": {"extractor": "hog", "components": 0},
    "graph": {"neighbours": 0},
    "seed_labels": {"percentage": 1.0},
    "self_label": {"iterations": 10, "final_threshold": 0.1, "keep": "permanent"},
    "accept": {"rule": "linear", "threshold_start": 0.75, "threshold_step": -0.05},
    "training": {"train_on": "all_labels", "weights": "none", "confidence": "ovr_logistic"},
    "stopping": {"precision_margin": 1.0, "stop": []},
    "ask": {"strategy": "none"},
    "classifier": {"name": "linear_svm", "C": 1.0},
    "student": {"epochs": 0},
    "leak": {"iterations": 10, "threshold_start": 0.75, "threshold_step": -0.05},
}
NAMES = {
    "seed_only": "seed labels alone",
    "random_labels": "seed labels, and random ones in place of the asked",
    "self_labelled": "self-labelled",
    "true_labels_leak": "the tutorial as published (its label leak)",
    "fully_supervised": "all true labels",
}


def is_tutorials(params: Mapping[str, Any]) -> bool:
    """Return whether a params tree has the tutorial's settings, so that its figures may stand beside."""
    return all(
        params.get(section, {}).get(name) == value
        for section, values in TUTORIAL_PARAMS.items()
        for name, value in values.items()
    )


def table(report: Mapping[str, Any], *, is_tutorials: bool) -> str:
    """Return the results table of one run, the tutorial's figures beside it if ``is_tutorials``.

    ``report``: the content of metrics/evaluate.json. The human labels of a baseline are all the true labels it used.
    Without test images there is no table, but a sentence.
    """
    if "test" not in report:
        sentence = accuracy(report)
        return f"{sentence[0].upper()}{sentence[1:]}.\n\n{_pool_sentence(report)}"
    rows = [
        [
            NAMES.get(name, name),
            f"{scores['human_labels']:,}",
            f"{scores['accuracy']:.4f}",
            f"{scores['macro_f1']:.4f}",
            TUTORIAL.get(name, ""),
        ]
        for name, scores in report.get("baselines", {}).items()
        # Its thresholds are the tutorial's, and mean nothing to other settings.
        if is_tutorials or name != "true_labels_leak"
    ]
    test = report["test"]
    this_run = ["self-labelled (this run)", f"{report['human_labels']:,}", f"{test['accuracy']:.4f}"]
    rows.append([*this_run, f"{test['macro_f1']:.4f}", ""])
    rows.sort(key=lambda row: row[2])
    header = ["trained on", "true labels used", "test accuracy", "macro F1", "tutorial prints"]
    n_columns = len(header) if is_tutorials else len(header) - 1
    return markdown_table(header[:n_columns], [row[:n_columns] for row in rows]) + "\n\n" + _pool_sentence(report)


def certificate_list(certificate: Certificate, report: Mapping[str, Any]) -> str:
    """Return the certificate's sentences as a list, and what is true of them.

    ``report``: the content of metrics/evaluate.json.
    """
    true = {name: f"{share:.1%}" for name, share in report.get("certificate", {}).items()}
    parts = {"whole_error": "the machine labels", "certified_error": "the certified ones", "all_error": "all labels"}
    errors = ", ".join(f"{true[name]} of {words}" for name, words in parts.items() if name in true)
    sentences = statements(certificate)
    if errors:
        sentences.append(f"In truth, which a benchmark knows, {errors} are wrong.")
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _pool_sentence(report: Mapping[str, Any]) -> str:
    pool = report["pool"]
    right = f"; {pool['label_accuracy']:.2%} of its labels by machine are right" if "label_accuracy" in pool else ""
    return f"Pool: {pool['coverage']:.2%} of the images have a label{right}."


def study_table(arms: Mapping[str, Mapping[str, Any]], figures: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Return the study's table, a row an arm in the order of ``arms``; those without ``figures`` are left out.

    ``arms``: of study/arms.yaml. ``figures``: by arm, what ``study.run_arm`` returned for each seed. Test accuracy and
    the share of machine labels that are right are mean ± sample standard deviation over the seeds; the difference of
    test accuracies is paired, seed by seed, with its 95 % interval (Student's t).
    """
    rows = []
    for name, runs in ((name, figures[name]) for name in arms if name in figures):
        against = figures.get(arms[name].get("against", ""))
        # An arm without any machine label has no label_accuracy.
        right = [run["label_accuracy"] for run in runs if "label_accuracy" in run]
        rows.append(
            [
                f"`{name}`: {arms[name]['about']}",
                _range([run["true_labels"] for run in runs]),
                _mean_and_spread([run["accuracy"] for run in runs]),
                _mean_and_spread(right),
                f"{mean(run['coverage'] for run in runs):.3f}",
                f"{_paired(runs, against)} {arms[name]['against']}" if against else "",
            ]
        )
    n_seeds = max(len(figures[name]) for name in arms if name in figures)
    columns = ["true labels used", "test accuracy", "machine labels right", "coverage", "paired difference to"]
    return markdown_table([f"arm ({n_seeds} seeds)", *columns], rows)


def _range(counts: Sequence[int]) -> str:
    return f"{min(counts):,}" + (f" to {max(counts):,}" if len(set(counts)) > 1 else "")


def _paired(runs: Sequence[Mapping[str, Any]], against: Sequence[Mapping[str, Any]]) -> str:
    base = {run["seed"]: run["accuracy"] for run in against}
    differences = [run["accuracy"] - base[run["seed"]] for run in runs if run["seed"] in base]
    if len(differences) < 2:
        return "–"
    half = float(t.ppf(0.975, len(differences) - 1)) * stdev(differences) / math.sqrt(len(differences))
    return f"{mean(differences):+.4f} ± {half:.4f}"


def _mean_and_spread(values: Sequence[float]) -> str:
    if not values:
        return "–"
    spread = f" ± {stdev(values):.4f}" if len(values) > 1 else ""
    return f"{mean(values):.4f}{spread}"
