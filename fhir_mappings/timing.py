"""Timing: when something is to be done, as JSON and in words.

Source: https://hl7.org/fhir/R4/datatypes.html#Timing
"""

import re
from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Any, Final

from fhir_mappings.activities import Pattern, Schedule
from fhir_mappings.carrier import Json
from fhir_mappings.codes import DayOfWeek, EventTiming, PeriodUnit
from fhir_mappings.elements import without_nothing
from fhir_mappings.model import PartialDate
from fhir_mappings.wording import ENGLISH, Language, phrase

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
_WEEK: Final = tuple(DayOfWeek)
_HOUR: Final = re.compile(r"\D")

MOMENTS: Final = {
    EventTiming.MORN: phrase("in the morning"),
    EventTiming.MORN_EARLY: phrase("early in the morning"),
    EventTiming.MORN_LATE: phrase("late in the morning"),
    EventTiming.NOON: phrase("at noon"),
    EventTiming.AFT: phrase("in the afternoon"),
    EventTiming.AFT_EARLY: phrase("early in the afternoon"),
    EventTiming.AFT_LATE: phrase("late in the afternoon"),
    EventTiming.EVE: phrase("in the evening"),
    EventTiming.EVE_EARLY: phrase("early in the evening"),
    EventTiming.EVE_LATE: phrase("late in the evening"),
    EventTiming.NIGHT: phrase("at night"),
    EventTiming.PHS: phrase("after going to sleep"),
    EventTiming.HS: phrase("before going to sleep"),
    EventTiming.WAKE: phrase("after waking up"),
    EventTiming.C: phrase("with a meal"),
    EventTiming.CM: phrase("with breakfast"),
    EventTiming.CD: phrase("with lunch"),
    EventTiming.CV: phrase("with dinner"),
    EventTiming.AC: phrase("before a meal"),
    EventTiming.ACM: phrase("before breakfast"),
    EventTiming.ACD: phrase("before lunch"),
    EventTiming.ACV: phrase("before dinner"),
    EventTiming.PC: phrase("after a meal"),
    EventTiming.PCM: phrase("after breakfast"),
    EventTiming.PCD: phrase("after lunch"),
    EventTiming.PCV: phrase("after dinner"),
}
EVERY: Final = {
    PeriodUnit.DAY: phrase("every day"),
    PeriodUnit.WEEK: phrase("every week"),
    PeriodUnit.MONTH: phrase("every month"),
}
EVERY_FEW: Final = {
    PeriodUnit.DAY: phrase("every {number} days"),
    PeriodUnit.WEEK: phrase("every {number} weeks"),
    PeriodUnit.MONTH: phrase("every {number} months"),
}
WITHIN: Final = {
    PeriodUnit.DAY: phrase("a day"),
    PeriodUnit.WEEK: phrase("a week"),
    PeriodUnit.MONTH: phrase("a month"),
}
UNIT_NAMES: Final = {PeriodUnit.DAY: "day", PeriodUnit.WEEK: "week", PeriodUnit.MONTH: "month"}
"""`Duration.unit`, beside its code; nobody reads it."""


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


def schedule_in_words(schedule: Schedule, language: Language = ENGLISH) -> str:
    """`every day before going to sleep, from December 1, 2026 until February 28, 2027`"""
    count = count_in_words(schedule.count, language)
    return ", ".join(filter(None, (pattern_in_words(schedule.pattern, language), _bounds(schedule, language), count)))


def pattern_in_words(pattern: Pattern, language: Language = ENGLISH) -> str:
    """`on Monday and Friday at 7:00 AM`, `3 times a week`, `every 2 days`"""
    slots = [*(language.say(MOMENTS[w]) for w in pattern.when), *(_at(t, language) for t in pattern.times)]
    return " ".join(filter(None, (_frequency_in_words(pattern, language), language.listing(slots))))


def span_in_words(value: int, unit: PeriodUnit, language: Language = ENGLISH) -> str:
    """`for 12 weeks`"""
    if unit is PeriodUnit.DAY:
        return language.plural("for {number} day", "for {number} days", value)
    if unit is PeriodUnit.WEEK:
        return language.plural("for {number} week", "for {number} weeks", value)
    return language.plural("for {number} month", "for {number} months", value)


def count_in_words(count: int | None, language: Language = ENGLISH) -> str:
    """`6 times in all`; nothing without a count."""
    return language.plural("{number} time in all", "{number} times in all", count) if count else ""


def _bounds(schedule: Schedule, language: Language) -> str:
    start = language.date(PartialDate(schedule.start.isoformat()))
    if schedule.until is None:
        return language.say("from {start}", start=start)
    until = language.date(PartialDate(schedule.until.isoformat()))
    return language.say("from {start} until {until}", start=start, until=until)


def _at(moment: time, language: Language) -> str:
    """Spanish says one o'clock otherwise than all other hours, so the hour that is shown chooses the form."""
    shown = language.clock(moment)
    return language.plural("at {time}", "at {time}", int(_HOUR.split(shown)[0]), time=shown)


def _frequency_in_words(pattern: Pattern, language: Language) -> str:
    if pattern.days:
        days = language.listing(language.weekday(_WEEK.index(d)) for d in pattern.days)
        return language.say("on {days}", days=days)
    if pattern.frequency == 1:
        return _every(pattern, language)
    often = pattern.frequency
    times = language.say("twice") if often == 2 else language.say("{number} times", number=often)
    return f"{times} {language.say(WITHIN[pattern.unit]) if pattern.period == 1 else _every(pattern, language)}"


def _every(pattern: Pattern, language: Language) -> str:
    if pattern.period == 1:
        return language.say(EVERY[pattern.unit])
    return language.say(EVERY_FEW[pattern.unit], number=pattern.period)


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
