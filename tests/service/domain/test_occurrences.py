"""Occurrences follow from the schedule alone: examples from the Timing of R4, and what holds for every schedule."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.activities import ONCE, Activity, Pattern, Schedule
from fhir_mappings.codes import CarePlanStatus, DayOfWeek, EventTiming, PeriodUnit
from fhir_mappings.model import Concept
from fhir_mappings.timing import is_computable
from service.domain.due import week_of
from service.domain.occurrences import occurrence_with, occurrences, occurrences_of
from service.domain.smaller import smaller
from tests.builders import NOW, PATIENT

START = date(2026, 12, 1)  # a Tuesday
STOCKHOLM, KATHMANDU = ZoneInfo("Europe/Stockholm"), ZoneInfo("Asia/Kathmandu")


def a_schedule(*, start: date = START, until: date | None = None, count: int | None = None, **parts: Any) -> Schedule:
    return Schedule(Pattern(**parts), start, until, count)


def an_activity(schedule: Schedule | None, **parts: Any) -> Activity:
    activity = Activity(PATIENT, Concept("Exercises"), CarePlanStatus.ACTIVE, id="a1", schedule=schedule)
    return replace(activity, **parts)


def keys(schedule: Schedule, first: date = START, days: int = 14) -> list[str]:
    return [o.key for o in occurrences(schedule, first, first + timedelta(days=days - 1))]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param({}, ["2026-12-01", "2026-12-02", "2026-12-03"], id="every day"),
        pytest.param({"when": (EventTiming.HS,)}, ["2026-12-01.HS", "2026-12-02.HS", "2026-12-03.HS"], id="nightly"),
        pytest.param(
            {"when": (EventTiming.ACM, EventTiming.HS), "days": (DayOfWeek.WED,)},
            ["2026-12-02.ACM", "2026-12-02.HS"],
            id="two moments on one day",
        ),
        pytest.param(
            {"times": (time(21), time(7, 30)), "until": date(2026, 12, 1)},
            ["2026-12-01T07:30", "2026-12-01T21:00"],
            id="times in order",
        ),
        pytest.param({"frequency": 2}, [f"2026-12-0{d}.{n}" for d in (1, 2, 3) for n in (1, 2)], id="twice a day"),
        pytest.param({"period": 2}, ["2026-12-01", "2026-12-03"], id="every other day"),
        pytest.param({"count": 2}, ["2026-12-01", "2026-12-02"], id="a number of times"),
        pytest.param({"until": date(2026, 12, 2)}, ["2026-12-01", "2026-12-02"], id="until, included"),
        pytest.param({"start": date(2026, 12, 3)}, ["2026-12-03"], id="not before its start"),
    ],
)
def test_the_first_three_days_of(parts: dict[str, Any], expected: list[str]) -> None:
    assert keys(a_schedule(**parts), days=3) == expected


def test_three_times_a_week_is_due_on_any_day_of_each_week_from_the_start() -> None:
    found = list(occurrences(a_schedule(frequency=3, unit=PeriodUnit.WEEK), START, START + timedelta(days=7)))

    assert [(o.key, o.first, o.last, o.number, o.of) for o in found[:3]] == [
        (f"2026-12-01.{n}", date(2026, 12, 1), date(2026, 12, 7), n, 3) for n in (1, 2, 3)
    ]
    assert [o.key for o in found[3:]] == [f"2026-12-08.{n}" for n in (1, 2, 3)]


def test_a_week_that_is_cut_short_has_what_fits() -> None:
    schedule = a_schedule(frequency=3, unit=PeriodUnit.WEEK, until=START + timedelta(days=11))

    assert keys(schedule)[3:] == ["2026-12-08.1", "2026-12-08.2"]
    assert {o.last for o in occurrences(schedule, START, date(2027, 1, 1))} == {date(2026, 12, 7), date(2026, 12, 12)}


def test_months_keep_to_the_day_that_they_have() -> None:
    schedule = a_schedule(start=date(2027, 1, 31), unit=PeriodUnit.MONTH)

    assert keys(schedule, date(2027, 1, 31), 100) == ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]
    assert keys(schedule, date(2028, 2, 29), 1) == ["2028-02-29"]


def test_nothing_lies_beyond_the_calendar() -> None:
    assert keys(a_schedule(start=date(9999, 12, 30)), date(9999, 12, 31), 1) == ["9999-12-31"]
    assert keys(a_schedule(start=date(9999, 12, 30), unit=PeriodUnit.WEEK), date(9999, 12, 31), 1) == ["9999-12-30"]
    assert keys(a_schedule(start=date(9999, 12, 30), unit=PeriodUnit.MONTH), date(9999, 12, 31), 1) == ["9999-12-30"]


@pytest.mark.parametrize(
    ("day", "at", "instant"),
    [
        pytest.param(date(2026, 12, 1), time(21), "2026-12-01T20:00:00+00:00", id="winter"),
        pytest.param(date(2026, 7, 1), time(21), "2026-07-01T19:00:00+00:00", id="summer"),
        pytest.param(date(2027, 3, 28), time(2, 30), "2027-03-28T01:30:00+00:00", id="a time that is skipped"),
        pytest.param(date(2026, 10, 25), time(2, 30), "2026-10-25T00:30:00+00:00", id="a time that comes twice"),
    ],
)
def test_nine_in_the_evening_is_nine_by_the_clock_on_the_wall(day: date, at: time, instant: str) -> None:
    found = next(occurrences(a_schedule(times=(at,), start=day), day, day)).instant(STOCKHOLM)

    assert found is not None
    assert found.tzinfo is STOCKHOLM
    assert found.astimezone(UTC).isoformat() == instant


def test_a_single_step_is_due_until_it_is_done() -> None:
    step = an_activity(None, authored_on=NOW)
    found = list(occurrences_of(step, date(2030, 1, 1), date(2030, 1, 1)))

    assert [(o.key, o.first, o.last) for o in found] == [(ONCE, NOW.date(), None)]
    assert found[0].instant(STOCKHOLM) is None
    assert list(occurrences_of(step, date(2020, 1, 1), date(2020, 1, 1))) == []
    assert occurrence_with(step, ONCE) == found[0]
    assert occurrence_with(step, "2026-12-01") is None
    assert next(occurrences_of(an_activity(None), START, START)).first == date.min


def test_what_is_not_computed_is_reported_by_the_day() -> None:
    foreign = an_activity(None, unread_timing=True)

    assert list(occurrences_of(foreign, START, START)) == []
    assert occurrence_with(foreign, "2026-12-01") is not None
    assert occurrence_with(foreign, "2026-12-01.HS") is None
    assert occurrence_with(foreign, "once") is None


@pytest.mark.parametrize("key", ["2026-12-01.MORN", "2026-11-30.HS", "2026-13-01.HS", "once", ""])
def test_a_key_that_names_nothing_names_nothing(key: str) -> None:
    assert occurrence_with(an_activity(a_schedule(when=(EventTiming.HS,))), key) is None


DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))
TIMES = st.times().map(lambda t: t.replace(second=0, microsecond=0))
PATTERNS = st.builds(
    Pattern,
    days=st.sets(st.sampled_from(DayOfWeek)).map(lambda s: tuple(d for d in DayOfWeek if d in s)),
    times=st.lists(TIMES, max_size=3, unique=True).map(tuple),
    when=st.lists(st.sampled_from(EventTiming), max_size=3, unique=True).map(tuple),
    frequency=st.integers(1, 5),
    period=st.integers(1, 5),
    unit=st.sampled_from(PeriodUnit),
).filter(is_computable)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    start = draw(DAYS)
    until = draw(st.none() | st.integers(0, 400).map(lambda n: start + timedelta(days=n)))
    return Schedule(draw(PATTERNS), start, until, draw(st.none() | st.integers(1, 30)))


@given(schedule=schedules(), offset=st.integers(-30, 400), days=st.integers(1, 60))
def test_every_schedule_keeps_within_its_bounds(schedule: Schedule, offset: int, days: int) -> None:
    first = schedule.start + timedelta(days=offset)
    last = first + timedelta(days=days - 1)
    found = list(occurrences(schedule, first, last))

    assert len({o.key for o in found}) == len(found)
    assert [o.first for o in found] == sorted(o.first for o in found)
    for o in found:
        assert o.last is not None
        assert schedule.start <= o.first <= o.last
        assert o.first <= last
        assert o.last >= first
        assert schedule.until is None or o.last <= schedule.until
        assert 1 <= o.number <= o.of
        assert not schedule.pattern.days or o.first.strftime("%a").lower() in schedule.pattern.days
    assert schedule.count is None or len(found) <= schedule.count


@given(schedule=schedules(), cut=st.integers(1, 100))
def test_two_windows_have_what_the_whole_has(schedule: Schedule, cut: int) -> None:
    first, last = schedule.start, schedule.start + timedelta(days=100)
    middle = first + timedelta(days=cut)
    whole = {o.key for o in occurrences(schedule, first, last)}
    halves = {o.key for o in occurrences(schedule, first, middle)} | {
        o.key for o in occurrences(schedule, middle, last)
    }

    assert halves == whole


@given(schedule=schedules())
def test_each_key_leads_back_to_its_occurrence(schedule: Schedule) -> None:
    activity = an_activity(schedule)
    for o in islice(occurrences(schedule, schedule.start, schedule.start + timedelta(days=60)), 20):
        assert occurrence_with(activity, o.key) == o


@given(day=DAYS, at=TIMES, zone=st.sampled_from([STOCKHOLM, KATHMANDU, ZoneInfo("America/St_Johns"), ZoneInfo("UTC")]))
def test_the_instant_shows_the_time_on_the_wall_but_in_a_gap(day: date, at: time, zone: ZoneInfo) -> None:
    found = next(occurrences(a_schedule(times=(at,), start=day), day, day)).instant(zone)

    assert found is not None
    later = datetime.combine(found.date(), found.time()) - datetime.combine(day, at)
    assert timedelta() <= later <= timedelta(hours=2)
    assert found == found.astimezone(UTC)


@given(schedule=schedules())
def test_smaller_is_less_and_never_nothing(schedule: Schedule) -> None:
    schedule = replace(schedule, until=None, count=None)
    less = smaller(schedule, schedule.start)
    if less is None:
        return
    year = schedule.start + timedelta(days=700)
    before, after = (sum(1 for _ in occurrences(s, s.start, year)) for s in (schedule, less))

    assert is_computable(less.pattern)
    assert 0 < after < before


@pytest.mark.parametrize(
    ("parts", "less"),
    [
        (
            {"when": (EventTiming.HS,)},
            {"when": (EventTiming.HS,), "days": (DayOfWeek.MON, DayOfWeek.WED, DayOfWeek.FRI)},
        ),
        ({"when": (EventTiming.MORN, EventTiming.HS)}, {"when": (EventTiming.MORN,)}),
        ({"times": (time(7), time(12), time(21))}, {"times": (time(7), time(21))}),
        ({"frequency": 3, "unit": PeriodUnit.WEEK}, {"frequency": 2, "unit": PeriodUnit.WEEK}),
        ({"days": (DayOfWeek.MON, DayOfWeek.THU)}, {"days": (DayOfWeek.MON,)}),
        ({"period": 2}, {"period": 4}),
        ({"days": (DayOfWeek.MON,)}, None),
        ({"unit": PeriodUnit.WEEK}, None),
    ],
)
def test_about_half_as_much(parts: dict[str, Any], less: dict[str, Any] | None) -> None:
    found = smaller(a_schedule(**parts), START + timedelta(days=3))

    assert found == (None if less is None else a_schedule(**less, start=START + timedelta(days=3)))


def test_what_is_over_is_not_made_smaller() -> None:
    assert smaller(a_schedule(until=START), START + timedelta(days=1)) is None


def test_a_week_begins_on_monday() -> None:
    assert week_of(date(2026, 12, 6)) == (date(2026, 11, 30), date(2026, 12, 6))
