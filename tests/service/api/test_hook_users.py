"""Whom a hook is answered, and what is recorded of it: an EHR's word for a family member is looked up."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fhir_mappings.carrier import Json
from fhir_mappings.codes import CONSENT_ACTION
from service.domain.actors import Claims
from service.errors import ResourceNotFound, UpstreamRefused, UpstreamTimeout
from service.rights import Rights
from service.workflows.hook_users import Staff, known_relative
from service.workflows.identify import Place
from tests.builders import CLINICIAN, MOTHER, PATIENT, an_actor
from tests.conftest import FhirServer
from tests.ehr import EHR, hooked
from tests.people import Person, World, said
from tests.service.api.test_auditing import Trail, audited

WHAT_MATTERS = "/cds-services/coplan-what-matters"


@pytest.fixture
def fhir_server(embedded_server: FhirServer) -> FhirServer:
    return embedded_server


async def cards(world: World, user: Person, patient: str, **parts: Any) -> list[Json]:
    body = {**hooked(world, "patient-view", userId=user.reference, patientId=patient), **parts}
    found: list[Json] = said(await EHR.call(world.ann.http, WHAT_MATTERS, body), 200)["cards"]
    return found


async def goals_of(world: World) -> list[Json]:
    return await world.found(f"Goal?patient=Patient/{world.child}")


async def agreed(world: World) -> Json:
    """Something to tell of Mia, and of Ann."""
    await world.ann.acts(await world.bo.proposes(world.patient, "Walk to the shops"), "accept")
    return await world.mia.acts(await world.bo.proposes(world.child, "Swim with my class"), "accept")


async def test_a_mother_is_told_of_her_child_and_of_nobody_else(world: World) -> None:
    await agreed(world)

    assert len(await cards(world, world.rosa, world.child)) == 1
    assert await cards(world, world.rosa, world.patient) == []
    assert len(await cards(world, world.bo, world.patient)) == 1


@pytest.mark.parametrize("who", ["RelatedPerson/nobody", "Practitioner/ghost", "PractitionerRole/ghost"])
async def test_a_user_who_is_not_there_is_told_nothing(world: World, who: str) -> None:
    await agreed(world)
    nobody = Person(world.ann.http, who, "")

    assert await cards(world, nobody, world.child) == []


@pytest.mark.parametrize("change", [{"active": False}, {"period": {"end": "2026-01-01"}}])
async def test_a_right_that_has_ended_has_ended_for_hooks_too(world: World, change: Json) -> None:
    await agreed(world)
    rosa = await world.on_server(world.rosa.reference)
    assert (await world.fhir.put(world.rosa.reference, json={**rosa, **change})).is_success

    assert await cards(world, world.rosa, world.child) == []


async def test_what_the_consent_takes_away_is_not_told_by_a_hook(world: World) -> None:
    await agreed(world)
    consent = {
        "resourceType": "Consent",
        "id": f"rosa-{world.suffix}",
        "status": "active",
        "scope": {"text": "privacy"},
        "category": [{"text": "privacy"}],
        "patient": {"reference": f"Patient/{world.child}"},
        "provision": {
            "type": "deny",
            "action": [{"coding": [{"system": CONSENT_ACTION, "code": "access"}]}],
            "actor": [{"role": {"text": "proxy"}, "reference": {"reference": world.rosa.reference}}],
        },
    }
    assert (await world.fhir.put(f"Consent/{consent['id']}", json=consent)).is_success

    assert await cards(world, world.rosa, world.child) == []

    goals = {"resourceType": "Bundle", "entry": [{"resource": g} for g in await goals_of(world)]}
    along: Json = {"goals": goals, "preferences": None, "tasks": None}
    assert await cards(world, world.rosa, world.child, prefetch=along) == [], "nor by what came with the call"
    assert len(await cards(world, world.bo, world.child, prefetch=along)) == 1


async def test_what_is_kept_from_the_family_is_left_out_of_what_came_with_the_call(world: World) -> None:
    """Nothing is said of it: a refusal would tell that there is something."""
    shared = await agreed(world)
    own = await world.mia.proposes(world.child, "Be left alone", visibility="private")
    await world.bo.acts(own, "accept")
    found = await goals_of(world)
    assert {g["id"] for g in found} == {shared["id"], own["id"]}
    about = {"focus": {"reference": f"Goal/{own['id']}"}, "for": {"reference": f"Patient/{world.child}"}}
    task = {"resourceType": "Task", "id": "t", "status": "requested", "intent": "proposal", **about}
    told = []
    for with_own in (True, False):
        goals = [g for g in found if with_own or g["id"] == shared["id"]]
        tasks = [task] if with_own else []
        along = {
            "goals": {"resourceType": "Bundle", "entry": [{"resource": g} for g in goals]},
            "tasks": {"resourceType": "Bundle", "entry": [{"resource": t} for t in tasks]},
            "preferences": None,
        }
        (card,) = await cards(world, world.rosa, world.child, prefetch=along)
        assert "Be left alone" not in str(card)
        told.append({k: v for k, v in card.items() if k != "uuid"})
    assert told[0] == told[1]


async def test_without_a_server_to_ask_nobody_vouches_for_the_family() -> None:
    claims = Claims("ehr", "ehr", "ehr", frozenset(), datetime.now(UTC), MOTHER, PATIENT)

    assert await known_relative(claims, None, within=timedelta(seconds=1)) is None


class Answering:
    """A FHIR server that has everybody, or fails in this way."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure, self.asked = failure, 0

    async def read(self, resource_type: str, resource_id: str) -> Json:
        self.asked += 1
        if self.failure:
            raise self.failure
        return {"resourceType": resource_type, "id": resource_id}


def at(fhir: Any) -> Place:
    return Place(fhir, Rights(), datetime.now(UTC).date())


@pytest.mark.parametrize(
    ("failure", "there", "asked"),
    [
        pytest.param(None, True, 1, id="is there, and not asked for again"),
        pytest.param(UpstreamRefused("x"), True, 2, id="the server does not say, the client's word counts"),
        pytest.param(UpstreamTimeout("x"), True, 2, id="the server is silent, the client's word counts"),
        pytest.param(ResourceNotFound("x"), False, 2, id="is not there, perhaps not yet"),
    ],
)
async def test_a_client_answers_for_its_staff(failure: Exception | None, there: bool, asked: int) -> None:
    fhir, staff = Answering(failure), Staff()
    found = [await staff.has(an_actor(CLINICIAN), "a", at(fhir), within=timedelta(seconds=1)) for _ in range(2)]

    assert (found, fhir.asked) == ([there, there], asked)


async def test_who_works_somewhere_is_known_there_and_for_five_minutes() -> None:
    now = 0.0
    fhir, staff = Answering(), Staff(lambda: now)
    for server, later in (("a", 0.0), ("b", 0.0), ("a", 299.0), ("a", 301.0)):
        now = later
        assert await staff.has(an_actor(CLINICIAN), server, at(fhir), within=timedelta(seconds=1))

    assert fhir.asked == 3


async def test_a_card_is_recorded_also_where_nothing_was_read_for_it(world: World, fhir_server: FhirServer) -> None:
    goal = await agreed(world)
    reference = f"Goal/{goal['id']}"
    goals = {"resourceType": "Bundle", "entry": [{"resource": await world.on_server(reference)}]}
    trail = Trail()
    async with audited(fhir_server, world, audit=trail) as (there, _):
        parts: Json = {"fhirServer": None, "prefetch": {"goals": goals, "preferences": None, "tasks": None}}
        assert len(await cards(there, there.bo, world.child, **parts)) == 1
        patient = f"Patient/{world.child}"
        assert trail.told() == [("operation", "0", world.bo.reference, patient, [reference])]
        assert await cards(there, there.bo, world.child, fhirServer=None, prefetch={"goals": None}) == []
        assert trail.told() == []
