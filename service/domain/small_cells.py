"""Which counts may be shown, so that no single person can be told from them.

A count of fewer than eleven people is not shown, nor is what would give it away: the other side of a share (those
who are not in remission), or the one hidden row of a table whose total is shown.

Source: the cell size policy of CMS (no cell of 1 to 10 is shown, and none can be derived). Here 0 counts as small,
    too: "nobody of 20" says something of each of the 20.
"""

from collections.abc import Mapping, Set
from typing import Final, TypeVar

from fhir_mappings.measuring import Tally

SMALLEST_CELL: Final = 11

K = TypeVar("K")


def companions(rows: Mapping[K, Tally], hidden: Set[K], smallest: int = SMALLEST_CELL) -> set[K]:
    """The rows that must be hidden with these, the smallest first, so that the total of the table tells none of them.

    Each hidden count keeps at least `smallest` possible values for a reader who subtracts what is shown from the
    total. Where all rows are hidden they keep each other apart, for the total is large enough to be shown.
    """
    people = {key: tally for key, tally in rows.items() if tally.denominator}
    by_size = sorted(people.keys() - hidden, key=lambda key: (people[key].denominator, str(key)), reverse=True)
    more: set[K] = set()
    while hidden and by_size and not _keeps_apart([people[key] for key in hidden | more], smallest):
        more.add(by_size.pop())
    return more


def is_small(tally: Tally, smallest: int = SMALLEST_CELL) -> bool:
    """True if a side of the share counts too few; nobody at all is not few."""
    if not tally.denominator:
        return tally.is_masked
    return any(side < smallest for side in _sides(tally))


def _keeps_apart(hidden: list[Tally], smallest: int) -> bool:
    """True if what is hidden is more than one row, and together large enough on each side."""
    together = (sum(side) for side in zip(*map(_sides, hidden), strict=True))
    return len(hidden) > 1 and all(side >= smallest for side in together)


def _sides(tally: Tally) -> tuple[int, ...]:
    """Those who count for the share and those who do not; of a median only how many there are."""
    count = tally.denominator or 0
    return (count,) if tally.numerator is None else (tally.numerator, count - tally.numerator)
