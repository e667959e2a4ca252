"""The guard's last looks: at what a create has found, and at what the care team of two patients may mix."""

from dataclasses import replace
from typing import Any

import pytest

from fhir_mappings.bundle import Create, Written
from fhir_mappings.carrier import Json
from service.domain.actors import Role
from service.errors import InvalidContent, ResourceNotFound
from service.guarded_fhir import GuardedFhir
from tests.builders import an_actor

ANN, ZOE = "Patient/ann", "Patient/zoe"


def a_goal_of(patient: str, **parts: Any) -> Json:
    return {
        "resourceType": "Goal",
        "id": "g",
        "meta": {"versionId": "1"},
        "lifecycleStatus": "proposed",
        "description": {"text": "Walk"},
        "subject": {"reference": patient},
        "expressedBy": {"reference": patient},
        **parts,
    }


class Answering:
    """A FHIR server that answers a transaction with this resource, and has a Condition of Zoe's."""

    def __init__(self, resource: Json) -> None:
        self.resource = resource
        self.transactions = 0

    async def transact(self, _: Any) -> tuple[Written, ...]:
        self.transactions += 1
        return (Written(self.resource, created=False),)

    async def read(self, resource_type: str, resource_id: str) -> Json:
        return {"resourceType": resource_type, "id": resource_id, "subject": {"reference": ZOE}}

    async def capabilities(self) -> Json:
        return {"resourceType": "CapabilityStatement"}


def guarded(fhir: Answering, *patients: str) -> GuardedFhir:
    return GuardedFhir(fhir, an_actor(ANN, patients=frozenset(patients)))  # type: ignore[arg-type]


def new(resource: Json) -> Create:
    return Create({k: v for k, v in resource.items() if k not in {"id", "meta"}}, "urn:uuid:g")


async def test_what_a_create_has_found_of_somebody_else_is_not_shown() -> None:
    """A conditional create may match a resource that another patient's act left under the same identifier."""
    with pytest.raises(ResourceNotFound, match="Goal not found"):
        await guarded(Answering(a_goal_of(ZOE)), ANN).transact([new(a_goal_of(ANN))])


async def test_what_is_of_one_patient_is_never_referred_to_from_another() -> None:
    """Who may see both may still not mix them."""
    fhir = Answering(a_goal_of(ANN))
    guard = guarded(fhir, ANN, ZOE)
    await guard.read("Condition", "c")
    with pytest.raises(InvalidContent, match=r"Goal\.addresses.* has nothing to do with this patient"):
        await guard.transact([new(a_goal_of(ANN, addresses=[{"reference": "Condition/c"}]))])

    assert fhir.transactions == 0


async def test_what_its_writer_could_not_see_is_not_written() -> None:
    """A family member has no way to leave something private behind."""
    fhir, rosa = Answering(a_goal_of(ANN)), "RelatedPerson/rosa"
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
    mother = replace(an_actor(rosa, patients=frozenset({ANN})), role=Role.RELATED_PERSON)
    goal = a_goal_of(ANN, expressedBy={"reference": rosa}, meta={"security": [label]})
    del goal["id"]
    with pytest.raises(ResourceNotFound, match="Goal not found"):
        await GuardedFhir(fhir, mother).transact([Create(goal, "urn:uuid:g")])  # type: ignore[arg-type]

    assert fhir.transactions == 0


async def test_what_the_server_can_do_is_nobodys_secret() -> None:
    assert (await guarded(Answering({}), ANN).capabilities())["resourceType"] == "CapabilityStatement"
