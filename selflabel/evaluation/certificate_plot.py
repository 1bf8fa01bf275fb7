"""The certificate as a picture."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from selflabel.audit import bounds
from selflabel.audit.certificate import Certificate, Goal
from selflabel.evaluation.plots import BLUE, GREEN, GREY, ORANGE
from selflabel.labels.classes import Classes
from selflabel.labels.table import Labels

N_BINS = 10


def audited(labels: Labels, answers: np.ndarray, classes: Classes) -> tuple[np.ndarray, np.ndarray]:
    """Return the confidence, float (m,), of the audited ``labels``, and whether they are right, bool (m,).

    ``answers``: texts (N,), what people said of the audited ones, empty for the others.
    """
    is_audited = answers != ""
    return labels.confidence[is_audited], (answers == classes.names(labels.label))[is_audited]


def picture(
    certificate: Certificate,
    shares: Mapping[str, np.ndarray],
    confidence: np.ndarray,
    is_right: np.ndarray,
    path: Mapping[str, np.ndarray] | None = None,
) -> Figure:
    """Return coverage against error with the operating point, and claimed against audited precision.

    ``shares``: the columns of metrics/certificate_shares.csv.
    ``confidence``: float (m,), ``is_right``: bool (m,), of the audited labels. ``path``: of a sequential audit the
    columns answers and evidence of data/audit/path.csv; its picture is another one.
    """
    if certificate.goal and path:
        return _sequential(certificate, certificate.goal, path)
    if certificate.audit.n_missing:
        # What was answered first is no uniform draw.
        confidence, is_right = confidence[:0], is_right[:0]
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    _errors(left, certificate, shares)
    _precision(right, confidence, is_right, alpha=1 - certificate.confidence)
    for axes in (left, right):
        axes.grid(alpha=0.3)
        if not len(confidence):
            axes.text(0.5, 0.5, "no audit", transform=axes.transAxes, ha="center", color=GREY)
    return figure


def _sequential(certificate: Certificate, goal: Goal, path: Mapping[str, np.ndarray]) -> Figure:
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    axes = figure.subplots()
    answers, evidence = np.append(0, path["answers"]), np.append(1.0, path["evidence"])
    # On a logarithmic scale there is no nothing.
    axes.semilogy(answers, np.maximum(evidence, 1e-6), color=BLUE, label="evidence after each answer")
    axes.axhline(goal.wanted, color=GREEN, linestyle="--", label=f"enough: {goal.wanted:.3g}")
    if goal.n_expected:
        axes.plot(goal.n_expected, goal.wanted, "o", color=ORANGE, label="to be expected, if the confidences are right")
    share, error = f"{goal.n_machine / certificate.n_machine:.3g}", f"{certificate.target:g}"
    axes.set(title=f"Evidence that at most {error} of the most confident labels, a share of {share}, are wrong")
    axes.set(xlabel="answers", ylabel="evidence", xlim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower right")
    return figure


def _errors(axes: Axes, certificate: Certificate, shares: Mapping[str, np.ndarray]) -> None:
    has = shares["n_audited"] > 0
    coverage, n = shares["coverage"][has], np.maximum(shares["n_audited"][has], 1)
    axes.plot(coverage, shares["error_at_most"][has], color=ORANGE, label="upper bound, each share by itself")
    axes.plot(coverage, shares["n_wrong"][has] / n, color=BLUE, marker=".", label="wrong in the audit")
    axes.axhline(certificate.target, color=GREY, linestyle="--", label=f"audit.error {certificate.target:g}")
    part = certificate.certified
    if part.n:
        label = f"certified: {part.n:,} labels"
        axes.plot(part.coverage, certificate.target, "o", color=GREEN, markersize=9, label=label)
        axes.axvspan(0, part.coverage, color=GREEN, alpha=0.08)
    axes.set(title="Error of the most confident machine labels", xlabel="share of the machine labels", ylabel="error")
    axes.set(xlim=(0, 1.02), ylim=(0, None))
    axes.legend(fontsize=8, loc="upper center")


def _precision(axes: Axes, confidence: np.ndarray, is_right: np.ndarray, *, alpha: float) -> None:
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="as claimed")
    # As many audited labels in each bin, for most are near 1.
    order = np.argsort(confidence, kind="stable")
    bins = [part for part in np.array_split(order, N_BINS) if len(part)]
    if bins:
        claimed = np.array([confidence[part].mean() for part in bins])
        n, right = np.array([len(part) for part in bins]), np.array([int(is_right[part].sum()) for part in bins])
        high = [bounds.upper(k, m, alpha=alpha / 2) for k, m in zip(right.tolist(), n.tolist(), strict=True)]
        low = [1 - bounds.upper(m - k, m, alpha=alpha / 2) for k, m in zip(right.tolist(), n.tolist(), strict=True)]
        shown = right / n
        label = f"audited, {1 - alpha:.0%} intervals (Clopper–Pearson)"
        axes.errorbar(claimed, shown, [shown - low, high - shown], fmt="o", color=BLUE, capsize=3, label=label)
    axes.set(title="Claimed against audited precision", xlabel="mean confidence", ylabel="share right")
    axes.set(xlim=(0, 1.02), ylim=(0, 1.05))
    axes.legend(fontsize=8, loc="upper left")
