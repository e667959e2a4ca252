"""A target that came as codes alone is told in words."""

from dataclasses import replace
from decimal import Decimal

import pytest

from fhir_mappings.codes import QuantityComparator
from fhir_mappings.model import Coding, Concept, Quantity, Range, Target
from fhir_mappings.target import self_standing_text, target_in_words
from fhir_mappings.wording import Language
from service.domain.readable import readable
from service.settings import Settings

CATALOGUE = Settings(fhir_base_url="http://fhir.test/fhir").catalogue
LOINC = "http://loinc.org"


def coded(code: str) -> Concept:
    return Concept(None, (Coding(LOINC, code),))


def amount(value: str, code: str, unit: str | None = None) -> Quantity:
    return Quantity(Decimal(value), code, unit, QuantityComparator.AT_MOST)


PAIN = Target(coded("72514-3"), amount("3", "{score}"))
PRESSURE = Target(coded("8480-6"), Range(high=Quantity(Decimal(130), "mm[Hg]")))
WEIGHT = Target(coded("29463-7"), Range(Quantity(Decimal(60), "kg"), Quantity(Decimal(65), "kg")))


@pytest.mark.parametrize(
    ("target", "english", "spanish"),
    [
        pytest.param(
            PAIN,
            "Pain, 0 none to 10 worst: at most 3 of 10",
            "Dolor, de 0 nada a 10 el peor: como máximo 3 de 10",
            id="a rating",
        ),
        pytest.param(
            PRESSURE,
            "Upper value (systolic): at most 130 mmHg",
            "Valor alto (sistólica): como máximo 130 mmHg",
            id="a part of a panel",
        ),
        pytest.param(WEIGHT, "Weight: 60 to 65 kg", "Peso: de 60 a 65 kg", id="a range"),
        pytest.param(Target(coded("72514-3"), "less"), "Pain, 0 none to 10 worst: less", None, id="no number"),
    ],
)
def test_codes_are_told_in_the_words_of_the_catalogue(target: Target, english: str, spanish: str | None) -> None:
    assert target_in_words(readable(target, CATALOGUE, "en")) == english
    if spanish:
        assert target_in_words(readable(target, CATALOGUE, "es"), Language("es")) == spanish
    assert readable(target, CATALOGUE, "de") == readable(target, CATALOGUE, "en"), "in English where there are none"


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(Target(Concept("My knee", coded("72514-3").codings), amount("3", "{score}", "ouch")), id="words"),
        pytest.param(Target(Concept(None, (Coding(LOINC, "72514-3", "Pain"),)), "less"), id="a display"),
        pytest.param(Target(coded("1-8"), amount("3", "{cups}")), id="of no catalogue"),
        pytest.param(Target(None, amount("3", "kg")), id="without a measure"),
    ],
)
def test_what_somebody_wrote_stays(target: Target) -> None:
    assert readable(target, CATALOGUE, "es") == target


def test_a_unit_that_is_not_taken_stays_as_it_is() -> None:
    stone = readable(replace(PAIN, measure=coded("29463-7"), detail=amount("10", "[stone_av]")), CATALOGUE, "en")

    assert target_in_words(stone) == "Weight: at most 10 [stone_av]"


def test_a_description_has_no_codes() -> None:
    said = self_standing_text("Less pain", [readable(PAIN, CATALOGUE, "en")])

    assert said == "Less pain (target: Pain, 0 none to 10 worst: at most 3 of 10)"
