"""Which names are known, and what stays somebody's own."""

from decimal import Decimal

import pytest

from fhir_mappings.model import Coding, Concept, Quantity, Range, Target, TargetDetail
from service.domain.named_measures import coded
from service.settings import Settings

CATALOGUE = Settings(fhir_base_url="http://fhir.test/fhir").catalogue


def amount(value: int, unit: str) -> Quantity:
    return Quantity(Decimal(value), unit)


@pytest.mark.parametrize(
    ("name", "detail", "code"),
    [
        pytest.param("steps", amount(4000, "{steps}/d"), "41950-7", id="key"),
        pytest.param(" Steps ", amount(4000, "/d"), "41950-7", id="however it is written, in the same unit"),
        pytest.param("Exercise", Range(amount(20, "min"), amount(40, "min")), "55411-3", id="label, a range"),
        pytest.param("ejercicio", Range(amount(20, "min")), "55411-3", id="label in Spanish, open above"),
        pytest.param("glucose", amount(7, "mmol/L"), "14743-9", id="the code that goes with the unit"),
        pytest.param("glucose", amount(126, "mg/dL"), "41653-7", id="the code that goes with the other"),
        pytest.param("steps", amount(3, "km"), None, id="a unit of something else"),
        pytest.param("steps", amount(-3, "{steps}/d"), None, id="what cannot be meant"),
        pytest.param("glucose", Range(amount(4, "mmol/L"), amount(180, "mg/dL")), None, id="two units"),
        pytest.param("steps", "more than today", None, id="no amount"),
        pytest.param("stairs", amount(40, "1"), None, id="a name of one's own"),
        pytest.param("blood-pressure", amount(120, "mm[Hg]"), None, id="two values at once"),
        pytest.param(None, amount(4000, "{steps}/d"), None, id="no name"),
    ],
)
def test_a_name_of_the_catalogue_gets_its_code(name: str | None, detail: TargetDetail, code: str | None) -> None:
    (target,) = coded([Target(Concept(name), detail)], CATALOGUE)

    assert target.measure is not None
    assert [c.code for c in target.measure.codings] == ([code] if code else [])
    assert (target.measure.text, target.detail) == (name, detail)


def test_what_has_a_code_or_no_measure_stays_as_it_is() -> None:
    own = Target(Concept("steps", (Coding("urn:clinic", "s"),)), amount(4000, "{steps}/d"))

    assert coded([own, Target(None, own.detail)], CATALOGUE) == (own, Target(None, own.detail))
