"""What CoPlan itself says, in the reader's language; a person's own words never come here.

An English sentence with named gaps is the key; the catalogues of other languages are gettext files. Plurals, dates,
numbers and lists follow CLDR.

Source: https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html
    https://cldr.unicode.org/
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date as day
from datetime import time, timedelta
from decimal import Decimal
from functools import cache
from gettext import c2py
from importlib.resources import files
from typing import Any, Final

from babel import Locale, UnknownLocaleError
from babel.dates import (
    format_date,
    format_skeleton,
    format_time,
    format_timedelta,
    get_day_names,
    get_month_names,
)
from babel.lists import format_list
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from fhir_mappings.model import PartialDate

SHIPPED: Final = ("en", "es")
"""Primary subtags of BCP 47 that have a catalogue; English needs none."""
_SKELETONS: Final = {0: "y", 1: "yMMMM", 2: "yMMMMd"}
"""How much of a partial date there is to say, by the number of its hyphens."""


def phrase(message: str) -> str:
    """The sentence itself: marks one that is kept in a table as one to be translated."""
    return message


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Sentences by their English key, and which plural form goes with which number."""

    sentences: Mapping[str, tuple[str, ...]]
    form: Callable[[int], int]


@dataclass(frozen=True, slots=True)
class Language:
    """One language, with the customs of its region: `es-MX` has the sentences of `es` and the dates of Mexico."""

    tag: str

    def say(self, message: str, **parts: object) -> str:
        """The sentence with its gaps filled. One that the catalogue lacks is said in English."""
        return _said(self._forms(message, (message,))[0], parts)

    def plural(self, one: str, many: str, number: int, **parts: object) -> str:
        """The sentence in the plural form that goes with the number; `{number}` is the number itself."""
        catalogue = _catalogue(self.primary)
        forms = self._forms(one, (one, many))
        return _said(forms[min(catalogue.form(number), len(forms) - 1)], {"number": number, **parts})

    def date(self, value: PartialDate) -> str:
        """As much of the date as is known: `December 1, 2026`, `December 2026`, `2026`."""
        hyphens = value.text.count("-")
        if hyphens == 2:
            return format_date(value.first_day, "long", self.locale)
        return format_skeleton(_SKELETONS[hyphens], value.first_day, locale=self.locale)

    def short_day(self, value: day, *, year: bool = True) -> str:
        """For a chart: `Dec 3, 2026`, in Spanish `3 dic 2026`."""
        return format_skeleton("yMMMd" if year else "MMMd", value, locale=self.locale)

    def short_month(self, value: day) -> str:
        """For a chart: `Dec 2026`."""
        return format_skeleton("yMMM", value, locale=self.locale)

    def ago(self, past: timedelta) -> str:
        """How long it is since then, in its largest unit, a minute at least: `2 hours ago`, `hace 2 horas`."""
        since = max(past, timedelta(minutes=1))
        return format_timedelta(-since, granularity="minute", add_direction=True, locale=self.locale)

    def clock(self, value: time) -> str:
        """By the clock of the language: `7:00 AM`, in Spanish `7:00`."""
        return format_time(value, "short", locale=self.locale)

    def weekday(self, number: int) -> str:
        """The name of a day of the week, 0 is Monday."""
        return str(get_day_names(locale=self.locale)[number])

    def number(self, value: Decimal) -> str:
        """With the digits that it came with: `72.50`, in Spanish `72,50`. No grouping: `6000` stays one word."""
        places = max(0, -int(Decimal(value).as_tuple().exponent))
        return format_decimal(value, f"0.{'0' * places}" if places else "0", self.locale)

    def count(self, value: int) -> str:
        """A count, grouped: `1,028`."""
        return format_decimal(value, locale=self.locale)

    def month(self, number: int) -> str:
        """The name of a month, 1 is January."""
        return str(get_month_names(locale=self.locale)[number])

    def name_of(self, language: str) -> str:
        """The name of a language by its code: `Spanish`; the code itself where CLDR has none."""
        return str(self.locale.languages.get(language, language))

    def listing(self, parts: Iterable[str]) -> str:
        """`Ann, Bo and Rosa`, by the customs of the language."""
        return format_list(list(parts), locale=self.locale)

    @property
    def primary(self) -> str:
        return self.tag.partition("-")[0].lower()

    @property
    def locale(self) -> Locale:
        return _locale(self.tag)

    def _forms(self, message: str, otherwise: tuple[str, ...]) -> tuple[str, ...]:
        return _catalogue(self.primary).sentences.get(message, otherwise)


ENGLISH: Final = Language("en")


def language_of(tags: Iterable[str], otherwise: Language = ENGLISH) -> Language:
    """The first of these BCP 47 tags that there is a catalogue for."""
    return next((Language(tag) for tag in tags if tag.partition("-")[0].lower() in SHIPPED), otherwise)


@cache
def _locale(tag: str) -> Locale:
    try:
        return Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale.parse(tag.partition("-")[0])


@cache
def _catalogue(primary: str) -> Catalogue:
    if primary == ENGLISH.tag:
        return Catalogue({}, lambda number: int(number != 1))
    with files(__package__).joinpath("languages", f"{primary}.po").open("rb") as file:
        catalogue = read_po(file, locale=primary)
    return Catalogue(
        dict(_entry(m) for m in catalogue if m.id and m.string and not m.fuzzy), c2py(catalogue.plural_expr)
    )


def _entry(message: Any) -> tuple[str, tuple[str, ...]]:
    """A sentence with a plural has a tuple of ids and of translations."""
    if isinstance(message.id, tuple):
        return message.id[0], tuple(message.string)
    return message.id, (message.string,)


def _said(sentence: str, parts: Mapping[str, object]) -> str:
    return sentence.format_map(parts) if parts else sentence
