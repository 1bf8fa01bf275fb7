"""Tell what an audit by class is worth: `python -m bench.audit_by_class [--redraws …]`, after `make run`.

The default's labels, and the same with ever fewer labels of each class, are audited many times: all answers drawn from
all labels, or half of them by class (audit.classes). The upper bounds of the classes hold together; broken: audits in
which one did not. Two minutes.
"""

import argparse
from pathlib import Path

import numpy as np

from bench.downstream import DATA
from selflabel import files
from selflabel.audit import by_class, draw
from selflabel.audit.certificate import AuditConfig
from selflabel.config import load
from selflabel.labels import state
from selflabel.labels.table import Labels
from selflabel.markdown import markdown_table

ANSWERS = (500, 1_000)


def redrawn(rows: np.ndarray, labels: Labels, truth: np.ndarray, config: AuditConfig, seeds: range) -> list[float]:
    """Return mean, largest and smallest class's mean bound, and the share broken, of audits of the labels of ``rows``.

    ``config``: how many answers, and how they are drawn; ``seeds``: one for each audit.
    """
    is_wrong = labels.label != truth
    n_all = np.bincount(labels.label[rows])
    true = np.bincount(labels.label[rows], is_wrong[rows]) / n_all
    found = []
    for seed in seeds:
        order = np.random.default_rng(seed).permutation(rows)
        drawn = order[: config.n_uniform]
        if config.classes:
            drawn = np.append(drawn, by_class.more(order, labels, n_first=len(drawn), error=config.error))
        n, n_wrong = (
            np.bincount(labels.label[of], minlength=len(n_all)) for of in (drawn, drawn[is_wrong[drawn]])
        )  # fmt: skip
        found.append(by_class.uppers(n_wrong, n, n_all, config.target()))
    bound = np.array(found)
    broken = np.mean(np.any(bound < true - 1e-12, axis=1))
    return [bound.mean(), bound.max(axis=1).mean(), bound[:, np.argmin(n_all)].mean(), float(broken)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.audit_by_class", description=__doc__)
    parser.add_argument("--redraws", type=int, default=1_000)
    args = parser.parse_args()
    final, truth = state.read(DATA / "final"), files.read_array(Path(DATA, "truth/pool.npy"))
    config = AuditConfig.of(load.load().audit)
    rows = draw.targets(final.labels, final.asked.row)
    # Of the class number c one label of c + 1 squared.
    number = np.arange(len(rows)) % (final.labels.label[rows].astype(int) + 1) ** 2
    pools = {"the default's": rows, "one of (c + 1)² of class c": rows[number == 0]}
    lines = []
    for name, pool in pools.items():
        for answers in ANSWERS:
            of_all = config._replace(size=answers, planned=answers, classes=False)
            half = config._replace(size=answers // 2, planned=answers // 2, classes=True)
            for drawn, of in (("from all", of_all), ("half by class", half)):
                mean, largest, smallest, broken = redrawn(pool, final.labels, truth, of, range(args.redraws))
                figures = (f"{mean:.1%}", f"{largest:.1%}", f"{smallest:.1%}", f"{broken:.1%}")
                lines.append([name, f"{answers:,}", drawn, *figures])
    header = ["labels", "answers", "drawn", "bound, mean of classes", "largest", "of the smallest class", "broken"]
    print(markdown_table(header, lines))


if __name__ == "__main__":
    main()
