"""Who read whose data, and who was refused: told to the audit trail before it is told to the caller."""

from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx

from fhir_mappings.carrier import Json
from service.api.dependencies import Services
from service.errors import AuditTrailFull, UpstreamUnavailable
from service.gateways.audit_trail import open_audit_trail
from tests.conftest import FhirServer, app_with, open_test_services
from tests.ehr import EHR, hooked
from tests.people import Person, World, said
from tests.service.workflows.test_preferences import HOME, states


class Trail:
    """Keeps what it is told."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.events: list[Json] = []
        self._failure = failure

    def record(self, event: Json, *, of_nobody: bool = False) -> None:
        if self._failure:
            raise self._failure
        self.events.append(event)

    def told(self) -> list[tuple[str, str, str | None, str | None, list[str]]]:
        """Interaction, outcome, who, whose data, which resources; and forgets it."""
        told = [
            (
                e["subtype"][0]["code"],
                e["outcome"],
                e["agent"][0]["who"].get("reference"),
                next(iter(_entities(e, "1")), None),
                _entities(e, "4"),
            )
            for e in self.events
        ]
        self.events = []
        return told


def _entities(event: Json, role: str) -> list[str]:
    return [e["what"]["reference"] for e in event["entity"] if e.get("role", {}).get("code") == role]


@asynccontextmanager
async def audited(server: FhirServer, world: World, **changes: Any) -> AsyncIterator[tuple[World, Services]]:
    """The same people, at a service with an audit trail."""
    async with open_test_services(server, f"Organization/clinic-{world.suffix}") as services:
        services = replace(services, **changes)
        transport = httpx.ASGITransport(app_with(services), client=("192.0.2.7", 5000))
        async with httpx.AsyncClient(transport=transport, base_url="http://coplan.test") as http:

            def here(person: Person) -> Person:
                return replace(person, http=http)

            people: Any = {name: here(getattr(world, name)) for name in ("ann", "bo", "nora", "rosa", "other")}
            yield replace(world, **people), services


async def test_each_read_is_recorded_with_who_and_whose(world: World, fhir_server: FhirServer) -> None:
    trail = Trail()
    async with audited(fhir_server, world, audit=trail) as (there, _):
        goal = await there.ann.proposes(world.patient, "Walk")
        assert trail.told() == []
        patient, bo = f"Patient/{world.patient}", world.bo.reference

        await there.bo.sees(f"/v1/goals/{goal['id']}")
        assert trail.told() == [("read", "0", bo, patient, [f"Goal/{goal['id']}"])]
        for _ in range(2):
            await there.bo.sees(f"/v1/patients/{world.patient}/plan")
            assert trail.told() == [("search-type", "0", bo, patient, [])]
        await there.bo.sees("/v1/me")
        assert trail.told() == []


async def test_an_event_names_the_request_the_application_and_the_clinic(world: World, fhir_server: FhirServer) -> None:
    trail = Trail()
    async with audited(fhir_server, world, audit=trail) as (there, _):
        await there.ann.get(f"/v1/patients/{world.patient}/goals?status=active", **{"X-Request-Id": "my-1"})
    event = trail.events[0]

    assert event["agent"][1]["who"]["identifier"]["value"] == "demo-portal"
    assert event["entity"][-1]["what"]["identifier"]["value"] == "my-1"
    query = next(e["query"] for e in event["entity"] if "query" in e)
    assert b64decode(query).decode() == f"GET /v1/patients/{world.patient}/goals"
    assert event["source"]["observer"]["reference"] == f"Organization/clinic-{world.suffix}"


async def test_an_act_that_is_repeated_is_a_read(world: World, fhir_server: FhirServer) -> None:
    trail = Trail()
    async with audited(fhir_server, world, audit=trail) as (there, _):
        path = f"/v1/patients/{world.patient}/goals"
        for _ in range(2):
            said(await there.ann.post(path, {"description": "Walk"}, key="k"), 201)
    patient = f"Patient/{world.patient}"

    assert [told[:4] for told in trail.told()] == [("operation", "0", patient, patient)]


async def test_a_refusal_tells_whose_data_were_asked_for_but_not_the_caller(
    world: World, fhir_server: FhirServer
) -> None:
    trail = Trail()
    async with audited(fhir_server, world, audit=trail) as (there, _):
        goal = await there.ann.proposes(world.patient, "Walk")
        zoe, patient = world.other.reference, f"Patient/{world.patient}"
        assert (await there.other.get(f"/v1/goals/{goal['id']}")).status_code == 404
        assert trail.told() == [("read", "4", zoe, patient, [f"Goal/{goal['id']}"])]
        assert (await there.other.get("/v1/goals/nothing-here")).status_code == 404
        assert trail.told() == [("read", "4", zoe, None, [])]
        assert (await there.other.post(f"/v1/goals/{goal['id']}/accept", {}, version="1")).status_code == 404
        assert trail.told() == [("operation", "4", zoe, patient, [f"Goal/{goal['id']}"])]
        assert (await there.other.get(f"/v1/patients/{world.patient}/plan")).status_code == 404
        assert [t[:3] for t in trail.told()] == [("search-type", "4", zoe)]


async def test_nobody_is_recorded_by_where_they_come_from(world: World, fhir_server: FhirServer) -> None:
    trail = Trail()
    async with audited(fhir_server, world, audit=trail) as (there, _):
        assert (await there.ann.http.get("/v1/goals/x")).status_code == 401
        assert (await there.ann.http.get("/nothing")).status_code == 404
        assert (await there.ann.http.get("/livez")).status_code == 200
    assert [e["agent"][0]["network"]["address"] for e in trail.events] == ["192.0.2.7"]


async def test_what_cannot_be_recorded_is_not_answered(world: World, fhir_server: FhirServer) -> None:
    async with audited(fhir_server, world, audit=Trail(AuditTrailFull("x"))) as (there, _):
        goal = await there.ann.proposes(world.patient, "Walk-canary")
        answer = await there.ann.get(f"/v1/goals/{goal['id']}")

    assert said(answer, 503)["type"] == "urn:coplan:problem:audit-trail-full"
    assert answer.headers["Retry-After"] == "5"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "canary" not in answer.text


async def test_a_failure_behind_us_is_recorded_too(world: World, fhir_server: FhirServer) -> None:
    class Away:
        async def read(self, *_: str) -> Json:
            raise UpstreamUnavailable("x")

    trail = Trail()
    async with audited(fhir_server, world, audit=trail, fhir=Away()) as (there, _):
        assert (await there.bo.get("/v1/goals/x")).status_code == 503
    assert trail.told() == [("read", "12", world.bo.reference, None, [])]


async def test_the_fhir_server_has_the_events_of_reads_and_refusals(world: World, fhir_server: FhirServer) -> None:
    async with (
        open_test_services(fhir_server) as services,
        open_audit_trail(services.fhir, gathered_for=timedelta(0)) as trail,
        audited(fhir_server, world, audit=trail) as (there, _),
    ):
        goal = await there.ann.proposes(world.patient, "Walk")
        for _ in range(3):
            await there.bo.sees(f"/v1/goals/{goal['id']}")
        await there.other.get(f"/v1/goals/{goal['id']}")
        ghost = replace(there.bo, token=_token_of("Practitioner/never-there"))
        assert (await ghost.get(f"/v1/goals/{goal['id']}")).status_code == 404
    found = await world.found(f"AuditEvent?entity=Goal/{goal['id']}")

    assert sorted(e["subtype"][0]["code"] for e in found).count("read") >= 4
    assert {e["outcome"] for e in found} == {"0", "4"}
    assert trail.lost == 0


def _token_of(reference: str) -> str:
    from tests.conftest import ISSUER

    return ISSUER.token(reference)


async def test_nobody_changes_what_was_recorded(embedded_server: FhirServer) -> None:
    async with open_test_services(embedded_server) as services:
        transport = httpx.ASGITransport(app_with(services))
        async with httpx.AsyncClient(transport=transport, base_url="http://coplan.test") as http:
            answers = [
                await http.request(method, f"{prefix}/{resource_type}{rest}")
                for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
                for prefix in ("", "/v1", "/fhir")
                for resource_type in ("AuditEvent", "Provenance")
                for rest in ("", "/x", "/x/_history/1", "/_search", "/$purge")
            ]
    assert {a.status_code for a in answers} == {405}
    assert {a.headers["Allow"] for a in answers} == {""}


async def test_what_is_read_for_a_hook_is_recorded_with_the_user_and_the_client(
    world: World, fhir_server: FhirServer
) -> None:
    trail = Trail()
    await states(world.ann, world.patient, **HOME)
    async with audited(fhir_server, world, audit=trail) as (there, _):
        path, call = "/cds-services/coplan-what-matters", hooked(world, "patient-view")
        assert said(await EHR.call(there.ann.http, path, call), 200)["cards"]

        (event,) = trail.events
        assert event["agent"][1]["who"]["identifier"]["value"] == EHR.issuer
        ((interaction, outcome, who, whose, resources),) = trail.told()
        assert (interaction, outcome, who, whose) == ("operation", "0", world.bo.reference, f"Patient/{world.patient}")
        assert [r.partition("/")[0] for r in resources] == ["Observation"]
