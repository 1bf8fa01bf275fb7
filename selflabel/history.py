"""Summaries of rounds: what a round did, in a few numbers and one word."""

from collections.abc import Sequence

import numpy as np

from selflabel.labels import Labels

# Words a summary's "stop" may hold.
GOES_ON, POOL_EMPTY, ITERATIONS = "no", "pool_empty", "iterations"


def summarise(labels: Labels, round_number: int, threshold: float, classes: Sequence[str]) -> dict:
    """Return a round's summary, ready for JSON; counts only, nothing timed, so that its bytes are stable."""
    accepted = labels.label[labels.is_machine & (labels.round == round_number)]
    counts = np.bincount(accepted, minlength=len(classes))
    n_remaining = int(np.sum(~labels.is_labelled))
    return {
        "round": round_number,
        "threshold": threshold,
        "n_accepted": len(accepted),
        "accepted_per_class": dict(zip(classes, counts.tolist(), strict=True)),
        "n_remaining": n_remaining,
        "stop": GOES_ON if n_remaining else POOL_EMPTY,
    }


def sentence(summary: dict) -> str:
    """Return a summary in a few words."""
    return (
        f"threshold {summary['threshold']:g}, {summary['n_accepted']:,} accepted, "
        f"{summary['n_remaining']:,} without a label"
    )
