"""A user's own data of every kind: listed, checked, decoded.

Another kind is one function that returns a ``Listing``, and has a line in ``READERS``.
"""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from selflabel import portions
from selflabel.chunks import chunks
from selflabel.data import built_in, decoding, duplicates, listing, packed
from selflabel.data.listing import POOL, Entry, Listing, Problem
from selflabel.labels import classes as names
from selflabel.labels.table import is_complete

READERS: Mapping[str, Callable[[Path], Listing]] = {
    "folder": listing.folder,
    "csv": listing.manifest,
    "npz": packed.npz,
    "idx": packed.idx_folder,
}
# Images: large enough that a task costs nothing, small enough that the bar moves.
CHUNK = 32


def listed(name: str, path: str, classes: Sequence[str] = ()) -> Listing:
    """Return what there is at ``dataset.path`` for an own ``dataset.name``; no image file is opened.

    ``classes``: ``dataset.classes``; those that are not there have the numbers after those that are. Raises
    ``ValueError`` where it is not of that kind, or has class names that cannot be used together.
    """
    images = READERS[name](Path(path))
    images = images._replace(classes=tuple(dict.fromkeys((*images.classes, *classes))))
    names.check(images.classes)
    return images


def survey(name: str, path: str, classes: Sequence[str] = ()) -> Listing:
    """Return what ``listed`` does; raise ``ValueError`` too if it cannot be enough, whatever is decoded."""
    images = listed(name, path, classes)
    check_listing(images)
    if _are_all_the_same([entry for entry in images.entries if entry.split == POOL]):
        raise ValueError("the pool must have at least 2 different images, got the same one only")
    return images


def _are_all_the_same(entries: Sequence[Entry]) -> bool:
    """Return whether all entries are one image; no further file is read than it takes to tell."""

    def are_the_same(one: Entry, other: Entry) -> bool:
        if isinstance(one.source, np.ndarray) or isinstance(other.source, np.ndarray):
            return np.array_equal(one.source, other.source)
        first, second = Path(one.source), Path(other.source)
        try:
            return first.stat().st_size == second.stat().st_size and first.read_bytes() == second.read_bytes()
        except OSError:
            # The run says what is wrong with it.
            return False

    return all(are_the_same(entries[0], entry) for entry in entries[1:])


def check_listing(images: Listing) -> None:
    """Raise ``ValueError`` as ``check`` does, if it would even where every entry can be used."""
    check(
        images.classes,
        duplicates.numbers([entry.label for entry in images.entries if entry.split == POOL], images.classes),
    )


def given(images: Listing) -> dict[str, int]:
    """Return how many images of the pool have each class as their given label, in the order of the classes."""
    counts = Counter(entry.label for entry in images.entries if entry.split == POOL)
    return {name: counts[name] for name in images.classes}


def check(classes: Sequence[str], labels: np.ndarray) -> None:
    """Raise ``ValueError`` unless the pool has two images, and there are two classes.

    ``labels``: int (N,), of the pool, −1 for none. Where all are known, a benchmark, each class has to have one.
    """
    if len(labels) < 2:
        raise ValueError(f"the pool must have at least 2 different images that can be used, got {len(labels)}")
    if len(classes) < 2:
        raise ValueError(
            "there must be at least 2 classes, each a label that is given, or a folder of the folder, or one of "
            f"dataset.classes (`selflabel init DIR --classes cat,dog`), got {', '.join(classes) or 'none'}"
        )
    known = set(labels.tolist())
    if is_complete(labels) and (missing := [name for number, name in enumerate(classes) if number not in known]):
        raise ValueError(
            f"each class must be the given label of at least one image of the pool, got none for {', '.join(missing)}"
        )


def decode(
    entries: Sequence[Entry],
    target: np.ndarray,
    *,
    max_pixels: int,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> tuple[list[str], list[str]]:
    """Write each entry's image into its row of ``target``, uint8 (N, s, s) or (N, s, s, 3).

    Returns, for each, its hash and why it cannot be used; one of both is empty. The hash is BLAKE2b over a file's
    bytes or, of what is an array already, as ``datasets.content_hashes`` has it: in either case before any change.
    """
    folder, options = Path.cwd(), {"size": target.shape[1], "colour": target.ndim == 4}

    def work(sources: Sequence[str | np.ndarray]) -> list[tuple[np.ndarray | None, str, str]]:
        return [_decode(source, folder, max_pixels, options) for source in sources]

    portioned = chunks(len(entries), CHUNK)
    sources = [[entry.source for entry in entries[rows]] for rows in portioned]
    keys, reasons = [""] * len(entries), [""] * len(entries)
    # What Pillow finds remarkable about a file it can read is nothing to the person who waits. Set around all threads,
    # for the filters are common to them.
    with warnings.catch_warnings(action="ignore"):
        for rows, found in zip(portioned, portions.over(work, sources, progress=progress), strict=True):
            for row, (image, key, reason) in enumerate(found, rows.start):
                if reason and portions.scheduler():
                    # A file that a worker cannot open, in a folder that is not shared, may be there all the same.
                    image, key, reason = _decode(entries[row].source, folder, max_pixels, options)
                if image is not None:
                    target[row] = image
                keys[row], reasons[row] = key, reason
    return keys, reasons


def _decode(
    source: str | np.ndarray, folder: Path, max_pixels: int, options: Mapping[str, Any]
) -> tuple[np.ndarray | None, str, str]:
    """Return image, hash and why there is none; ``folder``: what a relative path starts from."""
    if isinstance(source, np.ndarray):
        return decoding.fit(source, **options), built_in.content_hashes(source[None])[0], ""
    try:
        data = Path(folder, source).read_bytes()
        image = decoding.decode(data, max_pixels=max_pixels, **options)
    except (OSError, ValueError) as error:
        return None, "", listing.why(error)
    return image, built_in.digest(data), ""


def original_files(name: str, path: str, below: Iterable[str]) -> list[Path]:
    """Return a user's own files; ``name`` and ``path``: of the section dataset; ``below``: the index's column path."""
    root = Path(path) if name == "folder" else Path(path).parent
    return [root / file for file in below]


def table(problems: Sequence[Problem]) -> dict[str, list[str]]:
    """Return problems as columns path, reason and action."""
    return {name: [getattr(problem, name) for problem in problems] for name in Problem._fields}


def refused(settled: duplicates.ResolvedImages, *, on_error: str, place: str) -> int:
    """Return how many files are refused; raise ``ValueError`` if there are any and ``on_error`` is stop.

    ``place``: where all problems are listed.
    """
    refused_ones = [problem for problem in settled.problems if problem.action == "refused"]
    n_files = len(refused_ones) + sum(map(len, settled.labels.values())) + len(settled.copies)
    if refused_ones and on_error == "stop":
        first = refused_ones[0]
        raise ValueError(
            f"{len(refused_ones):,} of {n_files:,} files cannot be used, the first: {first.path} ({first.reason}); "
            f"{place} lists all; dataset.on_error=skip goes on without them"
        )
    return len(refused_ones)
