"""Judge the forecast of what audits are worth: `python -m bench.forecast [--seeds …]`, after `make run`.

The default's loop over several draws of the seed labels, with 300, 600 and 1,000 labels by people. For each draw, what
`selflabel forecast` says of audits and of more questions, and what is true of them. A quarter of an hour.
"""

import argparse
from itertools import combinations
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from bench.downstream import DATA, labels_of
from selflabel import files
from selflabel.audit import forecast, simulate
from selflabel.audit.certificate import AuditConfig
from selflabel.audit.forecast import Found
from selflabel.config import load
from selflabel.features import feature_set
from selflabel.labels.classes import Classes
from selflabel.labels.table import Labels
from selflabel.markdown import markdown_table

SIZES, N_AUDITS = (200, 300, 500, 1_000), 20
# Questions of each of ten rounds, by the labels that people give in all.
PER_ROUND = {300: 24, 600: 54, 1_000: 94}


def judge_questions(
    curve: dict[str, list[tuple[float, float, float, float]]],
    before: Labels,
    then: Labels,
    truth: np.ndarray,
    n: int,
    n_then: int,
    seed: int,
) -> None:
    """Add to ``curve`` what is forecast of a run with more questions, without and with an audit, and what is true."""
    rows, rows_then = np.flatnonzero(before.is_machine), np.flatnonzero(then.is_machine)
    right = float(np.mean(then.label[rows_then] == truth[rows_then]))
    confidence, rng = before.confidence[rows], np.random.default_rng(seed)
    for name in ("no audit", *("an audit of 500",) * N_AUDITS):
        drawn = rng.permutation(len(rows))[:500]
        is_wrong = before.label[rows[drawn]] != truth[rows[drawn]]
        found = Found(int(is_wrong.sum()), float((1 - confidence[drawn]).sum())) if name != "no audit" else None
        _, (_, mean, low, high) = forecast.questions(confidence, n, found=found, more=[n_then - n])
        case = (mean, right, abs(mean - right), float(low <= right <= high))
        curve.setdefault(f"{n:,} → {n_then:,}, {name}", []).append(case)


def main() -> None:
    """Print three tables: of audits of a fixed size, of those that end by themselves, and of more questions."""
    parser = argparse.ArgumentParser(prog="python -m bench.forecast", description=__doc__)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    args = parser.parse_args()
    features = feature_set.read(DATA / "features", DATA / "graph")
    truth, classes = files.read_array(Path(DATA, "truth/pool.npy")), Classes.read(DATA / "raw/classes.json")
    config = AuditConfig.of(load.load().audit)
    target, target_at = config.whole_target, config.target_if_planned
    curve: dict[str, list[tuple[float, float, float, float]]] = {}
    told: dict[int, list[tuple[float, float, float]]] = {size: [] for size in SIZES}
    ended: dict[float, list[tuple[float, float]]] = {}
    for seed in args.seeds:
        runs = {}
        for n, per_round in PER_ROUND.items():
            with threadpool_limits(1):
                runs[n] = labels_of(seed, features, truth, classes, per_round=per_round)
        for (n, before), (n_then, then) in combinations(runs.items(), 2):
            judge_questions(curve, before, then, truth, n, n_then, seed)
        labels = runs[600]
        rows = np.flatnonzero(labels.is_machine)
        confidence, is_wrong = labels.confidence[rows], labels.label[rows] != truth[rows]
        rng = np.random.default_rng(seed)
        for of in forecast.fixed(confidence, target_at, n_all=len(truth), sizes=SIZES, seed=seed):
            for _ in range(N_AUDITS):
                drawn = rng.permutation(len(rows))[: of.answers]
                found = simulate.audited(confidence, is_wrong, drawn, target_at(of.answers), len(truth))
                coverage = float(found["certified_coverage"])
                is_inside = of.low <= coverage <= of.high
                told[of.answers].append((of.coverage, coverage, is_inside))
        for share, expected in forecast.sequential(confidence, target):
            if np.isfinite(expected) and expected < 1_000:
                found = simulate.redraw_sequence(
                    confidence, is_wrong, share=share, size=3_000, target=target, seeds=range(N_AUDITS)
                )
                ended.setdefault(share, []).append((expected, found["answers"]))
        print(f"draw {seed}: {is_wrong.mean():.3f} wrong, {(1 - confidence).mean():.3f} claimed", flush=True)
    lines = [[f"{size:,}", *(f"{mean:.2f}" for mean in np.mean(cases, axis=0))] for size, cases in told.items()]
    print(f"\n{len(args.seeds)} draws, {N_AUDITS} audits of each size\n")
    print(markdown_table(["answers", "coverage forecast", "coverage", "within the interval"], lines))
    goals = [
        [f"{share:.2f}", str(len(cases)), *(f"{mean:,.0f}" for mean in np.mean(cases, axis=0))]
        for share, cases in sorted(ended.items())
    ]
    print("\n" + markdown_table(["goal", "draws", "answers forecast", "answers"], goals))
    lines = [
        [name, f"{told:.1%}", f"{right:.1%}", f"{100 * off:.1f}", f"{inside:.2f}"]
        for name, (told, right, off, inside) in ((name, np.mean(cases, axis=0)) for name, cases in curve.items())
    ]
    print(
        "\n"
        + markdown_table(["labels by people", "right, forecast", "right", "points off", "within the interval"], lines)
    )


if __name__ == "__main__":
    main()
