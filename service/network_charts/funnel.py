"""All centres in one period: each where it is, and where chance alone may put a centre of its size."""

from collections.abc import Iterator

from fhir_mappings.wording import ENGLISH, Language
from service.domain.control_charts import limits_of
from service.domain.network_measures import Centre, Funnel
from service.network_charts import svg
from service.network_charts.svg import BAND, INK, QUIET, WIDE, WORSE, Frame, Mark, Plot
from service.network_charts.words import (
    counts_in_words,
    funnel_story,
    percent,
    period_in_words,
    tally_in_words,
)

CURVE_POINTS = 60
MOST_NAMED = 6
OUTSIDE = WORSE
"""A centre far out, to whichever side: worth asking, neither praise nor blame."""


def funnel_chart(funnel: Funnel, *, language: Language = ENGLISH, frame: Frame = WIDE) -> str:
    """The SVG of a funnel. Its description is its story."""
    judged = [c for c in funnel.centres if c.limits is not None]
    heading = language.say("Each point is a centre, {period}", period=period_in_words(funnel.period, language))
    name, title = f"funnel-{funnel.measure.id}", language.say(funnel.measure.title)
    line = float(funnel.network.score or 0)
    most = max(c.tally.denominator or 0 for c in judged) * 1.05
    scores = [100 * float(c.tally.score or 0) for c in judged]
    smallest = min(c.tally.denominator or 1 for c in judged)
    reach = limits_of(line, smallest)
    low, high, step = svg.shares([*scores, 100 * reach.lower, 100 * reach.upper])
    marks = list(_marks(judged, language))
    frame = svg.fitted(frame, marks)
    plot = Plot(most, low, high, frame)
    parts = [
        *svg.axis(plot, svg.steps_between(low, high, step), " %"),
        *_curves(plot, line, smallest, most),
        svg.line(frame.left, plot.y(100 * line), frame.edge, plot.y(100 * line), stroke=INK, width=1.5),
        *_network(plot, funnel, language),
        *_people(plot, most, language),
        *_centres(plot, judged, language),
        *svg.legend(marks, frame),
    ]
    return svg.drawing(name, title, " ".join(funnel_story(funnel, language)), heading, parts, frame)


def _network(plot: Plot, funnel: Funnel, language: Language) -> Iterator[str]:
    line, frame = float(funnel.network.score or 0), plot.frame
    all_centres = language.say("all centres {share}", share=percent(line))
    counts = counts_in_words(funnel.network, language)
    if frame.is_narrow:
        yield svg.text(12, frame.top - 14, f"{all_centres} ({counts})", size=13, bold=True)
        return
    yield svg.text(frame.edge + 10, plot.y(100 * line) - 2, all_centres, size=12, bold=True)
    yield svg.text(frame.edge + 10, plot.y(100 * line) + 13, counts, size=12)


def _curves(plot: Plot, line: float, smallest: int, most: float) -> Iterator[str]:
    sizes = [smallest * (most / smallest) ** (i / CURVE_POINTS) for i in range(CURVE_POINTS + 1)]
    limits = [limits_of(line, round(size) or 1) for size in sizes]
    upper = [(size, min(plot.high, 100 * edge.upper)) for size, edge in zip(sizes, limits, strict=True)]
    lower = [(size, max(plot.low, 100 * edge.lower)) for size, edge in zip(sizes, limits, strict=True)]
    yield svg.path(plot.path([*upper, *reversed(lower)]) + " Z", fill=BAND)
    yield svg.path(plot.path(upper), stroke=QUIET, width=1, dash="2 3")
    yield svg.path(plot.path(lower), stroke=QUIET, width=1, dash="2 3")


def _people(plot: Plot, most: float, language: Language) -> Iterator[str]:
    frame = plot.frame
    marks = 5 if frame.is_narrow else 8
    step = next(s for s in (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10**9) if most / s <= marks)
    for size in range(0, int(most) + 1, step):
        yield svg.line(plot.x(size), frame.floor, plot.x(size), frame.floor + 6)
        yield svg.text(plot.x(size), frame.floor + 20, language.count(size), fill=QUIET, anchor="middle")
    words = language.say("how many were counted")
    yield svg.text((frame.left + frame.edge) / 2, frame.floor + 38, words, fill=QUIET, anchor="middle")


def _centres(plot: Plot, centres: list[Centre], language: Language) -> Iterator[str]:
    """The furthest out are named where there is room; all say who they are when pointed at, and in the table."""
    named = sorted((c for c in centres if c.is_outside), key=_distance, reverse=True)[:MOST_NAMED]
    for centre in centres:
        x, y = plot.x(centre.tally.denominator or 0), plot.y(100 * float(centre.tally.score or 0))
        name = centre.reporter.partition("/")[2]
        words = f"{name}: {tally_in_words(centre.tally, language)}"
        if not centre.is_outside:
            yield svg.dot(x, y, words, radius=3.5)
            continue
        more = language.say("more than chance")
        yield svg.diamond(x, y, f"{words}; {more}", fill=OUTSIDE)
        if centre in named:
            beside = x + 9 + len(name) * 6 < plot.frame.width
            anchor = "start" if beside else "end"
            yield svg.text(x + 9 if beside else x - 9, y + 4, name, size=11, fill=OUTSIDE, anchor=anchor)


def _distance(centre: Centre) -> float:
    score, limits = float(centre.tally.score or 0), centre.limits
    return 0 if limits is None else max(limits.lower - score, score - limits.upper)


def _marks(centres: list[Centre], language: Language) -> Iterator[Mark]:
    yield Mark("band", language.say("where chance alone puts a centre of this size"))
    if any(c.is_outside for c in centres):
        yield Mark("diamond", language.say("more than chance"), OUTSIDE)
