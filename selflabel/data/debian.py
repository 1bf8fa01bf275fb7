"""Files out of Debian's and Ubuntu's package archive, without being root.

Standard library only: the set-up of a new machine runs it before anything is installed.
"""

import sys
import tempfile
from pathlib import Path

from selflabel.data import processes


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
    def reason(lines: list[str]) -> str:
        return ([line for line in lines if line.startswith(("E:", "dpkg"))] or lines)[-1]

    processes.run(command, directory, options="-o", reason=reason)


if __name__ == "__main__":
    unpack(sys.argv[1], Path(sys.argv[2]).resolve())
