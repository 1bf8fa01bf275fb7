"""Repeat the whole comparison for one draw of the seed labels, in one process: a row of the study."""

import numpy as np

from selflabel import classifiers, files, rounds, rules, seeds, study
from selflabel.labels import Labels
from selflabel.params import load
from stages import parse, run, say


def main() -> None:
    args = parse(
        __doc__,
        *("pool-features", "test-features", "pool-truth", "test-truth", "classes", "out"),
        seed="of the draw, in place of seed_labels.seed",
    )
    params = load()
    truth, classes = files.read_array(args.pool_truth), files.read_json(args.classes)
    rows = seeds.draw_seed_rows(truth, percentage=params.seed_labels.percentage, seed=args.seed, classes=classes)
    figures = study.compare(
        Labels.from_seeds(rows, truth[rows], n_rows=len(truth)),
        rounds.Held(np.array(files.read_array(args.pool_features)), files.read_array(args.test_features)),
        truth,
        files.read_array(args.test_truth),
        iterations=params.self_label.iterations,
        rule=rules.Rule(
            params.self_label.accept,
            params.self_label.threshold_start,
            params.self_label.threshold_step,
            params.self_label.threshold_factor,
            params.self_label.percent,
            params.self_label.k,
        ),
        final_threshold=params.self_label.final_threshold,
        recipe=classifiers.Recipe(params.classifier.name, params.classifier.C, params.classifier.seed),
        classes=classes,
    )
    files.write_json(args.out, figures)
    say(f"study: seed {args.seed}, " + ", ".join(f"{name} {arm['accuracy']:.4f}" for name, arm in figures.items()))


if __name__ == "__main__":
    run(main)
