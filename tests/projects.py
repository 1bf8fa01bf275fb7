"""A project in a folder of its own, in which DVC really runs, for the tests."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

from selflabel.config import load

ROOT = Path(__file__).parent.parent


class Project:
    """A copy of the project in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *command: str, check: bool = True, **more: str) -> subprocess.CompletedProcess:
        """Run a command in the folder; its output, both streams together, is in ``stdout``."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environment() | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)} exited with {done.returncode}:\n{done.stdout}")
        return done

    def repro(self, *options: str) -> str:
        return self.run("dvc", "repro", *options).stdout

    def stages_run(self, *options: str) -> list[str]:
        """Repro; the names of the stages that really ran (not taken from the run cache, not skipped)."""
        lines = self.repro(*options).splitlines()
        return [line.split("'")[1].rsplit(":", 1)[-1] for line in lines if line.startswith("Running stage")]

    def set(self, **sections: dict) -> None:
        """Set values of params.yaml; a section of another kind loses the keys of the old one."""
        path = self.folder / "params.yaml"
        tree = load.merged(yaml.safe_load(path.read_text()), sections)
        path.write_text(yaml.safe_dump(tree, sort_keys=False))

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--allow-empty", "--message", message)

    def bytes_of(self, *folders: str) -> dict[str, bytes]:
        paths = [path for name in folders for path in sorted((self.folder / name).rglob("*")) if path.is_file()]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in paths}


def environment() -> dict[str, str]:
    names = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    # The stages call `python`: this one.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return os.environ | names | {"PATH": path, "DVC_NO_ANALYTICS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
