"""Audit the final labels a thousand times over: what was promised, and what was true."""

import numpy as np

from selflabel import files
from selflabel.audit import draw, simulate
from selflabel.audit.certificate import AuditConfig
from selflabel.config.load import load
from selflabel.labels import state
from selflabel.labels.pool_index import PoolIndex
from selflabel.rounding import rounded
from selflabel.stages import parse, run, say

SIZES = (100, 200, 300, 500, 1_000, 2_000)
# Of audits that end by themselves.
GOALS = (0.3, 0.5, 0.6, 0.7, 0.75, 0.8)


def main() -> None:
    args = parse(__doc__, "final", "index", "truth", "out", "sequences", redraws="how many audits of each size")
    params = load()
    final, hashes = state.read(args.final), PoolIndex.read(args.index).hash
    config = AuditConfig.of(params.audit)
    rows = draw.targets(final.labels, final.asked.row)
    confidence = final.labels.confidence[rows]
    is_wrong = final.labels.label[rows] != files.read_array(args.truth)[rows]
    place = np.full(len(hashes), -1)
    place[rows] = np.arange(len(rows))
    # Seeds that the pipeline's own audit is not likely to have.
    orders = [place[draw.order(hashes, seed=10_000 + number)] for number in range(args.redraws)]
    orders = [order[order >= 0][: max(SIZES)] for order in orders]
    target_at = config.target_if_planned
    redraws = [
        simulate.redraw(confidence, is_wrong, orders, size=size, target=target_at(size), n_all=len(hashes))
        for size in SIZES
        if size <= max(len(rows), min(SIZES))
    ]
    files.write_table(args.out, rounded({name: np.array([row[name] for row in redraws]) for name in redraws[0]}))
    goals = [
        simulate.redraw_sequence(
            confidence, is_wrong, share=share, size=max(SIZES),
            target=config.whole_target, seeds=range(args.redraws),
        )
        for share in GOALS
    ]  # fmt: skip
    files.write_table(args.sequences, rounded({name: np.array([row[name] for row in goals]) for name in goals[0]}))
    say(f"audits: {args.redraws:,} of each size, of {len(rows):,} machine labels")


if __name__ == "__main__":
    run(main)
