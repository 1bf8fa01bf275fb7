"""Which of the project's files a module imports, so that a stage is played again when one of them changes."""

import ast
import hashlib
from collections.abc import Set
from pathlib import Path

from selflabel import files

# Reading parameters changes no value, and DVC tracks the values key by key: see params.py. The package's own file is
# a docstring and nothing else.
SCHEMA = frozenset(f"selflabel/{name}.py" for name in ("params", "schema", "wording", "consistency"))
UNTRACKED = SCHEMA | {"selflabel/__init__.py"}


def imported_files(module: str, *, root: Path, untracked: Set[str] = UNTRACKED) -> list[str]:
    """Return the paths below ``root`` of what a module imports, itself included, sorted.

    Followed through every import, those inside functions too; ``untracked`` are neither returned nor followed.
    """
    todo, seen = [_file_of(module, root)], set()
    while todo:
        path = todo.pop()
        if path is None or path in seen | untracked:
            continue
        seen.add(path)
        todo.append(f"{path.split('/')[0]}/__init__.py")
        todo += [_file_of(name, root) for name in _imports(root / path)]
    return sorted(seen)


def digests(paths: list[str], *, root: Path) -> str:
    """Return a line with SHA-256 and path for each file, in the format of ``sha256sum``."""
    return "".join(f"{hashlib.sha256((root / path).read_bytes()).hexdigest()}  {path}\n" for path in paths)


def _imports(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(files.read_text(path))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def _file_of(name: str, root: Path) -> str | None:
    path = name.replace(".", "/")
    return next((found for found in (f"{path}.py", f"{path}/__init__.py") if (root / found).is_file()), None)
