"""Classifiers: fitted on labels, they score every class in its own column."""

import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.semi_supervised import LabelSpreading
from sklearn.svm import SVC, LinearSVC
from threadpoolctl import threadpool_limits

from selflabel.models import catalogue, classifiers
from selflabel.models.calibration import ovr_logistic
from selflabel.models.catalogue import NAMES
from selflabel.models.classifiers import ClassifierConfig, TrainingSet

THREE = np.float32([[5, 0], [6, 0], [0, 5], [0, 6], [-5, -5], [-6, -6]])
LABELS = np.int16([0, 0, 1, 1, 2, 2])

# A pool of 600 handwritten digits, 8×8; the first 200 have labels.
DIGITS, TRUTH = (array[:600] for array in load_digits(return_X_y=True))
DIGITS = (DIGITS / 16).astype(np.float32)
ROWS, OTHERS = np.arange(200), np.arange(200, 600)
# Few trees, which are slow.
DIGIT_RECIPES = {name: ClassifierConfig(name, trees=20) for name in [*NAMES, "sklearn.naive_bayes.MultinomialNB"]}
WEIGHTED = [name for name in NAMES if name not in ("knn", "label_spreading")]

every_name = pytest.mark.parametrize("name", DIGIT_RECIPES)


def fit(recipe="linear_svm", features=THREE, labels=LABELS, *, rows=None, weights=None, **options):
    recipe = ClassifierConfig(recipe) if isinstance(recipe, str) else recipe
    rows = np.arange(len(features)) if rows is None else rows
    options = {"n_classes": len(np.unique(labels)), **options}
    return classifiers.fit(recipe, TrainingSet(features, rows, labels, weights), **options)


def fit_digits(name, **changes):
    labels = changes.pop("labels", TRUTH[ROWS])
    weights = changes.pop("weights", None)
    return fit(DIGIT_RECIPES[name]._replace(**changes), DIGITS, labels, rows=ROWS, weights=weights)


def accuracy(score):
    return (score(DIGITS[OTHERS]).argmax(axis=1) == TRUTH[OTHERS]).mean()


def drawn(recipe, round_number=0):
    """Return the seed that a recipe has in a round."""
    return int(np.random.SeedSequence([recipe.seed, round_number]).generate_state(1)[0])


# What holds of each.


@every_name
def test_every_classifier_learns_digits_and_again_the_same(name):
    score = fit_digits(name)
    scores = score(DIGITS[OTHERS])
    assert scores.shape == (400, 10) and scores.dtype == np.float64 and np.isfinite(scores).all()
    assert accuracy(score) > 0.7
    assert fit_digits(name)(DIGITS[OTHERS]).tobytes() == scores.tobytes()


@every_name
def test_scores_of_a_row_do_not_depend_on_the_other_rows_scored(name, monkeypatch):
    score = fit_digits(name)
    whole = score(DIGITS[:60])
    monkeypatch.setattr(classifiers, "KERNEL_CHUNK", 7)
    np.testing.assert_allclose(np.vstack([score(DIGITS[:1]), score(DIGITS[1:60])]), whole, rtol=1e-5, atol=1e-5)


@every_name
def test_two_classes_have_two_columns_of_opposite_scores(name):
    rows = np.flatnonzero(TRUTH < 2)
    taught = rows[:60]
    scores = fit(DIGIT_RECIPES[name], DIGITS, TRUTH[taught], rows=taught)(DIGITS[rows])
    assert scores.shape == (len(rows), 2)
    np.testing.assert_allclose(scores[:, 0], -scores[:, 1], atol=1e-4)
    assert (scores.argmax(axis=1) == TRUTH[rows]).mean() > 0.85


@every_name
def test_fitting_leaves_the_global_random_numbers_alone(name):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    fit_digits(name)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


# Trees break ties between classes by their order.
@pytest.mark.parametrize("name", [name for name in DIGIT_RECIPES if "forest" not in name and "boost" not in name])
def test_renumbered_classes_move_their_columns(name):
    renumbered = fit_digits(name, labels=9 - TRUTH[ROWS])(DIGITS[OTHERS])
    np.testing.assert_allclose(renumbered, fit_digits(name)(DIGITS[OTHERS])[:, ::-1], rtol=0.01, atol=0.01)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_class_without_a_label_is_low_everywhere_to_kernel_ridge(missing):
    is_there = missing != LABELS
    recipe = ClassifierConfig("kernel_ridge", C=10.0)
    given = TrainingSet(THREE, np.flatnonzero(is_there), LABELS[is_there])
    scores = classifiers.fit(recipe, given, n_classes=3)(THREE)
    assert scores.shape == (len(THREE), 3)
    others = [number for number in range(3) if number != missing]
    assert (scores[is_there][:, missing] < scores[is_there][:, others].max(axis=1)).all()


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_class_without_a_label_is_refused(missing):
    is_there = missing != LABELS
    with pytest.raises(ValueError) as error:
        fit(features=THREE[is_there], labels=LABELS[is_there], n_classes=3)
    assert str(error.value) == (
        f"every class needs at least one label to learn from, class {missing} has none; "
        "classifier.name=kernel_ridge goes without"
    )


# More features than rows: only then does LinearSVC draw at all.
WIDE = np.random.default_rng(0).normal(size=(6, 40)).astype(np.float32)


def test_the_draws_depend_on_the_seed_and_on_the_round():
    def scores(seed, number):
        return fit(ClassifierConfig("linear_svm", C=100.0, seed=seed), WIDE, round_number=number)(WIDE).tobytes()

    assert len({scores(seed, number) for seed in (0, 1) for number in (0, 1)}) == 4
    assert scores(1, 1) == scores(1, 1)


# What holds of one.


def test_a_row_scores_highest_in_the_column_of_its_class():
    np.testing.assert_array_equal(fit()(THREE).argmax(axis=1), LABELS)


@pytest.mark.parametrize("features", [THREE, WIDE])
def test_linear_svm_is_the_one_of_scikit_learn_to_the_last_bit(features):
    recipe = ClassifierConfig("linear_svm", C=0.01, seed=5)
    reference = LinearSVC(C=0.01, random_state=drawn(recipe, 3)).fit(features, LABELS)
    scores = fit(recipe, features, round_number=3)(features)
    np.testing.assert_array_equal(scores, reference.decision_function(features))


@pytest.mark.parametrize("name", ["linear_svm", "logistic_regression"])
def test_less_regularisation_gives_larger_scores(name):
    sizes = [np.abs(fit(ClassifierConfig(name, C=C))(THREE)).mean() for C in (1e-3, 1e-1, 10.0)]
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_kernel_svm_is_one_against_the_rest(n_classes):
    rows = ROWS[TRUTH[ROWS] < n_classes]
    gamma = 0.7 / (64 * DIGITS[rows].astype(np.float64).var())
    reference = OneVsRestClassifier(SVC(C=3.0, gamma=gamma)).fit(DIGITS[rows], TRUTH[rows])
    scores = fit(ClassifierConfig("kernel_svm", C=3.0, gamma=0.7), DIGITS, TRUTH[rows], rows=rows)(DIGITS)
    expected = reference.decision_function(DIGITS)
    np.testing.assert_allclose(scores if n_classes > 2 else scores[:, 1], expected, atol=1e-6)


def test_the_weights_of_kernel_svm_are_those_of_scikit_learn():
    weights = np.random.default_rng(0).uniform(0.1, 1, len(ROWS))
    svm = SVC(gamma="scale").fit(DIGITS[ROWS], TRUTH[ROWS] == 7, weights)
    scores = fit_digits("kernel_svm", weights=weights)(DIGITS)
    np.testing.assert_allclose(scores[:, 7], svm.decision_function(DIGITS), atol=1e-6)


@pytest.mark.parametrize(("n_components", "agreement"), [(1000, 0.97), (100, 0.93)])
def test_beyond_its_limit_kernel_svm_comes_close_to_the_exact_one(n_components, agreement, monkeypatch):
    exact = fit_digits("kernel_svm")(DIGITS).argmax(axis=1)
    assert fit_digits("kernel_svm", seed=1)(DIGITS).argmax(axis=1).tobytes() == exact.tobytes()
    monkeypatch.setattr(classifiers, "EXACT_ROWS", 199)
    monkeypatch.setattr(classifiers, "NYSTROEM_COMPONENTS", n_components)
    monkeypatch.setattr("sklearn.svm.SVC.fit", None)
    assert (fit_digits("kernel_svm")(DIGITS).argmax(axis=1) == exact).mean() > agreement


def test_kernel_svm_bears_rows_that_are_all_alike():
    assert np.isfinite(fit("kernel_svm", np.ones((6, 2), np.float32))(THREE)).all()


def test_neighbours_are_all_rows_where_there_are_fewer():
    assert np.ptp(fit(ClassifierConfig("knn", neighbours=99))(THREE)) == 0
    fit(ClassifierConfig("label_spreading", neighbours=99))


# 25 points on each of two half circles that reach into each other.
ANGLES = np.tile(np.linspace(0, np.pi, 25), 2)
IS_LOWER = np.repeat([False, True], 25)
MOONS = np.column_stack([np.cos(ANGLES), np.sin(ANGLES)])
MOONS = np.where(IS_LOWER[:, None], [1, 0.4] - MOONS, MOONS).astype(np.float32)


def test_label_spreading_learns_from_rows_without_a_label():
    def predicted(name, neighbours):
        ends, labels = np.array([0, 49]), np.array([0, 1])
        return fit(ClassifierConfig(name, neighbours=neighbours), MOONS, labels, rows=ends)(MOONS).argmax(axis=1)

    assert (predicted("knn", 1) == IS_LOWER).mean() < 0.8
    np.testing.assert_array_equal(predicted("label_spreading", 5), IS_LOWER)


def test_label_spreading_holds_no_matrix_of_all_rows_by_all_rows(monkeypatch):
    build, graphs = LabelSpreading._build_graph, []
    monkeypatch.setattr(LabelSpreading, "_build_graph", lambda self: graphs.append(build(self)) or graphs[-1])
    features = np.random.default_rng(0).normal(size=(4000, 20)).astype(np.float32)
    tracemalloc.start()
    fit("label_spreading", features, np.arange(40) % 2, rows=np.arange(40))(features)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sparse.issparse(graphs[0]) and graphs[0].nnz <= 4000 * 10
    # A byte for each pair of rows would already be too much.
    assert peak < 4000**2


def test_rows_that_no_label_reaches_score_alike_in_each_class():
    far = np.vstack([THREE, THREE + 1000, THREE + 1001])
    scores = fit(ClassifierConfig("label_spreading", neighbours=2), far, LABELS, rows=np.arange(6))(far)
    np.testing.assert_array_equal(scores[:6].argmax(axis=1), LABELS)
    np.testing.assert_allclose(scores[6:], np.log(1 / 2))
    np.testing.assert_allclose(ovr_logistic(scores[6:]), 1 / 3)


# Whole numbers, so that many rows are equally near, and enough of them for threads to share the work.
WHOLE = np.random.default_rng(0).integers(0, 4, (1500, 60)).astype(np.float32)


@pytest.mark.parametrize("name", ["logistic_regression", "kernel_svm", "label_spreading", "hist_gradient_boosting"])
def test_scores_do_not_depend_on_the_number_of_threads(name):
    def scores(n_threads):
        with threadpool_limits(n_threads):
            score = fit(DIGIT_RECIPES[name], WHOLE, WHOLE[:500, 0].astype(int), rows=np.arange(500))
            return score(WHOLE).tobytes()

    assert scores(1) == scores(2)


FRESH = """
import sys, numpy as np
from selflabel.models.classifiers import ClassifierConfig, TrainingSet, fault, fit
assert fault("kernel_svm", {}, has_weights=False) is None and "sklearn" not in sys.modules
features = np.random.default_rng(0).integers(0, 4, (1500, 20)).astype(np.float32)
given = TrainingSet(features, np.arange(500), features[:500, 0].astype(int) // 2)
sys.stdout.buffer.write(fit(ClassifierConfig("label_spreading"), given, n_classes=2)(features).tobytes())
"""


def test_a_new_process_imports_scikit_learn_only_to_fit_and_then_has_one_thread():
    scores = [
        subprocess.run([sys.executable, "-c", FRESH], env={**os.environ, "OMP_NUM_THREADS": n}, capture_output=True)
        for n in ("1", "4")
    ]
    assert scores[0].stderr == b"" and len(scores[0].stdout) == 1500 * 2 * 8
    assert scores[0].stdout == scores[1].stdout


def test_boosting_bears_many_labels_with_a_class_of_one():
    # scikit-learn's own setting would hold a tenth back from 10,000 rows on, of each class.
    labels = np.r_[0, np.tile([1, 2], 5001)]
    fit(ClassifierConfig("hist_gradient_boosting", trees=1), np.arange(len(labels), dtype=np.float32)[:, None], labels)


# Log-odds.


@pytest.mark.parametrize(
    ("recipe", "reference"),
    [
        (ClassifierConfig("logistic_regression", C=2.0), LogisticRegression(C=2.0, max_iter=10_000)),
        (ClassifierConfig("knn", neighbours=5), KNeighborsClassifier(5)),
        (
            ClassifierConfig("random_forest", trees=30),
            RandomForestClassifier(30, random_state=drawn(ClassifierConfig(""))),
        ),
        (
            ClassifierConfig("sklearn.naive_bayes.GaussianNB", options={"var_smoothing": 0.5}),
            GaussianNB(var_smoothing=0.5),
        ),
    ],
)
def test_the_logistic_of_log_odds_is_the_probability_again(recipe, reference):
    scores = fit(recipe, DIGITS, TRUTH[ROWS], rows=ROWS)(DIGITS)
    np.testing.assert_allclose(
        ovr_logistic(scores), reference.fit(DIGITS[ROWS], TRUTH[ROWS]).predict_proba(DIGITS), atol=1e-5
    )


def test_a_probability_of_one_has_finite_log_odds():
    scores = fit(ClassifierConfig("knn", neighbours=1))(THREE)
    assert scores.max() == pytest.approx(-scores.min()) == pytest.approx(13.8, abs=0.1)


# Weights.


def test_a_weight_of_two_counts_as_the_row_twice():
    overlapping = np.random.default_rng(0).normal(size=(30, 2)).astype(np.float32)
    labels = np.arange(30) % 3
    twice = np.r_[np.arange(30), np.arange(10)]
    weighted = fit(features=overlapping, labels=labels, weights=np.repeat([2.0, 1.0], [10, 20]))(overlapping)
    np.testing.assert_allclose(weighted, fit(features=overlapping, labels=labels[twice], rows=twice)(overlapping), 1e-4)


# Weights change a forest's draws.
@pytest.mark.parametrize("name", [name for name in WEIGHTED if name != "random_forest"])
def test_equal_weights_of_one_change_nothing(name):
    scores = fit_digits(name, weights=np.ones(len(ROWS)))(DIGITS)
    np.testing.assert_allclose(scores, fit_digits(name)(DIGITS), rtol=1e-6)


@pytest.mark.parametrize(("name", "exact_rows"), [*((name, 5000) for name in WEIGHTED), ("kernel_svm", 0)])
def test_wrong_labels_of_hardly_any_weight_teach_hardly_anything(name, exact_rows, monkeypatch):
    is_wrong = ROWS % 3 == 1
    labels = np.where(is_wrong, (TRUTH[ROWS] + 1) % 10, TRUTH[ROWS])
    weights = np.where(is_wrong, 1e-6, 1.0)
    monkeypatch.setattr(classifiers, "EXACT_ROWS", exact_rows)
    right = accuracy(fit_digits(name, labels=labels, weights=weights))
    assert right > accuracy(fit_digits(name)) - 0.05
    assert right > accuracy(fit_digits(name, labels=labels)) + 0.03


# Names and options.

NAIVE, SVM = "sklearn.naive_bayes.GaussianNB", "sklearn.svm.SVC"


@pytest.mark.parametrize("name", [*NAMES, NAIVE, SVM, "sklearn.svm.LinearSVC", "sklearn.linear_model.Perceptron"])
def test_what_works_has_no_fault(name):
    assert catalogue.fault(name, {}, has_weights=False) is None


@pytest.mark.parametrize("name", [*WEIGHTED, NAIVE, SVM])
def test_what_can_weight_has_no_fault_with_weights(name):
    assert catalogue.fault(name, {}, has_weights=True) is None


@pytest.mark.parametrize("name", ["knn", "label_spreading", "sklearn.neighbors.KNeighborsClassifier"])
def test_weights_are_refused_where_rows_cannot_be_weighted(name):
    sentence = f"training.weights must be none with classifier.name={name}, which cannot weight what it learns from"
    assert catalogue.fault(name, {}, has_weights=True) == sentence
    with pytest.raises(ValueError) as error:
        fit(name, weights=np.ones(6))
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    "name",
    [
        "svm",
        "",
        "GaussianNB",
        "numpy.ndarray",
        "sklearn",
        "sklearn.",
        "sklearn..GaussianNB",
        "sklearn.nope",
        "sklearn.nope.GaussianNB",
        "sklearn.naive_bayes",
        "sklearn.naive_bayes.Nope",
        "sklearn.base.clone",
        "sklearn.base.ClassifierMixin",
        "sklearn.cluster.KMeans",
        "sklearn.ensemble.IsolationForest",
        "sklearn.linear_model.Ridge",
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing.StandardScaler",
    ],
)
def test_what_is_no_classifier_is_refused_by_name(name):
    assert catalogue.fault(name, {}, has_weights=False) == (
        "classifier.name must be one of linear_svm, logistic_regression, kernel_svm, knn, label_spreading, "
        "random_forest, hist_gradient_boosting, kernel_ridge, or a classifier of scikit-learn such as "
        f"sklearn.naive_bayes.GaussianNB, got {name!r}"
    )
    with pytest.raises(ValueError, match=r"classifier\.name must be one of"):
        fit(name)


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("knn", {"p": 1}, "classifier.options must be empty with classifier.name=knn, got {'p': 1}"),
        (NAIVE, {"nope": 1, 2: 3}, f"classifier.options must be arguments of {NAIVE}, got ['2', 'nope']"),
        (
            "sklearn.ensemble.VotingClassifier",
            {},
            "classifier.options must suit sklearn.ensemble.VotingClassifier, got {}: "
            "VotingClassifier.__init__() missing 1 required positional argument: 'estimators'",
        ),
        (
            NAIVE,
            {"var_smoothing": -1},
            f"classifier.options must suit {NAIVE}, got {{'var_smoothing': -1}}: The 'var_smoothing' parameter of "
            "GaussianNB must be a float in the range [0.0, inf). Got -1 instead.",
        ),
        (
            SVM,
            {"decision_function_shape": "ovo"},
            "classifier.options must give one score a class: decision_function_shape must be ovr, got 'ovo'",
        ),
    ],
)
def test_options_that_cannot_work_are_refused(name, options, sentence):
    assert catalogue.fault(name, options, has_weights=False) == sentence
    with pytest.raises(ValueError, match=r"classifier\.options must"):
        fit(ClassifierConfig(name, options=options))


def test_a_classifier_without_class_scores_is_refused(monkeypatch):
    monkeypatch.delattr(GaussianNB.__mro__[1], "predict_proba")
    sentence = f"classifier.name must have predict_proba or decision_function, got {NAIVE!r}"
    assert catalogue.fault(NAIVE, {}, has_weights=False) == sentence


def test_an_import_path_gets_its_options_and_the_seed_of_the_round():
    name, options = "sklearn.ensemble.RandomForestClassifier", {"n_estimators": 20}
    forest = fit_digits("random_forest", seed=7)(DIGITS)
    np.testing.assert_array_equal(
        fit(ClassifierConfig(name, seed=7, options=options), DIGITS, TRUTH[ROWS], rows=ROWS)(DIGITS), forest
    )
    seeded = ClassifierConfig(name, seed=8, options={**options, "random_state": drawn(ClassifierConfig("", seed=7))})
    np.testing.assert_array_equal(fit(seeded, DIGITS, TRUTH[ROWS], rows=ROWS)(DIGITS), forest)
