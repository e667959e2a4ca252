"""A series as people look at it: a mark a day, where nothing is known, and what is more than chance.

Source of the two rules: Anhøj J, Olesen AV. Run charts revisited. PLoS One 2014;9(11):e113825. The trend rule is not
used: by the same paper it is of no use.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import groupby, pairwise
from math import comb, log2
from statistics import median
from typing import Final

from fhir_mappings.model import Quantity, Range
from service.domain.catalogue import Bounds
from service.domain.forecast import Forecast, forecast, told
from service.domain.progress import STRICT, Point, is_today, may_turn, sums_of_days

MOST_MARKS: Final = 120
"""More are no longer told apart on a telephone: then a mark is a week, or a month."""
LEAST_FOR_RULES: Final = 10
ANYTHING: Final = Bounds()
WEEK: Final = 7
REGULAR: Final = 2
"""Who measures at least every other day is told on how many of the last seven days."""


class Pace(StrEnum):
    """What a mark stands for."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Mark:
    """The median of what was measured from `day` on for a day, a week or a month, and its ends."""

    day: date
    value: Decimal
    low: Decimal
    high: Decimal
    count: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Where values are missing: nothing from the day after `after` to the day before `before`."""

    after: date
    before: date


@dataclass(frozen=True, slots=True)
class Signals:
    """The rules on `useful` marks, which are those off the median. `shift` and `few_crossings`: more than chance."""

    median: Decimal
    useful: int
    longest_run: int
    longest_expected: int
    crossings: int
    fewest_expected: int

    @property
    def shift(self) -> bool:
        """Unusually long on one side of the median."""
        return self.longest_run > self.longest_expected

    @property
    def few_crossings(self) -> bool:
        """Unusually seldom from one side of the median to the other."""
        return self.crossings < self.fewest_expected


@dataclass(frozen=True, slots=True)
class LastDays:
    """Of the last seven days: on how many something was recorded, and on how many of these the target was met."""

    recorded: int
    met: int | None
    of: int = WEEK


@dataclass(frozen=True, slots=True)
class Aim:
    """The target as it was said, its unit in words, and the ends that are drawn. None: no such end."""

    said: Quantity | Range
    low: Decimal | None = None
    high: Decimal | None = None

    def meets(self, value: Decimal) -> bool:
        """True for a value that meets it: less than 7 is not met by 7."""
        if isinstance(self.said, Quantity) and self.said.comparator in STRICT and value == self.said.value:
            return False
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


@dataclass(frozen=True, slots=True)
class RunChart:
    """What is shown.

    `more`: there are older values, which are not shown. `left_out`: so many values cannot be told in its unit.
    `parts`: the charts of a panel, which has no marks of its own. `latest`: a value, not the median of a mark; of what
    adds up, the sum of its day so far.
    `summed`: the values of a day are added up. `unfinished`: today, while more may still come to be added: its mark is
    drawn, and neither judged nor reckoned with. `scale`: its points begin and end there, and all of it is shown.
    """

    what: str
    unit: str
    marks: tuple[Mark, ...] = ()
    latest: Point | None = None
    pace: Pace = Pace.DAY
    gaps: tuple[Gap, ...] = ()
    aim: Aim | None = None
    signals: Signals | None = None
    last_days: LastDays | None = None
    forecast: Forecast | None = None
    more: bool = False
    left_out: int = 0
    summed: bool = False
    unfinished: date | None = None
    scale: Bounds | None = None
    parts: tuple["RunChart", ...] = ()

    def met(self, mark: Mark) -> bool | None:
        """True for a mark that meets the target; None without a target, and for a day that is not over."""
        return self.aim.meets(mark.value) if self.aim and mark.day != self.unfinished else None


def run_chart(
    what: str,
    unit: str,
    points: Sequence[Point],
    *,
    now: datetime,
    aim: Aim | None = None,
    due: date | None = None,
    possible: Bounds = ANYTHING,
    whole: bool = False,
    summed: bool = False,
    scale: Bounds | None = None,
    more: bool = False,
    left_out: int = 0,
) -> RunChart:
    """The chart of a series that is in order of time.

    Args:
        unit: in words.
        due: when the target is to be reached; it ends the forecast.
        possible: what can be meant at all; nothing else is forecast.
        whole: it comes one by one.
        summed: the values of a day add up; a mark, and what is held against the target, is their sum.
        scale: where its points begin and end, if it is rated in points.
    """
    days = _marks(points, Pace.DAY, summed)
    pace = next((p for p in Pace if len(marks_of(points, p)) <= MOST_MARKS), Pace.MONTH)
    marks = days if pace is Pace.DAY else _marks(points, pace, summed)
    latest = sums_of_days(points) if summed else points
    unfinished = _unfinished(latest[-1], now, aim) if summed and latest else None
    over, whole_days = ([m for m in found if m.day != unfinished] for found in (marks, days))
    signals = signals_of([m.value for m in over])
    since = _unchanged_since(over, signals)
    ahead = forecast([(m.day, float(m.value)) for m in whole_days if since is None or m.day >= since], due)
    return RunChart(
        what=what,
        unit=unit,
        marks=marks,
        latest=latest[-1] if latest else None,
        pace=pace,
        gaps=tuple(gaps_in([m.day for m in marks])),
        aim=aim,
        signals=signals,
        last_days=_last_days(whole_days, _until(points, now, unfinished), aim) if whole_days else None,
        forecast=_within(ahead, possible, Decimal(1) if whole else _step(points)),
        more=more,
        left_out=left_out,
        summed=summed,
        unfinished=unfinished,
        scale=scale,
    )


def marks_of(points: Sequence[Point], pace: Pace) -> tuple[Mark, ...]:
    """A mark for each day, week or month with a value. The day is that of who measured, where they were."""
    by_day = sorted((_begins(p.at.date(), pace), p.value) for p in points)
    groups = ((day, [value for _, value in group]) for day, group in groupby(by_day, key=lambda pair: pair[0]))
    return tuple(Mark(day, median(v), v[0], v[-1], len(v)) for day, v in groups)


def _marks(points: Sequence[Point], pace: Pace, summed: bool) -> tuple[Mark, ...]:
    """Of what adds up, the sums of the days; the count is that of the values all the same."""
    apart = marks_of(points, pace)
    if not summed:
        return apart
    return tuple(replace(m, count=a.count) for m, a in zip(marks_of(sums_of_days(points), pace), apart, strict=True))


def gaps_in(days: Sequence[date]) -> Iterator[Gap]:
    """Where at least one value is missing at the usual pace, which is the median of the distances."""
    apart = [(b - a).days for a, b in pairwise(days)]
    usual = median(apart) if apart else 1
    return (Gap(a, b) for (a, b), distance in zip(pairwise(days), apart, strict=True) if distance >= 2 * usual)


def signals_of(values: Sequence[Decimal]) -> Signals | None:
    """The two rules; None with less than ten values off the median, of which they say nothing."""
    middle = median(values) if values else Decimal(0)
    sides = [value > middle for value in values if value != middle]
    useful = len(sides)
    if useful < LEAST_FOR_RULES:
        return None
    runs = [len(list(group)) for _, group in groupby(sides)]
    return Signals(
        median=middle,
        useful=useful,
        longest_run=max(runs),
        longest_expected=round(log2(useful)) + 3,
        crossings=len(runs) - 1,
        fewest_expected=fewest_crossings(useful),
    )


def fewest_crossings(useful: int) -> int:
    """The 5th centile of Bin(useful - 1, 0.5), in whole numbers."""
    trials, below, crossings = useful - 1, 0, 0
    while 20 * (below := below + comb(trials, crossings)) < 2**trials:
        crossings += 1
    return crossings


def _unfinished(day: Point, now: datetime, aim: Aim | None) -> date | None:
    """Today, as long as its sum may still come to meet the target or to miss it."""
    is_open = aim is None or may_turn(day.value, aim.low, aim.high, met=aim.meets(day.value))
    return now.astimezone(day.at.tzinfo).date() if is_today(day, now) and is_open else None


def _until(points: Sequence[Point], now: datetime, unfinished: date | None) -> date:
    """The last day that is looked at, where it was measured: yesterday, while today is not over."""
    return unfinished - timedelta(days=1) if unfinished else now.astimezone(points[-1].at.tzinfo).date()


def _last_days(days: Sequence[Mark], today: date, aim: Aim | None) -> LastDays | None:
    """None for what is not measured at least every other day: what is done weekly is not missed daily."""
    apart = [(b.day - a.day).days for a, b in pairwise(days)]
    if not apart or median(apart) > REGULAR:
        return None
    recent = [m for m in days if today - timedelta(days=WEEK) < m.day <= today]
    return LastDays(len(recent), sum(aim.meets(m.value) for m in recent) if aim else None)


def _unchanged_since(marks: Sequence[Mark], signals: Signals | None) -> date | None:
    """The day from which a forecast may go on: no line is drawn across a shift. None: there is no shift.

    What lies on the other side of the median after the latest long run is new; while that run lasts, it is what is.
    """
    if signals is None or not signals.shift:
        return None
    sided = [(m.day, m.value > signals.median) for m in marks if m.value != signals.median]
    runs = [[day for day, _ in run] for _, run in groupby(sided, key=lambda pair: pair[1])]
    latest = max(i for i, run in enumerate(runs) if len(run) > signals.longest_expected)
    return runs[min(latest + 1, len(runs) - 1)][0]


def _step(points: Sequence[Point]) -> Decimal:
    """What is told apart: the last decimal that any of the values has."""
    return Decimal(1).scaleb(min((0, *(int(p.value.as_tuple().exponent) for p in points))))


def _within(found: Forecast | None, possible: Bounds, step: Decimal) -> Forecast | None:
    """A pain of less than none is not to be expected; None where nothing of the range is possible."""
    if found is None:
        return None
    ahead = told(found, step)
    low = ahead.low if possible.low is None else max(ahead.low, float(possible.low))
    high = ahead.high if possible.high is None else min(ahead.high, float(possible.high))
    return Forecast(ahead.day, low, high) if low < high else None


def _begins(day: date, pace: Pace) -> date:
    if pace is Pace.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if pace is Pace.MONTH else day
