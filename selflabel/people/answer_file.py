"""The file of answers, which several processes may append to at once: the command line, and the server's threads."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from selflabel import files
from selflabel.labels import answers
from selflabel.labels.answers import Answer


class AnswerFile:
    """answers.csv of a project.

    ``classes``: their names, to which others may be added. ``known``: the hashes of all images; answers about others
    are left alone.
    """

    def __init__(self, path: Path, *, classes: Sequence[str], known: Collection[str]) -> None:
        self._path, self.classes, self._known = path, classes, frozenset(known)
        # In the folder that Git ignores.
        self._lock = FileLock(path.parent / "data" / "answers.lock")
        self._stamp: tuple[int, int] | None = None
        self._answers: list[Answer] = []

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let nobody else append until the block ends."""
        Path(self._lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
        with self._lock:
            yield

    def has_changed(self) -> bool:
        """Return whether somebody has written to the file since it was read here."""
        return self._stamp != self._stamped()

    def read(self) -> list[Answer]:
        """Return all answers about known images, in the order of the file; raise ``ValueError`` for its faults."""
        if self.has_changed():
            stamp, text = self._stamped(), files.read_text(self._path)
            self._answers = answers.parse(text, source=str(self._path), classes=self.classes, known=self._known)
            self._stamp = stamp
        return self._answers

    def append(self, new: Sequence[Answer]) -> None:
        """Append answers; when this returns they are on the disk. To be called in a block of ``locked``.

        Raises ``OSError`` where they cannot be written; the file is then as it was.
        """
        if not new:
            return
        before = self.read()
        text = files.read_text(self._path)
        if (renewed := answers.renewed(text)) != text:
            files.write_text(self._path, renewed)
        files.append_text(self._path, ("" if text.endswith("\n") else "\n") + answers.lines(new))
        self._answers, self._stamp = [*before, *new], self._stamped()

    def _stamped(self) -> tuple[int, int]:
        status = self._path.stat()
        return status.st_mtime_ns, status.st_size
