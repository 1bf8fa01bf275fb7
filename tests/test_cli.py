"""The command `selflabel`: its help, its version, completion, and what it says to what it does not know."""

import subprocess
import sys

import pytest
from projects import ROOT

from selflabel import __version__, cli


def call(monkeypatch, capsys, *arguments):
    """Return what the command prints and how it ends."""
    monkeypatch.setattr(sys, "argv", ["selflabel", *arguments])
    try:
        cli.main()
        code = 0
    except SystemExit as ended:
        code = ended.code
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_the_help_lists_every_command_under_the_heading_of_its_group(monkeypatch, capsys):
    code, out, _ = call(monkeypatch, capsys, "--help")
    assert code == 0
    for heading, commands in cli.GROUPS.items():
        assert f"\n{heading}:\n" in out
        assert all(f"\n  {name} " in out for name in commands)


@pytest.mark.parametrize("name", [name for group in cli.GROUPS.values() for name in group])
def test_every_command_has_a_help_of_its_own(monkeypatch, capsys, name):
    code, out, _ = call(monkeypatch, capsys, name, "--help")
    assert code == 0 and out.startswith(f"usage: selflabel {name} ")


def test_the_version_is_the_packages(monkeypatch, capsys):
    assert call(monkeypatch, capsys, "--version")[:2] == (0, f"selflabel {__version__}\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_every_command(monkeypatch, capsys, shell):
    code, out, _ = call(monkeypatch, capsys, "completion", shell)
    assert code == 0 and all(name in out for group in cli.GROUPS.values() for name in group)


@pytest.mark.parametrize("arguments", [["pln"], [], ["rounds", "many"]])
def test_what_is_no_command_or_no_argument_ends_with_one_sentence_and_2(monkeypatch, capsys, arguments):
    code, _, err = call(monkeypatch, capsys, *arguments)
    assert code == 2 and "error: " in err.splitlines()[-1]


def test_python_m_selflabel_is_the_same_command():
    done = subprocess.run([sys.executable, "-m", "selflabel", "--version"], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == f"selflabel {__version__}\n"


def test_help_waits_for_no_heavy_import():
    code = "import sys; from selflabel import cli; cli.parser(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"sklearn", "matplotlib", "tensorflow", "cv2", "PIL"} & set(done.stdout.split())
