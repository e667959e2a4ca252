"""What a chart says, in the languages that are shipped. Numbers are told as numbers; nobody is praised or blamed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from service.domain.run_chart import Pace, RunChart, Signals

LANGUAGES: Final = ("en", "es")


@dataclass(frozen=True, slots=True)
class Words:
    """One language. Sentences have names for what is filled in."""

    months: tuple[str, ...]
    target: str
    median: str
    likely: str
    nothing: str
    missing: str
    range: str
    at_least: str
    at_most: str
    title: str
    one_mark: dict[Pace, str]
    spread: str
    latest: str
    values: str
    one_value: str
    recorded: str
    met: str
    gaps: str
    one_gap: str
    shift: str
    few_crossings: str
    no_signal: str
    too_few: str
    forecast: str
    older: str
    decimal_comma: bool = False


ENGLISH: Final = Words(
    months=("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    target="Target",
    median="Median",
    likely="Likely range",
    nothing="No values yet",
    missing="no values",
    range="{low} to {high}",
    at_least="at least {low}",
    at_most="at most {high}",
    title="Run chart: {what}",
    one_mark={
        Pace.DAY: "One mark a day",
        Pace.WEEK: "One mark a week (its median)",
        Pace.MONTH: "One mark a month (its median)",
    },
    spread="Bar: from lowest to highest",
    latest="Latest: {value} on {day}.",
    values="{count} marks from {first} to {last}.",
    one_value="One value so far.",
    recorded="Recorded on {recorded} of the last {of} days.",
    met="Target met on {met} of these.",
    gaps="Values are missing in {count} places.",
    one_gap="Values are missing from {after} to {before}.",
    shift="More than chance: {run} marks in a row on one side of the median (up to {limit} would be expected).",
    few_crossings="More than chance: crossings of the median: {count} ({limit} or more would be expected).",
    no_signal="No sign of a change beyond chance.",
    too_few="Too few values to tell a change from chance.",
    forecast="If nothing changes, 9 of 10 values around {day} lie between {low} and {high}.",
    older="Older values are not shown.",
)
SPANISH: Final = Words(
    months=("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"),
    target="Meta",
    median="Mediana",
    likely="Rango probable",
    nothing="Aún no hay valores",
    missing="sin valores",
    range="{low} a {high}",
    at_least="al menos {low}",
    at_most="como máximo {high}",
    title="Gráfico de evolución: {what}",
    one_mark={
        Pace.DAY: "Una marca por día",
        Pace.WEEK: "Una marca por semana (su mediana)",
        Pace.MONTH: "Una marca por mes (su mediana)",
    },
    spread="Barra: del menor al mayor",
    latest="Último: {value} el {day}.",
    values="{count} marcas del {first} al {last}.",
    one_value="Un valor hasta ahora.",
    recorded="Registrado en {recorded} de los últimos {of} días.",
    met="Meta alcanzada en {met} de ellos.",
    gaps="Faltan valores en {count} lugares.",
    one_gap="Faltan valores del {after} al {before}.",
    shift="Más que casualidad: {run} marcas seguidas a un lado de la mediana (se esperarían hasta {limit}).",
    few_crossings="Más que casualidad: cruces de la mediana: {count} (se esperarían {limit} o más).",
    no_signal="Sin señal de un cambio más allá de la casualidad.",
    too_few="Muy pocos valores para distinguir un cambio de la casualidad.",
    forecast="Si nada cambia, 9 de cada 10 valores hacia el {day} estarán entre {low} y {high}.",
    older="No se muestran valores más antiguos.",
    decimal_comma=True,
)
WORDS: Final = {"en": ENGLISH, "es": SPANISH}


def accepted_language(header: str) -> str:
    """The shipped language that the caller likes best; English without any.

    Source: https://www.rfc-editor.org/rfc/rfc9110#field.accept-language
    """
    ranked = sorted(map(_weighed, header.lower().split(",")), key=lambda pair: -pair[0])
    wanted = (name.partition("-")[0] for weight, name in ranked if weight > 0)
    return next((name for name in wanted if name in LANGUAGES), LANGUAGES[0])


def sentences(chart: RunChart, words: Words) -> tuple[str, ...]:
    """The chart for who does not see it."""
    return tuple(_sentences(chart, words))


def target_in_words(chart: RunChart, words: Words) -> str | None:
    """`70 to 180 mg/dL`"""
    if chart.low is None and chart.high is None:
        return None
    pattern = words.at_most if chart.low is None else words.at_least if chart.high is None else words.range
    said = pattern.format(low=number(chart.low or 0, words), high=number(chart.high or 0, words))
    return f"{said} {chart.unit}".strip()


def number(value: Decimal | float, words: Words) -> str:
    """As people write it: at most three digits behind the point and none that says nothing."""
    exact = value if isinstance(value, Decimal) else Decimal(f"{value:.4g}")
    said = f"{exact.quantize(Decimal('0.001')).normalize():f}" if abs(exact) < 10**12 else f"{exact:f}"
    return said.replace(".", ",") if words.decimal_comma else said


def day_text(day: date, words: Words, *, year: bool = True) -> str:
    """`3 Dec 2026`"""
    return f"{day.day} {words.months[day.month - 1]}" + (f" {day.year}" if year else "")


def month_text(day: date, words: Words) -> str:
    """`Dec 2026`"""
    return f"{words.months[day.month - 1]} {day.year}"


def _sentences(chart: RunChart, words: Words) -> Iterator[str]:
    if target := target_in_words(chart, words):
        yield f"{words.target}: {target}."
    if not chart.marks:
        yield f"{words.nothing}."
        return
    last = chart.marks[-1]
    yield words.latest.format(value=f"{number(last.value, words)} {chart.unit}".strip(), day=day_text(last.day, words))
    if len(chart.marks) == 1:
        yield words.one_value
    else:
        first, final = (day_text(chart.marks[i].day, words) for i in (0, -1))
        yield words.values.format(count=len(chart.marks), first=first, last=final)
    yield from _recorded(chart, words)
    yield from _missing(chart, words)
    yield from _changes(chart.signals, words) if chart.signals else [words.too_few]
    if ahead := chart.forecast:
        low, high = (number(_rounded(v), words) for v in (ahead.low, ahead.high))
        yield words.forecast.format(day=day_text(ahead.day, words), low=low, high=high)
    if chart.more:
        yield words.older


def _recorded(chart: RunChart, words: Words) -> Iterator[str]:
    if last := chart.last_days:
        said = words.recorded.format(recorded=last.recorded, of=last.of)
        yield said if not last.met else f"{said} {words.met.format(met=last.met)}"


def _missing(chart: RunChart, words: Words) -> Iterator[str]:
    if len(chart.gaps) == 1:
        after, before = (day_text(d, words) for d in (chart.gaps[0].after, chart.gaps[0].before))
        yield words.one_gap.format(after=after, before=before)
    elif chart.gaps:
        yield words.gaps.format(count=len(chart.gaps))


def _changes(signals: Signals, words: Words) -> Iterator[str]:
    if signals.shift:
        yield words.shift.format(run=signals.longest_run, limit=signals.longest_expected)
    if signals.few_crossings:
        yield words.few_crossings.format(count=signals.crossings, limit=signals.fewest_expected)
    if not signals.shift and not signals.few_crossings:
        yield words.no_signal


def _rounded(value: float) -> float:
    """Two or three digits: a forecast knows no more."""
    return float(f"{value:.3g}")


def _weighed(language_range: str) -> tuple[float, str]:
    name, _, parameters = language_range.strip().partition(";")
    try:
        return float(parameters.strip().removeprefix("q=") or "1"), name.strip()
    except ValueError:
        return 0.0, name.strip()
