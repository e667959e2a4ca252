"""Measures of a network as JSON: what a chart needs, with the counts of each point."""

from datetime import date
from decimal import Decimal
from typing import Annotated

import msgspec

from fhir_mappings.measuring import MeasureReport, Tally
from fhir_mappings.wording import ENGLISH, Language
from service.api.views import Reference, View
from service.domain.control_charts import ControlChart, Limits
from service.domain.network_measures import Centre, Funnel, Judgement, NoFunnel, Series
from service.network_charts.words import funnel_story, story
from service.workflows.measures import NetworkMeasure

Share = Annotated[float, msgspec.Meta(description="A share (0 to 1), or days")]


class TallyView(View):
    """What was counted. Without a denominator it is hidden: too few people."""

    denominator: int | None = None
    numerator: int | None = None
    score: Decimal | None = None
    masked: bool = False

    @classmethod
    def of(cls, tally: Tally) -> "TallyView":
        score = tally.score
        return cls(denominator=tally.denominator, numerator=tally.numerator, score=score, masked=tally.is_masked)


class StratumView(View):
    """A part of the people: `stratifier` says by what, `value` which."""

    stratifier: str
    value: str
    counted: TallyView


class PeriodView(View):
    """One point: a period with what was counted, and within which limits chance alone leaves it."""

    start: date
    end: date
    counted: TallyView
    strata: tuple[StratumView, ...] = ()
    lower: Share | None = None
    upper: Share | None = None
    more_than_chance: bool = False

    @classmethod
    def of(cls, report: MeasureReport, limits: Limits | None, alert: bool) -> "PeriodView":
        strata = (
            StratumView(stratifier=s.stratifier, value=s.value, counted=TallyView.of(s.tally)) for s in report.strata
        )
        return cls(
            start=report.period.start,
            end=report.period.end,
            counted=TallyView.of(report.tally),
            strata=tuple(strata),
            lower=limits.lower if limits else None,
            upper=limits.upper if limits else None,
            more_than_chance=alert,
        )


class ChartView(View):
    """What the series says: the usual level, runs and crossings (Anhøj), and Laney's p' where points vary too much.

    The run limits are absent with fewer than ten points.
    """

    centre: Share
    over_dispersed: bool
    longest_run: int
    crossings: int
    sigma_z: float | None = None
    longest_run_by_chance: int | None = None
    fewest_crossings_by_chance: int | None = None

    @classmethod
    def of(cls, chart: ControlChart) -> "ChartView":
        runs = chart.runs
        return cls(
            centre=chart.centre,
            over_dispersed=chart.over_dispersed,
            longest_run=runs.longest,
            crossings=runs.crossings,
            sigma_z=chart.sigma_z,
            longest_run_by_chance=runs.longest_by_chance,
            fewest_crossings_by_chance=runs.fewest_crossings_by_chance,
        )


class CentreView(View):
    """One centre in the last period, against all of them."""

    centre: Reference
    counted: TallyView
    lower: Share | None = None
    upper: Share | None = None
    more_than_chance: bool = False

    @classmethod
    def of(cls, centre: Centre) -> "CentreView":
        limits = centre.limits
        return cls(
            centre=centre.reporter,
            counted=TallyView.of(centre.tally),
            lower=limits.lower if limits else None,
            upper=limits.upper if limits else None,
            more_than_chance=centre.is_outside,
        )


class FunnelView(View):
    """All centres in one period. `outside_by_chance`: how likely one of them at least is outside by chance alone."""

    start: date
    end: date
    counted: TallyView
    centres: tuple[CentreView, ...]
    outside_by_chance: float
    story: tuple[str, ...]

    @classmethod
    def of(cls, funnel: Funnel, language: Language) -> "FunnelView":
        return cls(
            start=funnel.period.start,
            end=funnel.period.end,
            counted=TallyView.of(funnel.network),
            centres=tuple(map(CentreView.of, funnel.centres)),
            outside_by_chance=funnel.outside_by_chance,
            story=funnel_story(funnel, language),
        )


class NetworkMeasureView(View):
    """A measure of a network or a centre over time, and across the centres. `story` says it in words.

    `judgement`: whether anything is said about change (`judged`), or why not. Without a funnel, `noFunnel` says why.
    """

    measure: str
    title: str
    explanation: str
    definition: str
    reporter: Reference
    improvement: str
    judgement: Judgement
    periods: tuple[PeriodView, ...]
    story: tuple[str, ...]
    chart: ChartView | None = None
    funnel: FunnelView | None = None
    no_funnel: str | None = None

    @classmethod
    def of(cls, found: NetworkMeasure, language: Language = ENGLISH) -> "NetworkMeasureView":
        series, measure, across = found.series, found.series.measure, found.funnel
        return cls(
            measure=measure.canonical,
            title=language.say(measure.title),
            explanation=language.say(measure.plain),
            definition=measure.description,
            reporter=series.reporter,
            improvement=str(measure.improvement),
            judgement=series.judgement,
            periods=_periods(series),
            story=story(series, language),
            chart=ChartView.of(series.chart) if series.chart else None,
            funnel=FunnelView.of(across, language) if isinstance(across, Funnel) else None,
            no_funnel=funnel_story(across, language)[0] if isinstance(across, NoFunnel) else None,
        )


def _periods(series: Series) -> tuple[PeriodView, ...]:
    at = {r.period: i for i, r in enumerate(series.shown)}
    limits = series.chart.limits if series.chart else ()
    alerts = set(series.chart.alerts) if series.chart else set()
    return tuple(
        PeriodView.of(r, limits[i] if limits and i is not None else None, i in alerts)
        for r in series.reports
        for i in (at.get(r.period),)
    )
