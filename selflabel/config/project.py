"""The files of a project: what a folder needs in which the installed package is to run.

In a checkout of the project itself they stand where they are used; the package brings copies of them.
"""

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import selflabel
from selflabel import code_digest, files
from selflabel.config import schema

PACKAGE = Path(selflabel.__file__).parent
# What checks a change in a hosted repository: the labels that are committed are those of the committed parameters, and
# DVC's remote has them.
CI = {
    "github": (
        ".github/workflows/selflabel.yml",
        """\
name: selflabel
on: [push, pull_request]

jobs:
  labels:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0
      - uses: actions/setup-python@v5
        with:
          python-version: "3.11"
      - run: pip install selflabel=={version}
      # The remote's credentials go into the repository's secrets: dvc.org/doc tells their names.
      - run: dvc pull --allow-missing
      - run: dvc status
      - run: selflabel results
""",
    ),
    "gitlab": (
        ".gitlab-ci.yml",
        """\
labels:
  image: python:3.11
  script:
    - pip install selflabel=={version}
    # The remote's credentials go into the project's variables: dvc.org/doc tells their names.
    - dvc pull --allow-missing
    - dvc status
    - selflabel results
""",
    ),
}
# The page of `dvc plots show`, with Vega in it: it needs no network.
PLOTS = ".dvc/plots.html"
# Which code a project was laid down for; its stage `code` depends on it.
VERSION_FILE = "selflabel.version"
STAGE_FILES = ("dvc.yaml", "inputs/dvc.yaml", "rounds/dvc.yaml", "baselines/dvc.yaml")
TEMPLATES = (*STAGE_FILES, "params.yaml", "answers.csv", "rounds/table.yaml", "embeddings/README.md")
IGNORED = "/data/\n/embeddings/*\n!/embeddings/README.md\n/.venv/\n/dvc_plots/\n/report/\n__pycache__/\n"
# The lines of the stage `code` in a checkout, which has the package beside it, and what stands there in its place.
_OF_A_CHECKOUT = ("      --package selflabel\n", "    deps:\n    - selflabel\n")
_OF_A_PROJECT = (f"      --package {VERSION_FILE}\n", f"    deps:\n    - {VERSION_FILE}\n")


def template(name: str) -> Path:
    """Return the file of a project that the package brings, or the one of the checkout that the package lies in."""
    packed = PACKAGE / "project" / name
    return packed if packed.exists() else PACKAGE.parent / name


def is_project(folder: Path) -> bool:
    """Return whether a folder has what a run starts from."""
    return Path(folder, "params.yaml").exists() and Path(folder, "dvc.yaml").exists()


def lay_down(folder: Path, run: Callable[..., object] = subprocess.run, *, ci: str = "") -> list[str]:
    """Write the files of a project into a folder that is none, and return their names.

    Raises ``ValueError`` if one of them is there already: nothing is overwritten. ``run``: runs `dvc init`,
    and `git init` where no folder around is under Git. ``ci``: a name in ``CI`` for a file of checks, or none.
    """
    texts = _texts() | {VERSION_FILE: version_text()}
    if ci:
        place, text = CI[ci]
        texts[place] = text.format(version=selflabel.__version__)
    if taken := [name for name in texts if Path(folder, name).exists()]:
        raise ValueError(f"a project is laid down in a folder without {' and '.join(taken)}, got one that has it")
    for name, text in texts.items():
        files.write_text(Path(folder, name), text)
    if not Path(folder, ".gitignore").exists():
        files.write_text(Path(folder, ".gitignore"), IGNORED)
        texts[".gitignore"] = IGNORED
    if not Path(folder, ".dvc").exists():
        has_git = any(Path(parent, ".git").exists() for parent in (folder.resolve(), *folder.resolve().parents))
        if not has_git and shutil.which("git"):
            run(["git", "init", "--quiet"], cwd=folder, check=True)
        is_inside = has_git and not Path(folder, ".git").exists()
        options = ["--subdir"] if is_inside else [] if has_git or shutil.which("git") else ["--no-scm"]
        run(["dvc", "init", "--quiet", *options], cwd=folder, check=True)
        files.write_text(Path(folder, PLOTS), files.read_text(template(PLOTS)))
        run(["dvc", "config", "--quiet", "plots.html_template", Path(PLOTS).name], cwd=folder, check=True)
    return sorted(texts)


def _texts() -> dict[str, str]:
    """Return the text of each file of a project that is no checkout."""
    texts = {name: files.read_text(template(name)) for name in TEMPLATES}
    for here, there in zip(_OF_A_CHECKOUT, _OF_A_PROJECT, strict=True):
        texts["inputs/dvc.yaml"] = texts["inputs/dvc.yaml"].replace(here, there)
    return texts


def upgrade(folder: Path) -> list[str]:
    """Give a project that was laid down by an older version what the installed one needs, and return it in sentences.

    The stages and the version file are written anew; what is new in params.yaml gets the value that it has in a new
    project. Raises ``ValueError`` for a folder that `selflabel init` did not lay down.
    """
    path = Path(folder, VERSION_FILE)
    if not path.exists():
        raise ValueError(f"a project that `selflabel init` laid down has the file {path}, got a folder without it")
    texts = _texts()
    done = [f"{VERSION_FILE} names the installed version"]
    for name in (*STAGE_FILES, "embeddings/README.md"):
        target = Path(folder, name)
        if not target.exists() or files.read_text(target) != texts[name]:
            files.write_text(target, texts[name])
            done.append(f"{name} is that of the installed version")
    _forget_moved(folder)
    added: list[str] = []
    params, wanted = files.read_text(Path(folder, "params.yaml")), files.parse_yaml(texts["params.yaml"])
    text = files.edit_yaml(params, lambda tree: added.extend(_add(tree, wanted)))
    if added:
        # What a person has written beside the values stays.
        files.write_text(Path(folder, "params.yaml"), text)
        done.append(f"params.yaml has {', '.join(added)}, with the values of a new project")
    files.write_text(path, version_text())
    return [*done, *repeated(folder)]


def _forget_moved(folder: Path) -> None:
    """Take the stages out of dvc.lock that dvc.yaml has no more: DVC would write them with each of the others."""
    path, stages = Path(folder, "dvc.lock"), files.read_yaml(Path(folder, "dvc.yaml"))["stages"]
    if not path.exists():
        return
    lock = files.read_yaml(path)
    kept = {name: stage for name, stage in (lock.get("stages") or {}).items() if name.partition("@")[0] in stages}
    if kept != lock.get("stages"):
        files.write_text(path, files.edit_yaml(files.read_text(path), lambda tree: tree.update(stages=kept)))


def stages_code(package: Path) -> dict[str, str]:
    """Return, of each stage, a line with digest and path for each module that it imports."""
    root, texts = package.parent, {}
    for name in sorted(path.stem for path in Path(package, "stages").glob("[!_]*.py")):
        # The schema is what `check` is about.
        untracked = frozenset() if name == "check" else code_digest.SCHEMA
        paths = code_digest.imported_files(f"{package.name}.stages.{name}", root=root, untracked=untracked)
        texts[name] = code_digest.digests(paths, root=root)
    return texts


def repeated(folder: Path) -> list[str]:
    """Return, in a sentence for each stage that ran with other code than the installed one, what is another in it."""
    sentences = []
    for name, text in stages_code(PACKAGE).items():
        path = Path(folder, "data/code", f"{name}.txt")
        if path.exists() and (changed := set(text.splitlines()) ^ set(files.read_text(path).splitlines())):
            paths = sorted({line.split("  ", 1)[1] for line in changed})
            more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
            sentences.append(f"{name} is repeated, for other code in {', '.join(paths[:3])}{more}")
    return sentences


def _add(values: dict[str, Any], wanted: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Add what is not there, in place, and return the names; of a section whose kind is another nothing is added."""
    added = []
    for name, value in wanted.items():
        kinds = schema.KINDS.get(prefix.rstrip("."))
        if kinds and values.get(kinds[0]) != wanted[kinds[0]]:
            break
        if name not in values:
            values[name] = value
            added.append(f"{prefix}{name}")
        elif isinstance(value, Mapping) and isinstance(values[name], dict):
            added += _add(values[name], value, f"{prefix}{name}.")
    return added


def version_text() -> str:
    """Return the installed version, and the digest of what its code does."""
    paths = sorted(str(path.relative_to(PACKAGE.parent)) for path in PACKAGE.rglob("*.py"))
    digest = code_digest.digest_of(code_digest.digests(paths, root=PACKAGE.parent))
    return f"{selflabel.__version__} {digest}\n"


def package_of(path: Path) -> Path:
    """Return the folder of the package that a project runs: ``path`` itself, or the installed one of a version file.

    Raises ``ValueError`` if another version is installed than the file says.
    """
    if path.is_dir():
        return path
    wanted, installed = files.read_text(path), version_text()
    if wanted != installed:
        raise ValueError(
            f"{path} must name the installed version of selflabel ({installed.split()[0]}), got {wanted.split()[0]} or "
            "another state of it: `selflabel upgrade` renews it, and all is played again with that code"
        )
    return PACKAGE
