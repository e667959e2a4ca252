"""What one actor may see and write of a FHIR server that itself protects nothing: on the embedded store."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from fhir_mappings.carrier import Json
from service.errors import InvalidContent, ResourceNotFound
from service.gateways.fhir_client import FhirClient, open_fhir_client
from service.guarded_fhir import GuardedFhir
from tests.builders import an_actor
from tests.conftest import FhirServer


@dataclass(frozen=True, slots=True)
class Server:
    """The server as it is, and as Ann may see it. Zoe is somebody else."""

    fhir: FhirClient
    ann: str
    zoe: str

    def as_ann(self) -> GuardedFhir:
        """Anew for each request."""
        return GuardedFhir(self.fhir, an_actor(self.ann, patients=frozenset({self.ann})))

    async def has(self, resource: Json) -> Json:
        return (await self.fhir.create(resource)).resource


@pytest.fixture
async def server(embedded_server: FhirServer) -> AsyncIterator[Server]:
    deadline = timedelta(seconds=30)
    async with open_fhir_client(
        embedded_server.base_url, deadline=deadline, transport=embedded_server.transport
    ) as fhir:
        ann, zoe = [(await fhir.create({"resourceType": "Patient", "gender": "female"})).reference for _ in range(2)]
        yield Server(fhir, ann, zoe)


def a_goal_of(patient: str, **parts: Any) -> Json:
    return {
        "resourceType": "Goal",
        "lifecycleStatus": "proposed",
        "description": {"text": "Walk"},
        "subject": {"reference": patient},
        "expressedBy": {"reference": patient},
        **parts,
    }


async def test_each_version_is_judged_by_itself(server: Server) -> None:
    first = await server.has(a_goal_of(server.zoe))
    moved = {**first, "subject": {"reference": server.ann}}
    await server.fhir.update(moved, if_match=first["meta"]["versionId"])

    assert (await server.as_ann().vread("Goal", first["id"], "2"))["subject"]["reference"] == server.ann
    with pytest.raises(ResourceNotFound):
        await server.as_ann().vread("Goal", first["id"], "1")


async def test_a_resource_is_created_for_ones_own_patient_only(server: Server) -> None:
    written = await server.as_ann().create(a_goal_of(server.ann))

    assert written.created
    with pytest.raises(InvalidContent, match=r"Goal\.subject"):
        await server.as_ann().create(a_goal_of(server.zoe))


async def test_what_was_not_read_is_not_updated(server: Server) -> None:
    goal = await server.has(a_goal_of(server.ann))
    changed = {**goal, "lifecycleStatus": "active"}
    with pytest.raises(ResourceNotFound):
        await server.as_ann().update(changed, if_match="1")

    fhir = server.as_ann()
    await fhir.read("Goal", goal["id"])
    assert (await fhir.update(changed, if_match="1")).version == "2"


async def test_an_update_never_moves_a_resource_to_another_patient(server: Server) -> None:
    goal = await server.has(a_goal_of(server.ann))
    fhir = server.as_ann()
    await fhir.read("Goal", goal["id"])
    with pytest.raises(InvalidContent, match=r"Goal\.subject"):
        await fhir.update({**goal, "subject": {"reference": server.zoe}}, if_match="1")

    assert (await server.fhir.read("Goal", goal["id"]))["meta"]["versionId"] == "1"


async def test_nothing_refers_to_what_its_writer_cannot_see(server: Server) -> None:
    theirs = await server.has(
        {"resourceType": "Condition", "code": {"text": "x"}, "subject": {"reference": server.zoe}}
    )
    with pytest.raises(InvalidContent, match=r"Goal\.addresses"):
        await server.as_ann().create(a_goal_of(server.ann, addresses=[{"reference": f"Condition/{theirs['id']}"}]))


async def test_a_search_for_somebody_else_is_like_one_for_nobody(server: Server) -> None:
    for patient in (server.zoe, f"Patient/{uuid4()}"):
        with pytest.raises(ResourceNotFound):
            await server.as_ann().search("Goal", [("patient", patient)])


async def test_what_a_search_includes_is_judged_as_well(server: Server) -> None:
    theirs = await server.has(a_goal_of(server.zoe))
    plan = {"resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": {"reference": server.ann}}
    await server.has({**plan, "goal": [{"reference": f"Goal/{theirs['id']}"}]})
    asked = [("patient", server.ann), ("_include", "CarePlan:goal")]

    assert len(await server.fhir.search("CarePlan", asked)) == 2
    assert [r["resourceType"] for r in await server.as_ann().search("CarePlan", asked)] == ["CarePlan"]


async def test_a_provenance_is_seen_with_what_it_is_about(server: Server) -> None:
    for patient, seen in ((server.ann, ["Goal", "Provenance"]), (server.zoe, [])):
        goal = await server.has(a_goal_of(patient))
        await server.has(
            {
                "resourceType": "Provenance",
                "target": [{"reference": f"Goal/{goal['id']}"}],
                "recorded": "2026-12-01T09:00:00Z",
                "agent": [{"who": {"reference": patient}}],
            }
        )
        asked = [("target", f"Goal/{goal['id']}"), ("_include", "Provenance:target")]

        assert sorted(r["resourceType"] for r in await server.as_ann().search("Provenance", asked)) == seen


async def test_no_answer_is_refused_for_want_of_a_language(server: Server) -> None:
    spoken = [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": code}]}} for code in ("en", "es")]
    spoken[1]["preferred"] = True  # type: ignore[assignment]
    luz = await server.has({"resourceType": "Patient", "communication": spoken})
    odd = await server.has({"resourceType": "Patient", "communication": [{"language": {"text": "Elvish"}}]})
    guard = server.as_ann()

    assert await guard.languages(f"Patient/{luz['id']}") == ("es", "en")
    assert await guard.languages(f"Patient/{odd['id']}") == ()
    assert await guard.languages("Patient/absent") == ()
    async with open_fhir_client("http://127.0.0.1:1/fhir", deadline=timedelta(seconds=1)) as nobody:
        assert await GuardedFhir(nobody, an_actor(server.ann)).languages(server.ann) == ()


async def test_a_language_is_of_the_patient_and_not_for_who_may_not_read_them(server: Server) -> None:
    spoken = [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "es"}]}}]
    luz = f"Patient/{(await server.has({'resourceType': 'Patient', 'communication': spoken}))['id']}"
    for scope, known in (("user/Patient.r", ("es",)), ("user/Goal.rs", ())):
        actor = an_actor(luz, patients=frozenset({luz}), scopes=frozenset({scope}))
        assert await GuardedFhir(server.fhir, actor).languages(luz) == known
        met = GuardedFhir(server.fhir, actor)
        await met.search_beside("Patient", [("_id", luz.partition("/")[2])])
        assert await met.languages(luz) == known, "also where an act has read more of them"
