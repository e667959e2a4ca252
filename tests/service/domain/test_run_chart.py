"""Marks, gaps, the two rules of run charts, and the last seven days."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from scipy import stats

from fhir_mappings.codes import QuantityComparator
from fhir_mappings.model import Quantity, Range
from service.domain.catalogue import Bounds
from service.domain.progress import Point
from service.domain.run_chart import (
    Aim,
    Gap,
    LastDays,
    Mark,
    Pace,
    RunChart,
    fewest_crossings,
    gaps_in,
    marks_of,
    run_chart,
    signals_of,
)

NOW = datetime(2026, 12, 10, 21, tzinfo=UTC)


def points(*values: int | None, every: int = 1, back: int = 0) -> list[Point]:
    """One a day up to today; None: nothing that day."""
    last = len(values) - 1
    days = ((NOW - timedelta(days=(last - i) * every + back, hours=1), v) for i, v in enumerate(values))
    return [Point(at, Decimal(v)) for at, v in days if v is not None]


def chart(*values: int | None, every: int = 1, back: int = 0, **parts: Any) -> RunChart:
    return run_chart("Steps", "steps", points(*values, every=every, back=back), now=NOW, **parts)


def at_least(value: int) -> Aim:
    return Aim(Range(), Decimal(value))


def test_a_mark_is_the_median_of_a_day_where_it_was_measured() -> None:
    east = timezone(timedelta(hours=9))
    morning = datetime(2026, 12, 10, 0, 30, tzinfo=east)  # still the ninth in UTC
    given = [Point(morning + timedelta(hours=i), Decimal(v)) for i, v in enumerate((5, 1, 3))]
    (mark,) = marks_of(given, Pace.DAY)

    assert mark == Mark(date(2026, 12, 10), Decimal(3), Decimal(1), Decimal(5), 3)


@pytest.mark.parametrize(("days", "pace", "marks"), [(120, "day", 120), (121, "week", 18), (2000, "month", 67)])
def test_more_marks_than_can_be_told_apart_become_weeks_or_months(days: int, pace: str, marks: int) -> None:
    shown = chart(*range(days))

    assert (shown.pace, len(shown.marks)) == (pace, marks)


def test_so_many_years_are_months_all_the_same() -> None:
    assert chart(*range(200), every=31).pace == "month"


@pytest.mark.parametrize(
    ("apart", "gaps"),
    [
        pytest.param([], 0, id="one value"),
        pytest.param([1, 1, 1], 0, id="daily"),
        pytest.param([1, 2, 1], 1, id="a day missed"),
        pytest.param([7, 6, 8, 7], 0, id="weekly, more or less"),
        pytest.param([7, 14, 7], 1, id="a week missed"),
        pytest.param([1, 3, 1, 9, 1], 2, id="two holes"),
    ],
)
def test_missing_values_are_shown_as_missing(apart: list[int], gaps: int) -> None:
    days = [date(2026, 1, 1)]
    for distance in apart:
        days.append(days[-1] + timedelta(days=distance))

    assert len(list(gaps_in(days))) == gaps


def test_a_gap_says_where() -> None:
    assert chart(1, 2, None, None, 3, 4).gaps == (Gap(date(2026, 12, 6), date(2026, 12, 9)),)


@pytest.mark.parametrize("useful", [10, 11, 15, 20, 24, 33, 50, 100])
def test_crossings_are_compared_with_the_fifth_centile(useful: int) -> None:
    assert fewest_crossings(useful) == stats.binom.ppf(0.05, useful - 1, 0.5)


@pytest.mark.parametrize(
    ("values", "shift", "few_crossings"),
    [
        pytest.param([1, 3] * 12, False, False, id="to and fro"),
        pytest.param([1] * 12 + [3] * 12, True, True, id="a change"),
        pytest.param([1] * 9 + [3, 1] * 6 + [3] * 9, True, False, id="long on one side"),
        pytest.param(([1] * 4 + [3] * 4) * 3, False, True, id="seldom to the other side"),
        pytest.param([1, 3] * 12 + [2] * 30, False, False, id="on the median counts for no side"),
    ],
)
def test_the_rules_find_what_is_more_than_chance(values: list[int], shift: bool, few_crossings: bool) -> None:
    found = signals_of([Decimal(v) for v in values])

    assert found is not None
    assert (found.shift, found.few_crossings) == (shift, few_crossings)
    limits = {24: (8, 8), 30: (8, 10)}
    assert (found.longest_expected, found.fewest_expected) == limits[found.useful]


@pytest.mark.parametrize("values", [[], [1], [1, 3] * 4, [2] * 40])
def test_the_rules_say_nothing_of_a_few_values(values: list[int]) -> None:
    assert signals_of([Decimal(v) for v in values]) is None


@pytest.mark.parametrize(
    ("values", "every", "back", "last"),
    [
        pytest.param([9] * 9, 1, 0, LastDays(7, 7), id="each day"),
        pytest.param([9, 9, 9, 9, None, 2, None, 9], 1, 0, LastDays(5, 4), id="five of seven, four on target"),
        pytest.param([9] * 9, 1, 30, LastDays(0, 0), id="long ago"),
        pytest.param([9] * 9, 7, 0, None, id="weekly is not missed daily"),
        pytest.param([9], 1, 0, None, id="one value"),
        pytest.param([], 1, 0, None, id="no value"),
    ],
)
def test_the_last_seven_days_are_counted_where_it_is_measured_daily(
    values: list[int | None], every: int, back: int, last: LastDays | None
) -> None:
    assert chart(*values, every=every, back=back, aim=at_least(5)).last_days == last


def test_without_a_target_nothing_is_met_or_missed() -> None:
    shown = chart(1, 2, 3)

    assert shown.last_days == LastDays(3, None)
    for aim, met in ((None, None), (Aim(Range(), high=Decimal(2)), True), (at_least(2), False)):
        one = chart(1, aim=aim)
        assert one.met(one.marks[0]) is met


def test_the_forecast_ends_where_the_target_is_due() -> None:
    shown = chart(*(i % 5 for i in range(30)), due=date(2026, 12, 14))

    assert shown.forecast is not None
    assert shown.forecast.day == date(2026, 12, 14)


def test_no_line_is_drawn_across_a_shift() -> None:
    long_since = chart(*(i % 5 for i in range(30)), *(50 + i % 5 for i in range(30)))
    just_now = chart(*(i % 5 for i in range(30)), *(50 + i % 5 for i in range(12)))

    assert long_since.signals is not None
    assert long_since.signals.shift
    assert long_since.forecast is not None
    assert 45 < long_since.forecast.low < 50 < long_since.forecast.high < 60, "from the values after it alone"
    assert just_now.forecast is None
    assert chart(*([0] * 20), *([1, 9] * 12)).forecast is not None, "after a long run that has ended"


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        pytest.param([1310] * 30, 1300, 1320, id="always the same"),
        pytest.param([7] * 30, 6, 8, id="always the same, of few"),
        pytest.param([0] * 30, 0, 1, id="always nothing"),
    ],
)
def test_a_forecast_is_never_narrower_than_what_can_be_told_apart(values: list[int], low: int, high: int) -> None:
    ahead = chart(*values, whole=True, possible=Bounds(Decimal(0))).forecast

    assert ahead is not None
    assert (ahead.low, ahead.high) == (low, high)


def test_a_forecast_is_told_in_the_steps_of_what_is_measured() -> None:
    whole = chart(*(i * 7 % 5 for i in range(30)), whole=True).forecast
    tenths = run_chart(
        "Sleep", "h", [Point(p.at, p.value / 10) for p in points(*(60 + i * 7 % 5 for i in range(30)))], now=NOW
    )

    assert whole is not None
    assert (whole.low % 1, whole.high % 1) == (0, 0)
    assert tenths.forecast is not None
    assert [str(end) for end in (tenths.forecast.low, tenths.forecast.high)] == ["5.8", "6.6"]


def test_what_adds_up_is_marked_and_held_against_the_target_day_by_day() -> None:
    walks = [Point(NOW - timedelta(days=d, hours=h), Decimal(20)) for d in (2, 1, 0) for h in (9, 1)]
    summed = run_chart("Exercise", "min", walks, now=NOW, aim=at_least(40), summed=True)
    apart = run_chart("Exercise", "min", walks, now=NOW, aim=at_least(40))

    assert [m.value for m in summed.marks] == [40] * 3
    assert (summed.last_days, apart.last_days) == (LastDays(3, 3), LastDays(3, 0))
    assert (summed.latest, apart.latest) == (replace(walks[-1], value=Decimal(40)), walks[-1])


AT_MOST_40 = Aim(Quantity(Decimal(40), "min", comparator=QuantityComparator.AT_MOST), high=Decimal(40))


@pytest.mark.parametrize(
    ("aim", "minutes", "unfinished", "last"),
    [
        pytest.param(at_least(40), 10, True, LastDays(3, 3), id="may still be enough"),
        pytest.param(at_least(40), 45, False, LastDays(4, 4), id="enough already"),
        pytest.param(AT_MOST_40, 10, True, LastDays(3, 3), id="may still be too much"),
        pytest.param(AT_MOST_40, 45, False, LastDays(4, 3), id="too much already"),
        pytest.param(Aim(Range(), Decimal(20), Decimal(60)), 10, True, LastDays(3, 3), id="may still reach the range"),
        pytest.param(None, 10, True, LastDays(3, None), id="without a target"),
    ],
)
def test_a_day_that_is_not_over_is_drawn_and_not_judged(
    aim: Aim | None, minutes: int, unfinished: bool, last: LastDays
) -> None:
    values = [(3, 40), (2, 40), (1, 40), (0, minutes)]
    points = [Point(NOW - timedelta(days=d, hours=1), Decimal(v)) for d, v in values]
    shown = run_chart("Exercise", "min", points, now=NOW, aim=aim, summed=True)

    assert shown.unfinished == (NOW.date() if unfinished else None)
    assert (len(shown.marks), shown.last_days) == (4, last)
    assert (shown.met(shown.marks[-1]) is None) is unfinished


def test_the_first_day_of_what_adds_up_is_no_series_yet() -> None:
    shown = run_chart("Exercise", "min", [Point(NOW, Decimal(10))], now=NOW, summed=True)

    assert (len(shown.marks), shown.last_days, shown.signals) == (1, None, None)
