"""All centres in one period: each where it is, and where chance alone may put a centre of its size."""

from collections.abc import Iterator

from service.domain.control_charts import limits_of
from service.domain.network_measures import Centre, Funnel
from service.network_charts import svg
from service.network_charts.svg import BAND, BOTTOM, HEIGHT, INK, LEFT, LOUD, QUIET, RIGHT, WIDTH, Plot
from service.network_charts.words import funnel_story, percent, period_in_words, tally_in_words

CURVE_POINTS = 60
MOST_NAMED = 6


def funnel_chart(funnel: Funnel) -> str:
    """The SVG of a funnel. Its description is its story."""
    judged = [c for c in funnel.centres if c.limits is not None]
    heading = f"Each point is a centre, {period_in_words(funnel.period)}"
    name, title, words = f"funnel-{funnel.measure.id}", funnel.measure.title, " ".join(funnel_story(funnel))
    line = float(funnel.network.score or 0)
    most = max(c.tally.denominator or 0 for c in judged) * 1.05
    scores = [100 * float(c.tally.score or 0) for c in judged]
    smallest = min(c.tally.denominator or 1 for c in judged)
    reach = limits_of(line, smallest)
    low, high, step = svg.shares([*scores, 100 * reach.lower, 100 * reach.upper])
    plot = Plot(most, low, high)
    parts = [
        *svg.axis(plot, svg.steps_between(low, high, step), " %"),
        *_curves(plot, line, smallest, most),
        svg.line(LEFT, plot.y(100 * line), WIDTH - RIGHT, plot.y(100 * line), stroke=INK, width=1.5),
        svg.text(WIDTH - RIGHT + 10, plot.y(100 * line) - 2, f"all centres {percent(line)}", size=12, bold=True),
        svg.text(WIDTH - RIGHT + 10, plot.y(100 * line) + 13, _counts(funnel), size=12),
        *_people(plot, most),
        *_centres(plot, judged),
        *_legend(judged),
    ]
    return svg.drawing(name, title, words, heading, parts)


def _counts(funnel: Funnel) -> str:
    return tally_in_words(funnel.network).partition("(")[2].rstrip(")")


def _curves(plot: Plot, line: float, smallest: int, most: float) -> Iterator[str]:
    sizes = [smallest * (most / smallest) ** (i / CURVE_POINTS) for i in range(CURVE_POINTS + 1)]
    limits = [limits_of(line, round(size) or 1) for size in sizes]
    upper = [(size, min(plot.high, 100 * edge.upper)) for size, edge in zip(sizes, limits, strict=True)]
    lower = [(size, max(plot.low, 100 * edge.lower)) for size, edge in zip(sizes, limits, strict=True)]
    yield svg.path(plot.path([*upper, *reversed(lower)]) + " Z", fill=BAND)
    yield svg.path(plot.path(upper), stroke=QUIET, width=1, dash="2 3")
    yield svg.path(plot.path(lower), stroke=QUIET, width=1, dash="2 3")


def _people(plot: Plot, most: float) -> Iterator[str]:
    floor = HEIGHT - BOTTOM
    step = next(s for s in (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10**9) if most / s <= 8)
    for size in range(0, int(most) + 1, step):
        yield svg.line(plot.x(size), floor, plot.x(size), floor + 6)
        yield svg.text(plot.x(size), floor + 20, f"{size:,}", fill=QUIET, anchor="middle")
    yield svg.text((LEFT + WIDTH - RIGHT) / 2, floor + 38, "how many were counted", fill=QUIET, anchor="middle")


def _centres(plot: Plot, centres: list[Centre]) -> Iterator[str]:
    """The furthest out are named; all say who they are when pointed at, and in the table."""
    named = sorted((c for c in centres if c.is_outside), key=_distance, reverse=True)[:MOST_NAMED]
    for centre in centres:
        x, y = plot.x(centre.tally.denominator or 0), plot.y(100 * float(centre.tally.score or 0))
        name = centre.reporter.partition("/")[2]
        words = f"{name}: {tally_in_words(centre.tally)}"
        yield svg.diamond(x, y, f"{words}; more than chance") if centre.is_outside else svg.dot(x, y, words, radius=3.5)
        if centre in named:
            yield svg.text(x + 9, y + 4, name, size=11, fill=LOUD)


def _distance(centre: Centre) -> float:
    score, limits = float(centre.tally.score or 0), centre.limits
    return 0 if limits is None else max(limits.lower - score, score - limits.upper)


def _legend(centres: list[Centre]) -> Iterator[str]:
    x, y = LEFT, HEIGHT - 10
    yield svg.swatch(x, y)
    yield svg.text(x + 22, y, "where chance alone puts a centre of this size", size=11, fill=QUIET)
    if any(c.is_outside for c in centres):
        yield svg.diamond(x + 300, y - 4, "more than chance")
        yield svg.text(x + 314, y, "more than chance", size=11, fill=LOUD)
