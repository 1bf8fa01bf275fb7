"""Parameters: every fault, in its exact words, and all of them at once."""

import copy
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from selflabel import params

FILE = Path(__file__).parent.parent / "params.yaml"
TREE = yaml.safe_load(FILE.read_text(encoding="utf-8"))
NAN, INF = float("nan"), float("inf")

SECTIONS = "dataset, features, seed_labels, self_label, classifier, leak, evaluate, draw"
IN_KEYS = [(section, key) for section, keys in TREE.items() for key in keys if key != "hog"]
IN_KEYS += [("features", "hog", key) for key in TREE["features"]["hog"]]

WHOLE = ["bins", "block", "cell", "levels", "stride", "window"]
WHOLE = [("features", "hog", key) for key in WHOLE] + [
    ("seed_labels", "seed"), ("self_label", "iterations"), ("classifier", "seed"), ("leak", "iterations"),
    ("evaluate", "reliability_bins"), ("evaluate", "mistakes_per_round"), ("draw", "samples_per_class"),
    ("draw", "seed"),
]  # fmt: skip
NUMBERS = [
    ("features", "hog", "win_sigma"), ("features", "hog", "l2hys_threshold"), ("seed_labels", "percentage"),
    ("self_label", "threshold_start"), ("self_label", "threshold_step"), ("self_label", "final_threshold"),
    ("classifier", "C"), ("leak", "threshold_start"), ("leak", "threshold_step"),
]  # fmt: skip
SWITCHES = [("features", "hog", "gamma_correction"), ("features", "hog", "signed_gradients")]


def section_of(tree, path):
    for key in path[:-1]:
        tree = tree[key]
    return tree


def changed(*changes):
    tree = copy.deepcopy(TREE)
    for path, value in changes:
        path = path.split(".") if isinstance(path, str) else path
        section_of(tree, path)[path[-1]] = value
    return tree


def faults_of(path, value):
    return params.faults(changed((path, value)))


def test_the_committed_file_has_no_fault():
    table = yaml.safe_load((FILE.parent / "rounds" / "table.yaml").read_text(encoding="utf-8"))
    assert params.faults(TREE, n_round_rows=len(table["rounds"])) == []


def test_loading_gives_the_values_of_the_file():
    loaded = params.load(str(FILE))
    assert {name: section.model_dump() for name, section in loaded._asdict().items()} == TREE


def test_a_loaded_section_is_read_only():
    with pytest.raises(ValueError, match="frozen"):
        params.load(str(FILE)).seed_labels.seed = 1


@pytest.mark.parametrize("section", TREE)
def test_a_missing_section_is_a_fault(section):
    tree = copy.deepcopy(TREE)
    del tree[section]
    assert params.faults(tree) == [f"{section} is missing"]


@pytest.mark.parametrize("path", IN_KEYS, ids=".".join)
def test_a_missing_key_is_a_fault(path):
    tree = copy.deepcopy(TREE)
    del section_of(tree, path)[path[-1]]
    assert params.faults(tree) == [f"{'.'.join(path)} is missing"]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("self_lable", "self_lable is not a parameter; did you mean self_label?"),
        ("zzz", f"zzz is not a parameter; known here: {SECTIONS}"),
        ("dataset.nane", "dataset.nane is not a parameter; did you mean name?"),
        ("dataset.zzz", "dataset.zzz is not a parameter; known here: name, source"),
        ("features.hog.blok", "features.hog.blok is not a parameter; did you mean block?"),
        ("features.hog.zzz", f"features.hog.zzz is not a parameter; known here: {', '.join(TREE['features']['hog'])}"),
    ],
)
def test_an_unknown_key_is_a_fault_with_a_guess_where_one_is_close(path, sentence):
    assert faults_of(path, 0.5) == [sentence]


def test_keys_that_are_not_text_are_faults_too():
    tree = changed((["draw", 1], 2), ([None], 1))
    assert params.faults(tree) == [
        f"None is not a parameter; known here: {SECTIONS}",
        "draw.1 is invalid (Keys should be strings), got 1",
    ]


@pytest.mark.parametrize("tree", [None, [], "text", 3])
def test_a_tree_that_is_no_mapping_is_one_fault(tree):
    assert params.faults(tree) == [f"the parameters must be a mapping of sections, got {tree!r}"]


@pytest.mark.parametrize("value", [None, 5, [1], "text"])
@pytest.mark.parametrize("path", ["dataset", "features.hog", "leak"])
def test_a_section_that_is_no_mapping_is_one_fault(path, value):
    assert faults_of(path, value) == [f"{path} must be a mapping of parameters, got {value!r}"]


@pytest.mark.parametrize("value", [True, "3", 2.5, 3.0, None, [3], NAN, INF])
@pytest.mark.parametrize("path", WHOLE, ids=".".join)
def test_a_whole_number_is_no_boolean_no_quoted_number_and_no_fraction(path, value):
    assert faults_of(path, value) == [f"{'.'.join(path)} must be a whole number, got {value!r}"]


@pytest.mark.parametrize("value", [True, "0.5", None, [0.5], 10**400], ids=lambda value: str(value)[:9])
@pytest.mark.parametrize("path", NUMBERS, ids=".".join)
def test_a_number_is_no_boolean_and_no_quoted_number(path, value):
    assert faults_of(path, value) == [f"{'.'.join(path)} must be a number, got {value!r}"]


@pytest.mark.parametrize("path", NUMBERS, ids=".".join)
def test_a_number_may_be_written_as_a_whole_one(path):
    assert faults_of(path, 0 if "threshold_step" in path else 1) == []


@pytest.mark.parametrize("value", ["yes", 1, 0, None])
@pytest.mark.parametrize("path", SWITCHES, ids=".".join)
def test_a_switch_is_true_or_false_and_nothing_else(path, value):
    assert faults_of(path, value) == [f"{'.'.join(path)} must be true or false, got {value!r}"]


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        ("dataset.name", "mnist", "'fashion_mnist' or 'digits'"),
        ("dataset.name", None, "'fashion_mnist' or 'digits'"),
        ("dataset.source", 3, "text"),
        ("features.extractor", "sift", "'hog' or 'pixels'"),
        ("classifier.name", "svm", "'linear_svm'"),
        ("features.hog.deriv_aperture", 3, "1"),
        ("features.hog.histogram_norm_type", 1, "0"),
    ],
)
def test_a_choice_is_one_of_its_values(path, value, rule):
    assert faults_of(path, value) == [f"{path} must be {rule}, got {value!r}"]


@pytest.mark.parametrize(
    ("path", "value"),
    [("deriv_aperture", True), ("deriv_aperture", 1.0), ("histogram_norm_type", False), ("histogram_norm_type", 0.0)],
)
def test_a_choice_among_whole_numbers_takes_no_boolean_and_no_fraction(path, value):
    (fault,) = faults_of(f"features.hog.{path}", value)
    assert fault.startswith(f"features.hog.{path} must be ")
    assert fault.endswith(f", got {value!r}")


@pytest.mark.parametrize(
    ("path", "interval", "outside", "inside"),
    [
        ("features.hog.bins", "[1, 360]", [0, 361], [1, 360]),
        ("features.hog.window", "[2, 1024]", [1, 1025, -28], []),
        ("features.hog.block", "[1, inf)", [0, -1], []),
        ("features.hog.stride", "[1, inf)", [0], []),
        ("features.hog.cell", "[1, inf)", [0], []),
        ("features.hog.win_sigma", "[-1, inf)", [-1.01, INF, -INF, NAN], [-1, 0.5, 1e9]),
        ("features.hog.l2hys_threshold", "(0, inf)", [0, -1, INF, NAN], [1e-9]),
        ("seed_labels.percentage", "(0, 100]", [0, -1, 100.01, INF, -INF, NAN], [0.01, 100]),
        ("seed_labels.seed", "[0, 4294967295]", [-1, 2**32], [0, 2**32 - 1]),
        ("self_label.iterations", "[0, 1000]", [-1, 1001, 10**400], [0]),
        ("self_label.final_threshold", "[0, 1]", [-0.01, 1.01, INF, NAN], [0, 1]),
        ("self_label.threshold_step", "[-1, 1]", [-1.01, 1.01, -INF, NAN], [0]),
        ("leak.threshold_start", "[0, 1]", [-0.01, 1.01, INF, NAN], [0.5, 1]),
        ("classifier.C", "(0, inf)", [0, -1, INF, -INF, NAN], [1e-9, 1e9]),
        ("classifier.seed", "[0, 4294967295]", [-1, 2**32], [2**32 - 1]),
        ("evaluate.reliability_bins", "[2, 100]", [1, 101], [2, 100]),
        ("evaluate.mistakes_per_round", "[1, 100]", [0, 101], [1, 100]),
        ("draw.samples_per_class", "[1, 50]", [0, 51], [1, 50]),
        ("draw.seed", "[0, 4294967295]", [-1], [0]),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_an_interval_takes_its_closed_ends_and_neither_open_ends_nor_what_is_outside(path, interval, outside, inside):
    for value in outside:
        assert faults_of(path, value) == [f"{path} must be in {interval}, got {value!r}"]
    for value in inside:
        assert faults_of(path, value) == []


def test_more_scales_than_a_c_integer_holds_are_a_fault():
    (fault,) = faults_of("features.hog.levels", 2**31)
    assert fault.startswith("features.hog.levels must be in ")


SEVERAL = [
    "dataset.name must be 'fashion_mnist' or 'digits', got 'mnist'",
    "draw.seeds is not a parameter; did you mean seed?",
    "evaluate is missing",
    "features.hog.bins must be in [1, 360], got 0",
    "features.hog.cell must be a whole number, got '7'",
    "leak.threshold_step must keep the threshold of round 10 in [0, 1], got 0.9, which makes it 8.85",
]


def several():
    tree = changed(
        ("features.hog.cell", "7"), ("features.hog.bins", 0), ("dataset.name", "mnist"), ("draw.seeds", 1),
        ("leak.threshold_step", 0.9),
    )  # fmt: skip
    del tree["evaluate"]
    return tree


def test_several_faults_are_reported_at_once():
    assert params.faults(several()) == SEVERAL


def test_loading_a_faulty_file_names_the_file_with_each_fault(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(several()), encoding="utf-8")
    with pytest.raises(ValueError) as error:
        params.load(str(path))
    assert str(error.value).splitlines() == [f"{path}: {fault}" for fault in SEVERAL]


FAULTS = [
    ("dataset.name", "mnist"), ("dataset.sauce", 1), ("features.hog.bins", 0), ("features.hog.cel", 7),
    ("seed_labels.percentage", NAN), ("self_label.final_threshold", "0.1"), ("classifier.C", True),
    ("leak.iterations", 1.0), ("evaluate.reliability_bins", 1), ("draw.seed", None), ("download", {}),
]  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.sets(st.integers(0, len(FAULTS) - 1), min_size=1))
def test_any_faults_together_are_the_faults_one_by_one(numbers):
    chosen = [FAULTS[number] for number in numbers]
    one_by_one = [fault for change in chosen for fault in params.faults(changed(change))]
    assert params.faults(changed(*chosen)) == sorted(one_by_one)
    assert len(one_by_one) == len(chosen)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.sampled_from(list(TREE)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, max_examples=100)
@given(st.sampled_from([*((section,) for section in TREE), ("features", "hog"), *IN_KEYS]), JUNK)
def test_whatever_stands_in_a_place_is_accepted_or_named(path, junk):
    name = ".".join(path)
    for fault in params.faults(changed((path, junk)), n_round_rows=10):
        assert fault.startswith((f"{name} ", f"{name}.", "features.hog.", "self_label.", "leak.threshold_step"))
