"""The history of a run: the summaries of its rounds, their words and sentences."""

from typing import Any, NamedTuple, Self

# Words a summary's "stop" may hold. The first means that the loop goes on, the second that there were no more rounds.
GOES_ON, ITERATIONS = "no", "iterations"
CLAIMED_PRECISION_OFF, POOL_EMPTY = "claimed_precision_off", "pool_empty"
# What may end the loop where stopping.stop lists it, in the order in which they are looked at.
TARGET_ERROR_UNREACHABLE = "target_error_unreachable"
NOTHING_ACCEPTED, NOTHING_CHANGED = "nothing_accepted", "nothing_changed"
STABLE_PREDICTIONS, BUDGET_SPENT = "stable_predictions", "budget_spent"
CHOSEN_STOPS = (TARGET_ERROR_UNREACHABLE, NOTHING_ACCEPTED, NOTHING_CHANGED, STABLE_PREDICTIONS, BUDGET_SPENT)


class RoundSummary(NamedTuple):
    """A round's summary, ready for JSON; nothing timed, so that its bytes are stable. None: not known of this round.

    ``rule``: which accepted, and ``threshold`` of all classes or ``class_thresholds`` by name. Counts of images:
    ``n_accepted``, were given a machine label; ``n_new``, had not that label before; ``n_flipped``, of these, had
    another one; ``n_withdrawn``, lost theirs; ``n_remaining``, have none now; ``human_labels``. ``claimed_precision``:
    the mean confidence of what was accepted; ``shown_precision``: the share right among ``n_shown`` human-given labels,
    out of fold, that would have been accepted too. ``calibration_error`` and ``reliability`` (columns of a reliability
    table): of the human-given labels, out of fold. ``n_open``: questions without an answer. ``kappa``: Cohen's, of the
    predictions of this round and the one before. ``stop``: ``GOES_ON``, or why the loop ends.
    """

    round: int
    rule: str
    threshold: float | None
    class_thresholds: dict[str, float] | None
    n_accepted: int
    n_new: int
    accepted_per_class: dict[str, int]
    n_flipped: int
    n_withdrawn: int
    n_remaining: int
    human_labels: int
    claimed_precision: float | None
    shown_precision: float | None
    n_shown: int | None
    calibration_error: float | None
    reliability: dict[str, list[Any]] | None
    n_questions: int
    n_open: int
    kappa: float | None
    stop: str = GOES_ON

    @property
    def has_stopped(self) -> bool:
        """Whether later rounds do nothing."""
        return self.stop != GOES_ON

    def passed_through(self, round_number: int) -> Self:
        """Return the summary of a round in which nothing was done, after one that stopped."""
        return self._replace(
            round=round_number,
            accepted_per_class=dict.fromkeys(self.accepted_per_class, 0),
            n_accepted=0,
            n_new=0,
            n_flipped=0,
            n_withdrawn=0,
            n_questions=0,
            threshold=None,
            class_thresholds=None,
            claimed_precision=None,
            shown_precision=None,
            n_shown=None,
            calibration_error=None,
            reliability=None,
            kappa=None,
        )

    def sentence(self) -> str:
        """Return the summary in a few words."""
        parts = [f"{self.n_accepted:,} accepted", f"{self.n_remaining:,} without a label"]
        if self.threshold is not None:
            parts.insert(0, f"threshold {self.threshold:g}")
        elif self.rule == "target_error":
            parts.insert(0, "no threshold is shown to keep the target error")
        if self.n_withdrawn:
            parts.insert(-1, f"{self.n_withdrawn:,} withdrawn")
        if self.n_questions:
            parts.append(f"{self.n_questions:,} question{'s' * (self.n_questions > 1)}")
        if self.stop not in (GOES_ON, ITERATIONS):
            parts.append(self.stop)
        return ", ".join(parts)
