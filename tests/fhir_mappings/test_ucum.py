"""Slips in units are known, and every code that is hinted at is one of UCUM."""

import pytest

from fhir_mappings.elements import MappingError, checked_unit
from fhir_mappings.ucum import MEANT, meant
from service.domain.units import is_ucum


@pytest.mark.parametrize(
    ("unit", "accepted", "codes"),
    [
        ("mmHg", (), ("mm[Hg]",)),
        ("mm Hg", (), ("mm[Hg]",)),
        ("lbs", (), ("[lb_av]",)),
        ("IU", (), ("[IU]",)),
        ("units", (), ("[IU]", "{units}")),
        ("units", ("[IU]",), ("[IU]",)),
        ("steps", (), ("{steps}/d", "{steps}")),
        ("steps", ("{steps}/d",), ("{steps}/d",)),
        ("MG/DL", ("mg/dL", "mmol/L"), ("mg/dL",)),
        ("lb", ("mg/dL",), ()),
        ("stars", (), ()),
    ],
)
def test_a_slip_says_what_was_meant(unit: str, accepted: tuple[str, ...], codes: tuple[str, ...]) -> None:
    assert meant(unit, accepted) == codes


def test_only_codes_of_ucum_are_hinted_at_and_no_slip_is_one() -> None:
    assert all(is_ucum(code) for codes in MEANT.values() for code in codes)
    assert {slip for slip in MEANT if is_ucum(slip)} == {"ft", "st", "u"}, "each means something else in UCUM"


def test_a_unit_that_is_none_names_the_code_that_was_meant() -> None:
    with pytest.raises(MappingError, match=r"did you mean mm\[Hg\]\?"):
        checked_unit("mm Hg", "unit")
