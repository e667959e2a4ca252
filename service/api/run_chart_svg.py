"""A run chart as SVG: readable on a telephone, on paper without colour, and by a screen reader.

Every meaning has a shape beside its colour: a mark that meets the target is full, another one hollow; the target is
hatched, the median dotted, the forecast a bracket, and where values are missing the line is broken.

Source: https://www.w3.org/TR/graphics-aam-1.0/ (role `img` with title and desc)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from math import ceil, floor, log10
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from fhir_mappings.wording import Language
from service.api.chart_words import nothing_in_words, number, sentences, target_in_words, title
from service.domain.run_chart import Mark, RunChart
from service.shapes import INK, line, text, wrapped

WIDTH: Final = 360
LEFT, RIGHT, PLOT_HEIGHT = 46, 14, 190
ACROSS: Final = WIDTH - 16
"""Room for words, between the margins."""
LINE, FAINT, GRID, EDGE = "#0b4a8f", "#595959", "#d0d0d0", "#2f6b2f"
THOUSANDS: Final = 10_000
"""From so much on the axis tells thousands."""
LONG: Final = 300
"""From so many days on the axis tells months."""
ROOM: Final = 0.4
"""A number on the axis is left out if it is nearer to the end of a scale than so much of the way to the next."""
NARROWEST_GAP: Final = 58
"""Room for the words that values are missing."""
STYLE: Final = (
    "text{font-family:Roboto,'Segoe UI',Helvetica,Arial,sans-serif}"
    ".s{fill:none;stroke:#0b4a8f;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}"
    ".m{fill:none;stroke:#111111;stroke-width:1.5;stroke-dasharray:1.5 3.5;stroke-linecap:round}"
    ".b{fill:none;stroke:#111111;stroke-width:2}"
)


@dataclass(frozen=True, slots=True)
class Plot:
    """Where a day and a value lie. `ends` are those of the scale, where there is one."""

    top: float
    first: date
    last: date
    low: float
    high: float
    ends: tuple[float, ...] = ()

    def x(self, day: date) -> float:
        span = (self.last - self.first).days
        inner = WIDTH - LEFT - RIGHT - 16
        return LEFT + 8 + (inner * (day - self.first).days / span if span else inner / 2)

    def y(self, value: Decimal | float) -> float:
        return self.top + PLOT_HEIGHT * (self.high - float(value)) / (self.high - self.low)

    @property
    def bottom(self) -> float:
        return self.top + PLOT_HEIGHT


def run_chart_svg(chart: RunChart, language: Language) -> str:
    """A document of its own, which asks nothing of anybody: no font, script, style or picture from elsewhere.

    A panel has its parts one below the other: each in its own unit and with its own scale.
    """
    body, height = _panel(chart, language) if chart.parts else _chart(chart, language)
    said = " ".join(sentences(chart, language))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
        f' role="img" aria-labelledby="t d" lang={quoteattr(language.primary)}>'
        f'<title id="t">{escape(title(chart, language))}</title><desc id="d">{escape(said)}</desc>'
        f'<style>{STYLE}</style>{HATCH}<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    )
    return "\n".join([head, *filter(None, body), "</svg>"])


def _panel(chart: RunChart, language: Language) -> tuple[list[str], int]:
    heading = wrapped(chart.what, ACROSS, 18, most=3)
    body, top = _text_lines(heading, 8, 24, 18, bold=True), 10 + 22 * len(heading)
    for part in chart.parts:
        drawn, height = _chart(part, language)
        body += [f'<g transform="translate(0 {top})">', *drawn, "</g>"]
        top += height
    return body, top


def _chart(chart: RunChart, language: Language) -> tuple[list[str], int]:
    heading = wrapped(chart.what, ACROSS, 16, most=3)
    top = 42 + 20 * len(heading)
    plot = _plot(chart, float(top))
    legend, below = _legend(chart, language, plot.bottom + 54)
    notes, height = _notes(chart, language, below)
    body = [
        *_text_lines(heading, 8, 22, 16, bold=True),
        text(8, top - 14, chart.unit, size=13) if chart.unit else "",
        *_grid(plot, language),
        *_target(chart, plot),
        *_gaps(chart, plot, language),
        *_series(chart, plot),
        *_forecast(chart, plot),
        *_dates(chart, plot, language),
        *legend,
        *notes,
    ]
    return body, height


HATCH: Final = (
    '<defs><pattern id="h" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="7" height="7" fill="#eaf4ea"/><line x1="0" y1="0" x2="0" y2="7" stroke="#8fb98f" stroke-width="1.6"/>'
    "</pattern></defs>"
)


def _plot(chart: RunChart, top: float) -> Plot:
    ahead = chart.forecast
    values = [float(v) for m in chart.marks for v in (m.low, m.high)]
    values += [float(v) for v in (aim.low, aim.high) if v is not None] if (aim := chart.aim) else []
    values += [ahead.low, ahead.high] if ahead else []
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    pad = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    least, most = min(low, 0.0) if low >= 0 and low - pad < 0 else low - pad, high + pad
    ends = tuple(float(e) for e in (scale.low, scale.high) if e is not None) if (scale := chart.scale) else ()
    if ends:
        least, most = min((*ends, *values)), max((*ends, *values))
    days = [m.day for m in chart.marks] + ([ahead.day] if ahead else [])
    first, last = (min(days), max(days)) if days else (date(2000, 1, 1), date(2000, 1, 1))
    return Plot(top, first, last, least, most, ends)


def _grid(plot: Plot, language: Language) -> Iterator[str]:
    ticks = _ticks(plot)
    in_thousands = max(map(abs, ticks)) >= THOUSANDS
    for tick in ticks:
        y = plot.y(tick)
        yield line(LEFT, y, WIDTH - RIGHT, y, stroke=GRID)
        yield text(LEFT - 6, y + 4, _tick_text(tick, in_thousands, language), anchor="end")
    yield line(LEFT, plot.top, LEFT, plot.bottom, stroke=INK)
    yield line(LEFT, plot.bottom, WIDTH - RIGHT, plot.bottom, stroke=INK)


def _target(chart: RunChart, plot: Plot) -> Iterator[str]:
    aim = chart.aim
    if aim is None:
        return
    above = plot.top if aim.high is None else plot.y(aim.high)
    below = plot.bottom if aim.low is None else plot.y(aim.low)
    box = f'x="{LEFT}" y="{above:.1f}" width="{WIDTH - LEFT - RIGHT}" height="{max(below - above, 1):.1f}"'
    yield f'<rect {box} fill="url(#h)"/>'
    for edge in (plot.y(e) for e in (aim.low, aim.high) if e is not None):
        yield line(LEFT, edge, WIDTH - RIGHT, edge, stroke=EDGE, width=1.5, dash="6 3")


def _gaps(chart: RunChart, plot: Plot, language: Language) -> Iterator[str]:
    """The line is broken at each; where there is room, it is said."""
    for gap in chart.gaps:
        left, right = plot.x(gap.after), plot.x(gap.before)
        if right - left >= NARROWEST_GAP:
            middle, y, said = (left + right) / 2, _free_height(chart, plot), language.say("no values")
            yield text(middle, y, said, size=11, anchor="middle", fill=FAINT)


def _free_height(chart: RunChart, plot: Plot) -> float:
    """A base line for words as far from every line across the plot as can be."""
    ends = [v for v in (chart.aim.low, chart.aim.high) if v is not None] if chart.aim else []
    across = [plot.y(v) for v in (*ends, *([chart.signals.median] if chart.signals else []))]
    across += [plot.y(t) for t in _ticks(plot)]
    heights = range(ceil(plot.top) + 14, floor(plot.bottom) - 5, 4)
    return float(max(heights, key=lambda y: min((abs(y - 4 - a) for a in across), default=0)))


def _series(chart: RunChart, plot: Plot) -> Iterator[str]:
    broken = {gap.before for gap in chart.gaps}
    crowded = len(chart.marks) > 70
    if signals := chart.signals:
        y = plot.y(signals.median)
        yield f'<line class="m" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
    for mark in chart.marks:
        if mark.low != mark.high:
            x = plot.x(mark.day)
            yield line(x, plot.y(mark.low), x, plot.y(mark.high), stroke=FAINT, width=1 if crowded else 1.5)
    steps = [f"{'M' if i == 0 or m.day in broken else 'L'}{_at(plot, m)}" for i, m in enumerate(chart.marks)]
    if len(steps) > 1:
        yield f'<path class="s" d="{"".join(steps)}"/>'
    radius = 1.8 if crowded else 3.2 if len(chart.marks) > 35 else 4.2
    for mark in chart.marks:
        yield _mark_at(plot.x(mark.day), plot.y(mark.value), radius, chart.met(mark), chart.unfinished == mark.day)


def _mark_at(x: float, y: float, radius: float, met: bool | None, unfinished: bool = False) -> str:
    """Full where the target is met, or where there is none; dotted for a day that is not over."""
    fill = "#ffffff" if met is False or unfinished else LINE
    dotted = ' stroke-dasharray="2 2"' if unfinished else ""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{fill}" stroke="{LINE}" stroke-width="1.6"{dotted}/>'


def _forecast(chart: RunChart, plot: Plot) -> Iterator[str]:
    if ahead := chart.forecast:
        x, low, high = plot.x(ahead.day), plot.y(ahead.low), plot.y(ahead.high)
        yield _bracket(x, low, high)


def _bracket(x: float, low: float, high: float) -> str:
    shape = f"M{x - 5:.1f} {high:.1f}h10M{x:.1f} {high:.1f}V{low:.1f}M{x - 5:.1f} {low:.1f}h10"
    return f'<path class="b" d="{shape}"/>'


def _dates(chart: RunChart, plot: Plot, language: Language) -> Iterator[str]:
    if not chart.marks:
        said = nothing_in_words(chart, language)
        yield text(WIDTH / 2 + 16, plot.top + PLOT_HEIGHT / 2, said, size=15, anchor="middle")
        return
    span = (plot.last - plot.first).days
    count = min(4, span + 1) if span > 5 else span + 1
    days = [plot.first + timedelta(days=round(span * i / max(count - 1, 1))) for i in range(count)]
    for position, day in enumerate(days):
        anchor = "middle" if count == 1 else {0: "start", count - 1: "end"}.get(position, "middle")
        x = plot.x(day)
        yield line(x, plot.bottom, x, plot.bottom + 4, stroke=INK)
        x += {"start": -8, "end": 8, "middle": 0}[anchor]
        said = language.short_month(day) if span > LONG else language.short_day(day, year=False)
        yield text(x, plot.bottom + 18, said, anchor=anchor)
    if span <= LONG:
        years = sorted({str(plot.first.year), str(plot.last.year)})
        yield text(WIDTH - RIGHT, plot.bottom + 33, "/".join(years), anchor="end")


def _legend(chart: RunChart, language: Language, top: float) -> tuple[list[str], float]:
    """Each sign with what it means, one below the other."""
    rows: list[tuple[str, str]] = []
    if target := target_in_words(chart, language):
        hatched = '<rect x="8" y="{b}" width="22" height="11" fill="url(#h)" stroke="#2f6b2f"/>'
        rows.append((hatched, language.say("Target: {target}", target=target)))
    met = {chart.met(m) for m in chart.marks}
    rows += [("mark", language.say("Target met"))] if True in met else []
    rows += [("hollow", language.say("Target not met"))] if False in met else []
    rows += [("dotted", language.say("Today, so far"))] if chart.unfinished in {m.day for m in chart.marks} else []
    if any(m.low != m.high for m in chart.marks):
        bar = f'<line x1="19" y1="{{b}}" x2="19" y2="{{e}}" stroke="{FAINT}" stroke-width="2"/>'
        rows.append((bar, language.say("Bar: from lowest to highest")))
    if chart.signals:
        middle = number(chart.signals.median, language)
        said = language.say("Middle line: {value}. About half of the marks lie above it.", value=middle)
        rows.append(('<line class="m" x1="8" y1="{m}" x2="30" y2="{m}"/>', said))
    if chart.forecast:
        rows.append(("bracket", language.say("Likely range, if nothing changes")))
    drawn, y = [], top
    for sign, said in rows:
        drawn.append(_sign(sign, y))
        lines = wrapped(said, ACROSS - 30, 13)
        drawn += _text_lines(lines, 38, y, 13)
        y += 18 * len(lines)
    return drawn, y


def _sign(sign: str, y: float) -> str:
    if sign == "mark":
        return _mark_at(19, y - 4.5, 4.2, None)
    if sign == "hollow":
        return _mark_at(19, y - 4.5, 4.2, False)
    if sign == "dotted":
        return _mark_at(19, y - 4.5, 4.2, None, unfinished=True)
    if sign == "bracket":
        return _bracket(19, y + 1, y - 10)
    return sign.format(b=y - 10, e=y + 1, m=y - 4.5)


def _notes(chart: RunChart, language: Language, top: float) -> tuple[list[str], int]:
    """What the picture says, in words; the target stands in the legend already."""
    said = sentences(chart, language)[1 if target_in_words(chart, language) else 0 :]
    drawn, y = [], top + 8
    for sentence in said:
        lines = wrapped(sentence, ACROSS, 13)
        drawn += _text_lines(lines, 8, y, 13)
        y += 17 * len(lines) + 3
    return drawn, ceil(y)


def _at(plot: Plot, mark: Mark) -> str:
    return f"{plot.x(mark.day):.1f} {plot.y(mark.value):.1f}"


def _ticks(plot: Plot) -> list[float]:
    """Four or so round numbers; of a scale its ends, and those that leave room for them."""
    rough = (plot.high - plot.low) / (5 if plot.ends else 4)
    power = 10.0 ** floor(log10(rough))
    step = next(power * n for n in (1, 2, 2.5, 5, 10) if power * n >= rough)
    round_ones = [i * step for i in range(ceil(plot.low / step), floor(plot.high / step) + 1)]
    apart = (t for t in round_ones if all(abs(t - end) >= step * ROOM for end in plot.ends))
    return sorted((*apart, *plot.ends))


def _tick_text(value: float, in_thousands: bool, language: Language) -> str:
    """Fits before the axis: 12k for twelve thousand, and 7.5k beside it."""
    return f"{number(value / 1000, language)}k" if in_thousands and value else number(value, language)


def _text_lines(lines: Sequence[str], x: float, y: float, size: int, *, bold: bool = False) -> list[str]:
    height = size + 4
    return [text(x, y + height * i, said, size=size, bold=bold) for i, said in enumerate(lines)]
