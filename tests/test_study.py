"""The study: its arms against each other and against the loop they are made of."""

import numpy as np
import pytest

from selflabel import rounds, rules, study
from selflabel.classifiers import Recipe
from selflabel.labels import Labels
from selflabel.rounds import Held

RECIPE, CLASSES = Recipe("linear_svm", 1.0, 0), ("a", "b", "c")
START, STEP, FINAL = 0.6, -0.1, 0.4


def clouds(n_each, seed, spread=3.0):
    generator = np.random.default_rng(seed)
    truth = np.tile(np.int16([0, 1, 2]), n_each)
    centres = np.array([[4, 0], [-2, 3.5], [-2, -3.5]])
    return (centres[truth] + spread * generator.normal(size=(len(truth), 2))).astype(np.float32), truth


POOL, POOL_TRUTH = clouds(40, 0)
TEST, TEST_TRUTH = clouds(30, 1)
SEEDS = Labels.from_seeds(np.arange(6), POOL_TRUTH[:6], n_rows=len(POOL))


def compare(*, iterations=2, final_threshold=FINAL, pool_truth=POOL_TRUTH):
    return study.compare(
        SEEDS, Held(POOL, TEST), pool_truth, TEST_TRUTH, iterations=iterations, rule=rules.Rule("linear", START, STEP),
        final_threshold=final_threshold, recipe=RECIPE, classes=CLASSES,
    )  # fmt: skip


@pytest.mark.parametrize(("arm", "truth"), [("self_labelled", None), ("true_labels_leak", POOL_TRUTH)])
def test_an_arm_is_its_rounds_and_one_acceptance_more(arm, truth):
    labels = SEEDS
    for number, threshold in ((1, 0.6), (2, 0.5), (3, FINAL)):
        played = rounds.play(
            labels, Held(POOL, TEST), round_number=number, rule=rules.above(threshold), recipe=RECIPE, classes=CLASSES,
            true_labels=truth,
        )  # fmt: skip
        labels = played.labels
    assert 0 < labels.is_machine.sum() < len(POOL) - 6
    assert compare()[arm] == {
        "accuracy": pytest.approx(np.mean(played.test_probabilities.argmax(axis=1) == TEST_TRUTH), abs=1e-6),
        "label_accuracy": pytest.approx(np.mean((labels.label == POOL_TRUTH)[labels.is_machine]), abs=1e-6),
        "coverage": pytest.approx(labels.is_labelled.mean(), abs=1e-6),
    }


def test_without_rounds_every_arm_has_the_classifier_of_the_seed_labels():
    arms = compare(iterations=0)
    assert arms["self_labelled"] == arms["seed_only"]
    assert arms["true_labels_leak"]["accuracy"] == arms["seed_only"]["accuracy"]
    assert arms["seed_only"] == compare()["seed_only"]


def test_only_the_leak_has_no_wrong_machine_label():
    arms = compare()
    assert arms["true_labels_leak"]["label_accuracy"] == 1
    assert arms["self_labelled"]["label_accuracy"] < 1


def test_the_truth_of_rows_without_a_given_label_changes_nothing_but_the_figures_of_the_leak():
    other = POOL_TRUTH.copy()
    other[6:] = np.random.default_rng(2).permutation(other[6:])
    one, permuted = compare(), compare(pool_truth=other)
    for arm in ("seed_only", "self_labelled"):
        for figure in ("accuracy", "coverage"):
            assert permuted[arm][figure] == one[arm][figure]
    assert permuted["true_labels_leak"]["accuracy"] != one["true_labels_leak"]["accuracy"]


def test_where_nothing_is_accepted_there_is_no_label_accuracy():
    arms = compare(iterations=0, final_threshold=1.0)
    assert [sorted(figures) for figures in arms.values()] == [["accuracy", "coverage"]] * 3
