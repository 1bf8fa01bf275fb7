"""Judge the forecast of what audits are worth: `python -m bench.forecast [--seeds …]`, after `make run`.

The default's loop over several draws of the seed labels. For each, what `selflabel forecast` says before there is an
audit, and what many audits then certify, by the truth. Some minutes.
"""

import argparse
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from bench.downstream import DATA, labels_of
from selflabel import files
from selflabel.audit import forecast, simulate
from selflabel.audit.certificate import AuditConfig
from selflabel.audit.guarantees import ErrorTarget
from selflabel.config import load
from selflabel.features import feature_set
from selflabel.labels.classes import Classes
from selflabel.markdown import markdown_table

SIZES, N_AUDITS = (200, 300, 500, 1_000), 20


def main() -> None:
    """Print two tables: of audits of a fixed size, and of those that end by themselves."""
    parser = argparse.ArgumentParser(prog="python -m bench.forecast", description=__doc__)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    args = parser.parse_args()
    features = feature_set.read(DATA / "features", DATA / "graph")
    truth, classes = files.read_array(Path(DATA, "truth/pool.npy")), Classes.read(DATA / "raw/classes.json")
    config = AuditConfig.of(load.load().audit)
    target = ErrorTarget(config.error, config.alpha)

    def target_at(size: int) -> ErrorTarget:
        return config._replace(size=size, planned=size).target()

    told: dict[int, list[tuple[float, float, float]]] = {size: [] for size in SIZES}
    ended: dict[float, list[tuple[float, float]]] = {}
    for seed in args.seeds:
        with threadpool_limits(1):
            labels = labels_of(seed, features, truth, classes)
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


if __name__ == "__main__":
    main()
