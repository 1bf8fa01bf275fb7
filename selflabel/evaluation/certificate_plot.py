"""The certificate as a picture."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from selflabel.audit import bounds
from selflabel.evaluation.plots import BLUE, GREEN, GREY, ORANGE

N_BINS = 10


def picture(
    figures: Mapping[str, Any], shares: Mapping[str, np.ndarray], confidence: np.ndarray, is_right: np.ndarray
) -> Figure:
    """Return coverage against error with the operating point, and claimed against audited precision.

    ``figures``: the content of metrics/certificate.json; ``shares``: the columns of metrics/certificate_shares.csv.
    ``confidence``: float (m,), ``is_right``: bool (m,), of the audited labels.
    """
    if figures["audit"]["n_missing"]:
        # What was answered first is no uniform draw.
        confidence, is_right = confidence[:0], is_right[:0]
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    _errors(left, figures, shares)
    _precision(right, confidence, is_right, alpha=1 - figures["confidence"])
    for axes in (left, right):
        axes.grid(alpha=0.3)
        if not len(confidence):
            axes.text(0.5, 0.5, "no audit", transform=axes.transAxes, ha="center", color=GREY)
    return figure


def _errors(axes, figures: Mapping[str, Any], shares: Mapping[str, np.ndarray]) -> None:
    has = shares["n_audited"] > 0
    coverage, n = shares["coverage"][has], np.maximum(shares["n_audited"][has], 1)
    axes.plot(coverage, shares["error_at_most"][has], color=ORANGE, label="upper bound, each share by itself")
    axes.plot(coverage, shares["n_wrong"][has] / n, color=BLUE, marker=".", label="wrong in the audit")
    axes.axhline(figures["target"], color=GREY, linestyle="--", label=f"audit.error {figures['target']:g}")
    certified = figures["certified"]
    if certified["n"]:
        label = f"certified: {certified['n']:,} labels"
        axes.plot(certified["coverage"], figures["target"], "o", color=GREEN, markersize=9, label=label)
        axes.axvspan(0, certified["coverage"], color=GREEN, alpha=0.08)
    axes.set(title="Error of the most confident machine labels", xlabel="share of the machine labels", ylabel="error")
    axes.set(xlim=(0, 1.02), ylim=(0, None))
    axes.legend(fontsize=8, loc="upper center")


def _precision(axes, confidence: np.ndarray, is_right: np.ndarray, *, alpha: float) -> None:
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
