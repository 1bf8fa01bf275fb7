"""Forecast what more answers are worth before they are paid for: to an audit, or to questions of the rounds.

Audits are simulated, of labels that are wrong as the confidences claim. With more labels by people the error falls as a
power of their number, as learning curves do (Hestness et al., arXiv 1712.00409).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from selflabel.audit import sequence, simulate
from selflabel.audit.betting import Bet
from selflabel.audit.certificate import AuditConfig, Certificate
from selflabel.audit.guarantees import ErrorTarget
from selflabel.labels.questions import AUDIT, AskedQuestions
from selflabel.labels.table import Labels
from selflabel.markdown import markdown_table

SIZES = (100, 200, 300, 500, 1_000, 1_500, 2_000, 3_000)
SHARES = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9)
# How many times as many labels are wrong as the confidences claim: Gamma with mean 1 and this shape, before an audit.
SHAPE = 10.0
N_WORLDS = 60
# Between them are eight of ten cases.
ENDS = (0.1, 0.9)
QUESTIONS = (100, 300, 1_000)
# The power's mean and standard deviation, those of draws 5 to 9 of the study's curve and for other data twice as wide;
# and how far the logarithm of the error is off the curve.
POWER, SPREAD, CHANCE = 0.27, 0.12, 0.05
N_CURVES = 10_000


class Found(NamedTuple):
    """What an audit has found: ``n_wrong`` labels are wrong, of which the confidences claim so of ``claimed``."""

    n_wrong: int = 0
    claimed: float = 0.0

    @property
    def times(self) -> float:
        """How many times as many are wrong as claimed, the mean to be expected."""
        return (SHAPE + self.n_wrong) / (SHAPE + self.claimed)


def found(labels: Labels, asked: AskedQuestions, issued: Certificate) -> Found | None:
    """Return what the audit has found whose certificate was ``issued``, None where there is none or it is not whole.

    ``labels``: those that it judged; ``asked``: the questions with its own among them. One that ends by itself draws
    what tells most, which says nothing of all labels without more ado.
    """
    audit, rows = issued.audit, asked.row[asked.strategy == AUDIT]
    if issued.goal or not audit.n_drawn or audit.n_missing:
        return None
    return Found(audit.n_wrong, float((1 - labels.confidence[rows]).sum()))


class Worth(NamedTuple):
    """What an audit of a size is worth: the coverage certified, and an 80 % interval of it.

    ``by_people``: labels by people, those of the audit included, until the whole data set is good enough; the mean.
    """

    answers: int
    coverage: float
    low: float
    high: float
    by_people: float


def fixed(
    confidence: np.ndarray,
    target_at: Callable[[int], ErrorTarget],
    *,
    n_all: int,
    found: Found | None = None,
    sizes: Sequence[int] = SIZES,
    less: float = 1.0,
    seed: int = 0,
    progress: Callable[[Iterable[float]], Iterable[float]] = iter,
) -> list[Worth]:
    """Return what audits of each size are worth; those with more answers than there are labels are left out.

    ``confidence``: float (T,), of all machine labels; ``target_at``: of a size, were it the planned one; ``n_all``:
    images of the data set. ``less``: the error is so many times what it is.
    ``progress``: wraps the simulated worlds.
    """
    rng, n, found = np.random.default_rng(seed), len(confidence), found or Found()
    sizes = [size for size in sizes if size <= n]
    coverage, by_people = (np.zeros((N_WORLDS, len(sizes))) for _ in range(2))
    worlds = rng.gamma(SHAPE + found.n_wrong, 1 / (SHAPE + found.claimed), N_WORLDS).tolist()
    for world, times in enumerate(progress(worlds)):
        is_wrong = rng.random(n) < np.minimum(less * times * (1 - confidence), 1)
        order = rng.permutation(n)
        for column, size in enumerate(sizes):
            audit = simulate.audited(confidence, is_wrong, order[:size], target_at(size), n_all)
            coverage[world, column] = audit["certified_coverage"]
            by_people[world, column] = min(audit["by_people"] + size, n)
    low, high = np.quantile(coverage, ENDS, axis=0, method="inverted_cdf")
    return [
        Worth(size, *row)
        for size, *row in zip(
            sizes, coverage.mean(axis=0).tolist(), low.tolist(), high.tolist(), by_people.mean(axis=0).tolist(),
            strict=True,
        )
    ]  # fmt: skip


def sequential(confidence: np.ndarray, target: ErrorTarget, *, found: Found | None = None) -> list[tuple[float, float]]:
    """Return pairs: a share, and how many answers it takes about to certify it by an audit that ends by itself.

    Infinite where it never is, were as many times as many wrong as claimed as ``found`` says.
    """
    times = (found or Found()).times
    bets = [(share, Bet.on(confidence[sequence.part(confidence, share)], error=target.error)) for share in SHARES]
    return [(share, bet.n_expected(alpha=target.alpha, times=times)) for share, bet in bets]


def questions(
    confidence: np.ndarray, n_labels: int, *, found: Found | None = None, more: Sequence[int] = QUESTIONS, seed: int = 0
) -> list[tuple[int, float, float, float]]:
    """Return what more questions of the rounds are worth: how many, and the share of machine labels right then.

    The mean, and low and high of an 80 % interval. ``confidence``: float (T,), of all machine labels; ``n_labels``: at
    least 1, labels by people that have taught. 0 questions are the labels as they are.
    """
    rng, found = np.random.default_rng(seed), found or Found()
    error = rng.gamma(SHAPE + found.n_wrong, 1 / (SHAPE + found.claimed), N_CURVES) * (1 - confidence).mean()
    power, chance = np.maximum(rng.normal(POWER, SPREAD, N_CURVES), 0), np.exp(rng.normal(0, CHANCE, N_CURVES))
    rows = []
    for n in (0, *more):
        right = 1 - np.minimum(error * (n_labels / (n_labels + n)) ** power * (chance if n else 1), 1)
        rows.append((n, float(right.mean()), *np.quantile(right, ENDS).tolist()))
    return rows


def text(
    confidence: np.ndarray,
    config: AuditConfig,
    *,
    n_all: int,
    n_labels: int,
    found: Found | None,
    progress: Callable[[Iterable[float]], Iterable[float]] = iter,
) -> str:
    """Return the forecasts of ``fixed``, ``sequential`` and ``questions`` as text, and what to do next."""

    target_at = config.target_if_planned

    def in_all(size: int, n: int) -> float:
        less = (n_labels / (n_labels + n)) ** POWER
        return n + fixed(confidence, target_at, n_all=n_all, found=found, sizes=[size], less=less)[0].by_people

    worths = fixed(confidence, target_at, n_all=n_all, found=found, progress=progress)
    goals = sequential(confidence, config.whole_target, found=found)
    known = f"as the audit found, {found.times:.2g} times as" if found else "about as"
    # A hundredth more is chance.
    fewest = min((of.by_people for of in worths), default=0.0)
    least = next((of for of in worths if of.by_people <= 1.01 * fewest), None)
    curve = questions(confidence, n_labels, found=found)
    totals = {n: least.by_people if n == 0 else in_all(least.answers, n) for n, *_ in curve} if least else {}
    paragraphs = [
        f"What an audit is worth, if {known} many labels are wrong as the confidences claim ({N_WORLDS} simulated "
        f"audits of each size; to certify {100 * config.error:.6g} % at {100 * config.confidence:.6g} %):",
        markdown_table(
            ["audit.size and audit.planned", "certified coverage", "8 of 10 times", "labels by people in all"],
            [
                [f"{of.answers:,}", f"{of.coverage:.2f}", f"{of.low:.2f} to {of.high:.2f}", f"{of.by_people:,.0f}"]
                for of in worths
            ],
        ),
        "An audit that ends by itself (audit.mode: sequential) takes about so many answers:",
        markdown_table(
            ["audit.goal", "answers"],
            [[f"{share:.2f}", f"{n:,.0f}" if np.isfinite(n) else "never"] for share, n in goals],
        ),
        f"What more questions of the rounds (ask.budget) are worth, after {n_labels:,} labels by people:",
        markdown_table(
            ["more questions", "machine labels right", "8 of 10 times", "labels by people in all"],
            [
                [f"{n:,}", f"{mean:.1%}", f"{low:.1%} to {high:.1%}", f"{totals[n]:,.0f}" if totals else "–"]
                for n, mean, low, high in curve
            ],
        ),
    ]
    if least:
        best = min(totals, key=totals.__getitem__)
        first = f"{best:,} more questions first, then " if best and totals[best] < 0.99 * totals[0] else ""
        paragraphs.append(
            "In all: labels by people until the whole data set is good enough (audit.label_rest). The fewest take "
            f"{first}an audit of {least.answers:,}."
        )
    return "\n\n".join(paragraphs)
