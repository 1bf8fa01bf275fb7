"""Forecast what an audit is worth before it is paid for: audits of labels that are wrong as the confidences claim."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from selflabel.audit import simulate
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
    seed: int = 0,
) -> list[Worth]:
    """Return what audits of each size are worth; those with more answers than there are labels are left out.

    ``confidence``: float (T,), of all machine labels; ``target_at``: of a size, were it the planned one; ``n_all``:
    images of the data set.
    """
    rng, n, found = np.random.default_rng(seed), len(confidence), found or Found()
    sizes = [size for size in sizes if size <= n]
    coverage, by_people = (np.zeros((N_WORLDS, len(sizes))) for _ in range(2))
    for world, times in enumerate(rng.gamma(SHAPE + found.n_wrong, 1 / (SHAPE + found.claimed), N_WORLDS)):
        is_wrong = rng.random(n) < np.minimum(times * (1 - confidence), 1)
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
    ranked, times = -np.sort(-confidence), (found or Found()).times
    pairs = []
    for share in SHARES:
        inside = ranked[: max(int(share * len(ranked)), 1)]
        pairs.append((share, Bet.on(inside, error=target.error).n_expected(alpha=target.alpha, times=times)))
    return pairs


def text(confidence: np.ndarray, config: AuditConfig, *, n_all: int, found: Found | None) -> str:
    """Return the forecast of ``fixed`` and ``sequential``, and which size people should choose, as text."""

    def target_at(size: int) -> ErrorTarget:
        return config._replace(size=size, planned=size).target()

    worths = fixed(confidence, target_at, n_all=n_all, found=found)
    goals = sequential(confidence, ErrorTarget(config.error, config.alpha), found=found)
    known = f"as the audit found, {found.times:.2g} times as" if found else "about as"
    # A hundredth more is chance.
    fewest = min((of.by_people for of in worths), default=0.0)
    least = next((of for of in worths if of.by_people <= 1.01 * fewest), None)
    fixed_header = ["audit.size and audit.planned", "certified coverage", "8 of 10 times", "labels by people in all"]
    lines = [
        [f"{of.answers:,}", f"{of.coverage:.2f}", f"{of.low:.2f} to {of.high:.2f}", f"{of.by_people:,.0f}"]
        for of in worths
    ]
    goal_lines = [[f"{share:.2f}", f"{n:,.0f}" if np.isfinite(n) else "never"] for share, n in goals]
    paragraphs = [
        f"What an audit is worth, if {known} many labels are wrong as the confidences claim ({N_WORLDS} simulated "
        f"audits of each size; to certify {100 * config.error:.6g} % at {100 * config.confidence:.6g} %):",
        markdown_table(fixed_header, lines),
        "An audit that ends by itself (audit.mode: sequential) takes about so many answers:",
        markdown_table(["audit.goal", "answers"], goal_lines),
    ]
    if least:
        paragraphs.append(
            f"With audit.label_rest an audit of {least.answers:,} is the one with the fewest labels by people in all."
        )
    return "\n\n".join(paragraphs)
