"""A smaller schedule to offer when something was too hard or did not fit in. A suggestion: people decide."""

from dataclasses import replace
from datetime import date
from typing import Final, TypeVar

from fhir_mappings.activities import Pattern, Schedule
from fhir_mappings.codes import DayOfWeek, PeriodUnit

T = TypeVar("T")
THREE_DAYS: Final = (DayOfWeek.MON, DayOfWeek.WED, DayOfWeek.FRI)


def smaller(schedule: Schedule, today: date) -> Schedule | None:
    """About half as much from today on, as long as before; None where there is nothing smaller than this.

    In this order: fewer times a day, fewer times in the period, fewer days.
    """
    pattern = _smaller(schedule.pattern)
    over = schedule.until is not None and schedule.until < today
    return replace(schedule, pattern=pattern, start=max(schedule.start, today)) if pattern and not over else None


def _smaller(pattern: Pattern) -> Pattern | None:
    if len(pattern.times) > 1:
        return replace(pattern, times=_half(pattern.times))
    if pattern.is_daily and len(pattern.when) > 1:
        return replace(pattern, when=_half(pattern.when))
    if pattern.frequency > 1:
        return replace(pattern, frequency=(pattern.frequency + 1) // 2)
    if pattern.is_daily and len(pattern.days) != 1:
        return replace(pattern, days=_half(pattern.days) if pattern.days else THREE_DAYS)
    if pattern.unit is PeriodUnit.DAY and pattern.period > 1:
        return replace(pattern, period=pattern.period * 2)
    return None


def _half(items: tuple[T, ...]) -> tuple[T, ...]:
    """Every second one, the first included."""
    return items[::2]
