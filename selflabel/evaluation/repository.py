"""What Git and DVC know of the project."""

import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from selflabel import files

READERS = {".csv": files.read_table, ".json": files.read_json, ".yaml": files.read_yaml}


def find_revision(name: str) -> str | None:
    """Return ``name`` if Git knows that revision, ``origin/name`` if it knows only that, else None."""
    for candidate in (name, f"origin/{name}"):
        if _git("rev-parse", "--verify", "--quiet", f"{candidate}^{{commit}}") is not None:
            return candidate
    return None


def is_shallow() -> bool:
    """Return whether this clone lacks history."""
    return _git("rev-parse", "--is-shallow-repository") == "true\n"


def read(revision: str, path: str) -> Any:
    """Return what the JSON, YAML or CSV file ``path`` holds in a revision, as ``files`` reads it; None if not there."""
    text = _git("show", f"{revision}:{path}")
    if text is None:
        return None
    with TemporaryDirectory() as folder:
        copy = Path(folder, Path(path).name)
        files.write_text(copy, text)
        return READERS[copy.suffix](copy)


def experiments_csv() -> str:
    """Return ``dvc exp show --csv``; raise ``OSError`` with DVC's words if it fails."""
    return _dvc("exp show", "--csv", "--no-pager")


def stale_stages() -> list[str]:
    """Return the stages that `dvc repro` would play again; raise ``OSError`` with DVC's words if it fails."""
    # Not all of rounds/dvc.yaml: there are rounds beyond self_label.iterations.
    stale = json.loads(_dvc("status", "--json", "--with-deps", "draw", "queue", "export"))
    # DVC names the stages of other files by their paths.
    return [name.rsplit(":", 1)[-1] for name in stale]


def _dvc(command: str, *arguments: str) -> str:
    done = subprocess.run(["dvc", *command.split(), *arguments], capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"dvc {command} failed: {done.stderr.strip()}")
    return done.stdout


def _git(*arguments: str) -> str | None:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True)
    return None if done.returncode else done.stdout
