"""An audit that ends by itself: one share of the labels, the goal, is asked about until it is certified."""

from dataclasses import dataclass

import numpy as np

from selflabel.audit.betting import Bet
from selflabel.audit.guarantees import COVERAGES, ErrorTarget
from selflabel.labels.questions import Replies
from selflabel.labels.table import Labels

# How many images beyond the last answer are asked about at once, so that people need not wait for each other.
AHEAD = 20
# A goal that nobody has chosen is the largest share that by the confidences takes so much of the answers planned.
USUAL = 2 / 3


@dataclass(frozen=True, eq=False)
class Sequence:
    """The images that are asked about, in their order, and the bet on all of the goal's part.

    ``rows``: int64 (n,), of the part's labels; ``bet``: on these. ``order``: int64 (size,), positions among them in the
    order of asking. ``label``: int (size,), what the machine says of these. ``threshold``: the least confidence.
    ``goal``: the share of all machine labels that was wanted. ``alpha``: the risk.
    """

    rows: np.ndarray
    bet: Bet
    order: np.ndarray
    label: np.ndarray
    threshold: float
    goal: float
    alpha: float

    @property
    def asked(self) -> np.ndarray:
        """Int64 (size,): the rows in the order of asking."""
        return self.rows[self.order]


@dataclass(frozen=True, eq=False)
class Path:
    """How far the answers lead. ``wealth``: float (k,), after each; ``n_wrong`` of them are wrong.

    ``is_reached``: the goal's part is certified; ``n_more``: otherwise after how many more answers it is at the
    earliest, None where it cannot be. ``n_asked``: the first images of the order that are asked about: those that count
    and, unless this is the end, some more.
    """

    wealth: np.ndarray
    n_wrong: int
    is_reached: bool
    n_more: int | None
    n_asked: int

    @property
    def is_ended(self) -> bool:
        """Whether no more answers are wanted."""
        return self.is_reached or self.n_more is None


def start(
    labels: Labels,
    rows: np.ndarray,
    uniform: np.ndarray,
    target: ErrorTarget,
    *,
    goal: float,
    size: int,
    planned: int,
) -> Sequence:
    """Return the audit of the machine labels of ``rows``, int64 (T,), ascending, T > 0.

    ``uniform``: float (T,) in (0, 1), a random number of each. ``goal``: in (0, 1], the share that is to be certified;
    0: the largest that by the confidences is within reach of ``planned`` answers. At most ``size`` are asked about.
    """
    confidence = labels.confidence[rows]
    for share in [goal] if goal else COVERAGES[::-1].tolist():
        inside = part(confidence, share)
        bet = Bet.on(confidence[inside], error=target.error)
        if bet.n_expected(alpha=target.alpha) <= USUAL * planned:
            break
    order = bet.order(uniform[inside])[:size]
    threshold = float(confidence[inside].min())
    return Sequence(rows[inside], bet, order, labels.label[rows[inside][order]], threshold, share, target.alpha)


def part(confidence: np.ndarray, share: float) -> np.ndarray:
    """Return the positions, int64, ascending, of the ``share`` of the most confident labels, and all as confident.

    ``confidence``: float (T,), T > 0, of all; at least one label is inside.
    """
    n = max(int(np.ceil(share * len(confidence) - 1e-9)), 1)
    return np.flatnonzero(confidence >= -np.sort(-confidence)[n - 1])


def follow(sequence: Sequence, replies: Replies) -> Path:
    """Return how far the ``replies`` about ``sequence.asked`` lead, up to the first that waits for people.

    One that people skipped counts as wrong.
    """
    is_waiting = replies.is_waiting
    n_known = int(np.argmax(is_waiting)) if is_waiting.any() else len(replies)
    is_wrong = replies.label[:n_known] != sequence.label[:n_known]
    wealth = sequence.bet.wealth(sequence.order[:n_known], is_wrong)
    reached = np.flatnonzero(wealth >= 1 / sequence.alpha)
    if len(reached):
        n = int(reached[0]) + 1
        return Path(wealth[:n], int(is_wrong[:n].sum()), True, 0, n)
    n_more = sequence.bet.n_more(sequence.order, is_wrong, alpha=sequence.alpha)
    n_asked = n_known if n_more is None else min(n_known + AHEAD, len(sequence.order))
    return Path(wealth, int(is_wrong.sum()), False, n_more, n_asked)
