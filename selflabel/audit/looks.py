"""The sizes at which an audit is looked at, and which part of the risk each spends.

Who enlarges an audit until something is certified breaks more promises than one look does. So every size has its part
of the risk beforehand, by the size alone, and all parts sum to at most one: whoever looks, at whichever sizes, in
whichever order, need not keep count (a union bound). Between two sizes there is no look.
"""

from selflabel.audit import bounds

SIZES = (*(step * 10**digits for digits in range(7) for step in (1, 2, 3, 5)), bounds.MOST_ANSWERS)
# The size that has half of the risk is between so many times what it takes if none is wrong.
LEAST, MOST = 1.5, 8
# And otherwise this share of the labels.
PLANNED = 0.1


def reached(size: int) -> int:
    """Return the largest of ``SIZES`` that ``size`` reaches, 0 if none."""
    return max((of for of in SIZES if of <= size), default=0)


def at_least(size: float) -> int:
    """Return the smallest of ``SIZES`` that reaches ``size``, or the largest."""
    return next((of for of in SIZES if of >= size), SIZES[-1])


def planned(n_all: int, *, error: float, alpha: float) -> int:
    """Return the size that has half of the risk ``alpha``: it depends on no answer.

    A tenth of the ``n_all`` labels, but no fewer than may do, and no more than mostly do, to promise ``error``.
    """
    flawless = bounds.n_flawless(error, alpha=alpha)
    return at_least(min(max(PLANNED * n_all, LEAST * flawless), MOST * flawless))


def part(size: int, n_all: int, *, error: float, alpha: float) -> float:
    """Return the part of the risk ``alpha`` that a look at ``size``, one of ``SIZES``, spends, in (0, 1/2].

    The ``planned`` size has a half; the next smaller one and the next larger one an eighth each, those after them half
    as much, and so on: however many there are, they sum to at most one.
    """
    steps = abs(SIZES.index(size) - SIZES.index(planned(n_all, error=error, alpha=alpha)))
    return 0.5 ** (steps + 2) if steps else 0.5
