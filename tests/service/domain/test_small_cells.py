"""What is shown of a table gives away nothing that is hidden."""

from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.measuring import MASKED, Counted, Every, Period, Tally
from service.domain.hidden_together import hidden_together
from service.domain.small_cells import SMALLEST_CELL, is_small

tallies = st.integers(0, 60).flatmap(lambda d: st.integers(0, d).map(lambda n: Tally(d, n)))
tables = st.dictionaries(st.sampled_from("abcdefgh"), tallies, min_size=1)


def masked(rows: dict[str, Tally], total: Tally, *, smallest: int = SMALLEST_CELL) -> tuple[dict[str, Tally], Tally]:
    """One table of a measure that stands alone."""
    period = Period.of(date(2026, 1, 1), Every.MONTH)
    (shown,) = hidden_together([Counted("m", period, total, rows, {})], smallest=smallest)
    return shown.centres, shown.network


def total_of(rows: dict[str, Tally]) -> Tally:
    return Tally(sum(t.denominator or 0 for t in rows.values()), sum(t.numerator or 0 for t in rows.values()))


@pytest.mark.parametrize(
    ("rows", "hidden"),
    [
        pytest.param({"a": (40, 20), "b": (50, 25)}, "", id="nothing is small"),
        pytest.param(
            {"a": (40, 20), "b": (20, 15), "c": (80, 40)}, "ab", id="one small row takes the next smallest along"
        ),
        pytest.param({"a": (12, 1), "b": (12, 11), "c": (80, 40)}, "ab", id="two that are small keep each other apart"),
        pytest.param(
            {"a": (9, 5), "b": (9, 4), "c": (40, 20), "d": (80, 40)}, "abc", id="two that are too small together"
        ),
        pytest.param({"a": (30, 0), "b": (50, 25), "c": (60, 30)}, "ab", id="nobody of thirty says something of each"),
        pytest.param({"a": (0, 0), "b": (50, 25)}, "", id="nobody is hidden where nobody is"),
    ],
)
def test_which_rows_are_hidden(rows: dict[str, tuple[int, int]], hidden: str) -> None:
    table = {key: Tally(*counts) for key, counts in rows.items()}
    shown, total = masked(table, total_of(table))

    assert {key for key, tally in shown.items() if tally.is_masked} == set(hidden)
    assert not total.is_masked


def test_a_small_total_hides_everything() -> None:
    shown, total = masked({"a": Tally(12, 3), "b": Tally(0, 0)}, Tally(12, 3))

    assert (shown, total) == ({"a": MASKED, "b": Tally(0, 0)}, MASKED)


def test_of_a_median_only_the_number_of_people_counts() -> None:
    shown, total = masked({"a": Tally(10), "b": Tally(30), "c": Tally(40)}, Tally(80))

    assert [key for key, tally in shown.items() if tally.is_masked] == ["a", "b"]
    assert not total.is_masked


@given(tables)
def test_no_hidden_count_can_be_told_from_the_total(rows: dict[str, Tally]) -> None:
    """Whoever subtracts what is shown from the total still has at least eleven values for each hidden count."""
    shown, total = masked(rows, total_of(rows))
    hidden = [key for key, tally in shown.items() if tally.is_masked]
    if total.is_masked:
        assert {key for key, tally in rows.items() if tally.denominator} == set(hidden)
        return
    open_rows = [t for t in shown.values() if not t.is_masked]
    rest = {
        "people": (total.denominator or 0) - sum(t.denominator or 0 for t in open_rows),
        "met": (total.numerator or 0) - sum(t.numerator or 0 for t in open_rows),
    }
    rest["unmet"] = rest["people"] - rest["met"]
    for key in hidden:
        others = len(hidden) - 1
        for side in ("met", "unmet"):
            possible = {value for value in range(rest[side] + 1) if others or value == rest[side]}
            assert len(possible) > SMALLEST_CELL
        assert rows[key].denominator
    assert all(not is_small(t) for t in open_rows)
    assert not is_small(total)


@given(st.dictionaries(st.sampled_from("abc"), tallies, min_size=2), st.just(3))
def test_by_trying_all_tables_none_is_the_only_one(rows: dict[str, Tally], smallest: int) -> None:
    """The same by brute force, with the numerators of small tables and a small threshold."""
    rows = {
        key: Tally((t.denominator or 0) % 12, min(t.numerator or 0, (t.denominator or 0) % 12))
        for key, t in rows.items()
    }
    shown, total = masked(rows, total_of(rows), smallest=smallest)
    hidden = [key for key, tally in shown.items() if tally.is_masked]
    if total.is_masked or not hidden:
        return
    rest = (total.numerator or 0) - sum(t.numerator or 0 for t in shown.values() if not t.is_masked)
    tables = [c for c in product(range(rest + 1), repeat=len(hidden)) if sum(c) == rest]
    for position in range(len(hidden)):
        assert len({table[position] for table in tables}) > smallest


@given(tables)
def test_what_is_shown_is_what_was_counted(rows: dict[str, Tally]) -> None:
    shown, total = masked(rows, total_of(rows))

    assert shown.keys() == rows.keys()
    assert all(tally in (MASKED, rows[key]) for key, tally in shown.items())
    assert total in (MASKED, total_of(rows))
