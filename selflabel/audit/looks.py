"""The sizes at which an audit is looked at, and which part of the risk each spends.

Who enlarges an audit until something is certified breaks more promises than one look does. So every size has its part
of the risk beforehand, by the planned size alone, and all parts sum to at most one: whoever looks, at whichever sizes,
in whichever order, need not keep count (a union bound). Between two sizes there is no look.
"""

from selflabel.audit import bounds


def sizes(planned: int) -> list[int]:
    """Return the sizes, ascending: ``planned``, at least 1, its half, quarter, ... rounded up, its double, ..."""
    found = [planned]
    while found[0] > 1:
        found.insert(0, -(-found[0] // 2))
    while found[-1] * 2 <= bounds.MOST_ANSWERS:
        found.append(found[-1] * 2)
    return found


def reached(size: int, planned: int) -> int:
    """Return the largest of ``sizes`` that ``size`` reaches, 0 if none."""
    return max((of for of in sizes(planned) if of <= size), default=0)


def part(size: int, planned: int) -> float:
    """Return the part of the risk that a look at ``size``, one of ``sizes``, spends, in (0, 3/4].

    The planned size has three quarters, twice as many answers an eighth, four times as many a quarter of that, and so
    on; half as many a thirty-second, a quarter as many half of that, and so on.
    """
    all_sizes = sizes(planned)
    steps = all_sizes.index(size) - all_sizes.index(planned)
    if not steps:
        return 0.75
    return float(0.5 ** (2 * steps + 1) if steps > 0 else 0.5 ** (4 - steps))
