"""Of what was listed and could be decoded: what is used, which images are the same, whose labels contradict.

Images that are the same are told by their hashes; where people disagree on one, nobody's label is taken.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from selflabel.labels import NO_LABEL
from selflabel.listing import Listing, Problem
from selflabel.manifests import POOL, TEST


class Settled(NamedTuple):
    """What is used of a listing, each split by its row.

    ``entries``: numbers in the listing, int64, by split; ``labels``: int16, by split, −1 for none; ``conflict``: bool,
    of the pool, whose given labels contradict each other. ``problems``: all there are.
    """

    entries: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    conflict: np.ndarray
    problems: list[Problem]


def settle(found: Listing, hashes: Sequence[str], reasons: Sequence[str]) -> Settled:
    """Return what is used of a listing, given for each entry what ``decode`` returned.

    The same image several times stays in the pool and is listed; where it was given different labels, none of them
    counts.
    """
    used = {POOL: [], TEST: []}
    for n, entry in enumerate(found.entries):
        if hashes[n]:
            used[entry.split].append(n)
    problems = [Problem(entry.path, reason) for entry, reason in zip(found.entries, reasons, strict=True) if reason]
    in_conflict, repeated = _same(found, used, hashes)
    labels = {
        split: numbers(["" if n in in_conflict else found.entries[n].label for n in chosen], found.classes)
        for split, chosen in used.items()
    }
    problems = sorted([*found.problems, *problems, *repeated], key=lambda problem: problem.path.encode())
    conflict = np.array([n in in_conflict for n in used[POOL]], bool)
    return Settled({split: np.array(chosen, np.int64) for split, chosen in used.items()}, labels, conflict, problems)


def index(found: Listing, settled: Settled, hashes: Sequence[str]) -> dict[str, np.ndarray | list]:
    """Return the index's columns row, hash, split and conflict (0 or 1), and path where the images are files."""
    order = np.concatenate([settled.entries[POOL], settled.entries[TEST]]).tolist()
    columns = {
        "row": np.concatenate([np.arange(len(rows)) for rows in settled.entries.values()]),
        "hash": [hashes[n] for n in order],
        "split": [found.entries[n].split for n in order],
        "conflict": np.concatenate([settled.conflict, np.zeros(len(settled.entries[TEST]), bool)]).astype(np.int8),
    }
    is_files = any(isinstance(entry.source, str) for entry in found.entries)
    return columns | ({"path": [found.entries[n].path for n in order]} if is_files else {})


def numbers(labels: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """Return the class number of each name, int16 (N,), −1 for an empty one."""
    number = {name: number for number, name in enumerate(classes)} | {"": NO_LABEL}
    return np.array([number[label] for label in labels], np.int16)


def _same(found: Listing, used: Mapping, hashes: Sequence[str]) -> tuple[set[int], list[Problem]]:
    """Return the pool's entries that were given different labels, and a problem for each that is there twice."""
    entries, groups, in_conflict, problems = found.entries, {}, set(), []
    for n in used[POOL]:
        groups.setdefault(hashes[n], []).append(n)
    for group in groups.values():
        labels = sorted({entries[n].label for n in group} - {""}, key=found.classes.index)
        if len(labels) > 1:
            in_conflict |= {n for n in group if entries[n].label}
        for n in group:
            other = group[1] if n == group[0] and len(group) > 1 else group[0]
            but = f", but labelled {' and '.join(labels)}: a person is asked" if n in in_conflict else ""
            if n != group[0] or but:
                problems.append(Problem(entries[n].path, f"the same as {entries[other].path}{but}", "kept"))
    tests = {hashes[n]: entries[n].path for n in reversed(used[TEST])}
    also = [n for n in used[POOL] if hashes[n] in tests]
    problems += [Problem(entries[n].path, f"the same as {tests[hashes[n]]}", "kept") for n in also]
    return in_conflict, problems
