"""Parameters against each other: what no single value can get wrong."""

import subprocess
import sys

import numpy as np
import param_trees
import pytest
import yaml
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from projects import ROOT

from selflabel.config import checks, load, schema
from selflabel.data.registry import BUILT_IN
from selflabel.features import extractors
from selflabel.loop import query
from selflabel.models import catalogue

TREE, TUTORIAL = (
    yaml.safe_load((ROOT / path).read_text(encoding="utf-8")) for path in ("params.yaml", "presets/tutorial.yaml")
)
# Whatever the committed values come to be.
TREE = load.merged(TREE, TUTORIAL)


def changed(*changes):
    return param_trees.changed(TREE, *changes)


def hog(**values):
    return load.faults(changed(*((f"features.hog.{key}", value) for key, value in values.items())))


def test_a_block_that_is_larger_than_the_window_is_a_fault():
    assert hog(block=35) == ["features.hog.block must be at most the window (28), got 35"]


def test_a_stride_that_does_not_reach_the_edge_of_the_window_is_a_fault():
    assert hog(block=7, stride=14) == ["features.hog.stride must divide window − block (28 − 7), got 14"]


def test_a_cell_that_does_not_divide_the_block_is_a_fault():
    assert hog(block=7, stride=7, cell=21) == [
        "features.hog.cell must divide the block (7), got 21",
        "features.hog.stride must be a multiple of the cell (21), got 7",
    ]


def test_a_stride_between_cells_is_a_fault():
    assert hog(cell=2) == ["features.hog.stride must be a multiple of the cell (2), got 7"]


def test_a_hog_window_that_is_not_the_image_is_a_fault():
    assert load.faults(changed(("dataset.name", "digits"))) == [
        "features.hog.window must be 8, the size of the images of digits, got 28; "
        "features.extractor=pixels takes any size"
    ]
    assert hog(window=14) == [
        "features.hog.window must be 28, the size of the images of fashion_mnist, got 14; "
        "features.extractor=pixels takes any size"
    ]


def test_own_images_have_the_size_that_is_asked_for():
    own = [("dataset.name", "folder"), ("dataset.image_size", 64)]
    assert load.faults(changed(*own)) == [
        "features.hog.window must be 64, the size of the images of folder, got 28; "
        "features.extractor=pixels takes any size"
    ]
    assert load.faults(changed(*own, ("dataset.image_size", 28))) == []
    small = [("features.extractor", "hog_fine"), ("features.hog_fine.cell", 65)]
    (fault,) = load.faults(changed(*own, *small))
    assert fault == "features.hog_fine.cell must be at most 64, the size of the images, got 65"


@pytest.mark.parametrize("name", ["folder", "csv", "npz", "idx"])
def test_the_smallest_class_of_own_data_is_not_known_beforehand(name):
    changes = [("dataset.name", name), ("dataset.image_size", 28), ("training.folds", 20)]
    assert load.faults(changed(*changes, ("seed_labels.percentage", 0.001))) == []


def test_the_geometry_of_hog_does_not_matter_where_it_is_not_used():
    changes = [("features.extractor", "pixels"), ("dataset.name", "digits"), ("features.hog.cell", 5)]
    assert load.faults(changed(*changes)) == []


def test_a_block_of_fewer_than_four_values_is_a_fault():
    # OpenCV's normalisation takes four at a time and ends the process where there are fewer.
    (fault,) = hog(block=7, stride=7, cell=7, bins=3)
    assert fault.startswith("features.hog.bins must ")
    assert hog(block=7, stride=7, cell=7, bins=4) == hog(bins=1) == []


@example(cell=7, cells=2, strides=1, steps=2, bins=9)
@settings(max_examples=200)
@given(
    cell=st.integers(1, 8), cells=st.integers(1, 3), strides=st.integers(1, 3), steps=st.integers(0, 3),
    bins=st.integers(1, 9),
)  # fmt: skip
def test_every_hog_that_is_accepted_can_be_computed(cell, cells, strides, steps, bins):
    block, stride = cell * cells, cell * strides
    window = block + stride * steps
    values = {"window": window, "block": block, "stride": stride, "cell": cell, "bins": bins}
    assume(not [fault for fault in hog(**values) if "the size of the images" not in fault])
    n_values = (block // cell) ** 2 * bins
    assert n_values >= 4, "computing this would end the process"
    images = np.zeros((1, window, window), np.uint8)
    extract = extractors.hog(images, {"hog": TREE["features"]["hog"] | values})
    images = np.arange(window * window, dtype=np.uint8).reshape(1, window, window)
    n_blocks = (window - block) // stride + 1
    assert extract(images).shape == (1, n_blocks**2 * n_values)


@pytest.mark.parametrize(("rounds", "section"), [("leak", "leak"), ("self_label", "accept")])
@pytest.mark.parametrize(
    ("iterations", "start", "step", "last"), [(11, 0.5, 0.1, "1.5"), (3, 0.1, -0.06, "-0.02"), (2, 1, 0.001, "1.001")]
)
def test_a_threshold_that_leaves_the_probabilities_is_a_fault(rounds, section, iterations, start, step, last):
    values = ((f"{section}.threshold_start", start), (f"{section}.threshold_step", step))
    assert load.faults(changed((f"{rounds}.iterations", iterations), *values)) == [
        f"{section}.threshold_step must keep the threshold of round {iterations} in [0, 1], "
        f"got {step:g}, which makes it {last}"
    ]


@pytest.mark.parametrize(("iterations", "start", "step"), [(0, 1, 1), (1, 0, -1), (8, 0.7, -0.1), (11, 0, 0.1)])
def test_a_threshold_may_reach_0_and_1_in_the_last_round(iterations, start, step):
    values = {"iterations": iterations, "threshold_start": start, "threshold_step": step}
    assert load.faults(changed(*((f"leak.{key}", value) for key, value in values.items()))) == []


def test_more_rounds_than_the_table_has_are_a_fault_that_names_the_remedy():
    assert load.faults(TREE, n_round_rows=9) == [
        "self_label.iterations must be at most 9, the rows of rounds/table.yaml, got 10; "
        "`make rounds N=10` extends the table"
    ]
    assert load.faults(TREE, n_round_rows=10) == []


@pytest.mark.parametrize("name", ["fashion_mnist", "digits"])
def test_a_percentage_that_gives_a_class_no_seed_label_is_a_fault(name):
    size = BUILT_IN[name].smallest_class
    dataset = load.parse(TREE, source="a tree").dataset.model_copy(update={"name": name})
    for percentage, n_faults in ((40 / size, 1), (60 / size, 0)):
        sections = {"dataset": dataset, "seed_labels": schema.SeedLabels(percentage=percentage, seed=0)}
        assert len(checks.faults(sections, n_round_rows=None)) == n_faults


@pytest.mark.parametrize(("sigma", "n_faults"), [(-1.0, 0), (-0.5, 1), (0.0, 1), (1e-30, 1), (0.5, 0), (4.0, 0)])
def test_a_sigma_that_opencv_would_take_for_another_is_a_fault(sigma, n_faults):
    found = load.faults(changed(("features.hog.win_sigma", sigma)))
    assert len(found) == n_faults
    assert all(fault.startswith("features.hog.win_sigma must be -1 or at least 0.5, got ") for fault in found)


def test_a_geometric_threshold_that_leaves_the_probabilities_is_a_fault():
    rule = (("accept.rule", "geometric"), ("accept.threshold_start", 0.75), ("self_label.iterations", 3))
    assert load.faults(changed(*rule, ("accept.threshold_factor", 1.1))) == []
    assert load.faults(changed(*rule, ("accept.threshold_factor", 1.2))) == [
        "accept.threshold_factor must keep the threshold of round 3 in [0, 1], got 1.2, which makes it 1.08"
    ]


def scheduled(*, iterations, final_threshold, **rule):
    rounds = (("self_label.iterations", iterations), ("self_label.final_threshold", final_threshold))
    return load.faults(changed(*((f"accept.{name}", value) for name, value in rule.items()), *rounds))


def test_where_the_last_acceptance_goes_by_the_rule_its_threshold_has_to_be_one_too():
    up, down = {"threshold_start": 0, "threshold_step": 0.1}, {"threshold_start": 0.2, "threshold_step": -0.1}
    assert scheduled(**up, iterations=11, final_threshold=0.1) == []
    assert scheduled(**up, iterations=10, final_threshold=None) == []
    assert scheduled(**up, iterations=11, final_threshold=None) == [
        "accept.threshold_step must keep the threshold of round 12 in [0, 1], got 0.1, which makes it 1.1"
    ]
    assert scheduled(**down, iterations=3, final_threshold=0.0) == []
    assert scheduled(**down, iterations=3, final_threshold=None) == [
        "accept.threshold_step must keep the threshold of round 4 in [0, 1], got -0.1, which makes it -0.1"
    ]


def test_so_has_that_of_a_geometric_one():
    rule = {"rule": "geometric", "threshold_start": 0.5, "threshold_factor": 2.0}
    assert scheduled(**rule, iterations=2, final_threshold=0.1) == []
    assert scheduled(**rule, iterations=1, final_threshold=None) == []
    assert scheduled(**rule, iterations=2, final_threshold=None) == [
        "accept.threshold_factor must keep the threshold of round 3 in [0, 1], got 2, which makes it 2"
    ]


def test_without_rounds_the_last_acceptance_has_the_first_threshold():
    assert scheduled(iterations=0, threshold_start=1.0, threshold_step=1.0, final_threshold=None) == []


def test_the_leak_has_no_last_acceptance_to_hold_to_its_range():
    leak = {"iterations": 11, "threshold_start": 0, "threshold_step": 0.1}
    values = [*((f"leak.{name}", value) for name, value in leak.items()), ("accept.rule", "fixed")]
    assert load.faults(changed(*values, ("self_label.final_threshold", None))) == []


def test_a_key_of_another_rule_is_a_fault_that_names_whose_it_is():
    tree = changed(("accept.rule", "fixed"))
    tree["accept"] |= {"threshold_step": 0.1, "k": 3, "treshold": 1}
    assert load.faults(tree) == [
        "accept.k belongs to accept.rule=k_best or class_k_best alone",
        "accept.threshold_step belongs to accept.rule=linear alone",
        "accept.treshold is not a parameter; did you mean threshold_start?",
    ]


@pytest.mark.parametrize(
    ("section", "chooser", "values", "fault"),
    [
        ("accept", "rule", {}, "accept.rule is missing"),
        (
            "accept",
            "rule",
            {"rule": "best"},
            "accept.rule must be one of fixed, linear, geometric, flexmatch, target_error, percentile, k_best, "
            "class_k_best, got 'best'",
        ),
        ("classifier", "name", {"C": 1.0}, "classifier.name is missing"),
        ("accept", "rule", 3, "accept must be a mapping of parameters, got 3"),
    ],
)
def test_a_section_whose_kind_is_missing_or_unknown_is_one_fault(section, chooser, values, fault):
    assert load.faults(TREE | {section: values}) == [fault]


@pytest.mark.parametrize("path", [*schema.MOVED, *schema.REMOVED])
def test_a_key_of_an_older_file_is_refused_with_its_new_name_or_why_it_is_gone(path):
    tree = changed()
    *sections, key = path.split(".")
    inner = tree
    for name in sections:
        inner = inner[name]
    inner[key] = 1
    new = schema.MOVED.get(path)
    why = f"{path} is {new} now" if new else f"{path} is no parameter any more: {schema.REMOVED[path]}"
    assert load.faults(tree) == [why]


def test_an_older_file_is_told_the_new_names_and_not_that_their_sections_are_missing():
    tree = {name: values for name, values in TREE.items() if name not in ("accept", "training", "stopping")}
    old = {"accept": "fixed", "threshold_start": 0.5, "folds": 3, "stop": []}
    assert load.faults(tree | {"self_label": TREE["self_label"] | old}) == [
        "self_label.accept is accept.rule now",
        "self_label.folds is training.folds now",
        "self_label.stop is stopping.stop now",
        "self_label.threshold_start is accept.threshold_start now",
    ]


@pytest.mark.parametrize(
    ("path", "chooser", "without"),
    [("ask.lower_threshold", "ask.strategy", "margin"), ("stopping.stable_kappa", "stopping.stop", [])],
)
def test_a_value_that_belongs_to_one_word_stands_with_it_and_with_it_alone(path, chooser, without):
    word = param_trees.WITH[tuple(path.split("."))][1]
    named = word[0] if isinstance(word, list) else word
    assert load.faults(changed((path, 0.5))) == []
    assert load.faults(changed((path, 0.5), (chooser, without))) == [f"{path} belongs to {chooser}={named} alone"]
    assert load.faults(changed((chooser, word))) == [f"{path} is missing, which {chooser}={named} needs"]


NEEDS_FOLDS = {
    "accept.rule": "target_error", "training.confidence": "isotonic", "stopping.precision_margin": 0.25,
    "smoothing.adapt": True,
}  # fmt: skip


@pytest.mark.parametrize("folds", [0, 1])
@pytest.mark.parametrize(("name", "value"), NEEDS_FOLDS.items())
def test_what_is_judged_out_of_fold_needs_folds(name, value, folds):
    needy = (name, value)
    assert load.faults(changed(needy, ("training.folds", folds))) == [
        f"training.folds must be from 2 to 20 with {name}={value}, got {folds}"
    ]
    assert load.faults(changed(needy, ("training.folds", 2))) == []


def test_all_that_needs_folds_is_named():
    assert load.faults(changed(*NEEDS_FOLDS.items())) == [
        "training.folds must be from 2 to 20 with accept.rule=target_error and training.confidence=isotonic "
        "and stopping.precision_margin=0.25 and smoothing.adapt=True, got 0"
    ]


def test_a_single_fold_is_a_fault_even_where_none_is_needed():
    assert load.faults(changed(("training.folds", 1))) == ["training.folds must be from 2 to 20, got 1"]
    assert load.faults(changed(("training.folds", 0))) == []


@pytest.mark.parametrize(("percentage", "n_given"), [(0.05, 3), (0.1, 6), (0.2, 12)])
def test_more_folds_than_seed_labels_of_the_smallest_class_are_a_fault(percentage, n_given):
    seeds = ("seed_labels.percentage", percentage)
    assert load.faults(changed(seeds, ("training.folds", n_given))) == []
    assert load.faults(changed(seeds, ("training.folds", n_given + 1))) == [
        f"training.folds must be at most {n_given}, the seed labels of the smallest class, got {n_given + 1}"
    ]


def test_where_a_class_has_no_seed_label_that_is_the_fault_and_not_the_folds():
    (fault,) = load.faults(changed(("seed_labels.percentage", 0.001), ("training.folds", 5)))
    assert fault.startswith("seed_labels.percentage must ")


WRONG_STRATEGY = f"ask.strategy must be one of {', '.join(query.NAMES)}, or different ones but none joined by +, got "


TWICE_OR_NOBODY = ["margin+margin", "margin+random+margin", "none+margin", "margin+none", "none+none"]


@pytest.mark.parametrize(
    "strategy", ["", "marge", "margin+", "+margin", "margin + random", "Margin", "margin+marge", *TWICE_OR_NOBODY]
)
def test_a_strategy_that_is_no_mix_of_different_ones_is_a_fault(strategy):
    assert load.faults(changed(("ask.strategy", strategy))) == [f"{WRONG_STRATEGY}{strategy!r}"]


@settings(max_examples=30)
@given(st.lists(st.sampled_from(sorted(set(query.STRATEGIES) - {"lower_threshold"})), min_size=1, unique=True))
def test_any_different_strategies_make_a_mix(names):
    assert load.faults(changed(("ask.strategy", "+".join(names)), ("graph.neighbours", 5))) == []


def test_to_ask_nobody_is_a_strategy():
    assert load.faults(changed(("ask.strategy", "none"))) == []


BAYES = "sklearn.naive_bayes.GaussianNB"


@pytest.mark.parametrize(
    ("values", "has_weights"),
    [
        ({"name": "svm", "options": {}}, False),
        ({"name": "sklearn.naive_bayes.NoSuch", "options": {}}, False),
        ({"name": BAYES, "options": {"var_smoothing": -1}}, False),
        ({"name": BAYES, "options": {"smooth": 1}}, False),
        ({"name": "knn", "neighbours": 10}, True),
    ],
)
def test_a_classifier_that_cannot_work_is_the_fault_that_classifiers_name(values, has_weights):
    weights = ("training.weights", "confidence" if has_weights else "none")
    fault = catalogue.fault(values["name"], values.get("options", {}), has_weights=has_weights)
    assert fault.startswith(("classifier.", "training.weights "))
    assert load.faults(changed(("classifier", values | {"seed": 0}), weights)) == [fault]


@pytest.mark.parametrize("weights", ["none", "confidence"])
@pytest.mark.parametrize(
    "values",
    [
        {"name": "linear_svm", "C": 1.0},
        {"name": "random_forest", "trees": 3},
        {"name": BAYES, "options": {"var_smoothing": 0.1}},
    ],
)
def test_a_classifier_that_can_work_is_no_fault(values, weights):
    assert load.faults(changed(("classifier", values | {"seed": 0}), ("training.weights", weights))) == []


def test_rules_about_a_section_that_is_missing_are_left_out():
    sections = {"dataset": load.parse(TREE, source="a tree").dataset}
    assert checks.faults(sections, n_round_rows=3) == checks.faults({}, n_round_rows=3) == []


# A fifth of a second each: these are for who waits for `dvc repro` to begin.
SLOW = {"sklearn", "scipy.stats", "scipy.spatial", "scipy.optimize", "matplotlib", "tensorflow"}


def test_checking_does_not_wait_for_what_it_does_not_need():
    code = f"import sys; from selflabel.config import load; load.faults({TREE}); print(*({SLOW} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("strategy", ["smoothed_margin", "margin+mixed_margin"])
def test_a_margin_of_smoothed_scores_without_a_graph_is_a_fault(strategy):
    name = strategy.split("+")[-1]
    changes = (("ask.strategy", strategy), ("graph.neighbours", 0))
    assert load.faults(changed(*changes)) == [f"graph.neighbours must be at least 1 with ask.strategy={name}, got 0"]
    assert load.faults(changed(("ask.strategy", strategy), ("graph.neighbours", 1))) == []
    assert load.faults(changed(("ask.strategy", "raw_margin"), ("graph.neighbours", 0))) == []


def test_a_fine_cell_larger_than_the_image_is_a_fault():
    changes = (("features.extractor", "hog_fine"), ("features.hog_fine.cell", 29))
    assert load.faults(changed(*changes)) == [
        "features.hog_fine.cell must be at most 28, the size of the images, got 29"
    ]


def test_patches_that_do_not_fit_the_image_are_a_fault():
    def patches(**values):
        changes = ((f"features.kmeans_patches.{key}", value) for key, value in values.items())
        return load.faults(changed(("features.extractor", ["hog", "kmeans_patches"]), *changes))

    assert patches(patch=29) == ["features.kmeans_patches.patch must be at most 28, the size of the images, got 29"]
    assert patches(patch=24, stride=2, grid=4) == [
        "features.kmeans_patches.grid must be at most 3, the positions of a patch of 24 along a side of 28 in steps "
        "of 2, got 4"
    ]
    assert patches(patch=24, stride=2, grid=3) == []


def test_extractors_that_are_not_used_may_be_set_as_they_like():
    changes = (("features.extractor", "pixels"), ("features.kmeans_patches.patch", 60), ("features.hog_fine.cell", 99))
    assert load.faults(changed(*changes)) == []
