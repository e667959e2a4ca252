"""Many at once: one act is carried out, the others are told so."""

import asyncio
from collections import Counter
from uuid import uuid4

from fhir_mappings.codes import OPERATION
from tests.people import World, said


async def test_of_300_acceptances_of_one_version_exactly_one_is_carried_out(world: World) -> None:
    offer = await world.ann.proposes(world.patient, "Walk to the shops")
    answers = await asyncio.gather(
        *(world.bo.post(f"/v1/goals/{offer['id']}/accept", {}, version=offer["version"]) for _ in range(300))
    )

    assert Counter(a.status_code for a in answers) == {200: 1, 412: 299}
    accepted = next(a for a in answers if a.status_code == 200)
    assert {a.headers["ETag"] for a in answers} == {accepted.headers["ETag"]}
    assert len((await world.on_server(f"Goal/{offer['id']}/_history"))["entry"]) == 2


async def test_64_proposals_with_one_key_are_one_goal(world: World) -> None:
    key, path = str(uuid4()), f"/v1/patients/{world.patient}/goals"
    answers = await asyncio.gather(*(world.ann.post(path, {"description": "Walk"}, key=key) for _ in range(64)))

    assert Counter(a.status_code for a in answers) == {201: 64}
    assert len({a.json()["id"] for a in answers}) == 1
    goals = await world.found(f"Goal?patient=Patient/{world.patient}")
    assert len(goals) == 1
    operation = next(i["value"] for i in goals[0]["identifier"] if i["system"] == OPERATION).partition(".")[0]
    assert len(await world.found(f"Provenance?_tag={OPERATION}|{operation}")) == 1
    assert len(await world.found(f"Task?patient=Patient/{world.patient}")) == 1


async def test_the_first_agreements_of_a_patient_share_one_plan(world: World) -> None:
    offers = [await world.ann.proposes(world.patient, f"Goal number {i}") for i in range(6)]
    agreed = await asyncio.gather(*(world.bo.acts(offer, "accept") for offer in offers))

    plans = await world.found(f"CarePlan?subject=Patient/{world.patient}")
    assert len(plans) == 1
    assert {g["reference"] for g in plans[0]["goal"]} == {f"Goal/{g['id']}" for g in agreed}
    assert all(f"Goal number {i}" in plans[0]["text"]["div"] for i in range(6))


async def test_a_repeated_act_is_answered_as_it_was_and_done_once(world: World) -> None:
    offer = await world.ann.proposes(world.patient, "Walk to the shops")
    key, path = str(uuid4()), f"/v1/goals/{offer['id']}/accept"
    first = await world.bo.post(path, {}, version=offer["version"], key=key)
    again = await world.bo.post(path, {}, version=offer["version"], key=key)

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content
    assert first.headers["ETag"] == again.headers["ETag"]
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_one_key_with_two_bodies_is_refused(world: World) -> None:
    key, path = str(uuid4()), f"/v1/patients/{world.patient}/goals"
    said(await world.ann.post(path, {"description": "Walk"}, key=key), 201)
    answer = await world.ann.post(path, {"description": "Run"}, key=key)

    assert said(answer, 422)["type"] == "urn:coplan:problem:idempotency-key-reused"
    assert len(await world.found(f"Goal?patient=Patient/{world.patient}")) == 1


async def test_the_same_key_of_two_people_is_two_operations(world: World) -> None:
    key, path = str(uuid4()), f"/v1/patients/{world.patient}/goals"
    mine = said(await world.ann.post(path, {"description": "Walk"}, key=key), 201)
    theirs = said(await world.bo.post(path, {"description": "Walk"}, key=key), 201)

    assert mine["id"] != theirs["id"]
