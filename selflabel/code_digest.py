"""Digests of the project's code: which modules a stage imports, and what they do.

A digest is of the parsed module without comments and docstrings: another wording or layout makes no stage stale, a
changed number does.
"""

import ast
import hashlib
from collections.abc import Iterator, Set
from pathlib import Path

from selflabel import files

# Reading parameters changes no value, and DVC tracks the values key by key: see config/load.py.
SCHEMA = frozenset(f"selflabel/config/{name}.py" for name in ("load", "schema", "wording", "checks"))


def imported_files(module: str, *, root: Path, untracked: Set[str] = SCHEMA) -> list[str]:
    """Return the paths below ``root`` of all modules that a module imports, itself included, sorted.

    Imports are followed in every form, absolute and relative, inside functions too; each module brings the
    ``__init__.py`` of the packages it lies in. ``untracked``: paths that are neither returned nor followed.
    """
    todo = [module]
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        path = _file_of(name, root)
        if path is None or path in seen | untracked:
            continue
        seen.add(path)
        todo += [*_packages(name), *_imports(ast.parse(files.read_text(root / path)), _package(name, path))]
    return sorted(seen)


def digest(source: str) -> str:
    """Return SHA-256, hexadecimal, of what a module's source does: of its syntax tree without docstrings.

    Comments, line breaks, quotes and the positions in the file leave no trace.
    """
    return hashlib.sha256("\n".join(_nodes(ast.parse(source))).encode()).hexdigest()


def digests(paths: list[str], *, root: Path) -> str:
    """Return a line with ``digest`` and path for each file."""
    return "".join(f"{digest(files.read_text(root / path))}  {path}\n" for path in paths)


def digest_of(text: str) -> str:
    """Return SHA-256, hexadecimal, of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def byte_sums(paths: list[str], *, root: Path) -> str:
    """Return a line with SHA-256 of the bytes and path for each file, as ``sha256sum`` writes and checks it."""
    return "".join(f"{hashlib.sha256((root / path).read_bytes()).hexdigest()}  {path}\n" for path in paths)


def _imports(tree: ast.Module, package: str) -> list[str]:
    """Return the names of all modules that may be imported; some are of functions and classes instead."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [name for alias in node.names for name in (alias.name, *_packages(alias.name))]
        elif isinstance(node, ast.ImportFrom):
            # One dot is the package itself, each further one the package around it.
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return names


def _packages(name: str) -> list[str]:
    """Return the names of the packages around a module: a and a.b of a.b.c."""
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _package(name: str, path: str) -> str:
    """Return the package that a module's relative imports start from."""
    return name if path.endswith("/__init__.py") else name.rpartition(".")[0]


def _file_of(name: str, root: Path) -> str | None:
    path = name.replace(".", "/")
    candidates = (f"{path}/__init__.py", f"{path}.py")
    return next((candidate for candidate in candidates if (root / candidate).is_file()), None)


def _nodes(node: object) -> Iterator[str]:
    """Yield the tree node by node, without positions, and without fields that are empty.

    Not ``ast.dump``: what it writes is another text in another version of Python, which has more fields.
    """
    if isinstance(node, ast.AST):
        yield type(node).__name__
        for name, value in ast.iter_fields(node):
            if name == "body" and _has_docstring(node):
                value = value[1:]
            if value not in (None, []):
                yield f"{name}="
                yield from _nodes(value)
        yield "."
    elif isinstance(node, list):
        for part in node:
            yield from _nodes(part)
    else:
        yield repr(node)


def _has_docstring(node: ast.AST) -> bool:
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return ast.get_docstring(node, clean=False) is not None
