"""Summaries of rounds: what a round did, in a few numbers and one word."""

from collections.abc import Sequence

import numpy as np

from selflabel.labels import Labels

# Words a summary's "stop" may hold.
GOES_ON, POOL_EMPTY, ITERATIONS = "no", "pool_empty", "iterations"


def summarise(labels: Labels, round_number: int, threshold: float | None, classes: Sequence[str]) -> dict:
    """Return a round's summary, ready for JSON; counts only, nothing timed, so that its bytes are stable.

    ``threshold``: the round's, None for a rule that has none.
    """
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
    threshold = "" if summary["threshold"] is None else f"threshold {summary['threshold']:g}, "
    return f"{threshold}{summary['n_accepted']:,} accepted, {summary['n_remaining']:,} without a label"
