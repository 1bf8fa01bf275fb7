"""From params.yaml to what the functions take: every value arrives, under its own name."""

import pytest
import yaml
from projects import ROOT

from selflabel.config import build, load
from selflabel.loop.acceptance import Rule

TREE = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
# Of each parameter a value that no other has, so that one in another's place is seen.
TREE["self_label"] = {
    "iterations": 3,
    "accept": "target_error",
    "threshold_start": 0.51,
    "threshold_step": 0.02,
    "threshold_factor": 0.93,
    "percent": 14.0,
    "k": 15,
    "target_error": 0.16,
    "target_alpha": 0.17,
    "final_threshold": 0.18,
    "keep": "revise",
    "train_on": "human_labels",
    "weights": "confidence",
    "confidence": "temperature",
    "folds": 4,
    "precision_margin": 0.19,
    "stop": ["budget_spent", "nothing_changed"],
    "stable_kappa": 0.21,
    "lower_threshold": 0.22,
}
TREE["ask"] = {"strategy": "margin+random", "per_round": 23, "budget": 24, "min_distance": 0.25, "seed": 26}
TREE["classifier"] = {
    "name": "sklearn.linear_model.SGDClassifier",
    "C": 27.0,
    "gamma": 28.0,
    "neighbours": 29,
    "trees": 30,
    "options": {"alpha": 0.31},
    "seed": 32,
}

# Read by the pipeline's files, by the last acceptance, and by who asks.
OF_OTHERS = ("iterations", "final_threshold", "lower_threshold")


def parsed(**changes):
    tree = {name: values | changes.get(name, {}) for name, values in TREE.items()}
    return load.parse(tree, source="a tree")


def test_the_recipe_is_the_section_classifier():
    assert build.classifier(parsed())._asdict() == TREE["classifier"]


def test_the_rounds_go_as_the_sections_say():
    found = build.each_round(parsed())._asdict()
    rule, recipe, ask = found.pop("rule")._asdict(), found.pop("recipe"), found.pop("ask")
    assert found.pop("smoothing")._asdict() == TREE["smoothing"]
    rule["accept"] = rule.pop("name")
    assert rule | found == {name: value for name, value in TREE["self_label"].items() if name not in OF_OTHERS}
    assert recipe == build.classifier(parsed())
    assert ask._asdict() == TREE["ask"] | {"lower_threshold": 0.22}


def test_no_parameter_of_a_rule_is_left_at_its_default():
    assert set(build.each_round(parsed()).rule._fields) - {"name"} <= TREE["self_label"].keys()


def test_to_ask_nobody_is_none():
    nobody = parsed(ask={"strategy": "none"})
    assert build.query(nobody) is build.each_round(nobody).ask is None


def test_the_last_acceptance_has_a_threshold_of_its_own_and_asks_nobody():
    loop = build.each_round(parsed())
    assert build.last_round(parsed()) == loop._replace(ask=None, rule=Rule("final_threshold", threshold_start=0.18))


def test_a_final_threshold_of_0_is_one():
    last = build.last_round(parsed(self_label={"final_threshold": 0.0}))
    assert last.rule == Rule("final_threshold", threshold_start=0.0)


def test_without_a_final_threshold_the_last_acceptance_goes_as_the_rounds_and_asks_nobody():
    without = parsed(self_label={"final_threshold": None})
    assert build.last_round(without) == build.each_round(without)._replace(ask=None)


@pytest.mark.parametrize("strategy", ["lower_threshold", "margin+k_means"])
def test_who_is_asked_is_the_strategy_as_it_is_written(strategy):
    assert build.query(parsed(ask={"strategy": strategy})).strategy == strategy
