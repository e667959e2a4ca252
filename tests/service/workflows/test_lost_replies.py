"""The answer is lost, the process starts anew, the fast path has forgotten: a repetition still does nothing twice."""

from uuid import uuid4

import httpx
import pytest

from fhir_mappings.carrier import Json
from tests.conftest import FhirServer, app_with, open_test_services
from tests.people import Person, World, said


async def another_process(
    server: FhirServer, person: Person, path: str, body: Json, key: str, version: str | None
) -> httpx.Response:
    """The same request to a replica that has kept nothing."""
    async with open_test_services(server) as services:
        transport = httpx.ASGITransport(app_with(services))
        async with httpx.AsyncClient(transport=transport, base_url="http://coplan.test") as http:
            return await Person(http, person.reference, person.token).post(path, body, key=key, version=version)


ACTS = [
    pytest.param("accept", {}, "bo", id="accept"),
    pytest.param("decline", {"reason": "x"}, "bo", id="decline"),
    pytest.param("counter-proposals", {"reason": "x", "description": "y"}, "bo", id="counter-propose"),
    pytest.param("withdraw", {}, "ann", id="withdraw"),
    pytest.param("messages", {"text": "x"}, "bo", id="message"),
    pytest.param("entered-in-error", {"reason": "x"}, "ann", id="void"),
]


@pytest.mark.parametrize(("act", "body", "who"), ACTS)
async def test_an_act_is_never_in_conflict_with_itself(
    world: World, fhir_server: FhirServer, act: str, body: Json, who: str
) -> None:
    offer = await world.ann.proposes(world.patient, "Walk")
    person: Person = getattr(world, who)
    path, key = f"/v1/goals/{offer['id']}/{act}", str(uuid4())
    first = await person.post(path, body, key=key, version=offer["version"])
    audits = len(await world.found(f"AuditEvent?entity=Patient/{world.patient}"))
    again = await another_process(fhir_server, person, path, body, key, offer["version"])

    assert again.status_code == first.status_code
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(await world.found(f"AuditEvent?entity=Patient/{world.patient}")) == audits


async def test_a_proposal_is_found_again(world: World, fhir_server: FhirServer) -> None:
    path, key = f"/v1/patients/{world.patient}/goals", str(uuid4())
    first = said(await world.ann.post(path, {"description": "Walk"}, key=key), 201)
    again = await another_process(fhir_server, world.ann, path, {"description": "Walk"}, key, None)
    other = await another_process(fhir_server, world.ann, path, {"description": "Run"}, key, None)

    assert said(again, 201)["id"] == first["id"]
    assert said(other, 422)["type"] == "urn:coplan:problem:idempotency-key-reused"
    assert len(await world.found(f"Goal?patient=Patient/{world.patient}")) == 1


async def test_a_measurement_is_recorded_once(world: World, fhir_server: FhirServer) -> None:
    offer = await world.ann.proposes(world.patient, "Walk")
    await world.bo.acts(offer, "accept")
    path, key = f"/v1/goals/{offer['id']}/progress", str(uuid4())
    body = {"value": {"text": "fine"}, "measure": {"text": "pain"}, "effective": "2026-11-01T10:00:00Z"}
    first = said(await world.ann.post(path, body, key=key), 201)
    again = said(await another_process(fhir_server, world.ann, path, body, key, None), 201)

    assert again["id"] == first["id"]
    assert len(await world.found(f"Observation?patient=Patient/{world.patient}")) == 1
