"""The history of a run: the words and sentences of its rounds' summaries."""

from collections.abc import Mapping

# Words a summary's "stop" may hold. The first means that the loop goes on, the second that there were no more rounds.
GOES_ON, ITERATIONS = "no", "iterations"
CLAIMED_PRECISION_OFF, POOL_EMPTY = "claimed_precision_off", "pool_empty"
# What may end the loop where self_label.stop lists it, in the order in which they are looked at.
TARGET_ERROR_UNREACHABLE = "target_error_unreachable"
NOTHING_ACCEPTED, NOTHING_CHANGED = "nothing_accepted", "nothing_changed"
STABLE_PREDICTIONS, BUDGET_SPENT = "stable_predictions", "budget_spent"
CHOSEN_STOPS = (TARGET_ERROR_UNREACHABLE, NOTHING_ACCEPTED, NOTHING_CHANGED, STABLE_PREDICTIONS, BUDGET_SPENT)


def passed_through(summary: Mapping, round_number: int) -> dict:
    """Return the summary of a round in which nothing was done, after one that stopped."""
    nobody = dict.fromkeys(summary["accepted_per_class"], 0)
    nothing = dict.fromkeys(("n_accepted", "n_new", "n_flipped", "n_withdrawn", "n_questions"), 0)
    of_a_fit = ("claimed_precision", "shown_precision", "n_shown", "calibration_error", "reliability", "kappa")
    unknown = dict.fromkeys(("threshold", "class_thresholds", *of_a_fit))
    return {**summary, "round": round_number, "accepted_per_class": nobody} | nothing | unknown


def sentence(summary: Mapping) -> str:
    """Return a summary in a few words."""
    parts = [f"{summary['n_accepted']:,} accepted", f"{summary['n_remaining']:,} without a label"]
    if summary["threshold"] is not None:
        parts.insert(0, f"threshold {summary['threshold']:g}")
    elif summary["rule"] == "target_error":
        parts.insert(0, "no threshold is shown to keep the target error")
    if summary["n_withdrawn"]:
        parts.insert(-1, f"{summary['n_withdrawn']:,} withdrawn")
    if summary["n_questions"]:
        parts.append(f"{summary['n_questions']:,} question{'s' * (summary['n_questions'] > 1)}")
    if summary["stop"] not in (GOES_ON, ITERATIONS):
        parts.append(summary["stop"])
    return ", ".join(parts)
