"""From params.yaml to what the functions take: every value arrives, under its own name."""

import pickle

import param_trees
import pytest
import yaml
from projects import ROOT

from selflabel.config import build, load
from selflabel.loop.acceptance import Rule
from selflabel.models.catalogue import ClassifierConfig
from selflabel.models.distil import JoinConfig

TREE = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
# Of each parameter a value that no other has, so that one in another's place is seen.
TREE["self_label"] = {"iterations": 3, "final_threshold": 0.18, "keep": "revise"}
TREE["accept"] = {"rule": "target_error", "target_error": 0.16, "target_alpha": 0.17}
TREE["training"] = {"train_on": "human_labels", "weights": "confidence", "confidence": "temperature", "folds": 4}
TREE["stopping"] = {"precision_margin": 0.19, "stop": ["stable_predictions", "nothing_changed"], "stable_kappa": 0.21}
TREE["ask"] = {
    "strategy": "lower_threshold+random", "per_round": 23, "budget": 24, "min_distance": 0.25, "seed": 26,
    "lower_threshold": 0.22,
}  # fmt: skip
TREE["classifier"] = {"name": "sklearn.linear_model.SGDClassifier", "options": {"alpha": 0.31}, "seed": 32}
TREE["student"] = {
    "epochs": 33, "width": 34, "batch_size": 35, "learning_rate": 0.36, "weight_decay": 0.37, "shift": 38, "flip": True,
    "cutout": 39, "sharpen": 0.4, "embedding": False, "weight": 0.41, "seed": 42,
}  # fmt: skip


def parsed(*changes):
    return load.parse(param_trees.changed(TREE, *changes), source="a tree")


@pytest.mark.parametrize("name", param_trees.KINDS["classifier"])
def test_the_classifier_is_its_section_with_the_defaults_of_what_it_does_not_read(name):
    section = param_trees.block("classifier", name)
    params = load.parse(TREE | {"classifier": section, "training": TREE["training"] | {"weights": "none"}}, source="")
    assert build.classifier(params) == ClassifierConfig(**section)


@pytest.mark.parametrize("name", param_trees.KINDS["accept"])
def test_the_rule_is_its_section_with_the_defaults_of_what_it_does_not_read(name):
    rule = build.rule(parsed(("accept.rule", name), ("self_label.iterations", 2)))
    values = param_trees.KINDS["accept"][name] | (TREE["accept"] if name == "target_error" else {})
    values.pop("rule", None)
    assert rule == Rule(name, **values)


def test_each_round_goes_as_the_sections_say():
    config = build.each_round(parsed())._asdict()
    fit = config.pop("fit")
    assert fit == build.fit(parsed())
    assert config.pop("rule")._asdict().items() >= {"name": "target_error", "target_error": 0.16}.items()
    assert config.pop("query")._asdict() == TREE["ask"]
    assert config == TREE["stopping"] | {"keep": "revise"}


def test_the_fit_is_the_section_training_with_the_classifier_and_the_smoothing():
    config = build.fit(parsed())._asdict()
    assert config.pop("smoothing")._asdict() == TREE["smoothing"]
    assert config.pop("classifier") == build.classifier(parsed())
    config["confidence"] = config.pop("calibration")
    assert config == TREE["training"]


def test_a_plain_fit_has_the_classifier_and_the_smoothing_alone():
    config = build.plain_fit(parsed())
    assert (config.classifier, config.smoothing) == (build.classifier(parsed()), build.smoothing(parsed()))
    assert (config.folds, config.weights, config.calibration) == (0, "none", "ovr_logistic")


def test_to_ask_nobody_is_none():
    params = load.parse(TREE | {"ask": TREE["ask"] | {"strategy": "none", "lower_threshold": None}}, source="a tree")
    assert build.query(params) is build.each_round(params).query is None


def test_the_last_round_has_a_threshold_of_its_own_and_asks_nobody():
    each = build.each_round(parsed())
    assert build.last_round(parsed()) == each._replace(query=None, rule=Rule("final_threshold", threshold_start=0.18))


def test_a_final_threshold_of_0_is_one():
    last = build.last_round(parsed(("self_label.final_threshold", 0.0)))
    assert last.rule == Rule("final_threshold", threshold_start=0.0)


def test_without_a_final_threshold_the_last_round_goes_as_the_others_and_asks_nobody():
    params = parsed(("self_label.final_threshold", None))
    assert build.last_round(params) == build.each_round(params)._replace(query=None)


def test_the_student_and_how_it_joins_are_the_section_student():
    student, join = build.student(parsed()), build.join(parsed())
    assert student._asdict() | join._asdict() == TREE["student"]
    assert join == JoinConfig(embedding=False, weight=0.41)


def test_without_epochs_there_is_no_student():
    params = parsed(("student.epochs", 0))
    assert build.student(params) is build.join(params) is None


def test_a_run_has_all_of_it():
    params = parsed()
    config = build.run(params)
    assert config.n_rounds == 3
    assert config[1:] == (
        build.each_round(params), build.last_round(params), build.student(params), build.join(params)
    )  # fmt: skip


@pytest.mark.parametrize("name", param_trees.KINDS["classifier"])
def test_a_run_can_be_handed_to_another_process(name):
    """The study plays each seed in one of its own."""
    params = load.parse(
        TREE
        | {"classifier": param_trees.block("classifier", name), "training": TREE["training"] | {"weights": "none"}},
        source="",
    )
    assert pickle.loads(pickle.dumps(build.run(params))) == build.run(params)
