"""A first params.yaml for data of one's own."""

import re

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from projects import ROOT

from selflabel.config import init

TEXT = (ROOT / "params.yaml").read_text()
DATA = init.OwnData(
    kind="folder", path="images", n_unlabelled=2_800, given={"cat": 20, "dog": 31}, side=28, is_colour=False
)


def test_a_tenth_is_asked_in_three_rounds_and_a_tenth_audited():
    values = init.settings(DATA)
    assert (values["ask.budget"], values["ask.per_round"], values["audit.size"]) == (280, 94, 280)
    assert values["self_label.iterations"] == 3 and values["answers.source"] == "people"


def test_of_tens_of_thousands_no_more_is_asked_than_by_default_and_of_a_few_no_more_than_there_are():
    many, few = (init.settings(DATA._replace(**{"n_unlabelled": n})) for n in (60_000, 40))
    assert (many["ask.budget"], many["audit.size"]) == (540, 500)
    assert (few["ask.budget"], few["audit.size"]) == (4, 40)


@pytest.mark.parametrize(
    ("n_given", "confidence", "folds"), [(3, "temperature", 3), (2, "temperature", 3), (0, "temperature", 3)]
)
def test_there_are_three_folds_however_few_labels_are_given_for_people_give_more(n_given, confidence, folds):
    values = init.settings(DATA._replace(**{"given": {"cat": n_given, "dog": 31}}))
    assert (values["training.confidence"], values["training.folds"]) == (confidence, folds)


def test_where_all_labels_are_given_it_is_a_benchmark_that_simulates_answers():
    values = init.settings(DATA._replace(**{"n_unlabelled": 0, "given": {"cat": 40, "dog": 20}}))
    assert values["answers.source"] == "simulated" and values["seed_labels.percentage"] == 15.0
    assert (
        values["training.folds"] == 3
        and values["ask.budget"] == 6
        and values["audit.size"] == values["audit.planned"] == 51
    )


@pytest.mark.parametrize(("side", "image_size"), [(5, 8), (28, 28), (4_000, 64)])
def test_images_stay_as_large_as_they_are_within_limits(side, image_size):
    assert init.settings(DATA._replace(**{"side": side}))["dataset.image_size"] == image_size


@given(st.text(), st.integers(0, 5_000), st.integers(1, 9))
@example("\x85", 0, 1)
@example("a\u2028b", 0, 1)
def test_what_is_set_is_read_back_and_every_other_value_and_comment_stays(path, n_unlabelled, n_given):
    values = init.settings(DATA._replace(**{"path": path, "n_unlabelled": n_unlabelled, "given": {"cat": n_given}}))
    text = init.edited(TEXT, values)
    found, before = yaml.safe_load(text), yaml.safe_load(TEXT)
    for section, tree in before.items():
        for key, value in tree.items():
            assert found[section][key] == values.get(f"{section}.{key}", value)
    comments = [[re.split(" +# ", line)[-1] for line in lines.split("\n") if " # " in line] for lines in (text, TEXT)]
    assert comments[0] == comments[1]
    assert init.edited(text, values) == text


def test_a_value_that_is_not_there_is_an_error():
    with pytest.raises(ValueError, match=r"params\.yaml must have ask\.wit"):
        init.edited(TEXT, {"ask.wit": 1})


def test_what_is_set_for_ones_data_is_no_presets_affair():
    assert init.settings(DATA).keys() == init.OWN_VALUES
