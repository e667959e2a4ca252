"""The main job, on both servers: propose, counter, accept, measure, read; and what a plain EHR sees of it."""

from typing import Any

from fhir_mappings.codes import GOAL_ACCEPTANCE
from fhir_mappings.goal import goal_from_fhir
from fhir_mappings.provenance import stamp_from_fhir
from tests.people import World

STEPS = {"text": "steps", "coding": [{"system": "http://loinc.org", "code": "41950-7"}]}


def at_least(value: int) -> dict[str, Any]:
    return {
        "measure": STEPS,
        "value": {"quantity": {"value": value, "code": "{steps}/d", "unit": "steps a day", "comparator": ">="}},
        "due": "2099-03-31",
    }


async def agreed(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    """Ann's offer, and Dr Bo's in answer, to which Ann has agreed."""
    first = await world.ann.proposes(world.patient, "Walk to the shops without pain", targets=[at_least(6000)])
    second = await world.bo.acts(
        first,
        "counter-proposals",
        description="Walk to the shops, and the knee exercises every night",
        targets=[at_least(4000)],
        reason="The X-ray shows that the knee needs strength first",
    )
    return first, await world.ann.acts(second, "accept", priority="high-priority", comment="That is doable")


async def test_a_goal_is_in_force_once_the_patient_accepts_the_clinicians_offer(world: World) -> None:
    first, second = await agreed(world)

    assert second["lifecycleStatus"] == "active"
    assert [(a["individual"], a["status"]) for a in second["acceptances"]] == [
        (world.bo.reference, "agree"),
        (world.ann.reference, "agree"),
    ]
    replaced = await world.ann.sees(f"/v1/goals/{first['id']}")
    assert replaced["lifecycleStatus"] == "cancelled"
    assert replaced["replacedBy"] == [f"Goal/{second['id']}"]
    assert replaced["description"] == first["description"]


async def test_a_plain_ehr_sees_the_agreement_in_the_care_plan(world: World) -> None:
    first, second = await agreed(world)

    found = await world.found(f"CarePlan?subject=Patient/{world.patient}&_include=CarePlan:goal")
    plan = next(r for r in found if r["resourceType"] == "CarePlan")
    goals = {r["id"]: r for r in found if r["resourceType"] == "Goal"}
    assert set(goals) == {second["id"]}
    assert goals[second["id"]]["lifecycleStatus"] == "active"
    assert len([e for e in goals[second["id"]]["extension"] if e["url"] == GOAL_ACCEPTANCE]) == 2
    assert "the knee exercises every night" in plan["text"]["div"]
    assert "Dr Bo Berg (care team" in plan["text"]["div"]

    superseded = await world.on_server(f"Goal/{first['id']}")
    assert superseded["lifecycleStatus"] == "cancelled"
    assert goal_from_fhir(superseded).replaced_by == (f"Goal/{second['id']}",)


async def test_every_act_leaves_one_provenance_and_one_audit_event(world: World) -> None:
    first, second = await agreed(world)
    goals = f"Goal/{first['id']},Goal/{second['id']}"

    stamps = [stamp_from_fhir(r) for r in await world.found(f"Provenance?target={goals}")]
    about = sorted((s.targets[0], str(s.act), s.who) for s in stamps)
    assert about == sorted(
        [
            (f"Goal/{first['id']}", "propose", world.ann.reference),
            (f"Goal/{second['id']}", "counter-propose", world.bo.reference),
            (f"Goal/{second['id']}", "accept", world.ann.reference),
        ]
    )
    assert {s.on_behalf_of for s in stamps if s.who == world.bo.reference} == {f"Organization/clinic-{world.suffix}"}
    audits = await world.found(f"AuditEvent?entity=Patient/{world.patient}")
    assert len(audits) == 3 + 1  # the plan was opened with the first agreement


async def test_the_thread_tells_who_offered_what_what_differs_and_why(world: World) -> None:
    first, second = await agreed(world)
    await world.ann.acts(second, "messages", text="May I take the painkiller before?")
    thread = await world.ann.sees(f"/v1/goals/{first['id']}/thread")

    assert [o["goal"]["id"] for o in thread["offers"]] == [first["id"], second["id"]]
    differences = {d["element"]: d for d in thread["offers"][1]["differences"]}
    assert set(differences) == {"Goal.description", "Goal.target"}, "that it began with the agreement is no difference"
    assert "6000" in differences["Goal.target"]["before"]
    assert "4000" in differences["Goal.target"]["after"]
    acts = [(a["act"], a["who"], a.get("reason")) for o in thread["offers"] for a in o["acts"]]
    assert acts == [
        ("propose", world.ann.reference, None),
        ("counter-propose", world.bo.reference, "The X-ray shows that the knee needs strength first"),
        ("accept", world.ann.reference, "That is doable"),
    ]
    assert [m["text"] for m in thread["messages"]] == ["May I take the painkiller before?"]
    assert thread.get("waiting", []) == []


async def test_a_start_is_a_difference_only_where_somebody_has_said_another(world: World) -> None:
    _, second = await agreed(world)
    offer = {"description": "Walk to the shops twice a week", "reason": "Winter is coming"}
    third = await world.ann.acts(second, "counter-proposals", **offer)
    await world.bo.acts(third, "counter-proposals", **offer, startDate="2099-03-01")
    thread = await world.ann.sees(f"/v1/goals/{third['id']}/thread")

    starts = [[d for d in o.get("differences", []) if d["element"] == "Goal.start"] for o in thread["offers"]]
    assert [[d["after"] for d in found] for found in starts] == [[], [], [], ["March 1, 2099"]]


async def test_progress_moves_the_goal_and_shows_in_the_plan(world: World) -> None:
    _, goal = await agreed(world)
    for day, value in (("01", 2600), ("02", 2500), ("03", 4200)):
        measured = {"quantity": {"value": value, "code": "{steps}/d"}}
        taken = f"2026-11-{day}T19:30:00+01:00"
        await world.ann.acts({"id": goal["id"], "version": None}, "progress", value=measured, effective=taken)

    progress = await world.bo.sees(f"/v1/goals/{goal['id']}/progress")
    assert [p["value"] for p in progress["points"]] == [2600, 2500, 4200]
    assert (progress["trend"], progress["onTarget"]) == ("improving", True)

    plan = await world.bo.sees(f"/v1/patients/{world.patient}/plan")
    assert [g["achievementStatus"] for g in plan["goals"]] == ["improving"]
    assert [m["value"]["quantity"]["value"] for m in plan["latest"]] == [4200]
    on_server = await world.on_server(f"Goal/{goal['id']}")
    assert on_server["achievementStatus"]["coding"][0]["code"] == "improving"


async def test_the_plan_shows_what_waits_for_whom(world: World) -> None:
    offer = await world.ann.proposes(world.patient, "Walk to the shops without pain")

    waiting_for_bo = await world.bo.sees(f"/v1/patients/{world.patient}/plan")
    assert [q["goal"] for q in waiting_for_bo["questionsForYou"]] == [f"Goal/{offer['id']}"]
    waiting_for_others = await world.ann.sees(f"/v1/patients/{world.patient}/plan")
    assert "questionsForYou" not in waiting_for_others
    assert [q["goal"] for q in waiting_for_others["waitingForOthers"]] == [f"Goal/{offer['id']}"]

    await world.bo.acts(offer, "accept")
    assert "waitingForOthers" not in await world.ann.sees(f"/v1/patients/{world.patient}/plan")
