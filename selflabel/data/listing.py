"""List the files of a folder or of a manifest, without opening an image.

Every file is either an entry or a problem with its reason, so that none disappears uncounted.
"""

import csv
import errno
import io
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from selflabel.labels.strict_csv import NO_TEXT

POOL, TEST = "pool", "test"
MANIFEST_COLUMNS = ("path", "label", "split")
UNLABELLED = "unlabelled"
README = "README.md"
UNLABELLED_TEST = "a test image without a label"
HIDDEN = "hidden file"
# What a folder may be called that holds the classes' folders.
_KINDS = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": TEST, "testing": TEST, UNLABELLED: UNLABELLED, "unlabeled": UNLABELLED,
}  # fmt: skip
FOR_DVC_UNREADABLE = BROKEN, LOOP, NOT_REGULAR, NO_NAME, FORBIDDEN = (
    "a broken link", "a loop of links", "not a regular file", "a name that is not UTF-8", "no permission",
)  # fmt: skip
_REASONS = {
    errno.ENOENT: "no such file",
    errno.ENOTDIR: "no such file",
    errno.ELOOP: LOOP,
    errno.EACCES: FORBIDDEN,
    errno.EPERM: FORBIDDEN,
}


class Entry(NamedTuple):
    """An image that may be used: ``path`` names it in tables; ``source`` is its file, or uint8 (h, w) or (h, w, 3).

    ``label``: class name, empty for none. ``split``: pool or test.
    """

    path: str
    label: str
    split: str
    source: str | np.ndarray  # a Path is five times as large as its text


class Problem(NamedTuple):
    """A file that cannot be used (``action``: refused), that is hidden (ignored), or used with a remark (kept)."""

    path: str
    reason: str
    action: str = "refused"


class Listing(NamedTuple):
    """Entries, the pool's first and each split by path; problems by path; the classes in the order of their numbers.

    ``layout``: in words, which folders were taken for what, where that is not the usual one; else empty.
    """

    entries: list[Entry]
    problems: list[Problem]
    classes: tuple[str, ...]
    layout: str = ""


def listing(entries: Sequence[Entry], problems: Sequence[Problem], classes: Sequence[str], layout: str = "") -> Listing:
    """Return entries and problems in their order, those of the test images that have no label as problems."""
    unusable = [entry for entry in entries if entry.split == TEST and not entry.label]
    problems = [*problems, *(Problem(entry.path, UNLABELLED_TEST) for entry in unusable)]
    used = [entry for entry in entries if entry.split == POOL or entry.label]
    return Listing(used, sorted(problems, key=lambda problem: os.fsencode(problem.path)), tuple(classes), layout)


def folder(directory: Path) -> Listing:
    """Return what is below a folder: CLASS/**, unlabelled/**, test/CLASS/**, and files without a label in the folder.

    Or train/CLASS/**, with val/CLASS/** or test/CLASS/**, as torchvision, Keras and Hugging Face have it: see
    ``split_folders``. The folder's own README.md is none of it. Classes are the names of the folders, sorted. Raises
    ``ValueError`` for a folder that is probably meant to be unlabelled, train or test.
    """
    root, entries, problems, classes = Path(directory).resolve(), [], [], set()
    splits = split_folders(root)
    for path, reason in _walk(root):
        parts = path.split("/")
        label, split = _place(parts, splits)
        is_beside = bool(splits) and len(parts) > 1 and parts[0].casefold() not in _KINDS
        if path.endswith("/") and not reason:
            classes |= set() if is_beside else {label}
        elif reason := reason or ("in no class folder" if is_beside or (split == TEST and not label) else ""):
            # What a desktop leaves behind is nobody's image.
            action = "ignored" if reason == HIDDEN else "refused"
            problems.append(Problem(escaped(path), reason, action))
        else:
            entries.append(Entry(path, label, split, str(root / path)))
    told = {POOL: "images to label, with labels given", TEST: "test images"}
    filled = {entry.path.split("/")[0] for entry in entries}
    layout = ", ".join(f"{name}/CLASS are {told[split]}" for name, split in sorted(splits.items()) if name in filled)
    return listing(sorted(entries, key=_order), problems, _meant(classes - {""}), layout)


def split_folders(root: Path) -> dict[str, str]:
    """Return the split of each folder that holds the classes' folders, by its name; empty where the classes come first.

    It is so where there is a folder train or val, in any spelling, and beside it none but test and unlabelled; or
    others too, if train and val or test share the name of a class. What is in val are test images, unless there is a
    test with classes: then its labels are given ones. Raises ``ValueError`` where the folders are so, but train is not
    there, holds no folder or cannot be read, or where two of them are one kind.
    """
    try:
        tops = _folders(root)
    except OSError:
        # Told by who walks through it.
        return {}
    kinds = {name: kind for name in tops if (kind := _KINDS.get(name.casefold()))}
    if not {"train", "val"} & set(kinds.values()):
        return {}
    inside = {name: _inside(root / name) for name in kinds}
    train = {name for name, kind in kinds.items() if kind == "train"}
    held_out = {name for name, kind in kinds.items() if kind in ("val", TEST)}
    is_shared = any(inside[name] & inside[other] for name in train for other in held_out)
    if len(kinds) < len(tops) and not is_shared:
        return {}
    for kind in ("train", "val", TEST):
        alike = sorted(name for name in kinds if kinds[name] == kind)
        if len(alike) > 1:
            raise ValueError(f"one folder must hold the {kind} images, got {' and '.join(alike)}")
    if not any(inside[name] for name in train):
        got = f"{min(train)} without one" if train else " and ".join(sorted(kinds))
        raise ValueError(
            "the folder train must hold a folder for each class (or be called unlabelled, if nobody knows its labels; "
            f"or the classes be called otherwise), got {got}"
        )
    has_test = any(inside[name] for name, kind in kinds.items() if kind == TEST)
    splits = {"train": POOL, "val": POOL if has_test else TEST, TEST: TEST}
    return {name: splits[kind] for name, kind in kinds.items() if kind in splits}


def _folders(path: Path) -> list[str]:
    return [entry.name for entry in os.scandir(path) if entry.is_dir(follow_symlinks=False) and not _hidden(entry.name)]


def _inside(path: Path) -> set[str]:
    try:
        return set(_folders(path)) - {UNLABELLED}
    except OSError as error:
        raise ValueError(f"the folder {path.name} must be readable, got {why(error)}") from error


def _hidden(path: str) -> bool:
    # The second is what a Mac adds to an archive.
    return re.search(r"(?:^|/)(?:\.|__MACOSX(?:/|$))", path) is not None


def dvc_fault(problems: Sequence[Problem]) -> str | None:
    """Return in one sentence what in a folder DVC, which digests all of it, would stop at or wait for without end."""
    unreadable = [problem for problem in problems if problem.reason in FOR_DVC_UNREADABLE]
    if not unreadable:
        return None
    more = f" and {len(unreadable) - 1:,} more" if len(unreadable) > 1 else ""
    first = unreadable[0]
    return f"dataset.path must hold nothing that DVC cannot read, got {first.path} ({first.reason}){more}"


def manifest(path: Path) -> Listing:
    """Return what a CSV file lists: columns path, and if there label and split (pool or test); others are ignored.

    Paths are relative to the manifest's folder. Classes are the labels, sorted. Raises ``ValueError`` naming file and
    line where the file is not such a table.
    """
    path, entries, problems, seen = Path(path), [], [], set()
    rows = parse_manifest(path.read_bytes(), source=str(path))
    for row in rows:
        file = path.parent / row["path"]
        reason = "no path" if not row["path"] else "listed before" if file in seen else ""
        reason = reason or _unnamable(row["path"]) or _fault(file)
        seen.add(file)
        if reason:
            problems.append(Problem(row["path"], reason))
        else:
            entries.append(Entry(row["path"], row["label"], row["split"], str(file)))
    return listing(sorted(entries, key=_order), problems, sorted({row["label"] for row in rows} - {""}))


def parse_manifest(data: bytes, *, source: str) -> list[dict[str, str]]:
    """Return path, label and split of each row of a manifest's bytes; what is missing is empty, but for the split.

    Raises ``ValueError`` naming ``source`` and line for bytes that are not UTF-8, quotes that do not close, a header
    without path or with a column twice, another number of cells than the header's, or an unknown split.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ValueError(f"{source}:{line}: a manifest must be UTF-8, got the byte {data[error.start]:#04x}") from error
    rows = _manifest_rows(text, source)
    header = next(rows, (1, []))[1]
    if "path" not in header or any(header.count(name) > 1 for name in MANIFEST_COLUMNS):
        raise ValueError(f"{source}:1: header must have the column path, and none of its columns twice, got {header}")
    return [_manifest_cells(header, row, f"{source}:{line}") for line, row in rows]


def _manifest_rows(text: str, source: str) -> Iterator[tuple[int, list[str]]]:
    reader, line = csv.reader(io.StringIO(text, newline=""), strict=True), 1
    try:
        for row in reader:
            # A blank line holds nothing that could be lost.
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"{source}:{line}: a row must be CSV, got something else ({error})") from error


def _manifest_cells(header: list[str], row: list[str], place: str) -> dict[str, str]:
    if len(row) != len(header):
        raise ValueError(f"{place}: a row must have {len(header)} cells, got {len(row)}")
    cells = dict.fromkeys(MANIFEST_COLUMNS, "") | {
        name: cell for name, cell in zip(header, row, strict=True) if name in MANIFEST_COLUMNS
    }
    if cells["split"] not in ("", POOL, TEST):
        raise ValueError(f"{place}: split must be pool, test or empty, got {cells['split']!r:.80}")
    return cells | {"split": cells["split"] or POOL}


def escaped(path: str) -> str:
    """Return a path as text, with each byte that is not UTF-8 as ``\\xff``."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def why(error: OSError | ValueError) -> str:
    """Return in a few words why a file cannot be read; a ``ValueError``'s own are taken."""
    if not isinstance(error, OSError):
        return str(error)
    return _REASONS.get(error.errno or 0) or (error.strerror or "unreadable").lower()


def _order(entry: Entry) -> tuple[bool, bytes]:
    return entry.split == TEST, entry.path.encode()


def _walk(root: Path) -> Iterator[tuple[str, str]]:
    """Yield the path below ``root`` of every file, and why it cannot be used, or an empty text.

    Folders are yielded too, with a slash at the end, unless their files are hidden or cannot be named.
    """
    todo = [""]
    while todo:
        below = todo.pop()
        try:
            entries = list(os.scandir(root / below))
        except OSError as error:
            yield below, why(error)
            continue
        for entry in entries:
            path = below + entry.name
            hidden = HIDDEN if _hidden(path) else ""
            if entry.is_dir(follow_symlinks=False):
                todo.append(f"{path}/")
                yield from [] if hidden or _unnamable(path) else [(f"{path}/", "")]
            elif path != README:
                yield path, _unnamable(path) or _fault(root / path, root) or hidden


def _unnamable(path: str) -> str:
    if any("\ud800" <= letter <= "\udfff" for letter in path):
        return NO_NAME
    # Nobody could hand in a queue with such a path.
    return "a name with control characters" if NO_TEXT.search(path) else ""


def _fault(file: Path, root: Path | None = None) -> str:
    """Return why a file is not to be opened, or an empty text; a link must not leave ``root``, if that is given."""
    try:
        mode, is_link = file.stat().st_mode, root is not None and file.is_symlink()
    except FileNotFoundError as error:
        return BROKEN if file.is_symlink() else why(error)
    except (OSError, ValueError) as error:
        return why(error)
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return NOT_REGULAR
    if root is not None and is_link and not file.resolve().is_relative_to(root):
        return "a link that leaves the folder"
    if stat.S_ISDIR(mode):
        return "a link to a folder" if is_link else "a folder"
    return "" if os.access(file, os.R_OK) else FORBIDDEN


def _place(parts: list[str], splits: Mapping[str, str]) -> tuple[str, str]:
    """Return label and split of the file with these parts in its path; ``splits``: as in ``split_folders``."""
    is_split = len(parts) > 1 and (parts[0] in splits or parts[0] == TEST)
    split = splits.get(parts[0], TEST) if is_split else POOL
    inside = parts[1:] if is_split else parts
    return (inside[0] if len(inside) > 1 and inside[0] != UNLABELLED else ""), split


def _meant(classes: set[str]) -> list[str]:
    for name in sorted(classes):
        meant = name.casefold().replace("unlabeled", UNLABELLED)
        if meant in (UNLABELLED, TEST):
            raise ValueError(f"a folder must be called {meant}, or be a class of another name, got {name!r}")
    return sorted(classes)
