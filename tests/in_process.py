"""Runs of the pipeline in one process, for what does not need DVC itself.

Each stage of the dvc.yaml files is called as its command says, in their order, where something that it
depends on has changed. One test holds that this writes the bytes that `dvc repro` writes; what is about DVC (its cache,
its locks, its experiments) is tested with DVC.
"""

import contextlib
import hashlib
import importlib
import io
import json
import os
import re
import shutil
import sys
import warnings
from collections.abc import Collection, Iterator
from pathlib import Path

import yaml
from projects import Project

from selflabel import cli
from selflabel.config.project import STAGE_FILES

# Who only compares with the truth.
JUDGES = ("leak", "random_labels", "baselines", "evaluate", "draw")


class StageError(AssertionError):
    """A stage ended with a sentence on what is wrong."""


class InProcess(Project):
    """A project whose stages and tools are called in this process."""

    def copy(self, folder: Path) -> "InProcess":
        """Return a copy of the project in another folder."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return InProcess(folder)

    def play(self, *names: str, without: Collection[str] = (), force: bool = False, keep: bool = False) -> str:
        """Play the stages that are stale, or of them ``names`` alone, or all ``without`` some; return what they said.

        ``force``: all of them. ``keep``: raise no error, but return its sentence after what was said before it.
        """
        known = self._read_record()
        said = io.StringIO()
        with self._inside(said):
            for name, command, definition in self._stages():
                if (names and name not in names) or name.partition("@")[0] in without:
                    continue
                state = self._state_of(definition)
                if (
                    not force
                    and known.get(name) == state
                    and all(Path(out).exists() for out in _paths(definition, "outs"))
                ):
                    continue
                # As DVC does: what a stage left before is gone when it runs.
                for out in _paths(definition, "outs"):
                    _remove(Path(out))
                try:
                    _call(command)
                except (ValueError, OSError) as error:
                    if keep:
                        return f"{said.getvalue()}error: {error}\n"
                    raise StageError(f"{said.getvalue()}{name}: {error}") from error
                known[name] = state
                self.played.append(name)
        self._write_record(known)
        return said.getvalue()

    def stages_played(self, *names: str) -> list[str]:
        """Play as ``play`` does; return the names of the stages that were stale."""
        self.played = []
        self.play(*names)
        return self.played

    def tool(self, *arguments: str, check: bool = True) -> str:
        """Call a command of `selflabel`; return what it printed, the sentence of an error included."""
        printed = io.StringIO()
        with self._inside(printed), contextlib.redirect_stdout(printed):
            sys.argv = ["selflabel", *arguments]
            try:
                cli.main()
            except SystemExit as ended:
                if isinstance(ended.code, str):
                    printed.write(f"{ended.code}\n")
                if check and ended.code not in (None, 0):
                    raise AssertionError(f"selflabel {' '.join(arguments)}: {printed.getvalue()}") from ended
        return printed.getvalue()

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.played: list[str] = []

    @contextlib.contextmanager
    def _inside(self, said: io.StringIO) -> Iterator[None]:
        before, arguments = Path.cwd(), sys.argv
        os.chdir(self.folder)
        try:
            # As in a process of its own: a warning there is printed, and no error.
            with contextlib.redirect_stderr(said), warnings.catch_warnings(action="default"):
                yield
        finally:
            os.chdir(before)
            sys.argv = arguments

    def _stages(self) -> Iterator[tuple[str, str, dict]]:
        """Yield name, command and definition of each stage, the rounds after the seed labels, all paths told."""
        params = yaml.safe_load(Path("params.yaml").read_text())
        table = yaml.safe_load(Path("rounds/table.yaml").read_text())
        of = {path: yaml.safe_load(Path(path).read_text())["stages"] for path in STAGE_FILES}
        for name, definition in of["inputs/dvc.yaml"].items():
            yield from _expanded(name, definition, params)
        for number in range(1, params["self_label"]["iterations"] + 1):
            for name, definition in of["rounds/dvc.yaml"].items():
                items = {str(number): table["rounds"][str(number)]}
                yield from _expanded(name, definition | {"foreach": items}, params)
        for name, definition in of["dvc.yaml"].items():
            # Before what compares with the baselines.
            if name == "evaluate":
                for baseline, each in of["baselines/dvc.yaml"].items():
                    yield from _expanded(baseline, each, params)
            yield from _expanded(name, definition, params)

    def _state_of(self, definition: dict) -> dict:
        tree = yaml.safe_load(Path("params.yaml").read_text())
        values = {}
        for name in definition.get("params", []):
            value = tree
            for key in name.split("."):
                value = value[key]
            values[name] = value
        # The code is that of this process, whatever is in the folder.
        deps = [dep for dep in definition["deps"] if not dep.startswith("data/code") and dep != "selflabel"]
        return json.loads(json.dumps({"params": values, "deps": {dep: _digest(Path(dep)) for dep in deps}}))

    def _read_record(self) -> dict:
        path = self.folder / ".in_process.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def _write_record(self, known: dict) -> None:
        (self.folder / ".in_process.json").write_text(json.dumps(known))


def _expanded(name: str, definition: dict, params: dict) -> Iterator[tuple[str, str, dict]]:
    items = definition.get("foreach", {None: None})
    body = json.dumps(definition.get("do", definition))
    for key, item in items.items():
        names = {
            "key": key,
            "item": item,
            **({f"item.{inner}": value for inner, value in item.items()} if isinstance(item, dict) else {}),
        }
        text = re.sub(r"\$\{([\w.]+)\}", lambda match, names=names: _lookup(match[1], names, params), body)
        each = json.loads(text)
        yield (name if key is None else f"{name}@{key}"), each["cmd"], each


def _lookup(name: str, names: dict, params: dict) -> str:
    if name in names:
        return str(names[name])
    value = params
    for key in name.split("."):
        value = value[key]
    # Inside a JSON text.
    return json.dumps(value)[1:-1] if isinstance(value, str) else str(value)


def _call(command: str) -> None:
    python, option, module, *arguments = command.split()
    assert (python, option) == ("python", "-m")
    sys.argv = [module, *arguments]
    importlib.import_module(module).main()


def _paths(definition: dict, *kinds: str) -> list[str]:
    return [
        path
        for kind in (*kinds, "metrics")
        for out in definition.get(kind, [])
        for path in ([out] if isinstance(out, str) else out)
    ]


def _remove(path: Path) -> None:
    if path.is_dir():
        for inner in path.iterdir():
            _remove(inner)
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    if path.is_dir():
        inner = "".join(f"{each.name}{_digest(each)}" for each in sorted(path.iterdir()))
        return hashlib.sha256(inner.encode()).hexdigest()
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""
