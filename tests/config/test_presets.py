"""Presets: what they set, added and deleted keys, and what is left to data of one's own."""

import pytest
import yaml
from projects import ROOT

from selflabel.config import init, load, presets

TREE = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
FILES = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "presets").glob("*.yaml")}


def applied(tree, options):
    """The tree that DVC would make of the options: set, add with +, delete with ~."""
    tree = {name: dict(values) for name, values in tree.items()}
    for option in options:
        name, _, value = option.removeprefix("--set-param=").partition("=")
        section, key = name.lstrip("+~").split(".")
        assert (key in tree[section]) is not name.startswith("+"), option
        if name.startswith("~"):
            del tree[section][key]
        else:
            tree[section][key] = yaml.safe_load(value)
    return tree


@pytest.mark.parametrize("before", FILES)
@pytest.mark.parametrize("after", FILES)
def test_each_preset_follows_each_other_one(before, after):
    tree = load.merged(TREE, FILES[before])
    options, left = presets.options(tree, FILES[after])
    assert left == []
    assert applied(tree, options) == load.merged(tree, FILES[after])
    assert load.faults(applied(tree, options)) == []


def test_values_about_data_of_ones_own_are_left_as_they_are():
    own = TREE | {"dataset": TREE["dataset"] | {"name": "folder"}}
    options, left = presets.options(own, FILES["best"])
    assert left == sorted(left) and set(left) <= init.OWN_VALUES
    assert "self_label.iterations" in left and "student.epochs" not in left
    assert not [option for option in options if option.split("=")[1].lstrip("+~") in left]
    assert "--set-param=student.epochs=10" in options
