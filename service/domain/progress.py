"""achievementStatus from a goal's target and the measurements for it. The rule in words: docs/progress.md.

The service never says `achieved`: that is for the people to say, see `goal_course.complete`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import groupby
from statistics import median
from typing import Final, cast

from fhir_mappings.codes import AchievementStatus, LifecycleStatus, ObservationStatus, QuantityComparator
from fhir_mappings.model import Concept, Goal, Observation, Quantity, Range, Target
from service.domain.units import comparable, needs_load

COUNTED: Final = frozenset({ObservationStatus.FINAL, ObservationStatus.AMENDED, ObservationStatus.CORRECTED})
WINDOW: Final = 3
"""The latest value is compared with the median of up to this many before it: one odd day is no trend."""
TOLERANCE: Final = Decimal("0.05")
"""Less than this share of the way from baseline to target is no change."""


STRICT: Final = frozenset({QuantityComparator.GREATER, QuantityComparator.LESS})
"""Not met at the very end."""


class Direction(StrEnum):
    """Where the target lies, seen from the first value."""

    UP = "up"
    DOWN = "down"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Point:
    """One measured value, in the unit of the target."""

    at: datetime
    value: Decimal


@dataclass(frozen=True, slots=True)
class Progress:
    """How a series stands to a target. `on_target` None: no number can meet it, or none is judged yet.

    `points` are the values as they were entered; `latest` is what is judged: of what adds up, the sum of a day.
    """

    status: AchievementStatus
    points: tuple[Point, ...] = ()
    on_target: bool | None = None
    baseline: Point | None = None
    latest: Point | None = None
    direction: Direction | None = None


def progress_of(
    goal: Goal,
    observations: Iterable[Observation],
    *,
    first: Iterable[Observation] = (),
    adding_up: datetime | None = None,
) -> Progress:
    """The progress towards the goal's first target that is a Quantity or a Range.

    Args:
        first: measurements that may lie before those of the window; the way is counted from the very first.
        adding_up: now, if what is entered in the course of a day adds up; None: each value counts by itself.
    """
    target = measurable_target(goal)
    if target is None:
        return Progress(AchievementStatus.IN_PROGRESS)
    window = tuple(observations)
    points = series(target, window)
    counted = series(target, dict.fromkeys((*first, *window)))
    if not counted:
        return Progress(AchievementStatus.IN_PROGRESS)
    values = sums_of_days(counted) if adding_up else counted
    start = values[0]
    judged = values[:-1] if adding_up and _is_open(values[-1], target, start.value, adding_up) else values
    known = Progress(AchievementStatus.IN_PROGRESS, points, None, start, values[-1], _direction(target, start))
    if not judged:
        return known
    gaps = [gap(p.value, target, start.value) for p in judged]
    on_target = is_met(judged[-1].value, target, start.value)
    return replace(known, status=_trend(gaps, on_target), on_target=on_target, latest=judged[-1])


def sums_of_days(points: Sequence[Point]) -> tuple[Point, ...]:
    """One for each day, at its last value: what was entered that day, added up. The day is that of who measured."""
    days = (list(day) for _, day in groupby(sorted(points, key=_day), key=_day))
    return tuple(replace(day[-1], value=sum((p.value for p in day), Decimal(0))) for day in days)


def _day(point: Point) -> date:
    return point.at.date()


def _is_open(day: Point, target: Target, baseline: Decimal, now: datetime) -> bool:
    """True for a day that is not over and whose sum may still come to meet the target, or to miss it."""
    low, high = bounds(target, baseline)
    return is_today(day, now) and may_turn(day.value, low, high, met=is_met(day.value, target, baseline))


def is_today(point: Point, now: datetime) -> bool:
    """True for a day that is not over where it was measured."""
    return _day(point) >= now.astimezone(point.at.tzinfo).date()


def may_turn(value: Decimal, low: Decimal | None, high: Decimal | None, *, met: bool) -> bool:
    """True while a sum may still come to meet the target, or to miss it: more is added, nothing is taken away."""
    below = low is not None and value < low
    return not met if high is None else met or below


def moved(goal: Goal, observations: Iterable[Observation], *, adding_up: datetime | None = None) -> Goal:
    """The goal as the measurements leave it. Only one in force moves: what was said at its completion stands."""
    if goal.lifecycle_status is not LifecycleStatus.ACTIVE or measurable_target(goal) is None:
        return goal
    return replace(goal, achievement_status=progress_of(goal, observations, adding_up=adding_up).status)


def measurable_target(goal: Goal) -> Target | None:
    """The first target that a number can meet."""
    return next((t for t in goal.targets if isinstance(t.detail, Quantity | Range)), None)


def series(target: Target, observations: Iterable[Observation]) -> tuple[Point, ...]:
    """The values that count, by time: valid, of the target's measure, and in its unit or one of the same kind."""
    unit = unit_of(target)
    points = (
        Point(o.effective, value)
        for o in observations
        if o.status in COUNTED
        and o.effective is not None
        and (amount := measured(o, target.measure))
        and unit
        and (value := comparable(amount.value, amount.code, unit)) is not None
    )
    return tuple(sorted(points, key=lambda p: p.at))


def measured(observation: Observation, measure: Concept | None) -> Quantity | None:
    """The amount of this measure: the Observation's own, or that of one of its components (a blood pressure)."""
    if is_of_measure(observation.code, measure) and isinstance(observation.value, Quantity):
        return observation.value
    parts = (c.value for c in observation.components if measure and is_of_measure(c.code, measure))
    return next((value for value in parts if isinstance(value, Quantity)), None)


def foreign_units(target: Target, observations: Iterable[Observation]) -> bool:
    """True if a value is in a unit that only the registry of units can compare with the target's."""
    amounts = (measured(o, target.measure) for o in observations)
    return any(needs_load(a.code, unit_of(target) or a.code) for a in amounts if a)


def is_of_measure(code: Concept, measure: Concept | None) -> bool:
    """True if the code is one of the measure's, or the measure names none."""
    wanted = {(c.system, c.code) for c in measure.codings} if measure else set()
    return not wanted or any((c.system, c.code) in wanted for c in code.codings)


def is_met(value: Decimal, target: Target, baseline: Decimal) -> bool:
    """True for a value that meets the target: less than 7 is not met by 7."""
    detail = target.detail
    strict = isinstance(detail, Quantity) and detail.comparator in STRICT
    return gap(value, target, baseline) == 0 and not (strict and value == cast(Quantity, detail).value)


def gap(value: Decimal, target: Target, baseline: Decimal) -> Decimal:
    """How far the value is from the target, in its unit; 0 once met, or at its very end.

    A bare Quantity is met from the side where the baseline lies: at least, when the series starts below.
    """
    low, high = bounds(target, baseline)
    if low is not None and value < low:
        return low - value
    if high is not None and value > high:
        return value - high
    return Decimal(0)


def _direction(target: Target, start: Point) -> Direction:
    low, high = bounds(target, start.value)
    if low is not None and start.value < low:
        return Direction.UP
    if high is not None and start.value > high:
        return Direction.DOWN
    return Direction.HOLD


def bounds(target: Target, baseline: Decimal) -> tuple[Decimal | None, Decimal | None]:
    """The least and the most that meets the target; None where there is no such end."""
    detail = target.detail
    if isinstance(detail, Range):
        return detail.low.value if detail.low else None, detail.high.value if detail.high else None
    amount = cast(Quantity, detail)  # `measurable_target` takes nothing else
    match amount.comparator:
        case QuantityComparator.AT_LEAST | QuantityComparator.GREATER:
            return amount.value, None
        case QuantityComparator.AT_MOST | QuantityComparator.LESS:
            return None, amount.value
        case _:
            return (None, amount.value) if baseline > amount.value else (amount.value, None)


def _trend(gaps: Sequence[Decimal], on_target: bool) -> AchievementStatus:
    *earlier, now = gaps
    if not earlier:
        return AchievementStatus.IN_PROGRESS
    if on_target:
        return AchievementStatus.IMPROVING
    before = median(earlier[-WINDOW:])
    tolerance = TOLERANCE * max(gaps[0], before)
    if before - now > tolerance:
        return AchievementStatus.IMPROVING
    if now - before > tolerance:
        return AchievementStatus.WORSENING
    return AchievementStatus.NO_CHANGE


def unit_of(target: Target) -> str | None:
    """The UCUM code that the target is in."""
    detail = target.detail
    if isinstance(detail, Range):
        bound = detail.low or detail.high
        return bound.code if bound else None
    return detail.code if isinstance(detail, Quantity) else None
