"""Run DVC, and tell how far it is: stage n of N, a bar, the time left judged from earlier runs."""

import os
import re
import shutil
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selflabel import files

# Seconds that each stage took when it last ran. DVC keeps .dvc/tmp out of Git.
SECONDS = Path(".dvc/tmp/selflabel-seconds.json")
_RUNS = re.compile(r"Running stage '(?:.*:)?(.+)':")
_IS_DONE = re.compile(r"Stage '(?:.*:)?(.+)' (?:didn't change, skipping|is cached - skipping run)")
# What DVC says of every stage, and to who would commit by hand.
_NOISE = re.compile(
    r"> |(Updating|Generating) lock file|Use `dvc push`|To track the changes|To enable auto staging|\tgit add |"
    r"\tdvc config |Reproducing experiment|ERROR:|Data and pipelines are|$"
)
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# The last state of a bar that a stage or DVC leaves behind.
_BAR = re.compile(r".*\d+%.*\|.*|!?$")
_WIPE = "\r\x1b[K"
WIDTH = 12  # of the bar, in characters


class Progress:
    """What is known of a run from the lines that DVC and its stages print.

    ``stages``: names of all that the run looks at. ``seconds``: what each took when it last ran.
    """

    def __init__(self, stages: Sequence[str], seconds: Mapping[str, float]) -> None:
        self.left, self.n_all = set(stages), len(stages)
        self.seconds = dict(seconds)
        self.stage, self.began = "", 0.0
        self.kept: list[str] = []  # what DVC said since the stage began, and a person was not told

    def read(self, line: str, now: float) -> str | None:
        """Take one line that was printed at ``now``, in seconds; return what a person is to read of it, if anything."""
        if match := _RUNS.match(line):
            self.end(now)
            self.stage, self.began, self.kept = match[1], now, [line]
            self.left.discard(self.stage)
            return f"{self.place()} {self.stage}{self._expected()}"
        if match := _IS_DONE.match(line):
            self.end(now)
            self.left.discard(match[1])
            self.kept = []
            return None
        if _NOISE.match(line):
            self.kept.append(line)
            return None
        return line

    def end(self, now: float) -> None:
        """Note how long the stage took that ran until ``now``, if one did."""
        if self.stage:
            self.seconds[self.stage] = round(now - self.began, 1)
            self.stage = ""

    def place(self) -> str:
        """Return which stage of how many this is."""
        return f"[{max(self.n_all - len(self.left), 0):>{len(str(self.n_all))}}/{self.n_all}]"

    def seconds_left(self, now: float) -> float | None:
        """Return how long the run may yet take, were all that is left to run; None where no stage was ever timed.

        A stage that DVC finds unchanged takes none of it, so that the time falls faster than the clock.
        """
        if not any(name in self.seconds for name in (self.stage, *self.left)):
            return None
        now_running = max(self.seconds.get(self.stage, 0.0) - (now - self.began), 0.0) if self.stage else 0.0
        return now_running + sum(self.seconds.get(name, 0.0) for name in self.left)

    def line(self, now: float) -> str:
        """Return the bar: done stages of all, the stage that runs and since when, and the time left."""
        full = round(WIDTH * (self.n_all - len(self.left)) / max(self.n_all, 1))
        left = self.seconds_left(now)
        parts = [f"{self.place()} {'█' * full}{'░' * (WIDTH - full)} {self.stage or 'DVC'}"]
        if self.stage:
            usual = self.seconds.get(self.stage)
            parts.append(f"{clock(now - self.began)}{f' of {clock(usual)}' if usual else ''}")
        if left is not None:
            parts.append(f"at most {clock(left)} left")
        return " · ".join(parts)

    def _expected(self) -> str:
        usual = self.seconds.get(self.stage)
        return f" ({clock(usual)} the last time)" if usual and usual >= 1 else ""


def clock(seconds: float) -> str:
    """Return seconds as minutes and seconds, such as 2:05."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def stages_of(folder: Path, targets: Sequence[str] = ()) -> list[str]:
    """Return the names of the stages that `dvc repro` looks at in a folder; none where DVC cannot read its files.

    ``targets``: the stages that it is asked for, all of dvc.yaml if left out. DVC says what is wrong when it runs.
    """
    # A second to import.
    import networkx
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with warnings.catch_warnings(), Repo(str(folder)) as repo:
            warnings.simplefilter("ignore", DeprecationWarning)  # in a library of DVC's
            graph = repo.index.graph
            own = [stage for stage in graph if stage.path_in_repo == "dvc.yaml"]
            if targets:
                own = [stage for target in targets for stage in repo.stage.collect(target)]
            wanted = set(own).union(*(networkx.descendants(graph, stage) for stage in own))
            return sorted(getattr(stage, "name", stage.addressing) for stage in wanted)
    except DvcException:
        return []


def run(command: Sequence[str], *, folder: Path, targets: Sequence[str] = (), out: Any = None) -> int:
    """Run DVC's ``command`` in a folder, show how far it is, and return its exit code; 130 after Ctrl-C.

    ``targets``: as in ``stages_of``. ``out``: where to write, standard error if left out. On a terminal a bar ticks
    from the first second on, with that of the stage that runs, if it has one; elsewhere there are plain lines. If DVC
    fails, what it said follows.
    """
    out = out or sys.stderr
    known = files.read_json(folder / SECONDS) if (folder / SECONDS).exists() else {}
    progress = Progress(stages_of(folder, targets), known)
    is_terminal, began = out.isatty(), time.monotonic()
    with _bar(progress, out) if is_terminal else _no_bar(out) as (show, tell):
        source, process = _start([*command, *targets], folder, is_terminal)
        code = 130
        try:
            for text, is_whole in _pieces(source):
                if not is_whole:
                    show(text)
                elif (told := progress.read(text, time.monotonic())) is not None:
                    tell(told)
            code = process.wait()
        except KeyboardInterrupt:
            # It had the signal too, and ends its stages; a half-written file never gets its name.
            process.wait()
        finally:
            os.close(source)
    if code:
        out.write("".join(f"{line}\n" for line in progress.kept))
        out.write(
            f"stopped{f' in {progress.stage}' if progress.stage else ''} after {clock(time.monotonic() - began)}\n"
        )
    else:
        progress.end(time.monotonic())
        out.write(f"done in {clock(time.monotonic() - began)}\n")
    files.write_json(folder / SECONDS, {name: took for name, took in progress.seconds.items() if took})
    return code


def _start(command: Sequence[str], folder: Path, is_terminal: bool) -> tuple[int, subprocess.Popen[bytes]]:
    """Start a command, and return the descriptor from which both its streams are read, and its process."""
    # A terminal of its own, so that stages draw their bars.
    source, sink = os.openpty() if is_terminal else os.pipe()
    if is_terminal:
        import termios

        termios.tcsetwinsize(sink, (24, 60))
    try:
        return source, subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
    finally:
        os.close(sink)


def _pieces(source: int) -> Iterator[tuple[str, bool]]:
    """Yield what is written, without colours: lines with True, and with False states of a bar, to be written over."""
    rest = b""
    while True:
        try:
            data = os.read(source, 65_536)
        except OSError:  # how a terminal ends
            data = b""
        *parts, rest = re.split(rb"(\r\n|\n|\r)", rest + data)
        for text, ending in zip(parts[::2], parts[1::2], strict=True):
            yield _plain(text), ending != b"\r"
        if not data:
            if rest:
                yield _plain(rest), True
            return


def _plain(data: bytes) -> str:
    return _COLOURS.sub("", data.decode(errors="replace"))


@contextmanager
def _no_bar(out: Any) -> Iterator[tuple[Callable[[str], None], Callable[[str], None]]]:
    def tell(line: str) -> None:
        out.write(f"{line}\n")
        out.flush()

    yield lambda _: None, tell


@contextmanager
def _bar(progress: Progress, out: Any) -> Iterator[tuple[Callable[[str], None], Callable[[str], None]]]:
    """Draw the bar twice a second while the block runs; yield what sets a stage's own bar, and what prints above it.

    Not by tqdm: it would count what DVC counts, and time it by this run alone.
    """
    ended, lock, of_stage = threading.Event(), threading.Lock(), [""]

    def write(text: str) -> None:
        with lock:
            out.write(text)
            out.flush()

    def show(text: str) -> None:
        of_stage[0] = text.strip()

    def tell(line: str) -> None:
        of_stage[0] = ""
        if not _BAR.match(line):
            write(f"{_WIPE}{line}\n")

    def tick() -> None:
        while not ended.is_set():
            text = " · ".join(filter(None, [progress.line(time.monotonic()), of_stage[0]]))
            write(f"{_WIPE}{text[: shutil.get_terminal_size().columns - 1]}")
            ended.wait(0.5)

    ticking = threading.Thread(target=tick, daemon=True)
    ticking.start()
    try:
        yield show, tell
    finally:
        ended.set()
        ticking.join()
        write(_WIPE)
