"""What a chart says, in words that everybody reads: people first, then shares; chance is called chance."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Final

from fhir_mappings.measuring import Every, Improvement, MeasureReport, Period, Stratum, Tally
from fhir_mappings.model import PartialDate
from fhir_mappings.wording import ENGLISH, Language, phrase
from service.domain.control_charts import BASELINE, ControlChart
from service.domain.network_measures import Centre, Funnel, Judgement, NoFunnel, Series, WhyNoFunnel

LONGER: Final = {
    Every.MONTH: phrase("Counted by quarter, more could be shown."),
    Every.QUARTER: phrase("Counted by year, more could be shown."),
    Every.YEAR: phrase("Only more people could show more."),
}
USUAL_OF: Final = {
    Every.MONTH: phrase("usual level {level}: first {number} months shown"),
    Every.QUARTER: phrase("usual level {level}: first {number} quarters shown"),
    Every.YEAR: phrase("usual level {level}: first {number} years shown"),
}
HIDDEN: Final = phrase("not shown: too few people on one side")
STRATIFIERS: Final = {
    "age-band": phrase("Age"),
    "language": phrase("Language"),
    "proxy": phrase("A family member may act for them"),
}
VALUES: Final = {
    "0-5": phrase("0 to 5 years"),
    "6-11": phrase("6 to 11 years"),
    "12-17": phrase("12 to 17 years"),
    "18-39": phrase("18 to 39 years"),
    "40-64": phrase("40 to 64 years"),
    "65+": phrase("65 years or more"),
    "yes": phrase("yes"),
    "no": phrase("no"),
    "unknown": phrase("not recorded"),
}
RECENT: Final = 3
"""An alert among so many of the last points is told as how it is now."""


def period_in_words(period: Period, language: Language = ENGLISH) -> str:
    """`June 2025`, `April to June 2025`, `2025`."""
    if period.every is Every.YEAR:
        return str(period.start.year)
    last = language.date(PartialDate(f"{period.end:%Y-%m}"))
    if period.every is Every.MONTH:
        return last
    return language.say("{first} to {last}", first=language.month(period.start.month), last=last)


def day_in_words(day: date, language: Language = ENGLISH) -> str:
    return language.date(PartialDate(day.isoformat()))


def tally_in_words(tally: Tally, language: Language = ENGLISH) -> str:
    """`79 % (812 of 1,028)`, `4.5 days (median of 310)`, `not shown: too few people on one side`."""
    if tally.is_masked:
        return language.say(HIDDEN)
    if not tally.denominator:
        return language.say("nobody")
    return f"{score_in_words(tally, language)} ({counts_in_words(tally, language)})"


def score_in_words(tally: Tally, language: Language = ENGLISH) -> str:
    """`79 %`, `4.5 days`; of a tally that is shown."""
    return level(float(tally.score or 0), tally, language)


def counts_in_words(tally: Tally, language: Language = ENGLISH) -> str:
    """`812 of 1,028`, `median of 310`; of a tally that is shown."""
    of = language.count(tally.denominator or 0)
    if tally.numerator is None:
        return language.say("median of {of}", of=of)
    return language.say("{number} of {of}", number=language.count(tally.numerator), of=of)


def percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def level(value: float, tally: Tally, language: Language = ENGLISH) -> str:
    """A value of the same kind as the tally: a share or days."""
    if tally.numerator is not None:
        return percent(value)
    return language.say("{number} days", number=language.number(Decimal(f"{value:.1f}")))


def reporter_in_words(report: MeasureReport, language: Language = ENGLISH) -> str:
    """The network, or the id of a centre."""
    if report.reporter == f"Organization/{report.network}":
        return language.say("All centres together")
    return language.say("Centre {name}", name=report.reporter.partition("/")[2])


def stratum_in_words(stratum: Stratum, language: Language = ENGLISH) -> str:
    """`Age: 6 to 11 years`, `Language: Spanish`; what is not known is said as it is written."""
    name = language.say(STRATIFIERS.get(stratum.stratifier, stratum.stratifier))
    if stratum.value in VALUES:
        return f"{name}: {language.say(VALUES[stratum.value])}"
    return f"{name}: {language.name_of(stratum.value) if stratum.stratifier == 'language' else stratum.value}"


def story(series: Series, language: Language = ENGLISH, *, baseline: int = BASELINE) -> tuple[str, ...]:
    """The sentences that stand beside a chart over time."""
    shown = series.shown
    if not shown:
        return tuple(_sentence(s) for s in (language.say("There is nothing to show."), *_hidden(series, language)))
    last = shown[-1]
    said = [f"{period_in_words(last.period, language)}: {tally_in_words(last.tally, language)}."]
    match series.judgement:
        case Judgement.TOO_FEW_POINTS:
            said.append(
                language.plural(
                    "Too early to say whether anything has changed: what is usual is taken from the first {baseline}"
                    " points, and {number} is there.",
                    "Too early to say whether anything has changed: what is usual is taken from the first {baseline}"
                    " points, and {number} are there.",
                    len(shown),
                    baseline=baseline,
                )
            )
        case Judgement.TOO_MANY_HIDDEN if not any(r.tally.is_masked for r in series.reports):
            said.append(
                language.say(
                    "Whether anything has changed cannot be said: in too many periods there was nobody to count."
                )
            )
        case Judgement.TOO_MANY_HIDDEN:
            said.append(
                language.say(
                    "Whether anything has changed cannot be said: too many points are missing, and those that are"
                    " shown may not be like the others."
                )
            )
        case _:
            said += _judged(series, language)
    return tuple(_sentence(s) for s in (*said, *_hidden(series, language)))


def _judged(series: Series, language: Language) -> list[str]:
    """What a chart says of change. It is there: `series` is judged."""
    chart = series.chart
    if chart is None:
        return []
    said = list(_change(series, chart, language))
    if chart.over_dispersed:
        said.append(
            language.say("The points vary more than chance alone makes them; the limits are widened for it (Laney p').")
        )
    return said


def _change(series: Series, chart: ControlChart, language: Language) -> Iterator[str]:
    shown = series.shown
    usual = level(chart.centre, shown[-1].tally, language)
    if not chart.alerts:
        words = phrase("Since {since} it has gone up and down around {usual}, no more than chance explains.")
        yield language.say(words, since=period_in_words(shown[0].period, language), usual=usual)
        return
    last = shown[chart.alerts[-1]]
    if chart.alerts[-1] < len(shown) - RECENT:
        words = phrase("In {when} it was {way} the usual {usual}, more than chance explains; by now that is over.")
        way = language.say("above") if float(last.tally.score or 0) > chart.centre else language.say("below")
        yield language.say(words, when=period_in_words(last.period, language), way=way, usual=usual)
    else:
        words = phrase("It is {way} the usual {usual} of the beginning, more than chance explains.")
        yield language.say(words, way=_way(series, last.tally, chart.centre, language), usual=usual)
    first = shown[chart.alerts[0]]
    yield language.say("It was first to be seen in {when}.", when=period_in_words(first.period, language))


def _hidden(series: Series, language: Language) -> list[str]:
    """How much is not shown and why; what to do about it where it keeps from judging."""
    hidden = sum(r.tally.is_masked for r in series.reports)
    empty = sum(r.tally.denominator == 0 for r in series.reports)
    of, said = len(series.reports), []
    if hidden:
        said.append(
            language.plural(
                "{number} of {of} points is not shown: fewer than eleven were on one side of it. That hides small"
                " numbers, and shares near 0 or 100 %.",
                "{number} of {of} points are not shown: fewer than eleven were on one side of each. That hides small"
                " numbers, and shares near 0 or 100 %.",
                hidden,
                of=of,
            )
        )
    if empty:
        said.append(
            language.plural(
                "In {number} of {of} periods there was nobody to count.",
                "In {number} of {of} periods there was nobody to count.",
                empty,
                of=of,
            )
        )
    if hidden and series.judgement in {Judgement.TOO_MANY_HIDDEN, Judgement.NOTHING_SHOWN}:
        said.append(language.say(LONGER[series.reports[-1].period.every]))
    return said


def _way(series: Series, tally: Tally, centre: float, language: Language) -> str:
    higher = float(tally.score or 0) > centre
    if is_better(series, tally, centre):
        return language.say("better now: above") if higher else language.say("better now: below")
    return language.say("worse now: above") if higher else language.say("worse now: below")


def is_better(series: Series, tally: Tally, centre: float) -> bool:
    """True if it lies on the side of the usual level that the measure is meant to move to."""
    return (float(tally.score or 0) > centre) is (series.measure.improvement is Improvement.INCREASE)


def funnel_story(found: Funnel | NoFunnel, language: Language = ENGLISH) -> tuple[str, ...]:
    """The sentences that stand beside a funnel, or in its place."""
    if isinstance(found, NoFunnel):
        return (_no_funnel(found, language),)
    judged = [c for c in found.centres if c.limits is not None]
    outside = [c for c in judged if c.is_outside]
    period, network = period_in_words(found.period, language), tally_in_words(found.network, language)
    said = [
        language.say("{period}, all centres together: {counted}.", period=period, counted=network),
        language.say(
            "{number} of the {of} centres that are shown lie where chance alone may put them.",
            number=len(judged) - len(outside),
            of=len(judged),
        ),
    ]
    if outside:
        said.append(language.say("Outside: {centres}.", centres="; ".join(_named(c, language) for c in outside)))
    said.append(
        language.say(
            "With {of} centres, chance alone puts at least one outside in {number} of 100 such pictures.",
            of=len(judged),
            number=f"{found.outside_by_chance * 100:.0f}",
        )
    )
    if hidden := len(found.centres) - len(judged):
        said.append(
            language.plural(
                "{number} of {of} centres is not shown: too few people on one side. It may lie anywhere.",
                "{number} of {of} centres are not shown: too few people on one side. They may lie anywhere.",
                hidden,
                of=len(found.centres),
            )
        )
    return tuple(map(_sentence, said))


def _no_funnel(found: NoFunnel, language: Language) -> str:
    if found.why is WhyNoFunnel.MEDIAN:
        return language.say("Centres are not shown beside each other: of days there is no measure of what chance does.")
    if found.period is None:
        return language.say("Centres are not shown beside each other: there is no period whose total can be shown.")
    said = language.say(
        "Centres are not shown beside each other: in {period} {number} of {of} have enough people on both sides, and it"
        " takes three.",
        period=period_in_words(found.period, language),
        number=found.shown,
        of=found.centres,
    )
    return f"{said} {language.say(LONGER[found.period.every])}" if found.shown < found.centres else said


def _named(centre: Centre, language: Language) -> str:
    return f"{centre.reporter.partition('/')[2]} {tally_in_words(centre.tally, language)}"


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
