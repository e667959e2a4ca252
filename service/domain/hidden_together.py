"""What is hidden in one table of a run is not told by another: measures that count the same people hide together.

Measures over the same things are a family: their denominators are equal, or the smaller ones add up to the largest
(PUCAI and sPCDAI to PGA). A reader is taken to know that. Within one table the rule is that of `small_cells`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from fhir_mappings.measuring import MASKED, Counted, MeasureDefinition, Tally
from service.domain.small_cells import SMALLEST_CELL, companions, is_small

COUNTED_ALIKE = {"goals-authored": "goals-in-force", "goals-agreed": "goals-in-force"}
"""Rules that count the same things. Measures with one rule do, or parts of them."""

Rows = Mapping[str, Tally]
Hidden = dict[int, set[str]]


def family(measure: MeasureDefinition) -> str:
    """What the measure counts; measures of one family hide together."""
    return COUNTED_ALIKE.get(measure.rule, measure.rule)


def hidden_together(counted: Sequence[Counted], *, smallest: int = SMALLEST_CELL) -> Iterator[Counted]:
    """The counts of a family in one period, in the same order, with all masked that must be.

    A hidden row or total shows nothing. An empty row (of 0 people) hides nobody and is shown.
    """
    whole = max(range(len(counted)), key=lambda i: (counted[i].network.denominator or 0, -i))
    totals = _hidden_totals([c.network for c in counted], whole, smallest)
    centres = _hidden_rows([c.centres for c in counted], whole, totals, smallest)
    names = sorted({name for c in counted for name in c.strata})
    strata = {n: _hidden_rows([c.strata.get(n, {}) for c in counted], whole, totals, smallest) for n in names}
    for i, c in enumerate(counted):
        yield replace(
            c,
            network=MASKED if i in totals else c.network,
            centres=_masked(c.centres, centres[i]),
            strata={name: _masked(rows, strata[name][i]) for name, rows in c.strata.items()},
        )


def _hidden_totals(totals: Sequence[Tally], whole: int, smallest: int) -> set[int]:
    """Whose total is hidden: the small ones, with so many others that none of them is told by the largest."""
    people = {i: t.denominator for i, t in enumerate(totals) if t.denominator}
    hidden = {i for i in people if is_small(totals[i], smallest)}
    if whole in hidden:
        return set(people)
    parts = sorted(people.keys() - hidden - {whole}, key=lambda i: (people[i], i), reverse=True)
    while hidden and not _keep_apart([people[i] for i in hidden], smallest):
        if not parts:
            return set(people)
        hidden.add(parts.pop())
    return hidden


def _hidden_rows(tables: Sequence[Rows], whole: int, totals: Collection[int], smallest: int) -> Hidden:
    """The rows that each member of the family hides: all of them where its total is hidden.

    The only row with people is the total, which is shown, so it is never hidden.
    """
    people = [{key: t.denominator for key, t in rows.items() if t.denominator} for rows in tables]
    shown = [i for i in range(len(tables)) if i not in totals]
    free = [set(of_one) if i in shown and len(of_one) > 1 else set() for i, of_one in enumerate(people)]
    hidden = {i: set(people[i]) for i in totals}
    hidden |= {i: {key for key in free[i] if is_small(tables[i][key], smallest)} for i in shown}
    before, now = -1, 0
    while now > before:
        for i in shown:
            hidden[i] |= companions(tables[i], hidden[i], smallest)
        for key in sorted(set().union(*people)):
            _hide_across(key, hidden, people, free, whole, smallest)
        before, now = now, sum(map(len, hidden.values()))
    return hidden


def _hide_across(
    key: str, hidden: Hidden, people: Sequence[Mapping[str, int]], free: Sequence[set[str]], whole: int, smallest: int
) -> None:
    """One row through all members: once one hides it all parts do, and the largest where it would tell them."""
    parts = [i for i in hidden if i != whole]

    def is_told() -> bool:
        found = [people[i][key] for i in parts if key in hidden[i]]
        return bool(found) and not _keep_apart(found, smallest)

    if is_told() or any(key in hidden[i] & free[i] for i in hidden):
        for i in parts:
            hidden[i] |= {key} & free[i]
    if is_told():
        hidden[whole] |= {key} & free[whole]


def _keep_apart(people: Sequence[int], smallest: int) -> bool:
    return len(people) > 1 and sum(people) >= smallest


def _masked(rows: Rows, hidden: Collection[str]) -> dict[str, Tally]:
    return {key: MASKED if key in hidden else tally for key, tally in rows.items()}


def families(counted: Iterable[Counted], known: Mapping[str, MeasureDefinition]) -> Iterator[list[Counted]]:
    """What is to be hidden together: each family in each period."""
    found: dict[object, list[Counted]] = {}
    for c in counted:
        found.setdefault((c.period, family(known[c.measure])), []).append(c)
    yield from found.values()
