"""One measure, one definition: over a network *asked first* counts what the service itself says of each patient."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fhir_mappings.carrier import decode
from fhir_mappings.codes import ADMISSION_PREFERENCE, ENCLOSED_PRECONDITION, OBSERVATION_REPLACES, PREFERENCE_TOPIC
from fhir_mappings.decision import AdmissionPreference
from fhir_mappings.measuring import Every
from service.gateways.definitions import conflict_rules, published
from service.measure_definitions import measures
from service.networks.counting import count
from service.networks.engines import DuckDB, flatten
from tests.service.networks import reference

BEGIN = datetime(2025, 3, 3, 8, tzinfo=UTC)
AS_OF = date(2025, 6, 1)
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
SNOMED = "http://snomed.info/sct"
CLASSES = ("IMP", "OBSENC", "SS", "AMB")
ORDERED = ("32485007", "305351004", "183452005", "27114001")
Resource = dict[str, Any]


def a_record(chance: random.Random, people: int) -> Iterator[Resource]:
    """Patients of whom much was said, changed, replaced and ended around a few orders, all within some hours."""
    for number in range(people):
        name = f"p{number}"
        yield {
            "resourceType": "Patient",
            "id": name,
            "managingOrganization": {"reference": f"Organization/{name}"},
            "birthDate": "2010-01-01",
            "communication": [{"language": {"coding": [{"code": "en"}]}}],
        }
        said: list[str] = []
        for _ in range(chance.randint(0, 4)):
            preference = a_preference(chance, name, said)
            said.append(preference["id"])
            yield preference
        orders = [an_order(chance, name, at) for at in range(chance.randint(0, 2))]
        yield from orders
        yield from (a_stay(chance, name, at, orders) for at in range(chance.randint(0, 2)))


def a_preference(chance: random.Random, patient: str, earlier: list[str]) -> Resource:
    code = {"coding": [{"system": "http://loinc.org", "code": "75773-2"}]}
    value: Resource = {"valueString": "Something else"}
    match chance.randrange(8):
        case 0:
            code["coding"].append({"system": PREFERENCE_TOPIC, "code": "admission"})
        case 1:
            pass
        case _:
            answer = str(chance.choice(list(AdmissionPreference)))
            value = {"valueCodeableConcept": {"coding": [{"system": ADMISSION_PREFERENCE, "code": answer}]}}
    begun = a_moment(chance)
    when: Resource = {"effectiveDateTime": chance.choice([begun, begun, begun[:10]])}
    if chance.random() < 0.3:
        when = {"effectivePeriod": {"start": begun, "end": later(chance, begun)}}
    extension = []
    if chance.random() < 0.3:
        condition = {"text": chance.choice(["if it hurts", "if I am alone"])}
        extension.append({"url": ENCLOSED_PRECONDITION, "valueCodeableConcept": condition})
    if earlier and chance.random() < 0.2:
        replaced = {"reference": f"Observation/{chance.choice(earlier)}"}
        extension.append({"url": OBSERVATION_REPLACES, "valueReference": replaced})
    return {
        "resourceType": "Observation",
        "id": f"o{patient}-{len(earlier)}",
        "status": chance.choice(["final", "final", "final", "amended", "entered-in-error"]),
        "code": code,
        "subject": {"reference": f"Patient/{patient}"},
        **when,
        **({"issued": later(chance, begun)} if chance.random() < 0.8 else {}),
        **({"extension": extension} if extension else {}),
        **value,
    }


def an_order(chance: random.Random, patient: str, at: int) -> Resource:
    coded = {"coding": [{"system": SNOMED, "code": chance.choice(ORDERED)}]}
    return {
        "resourceType": "ServiceRequest",
        "id": f"s{patient}-{at}",
        "status": chance.choice(["active", "completed", "on-hold", "draft", "revoked"]),
        "intent": "order",
        **({"code": coded} if chance.random() < 0.8 else {"category": [coded]}),
        **({"doNotPerform": True} if chance.random() < 0.1 else {}),
        "subject": {"reference": f"Patient/{patient}"},
        "authoredOn": a_moment(chance),
    }


def a_stay(chance: random.Random, patient: str, at: int, orders: list[Resource]) -> Resource:
    based = [{"reference": f"ServiceRequest/{chance.choice(orders)['id']}"}] if orders and chance.random() < 0.5 else []
    return {
        "resourceType": "Encounter",
        "id": f"e{patient}-{at}",
        "status": chance.choice(["planned", "arrived", "in-progress", "finished", "cancelled"]),
        "class": {"system": ACT_CODE, "code": chance.choice(CLASSES)},
        **(
            {"type": [{"coding": [{"system": SNOMED, "code": chance.choice(ORDERED)}]}]}
            if chance.random() < 0.3
            else {}
        ),
        "subject": {"reference": f"Patient/{patient}"},
        "period": {"start": a_moment(chance)},
        **({"basedOn": based} if based else {}),
    }


def a_moment(chance: random.Random) -> str:
    return (BEGIN + timedelta(days=chance.choice([0, 0, 0, 40]), minutes=chance.randint(0, 30))).isoformat()


def later(chance: random.Random, moment: str) -> str:
    return (datetime.fromisoformat(moment) + timedelta(minutes=chance.randint(0, 20))).isoformat()


@pytest.mark.parametrize("seed", [1, 2])
def test_asked_first_is_the_same_for_one_patient_and_for_a_network(seed: int, tmp_path: Path) -> None:
    record = list(a_record(random.Random(seed), people=400))
    for resource in record:
        with (tmp_path / f"{resource['resourceType']}.ndjson").open("a") as file:
            file.write(json.dumps(resource) + "\n")
    engine = DuckDB()
    flatten(engine, tmp_path, tmp_path / "flat")
    found = count(engine, tmp_path / "flat", [measures()["asked-first"]], as_of=AS_OF, every=Every.MONTH)
    # Each patient is a centre of their own here, so that each is compared.
    counted = {(c.period.start, name): (t.numerator, t.denominator) for c in found for name, t in c.centres.items()}
    by_type: dict[str, list[Resource]] = {name: [] for name in ("RelatedPerson", "ServiceRequest", "Encounter")}
    for resource in record:
        by_type.setdefault(resource["resourceType"], []).append(resource)
    expected = reference.tallies(by_type, "asked-first", AS_OF)

    assert counted == {(month, name): both for (month, of, name), both in expected.items() if of == "centre"}
    assert len(counted) > 200
    assert {n for n, _ in counted.values()} >= {0, 1}


def test_the_measure_looks_for_what_the_rules_call_an_admission() -> None:
    measure = measures()["asked-first"]

    assert {(c.system, c.code) for c in measure.codes} == conflict_rules().admission.codes


@pytest.mark.parametrize("name", measures())
def test_each_measure_is_published_as_it_is_counted(name: str) -> None:
    resource = decode(published("Measure", name) or b"{}")

    assert f"{resource['url']}|{resource['version']}" == measures()[name].canonical
