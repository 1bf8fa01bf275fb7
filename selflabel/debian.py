"""Files out of Debian's and Ubuntu's package archive, without being root.

Standard library only: the set-up of a new machine runs it before anything is installed.
"""

import subprocess
import sys
import tempfile
from pathlib import Path


def unpack(package: str, directory: Path) -> None:
    """Download ``package`` with apt-get and unpack its files below ``directory``; nothing is installed.

    A fresh machine may have no package lists yet; they are then fetched into a temporary folder. Raises
    ``OSError`` with the reason if apt-get or dpkg-deb is missing or fails.
    """
    with tempfile.TemporaryDirectory() as work:
        try:
            _run(["apt-get", "download", package], work)
        except OSError:
            state = [f"-oDir::State={work}/state", f"-oDir::Cache={work}/cache", "-oAPT::Sandbox::User=root"]
            for folder in ("state/lists/partial", "cache/archives/partial"):
                (Path(work) / folder).mkdir(parents=True)
            # The installed packages stay where they are; only lists and cache move.
            state.append("-oDir::State::status=/var/lib/dpkg/status")
            _run(["apt-get", *state, "update"], work)
            _run(["apt-get", *state, "download", package], work)
        archives = list(Path(work).glob("*.deb"))
        if len(archives) != 1:
            raise OSError(f"apt-get download {package} left {len(archives)} archives, not one")
        _run(["dpkg-deb", "-x", str(archives[0]), str(directory)], work)


def _run(command: list[str], directory: str) -> None:
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=300)
    except FileNotFoundError as error:
        raise OSError(f"{command[0]} is not on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise OSError(f"{command[0]} took longer than {error.timeout} s") from error
    if done.returncode:
        words = [word for word in command if not word.startswith("-o")]
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        errors = [line for line in lines if line.startswith(("E:", "dpkg"))]
        raise OSError(f"{' '.join(words)} failed ({(errors or lines)[-1]})")


if __name__ == "__main__":
    unpack(sys.argv[1], Path(sys.argv[2]).resolve())
