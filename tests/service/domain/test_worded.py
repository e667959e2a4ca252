"""What was measured is told in the reader's words."""

from decimal import Decimal

from fhir_mappings.codes import ObservationStatus
from fhir_mappings.model import Coding, Concept, Observation, Quantity
from service.domain.tracking import Amount, Reading, observed
from service.domain.worded import worded
from service.settings import Settings
from tests.builders import NOW, PATIENT, an_occasion

CATALOGUE = Settings(fhir_base_url="http://fhir.test/fhir").catalogue


def entered(what: str, amount: Amount) -> Observation:
    return observed(Reading(what, amount, NOW), PATIENT, "i1", CATALOGUE, an_occasion())


def test_a_panel_is_told_part_by_part() -> None:
    pressure = entered("blood-pressure", Amount(parts={"systolic": Decimal(121), "diastolic": Decimal(79)}))
    shown = worded(pressure, CATALOGUE, "es")

    trackable = CATALOGUE.get("blood-pressure")
    assert trackable is not None
    assert shown.code.text == trackable.labels["es"]
    assert [c.code.text for c in shown.components] == [p.labels["es"] for p in trackable.parts]
    assert worded(shown, CATALOGUE, "de") == pressure, "in English where there is no such language"


def test_what_others_wrote_stays() -> None:
    steps = Concept("Pasitos", (Coding("http://loinc.org", "41950-7"),))
    walked = Observation(PATIENT, ObservationStatus.FINAL, steps, Quantity(Decimal(9), "{steps}/d", "pasitos"), NOW)
    unknown = Observation(PATIENT, ObservationStatus.FINAL, Concept("Cups of tea"), "three", NOW)

    assert worded(walked, CATALOGUE, "es") == walked
    assert worded(unknown, CATALOGUE, "es") is unknown
