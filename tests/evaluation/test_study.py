"""The study: an arm is a run, judged by the truth; its plan is valid and complete."""

import numpy as np
import pytest
import yaml
from projects import ROOT

from selflabel.config import build, load
from selflabel.evaluation import study
from selflabel.features.feature_set import FeatureSet
from selflabel.labels import answers, seeds, state
from selflabel.labels.table import Labels
from selflabel.loop import acceptance
from selflabel.loop.round import run_round

PLAN = yaml.safe_load((ROOT / "study/arms.yaml").read_text())
CLASSES = ("a", "b", "c")


def clouds(n_each, seed, spread=3.0):
    generator = np.random.default_rng(seed)
    truth = np.tile(np.int16([0, 1, 2]), n_each)
    centres = np.array([[4, 0], [-2, 3.5], [-2, -3.5]])
    return (centres[truth] + spread * generator.normal(size=(len(truth), 2))).astype(np.float32), truth


POOL, POOL_TRUTH = clouds(40, 0)
TEST, TEST_TRUTH = clouds(30, 1)
IMAGES = [np.random.default_rng(3).integers(0, 256, (len(part), 8, 8), np.uint8) for part in (POOL, TEST)]
DATA = study.Data(FeatureSet(POOL, TEST), POOL_TRUTH, TEST_TRUTH, *IMAGES, CLASSES)


def arm(**sections) -> load.Params:
    short = {
        "self_label": {"iterations": 2, "final_threshold": 0.45},
        "accept": {"threshold_start": 0.6, "threshold_step": -0.1},
    }
    tree = load.merged(load.merged(PLAN["base"], {"seed_labels": {"percentage": 5.0}} | short), sections)
    return load.parse(tree, source="test", sections=tuple(PLAN["base"]))


def play(checked, data=DATA, *, seed=0, has_true_labels=False, **options):
    options |= {"percentage": checked.seed_labels.percentage, "seed": seed, "has_true_labels": has_true_labels}
    return study.run_arm(build.run(checked), data, **options)


@pytest.mark.parametrize("has_true_labels", [False, True])
def test_an_arm_is_its_rounds_and_one_acceptance_more(has_true_labels):
    checked = arm()
    rows = seeds.draw_seed_rows(POOL_TRUTH, percentage=5, seed=0, classes=CLASSES)
    reached = state.first(Labels.from_seeds(rows, POOL_TRUTH[rows], n_rows=len(POOL)))
    n_learnt = 0
    for number, threshold in ((1, 0.6), (2, 0.5), (3, 0.45)):
        n_learnt = int(reached.labels.is_labelled.sum())
        played = run_round(
            reached, FeatureSet(POOL, TEST), round_number=number, classes=CLASSES,
            config=build.each_round(checked)._replace(rule=acceptance.above(threshold)),
            true_labels=POOL_TRUTH if has_true_labels else None,
        )  # fmt: skip
        reached = played.state
    labels = reached.labels
    assert 0 < labels.is_machine.sum() < len(POOL) - 6
    assert play(checked, has_true_labels=has_true_labels) == {
        "seed": 0,
        "accuracy": pytest.approx(np.mean(played.test_probabilities.argmax(axis=1) == TEST_TRUTH), abs=1e-6),
        "label_accuracy": pytest.approx(np.mean((labels.label == POOL_TRUTH)[labels.is_machine]), abs=1e-6),
        "coverage": pytest.approx(labels.is_labelled.mean(), abs=1e-6),
        "human_labels": 6,
        "true_labels": n_learnt if has_true_labels else 6,
        "stop": "iterations",
    }


def test_only_with_true_labels_is_no_machine_label_wrong():
    assert play(arm(), has_true_labels=True)["label_accuracy"] == 1
    assert play(arm())["label_accuracy"] < 1


def test_asked_labels_are_counted_and_teach():
    asking = arm(ask={"strategy": "random", "per_round": 20, "budget": 30}, self_label={"keep": "revise"})
    found = play(asking)
    assert found["human_labels"] == found["true_labels"] == 36
    assert found["accuracy"] != play(arm(self_label={"keep": "revise"}))["accuracy"]


def test_the_truth_of_rows_nobody_asked_about_changes_nothing_but_the_figures_of_the_pool(monkeypatch):
    given = seeds.draw_seed_rows(POOL_TRUTH, percentage=5, seed=0, classes=CLASSES)
    # The draw takes a share of each true class; here it stays what it was.
    monkeypatch.setattr(seeds, "draw_seed_rows", lambda *_, **__: given)
    is_asked, look_up = np.isin(np.arange(len(POOL)), given), answers.from_truth

    def noting(rows, truth):
        is_asked[rows] = True
        return look_up(rows, truth)

    monkeypatch.setattr(answers, "from_truth", noting)
    asking = arm(ask={"strategy": "margin", "per_round": 5, "budget": 10}, self_label={"keep": "revise"})
    one = play(asking)
    assert is_asked.sum() == 16
    other, rows = POOL_TRUTH.copy(), np.flatnonzero(~is_asked)
    other[rows] = np.random.default_rng(2).permutation(other[rows])
    permuted = play(asking, DATA._replace(pool_truth=other))
    assert permuted["accuracy"] == one["accuracy"]
    assert permuted["label_accuracy"] != one["label_accuracy"]


def test_another_seed_draws_other_labels_and_asks_others():
    asking = arm(ask={"strategy": "random", "per_round": 5, "budget": 10})
    assert play(asking, seed=1) != play(asking, seed=0) | {"seed": 1}
    assert play(asking, seed=1) == play(asking, seed=1)


def test_the_figures_of_each_class_come_on_request():
    found = play(arm(), has_classes=True)
    assert {name: len(found[name]) for name in ("precision", "recall", "f1")} == dict.fromkeys(
        ("precision", "recall", "f1"), 3
    )


@pytest.mark.parametrize("name", PLAN["arms"])
def test_an_arm_is_valid_says_what_it_is_for_and_is_set_against_one_before_it(name):
    one = PLAN["arms"][name]
    assert one.keys() <= {"about", "inputs", "against", "curve", "run"} and len(one["about"]) > 10
    assert one["run"].keys() <= {*PLAN["base"], "true_labels", "per_class", "seeds"}
    # Values of params.yaml's schema, all of them.
    load.parse(load.merged(PLAN["base"], one["run"]), source=name, sections=tuple(PLAN["base"]))
    assert one["inputs"] in PLAN["inputs"] and one["run"].get("seeds", "chosen_on") in PLAN["seeds"]
    earlier = list(PLAN["arms"])[: list(PLAN["arms"]).index(name)]
    assert one.get("against") in [None, *earlier]


def test_arms_with_the_same_name_are_not_run_over():
    text = (ROOT / "study/arms.yaml").read_text()
    assert text.count("    about: ") == len(PLAN["arms"])


def test_the_base_is_the_tutorials_preset():
    preset = yaml.safe_load((ROOT / "presets/tutorial.yaml").read_text())
    for section in PLAN["base"].keys() & preset.keys():
        assert PLAN["base"][section] | preset[section] == PLAN["base"][section], section


def test_the_committed_default_is_an_arm_of_the_study():
    """What params.yaml chooses was measured."""
    tree = yaml.safe_load((ROOT / "params.yaml").read_text())
    chosen = {section: tree[section] for section in (*PLAN["base"], "dataset", "features", "graph")}
    assert chosen in [
        load.merged(PLAN["base"], one["run"]) | PLAN["inputs"][one["inputs"]] for one in PLAN["arms"].values()
    ]


def test_the_presets_are_arms_of_the_study_on_draws_that_nobody_had_looked_at():
    tree = yaml.safe_load((ROOT / "params.yaml").read_text())
    fresh = [one for one in PLAN["arms"].values() if one["run"].get("seeds") == "fresh"]
    for name in ("default", "best"):
        preset = yaml.safe_load((ROOT / f"presets/{name}.yaml").read_text())
        whole = load.merged(tree, preset)
        chosen = {section: whole[section] for section in (*PLAN["base"], "dataset", "features", "graph")}
        assert chosen in [load.merged(PLAN["base"], one["run"]) | PLAN["inputs"][one["inputs"]] for one in fresh], name
