"""The pipeline as its files declare it, for the tests that compare it with the code."""

import ast
import os
import re
from pathlib import Path
from typing import NamedTuple

import yaml
from projects import ROOT

from selflabel.config.project import STAGE_FILES


class Stage(NamedTuple):
    """``params``: of params.yaml; ``plans``: of other files, by path."""

    name: str
    module: str
    flags: dict[str, str]
    deps: set[str]
    outs: set[str]
    params: set[str]
    plans: dict[str, list[str]]
    desc: str

    def flags_name(self, path: str) -> bool:
        return any(path == value or path.startswith(f"{value}/") for value in self.flags.values())

    @property
    def code(self) -> set[str]:
        """Its own; another's is data, which a flag has to name."""
        return self.deps & {f"data/code/{self.name}.txt"}

    @property
    def data(self) -> set[str]:
        # One's own images are no stage's output, and their path arrives with the parameters: on a command line its
        # spaces would split it.
        return self.deps - self.code - {"${dataset.path}"}


def stages() -> list[Stage]:
    """Each stage once; a foreach stage with the paths of all its items, but for the rounds' numbers."""
    found = []
    # The study is a project of its own, whose paths are its folder's; the others' are the project's.
    for folder, inside in (*((Path(file).parent, "") for file in STAGE_FILES), ("study", "study")):

        def at(path: str, inside: str = inside) -> str:
            return path if path.startswith("$") else os.path.normpath(os.path.join(inside, path))  # noqa: PTH118

        for name, definition in yaml.safe_load((ROOT / folder / "dvc.yaml").read_text())["stages"].items():
            items = definition.get("foreach")
            items = items.values() if isinstance(items, dict) else []
            definition = definition.get("do", definition)
            words = definition["cmd"].removeprefix("cd .. && ").split()
            params = definition.get("params", [])
            outs = [out for kind in ("outs", "metrics") for out in definition.get(kind, [])]
            deps = {at(dep) for dep in definition["deps"] if dep != "${item}"}
            of_plans = {at(path): keys for plan in params if isinstance(plan, dict) for path, keys in plan.items()}
            found.append(
                Stage(
                    name=name,
                    module=words[2],
                    flags=dict(zip(words[3::2], words[4::2], strict=True)),
                    deps=deps | {item for item in items if "${item}" in definition["deps"]},
                    outs={at(path) for out in outs for path in ([out] if isinstance(out, str) else out)},
                    params={name for name in params if isinstance(name, str)} | set(of_plans.pop("params.yaml", [])),
                    plans=of_plans,
                    desc=definition["desc"],
                )
            )
    return found


def parameters_read(module: str) -> set[str]:
    """The parameters a stage reads: every ``params.<section>.<key>`` or bare ``params.<section>`` in its file.

    ``build.<function>(params)`` stands for what that function reads.
    """
    return _parameters_in((ROOT / f"{module.replace('.', '/')}.py").read_text())


def _parameters_in(text: str) -> set[str]:
    read = set(
        re.findall(r"\bparams\.((?!py\b|yaml\b|faults\b|parse\b)[a-z0-9_]+(?:\.(?!model_dump)[A-Za-z0-9_]+)?)", text)
    )
    for name in set(re.findall(r"\b(\w+)\(params\)", text)) & _build().keys():
        read |= _parameters_in(_build()[name])
    return read


def _build() -> dict[str, str]:
    text = (ROOT / "selflabel/config/build.py").read_text()
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    return {node.name: ast.get_source_segment(text, node) for node in functions}
