"""How a series stands and how it went, as callers get it."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from fhir_mappings.model import Quantity
from fhir_mappings.wording import Language
from service.api.chart_words import sentences, target_in_words
from service.api.story_views import MeasurementView
from service.api.views import Reference, View
from service.domain.forecast import Forecast
from service.domain.progress import Point
from service.domain.run_chart import Gap, LastDays, Mark, RunChart, Signals
from service.workflows.progress import ProgressView

LeftOut = Annotated[int, msgspec.Meta(description="So many values in another unit cannot be told in this one")]


class PointView(View):
    at: datetime
    value: Decimal

    @classmethod
    def of(cls, point: Point) -> "PointView":
        return cls(at=point.at, value=point.value)


class MarkView(View):
    """The median of a day, a week or a month; `low` and `high` where there was more than one value."""

    day: date
    value: Decimal
    count: int
    low: Decimal | None = None
    high: Decimal | None = None

    @classmethod
    def of(cls, mark: Mark) -> "MarkView":
        low, high = (mark.low, mark.high) if mark.count > 1 else (None, None)
        return cls(day=mark.day, value=mark.value, count=mark.count, low=low, high=high)


class GapView(View):
    """Values are missing between these two days."""

    after: date
    before: date

    @classmethod
    def of(cls, gap: Gap) -> "GapView":
        return cls(after=gap.after, before=gap.before)


class LastDaysView(View):
    """On how many of the last seven days something was recorded, and on how many of these the target was met."""

    of: int
    recorded: int
    met: int | None = None

    @classmethod
    def shown(cls, last: LastDays) -> "LastDaysView":
        return cls(of=last.of, recorded=last.recorded, met=last.met)


class SignalsView(View):
    """Two rules that tell a change from chance. Absent with less than ten values off the median."""

    median: Decimal
    longest_run: int
    longest_expected: int
    crossings: int
    fewest_expected: int
    shift: Annotated[bool, msgspec.Meta(description="Unusually long on one side of the median")]
    few_crossings: Annotated[bool, msgspec.Meta(description="Unusually few crossings of the median")]

    @classmethod
    def of(cls, signals: Signals) -> "SignalsView":
        return cls(
            median=signals.median,
            longest_run=signals.longest_run,
            longest_expected=signals.longest_expected,
            crossings=signals.crossings,
            fewest_expected=signals.fewest_expected,
            shift=signals.shift,
            few_crossings=signals.few_crossings,
        )


class ForecastView(View):
    """If nothing changes, nine of ten values around that day lie in this range. Absent without enough to go by."""

    day: date
    low: float
    high: float

    @classmethod
    def of(cls, forecast: Forecast) -> "ForecastView":
        return cls(day=forecast.day, low=forecast.low, high=forecast.high)


class RunChartView(View):
    """A series as people look at it. `words` say all of it, for who does not see the picture."""

    what: str
    words: tuple[str, ...]
    marks: tuple[MarkView, ...]
    pace: Annotated[str, msgspec.Meta(description="What a mark stands for: `day`, `week` or `month`")]
    unit: Annotated[str, msgspec.Meta(description="In words")] | None = None
    target: (
        Annotated[str, msgspec.Meta(description="In words, with its comparator", examples=["at least 6000 steps"])]
        | None
    ) = None
    target_comparator: Annotated[str, msgspec.Meta(description="`<`, `<=`, `>=` or `>`")] | None = None
    target_low: Decimal | None = None
    target_high: Decimal | None = None
    gaps: tuple[GapView, ...] = ()
    signals: SignalsView | None = None
    last_days: LastDaysView | None = None
    forecast: ForecastView | None = None
    more: Annotated[bool, msgspec.Meta(description="There are older values, which are not shown")] = False
    left_out: LeftOut = 0
    parts: Annotated[tuple["RunChartView", ...], msgspec.Meta(description="Of a panel: a chart for each part")] = ()

    @classmethod
    def of(cls, chart: RunChart, language: Language) -> "RunChartView":
        aim = chart.aim
        said = aim.said if aim and isinstance(aim.said, Quantity) else None
        return cls(
            what=chart.what,
            words=sentences(chart, language),
            marks=tuple(map(MarkView.of, chart.marks)),
            pace=chart.pace,
            unit=chart.unit or None,
            target=target_in_words(chart, language),
            target_comparator=said.comparator if said else None,
            target_low=aim.low if aim else None,
            target_high=aim.high if aim else None,
            gaps=tuple(map(GapView.of, chart.gaps)),
            signals=SignalsView.of(chart.signals) if chart.signals else None,
            last_days=LastDaysView.shown(chart.last_days) if chart.last_days else None,
            forecast=ForecastView.of(chart.forecast) if chart.forecast else None,
            more=chart.more,
            left_out=chart.left_out,
            parts=tuple(cls.of(part, language) for part in chart.parts),
        )


class GoalProgress(View):
    """The latest 100 values in the unit of the target, latest last. `onTarget` is absent where no number can meet it.

    What adds up in a day (`summed` in the catalogue) is judged day by day: `latest` is then the sum of the latest day
    that counts, and `onTarget` is absent until one does. `baseline` is the very first value or day, `direction` where
    the target lies from there: `up`, `down` or `hold`.
    """

    goal: Reference
    trend: Annotated[str, msgspec.Meta(description="What the series says: a code of goal-achievement")]
    points: tuple[PointView, ...] = ()
    measurements: tuple[MeasurementView, ...] = ()
    on_target: bool | None = None
    achievement_status: Annotated[str, msgspec.Meta(description="What the goal says")] | None = None
    baseline: PointView | None = None
    latest: PointView | None = None
    direction: str | None = None
    words: tuple[str, ...] = ()
    gaps: tuple[GapView, ...] = ()
    signals: SignalsView | None = None
    last_days: LastDaysView | None = None
    forecast: ForecastView | None = None
    more: Annotated[bool, msgspec.Meta(description="There are older values, which are not shown")] = False
    left_out: LeftOut = 0

    @classmethod
    def of(cls, view: ProgressView, language: Language) -> "GoalProgress":
        progress, chart = view.progress, RunChartView.of(view.chart, language)
        return cls(
            goal=view.goal.reference,
            trend=progress.status,
            points=tuple(map(PointView.of, progress.points)),
            measurements=tuple(map(MeasurementView.of, view.observations)),
            on_target=progress.on_target,
            achievement_status=view.goal.achievement_status,
            baseline=PointView.of(progress.baseline) if progress.baseline else None,
            latest=PointView.of(progress.latest) if progress.latest else None,
            direction=progress.direction,
            words=chart.words,
            gaps=chart.gaps,
            signals=chart.signals,
            last_days=chart.last_days,
            forecast=chart.forecast,
            more=chart.more,
            left_out=chart.left_out,
        )


PROGRESS_ANSWERS: tuple[type[View], ...] = (GoalProgress, RunChartView)
