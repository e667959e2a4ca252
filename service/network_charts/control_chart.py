"""A measure over time: points, the usual level, and what chance leaves them within."""

from collections.abc import Iterator
from itertools import groupby

from fhir_mappings.measuring import MeasureReport
from service.domain.control_charts import BASELINE, ControlChart
from service.domain.network_measures import Series
from service.network_charts import svg
from service.network_charts.svg import BAND, BOTTOM, HEIGHT, INK, LEFT, LINE, LOUD, QUIET, RIGHT, WIDTH, Plot
from service.network_charts.words import every_of, level, period_in_words, reporter_in_words, story, tally_in_words

STEPS_OF_DAYS = (1, 2, 5, 10, 20, 50, 100, 500)


def control_chart(series: Series, *, baseline: int = BASELINE) -> str:
    """The SVG of a series. Its description is its story."""
    reports, chart = series.reports, series.chart
    name = f"chart-{series.measure.id}-{series.reporter.partition('/')[2]}"
    heading = reporter_in_words(reports[0]) if reports else ""
    if chart is None:
        parts = [
            svg.text(WIDTH / 2, HEIGHT / 2, "Too few people to show anything", size=15, fill=QUIET, anchor="middle")
        ]
        return svg.drawing(name, series.measure.title, " ".join(story(series)), heading, parts)
    plot, step, unit = _plot(series, chart)
    scale = 100 if series.shown[0].tally.numerator is not None else 1
    parts = [
        *svg.axis(plot, svg.steps_between(plot.low, plot.high, step), unit),
        *_years(plot, reports),
        *_limits(plot, series, chart, scale),
        *_centre(plot, series, chart, scale, baseline),
        *_points(plot, series, chart, scale),
        *_legend(series, chart),
    ]
    return svg.drawing(name, series.measure.title, " ".join(story(series)), heading, parts)


def _plot(series: Series, chart: ControlChart) -> tuple[Plot, float, str]:
    """The area, the distance of its lines, and the unit behind their values."""
    values = [float(r.tally.score or 0) for r in series.shown]
    if series.shown[0].tally.numerator is None:
        low, high, step = svg.spread([0, chart.centre, *values], *STEPS_OF_DAYS)
        return Plot(len(series.reports) - 1, low, high), step, " d"
    edges = [edge for limits in chart.limits for edge in (limits.lower, limits.upper)]
    low, high, step = svg.shares(100 * v for v in (*values, *edges))
    return Plot(len(series.reports) - 1, low, high), step, " %"


def _years(plot: Plot, reports: tuple[MeasureReport, ...]) -> Iterator[str]:
    floor = HEIGHT - BOTTOM
    for position, report in enumerate(reports):
        first = position == 0 or report.period.start.year != reports[position - 1].period.start.year
        if first:
            yield svg.line(plot.x(position), floor, plot.x(position), floor + 6)
            yield svg.text(plot.x(position), floor + 20, str(report.period.start.year), fill=QUIET)


def _limits(plot: Plot, series: Series, chart: ControlChart, scale: int) -> Iterator[str]:
    """The band, step by step: its width is that of each point's number of people."""
    if not chart.limits:
        return
    at = [series.reports.index(r) for r in series.shown]
    upper = [(x + d, scale * limits.upper) for x, limits in zip(at, chart.limits, strict=True) for d in (-0.5, 0.5)]
    lower = [(x + d, scale * limits.lower) for x, limits in zip(at, chart.limits, strict=True) for d in (-0.5, 0.5)]
    upper = [(min(max(x, 0), plot.right), y) for x, y in upper]
    lower = [(min(max(x, 0), plot.right), y) for x, y in lower]
    yield svg.path(plot.path([*upper, *reversed(lower)]) + " Z", fill=BAND)
    yield svg.path(plot.path(upper), stroke=QUIET, width=1, dash="2 3")
    yield svg.path(plot.path(lower), stroke=QUIET, width=1, dash="2 3")


def _centre(plot: Plot, series: Series, chart: ControlChart, scale: int, baseline: int) -> Iterator[str]:
    """The usual level: solid where it was taken from, dashed where it is only held against what came after."""
    y = plot.y(scale * chart.centre)
    shown = series.shown
    end = series.reports.index(shown[min(baseline, len(shown)) - 1])
    yield svg.line(plot.x(0), y, plot.x(end), y, stroke=INK, width=1.5)
    yield svg.line(plot.x(end), y, WIDTH - RIGHT, y, stroke=INK, width=1.2, dash="7 4")
    floor = HEIGHT - BOTTOM
    words = f"usual level: first {min(baseline, len(shown))} {every_of(shown[0].period)}s shown"
    yield svg.line(plot.x(0), floor + 30, plot.x(end), floor + 30, stroke=INK)
    yield svg.text(plot.x(0), floor + 44, words, size=11, fill=QUIET)
    yield svg.text(WIDTH - RIGHT + 10, y + 4, f"usual {level(chart.centre, shown[0].tally)}", size=12)


def _points(plot: Plot, series: Series, chart: ControlChart, scale: int) -> Iterator[str]:
    at = {r.period: i for i, r in enumerate(series.reports)}
    numbered = [(at[r.period], r) for r in series.shown]
    for _, run in groupby(enumerate(numbered), key=lambda item: item[1][0] - item[0]):
        points = [(x, scale * float(r.tally.score or 0)) for _, (x, r) in run]
        yield svg.path(plot.path(points), stroke=LINE)
    alerts = {series.shown[i].period for i in chart.alerts}
    for position, report in enumerate(series.reports):
        words = f"{period_in_words(report.period)}: {tally_in_words(report.tally)}"
        if report.tally.score is None:
            yield svg.cross(plot.x(position), HEIGHT - BOTTOM - 8, words)
            continue
        x, y = plot.x(position), plot.y(scale * float(report.tally.score))
        mark = (
            svg.diamond(x, y, f"{words}; more than chance", half=5) if report.period in alerts else svg.dot(x, y, words)
        )
        yield mark
    last = series.shown[-1]
    y = plot.y(scale * float(last.tally.score or 0))
    usual = plot.y(scale * chart.centre)
    if abs(y - usual) < 34:
        y = usual - 36 if y <= usual else usual + 24
    value, _, counts = tally_in_words(last.tally).partition(" (")
    yield svg.text(WIDTH - RIGHT + 10, y + 2, value, size=16, fill=LINE, bold=True)
    yield svg.text(WIDTH - RIGHT + 10, y + 17, counts.rstrip(")"), size=12, fill=LINE)


def _legend(series: Series, chart: ControlChart) -> Iterator[str]:
    """What the marks mean; only those that are there."""
    x, y = LEFT, HEIGHT - 10
    marks = []
    if chart.limits:
        marks.append(
            ("band", "where chance alone puts the points" + (" (widened, Laney p')" if chart.over_dispersed else ""))
        )
    if chart.alerts:
        marks.append(("diamond", "more than chance"))
    if len(series.shown) < len(series.reports):
        marks.append(("cross", "too few people to show"))
    for kind, words in marks:
        if kind == "band":
            yield svg.swatch(x, y)
        elif kind == "diamond":
            yield svg.diamond(x + 8, y - 4, words)
        else:
            yield svg.cross(x + 8, y - 4, words)
        yield svg.text(x + 22, y, words, size=11, fill=LOUD if kind == "diamond" else QUIET)
        x += 40 + round(len(words) * 5.6)
