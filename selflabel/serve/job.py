"""A command that runs beside the server, whose lines a page follows."""

import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class Job:
    """Runs ``command`` in ``folder``, one at a time, and keeps what it prints."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._command, self._folder = command, folder
        self._lock = threading.Lock()
        self._lines: list[str] = []
        self._is_running, self._is_well = False, False

    def start(self) -> bool:
        """Start the command; return whether it was not running already."""
        with self._lock:
            if self._is_running:
                return False
            self._is_running, self._lines = True, []
        threading.Thread(target=self._run, daemon=True).start()
        return True

    def since(self, number: int) -> dict[str, Any]:
        """Return the lines from ``number`` on, how many there are, and whether the command has ended, and well."""
        with self._lock:
            lines = self._lines[number:]
            ended = not self._is_running and bool(self._lines)
            return {"lines": lines, "next": number + len(lines), "ended": ended, "ok": ended and self._is_well}

    def _run(self) -> None:
        try:
            with subprocess.Popen(
                self._command, cwd=self._folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
            ) as process:
                for line in process.stdout or ():
                    self._say(line.rstrip("\n"))
            is_well = process.returncode == 0
        except OSError as error:
            self._say(f"{self._command[0]} cannot be run: {error}")
            is_well = False
        with self._lock:
            if not self._lines:
                self._lines.append("nothing was printed")
            self._is_running, self._is_well = False, is_well

    def _say(self, line: str) -> None:
        with self._lock:
            self._lines.append(line)
