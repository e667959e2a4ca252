"""One page for everybody: the data manager, the clinician and the family look at the same charts."""

from collections.abc import Sequence
from html import escape
from typing import Final, TypeAlias

from fhir_mappings.measuring import MeasureDefinition, MeasureReport
from fhir_mappings.wording import ENGLISH, Language, phrase
from service.domain.control_charts import BASELINE
from service.domain.network_measures import Funnel, NoFunnel, Series
from service.network_charts.control_chart import control_chart
from service.network_charts.funnel import funnel_chart
from service.network_charts.svg import NARROW, WIDE
from service.network_charts.words import (
    funnel_story,
    period_in_words,
    story,
    stratum_in_words,
    tally_in_words,
)

Across: TypeAlias = Funnel | NoFunnel | None
"""How the centres lie beside each other, or why not; None on the page of one centre."""

STYLE: Final = """
body { font: 17px/1.55 Helvetica, Arial, sans-serif; color: #1b2733; max-width: 50rem; margin: 2rem auto;
  padding: 0 1rem }
h1 { font-size: 1.7rem; line-height: 1.25 } h2 { font-size: 1.25rem; margin-top: 3rem }
figure { margin: 1rem 0; border: 1px solid #d5dbe0; border-radius: 6px; padding: .5rem }
svg { width: 100%; height: auto; display: block } svg.narrow { display: none }
.lead { font-size: 1.1rem } .story { padding-left: 1.2rem } .exact { color: #5b6770; font-size: .9rem }
table { border-collapse: collapse; font-size: .9rem }
th, td { border-bottom: 1px solid #d5dbe0; padding: .25rem .8rem .25rem 0; text-align: left; vertical-align: top }
summary { cursor: pointer; padding: .4rem 0 } nav ul { list-style: none; padding: 0 } nav a { display: inline-block;
  padding: .25rem 0; line-height: 1.3 }
@media screen and (max-width: 36rem) { body { margin: 1rem auto; padding: 0 .8rem } figure { padding: 0 }
  svg.wide { display: none } svg.narrow { display: block } }
@media print { details { display: none } }
"""
HOW: Final = phrase("How to read these pictures")
HOW_TO_READ: Final = (
    phrase("Each point is one period. It says of how many people (or goals, or questions) something was true."),
    phrase(
        "Numbers go up and down by chance. The grey-blue band shows how far. A point inside the band is nothing to"
        " worry or to rejoice about yet."
    ),
    phrase(
        "A diamond is more than chance: a point outside the band. A ring is one of many points in a row on the same"
        " side of the usual level: together they are more than chance. It is worth asking what has changed."
    ),
    phrase(
        "Where fewer than eleven people are on one side of a number, it is not shown, so that nobody can be recognised;"
        " nor is what would give it away."
    ),
    phrase("The pictures hold nothing about any single person."),
)
_OF_MASKING: Final = frozenset(HOW_TO_READ[-2:])
NOT_MASKED: Final = phrase(
    "Small numbers are NOT hidden on this page: people could be recognised. It is for the centre's own team, where its"
    " patients' data are. Give it to nobody else."
)


def page(
    title: str,
    found: Sequence[tuple[Series, Across]],
    *,
    made_of: str,
    language: Language = ENGLISH,
    baseline: int = BASELINE,
    without: Sequence[MeasureDefinition] = (),
    is_masked: bool = True,
) -> str:
    """The page of several measures, each over time and, where there is one, across the centres.

    Args:
        made_of: one sentence on where the data are from and when they were exported.
        without: measures that were looked for, and for which nothing was found.
        is_masked: False where small cells are shown; then the page says that it is not for others.
    """
    told = [s for s in HOW_TO_READ if is_masked or s not in _OF_MASKING]
    how, heading = "".join(f"<li>{escape(language.say(s))}</li>" for s in told), language.say(HOW)
    lead = f'{"" if is_masked else _warning(language)}<p class="lead">{escape(made_of)}</p>'
    sections = "".join(_measure(series, across, language, baseline) for series, across in found)
    return (
        f'<!doctype html>\n<html lang="{escape(language.tag)}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title><style>{STYLE}</style>'
        f"</head><body><h1>{escape(title)}</h1>{lead}{_contents(found, language)}"
        f"<details open><summary>{escape(heading)}</summary><ul>{how}</ul></details>"
        f"{sections}{_without(without, language)}</body></html>\n"
    )


def _warning(language: Language) -> str:
    return f'<p class="lead" role="note"><strong>{escape(language.say(NOT_MASKED))}</strong></p>'


def _contents(found: Sequence[tuple[Series, Across]], language: Language) -> str:
    if len(found) < 2:
        return ""
    links = (
        f'<li><a href="#{escape(s.measure.id)}">{escape(language.say(s.measure.title))}</a></li>' for s, _ in found
    )
    return f"<nav><ul>{''.join(links)}</ul></nav>"


def _without(measures: Sequence[MeasureDefinition], language: Language) -> str:
    if not measures:
        return ""
    titles = "".join(f"<li>{escape(language.say(m.title))}</li>" for m in measures)
    heading = escape(language.say("Looked for, but nothing was found to count"))
    return f"<section><h2>{heading}</h2><ul>{titles}</ul></section>"


def _measure(series: Series, across: Across, language: Language, baseline: int) -> str:
    measure = series.measure
    charts = (control_chart(series, baseline=baseline, language=language, frame=f) for f in (WIDE, NARROW))
    exact, exactly = f"{measure.description} Version {measure.version}.", language.say("Exactly:")
    return (
        f'<section id="{escape(measure.id)}"><h2>{escape(language.say(measure.title))}</h2>'
        f'<p class="lead">{escape(language.say(measure.plain))}</p><figure>{"".join(charts)}</figure>'
        f"{_list(story(series, language, baseline=baseline))}{_periods(series.reports, language)}"
        f"{_across(across, language)}{_strata(series, language)}"
        f'<p class="exact">{escape(exactly)} <span lang="en">{escape(exact)}</span></p></section>'
    )


def _across(across: Across, language: Language) -> str:
    if across is None:
        return ""
    if isinstance(across, NoFunnel):
        return _list(funnel_story(across, language))
    charts = (funnel_chart(across, language=language, frame=frame) for frame in (WIDE, NARROW))
    return f"<figure>{''.join(charts)}</figure>{_list(funnel_story(across, language))}{_centres(across, language)}"


def _list(sentences: Sequence[str]) -> str:
    return f'<ul class="story">{"".join(f"<li>{_kept(s)}</li>" for s in sentences)}</ul>'


def _kept(words: str) -> str:
    """A number and its sign stay on one line."""
    return escape(words).replace(" %", "&nbsp;%")


def _periods(reports: Sequence[MeasureReport], language: Language) -> str:
    rows = [(period_in_words(r.period, language), tally_in_words(r.tally, language)) for r in reports]
    return _table(language.say("All points of this picture"), (language.say("Period"), language.say("Counted")), rows)


def _centres(funnel: Funnel, language: Language) -> str:
    rows = [(c.reporter.partition("/")[2], tally_in_words(c.tally, language)) for c in funnel.centres]
    return _table(language.say("All centres of this picture"), (language.say("Centre"), language.say("Counted")), rows)


def _strata(series: Series, language: Language) -> str:
    """By age, language and proxy, in the last period with any people."""
    with_people = [r for r in series.reports if r.strata]
    if not with_people:
        return ""
    last = with_people[-1]
    rows = [(stratum_in_words(s, language), tally_in_words(s.tally, language)) for s in last.strata]
    title = language.say("For whom: {period}", period=period_in_words(last.period, language))
    return _table(title, (language.say("Who"), language.say("Counted")), rows)


def _table(caption: str, head: tuple[str, str], rows: Sequence[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><th scope='row'>{escape(a)}</th><td>{_kept(b)}</td></tr>" for a, b in rows)
    heads = "".join(f"<th scope='col'>{escape(h)}</th>" for h in head)
    return f"<details><summary>{escape(caption)}</summary><table><tr>{heads}</tr>{cells}</table></details>"
