"""What a chart says, for who does not see it and in its legend: plain words, and nobody is praised or blamed.

The names of the statistics (median, shift, crossings) stand in the JSON; here is what they mean. How a thing is said in
which language is for `fhir_mappings.wording` to know.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from fhir_mappings.target import detail_in_words
from fhir_mappings.wording import Language, phrase
from service.domain.run_chart import LEAST_FOR_RULES, Pace, RunChart

ONE_MARK: Final = {
    Pace.DAY: phrase("One mark a day"),
    Pace.WEEK: phrase("One mark a week: the middle value"),
    Pace.MONTH: phrase("One mark a month: the middle value"),
}
SEVERAL_A_DAY: Final = phrase("One mark a day: the middle value")
ADDED_UP: Final[Mapping[Pace, str]] = {
    Pace.DAY: phrase("One mark a day: all of the day added up"),
    Pace.WEEK: phrase("One mark a week: the middle day, each day added up"),
    Pace.MONTH: phrase("One mark a month: the middle day, each day added up"),
}


def sentences(chart: RunChart, language: Language) -> tuple[str, ...]:
    """The chart for who does not see it; of a panel each part after its name."""
    if chart.parts:
        return tuple(said for part in chart.parts for said in (f"{part.what}:", *sentences(part, language)))
    return tuple(_sentences(chart, language))


def title(chart: RunChart, language: Language) -> str:
    """What the picture shows."""
    return language.say("{what} over time", what=chart.what)


def target_in_words(chart: RunChart, language: Language) -> str | None:
    """`70 to 180 mg/dL`, `less than 7 %`: the comparator as it was agreed."""
    return detail_in_words(chart.aim.said, language) if chart.aim else None


def nothing_in_words(chart: RunChart, language: Language) -> str:
    """Why there is no mark."""
    return language.say("No values in this unit") if chart.left_out else language.say("No values yet")


def marks_in_words(chart: RunChart, language: Language) -> str:
    """What one mark stands for."""
    if chart.summed:
        return language.say(ADDED_UP[chart.pace])
    several = chart.pace is Pace.DAY and any(m.count > 1 for m in chart.marks)
    return language.say(SEVERAL_A_DAY if several else ONE_MARK[chart.pace])


def number(value: Decimal | float, language: Language) -> str:
    """As people write it: at most three digits behind the point and none that says nothing."""
    exact = value if isinstance(value, Decimal) else Decimal(f"{value:.4g}")
    rounded = exact.quantize(Decimal("0.001")) if abs(exact) < 10**12 else exact
    return language.number(rounded.normalize())


def _sentences(chart: RunChart, language: Language) -> Iterator[str]:
    if target := target_in_words(chart, language):
        yield language.say("Target: {target}.", target=target)
    if not chart.marks:
        yield f"{nothing_in_words(chart, language)}."
    else:
        yield from _series(chart, language)
    if chart.left_out:
        yield language.plural(
            "{number} value in another unit is left out.",
            "{number} values in another unit are left out.",
            chart.left_out,
        )
    if chart.more:
        yield language.say("Older values are not shown.")


def _series(chart: RunChart, language: Language) -> Iterator[str]:
    yield from _extent(chart, language)
    if len(chart.marks) == 1:
        return
    if last := chart.last_days:
        yield language.say("Recorded on {recorded} of the last {of} days.", recorded=last.recorded, of=last.of)
        if last.met:
            yield language.say("Target met on {met} of these.", met=last.met)
    yield from _missing(chart, language)
    yield from _changes(chart, language)
    if ahead := chart.forecast:
        low, high = (number(v, language) for v in (ahead.low, ahead.high))
        day = language.short_day(ahead.day)
        yield language.say(
            "If nothing changes, 9 of 10 values around {day} lie between {low} and {high}.", day=day, low=low, high=high
        )


def _extent(chart: RunChart, language: Language) -> Iterator[str]:
    if latest := chart.latest:
        value = f"{number(latest.value, language)} {chart.unit}".strip()
        if chart.unfinished:
            yield language.say("Today so far: {value}.", value=value)
        else:
            yield language.say("Latest: {value} on {day}.", value=value, day=language.short_day(latest.at.date()))
    if len(chart.marks) == 1 and chart.marks[0].count == 1:
        yield language.say("One value so far.")
        return
    yield f"{marks_in_words(chart, language)}."
    if len(chart.marks) > 1:
        first, last = (language.short_day(m.day) for m in (chart.marks[0], chart.marks[-1]))
        yield language.say("{count} marks from {first} to {last}.", count=len(chart.marks), first=first, last=last)


def _missing(chart: RunChart, language: Language) -> Iterator[str]:
    if len(chart.gaps) == 1:
        after, before = (language.short_day(d) for d in (chart.gaps[0].after, chart.gaps[0].before))
        yield language.say("No values between {after} and {before}.", after=after, before=before)
    elif chart.gaps:
        yield language.say("Values are missing in {count} places.", count=len(chart.gaps))


def _changes(chart: RunChart, language: Language) -> Iterator[str]:
    signals = chart.signals
    if signals is None and len(chart.marks) >= LEAST_FOR_RULES and len({m.value for m in chart.marks}) == 1:
        yield language.say("Always the same so far.")
        return
    if signals is None:
        yield language.say("Too few values to tell a change from the usual ups and downs.")
        return
    if signals.shift:
        yield language.say(
            "Something has probably changed: {run} marks in a row lie on one side of the middle line. "
            "By chance there would hardly be more than {limit}.",
            run=signals.longest_run,
            limit=signals.longest_expected,
        )
    elif signals.few_crossings:
        yield language.plural(
            "Something has probably changed: the values stay long on one side of the middle line and cross it only "
            "{number} time. By chance they would cross it at least {limit} times.",
            "Something has probably changed: the values stay long on one side of the middle line and cross it only "
            "{number} times. By chance they would cross it at least {limit} times.",
            signals.crossings,
            limit=signals.fewest_expected,
        )
    else:
        yield language.say("No change beyond the usual ups and downs.")
