"""Draw the machine labels to audit: uniformly, and so that answers to earlier audits are met again."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable

import numpy as np

from selflabel.labels.table import Labels


def order(hashes: Iterable[str], *, seed: int, late: Collection[str] = ()) -> np.ndarray:
    """Return a random order of all N rows, int64 (N,): by a digest of the seed, the image's hash and its occurrence.

    It does not depend on what else is in the pool: images that join later leave the others in their order, and answers
    that were paid for are met again. ``late``: hashes of images that were asked about to learn from after others were
    asked about to judge; with other ones the order is another one. For these were chosen among the images that no audit
    had drawn, so that in the old order the hard ones among those that it had would come first.
    """
    digests = _digests(hashes, seed, late)
    return np.array(sorted(range(len(digests)), key=digests.__getitem__), np.int64)


def uniform(hashes: Iterable[str], *, seed: int, late: Collection[str] = ()) -> np.ndarray:
    """Return a random number in (0, 1) of each of N rows, float (N,), by the same digests as ``order``."""
    numbers = [int.from_bytes(digest[:6], "big") for digest in _digests(hashes, seed, late)]
    return (np.array(numbers, float) + 0.5) / 2**48


def _digests(hashes: Iterable[str], seed: int, late: Collection[str]) -> list[bytes]:
    after = f" {hashlib.blake2b(' '.join(sorted(late)).encode(), digest_size=16).hexdigest()}" if late else ""
    seen: Counter[str] = Counter()
    digests = []
    for key in hashes:
        seen[key] += 1
        digests.append(hashlib.blake2b(f"{seed}{after} {key} {seen[key]}".encode(), digest_size=16).digest())
    return digests


def targets(labels: Labels, asked: np.ndarray) -> np.ndarray:
    """Return the rows whose label is the machine's, and about which nobody was asked: those are hard on purpose.

    int64 (T,), ascending. ``asked``: int64 (Q,), the rows of all questions.
    """
    is_target = np.array(labels.is_machine)
    is_target[asked] = False
    return np.flatnonzero(is_target)


def draw(in_order: np.ndarray, rows: np.ndarray, *, size: int) -> np.ndarray:
    """Return the first ``size`` of ``in_order`` that are among ``rows``, int64: uniform, without replacement."""
    return in_order[np.isin(in_order, rows)][:size]
