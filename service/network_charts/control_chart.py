"""A measure over time: points, the usual level, and what chance leaves them within."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from fhir_mappings.measuring import MeasureReport
from fhir_mappings.wording import ENGLISH, Language, phrase
from service.domain.control_charts import BASELINE, ControlChart
from service.domain.network_measures import Series
from service.network_charts import svg
from service.network_charts.svg import BAND, BETTER, INK, LINE, QUIET, WIDE, WORSE, Frame, Mark, Plot
from service.network_charts.words import (
    HIDDEN,
    USUAL_OF,
    counts_in_words,
    is_better,
    level,
    period_in_words,
    reporter_in_words,
    score_in_words,
    story,
    tally_in_words,
)

BETTER_WORDS = (phrase("better than chance explains"), phrase("a long row on the better side"))
WORSE_WORDS = (phrase("worse than chance explains"), phrase("a long row on the worse side"))
STEPS_OF_DAYS = (1, 2, 5, 10, 20, 50, 100, 500)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A series on its way onto a sheet, in somebody's language. `scale` makes of a score what the plot shows."""

    series: Series
    plot: Plot
    unit: str
    step: float
    language: Language
    baseline: int

    @property
    def frame(self) -> Frame:
        return self.plot.frame

    @property
    def scale(self) -> int:
        return 100 if self.series.shown[0].tally.numerator is not None else 1

    def y(self, report: MeasureReport) -> float:
        return self.plot.y(self.scale * float(report.tally.score or 0))


def control_chart(
    series: Series, *, baseline: int = BASELINE, language: Language = ENGLISH, frame: Frame = WIDE
) -> str:
    """The SVG of a series. Its description is its story."""
    name = f"chart-{series.measure.id}-{series.reporter.partition('/')[2]}"
    title, words = language.say(series.measure.title), " ".join(story(series, language, baseline=baseline))
    heading = reporter_in_words(series.reports[0], language)
    if not series.shown:
        nothing = language.say("Too few people to show anything")
        middle = svg.text(frame.width / 2, frame.height / 2, nothing, size=15, fill=QUIET, anchor="middle")
        return svg.drawing(name, title, words, heading, [middle], frame)
    marks = list(_marks(series, language))
    frame = svg.fitted(frame, marks)
    plot, step, unit = _plot(series, frame)
    sheet = _Sheet(series, plot, unit, step, language, baseline)
    parts = [
        *svg.axis(plot, svg.steps_between(plot.low, plot.high, step), unit),
        *_years(sheet),
        *(_judged(sheet, series.chart) if series.chart else ()),
        *_points(sheet),
        *_last(sheet),
        *svg.legend(marks, frame),
    ]
    return svg.drawing(name, title, words, heading, parts, frame)


def _plot(series: Series, frame: Frame) -> tuple[Plot, float, str]:
    """The area, the distance of its lines, and the unit behind their values."""
    values = [float(r.tally.score or 0) for r in series.shown]
    chart = series.chart
    if series.shown[0].tally.numerator is None:
        low, high, step = svg.spread([0, *values, *([chart.centre] if chart else [])], *STEPS_OF_DAYS)
        return Plot(len(series.reports) - 1, low, high, frame), step, " d"
    edges = [edge for limits in (chart.limits if chart else ()) for edge in (limits.lower, limits.upper)]
    low, high, step = svg.shares(100 * v for v in (*values, *edges))
    return Plot(len(series.reports) - 1, low, high, frame), step, " %"


def _years(sheet: _Sheet) -> Iterator[str]:
    floor, reports, plot = sheet.frame.floor, sheet.series.reports, sheet.plot
    for position, report in enumerate(reports):
        first = position == 0 or report.period.start.year != reports[position - 1].period.start.year
        if first:
            yield svg.line(plot.x(position), floor, plot.x(position), floor + 6)
            yield svg.text(plot.x(position), floor + 20, str(report.period.start.year), fill=QUIET)


def _judged(sheet: _Sheet, chart: ControlChart) -> Iterator[str]:
    yield from _limits(sheet, chart)
    yield from _centre(sheet, chart)


def _limits(sheet: _Sheet, chart: ControlChart) -> Iterator[str]:
    """The band, step by step: its width is that of each point's number of people."""
    if not chart.limits:
        return
    series, plot, scale = sheet.series, sheet.plot, sheet.scale
    at = [series.reports.index(r) for r in series.shown]
    upper = [(x + d, scale * limits.upper) for x, limits in zip(at, chart.limits, strict=True) for d in (-0.5, 0.5)]
    lower = [(x + d, scale * limits.lower) for x, limits in zip(at, chart.limits, strict=True) for d in (-0.5, 0.5)]
    upper = [(min(max(x, 0), plot.right), y) for x, y in upper]
    lower = [(min(max(x, 0), plot.right), y) for x, y in lower]
    yield svg.path(plot.path([*upper, *reversed(lower)]) + " Z", fill=BAND)
    yield svg.path(plot.path(upper), stroke=QUIET, width=1, dash="2 3")
    yield svg.path(plot.path(lower), stroke=QUIET, width=1, dash="2 3")


def _centre(sheet: _Sheet, chart: ControlChart) -> Iterator[str]:
    """The usual level: solid where it was taken from, dashed where it is only held against what came after."""
    plot, shown, frame, language = sheet.plot, sheet.series.shown, sheet.frame, sheet.language
    y = plot.y(sheet.scale * chart.centre)
    of = min(sheet.baseline, len(shown))
    end = plot.x(sheet.series.reports.index(shown[of - 1]))
    yield svg.line(plot.x(0), y, end, y, stroke=INK, width=1.5)
    yield svg.line(end, y, frame.edge, y, stroke=INK, width=1.2, dash="7 4")
    yield svg.line(plot.x(0), frame.floor + 30, end, frame.floor + 30, stroke=INK)
    usual = level(chart.centre, shown[0].tally, language)
    words = language.say(USUAL_OF[shown[0].period.every], level=usual, number=of)
    yield svg.text(14 if frame.is_narrow else plot.x(0), frame.floor + 44, words, size=11, fill=QUIET)
    if not frame.is_narrow:
        yield svg.text(frame.edge + 10, y + 4, language.say("usual {level}", level=usual), size=12)


def _points(sheet: _Sheet) -> Iterator[str]:
    series, plot = sheet.series, sheet.plot
    at = {r.period: i for i, r in enumerate(series.reports)}
    numbered = [(at[r.period], r) for r in series.shown]
    for _, run in groupby(enumerate(numbered), key=lambda item: item[1][0] - item[0]):
        yield svg.path(plot.path([(x, sheet.scale * float(r.tally.score or 0)) for _, (x, r) in run]), stroke=LINE)
    for position, report in enumerate(series.reports):
        if report.tally.is_masked:
            yield svg.cross(plot.x(position), sheet.frame.floor - 8, _words(sheet, report))
    for position, report in enumerate(series.shown):
        yield _point(sheet, position, report, plot.x(at[report.period]))


def _point(sheet: _Sheet, position: int, report: MeasureReport, x: float) -> str:
    words, y, chart = _words(sheet, report), sheet.y(report), sheet.series.chart
    if chart is None or position not in chart.alerts:
        return svg.dot(x, y, words)
    colour = BETTER if is_better(sheet.series, report.tally, chart.centre) else WORSE
    alone = sheet.language.say("more than chance")
    in_a_row = sheet.language.say("too many in a row on one side to be chance")
    if position in chart.outside:
        return svg.diamond(x, y, f"{words}; {alone}", fill=colour)
    return svg.ring(x, y, f"{words}; {in_a_row}", stroke=colour)


def _words(sheet: _Sheet, report: MeasureReport) -> str:
    return f"{period_in_words(report.period, sheet.language)}: {tally_in_words(report.tally, sheet.language)}"


def _last(sheet: _Sheet) -> Iterator[str]:
    """The value of the last point that is shown, large: beside it, or above the plot where there is no room."""
    last, frame, chart = sheet.series.shown[-1], sheet.frame, sheet.series.chart
    value, counts = score_in_words(last.tally, sheet.language), counts_in_words(last.tally, sheet.language)
    if frame.is_narrow:
        words = f"{period_in_words(last.period, sheet.language)}: {value} ({counts})"
        yield svg.text(12, frame.top - 14, words, size=13, fill=LINE, bold=True)
        return
    y = sheet.y(last)
    usual = sheet.plot.y(sheet.scale * chart.centre) if chart else -100
    if abs(y - usual) < 34:
        y = usual - 36 if y <= usual else usual + 24
    yield svg.text(frame.edge + 10, y + 2, value, size=16, fill=LINE, bold=True)
    yield svg.text(frame.edge + 10, y + 17, counts, size=12, fill=LINE)


def _marks(series: Series, language: Language) -> Iterator[Mark]:
    """What the marks mean; only those that are there."""
    chart = series.chart
    if chart and chart.limits:
        wide = language.say("where chance alone puts the points (widened, Laney p')")
        yield Mark("band", wide if chart.over_dispersed else language.say("where chance alone puts the points"))
    if chart:
        yield from _alarms(series, chart, language)
    if any(r.tally.is_masked for r in series.reports):
        yield Mark("cross", language.say(HIDDEN))


def _alarms(series: Series, chart: ControlChart, language: Language) -> Iterator[Mark]:
    colours = {i: BETTER if is_better(series, series.shown[i].tally, chart.centre) else WORSE for i in chart.alerts}
    for colour, outside, row in ((BETTER, *BETTER_WORDS), (WORSE, *WORSE_WORDS)):
        mine = {i for i in chart.alerts if colours[i] == colour}
        if mine & set(chart.outside):
            yield Mark("diamond", language.say(outside), colour)
        if mine - set(chart.outside):
            yield Mark("ring", language.say(row), colour)
