"""Certify one share of the labels answer by answer: whoever looks may stop at any time, for any reason.

A bet is made against the hypothesis that more than the promised error is wrong, and settled at each answer. If the
hypothesis is true the wealth is a supermartingale that starts with 1, so that the chance that it ever reaches 1 / alpha
is at most alpha (Ville). The bet is that of Waudby-Smith & Ramdas (Estimating means of bounded random variables by
betting, JRSS B 2024), drawn without replacement and with unequal chances as in Shekhar, Xu, Lipton, Liang & Ramdas
(Risk-limiting financial audits via weighted sampling without replacement, UAI 2023), with the confidences as control
variate. Chances and stake follow from the confidences alone, before the first answer.
"""

import math
from typing import NamedTuple

import numpy as np

from selflabel.audit import bounds

# Parts of the chances that are the same for all labels; the others grow with the root of the claimed error. And parts
# of the stake that a single answer could lose all with.
EVEN, STAKES = np.arange(0.5, 1.01, 0.1), np.arange(0.02, 0.91, 0.04)
# Where more than so much of the error to promise is claimed to be wrong, the bet is made for that much.
MOST_CLAIMED = 0.75


class Bet(NamedTuple):
    """A bet that no more than ``error`` of n labels are wrong.

    ``claimed``: float (n,) in [0, 1], how likely each is to be wrong by its confidence. ``chance``: float (n,), sum 1,
    of being drawn first. ``stake``: above 0, of each answer.
    """

    error: float
    claimed: np.ndarray
    chance: np.ndarray
    stake: float

    @classmethod
    def on(cls, confidence: np.ndarray, *, error: float) -> "Bet":
        """Return the bet on labels with these confidences, float (n,) in [0, 1], n > 0, whose wealth grows fastest."""
        claimed = 1 - np.asarray(confidence, float)
        mean, n = claimed.mean(), len(claimed)
        wrong = claimed * min(1, MOST_CLAIMED * error / mean) if mean else claimed
        root = np.sqrt(claimed)
        root = root / root.mean() if mean else np.ones(n)
        best, most = cls(error, claimed, np.ones(n) / n, 0.0), -math.inf
        for even in EVEN:
            chance = even + (1 - even) * root
            chance /= chance.sum()
            largest = mean + ((1 - claimed) / (n * chance)).max()
            for part in STAKES:
                one = cls(error, claimed, chance, part / max(largest - error, 1e-12))
                if (growth := one.growth(wrong)) > most:
                    best, most = one, growth
        return best

    def growth(self, wrong: np.ndarray) -> float:
        """Return what each answer is expected to add to the logarithm of the wealth, of the first ones.

        ``wrong``: float (n,) in [0, 1], how likely each label is to be wrong.
        """
        # What an answer says of the share of wrong labels.
        weight = 1 / (len(self.claimed) * self.chance)
        if_right = self.claimed.mean() - self.claimed * weight
        of_right, of_wrong = (np.log1p(self.stake * (self.error - x)) for x in (if_right, if_right + weight))
        return float(self.chance @ (wrong * of_wrong + (1 - wrong) * of_right))

    def order(self, uniform: np.ndarray) -> np.ndarray:
        """Return the positions, int64 (n,), in the order in which they are drawn.

        ``uniform``: float (n,) in (0, 1), a random number of each label. Each next one is drawn among those left with
        its ``chance`` over theirs (Efraimidis & Spirakis, Information Processing Letters 2006).
        """
        return np.argsort(-np.log(uniform) / self.chance, kind="stable")

    def wealth(self, drawn: np.ndarray, is_wrong: np.ndarray) -> np.ndarray:
        """Return the wealth after each answer, float (m,), at least 0.

        ``drawn``: int (m,), the first positions of ``order``; ``is_wrong``: bool (m,), what people said of these.
        """
        n, claimed, chance = len(self.claimed), self.claimed[drawn], self.chance[drawn]
        # Of the labels not drawn before: their chances, and how many are wrong as claimed; and those found to be wrong.
        left = 1 - np.append(0, np.cumsum(chance))[:-1]
        known = np.append(0, np.cumsum(is_wrong))[:-1]
        guess = known + self.claimed.sum() - np.append(0, np.cumsum(claimed))[:-1]
        shown = (guess + (is_wrong - claimed) * left / chance) / n
        # Each stake is fixed before its answer, and the worst one leaves something.
        worst = (guess + ((1 - self.claimed) / self.chance).max() * left) / n
        stake = np.minimum(self.stake, STAKES[-1] / np.maximum(worst - self.error, 1e-12))
        factors = np.maximum(1 + stake * (self.error - shown), 0)
        # Once so many are found that the hypothesis is true there is nothing to be won.
        factors[known >= bounds.too_many(self.error, n)] = 0
        return np.cumprod(factors)

    def n_more(self, drawn: np.ndarray, is_wrong: np.ndarray, *, alpha: float) -> int | None:
        """Return after how many more answers the wealth is 1 / ``alpha`` at the earliest: were none of them wrong.

        ``drawn``: int (k,), the first positions of ``order``; ``is_wrong``: bool (m,), what people said of the first m
        of these. None where all k would not do.
        """
        m = len(is_wrong)
        path = self.wealth(drawn, np.append(is_wrong, np.zeros(len(drawn) - m, bool)))
        reached = np.flatnonzero(path[m:] >= 1 / alpha)
        return int(reached[0]) + 1 if len(reached) else None

    def n_expected(self, *, alpha: float, times: float = 1.0) -> float:
        """Return how many answers it takes about, if ``times`` as many are wrong as claimed; infinite where never."""
        growth = self.growth(np.minimum(times * self.claimed, 1))
        return math.log(1 / alpha) / growth if growth > 0 else math.inf
