"""How far the people who answer agree."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from selflabel.labels.answers import Answer
from selflabel.labels.classes import SKIP
from selflabel.markdown import markdown_table


class Pair(NamedTuple):
    """Two annotators, by name.

    ``n_both``: images that both gave a class, and ``n_alike`` the same. ``kappa``: Cohen's, at most 1; None where it is
    not defined, for there is no such image or all are one class. ``n_skipped``: images that both answered, and one or
    both skipped; they are in no other figure.
    """

    one: str
    other: str
    n_both: int
    n_alike: int
    kappa: float | None
    n_skipped: int


@dataclass(frozen=True)
class Agreement:
    """How far several people agree.

    ``pairs``: those who answered images in common, by name. ``alpha``: Krippendorff's, over all of them, at most 1;
    None where it is not defined. ``disputed``: by hash what each person said, skips too, of the images that were given
    two classes or more.
    """

    pairs: tuple[Pair, ...]
    alpha: float | None
    disputed: Mapping[str, Mapping[str, str]]


def agreement(answers: Sequence[Answer]) -> Agreement:
    """Return how far those who answered agree; of one person about one image the latest answer counts."""
    latest: dict[str, dict[str, str]] = {}
    for answer in sorted(answers, key=lambda answer: answer.when):
        latest.setdefault(answer.hash, {})[answer.annotator] = answer.label
    common = [given for given in latest.values() if len(given) > 1]
    names = sorted({name for given in common for name in given})
    pairs = [_pair(one, other, common) for one, other in combinations(names, 2)]
    return Agreement(
        pairs=tuple(pair for pair in pairs if pair.n_both or pair.n_skipped),
        alpha=krippendorffs_alpha([_classes_of(given) for given in common]),
        disputed={key: given for key, given in latest.items() if len(set(_classes_of(given))) > 1},
    )


def _classes_of(given: Mapping[str, str]) -> list[str]:
    return [label for label in given.values() if label != SKIP]


def _pair(one: str, other: str, common: Iterable[Mapping[str, str]]) -> Pair:
    both = [(given[one], given[other]) for given in common if one in given and other in given]
    told = [labels for labels in both if SKIP not in labels]
    n_alike = sum(first == second for first, second in told)
    return Pair(one, other, len(told), n_alike, cohens_kappa(told), len(both) - len(told))


def cohens_kappa(told: Sequence[tuple[str, str]]) -> float | None:
    """Return Cohen's kappa of pairs of classes (Cohen 1960); None for no pairs, or where all are one class."""
    if len({label for labels in told for label in labels}) < 2:
        return None
    # Answers are taken in without it, and it takes a second to import.
    from sklearn.metrics import cohen_kappa_score

    return float(cohen_kappa_score(*zip(*told, strict=True)))


def krippendorffs_alpha(units: Iterable[Sequence[str]]) -> float | None:
    """Return Krippendorff's alpha of the classes that each image was given, one by each person; None: not defined.

    1 − observed / expected disagreement, all differences alike: observed within images, where a pair of the m classes
    of an image counts 1/(m − 1), and expected between any two of the n classes of all images (Krippendorff, Content
    Analysis, 2004, chapter 11). Images with one class count for nothing. It is not defined where there are no others,
    or all have the same class.
    """
    counts = [Counter(unit) for unit in units if len(unit) > 1]
    in_all = sum(counts, Counter[str]())
    n = in_all.total()
    expected = _n_unlike(in_all)
    if not expected:
        return None
    observed = sum(_n_unlike(count) / (count.total() - 1) for count in counts)
    return 1 - (n - 1) * observed / expected


def _n_unlike(counts: Counter[str]) -> int:
    """Return how many ordered pairs are not alike."""
    return counts.total() ** 2 - sum(count**2 for count in counts.values())


def sentences(told: Agreement) -> list[str]:
    """Return the agreement in a line or two; none where no two people answered the same image."""
    if not told.pairs:
        return []
    n_both, n_alike = (sum(getattr(pair, name) for pair in told.pairs) for name in ("n_both", "n_alike"))
    names = sorted({name for pair in told.pairs for name in (pair.one, pair.other)})
    lines = [
        f"agreement: of {n_both:,} pairs of classes that {', '.join(names)} gave the same images {n_alike:,} are "
        f"alike (Krippendorff's alpha {_figure(told.alpha)})"
    ]
    n = len(told.disputed)
    return lines + [f"{n:,} image{'s' * (n > 1)} with different classes: `selflabel agreement` lists them"] * (n > 0)


def tables(told: Agreement, places: Mapping[str, str]) -> str:
    """Return the agreement of each pair, and the images they disagree about, as Markdown.

    ``places``: by hash what tells a person which image it is.
    """
    if not told.pairs:
        return "no image has the answers of two people"
    header = ["annotators", "images", "alike", "share", "Cohen's kappa", "skipped"]
    rows = [
        [
            f"{pair.one}, {pair.other}",
            f"{pair.n_both:,}",
            f"{pair.n_alike:,}",
            f"{pair.n_alike / pair.n_both:.1%}" if pair.n_both else "–",
            _figure(pair.kappa),
            f"{pair.n_skipped:,}",
        ]
        for pair in told.pairs
    ]
    parts = [markdown_table(header, rows), f"Krippendorff's alpha over all of them: {_figure(told.alpha)}"]
    if told.disputed:
        disputed = [
            [places.get(key, key), ", ".join(f"{name}: {label}" for name, label in sorted(given.items()))]
            for key, given in told.disputed.items()
        ]
        parts.append(markdown_table(["image", "what they say"], disputed))
    return "\n\n".join(parts)


def _figure(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.3f}"
