"""Classifiers: fitted on labels, they score every class in its own column."""

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from selflabel import classifiers
from selflabel.classifiers import Recipe

RECIPE = Recipe("linear_svm", 1.0, 0)
THREE = np.float32([[5, 0], [6, 0], [0, 5], [0, 6], [-5, -5], [-6, -6]])
LABELS = np.int16([0, 0, 1, 1, 2, 2])


def fit(labels=LABELS, features=THREE, n_classes=3, recipe=RECIPE, **options):
    return classifiers.fit(recipe, features, labels, n_classes=n_classes, **options)


def test_a_row_scores_highest_in_the_column_of_its_class():
    np.testing.assert_array_equal(fit()(THREE).argmax(axis=1), LABELS)


def test_renumbered_classes_move_their_columns():
    np.testing.assert_allclose(fit(2 - LABELS)(THREE), fit()(THREE)[:, ::-1])


def test_linear_svm_is_the_one_of_scikit_learn():
    reference = LinearSVC(C=0.01, random_state=5).fit(THREE, LABELS)
    scores = classifiers.linear_svm(THREE, LABELS, C=0.01, seed=5)(THREE)
    np.testing.assert_array_equal(scores, reference.decision_function(THREE))


def test_less_regularisation_gives_larger_margins():
    margins = [np.abs(fit(recipe=Recipe("linear_svm", C, 0))(THREE)).mean() for C in (1e-4, 1.0)]
    assert margins[0] < margins[1]


def test_two_classes_have_two_columns_of_opposite_margins():
    scores = fit(LABELS[:4], THREE[:4], n_classes=2)(THREE[:4])
    assert scores.shape == (4, 2)
    np.testing.assert_array_equal(scores[:, 0], -scores[:, 1])
    np.testing.assert_array_equal(scores.argmax(axis=1), LABELS[:4])


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_class_without_a_label_is_refused(missing):
    is_there = missing != LABELS
    with pytest.raises(ValueError) as error:
        fit(LABELS[is_there], THREE[is_there])
    assert str(error.value) == f"every class needs at least one label to learn from, class {missing} has none"


# More features than rows: only then does LinearSVC draw at all.
WIDE = np.random.default_rng(0).normal(size=(6, 40)).astype(np.float32)


def test_the_draws_depend_on_the_seed_and_on_the_round():
    def scores(seed, number):
        recipe = Recipe("linear_svm", 100.0, seed)
        return fit(LABELS, WIDE, recipe=recipe, round_number=number)(WIDE).tobytes()

    assert len({scores(seed, number) for seed in (0, 1) for number in (0, 1)}) == 4
    assert scores(1, 1) == scores(1, 1)


def test_fitting_leaves_the_global_random_numbers_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    fit(LABELS, WIDE)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
