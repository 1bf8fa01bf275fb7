"""Parameters: every fault, in its exact words, and all of them at once."""

import copy

import param_trees
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from projects import ROOT

from selflabel.config import load, schema
from selflabel.labels import history
from selflabel.loop import query

FILE = ROOT / "params.yaml"
COMMITTED = yaml.safe_load(FILE.read_text(encoding="utf-8"))
PRESETS = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "presets").glob("*.yaml")}
NAN, INF = float("nan"), float("inf")


# Whatever the committed values come to be.
TREE = load.merged(COMMITTED, PRESETS["tutorial"])

SECTIONS = ", ".join(load.Params._fields)
DATASETS = "'fashion_mnist', 'digits', 'mnist_sample', 'folder', 'csv', 'npz' or 'idx'"
INNER = ("hog", "hog_fine", "hog_coarse", "kmeans_patches")
IN_KEYS = [(section, key) for section, keys in TREE.items() for key in keys if key not in INNER]
IN_KEYS += [("features", name, key) for name in INNER for key in TREE["features"][name]]

WHOLE = ["bins", "block", "cell", "stride", "window"]
WHOLE = [("features", "hog", key) for key in WHOLE] + [
    ("dataset", "image_size"), ("dataset", "max_pixels"),
    ("seed_labels", "seed"), ("self_label", "iterations"), ("accept", "k"), ("training", "folds"),
    ("ask", "per_round"), ("ask", "budget"), ("ask", "seed"), ("classifier", "neighbours"), ("classifier", "trees"),
    ("classifier", "seed"), ("leak", "iterations"),
    ("evaluate", "reliability_bins"), ("evaluate", "mistakes_per_round"), ("draw", "samples_per_class"),
    ("draw", "seed"),
    ("features", "components"), ("graph", "neighbours"), ("graph", "components"), ("smoothing", "steps"),
    *(("features", name, key) for name in ("hog_fine", "hog_coarse") for key in ("cell", "padding", "bins")),
    *(("features", "kmeans_patches", key) for key in ("patch", "stride", "centres", "grid", "seed")),
    *(("student", key) for key in ("epochs", "width", "batch_size", "shift", "cutout", "seed")),
]  # fmt: skip
NUMBERS = [
    ("features", "hog", "win_sigma"), ("features", "hog", "l2hys_threshold"), ("seed_labels", "percentage"),
    ("accept", "threshold_start"), ("accept", "threshold_step"), ("accept", "threshold_factor"),
    ("accept", "percent"), ("accept", "target_error"), ("accept", "target_alpha"),
    ("stopping", "precision_margin"), ("stopping", "stable_kappa"), ("ask", "lower_threshold"),
    ("ask", "min_distance"), ("classifier", "C"), ("classifier", "gamma"), ("leak", "threshold_start"),
    ("leak", "threshold_step"), ("smoothing", "alpha"), ("smoothing", "temperature"),
    *(("student", key) for key in ("learning_rate", "weight_decay", "sharpen", "weight")),
]  # fmt: skip
TEXTS = [("dataset", "source"), ("dataset", "path"), ("ask", "strategy"), ("classifier", "name")]
FINAL = ("self_label", "final_threshold")  # the one number that may be missing
SWITCHES = [
    ("dataset", "colour"),
    ("export", "imagefolder"),
    ("export", "label_studio"),
    ("features", "hog", "gamma_correction"),
    ("features", "hog", "signed_gradients"),
    ("student", "flip"),
    ("student", "embedding"),
]


def section_of(tree, path):
    for key in path[:-1]:
        tree = tree[key]
    return tree


def changed(*changes):
    return param_trees.changed(TREE, *changes)


def faults_of(path, value):
    return load.faults(changed((path, value)))


def test_the_committed_file_has_no_fault():
    table = yaml.safe_load((FILE.parent / "rounds" / "table.yaml").read_text(encoding="utf-8"))
    assert load.faults(COMMITTED, n_round_rows=len(table["rounds"])) == []


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_has_no_fault_and_nothing_that_the_committed_file_does_not_have(name):
    assert load.faults(load.merged(COMMITTED, PRESETS[name])) == []
    assert PRESETS[name].keys() <= COMMITTED.keys()


def test_loading_gives_the_values_of_the_file():
    loaded = load.load(str(FILE))
    sections = {name: section.model_dump(exclude_unset=True) for name, section in loaded._asdict().items()}
    assert sections == COMMITTED


def test_a_tree_is_parsed_as_its_file_is_loaded():
    assert load.parse(COMMITTED, source="a tree") == load.load(str(FILE))
    with pytest.raises(ValueError, match=r"^a tree: draw is missing$"):
        load.parse({name: keys for name, keys in TREE.items() if name != "draw"}, source="a tree")


def test_a_loaded_section_is_read_only():
    with pytest.raises(ValueError, match="frozen"):
        load.load(str(FILE)).seed_labels.seed = 1


@pytest.mark.parametrize("section", TREE)
def test_a_missing_section_is_a_fault(section):
    tree = copy.deepcopy(TREE)
    del tree[section]
    assert load.faults(tree) == [f"{section} is missing"]


@pytest.mark.parametrize("path", IN_KEYS, ids=".".join)
def test_a_missing_key_is_a_fault(path):
    tree = copy.deepcopy(TREE)
    del section_of(tree, path)[path[-1]]
    assert load.faults(tree) == [f"{'.'.join(path)} is missing"]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("self_lable", "self_lable is not a parameter; did you mean self_label?"),
        ("zzz", f"zzz is not a parameter; known here: {SECTIONS}"),
        ("dataset.nane", "dataset.nane is not a parameter; did you mean name?"),
        ("dataset.zzz", f"dataset.zzz is not a parameter; known here: {', '.join(TREE['dataset'])}"),
        ("features.hog.blok", "features.hog.blok is not a parameter; did you mean block?"),
        ("features.hog.zzz", f"features.hog.zzz is not a parameter; known here: {', '.join(TREE['features']['hog'])}"),
    ],
)
def test_an_unknown_key_is_a_fault_with_a_guess_where_one_is_close(path, sentence):
    assert faults_of(path, 0.5) == [sentence]


def test_keys_that_are_not_text_are_faults_too():
    tree = changed((["draw", 1], 2), ([None], 1))
    assert load.faults(tree) == [
        f"None is not a parameter; known here: {SECTIONS}",
        "draw.1 is invalid (Keys should be strings), got 1",
    ]


@pytest.mark.parametrize("tree", [None, [], "text", 3])
def test_a_tree_that_is_no_mapping_is_one_fault(tree):
    assert load.faults(tree) == [f"the parameters must be a mapping of sections, got {tree!r}"]


@pytest.mark.parametrize("value", [None, 5, [1], "text"])
@pytest.mark.parametrize("path", ["dataset", "features.hog", "leak"])
def test_a_section_that_is_no_mapping_is_one_fault(path, value):
    assert faults_of(path, value) == [f"{path} must be a mapping of parameters, got {value!r}"]


@pytest.mark.parametrize("value", [True, "3", 2.5, 3.0, None, [3], NAN, INF])
@pytest.mark.parametrize("path", WHOLE, ids=".".join)
def test_a_whole_number_is_no_boolean_no_quoted_number_and_no_fraction(path, value):
    assert faults_of(path, value) == [f"{'.'.join(path)} must be a whole number, got {value!r}"]


NO_NUMBERS = (True, "0.5", [0.5], 10**400)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (path, value)
        for path in NUMBERS
        # Some may be missing: test_checks.
        for value in (NO_NUMBERS if path in param_trees.WITH else (*NO_NUMBERS, None))
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else str(value)[:9],
)
def test_a_number_is_no_boolean_and_no_quoted_number(path, value):
    assert faults_of(path, value) == [f"{'.'.join(path)} must be a number, got {value!r}"]


@pytest.mark.parametrize("value", [True, "0.5", [0.5], "null", False])
def test_a_final_threshold_that_is_no_number_and_not_null_is_a_fault(value):
    assert faults_of(FINAL, value) == [f"self_label.final_threshold must be a number, got {value!r}"]


def test_without_a_final_threshold_the_rule_of_the_rounds_goes_on():
    assert faults_of(FINAL, None) == []


@pytest.mark.parametrize("path", [path for path in [*NUMBERS, FINAL] if not path[1].startswith("target")], ids=".".join)
def test_a_number_may_be_written_as_a_whole_one(path):
    # With these precision_margin and threshold_factor may be anything.
    more = ((("training", "folds"), 2), (("self_label", "iterations"), 1), (("leak", "iterations"), 1))
    assert load.faults(changed(*more, (path, 0 if path[1] in ("threshold_step", "alpha") else 1))) == []


@pytest.mark.parametrize("value", [None, 3, True, ["margin"]])
@pytest.mark.parametrize("path", TEXTS, ids=".".join)
def test_a_text_is_no_number_and_no_list(path, value):
    assert faults_of(path, value) == [f"{'.'.join(path)} must be text, got {value!r}"]


@pytest.mark.parametrize("value", [None, "nothing_accepted", 3, {}])
def test_the_words_that_stop_the_loop_are_a_list(value):
    assert faults_of("stopping.stop", value) == [f"stopping.stop must be a list, got {value!r}"]


def test_all_words_may_stop_the_loop_or_none():
    words = ("stopping.stop", list(history.CHOSEN_STOPS))
    assert load.faults(changed(("stopping.stable_kappa", 0.9), words)) == faults_of("stopping.stop", []) == []


def test_each_unknown_word_that_would_stop_the_loop_is_named_with_those_there_are():
    words = "'target_error_unreachable', 'nothing_accepted', 'nothing_changed', 'stable_predictions' or 'budget_spent'"
    assert faults_of("stopping.stop", ["nothing_excepted", "nothing_changed", "pool_empty", 3]) == [
        f"stopping.stop.0 must be {words}, got 'nothing_excepted'",
        f"stopping.stop.2 must be {words}, got 'pool_empty'",
        f"stopping.stop.3 must be {words}, got 3",
    ]


@pytest.mark.parametrize("value", [None, [], "C=1", 3])
def test_the_options_of_a_classifier_are_a_mapping(value):
    assert faults_of("classifier.options", value) == [f"classifier.options must be a mapping, got {value!r}"]


@pytest.mark.parametrize("value", ["yes", 1, 0, None])
@pytest.mark.parametrize("path", SWITCHES, ids=".".join)
def test_a_switch_is_true_or_false_and_nothing_else(path, value):
    assert faults_of(path, value) == [f"{'.'.join(path)} must be true or false, got {value!r}"]


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        ("dataset.name", "mnist", DATASETS),
        ("dataset.name", None, DATASETS),
        ("dataset.on_error", "go on", "'stop' or 'skip'"),
        ("export.folders", "links", "'none', 'copy' or 'link'"),
        ("self_label.keep", "forever", "'permanent' or 'revise'"),
        ("training.train_on", "labels", "'all_labels' or 'human_labels'"),
        ("training.weights", None, "'none' or 'confidence'"),
        ("training.confidence", "platt", "'ovr_logistic', 'sigmoid', 'temperature' or 'isotonic'"),
        ("answers.source", "truth", "'simulated' or 'people'"),
    ],
)
def test_a_choice_is_one_of_its_values(path, value, rule):
    assert faults_of(path, value) == [f"{path} must be {rule}, got {value!r}"]


@pytest.mark.parametrize(
    ("path", "interval", "outside", "inside"),
    [
        ("dataset.image_size", "[8, 1024]", [7, 1025], []),
        ("dataset.max_pixels", "[1, 2147483647]", [0, 2**31], [1, 2**31 - 1]),
        ("features.hog.bins", "[1, 360]", [0, 361], [1, 360]),
        ("features.hog.window", "[2, 1024]", [1, 1025, -28], []),
        ("features.hog.block", "[1, inf)", [0, -1], []),
        ("features.hog.stride", "[1, inf)", [0], []),
        ("features.hog.cell", "[1, inf)", [0], []),
        ("features.hog.win_sigma", "[-1, inf)", [-1.01, INF, -INF, NAN], [-1, 0.5, 1e9]),
        ("features.hog.l2hys_threshold", "[1e-6, 1e6]", [0, -1, 1e-30, INF, NAN], [1e-6]),
        ("seed_labels.percentage", "(0, 100]", [0, -1, 100.01, INF, -INF, NAN], [0.01, 100]),
        ("seed_labels.seed", "[0, 4294967295]", [-1, 2**32], [0, 2**32 - 1]),
        ("self_label.iterations", "[0, 1000]", [-1, 1001, 10**400], [0]),
        ("self_label.final_threshold", "[0, 1]", [-0.01, 1.01, INF, NAN], [0, 1]),
        ("accept.threshold_start", "[0, 1]", [-0.01, 1.01, INF, NAN], [0.5, 1]),
        ("accept.threshold_step", "[-1, 1]", [-1.01, 1.01, -INF, NAN], [0]),
        ("accept.threshold_factor", "(0, 2]", [0, -1, 2.01, INF, NAN], [0.01, 2]),
        ("accept.percent", "(0, 100]", [0, -1, 100.01, INF, NAN], [0.01, 100]),
        ("accept.k", "[1, inf)", [0, -1], [1, 10**6]),
        ("accept.target_error", "[0.0001, 0.9999]", [0, 1, -0.01, INF, NAN], [0.001, 0.999]),
        ("accept.target_alpha", "[0.0001, 0.9999]", [0, 1, 1e-300, INF, NAN], [0.001, 0.999]),
        ("training.folds", "[0, 20]", [-1, 21], [0, 2, 20]),
        ("stopping.precision_margin", "[0, 1]", [-0.01, 1.01, INF, NAN], [1]),
        ("stopping.stable_kappa", "[0, 1]", [-0.01, 1.01, INF, NAN], [0, 1]),
        ("ask.lower_threshold", "[0, 1]", [-0.01, 1.01, INF, NAN], [0, 1]),
        ("ask.per_round", "[0, 100000]", [-1, 100_001], [0, 100_000]),
        ("ask.budget", "[0, 10000000]", [-1, 10_000_001], [0, 10_000_000]),
        ("audit.repeat", "[0, 1]", [-0.01, 1.01, INF, NAN], [0, 0.1, 1]),
        ("ask.min_distance", "[0, 1]", [-0.01, 1.01, INF, NAN], [0, 1]),
        ("ask.seed", "[0, 4294967295]", [-1, 2**32], [0, 2**32 - 1]),
        ("leak.threshold_start", "[0, 1]", [-0.01, 1.01, INF, NAN], [0.5, 1]),
        ("classifier.C", "[1e-6, 1e6]", [0, -1, INF, -INF, NAN], [1e-6, 1e6]),
        ("classifier.gamma", "[1e-6, 1e6]", [0, -1, 1e300, INF, NAN], [1e-6, 1e6]),
        ("classifier.neighbours", "[1, inf)", [0, -1], [1, 10**6]),
        ("classifier.trees", "[1, inf)", [0, -1], [1, 10**6]),
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
    # With these target_error and threshold_factor may be anything.
    more = (("training.folds", 2), ("self_label.iterations", 1)) if path.startswith("accept.") else ()
    for value in inside:
        assert load.faults(changed(*more, (path, value))) == []


SEVERAL = [
    "answers is missing",
    f"ask.strategy must be one of {', '.join(query.NAMES)}, or different ones but none joined by +, got 'marge'",
    f"dataset.name must be {DATASETS}, got 'mnist'",
    "draw.seeds is not a parameter; did you mean seed?",
    "evaluate is missing",
    "features.hog.bins must be in [1, 360], got 0",
    "features.hog.cell must be a whole number, got '7'",
    "leak.threshold_step must keep the threshold of round 10 in [0, 1], got 0.9, which makes it 8.85",
    "training.folds must be from 2 to 20 with training.confidence=sigmoid, got 0",
]


def several():
    tree = changed(
        ("features.hog.cell", "7"), ("features.hog.bins", 0), ("dataset.name", "mnist"), ("draw.seeds", 1),
        ("leak.threshold_step", 0.9), ("ask.strategy", "marge"), ("training.confidence", "sigmoid"),
    )  # fmt: skip
    del tree["evaluate"], tree["answers"]
    return tree


def test_several_faults_are_reported_at_once():
    assert load.faults(several()) == SEVERAL


def test_loading_a_faulty_file_names_the_file_with_each_fault(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(several()), encoding="utf-8")
    with pytest.raises(ValueError) as error:
        load.load(str(path))
    assert str(error.value).splitlines() == [f"{path}: {fault}" for fault in SEVERAL]


FAULTS = [
    ("dataset.name", "mnist"), ("dataset.sauce", 1), ("features.hog.bins", 0), ("features.hog.cel", 7),
    ("seed_labels.percentage", NAN), ("self_label.final_threshold", "0.1"), ("classifier.C", True),
    ("leak.iterations", 1.0), ("evaluate.reliability_bins", 1), ("draw.seed", None), ("download", {}),
    ("stopping.stop", ["never"]), ("ask.strategy", "none+margin"), ("answers", None),
    ("self_label.keep", "some"),
]  # fmt: skip


@settings(max_examples=60)
@given(st.sets(st.integers(0, len(FAULTS) - 1), min_size=1))
def test_any_faults_together_are_the_faults_one_by_one(numbers):
    chosen = [FAULTS[number] for number in numbers]
    one_by_one = [fault for change in chosen for fault in load.faults(changed(change))]
    assert load.faults(changed(*chosen)) == sorted(one_by_one)
    assert len(one_by_one) == len(chosen)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.sampled_from(list(TREE)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100)
@given(st.sampled_from([*((section,) for section in TREE), ("features", "hog"), *IN_KEYS]), JUNK)
def test_whatever_stands_in_a_place_is_accepted_or_named(path, junk):
    name = ".".join(path)
    for fault in load.faults(changed((path, junk)), n_round_rows=10):
        others = ("features.hog.", "self_label.", "leak.threshold_step", "accept.", "classifier.", "ask.", "stopping.")
        assert fault.startswith((f"{name} ", f"{name}.", *others))


@pytest.mark.parametrize("value", ["sift", None, [], ["hog", "sift"], ["hog", "hog"], 7, [["hog"]], {"hog": 1}])
def test_what_is_no_extractor_and_no_list_of_different_ones_is_a_fault(value):
    known = ", ".join(schema.EXTRACTORS)
    assert faults_of("features.extractor", value) == [
        f"features.extractor must be one of {known}, or a list of different ones, got {value!r}"
    ]


@pytest.mark.parametrize("value", ["hog_fine", ["hog"], ["hog_fine", "kmeans_patches"], ["pixels", "hog"]])
def test_an_extractor_or_a_list_of_different_ones_is_none(value):
    assert faults_of("features.extractor", value) == []
