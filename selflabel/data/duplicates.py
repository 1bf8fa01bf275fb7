"""Find images that are the same, and given labels that contradict each other; decide what is used of a listing.

Images that are the same are told by their hashes: in the pool they are one, with one label, one question, one part in
the audit. Where people disagree on one, nobody's label is taken.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from selflabel.data.listing import POOL, TEST, Listing, Problem
from selflabel.labels.table import NO_LABEL

# The split of an image that the pool has already.
COPY = "copy"


class ResolvedImages(NamedTuple):
    """The images that are used of a listing, each split by its row; the pool's rows in the order of their hashes.

    ``entries``: numbers in the listing, int64, by split; ``labels``: int16, by split, −1 for none; ``conflict``: bool,
    of the pool, whose given labels contradict each other. ``copies``: int64 (n, 2), the numbers of further entries that
    are the same, and the row of the pool that they are. ``problems``: all there are.
    """

    entries: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    conflict: np.ndarray
    copies: np.ndarray
    problems: list[Problem]


def settle(listing: Listing, hashes: Sequence[str], reasons: Sequence[str]) -> ResolvedImages:
    """Return what is used of a listing, given for each entry what ``decode`` returned.

    Of the same image several times the pool has the first, and all are listed; where it was given different labels,
    none of them counts.
    """
    used: dict[str, list[int]] = {POOL: [], TEST: []}
    for n, entry in enumerate(listing.entries):
        if hashes[n]:
            used[entry.split].append(n)
    problems = [Problem(entry.path, reason) for entry, reason in zip(listing.entries, reasons, strict=True) if reason]
    groups: dict[str, list[int]] = {}
    for n in used[POOL]:
        groups.setdefault(hashes[n], []).append(n)
    # By content, so that whatever goes by position does not go by what files are called.
    same = [groups[key] for key in sorted(groups)]
    labels = [sorted({listing.entries[n].label for n in group} - {""}, key=listing.classes.index) for group in same]
    repeated = [
        problem for group, given in zip(same, labels, strict=True) for problem in _repeated(listing, group, given)
    ]
    tests = {hashes[n]: listing.entries[n].path for n in reversed(used[TEST])}
    also = [n for n in used[POOL] if hashes[n] in tests]
    repeated += [Problem(listing.entries[n].path, f"the same as {tests[hashes[n]]}", "kept") for n in also]
    return ResolvedImages(
        entries={POOL: np.array([group[0] for group in same], np.int64), TEST: np.array(used[TEST], np.int64)},
        labels={
            POOL: numbers([given[0] if len(given) == 1 else "" for given in labels], listing.classes),
            TEST: numbers([listing.entries[n].label for n in used[TEST]], listing.classes),
        },
        conflict=np.array([len(given) > 1 for given in labels], bool),
        copies=np.array([(n, row) for row, group in enumerate(same) for n in group[1:]], np.int64).reshape(-1, 2),
        problems=sorted([*listing.problems, *problems, *repeated], key=lambda problem: problem.path.encode()),
    )


def index(listing: Listing, settled: ResolvedImages, hashes: Sequence[str]) -> dict[str, np.ndarray | list[Any]]:
    """Return the index's columns row, hash, split, conflict (0 or 1), entry, and path where the images are files.

    A row for each image that is used, one a second time as well: split is then copy, and row that of the pool. entry:
    int64, its number in the listing.
    """
    parts = {**settled.entries, COPY: settled.copies[:, 0]}
    rows = {split: np.arange(len(entries)) for split, entries in settled.entries.items()} | {COPY: settled.copies[:, 1]}
    order = np.concatenate(list(parts.values()))
    columns: dict[str, np.ndarray | list[Any]] = {
        "row": np.concatenate(list(rows.values())),
        "hash": [hashes[n] for n in order.tolist()],
        "split": [split for split, entries in parts.items() for _ in range(len(entries))],
        "conflict": np.pad(settled.conflict, (0, len(order) - len(settled.conflict))).astype(np.int8),
        "entry": order,
    }
    if any(isinstance(entry.source, str) for entry in listing.entries):
        columns["path"] = [listing.entries[n].path for n in order.tolist()]
    return columns


def numbers(labels: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """Return the class number of each name, int16 (N,), −1 for an empty one."""
    number = {name: number for number, name in enumerate(classes)} | {"": NO_LABEL}
    return np.array([number[label] for label in labels], np.int16)


def _repeated(listing: Listing, group: Sequence[int], labels: Sequence[str]) -> list[Problem]:
    """Return a problem for each entry that another is the same as, or whose label another one contradicts."""
    entries, problems = listing.entries, []
    for n in group:
        other = group[1] if n == group[0] and len(group) > 1 else group[0]
        is_contradicted = len(labels) > 1 and entries[n].label
        but = f", but labelled {' and '.join(labels)}: a person is asked" if is_contradicted else ""
        if n != group[0] or but:
            problems.append(Problem(entries[n].path, f"the same as {entries[other].path}{but}", "kept"))
    return problems
