"""Timing: when something is to be done, as JSON and in words.

Source: https://hl7.org/fhir/R4/datatypes.html#Timing
"""

from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Any, Final

from fhir_mappings.activities import Pattern, Schedule
from fhir_mappings.carrier import Json
from fhir_mappings.codes import DayOfWeek, EventTiming, PeriodUnit
from fhir_mappings.elements import without_nothing

READ: Final = frozenset(
    {
        "boundsPeriod",
        "boundsDuration",
        "count",
        "frequency",
        "period",
        "periodUnit",
        "dayOfWeek",
        "timeOfDay",
        "when",
        "duration",
        "durationUnit",
    }
)
"""Elements of `Timing.repeat` that CoPlan computes with, or that do not say when; any other one it does not guess."""
DAYS_IN: Final[Mapping[Any, int]] = {"d": 1, "wk": 7}

DAY_NAMES: Final = {
    DayOfWeek.MON: "Monday",
    DayOfWeek.TUE: "Tuesday",
    DayOfWeek.WED: "Wednesday",
    DayOfWeek.THU: "Thursday",
    DayOfWeek.FRI: "Friday",
    DayOfWeek.SAT: "Saturday",
    DayOfWeek.SUN: "Sunday",
}
MOMENTS: Final = {
    EventTiming.MORN: "in the morning",
    EventTiming.MORN_EARLY: "early in the morning",
    EventTiming.MORN_LATE: "late in the morning",
    EventTiming.NOON: "at noon",
    EventTiming.AFT: "in the afternoon",
    EventTiming.AFT_EARLY: "early in the afternoon",
    EventTiming.AFT_LATE: "late in the afternoon",
    EventTiming.EVE: "in the evening",
    EventTiming.EVE_EARLY: "early in the evening",
    EventTiming.EVE_LATE: "late in the evening",
    EventTiming.NIGHT: "at night",
    EventTiming.PHS: "after going to sleep",
    EventTiming.HS: "before going to sleep",
    EventTiming.WAKE: "after waking up",
    EventTiming.C: "with a meal",
    EventTiming.CM: "with breakfast",
    EventTiming.CD: "with lunch",
    EventTiming.CV: "with dinner",
    EventTiming.AC: "before a meal",
    EventTiming.ACM: "before breakfast",
    EventTiming.ACD: "before lunch",
    EventTiming.ACV: "before dinner",
    EventTiming.PC: "after a meal",
    EventTiming.PCM: "after breakfast",
    EventTiming.PCD: "after lunch",
    EventTiming.PCV: "after dinner",
}
UNIT_NAMES: Final = {PeriodUnit.DAY: "day", PeriodUnit.WEEK: "week", PeriodUnit.MONTH: "month"}


def timing_json(schedule: Schedule) -> Json:
    """A schedule as Timing."""
    bounds = without_nothing(
        {"start": schedule.start.isoformat(), "end": schedule.until.isoformat() if schedule.until else None}
    )
    return {"repeat": {"boundsPeriod": bounds, **_count(schedule.count), **pattern_json(schedule.pattern)}}


def pattern_json(pattern: Pattern) -> Json:
    """The repetition alone. R4 has no `frequency` beside `timeOfDay` or `dayOfWeek`."""
    counted = not pattern.times and not pattern.days
    every = {"frequency": pattern.frequency, "period": pattern.period, "periodUnit": str(pattern.unit)}
    return {
        **(every if counted else {}),
        **without_nothing(
            {
                "dayOfWeek": [str(d) for d in pattern.days],
                "timeOfDay": [t.isoformat() for t in pattern.times],
                "when": [str(w) for w in pattern.when],
            }
        ),
    }


def schedule_from_fhir(timing: Json, *, otherwise_from: date | None = None) -> Schedule | None:
    """The schedule of a Timing, or None where it says something that CoPlan does not compute.

    Args:
        otherwise_from: where the Timing begins if it does not say so itself, for example when it was ordered.
    """
    repeat = timing.get("repeat")
    pattern = readable_pattern(repeat) if isinstance(repeat, dict) and not timing.get("event") else None
    if pattern is None or not isinstance(repeat, dict):
        return None
    try:
        start = _start(repeat) or otherwise_from
        if start is None:
            return None
        return Schedule(pattern, start, _until(repeat, start), _whole(repeat.get("count")))
    except (ValueError, TypeError, AttributeError, OverflowError):
        return None


def readable_pattern(repeat: Json) -> Pattern | None:
    """The repetition of a `Timing.repeat`, or None where CoPlan does not compute it."""
    try:
        pattern = _pattern(repeat)
    except (ValueError, TypeError):
        return None
    return pattern if READ.issuperset(repeat) and is_computable(pattern) else None


def is_computable(pattern: Pattern) -> bool:
    """True for a pattern whose parts do not contradict each other."""
    if min(pattern.frequency, pattern.period) < 1 or (pattern.times and pattern.when):
        return False
    if pattern.is_daily:
        return pattern.frequency == 1 or not (pattern.times or pattern.when or pattern.days)
    return not (pattern.days or pattern.times) and len(pattern.when) <= 1


def schedule_in_words(schedule: Schedule) -> str:
    """`every day before going to sleep, from 2026-12-01 until 2027-02-01`"""
    until = f" until {schedule.until}" if schedule.until else ""
    count = f", {schedule.count} times in all" if schedule.count else ""
    return f"{pattern_in_words(schedule.pattern)}, from {schedule.start}{until}{count}"


def pattern_in_words(pattern: Pattern) -> str:
    """`on Monday and Friday at 07:00`, `3 times a week`, `every 2 days`"""
    slots = joined([*(MOMENTS[w] for w in pattern.when), *(f"at {t:%H:%M}" for t in pattern.times)])
    return " ".join(filter(None, (_frequency_in_words(pattern), slots)))


def joined(parts: list[str]) -> str:
    """`a, b and c`"""
    *most, last = parts or [""]
    return f"{', '.join(most)} and {last}" if most else last


def _frequency_in_words(pattern: Pattern) -> str:
    unit = UNIT_NAMES[pattern.unit]
    if pattern.days:
        return f"on {joined([DAY_NAMES[d] for d in pattern.days])}"
    if pattern.frequency == 1:
        return f"every {unit}" if pattern.period == 1 else f"every {pattern.period} {unit}s"
    times = "twice" if pattern.frequency == 2 else f"{pattern.frequency} times"
    return f"{times} a {unit}" if pattern.period == 1 else f"{times} every {pattern.period} {unit}s"


def _pattern(repeat: Json) -> Pattern:
    when = tuple(EventTiming(w) for w in repeat.get("when", ()))
    times = tuple(time.fromisoformat(t) for t in repeat.get("timeOfDay", ()))
    days = tuple(DayOfWeek(d) for d in repeat.get("dayOfWeek", ()))
    frequency, period = _whole(repeat.get("frequency")) or 1, _whole(repeat.get("period")) or 1
    unit = PeriodUnit(repeat.get("periodUnit", PeriodUnit.DAY))
    if unit is PeriodUnit.WEEK and period == 1 and frequency in {1, len(days)} and days:
        frequency, unit = 1, PeriodUnit.DAY  # "weekly on Monday", "3 times a week on Monday, Wednesday and Friday"
    return Pattern(days, times, when, 1 if frequency == len(when) else frequency, period, unit)


def _count(count: int | None) -> Json:
    return {"count": count} if count else {}


def _start(repeat: Json) -> date | None:
    start = repeat.get("boundsPeriod", {}).get("start")
    return date.fromisoformat(start[:10]) if start else None


def _until(repeat: Json, start: date) -> date | None:
    if lasts := repeat.get("boundsDuration"):
        days = DAYS_IN.get(lasts.get("code"))
        if days is None:
            raise ValueError("a duration in another unit than days or weeks")
        return start + timedelta(days=days * (_whole(lasts.get("value")) or 0) - 1)
    end = repeat.get("boundsPeriod", {}).get("end")
    return date.fromisoformat(end[:10]) if end else None


def _whole(value: Any) -> int | None:
    """A whole number; FHIR's `period` is a decimal."""
    if value is None:
        return None
    if value != int(value):
        raise ValueError("not a whole number")
    return int(value)
