"""The same comparison over several draws of the seed labels."""

from collections.abc import Sequence

import numpy as np

from selflabel import classifiers, metrics, rounds, rules
from selflabel.labels import Labels


def compare(
    seed_labels: Labels,
    features: rounds.Held,
    pool_truth: np.ndarray,
    test_truth: np.ndarray,
    *,
    iterations: int,
    rule: rules.Rule,
    final_threshold: float,
    recipe: classifiers.Recipe,
    classes: Sequence[str],
) -> dict[str, dict[str, float]]:
    """Return accuracy (test images) and label_accuracy (machine labels) of each arm, in [0, 1].

    The arms: seed_only; self_labelled, the honest loop and its last acceptance; true_labels_leak, the same loop with
    the true label for what it accepts. ``pool_truth``: int (N,), ``test_truth``: int (M,); the other arguments as in
    ``rounds``.
    """
    options = {"recipe": recipe, "classes": classes}
    arms = {}
    for name, n_rounds, true_labels in (
        ("seed_only", 0, None),
        ("self_labelled", iterations, None),
        ("true_labels_leak", iterations, pool_truth),
    ):
        options["true_labels"] = true_labels
        before = rounds.play_all(seed_labels, features, iterations=n_rounds, rule=rule, **options)
        last = rounds.play(before, features, round_number=n_rounds + 1, rule=rules.above(final_threshold), **options)
        predicted = last.test_probabilities.argmax(axis=1)
        pool = metrics.pool_scores(last.labels, pool_truth)
        arms[name] = {"accuracy": metrics.accuracy(test_truth, predicted), **pool}
    return arms
