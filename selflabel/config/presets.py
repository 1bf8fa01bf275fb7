"""Presets: values of params.yaml that go together, as options of `dvc exp run`."""

import json
from collections.abc import Mapping

from selflabel.config import init, load
from selflabel.data.registry import OWN

Tree = Mapping[str, Mapping[str, object]]


def options(tree: Tree, preset: Tree) -> tuple[list[str], list[str]]:
    """Return what sets a preset's values in a valid tree, and the names of the values that are left as they are.

    Left are values about data of one's own, where the tree is for such. Of a section whose kind changes, keys of the
    old kind are deleted and those of the new one added, in the signs of Hydra that DVC takes: ``~`` and ``+``.
    """
    is_own = tree["dataset"]["name"] in OWN
    wanted = {f"{section}.{key}": value for section, values in preset.items() for key, value in values.items()}
    left = sorted(wanted.keys() & init.OWN_VALUES) if is_own else []
    kept = {name: value for name, value in wanted.items() if name not in left}
    after = load.merged(tree, preset)
    deleted = [
        f"--set-param=~{section}.{key}" for section in preset for key in tree[section] if key not in after[section]
    ]
    return [*deleted, *(_option(tree, name, value) for name, value in kept.items())], left


def _option(tree: Tree, name: str, value: object) -> str:
    section, key = name.split(".")
    return f"--set-param={'' if key in tree[section] else '+'}{name}={json.dumps(value, separators=(',', ':'))}"
