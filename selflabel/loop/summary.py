"""Summaries of rounds: what a round did, in a few numbers, and whether it was the last."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from selflabel.audit import bounds
from selflabel.labels import history
from selflabel.labels.history import RoundSummary
from selflabel.labels.state import State
from selflabel.labels.table import NO_LABEL, Labels
from selflabel.loop.acceptance import Selection
from selflabel.models import out_of_fold, reliability
from selflabel.models.predict import Predictions
from selflabel.rounding import DECIMALS

if TYPE_CHECKING:
    from selflabel.loop.round import RoundConfig

# Over how many rounds the predictions have to be stable.
STABLE_ROUNDS = 3
# The alarm compares with the upper end of the shown precision's interval at this level: a few labels raise none.
ALARM_ALPHA = 0.05
RELIABILITY_BINS = 10


class PrecisionCheck(NamedTuple):
    """The confirmation-bias check of what a round is about to accept.

    ``claimed_precision``: the mean confidence. ``shown_precision``: the share right among ``n_shown`` human-given
    labels, out of fold, that would be accepted as well; None where there are none. ``precision_alarm``: whether the
    claim is further above all that those labels allow at 95 % than the margin says.
    """

    claimed_precision: float | None = None
    shown_precision: float | None = None
    n_shown: int | None = None
    precision_alarm: bool = False


def check_precision(predictions: Predictions, accepted: np.ndarray, *, margin: float) -> PrecisionCheck:
    """Return the check of the rows that are about to be accepted, int64; ``margin``: in [0, 1]."""
    if not len(accepted):
        return PrecisionCheck()
    confidences = predictions.pool[accepted].max(axis=1)
    claimed = float(confidences.mean())
    check = PrecisionCheck(round(claimed, DECIMALS))
    if predictions.evidence is None:
        return check
    is_alike = out_of_fold.would_be_accepted(predictions.evidence, confidences, predictions.classes[accepted])
    is_right = predictions.evidence.is_right[is_alike]
    n, n_right = len(is_right), int(is_right.sum())
    # Turned round, the upper bound on an error rate is one on the share right.
    highest = bounds.upper(n_right, n, alpha=ALARM_ALPHA)
    shown = round(n_right / n, DECIMALS) if n else None
    return check._replace(shown_precision=shown, n_shown=n, precision_alarm=claimed - highest > margin)


def summarise(
    before: State,
    after: State,
    predictions: Predictions,
    selection: Selection,
    check: PrecisionCheck,
    *,
    rule: str,
    round_number: int,
    classes: Sequence[str],
) -> RoundSummary:
    """Return a round's summary, which does not stop; ``rule``: the name of the one that selected."""
    threshold, class_thresholds = _thresholds(selection.limits, rule, classes)
    calibration_error, table = _calibration(predictions)
    return RoundSummary(
        round=round_number,
        rule=rule,
        threshold=threshold,
        class_thresholds=class_thresholds,
        **changes(before.labels, after.labels, round_number, classes),
        claimed_precision=check.claimed_precision,
        shown_precision=check.shown_precision,
        n_shown=check.n_shown,
        calibration_error=calibration_error,
        reliability=table,
        n_questions=len(after.questions),
        n_open=after.n_open,
        kappa=_kappa(before.predicted, after.predicted),
    )


def why_to_stop(
    before: State,
    after: State,
    summary: RoundSummary,
    selection: Selection,
    config: "RoundConfig",
    *,
    precision_alarm: bool,
) -> str:
    """Return the word for why the loop ends after a round, ``history.GOES_ON`` if it does not."""
    if precision_alarm:
        return history.CLAIMED_PRECISION_OFF
    if config.is_settled(after.labels).all():
        return history.POOL_EMPTY
    # New labels are on their way.
    if summary.n_questions:
        return history.GOES_ON
    kappas = [*(earlier.kappa for earlier in before.history), summary.kappa]
    is_spent = config.query is not None and after.n_asked >= config.query.budget and after.n_open == 0
    holds = {
        history.TARGET_ERROR_UNREACHABLE: selection.limits is not None and np.isinf(selection.limits).all(),
        history.NOTHING_ACCEPTED: summary.n_accepted == 0,
        history.NOTHING_CHANGED: summary.n_new == summary.n_withdrawn == 0,
        history.STABLE_PREDICTIONS: is_stable(kappas, config.stable_kappa),
        history.BUDGET_SPENT: is_spent,
    }
    return next((word for word in history.CHOSEN_STOPS if word in config.stop and holds[word]), history.GOES_ON)


def _thresholds(
    limits: np.ndarray | None, rule: str, classes: Sequence[str]
) -> tuple[float | None, dict[str, float] | None]:
    """Return the threshold of the round, and each class's where they are not the same; None where there is none."""
    if limits is None or np.isinf(limits).all():
        return None, None
    if rule != "flexmatch":
        return float(limits[0]), None
    return None, dict(zip(classes, limits.tolist(), strict=True))


def _calibration(predictions: Predictions) -> tuple[float | None, dict[str, list[Any]] | None]:
    """Return the expected calibration error and the reliability table of the human-given labels, out of fold."""
    evidence = predictions.evidence
    # Without a label drawn at random there is none either.
    if evidence is None or not len(evidence.is_right):
        return None, None
    table = reliability.reliability(evidence.confidence, evidence.is_right, n_bins=RELIABILITY_BINS)
    return reliability.calibration_error(table), {name: column.tolist() for name, column in table.items()}


def _kappa(before: np.ndarray, after: np.ndarray) -> float | None:
    """Return Cohen's kappa of two rounds' predictions for the pool, int (N,); None where there was no round before.

    (Cohen, 1960; scikit-learn's takes longer to import than a round to fit.)
    """
    if (before == NO_LABEL).any() or len(np.union1d(before, after)) < 2:
        return None
    n_classes = max(before.max(), after.max()) + 1
    shares = [np.bincount(predicted, minlength=n_classes) / len(predicted) for predicted in (before, after)]
    by_chance = float(np.dot(*shares))
    return round((float(np.mean(before == after)) - by_chance) / (1 - by_chance), DECIMALS)


def changes(before: Labels, after: Labels, round_number: int, classes: Sequence[str]) -> dict[str, Any]:
    """Return the fields of ``RoundSummary`` on what a round did to the machine labels."""
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
    last = [kappa for kappa in kappas[-STABLE_ROUNDS:] if kappa is not None]
    if len(last) < STABLE_ROUNDS:
        return False
    # Rounded, as three times 0.99 is a little less than 2.97.
    return round(sum(last) / STABLE_ROUNDS, DECIMALS) >= limit
