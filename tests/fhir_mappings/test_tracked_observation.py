"""An Observation with parts, a profile and the name of its entry; and its correction, which touches nothing else."""

from dataclasses import replace
from decimal import Decimal

import pytest

from fhir_mappings.bundle import as_written
from fhir_mappings.carrier import Json
from fhir_mappings.codes import ObservationCategory, ObservationStatus
from fhir_mappings.elements import MappingError
from fhir_mappings.model import Component, Concept, Observation, Quantity
from fhir_mappings.observation import observation_from_fhir, observation_to_fhir
from tests.builders import NOW, PATIENT

MMHG = "mm[Hg]"
PRESSURE = Observation(
    id="o1",
    version="1",
    subject=PATIENT,
    status=ObservationStatus.FINAL,
    code=Concept("Blood pressure"),
    value=None,
    effective=NOW,
    category=ObservationCategory.VITAL_SIGNS,
    note="after the stairs",
    components=(Component(Concept("systolic"), Quantity(Decimal(120), MMHG, MMHG)),),
    profile="http://hl7.org/fhir/us/core/StructureDefinition/us-core-blood-pressure",
    client_item="phone-1.0",
    fingerprint="f",
)


def stored(observation: Observation = PRESSURE) -> Json:
    return as_written(observation_to_fhir(observation), "o1", "1")


def test_a_panel_with_its_profile_and_its_names_comes_back_as_it_was_said() -> None:
    assert observation_from_fhir(stored()) == PRESSURE


def test_a_correction_leaves_what_it_is_not_about() -> None:
    theirs = stored(replace(PRESSURE, value=5)) | {"method": {"text": "cuff"}}
    before = observation_from_fhir(theirs)
    after = replace(before, status=ObservationStatus.AMENDED, value=Quantity(Decimal(5), "kg", "kg"), note="again")
    written = observation_to_fhir(replace(after, components=()), onto=theirs)

    assert [n["text"] for n in written["note"]] == ["after the stairs", "again"]
    assert (written["status"], written["method"]) == ("amended", theirs["method"])
    assert "component" not in written
    assert "valueInteger" not in written
    assert observation_from_fhir(written).value == after.value
    assert theirs["status"] == "final"


def test_a_correction_of_the_time_alone() -> None:
    later = replace(PRESSURE, effective=NOW.replace(hour=10))
    timeless = observation_to_fhir(replace(PRESSURE, effective=None, note=None), onto=stored())

    assert observation_from_fhir(observation_to_fhir(later, onto=stored())) == later
    assert "effectiveDateTime" not in timeless
    assert timeless["note"] == stored()["note"]


def test_what_nobody_here_understands_is_not_corrected() -> None:
    with pytest.raises(MappingError, match="modifierExtension"):
        observation_to_fhir(PRESSURE, onto=stored() | {"modifierExtension": [{"url": "urn:not"}]})
