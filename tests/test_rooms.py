"""The rooms of the package import each other in one direction: the contracts stand in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

from projects import ROOT


def test_the_rooms_import_downwards_only():
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_every_room_says_in_a_docstring_what_belongs_there():
    rooms = [path for path in (ROOT / "selflabel").iterdir() if path.is_dir() and not path.name.startswith("_")]
    assert len(rooms) == 13
    assert all((room / "__init__.py").read_text().startswith('"""') for room in rooms)
