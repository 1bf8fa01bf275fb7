"""Other programs, run for their effect. Standard library only: ``debian`` needs it before anything is installed."""

import subprocess
from collections.abc import Callable, Sequence


def run(command: Sequence[str], directory: str, *, options: str, reason: Callable[[list[str]], str]) -> None:
    """Run a program in a folder, at most five minutes.

    Raises ``OSError`` with the command, without the words that begin with ``options``, if the program is missing,
    takes longer or fails; then with the ``reason`` in what it wrote to stderr, lines of which there is at least one.
    """
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=300)
    except FileNotFoundError as error:
        raise OSError(f"{command[0]} is not on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise OSError(f"{command[0]} took longer than {error.timeout} s") from error
    if done.returncode:
        words = [word for word in command if not word.startswith(options)]
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        raise OSError(f"{' '.join(words)} failed ({reason(lines)})")
