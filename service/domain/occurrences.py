"""Which occurrences follow from a schedule. Local days throughout; the rule in words: docs/activities.md.

A time zone comes in only where an instant is wanted: what is due is due by the person's own clock.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import chain, islice
from typing import Final

from fhir_mappings.activities import ONCE, Activity, Pattern, Schedule
from fhir_mappings.codes import DayOfWeek, EventTiming, PeriodUnit

ONE_DAY: Final = timedelta(days=1)
WEEK: Final = tuple(DayOfWeek)
"""In the order of `date.weekday()`."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time that something is due: on any day from `first` to `last`, at a time or moment if one was agreed.

    `key` names it within its activity. `number` of `of` where it is one of several in the same day or period.
    """

    key: str
    first: date
    last: date | None
    at: time | None = None
    when: EventTiming | None = None
    number: int = 1
    of: int = 1

    def instant(self, zone: tzinfo) -> datetime | None:
        """When it is due in this zone; None where no time was agreed.

        A time that the clocks skip is moved on by the gap; one that comes twice is its first.
        """
        if self.at is None:
            return None
        wall = datetime.combine(self.first, self.at, tzinfo=zone)
        return wall.astimezone(UTC).astimezone(zone)


def occurrences(schedule: Schedule, first: date, last: date) -> Iterator[Occurrence]:
    """Those that are due on some day from `first` to `last`, in order."""
    found = _counted(schedule) if schedule.count else _all(schedule, first)
    for occurrence in found:
        if occurrence.first > last:
            return
        if occurrence.last is None or occurrence.last >= first:
            yield occurrence


def occurrences_of(activity: Activity, first: date, last: date) -> Iterator[Occurrence]:
    """Those of the activity; a single step is due from the day it was asked for until it is done.

    None where the schedule is another system's that CoPlan does not compute.
    """
    if activity.schedule:
        yield from occurrences(activity.schedule, first, last)
    elif not activity.unread_timing and (step := single_step(activity)).first <= last:
        yield step


def single_step(activity: Activity) -> Occurrence:
    """The one occurrence of an activity without a schedule. It has no last day: late is not gone."""
    asked = activity.authored_on.date() if activity.authored_on else date.min
    return Occurrence(ONCE, asked, None)


def occurrence_with(activity: Activity, key: str) -> Occurrence | None:
    """The occurrence that the key names; None where the activity has none such.

    Where the schedule cannot be computed any day is taken.
    """
    if activity.schedule is None and not activity.unread_timing:
        return single_step(activity) if key == ONCE else None
    day = _day_in(key)
    if day is None:
        return None
    if activity.schedule is None:
        return Occurrence(key, day, day) if key == day.isoformat() else None
    return next((o for o in occurrences(activity.schedule, day, day) if o.key == key), None)


def keys_near(activity: Activity, key: str) -> tuple[str, ...]:
    """What else the activity has on the day that the key begins with; of a single step, its only one."""
    if activity.schedule is None:
        return () if activity.unread_timing else (ONCE,)
    day = _day_in(key)
    return tuple(o.key for o in occurrences(activity.schedule, day, day)) if day else ()


def _day_in(key: str) -> date | None:
    try:
        return date.fromisoformat(key[:10])
    except ValueError:
        return None


def _counted(schedule: Schedule) -> Iterator[Occurrence]:
    return islice(_all(schedule, schedule.start), schedule.count)


def _all(schedule: Schedule, first: date) -> Iterator[Occurrence]:
    """All that may be due on `first` or later, without regard to `count`."""
    return chain.from_iterable(_slots(schedule, *window) for window in _windows(schedule, first))


def _windows(schedule: Schedule, first: date) -> Iterator[tuple[date, date]]:
    """First and last day of each period, from the one that holds `first`; without the last, where `until` cuts it."""
    if schedule.pattern.is_daily:
        yield from _days(schedule, first)
        return
    position = _position(schedule, first)
    while (begin := _begin(schedule, position)) and begin <= (schedule.until or date.max):
        following = _begin(schedule, position + 1)
        yield begin, following - ONE_DAY if following else date.max
        position += 1


def _days(schedule: Schedule, first: date) -> Iterator[tuple[date, date]]:
    wanted = {WEEK.index(day) for day in schedule.pattern.days or WEEK}
    until = schedule.until or date.max
    for ordinal in range(max(schedule.start, first).toordinal(), until.toordinal() + 1):
        day = date.fromordinal(ordinal)
        if day.weekday() in wanted:
            yield day, day


def _slots(schedule: Schedule, begin: date, end: date) -> Iterator[Occurrence]:
    """What is due within one period."""
    pattern, day = schedule.pattern, begin.isoformat()
    if pattern.is_daily and pattern.times:
        for at in sorted(pattern.times):
            yield Occurrence(f"{day}T{at:%H:%M}", begin, begin, at=at)
    elif pattern.is_daily and pattern.when:
        for when in pattern.when:
            yield Occurrence(f"{day}.{when}", begin, begin, when=when)
    else:
        yield from _numbered(schedule, begin, end)


def _numbered(schedule: Schedule, begin: date, end: date) -> Iterator[Occurrence]:
    pattern = schedule.pattern
    fits = _fits(schedule, begin, end)
    last = begin if _is_fixed(pattern) else min(end, schedule.until or date.max)
    when = pattern.when[0] if pattern.when else None
    for number in range(1, fits + 1):
        key = begin.isoformat() if pattern.frequency == 1 else f"{begin}.{number}"
        yield Occurrence(key, begin, last, when=when, number=number, of=fits)


def _fits(schedule: Schedule, begin: date, end: date) -> int:
    """All of them; in a period that `until` cuts short, what fits of them, rounded down."""
    frequency, until = schedule.pattern.frequency, schedule.until
    if _is_fixed(schedule.pattern) or until is None or end <= until:
        return frequency
    return frequency * ((until - begin).days + 1) // ((end - begin).days + 1)


def _is_fixed(pattern: Pattern) -> bool:
    """True where each occurrence has its own day: every day, or every n-th."""
    return pattern.unit is PeriodUnit.DAY and (pattern.frequency == 1 or pattern.period == 1)


def _position(schedule: Schedule, day: date) -> int:
    """Which period holds the day, counted from 0; never one too late."""
    length = {PeriodUnit.DAY: 1, PeriodUnit.WEEK: 7, PeriodUnit.MONTH: 31}[schedule.pattern.unit]
    return max(0, (day - schedule.start).days // (length * schedule.pattern.period))


def _begin(schedule: Schedule, position: int) -> date | None:
    """The first day of a period; None beyond the calendar."""
    start, steps = schedule.start, schedule.pattern.period * position
    try:
        if schedule.pattern.unit is PeriodUnit.MONTH:
            year, month = divmod(start.year * 12 + start.month - 1 + steps, 12)
            return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))
        return start + timedelta(days=steps * (7 if schedule.pattern.unit is PeriodUnit.WEEK else 1))
    except (ValueError, OverflowError):
        return None
