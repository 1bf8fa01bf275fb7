"""The images whose labels are given before the first round: drawn, or given, or answered before."""

import random
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import numpy as np

from selflabel.labels import answers, state
from selflabel.labels.answers import Answer, Decision
from selflabel.labels.pool_index import PoolIndex
from selflabel.labels.questions import AGAIN, CONFIRMED, KNOWN, RANDOM, Replies
from selflabel.labels.state import State
from selflabel.labels.table import NO_LABEL, Labels, is_complete


def draw_seed_rows(true_labels: np.ndarray, *, percentage: float, seed: int, classes: Sequence[str]) -> np.ndarray:
    """Return the rows drawn, int64 in ascending order: ``percentage`` (in (0, 100]) of each class.

    ``true_labels``: int (N,), class of each row. The count of a class is rounded to the nearest whole number
    (halves to even). Raises ``ValueError`` naming every class of which nothing would be drawn.

    The draw is ``random.sample`` over each class in turn, as in the tutorial, but seeded.
    """
    generator = random.Random(seed)
    drawn, empty = [], []
    for index, name in enumerate(classes):
        rows = np.flatnonzero(true_labels == index).tolist()
        n_drawn = count(len(rows), percentage)
        drawn += generator.sample(rows, n_drawn)
        if n_drawn == 0:
            empty.append(f"{name} ({len(rows)} images)")
    if empty:
        raise ValueError(
            "seed_labels.percentage must give at least one seed label to each class, "
            f"got {percentage:g}, which gives none to {', '.join(empty)}"
        )
    return np.sort(np.array(drawn, np.int64))


def seed_rows(truth: np.ndarray, *, percentage: float, seed: int, classes: Sequence[str]) -> np.ndarray:
    """Return the rows with a seed label, int64 ascending: drawn where every label is known, else all that are.

    ``truth``: int (N,), the known labels, −1 for none. The others as in ``draw_seed_rows``.
    """
    if is_complete(truth):
        return draw_seed_rows(truth, percentage=percentage, seed=seed, classes=classes)
    return np.flatnonzero(truth != NO_LABEL)


def count(n_images: int, percentage: float) -> int:
    """Return how many seed labels a class of ``n_images`` gets: ``percentage`` % of them, rounded, halves to even."""
    # The decimal number that was written, so that half an image is exactly half.
    return round(n_images * Fraction(str(percentage)) / 100)


def draw_more_rows(is_given: np.ndarray, n: int, *, seed: int) -> np.ndarray:
    """Return the rows of ``is_given``, bool (N,), and ``n`` of the others drawn uniformly at random, int64."""
    others = np.flatnonzero(~is_given)
    drawn = np.random.default_rng(seed).choice(others, size=min(n, len(others)), replace=False)
    return np.concatenate([np.flatnonzero(is_given), drawn])


def start(
    rows: np.ndarray, truth: np.ndarray, index: PoolIndex, given: Sequence[Answer] | None, *, classes: Sequence[str]
) -> tuple[State, Replies]:
    """Return the state before round 1, and the replies to what it asks.

    ``rows``: int64, of the seed labels; ``truth``: int (N,), the known labels, −1 for none. ``given``: people's
    answers; None where answers are simulated, looked up in the truth.
    """
    hashes = index.hash.tolist()
    teaching, judging = answers.known(given or (), classes=classes)
    labelled = set(rows.tolist())
    rows, known, apart = with_answers(rows, truth, hashes, teaching, judging)
    at_random = answers.asked_at_random(given or ())
    again, confirmed = (answers.only_for(given or (), strategy) for strategy in (AGAIN, CONFIRMED))

    def why(row: int) -> str:
        # What has no given label any more was picked to be looked at again, and counts as what it is now: an answer.
        if hashes[row] in again and row in labelled:
            return AGAIN
        return RANDOM if hashes[row] in at_random else CONFIRMED if hashes[row] in confirmed else KNOWN

    words = {row: why(row) for row in known.tolist()}
    first = state.first(Labels.from_seeds(rows, truth[rows], n_rows=len(truth)), index.in_conflict, words, apart)
    asked = first.questions.row
    if given is None:
        return first, answers.simulated(asked, truth)
    return first, answers.look_up(asked, index.hash[asked], teaching)


def with_answers(
    rows: np.ndarray,
    given: np.ndarray,
    hashes: Sequence[str],
    teaching: Mapping[str, Decision],
    judging: Mapping[str, Decision],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows of the seed labels, of the answers that teach, and of those that judge, int64 ascending.

    ``rows``: int64, of the seed labels; ``given``: int (N,), their classes. ``teaching``, ``judging``: what people
    answered, by hash (``answers.known``). Where a person's answer and a given label differ, the answer is the later
    word; and what judges teaches nothing, though somebody has put its image among the given ones since.
    """
    decisions = {row: teaching.get(key) or judging.get(key) for row, key in enumerate(hashes)}
    answered = {row: decision.label for row, decision in decisions.items() if decision}
    seeds = set(rows.tolist())
    apart = {row for row in answered if hashes[row] in judging}
    known = {
        row
        for row, label in answered.items()
        if row not in apart and (row not in seeds or label not in (NO_LABEL, int(given[row])))
    }
    seeds -= known | {row for row in apart if answered[row] != NO_LABEL}
    return _ascending(seeds), _ascending(known), _ascending(apart)


def _ascending(rows: Iterable[int]) -> np.ndarray:
    return np.array(sorted(rows), np.int64)
