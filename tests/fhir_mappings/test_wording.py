"""What CoPlan itself says is said in each language that it ships, and only that."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.extract import extract_from_dir

from fhir_mappings.model import PartialDate
from fhir_mappings.pco import INVENTORY, PURPOSE
from fhir_mappings.wording import ENGLISH, SHIPPED, Language, _catalogue, language_of, phrase
from service.gateways.definitions import conflict_rules
from service.measure_definitions import measures

ROOT = Path(__file__).parents[2]
SPANISH = Language("es")


def sentences() -> set[tuple[str, ...]]:
    """Every English key in the code and in the data: alone, or with its plural."""
    keywords = {"say": None, "phrase": None, "plural": (1, 2), "Flaw": (2,)}
    found = {
        message if isinstance(message, tuple) else (message,)
        for package in ("fhir_mappings", "service")
        for _, _, message, _, _ in extract_from_dir(
            str(ROOT / package), method_map=[("**.py", "python")], keywords=keywords
        )
    }
    rules = conflict_rules()
    found |= {(r.title,) for r in rules.rules} | {(m.words,) for m in rules.modalities.values()}
    found |= {(words,) for m in measures().values() for words in (m.title, m.plain)}
    return found | {(display,) for codes in (INVENTORY, PURPOSE) for display in codes.codes.values()}


@pytest.mark.parametrize("tag", [tag for tag in SHIPPED if tag != ENGLISH.tag])
def test_every_sentence_is_translated_and_nothing_else_is(tag: str) -> None:
    catalogue = _catalogue(tag).sentences

    assert {message[0] for message in sentences()} == set(catalogue)


@pytest.mark.parametrize("tag", [tag for tag in SHIPPED if tag != ENGLISH.tag])
def test_a_translation_fills_the_same_gaps(tag: str) -> None:
    def gaps(sentence: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(sentence) if name}

    for english, translated in _catalogue(tag).sentences.items():
        assert [gaps(form) for form in translated] == [gaps(english)] * len(translated), english


def test_a_sentence_without_translation_is_said_in_english() -> None:
    assert SPANISH.say("Nobody has translated {this}", this="this") == "Nobody has translated this"
    assert SPANISH.plural("{number} tree", "{number} trees", 2) == "2 trees"
    assert phrase("as it is") == "as it is"


@pytest.mark.parametrize(
    ("language", "number", "said"),
    [
        (ENGLISH, 1, "1 goal is agreed."),
        (ENGLISH, 2, "2 goals are agreed."),
        (SPANISH, 1, "1 meta está acordada."),
        (SPANISH, 3, "3 metas están acordadas."),
    ],
)
def test_one_is_said_otherwise_than_many(language: Language, number: int, said: str) -> None:
    assert language.plural("{number} goal is agreed.", "{number} goals are agreed.", number) == said


@pytest.mark.parametrize(
    ("tag", "date", "said"),
    [
        ("en", "2026-12-01", "December 1, 2026"),
        ("en-GB", "2026-12-01", "1 December 2026"),
        ("en", "2026-12", "December 2026"),
        ("en", "2026", "2026"),
        ("es", "2026-12-01", "1 de diciembre de 2026"),
        ("es", "2026-12", "diciembre de 2026"),
        ("es-MX", "2026-12-01", "1 de diciembre de 2026"),
        ("es-XX-what", "2026", "2026"),
    ],
)
def test_dates_are_said_by_the_customs_of_the_language(tag: str, date: str, said: str) -> None:
    assert Language(tag).date(PartialDate(date)) == said


@pytest.mark.parametrize(
    ("past", "english", "spanish"),
    [
        (timedelta(seconds=5), "1 minute ago", "hace 1 minuto"),
        (timedelta(minutes=40), "40 minutes ago", "hace 40 minutos"),
        (timedelta(hours=2), "2 hours ago", "hace 2 horas"),
        (timedelta(hours=26), "1 day ago", "hace 1 día"),
    ],
)
def test_how_long_ago_is_said_in_the_largest_unit(past: timedelta, english: str, spanish: str) -> None:
    assert (ENGLISH.ago(past), SPANISH.ago(past)) == (english, spanish)


def test_numbers_keep_their_digits_and_lists_their_order() -> None:
    assert [ENGLISH.number(Decimal(n)) for n in ("72.50", "6000", "6E+3")] == ["72.50", "6000", "6000"]
    assert SPANISH.number(Decimal("72.50")) == "72,50"
    assert SPANISH.listing(["Ann", "Bo", "Rosa"]) == "Ann, Bo y Rosa"


@pytest.mark.parametrize(
    ("tags", "chosen"),
    [(("fr", "es-MX", "en"), "es-MX"), (("fr",), "en"), ((), "en"), (("EN-us",), "EN-us")],
)
def test_the_first_language_that_is_shipped_is_spoken(tags: tuple[str, ...], chosen: str) -> None:
    assert language_of(tags).tag == chosen


def test_what_a_person_says_is_no_template() -> None:
    assert ENGLISH.say("Done: {outcome}", outcome="{secret}") == "Done: {secret}"
