"""One page for everybody: the data manager, the clinician and the family look at the same charts."""

from collections.abc import Sequence
from html import escape
from typing import Final

from fhir_mappings.measuring import MeasureReport
from service.domain.network_measures import Funnel, Series
from service.network_charts.control_chart import control_chart
from service.network_charts.funnel import funnel_chart
from service.network_charts.words import funnel_story, period_in_words, story, tally_in_words

STYLE: Final = """
body { font: 17px/1.55 Helvetica, Arial, sans-serif; color: #1b2733; max-width: 50rem; margin: 2rem auto;
  padding: 0 1rem }
h1 { font-size: 1.7rem; line-height: 1.25 } h2 { font-size: 1.25rem; margin-top: 3rem }
figure { margin: 1rem 0; border: 1px solid #d5dbe0; border-radius: 6px; padding: .5rem }
svg { width: 100%; height: auto }
.lead { font-size: 1.1rem } .story { padding-left: 1.2rem } .exact { color: #5b6770; font-size: .9rem }
table { border-collapse: collapse; font-size: .9rem } caption { text-align: left; padding: .4rem 0 }
th, td { border-bottom: 1px solid #d5dbe0; padding: .25rem .8rem .25rem 0; text-align: left } td { white-space: nowrap }
summary { cursor: pointer; padding: .4rem 0 } nav a { margin-right: 1rem }
@media print { details { display: none } }
"""
HOW_TO_READ: Final = """
<details open><summary>How to read these pictures</summary>
<ul>
<li>Each point is one period. It says of how many people (or goals, or questions) something was true.</li>
<li>Numbers go up and down by chance. The grey-blue band shows how far. A point inside the band is nothing to worry
or to rejoice about yet.</li>
<li>A diamond is more than chance: a point outside the band, or one of many points in a row on the same side of the
usual level. It is worth asking what has changed.</li>
<li>Where fewer than eleven people are on one side of a number, it is not shown, so that nobody can be recognised.</li>
<li>The pictures hold nothing about any single person.</li>
</ul></details>
"""


def page(title: str, found: Sequence[tuple[Series, Funnel | None]], *, made_of: str) -> str:
    """The page of several measures, each over time and, where there is one, across the centres.

    Args:
        made_of: one sentence on where the data are from and when they were exported.
    """
    contents = "".join(f'<a href="#{escape(s.measure.id)}">{escape(s.measure.title)}</a><br>' for s, _ in found)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title><style>{STYLE}</style>'
        f'</head><body><h1>{escape(title)}</h1><p class="lead">{escape(made_of)}</p><nav>{contents}</nav>{HOW_TO_READ}'
        f"{''.join(_measure(series, funnel) for series, funnel in found)}</body></html>\n"
    )


def _measure(series: Series, funnel: Funnel | None) -> str:
    measure = series.measure
    across = ""
    if funnel is not None:
        across = f"<figure>{funnel_chart(funnel)}</figure>{_list(funnel_story(funnel))}{_centres(funnel)}"
    return (
        f'<section id="{escape(measure.id)}"><h2>{escape(measure.title)}</h2>'
        f'<p class="lead">{escape(measure.plain)}</p>'
        f"<figure>{control_chart(series)}</figure>{_list(story(series))}{_periods(series.reports)}{across}{_strata(series)}"
        f'<p class="exact">Exactly: {escape(measure.description)} Version {escape(measure.version)}.</p></section>'
    )


def _list(sentences: Sequence[str]) -> str:
    return f'<ul class="story">{"".join(f"<li>{escape(s)}</li>" for s in sentences)}</ul>'


def _periods(reports: Sequence[MeasureReport]) -> str:
    rows = [(period_in_words(r.period), tally_in_words(r.tally)) for r in reports]
    return _table("All points of this picture", ("Period", "Counted"), rows)


def _centres(funnel: Funnel) -> str:
    rows = [(c.reporter.partition("/")[2], tally_in_words(c.tally)) for c in funnel.centres]
    return _table("All centres of this picture", ("Centre", "Counted"), rows)


def _strata(series: Series) -> str:
    """By age, language and proxy, in the last period with any people."""
    with_people = [r for r in series.reports if r.strata]
    if not with_people:
        return ""
    last = with_people[-1]
    rows = [(f"{s.stratifier.replace('-', ' ')}: {s.value}", tally_in_words(s.tally)) for s in last.strata]
    return _table(f"For whom: {period_in_words(last.period)}", ("Who", "Counted"), rows)


def _table(caption: str, head: tuple[str, str], rows: Sequence[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><th scope='row'>{escape(a)}</th><td>{escape(b)}</td></tr>" for a, b in rows)
    heads = "".join(f"<th scope='col'>{escape(h)}</th>" for h in head)
    return f"<details><summary>{escape(caption)}</summary><table><tr>{heads}</tr>{cells}</table></details>"
