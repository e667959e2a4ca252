"""Somebody else's data and absent data are the same: 404, byte for byte but for the request id."""

import re
from dataclasses import replace
from typing import Any

import pytest

from fhir_mappings.carrier import Json
from tests.conftest import FhirServer, open_world
from tests.people import Person, World, said

CANARY = "Canary-of-Ann-7431"


def without_ids(answer: Any) -> str:
    return re.sub(r'"requestId":"[^"]*"', "", answer.text)


READS = ["/v1/goals/{goal}", "/v1/goals/{goal}/thread", "/v1/goals/{goal}/progress", "/v1/goals/{goal}/attainment"]
PATIENT_READS = [
    f"/v1/patients/{{patient}}/{part}"
    for part in ("goals", "plan", "care-plans", "what-matters", "priorities", "agenda")
]
ACTS = [
    ("accept", {}),
    ("decline", {"reason": "x"}),
    ("agree-to-disagree", {"reason": "x"}),
    ("withdraw", {}),
    ("hold", {"reason": "x"}),
    ("resume", {"reason": "x"}),
    ("complete", {"outcome": "achieved"}),
    ("cancel", {"reason": "x"}),
    ("entered-in-error", {"reason": "x"}),
    ("counter-proposals", {"reason": "x", "description": "y"}),
    ("messages", {"text": "x"}),
    ("scores", {"score": 0}),
    ("barriers", {"text": "x"}),
    ("readiness", {"importance": 1}),
    ("visibility", {"visibility": "private"}),
    ("progress", {"value": {"text": "x"}, "effective": "2026-11-01T10:00:00Z"}),
]


async def anns_goal(world: World) -> Json:
    offer = await world.ann.proposes(world.patient, CANARY)
    return await world.bo.acts(offer, "accept")


@pytest.mark.parametrize("who", ["other", "rosa"])
async def test_a_foreign_goal_is_read_like_an_absent_one(world: World, who: str) -> None:
    goal, stranger = await anns_goal(world), getattr(world, who)
    for path in READS:
        foreign = await stranger.get(path.format(goal=goal["id"]))
        absent = await stranger.get(path.format(goal="nothing-here"))
        assert foreign.status_code == 404
        assert without_ids(foreign) == without_ids(absent)
    for path in PATIENT_READS:
        foreign = await stranger.get(path.format(patient=world.patient))
        absent = await stranger.get(path.format(patient="nobody-here"))
        assert foreign.status_code == 404
        assert without_ids(foreign) == without_ids(absent)


@pytest.mark.parametrize(("act", "body"), [pytest.param(*a, id=a[0]) for a in ACTS])
async def test_a_foreign_goal_cannot_be_acted_on(world: World, act: str, body: dict[str, Any]) -> None:
    goal = await anns_goal(world)
    for version in (goal["version"], "99"):
        foreign = await world.other.post(f"/v1/goals/{goal['id']}/{act}", body, version=version)
        absent = await world.other.post(f"/v1/goals/nothing-here/{act}", body, version=version)
        assert foreign.status_code == 404
        assert without_ids(foreign) == without_ids(absent)
    assert (await world.on_server(f"Goal/{goal['id']}"))["meta"]["versionId"] == goal["version"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("what-matters", {"text": "x", "about": "mind"}),
        ("priorities", {"items": []}),
        ("agenda", {"text": "x"}),
        ("agenda/carry-over", {"visit": {}}),
    ],
)
async def test_nobody_speaks_for_a_patient_who_is_not_theirs(world: World, path: str, body: dict[str, Any]) -> None:
    foreign = await world.other.post(f"/v1/patients/{world.patient}/{path}", body)
    absent = await world.other.post(f"/v1/patients/nobody-here/{path}", body)

    assert foreign.status_code == 404
    assert without_ids(foreign) == without_ids(absent)


async def test_what_somebody_said_is_taken_back_or_closed_by_no_stranger(world: World) -> None:
    said_of_ann = f"/v1/patients/{world.patient}"
    matters = said(await world.ann.post(f"{said_of_ann}/what-matters", {"text": CANARY, "about": "mind"}), 201)
    item = said(await world.ann.post(f"{said_of_ann}/agenda", {"text": CANARY}), 201)
    for path, body in (
        (f"/v1/assessments/{matters['id']}/entered-in-error", {"reason": "x"}),
        (f"/v1/agenda-items/{item['id']}/close", {"outcome": "x"}),
    ):
        assert (await world.other.post(path, body, version="1")).status_code == 404
    own = said(await world.other.post(f"/v1/patients/{world.stranger}/priorities", {"items": []}), 200)
    stolen = {"items": [f"Observation/{matters['id']}"]}
    answer = await world.other.post(f"/v1/patients/{world.stranger}/priorities", stolen)
    assert [e["path"] for e in said(answer, 422)["errors"]] == ["items[0]"]
    assert (await world.on_server(f"List/{own['id']}"))["meta"]["versionId"] == "1"


async def test_a_plan_of_somebody_else_is_absent(world: World) -> None:
    goal = await anns_goal(world)
    plan = (await world.found(f"CarePlan?subject=Patient/{world.patient}"))[0]

    assert (await world.other.get(f"/v1/care-plans/{plan['id']}")).status_code == 404
    link = {"goal": goal["id"]}
    answer = await world.other.post(f"/v1/care-plans/{plan['id']}/goals", link, version=plan["meta"]["versionId"])
    assert answer.status_code == 404


async def test_nobody_proposes_for_a_patient_who_is_not_theirs(world: World) -> None:
    answer = await world.other.post(f"/v1/patients/{world.patient}/goals", {"description": "x"})

    assert answer.status_code == 404
    assert await world.found(f"Goal?patient=Patient/{world.patient}") == []


@pytest.mark.parametrize("element", ["addresses", "ask"])
async def test_a_goal_cannot_be_tied_to_somebody_elses_record(world: World, element: str) -> None:
    foreign = {"addresses": f"Condition/knee-{world.suffix}", "ask": f"Patient/{world.patient}"}[element]
    answer = await world.other.post(f"/v1/patients/{world.stranger}/goals", {"description": "Mine", element: [foreign]})

    assert [e["path"] for e in said(answer, 422)["errors"]] == [f"{element}[0]"]
    assert await world.found(f"Goal?patient=Patient/{world.stranger}") == []


async def test_no_answer_to_a_stranger_has_a_word_of_it(world: World) -> None:
    goal = await anns_goal(world)
    for path in (*READS, *PATIENT_READS):
        answer = await world.other.get(path.format(goal=goal["id"], patient=world.patient))
        assert CANARY not in answer.text + str(answer.headers)


async def test_a_relative_whose_right_has_ended_speaks_for_nobody(world: World) -> None:
    """After five seconds at most: `tests/service/workflows/test_rights.py` tells of the clock."""
    rosa = await world.on_server(f"RelatedPerson/rosa-{world.suffix}")
    ended = rosa | {"period": {"end": "2020-01-01"}}
    await world.fhir.put(f"RelatedPerson/{rosa['id']}", json=ended)

    assert (await world.rosa.get(f"/v1/patients/{world.child}/plan")).status_code == 403


@pytest.mark.parametrize("path", ["/v1/me", "/v1/patients/x/goals", "/v1/goals/x", "/v1/care-plans/x"])
async def test_every_route_wants_to_know_who_asks(world: World, path: str) -> None:
    answer = await world.ann.http.get(path)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


class Counted:
    """A FHIR server that counts what it is asked."""

    def __init__(self, fhir: Any) -> None:
        self._fhir, self.calls = fhir, 0

    def __getattr__(self, name: str) -> Any:
        self.calls += name in {"read", "search", "vread"}
        return getattr(self._fhir, name)


async def test_a_foreign_id_costs_the_fhir_server_what_an_absent_one_does(embedded_server: FhirServer) -> None:
    """Once it is known whom a clinician cares for, which is asked once in five seconds."""
    async with open_world(embedded_server) as world:
        state: Any = world.ann.http._transport.app.state  # type: ignore[attr-defined]
        goal = await world.other.proposes(world.stranger, "Learn to sing")
        counted = Counted(state.services.fhir)
        state.services = replace(state.services, fhir=counted)

        async def cost(person: Person, path: str) -> int:
            before = counted.calls
            assert (await person.get(path)).status_code == 404
            return counted.calls - before

        for person in (world.ann, world.rosa, world.bo):
            for path in ("/v1/goals/{}", "/v1/goals/{}/thread", "/v1/goals/{}/progress", "/v1/goals/{}/attainment"):
                await cost(person, path.format(goal["id"]))
                assert await cost(person, path.format(goal["id"])) == await cost(person, path.format("absent")), path
