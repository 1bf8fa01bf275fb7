"""Summaries of rounds: what a round did, in a few numbers and one word."""

from collections.abc import Mapping, Sequence

import numpy as np

from selflabel import bounds, history, metrics, out_of_fold
from selflabel.labels import NO_LABEL, Labels
from selflabel.opinions import Opinion, Settings
from selflabel.rules import Choice
from selflabel.state import State

# Over how many rounds the predictions have to be stable.
STABLE_ROUNDS = 3
# The alarm compares with the upper end of the shown precision's interval at this level: a few labels raise none.
ALARM_ALPHA = 0.05
RELIABILITY_BINS = 10


def check(opinion: Opinion, accepted: np.ndarray, *, margin: float) -> dict:
    """Return the confirmation-bias check of what a round is about to accept, rows int64.

    claimed_precision: the mean confidence; shown_precision: the share right among n_shown human-given labels, out of
    fold, that would be accepted as well (None where there are none); is_off: whether the claim is more than
    ``margin`` above all that those labels allow at 95 %.
    """
    checked = {"claimed_precision": None, "shown_precision": None, "n_shown": None, "is_off": False}
    if not len(accepted):
        return checked
    confidences = opinion.pool[accepted].max(axis=1)
    claimed = float(confidences.mean())
    checked["claimed_precision"] = round(claimed, metrics.DECIMALS)
    if opinion.evidence is None:
        return checked
    is_alike = out_of_fold.would_be_accepted(opinion.evidence, confidences, opinion.predicted[accepted])
    is_right = opinion.evidence.is_right[is_alike]
    n, n_right = len(is_right), int(is_right.sum())
    # Turned round, the upper bound on an error rate is one on the share right.
    most = bounds.upper(n_right, n, alpha=ALARM_ALPHA)
    shown = round(n_right / n, metrics.DECIMALS) if n else None
    return checked | {"shown_precision": shown, "n_shown": n, "is_off": claimed - most > margin}


def summarise(
    before: State,
    after: State,
    opinion: Opinion,
    choice: Choice,
    checked: Mapping,
    settings: Settings,
    round_number: int,
    classes: Sequence[str],
) -> dict:
    """Return a round's summary, ready for JSON; nothing timed, so that its bytes are stable."""
    summary = {
        "round": round_number,
        "rule": settings.rule.name,
        **_thresholds(choice.limits, settings.rule.name, classes),
        **changes(before.labels, after.labels, round_number, classes),
        **{name: value for name, value in checked.items() if name != "is_off"},
        **_calibration(opinion),
        "n_questions": len(after.questions["row"]),
        "n_open": after.n_open,
        "kappa": _kappa(before.predicted, after.predicted),
    }
    return summary | {"stop": _stop(before, after, summary, checked["is_off"], choice, settings)}


def _stop(before: State, after: State, summary: Mapping, is_off: bool, choice: Choice, settings: Settings) -> str:
    if is_off:
        return history.CLAIMED_PRECISION_OFF
    if not np.any(~after.labels.is_human if settings.keep == "revise" else ~after.labels.is_labelled):
        return history.POOL_EMPTY
    # New labels are on their way.
    if summary["n_questions"]:
        return history.GOES_ON
    kappas = [*(earlier["kappa"] for earlier in before.history), summary["kappa"]]
    holds = {
        history.TARGET_ERROR_UNREACHABLE: choice.limits is not None and np.isinf(choice.limits).all(),
        history.NOTHING_ACCEPTED: summary["n_accepted"] == 0,
        history.NOTHING_CHANGED: summary["n_new"] == summary["n_withdrawn"] == 0,
        history.STABLE_PREDICTIONS: is_stable(kappas, settings.stable_kappa),
        history.BUDGET_SPENT: settings.ask is not None and after.n_asked >= settings.ask.budget and after.n_open == 0,
    }
    return next((word for word in history.CHOSEN_STOPS if word in settings.stop and holds[word]), history.GOES_ON)


def _thresholds(limits: np.ndarray | None, rule: str, classes: Sequence[str]) -> dict:
    """Return the threshold of the round, and each class's where they are not the same; None where there is none."""
    if limits is None or np.isinf(limits).all():
        return {"threshold": None, "class_thresholds": None}
    if rule != "flexmatch":
        return {"threshold": float(limits[0]), "class_thresholds": None}
    return {"threshold": None, "class_thresholds": dict(zip(classes, limits.tolist(), strict=True))}


def _calibration(opinion: Opinion) -> dict:
    """Return the expected calibration error and the reliability table of the human-given labels, out of fold."""
    if opinion.evidence is None:
        return {"calibration_error": None, "reliability": None}
    shown = (opinion.evidence.confidence, opinion.evidence.is_right)
    table = metrics.reliability(*shown, n_bins=RELIABILITY_BINS)
    return {
        "calibration_error": metrics.calibration_error(table),
        "reliability": {name: column.tolist() for name, column in table.items()},
    }


def _kappa(before: np.ndarray, after: np.ndarray) -> float | None:
    """Return Cohen's kappa of two rounds' predictions for the pool, int (N,); None where there was no round before.

    (Cohen, 1960; scikit-learn's takes longer to import than a round to fit.)
    """
    if (before == NO_LABEL).any() or (len(set(before) | set(after)) < 2):
        return None
    n_classes = max(before.max(), after.max()) + 1
    shares = [np.bincount(predicted, minlength=n_classes) / len(predicted) for predicted in (before, after)]
    by_chance = float(np.dot(*shares))
    return round((float(np.mean(before == after)) - by_chance) / (1 - by_chance), metrics.DECIMALS)


def changes(before: Labels, after: Labels, round_number: int, classes: Sequence[str]) -> dict:
    """Return what a round did to the machine labels, ready for JSON; counts of images.

    n_accepted: were given a label in ``round_number``; n_new: had not that label before; n_flipped: of these, had
    another one; n_withdrawn: lost theirs; n_remaining: have none now.
    """
    is_new = after.is_machine & ~(before.is_machine & (before.label == after.label))
    is_accepted = after.is_machine & (after.confirmed == round_number)
    counts = np.bincount(after.label[is_accepted], minlength=len(classes))
    return {
        "n_accepted": int(is_accepted.sum()),
        "n_new": int(is_new.sum()),
        "accepted_per_class": dict(zip(classes, counts.tolist(), strict=True)),
        "n_flipped": int(np.sum(is_new & before.is_machine)),
        "n_withdrawn": int(np.sum(before.is_machine & ~after.is_labelled)),
        "n_remaining": int(np.sum(~after.is_labelled)),
        "human_labels": int(np.sum(after.is_human)),
    }


def is_stable(kappas: Sequence[float | None], limit: float) -> bool:
    """Return whether the mean of the last three rounds' Cohen's kappa is at least ``limit``.

    (Stabilizing predictions: Bloodgood & Vijay-Shanker, CoNLL 2009.) ``kappas``: of each round, None for the first.
    """
    last = list(kappas[-STABLE_ROUNDS:])
    if len(last) < STABLE_ROUNDS or None in last:
        return False
    # Rounded, as three times 0.99 is a little less than 2.97.
    return round(sum(last) / STABLE_ROUNDS, metrics.DECIMALS) >= limit
