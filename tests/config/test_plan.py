"""Plans: what a run would do, and what hinders it."""

import re

import pytest
import yaml
from projects import ROOT

from selflabel.config import load, plan
from selflabel.config.plan import Data
from selflabel.data.listing import Problem

OWN = Data(n_pool=3_000, n_test=0, given={"cat": 20, "dog": 2}, n_values=28 * 28)


def loaded(**sections):
    tree = yaml.safe_load((ROOT / "params.yaml").read_text())
    for name, values in sections.items():
        tree[name] |= values
    return load.parse(tree, source="params.yaml")


PEOPLE = {"dataset": {"name": "folder", "path": "pets"}, "answers": {"source": "people"}}


def told(data=OWN, **sections):
    return dict(line.split(": ", 1) for line in plan.lines(loaded(**PEOPLE | sections), data))


def test_a_plan_counts_images_classes_and_what_people_are_asked():
    lines = told(
        self_label={"iterations": 3}, ask={"per_round": 50, "budget": 540}, audit={"size": 100, "planned": 100}
    )
    assert lines["data"] == "folder pets: 3,000 images in the pool, no test images: accuracy is estimated out of fold"
    assert lines["labels given"] == "22, of 2 classes (cat 20, dog 2)"
    assert lines["people"] == (
        "150 questions in 3 rounds, 100 images to audit, people: 6 to 20 minutes of one's time, were an answer a "
        "matter of 3 seconds"
    )
    twice = told(audit={"size": 100, "planned": 100, "repeat": 0.25})["people"]
    by_class = told(audit={"size": 100, "planned": 100, "repeat": 0.25, "classes": True})["people"]
    assert "100 images to audit (25 of them by two people), people: " in twice
    assert "200 images to audit (25 of them by two people), people: " in by_class


def test_classes_that_a_spreadsheet_would_run_are_told():
    assert told(OWN._replace(given={"=1": 20, "dog": 2}))["spreadsheets"] == (
        "the queue has an apostrophe before =1, lest they be run"
    )
    assert "spreadsheets" not in told()


def test_nobody_is_asked_more_than_there_is():
    lines = told(
        Data(100, 0, {"cat": 20, "dog": 20}, 784),
        ask={"per_round": 50, "budget": 540},
        audit={"size": 100, "planned": 100},
    )
    assert lines["people"].startswith("60 questions in 10 rounds, 0 images to audit")
    assert told(ask={"strategy": "none"})["people"].startswith("0 questions")


def test_the_first_files_that_cannot_be_used_are_named():
    refused = [Problem(f"{name}.png", "zero bytes") for name in "abcd"]
    assert told(OWN._replace(refused=refused))["files that cannot be used"] == (
        "4: a.png (zero bytes), b.png (zero bytes), c.png (zero bytes), ..."
    )


@pytest.mark.parametrize(
    ("data", "sections", "fault"),
    [
        (OWN, {"answers": {"source": "simulated"}}, "answers.source must be people where no truth is known"),
        (
            Data(60, 0, {"cat": 58, "dog": 2}, 784), {"answers": {"source": "simulated"}},
            "training.folds must be at most the seed labels of each class",
        ),
        (OWN._replace(refused=[Problem("a", "b")]), {}, "dataset.on_error must be skip to go on without 1 file that"),
    ],
)  # fmt: skip
def test_what_hinders_a_run_is_told(data, sections, fault):
    values = {name: PEOPLE.get(name, {}) | sections.get(name, {}) for name in PEOPLE.keys() | sections.keys()}
    found = plan.faults(loaded(**values), data, n_round_rows=10)
    assert len([sentence for sentence in found if sentence.startswith(fault)]) == 1


PHOTOGRAPHS = {"dataset": PEOPLE["dataset"] | {"image_size": 64, "colour": True}}


def test_the_features_of_an_image_are_counted_and_a_network_sees_the_original_files():
    data = OWN._replace(n_values=64 * 64 * 3)
    extractors = ["efficientnet_lite0", "hog_fine", "kmeans_patches", "colour_histogram", "pixels"]
    lines = told(data, features={"extractor": extractors, "components": 300}, **PHOTOGRAPHS)
    assert lines["features"] == (
        "efficientnet_lite0 300 of 1,280, hog_fine 300 of 9,216, kmeans_patches 300 of 4,608, "
        "colour_histogram 300 of 432, pixels 300 of 12,288; efficientnet_lite0 from the original files"
    )


def test_the_time_of_a_network_and_of_patches_is_told():
    data = OWN._replace(n_pool=100_000, n_values=64 * 64 * 3)
    times = {
        name: told(data, features={"extractor": name}, **PHOTOGRAPHS)["time"]
        for name in ("hog_coarse", "efficientnet_lite0", "kmeans_patches")
    }
    assert times == {
        "hog_coarse": "1 to 5 minutes on two cores, but for what people take",
        "efficientnet_lite0": "5 to 20 minutes on two cores, but for what people take",
        "kmeans_patches": "2 to 7 hours on two cores, but for what people take",
    }


def test_features_that_do_not_fit_into_memory_are_refused_beforehand(monkeypatch):
    data = OWN._replace(n_pool=100_000, n_values=1_024**2 * 3)
    params = loaded(**PEOPLE | {"dataset": PEOPLE["dataset"] | {"image_size": 1024, "colour": True}})
    monkeypatch.setattr(plan, "_physical_memory", lambda: 24e9)
    assert [fault for fault in plan.faults(params, data, n_round_rows=10) if "24 GB of memory" in fault]
    monkeypatch.setattr(plan, "_physical_memory", lambda: float("inf"))
    assert not [fault for fault in plan.faults(params, data, n_round_rows=10) if "GB of memory" in fault]


def test_of_a_benchmark_seeds_are_drawn_and_the_others_can_be_asked_about():
    data = Data(60, 0, {"cat": 30, "dog": 30}, 784)
    sections = {
        "seed_labels": {"percentage": 10.0},
        "ask": {"per_round": 3, "budget": 9},
        "audit": {"size": 20, "planned": 20},
    }
    assert told(data, **sections)["people"].startswith("9 questions in 10 rounds, 20 images to audit")
    few = loaded(**PEOPLE | {"seed_labels": {"percentage": 5.0}, "answers": {"source": "simulated"}})
    (found,) = plan.faults(few, data, n_round_rows=10)
    assert found.endswith("got 3, more than there are of cat (2), dog (2)")


def test_the_memory_of_a_million_images_is_about_what_was_measured():
    """1,088 MiB of its own for the graph, 853 for a round (docs/performance.md)."""
    data = plan.survey(loaded())._replace(n_pool=1_000_000)
    (line,) = [line for line in plan.lines(loaded(), data) if line.startswith("memory: ")]
    of_features, of_graph, of_round = re.findall(r"some ([\d,]+) MB", line)
    assert 0.7 < int(of_graph.replace(",", "")) / 1_141 < 1.4
    assert 0.7 < int(of_round.replace(",", "")) / 894 < 1.4
    assert 300 <= int(of_features.replace(",", "")) <= 900


def test_more_rounds_than_the_table_has_and_nothing_else_hinder_the_default():
    assert plan.faults(loaded(), plan.survey(loaded()), n_round_rows=10) == []
    (found,) = plan.faults(loaded(), plan.survey(loaded()), n_round_rows=9)
    assert found.startswith("self_label.iterations must be at most 9")


def test_the_estimates_of_the_default_hold_what_was_measured():
    """Cold: 73 to 87 seconds, 253 MB of data and as much in the cache (docs/performance.md)."""
    lines = dict(line.split(": ", 1) for line in plan.lines(loaded(), plan.survey(loaded())))
    low, high = map(int, re.findall(r"\d+", lines["time"])[:2])
    assert low <= 73 and high >= 87
    assert 350 <= int(re.search(r"\d+", lines["disk"])[0]) <= 650
