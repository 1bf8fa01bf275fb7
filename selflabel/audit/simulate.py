"""Simulate many audits of the same labels against the truth: how often a promise is broken, and what it costs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from selflabel.audit import bounds, guarantees, sequence
from selflabel.audit.betting import Bet
from selflabel.audit.guarantees import AuditSample, ErrorTarget
from selflabel.markdown import markdown_table


def redraw(
    confidence: np.ndarray,
    is_wrong: np.ndarray,
    orders: Sequence[np.ndarray],
    *,
    size: int,
    target: ErrorTarget,
    n_all: int,
) -> dict[str, float]:
    """Return how audits of ``size`` images go: means over one audit for each of ``orders``, as shares in [0, 1].

    ``confidence``: float (T,), ``is_wrong``: bool (T,), of all machine labels. ``orders``: int64, at least ``size``
    positions of each random order of them. ``n_all``: as in ``guarantees.to_relabel``. broken_…: more are wrong than
    was promised of the whole set, the certified part, the data set whose rest people label. certified_error: the true
    one, of the audits that certify something; certified_best, by_people_best: what one who knows all mistakes would
    certify, or leave to people.
    """
    audits = [audited(confidence, is_wrong, order[:size], target, n_all) for order in orders]
    columns = {name: np.array([audit[name] for audit in audits], float) for name in audits[0]}
    is_certified = columns["certified_coverage"] > 0
    best_coverage, best_by_people = best(confidence, is_wrong, error=target.error, n_all=n_all)
    return {
        "answers": size,
        "redraws": len(orders),
        "true_error": float(is_wrong.mean()),
        "error_at_most": float(columns["error_at_most"].mean()),
        "broken_whole": float(np.mean(columns["error_at_most"] < is_wrong.mean())),
        "certified_coverage": float(columns["certified_coverage"].mean()),
        "certified_best": best_coverage,
        "certified_error": float(columns["certified_error"][is_certified].mean()) if is_certified.any() else np.nan,
        "nothing_certified": float(np.mean(~is_certified)),
        "broken_certified": float(np.mean(columns["certified_error"] > target.error)),
        "by_people": float(columns["by_people"].mean()),
        "by_people_best": best_by_people,
        "rest_error": float(columns["rest_error"].mean()),
        "broken_rest": float(np.mean(columns["rest_error"] > target.error)),
    }


def redraw_sequence(
    confidence: np.ndarray, is_wrong: np.ndarray, *, share: float, size: int, target: ErrorTarget, seeds: Sequence[int]
) -> dict[str, float]:
    """Return how audits go that end by themselves: figures over one for each of ``seeds``.

    ``confidence``, ``is_wrong``: as in ``redraw``. ``share``: in (0, 1], the goal; ``size``: at most so many answers.
    reached: the share of audits that certify the goal's part. answers: the mean, with those that reach nothing; and
    nine in ten of all need at most answers_90. broken: the share that certify a part of which more is wrong.
    """
    inside = sequence.part(confidence, share)
    bet, is_inside_wrong = Bet.on(confidence[inside], error=target.error), is_wrong[inside]
    paths = []
    for seed in seeds:
        uniform = np.random.default_rng([seed, 0]).uniform(size=len(confidence))[inside]
        drawn = bet.order(uniform)[:size]
        wealth = bet.wealth(drawn, is_inside_wrong[drawn])
        paths.append(np.append(np.flatnonzero(wealth >= 1 / target.alpha) + 1, size + 1)[0])
    answers = np.array(paths)
    true_error = float(is_inside_wrong.mean())
    return {
        "share": share,
        "redraws": len(answers),
        "reached": float(np.mean(answers <= size)),
        "answers": float(np.minimum(answers, size).mean()),
        "answers_90": float(np.quantile(np.minimum(answers, size), 0.9)),
        "expected": bet.n_expected(alpha=target.alpha),
        "true_error": true_error,
        "broken": float(np.mean((answers <= size) & (true_error > target.error))),
    }


def best(confidence: np.ndarray, is_wrong: np.ndarray, *, error: float, n_all: int) -> tuple[float, int]:
    """Return the largest coverage with at most ``error`` wrong inside, and the fewest labels by people; all known."""
    order = np.argsort(-confidence, kind="stable")
    # A threshold can only be where the confidence changes.
    is_end = np.append(np.diff(confidence[order]) != 0, True)
    mistakes = np.cumsum(is_wrong[order])[is_end]
    counts = np.flatnonzero(is_end) + 1
    certified = counts[mistakes <= error * counts].max(initial=0)
    kept = counts[mistakes <= error * n_all].max(initial=0)
    return certified / len(confidence), len(confidence) - int(kept)


def audited(
    confidence: np.ndarray, is_wrong: np.ndarray, drawn: np.ndarray, target: ErrorTarget, n_all: int
) -> dict[str, Any]:
    """Return what an audit of the positions ``drawn``, int64 (m,), promises; the others as in ``redraw``.

    error_at_most, certified_coverage and by_people, and what is true of it: certified_error, rest_error.
    """
    sample = AuditSample(confidence, np.zeros(len(confidence), int), drawn, is_wrong[drawn])
    shares = guarantees.shares(sample, target)
    chosen = guarantees.certified(shares, target)
    is_inside = confidence >= (np.inf if chosen is None else shares["threshold"][chosen])
    is_kept = np.ones(len(confidence), bool)
    is_kept[guarantees.to_relabel(sample, target, n_all=n_all)] = False
    return {
        "error_at_most": bounds.upper(
            int(sample.is_wrong.sum()), len(drawn), alpha=target.alpha, n_all=len(confidence)
        ),
        "certified_coverage": is_inside.mean(),
        "certified_error": is_wrong[is_inside].mean() if is_inside.any() else 0.0,
        "by_people": (~is_kept).sum(),
        "rest_error": is_wrong[is_kept].sum() / n_all,
    }


def table(columns: Mapping[str, np.ndarray]) -> str:
    """Return the columns that ``redraw`` gave, a row a size, as a Markdown table."""
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    percent = "{:.1%}".format
    lines = [
        [
            f"{row['answers']:,.0f}",
            f"{percent(row['error_at_most'])} ({percent(row['true_error'])})",
            percent(row["broken_whole"]),
            f"{row['certified_coverage']:.2f} ({row['certified_best']:.2f})",
            "–" if np.isnan(row["certified_error"]) else percent(row["certified_error"]),
            percent(row["nothing_certified"]),
            percent(row["broken_certified"]),
            f"{row['by_people']:,.0f} ({row['by_people_best']:,.0f})",
            percent(row["rest_error"]),
            percent(row["broken_rest"]),
        ]
        for row in rows
    ]
    header = [
        "audit answers", "whole set: at most (true)", "broken", "certified coverage (best)", "true error", "nothing",
        "broken", "by people (fewest)", "true error", "broken",
    ]  # fmt: skip
    return markdown_table(header, lines)


def sequences_table(columns: Mapping[str, np.ndarray]) -> str:
    """Return the columns that ``redraw_sequence`` gave, a row a goal, as a Markdown table."""
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    lines = [
        [
            f"{row['share']:.2f}",
            f"{row['true_error']:.1%}",
            f"{row['expected']:,.0f}",
            f"{row['answers']:,.0f}",
            f"{row['answers_90']:,.0f}",
            f"{row['reached']:.1%}",
            f"{row['broken']:.1%}",
        ]
        for row in rows
    ]
    header = ["goal", "true error", "answers forecast", "answers, mean", "nine in ten need", "reached", "broken"]
    return markdown_table(header, lines)
