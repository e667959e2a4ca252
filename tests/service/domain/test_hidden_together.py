"""Nobody who has all tables of a run tells by subtraction what one of them hides."""

from collections.abc import Iterator
from datetime import date
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.measuring import Counted, Every, Period, Tally
from service.domain.hidden_together import hidden_together
from service.domain.small_cells import SMALLEST_CELL

MONTH = Period.of(date(2026, 1, 1), Every.MONTH)
CENTRES, LANGUAGES = ("a", "b", "c", "d"), ("en", "es")
PARTS = ("pucai", "spcdai", "pcdai")
Cell = tuple[str, str, str]
"""Member of the family, table, row; the total is the row `""` of the table `""`."""

counts = st.one_of(st.just(0), st.integers(1, 12), st.integers(1, 80))
shares = st.one_of(st.just(0.0), st.just(1.0), st.floats(0, 1))


def counted(name: str, people: dict[tuple[str, str], Tally]) -> Counted:
    """The tables of a measure, from its counts by centre and language."""

    def table(at: int) -> dict[str, Tally]:
        keys = sorted({key[at] for key, t in people.items() if t.denominator})
        return {k: added(t for key, t in people.items() if key[at] == k) for k in keys}

    return Counted(name, MONTH, added(people.values()), table(0), {"language": table(1)})


def added(tallies: object) -> Tally:
    found = list(tallies)  # type: ignore[call-overload]
    return Tally(sum(t.denominator for t in found), sum(t.numerator for t in found))


@st.composite
def indices(draw: st.DrawFn) -> list[Counted]:
    """Each patient is scored by one of the indices, and globally."""
    kinds = PARTS[: draw(st.integers(1, 3))]
    places = list(product(CENTRES[: draw(st.integers(1, 4))], LANGUAGES))
    by_kind = {kind: {place: a_tally(draw) for place in places} for kind in kinds}
    whole = {p: globally(draw, sum(by_kind[k][p].denominator or 0 for k in kinds)) for p in places}
    return [counted("pga", whole), *(counted(kind, by_kind[kind]) for kind in kinds)]


@st.composite
def goals(draw: st.DrawFn) -> list[Counted]:
    """The same goals, counted by who wrote them and by who agreed to them."""
    places = list(product(CENTRES[: draw(st.integers(1, 4))], LANGUAGES))
    people = {place: draw(counts) for place in places}
    return [counted(name, {p: globally(draw, n) for p, n in people.items()}) for name in ("authored", "agreed")]


def a_tally(draw: st.DrawFn) -> Tally:
    return globally(draw, draw(counts))


def globally(draw: st.DrawFn, people: int) -> Tally:
    return Tally(people, round(people * draw(shares)))


def cells(c: Counted) -> Iterator[tuple[Cell, Tally]]:
    yield (c.measure, "", ""), c.network
    for table, rows in {"centre": c.centres, **c.strata}.items():
        for row, tally in rows.items():
            yield (c.measure, table, row), tally


class Reader:
    """What somebody knows who has all that is published: linear equations, and that nothing is less than nobody."""

    def __init__(self, shown: list[Counted]) -> None:
        self.tallies = dict(cell for c in shown for cell in cells(c))
        self.names = [(cell, side) for cell in self.tallies for side in ("met", "unmet")]
        self.at = {name: i for i, name in enumerate(self.names)}
        self.rows: list[dict[tuple[Cell, str], int]] = []
        self.values: list[int] = []
        for cell, tally in self.tallies.items():
            if not tally.is_masked:
                self._knows({(cell, "met"): 1}, tally.numerator or 0)
                self._knows({(cell, "unmet"): 1}, (tally.denominator or 0) - (tally.numerator or 0))
        for c, side in product(shown, ("met", "unmet")):
            for table, rows in {"centre": c.centres, **c.strata}.items():
                parts = {((c.measure, table, row), side): 1 for row in rows}
                self._knows({**parts, ((c.measure, "", ""), side): -1}, 0)
        whole, *others = (c.measure for c in shown)
        for _, table, row in [cell for cell in self.tallies if cell[0] == whole]:
            members = {(m, table, row): 1 for m in others} | {(whole, table, row): -1}
            both = {(m, side): sign for m, sign in members.items() if m in self.tallies for side in ("met", "unmet")}
            self._knows(both, 0)

    def _knows(self, sum_of: dict[tuple[Cell, str], int], value: int) -> None:
        self.rows.append(sum_of)
        self.values.append(value)

    def narrowed(self) -> Iterator[tuple[Cell, str, float]]:
        """Each hidden cell with how far apart the greatest and the least value are that it may have."""
        optimize = pytest.importorskip("scipy.optimize")
        numpy = pytest.importorskip("numpy")
        equations = numpy.zeros((len(self.rows), len(self.names)))
        for i, row in enumerate(self.rows):
            for name, sign in row.items():
                equations[i, self.at[name]] = sign
        for cell in (c for c, t in self.tallies.items() if t.is_masked):
            for sides in (("met",), ("unmet",), ("met", "unmet")):
                aim = numpy.zeros(len(self.names))
                aim[[self.at[cell, side] for side in sides]] = 1
                least, most = (
                    optimize.linprog(sign * aim, A_eq=equations, b_eq=self.values, method="highs") for sign in (1, -1)
                )
                assert least.success
                assert most.success or most.status == 3, most.message
                most_value = -most.fun if most.success else float("inf")
                yield cell, "+".join(sides), most_value - least.fun


SCORED = {
    "pga": {"a": (90, 60), "b": (80, 50), "c": (100, 70)},
    "pucai": {"a": (40, 36), "b": (40, 25), "c": (50, 30)},
    "spcdai": {"a": (50, 30), "b": (40, 20), "c": (50, 30)},
}
"""At centre `a` only four are not in remission by PUCAI."""
GOALS = {
    "authored": {"a": (90, 4), "b": (80, 50), "c": (100, 70)},
    "agreed": {"a": (90, 60), "b": (80, 50), "c": (100, 70)},
}


def a_run(tables: dict[str, dict[str, tuple[int, int]]]) -> list[Counted]:
    return [
        counted(name, {(centre, "en"): Tally(*both) for centre, both in rows.items()}) for name, rows in tables.items()
    ]


def hidden(shown: list[Counted]) -> dict[str, str]:
    found = {c.measure: "".join(k for k, t in c.centres.items() if t.is_masked) for c in shown}
    return found | {f"{c.measure} in all": "hidden" for c in shown if c.network.is_masked}


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        pytest.param(
            SCORED, {"pga": "", "pucai": "ab", "spcdai": "ab"}, id="the indices hide together, not what they add up to"
        ),
        pytest.param(
            SCORED | {"pga": {"a": (90, 86), "b": (80, 50), "c": (100, 70)}},
            {"pga": "ab", "pucai": "ab", "spcdai": "ab"},
            id="what they add up to hides them",
        ),
        pytest.param(
            {
                "pga": {"a": (40, 30), "b": (80, 50), "c": (90, 60)},
                "pucai": SCORED["pucai"],
                "spcdai": {"b": (40, 20), "c": (40, 20)},
            },
            {"pga": "ab", "pucai": "abc", "spcdai": "bc"},
            id="a part that is alone in its row hides the whole",
        ),
        pytest.param(GOALS, {"authored": "ab", "agreed": "ab"}, id="equal denominators hide together"),
        pytest.param(
            SCORED | {"pcdai": {"b": (0, 0), "c": (5, 3)}},
            {
                "pga": "",
                "pucai": "abc",
                "spcdai": "ab",
                "pcdai": "c",
                "pucai in all": "hidden",
                "pcdai in all": "hidden",
            },
            id="an index of five people in all takes the next smallest along",
        ),
        pytest.param(
            {"pga": {"a": (20, 4)}, "pucai": {"a": (20, 4)}},
            {"pga": "a", "pucai": "a", "pga in all": "hidden", "pucai in all": "hidden"},
            id="a small whole hides everything",
        ),
    ],
)
def test_what_hides_with_what(tables: dict[str, dict[str, tuple[int, int]]], expected: dict[str, str]) -> None:
    assert hidden(list(hidden_together(a_run(tables)))) == expected


@pytest.mark.parametrize("tables", [SCORED, GOALS], ids=["indices", "goals"])
def test_measure_by_measure_subtraction_would_tell(tables: dict[str, dict[str, tuple[int, int]]]) -> None:
    """The reader of these tests finds what is to be found."""
    alone = [shown for c in a_run(tables) for shown in hidden_together([c])]

    assert any(apart == 0 for _, _, apart in Reader(alone).narrowed())


@given(st.one_of(indices(), goals()))
@settings(max_examples=20, deadline=None)
def test_no_hidden_count_can_be_told_from_all_tables_of_a_run(together: list[Counted]) -> None:
    shown = list(hidden_together(together))

    for cell, side, apart in Reader(shown).narrowed():
        assert apart >= SMALLEST_CELL - 1, (cell, side)
