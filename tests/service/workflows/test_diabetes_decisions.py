"""Dev has type 1 diabetes: what he eats, how he moves and how he doses insulin is decided by him, with his team.

Each of the three is decided in another way: by another offer, by a no and something of his own, and by a goal that the
team does not share and leaves to him. It ends with what any EHR finds on the FHIR server.
"""

from typing import Any

from fhir_mappings.carrier import Json
from fhir_mappings.provenance import stamp_from_fhir
from tests.people import Person, World, said

SUGAR: Json = {"text": "Blood sugar", "coding": [{"system": "http://loinc.org", "code": "41653-7"}]}
IN_RANGE: Json = {"low": {"value": 70, "code": "mg/dL"}, "high": {"value": 180, "code": "mg/dL"}}


async def plans(world: World, who: Person, description: str, **activity: Any) -> Json:
    (plan,) = await world.found(f"CarePlan?subject=Patient/{world.diabetic}")
    body = {"description": description, **activity}
    return said(await who.post(f"/v1/care-plans/{plan['id']}/activities", body), 201)


async def acts(who: Person, activity: Json, act: str, **body: Any) -> Json:
    answer = await who.post(f"/v1/activities/{activity['id']}/{act}", body, version=activity["version"])
    return said(answer, 201 if act == "changes" else 200)


async def decides_on_food(world: World) -> Json:
    """His doctor offers a rule, he offers what he can live with, and his doctor says yes."""
    rule = await world.bo.proposes(world.diabetic, "No bread and no pizza in the evening")
    own = await world.dev.acts(
        rule,
        "counter-proposals",
        description="I eat with my friends on Fridays, and I count what I eat",
        reason="I will not sit beside them with an empty plate",
    )
    return await world.bo.acts(own, "accept", comment="Counting is what matters.")


async def decides_on_exercise(world: World, food: Json) -> tuple[Json, Json]:
    """He says no to the gym, and walks home from work instead: nobody has to permit that."""
    gym = await plans(world, world.nora, "Gym", schedule={"frequency": 3, "unit": "wk"}, goals=[food["id"]])
    declined = await acts(world.dev, gym, "decline", reason="I cannot stand the music")
    walk = await plans(world, world.dev, "Walk home from work", schedule={"frequency": 4, "unit": "wk"})
    return declined, walk


async def decides_on_insulin(world: World) -> tuple[Json, Json, Json]:
    """His doctor does not share it and leaves it to him; what the nurse asks to change, changes nothing without him."""
    offer = await world.dev.proposes(
        world.diabetic,
        "I set my insulin at meals myself, by what I am about to eat",
        targets=[{"measure": SUGAR, "value": {"range": IN_RANGE}, "due": "2099-06-30"}],
    )
    goal = await world.bo.acts(
        offer, "agree-to-disagree", reason="I would start with fixed doses. It is yours to decide"
    )
    dosing = await plans(
        world,
        world.dev,
        "Insulin by the carbohydrates that I count",
        schedule={"when": ["ACM", "ACD", "ACV"]},
        goals=[goal["id"]],
    )
    change = await acts(
        world.nora, dosing, "changes", description="Insulin in fixed doses", reason="That is easier to check"
    )
    no = await acts(world.dev, change, "decline", reason="It went well for a week")
    assert no["status"] == "revoked"
    return goal, dosing, change


async def keeps_a_diary(world: World, goal: Json) -> None:
    at = world.clock().isoformat()
    items = [
        {"id": "food", "what": "carbohydrate", "value": 60, "effective": at},
        {"id": "insulin", "what": "insulin", "value": 5, "unit": "[IU]", "effective": at},
        {"id": "walk", "what": "exercise", "value": 25, "effective": at},
        {"id": "sugar", "what": "glucose", "value": 138, "unit": "mg/dL", "effective": at, "goals": [goal["id"]]},
    ]
    sent = await world.dev.post(f"/v1/patients/{world.diabetic}/observations", {"items": items})
    assert said(sent, 200)["created"] == 4


async def test_food_exercise_and_insulin_are_his_own_decisions(world: World) -> None:
    food = await decides_on_food(world)
    gym, walk = await decides_on_exercise(world, food)
    insulin, dosing, change = await decides_on_insulin(world)
    await keeps_a_diary(world, insulin)

    plan = await world.dev.sees(f"/v1/patients/{world.diabetic}/plan")
    assert "questionsForYou" not in plan
    assert "waitingForOthers" not in plan
    steps = {s["activity"]: (s["description"], s["status"]) for g in plan["steps"] for s in g["steps"]}
    assert steps == {
        f"ServiceRequest/{walk['id']}": ("Walk home from work", "active"),
        f"ServiceRequest/{dosing['id']}": ("Insulin by the carbohydrates that I count", "active"),
    }
    for_insulin = next(g for g in plan["steps"] if g.get("goal") == f"Goal/{insulin['id']}")
    assert len(for_insulin["steps"][0]["today"]) == 3, "before each meal"
    await as_any_ehr_finds_it(world, food, insulin, [walk, dosing], [gym, change])


async def as_any_ehr_finds_it(world: World, food: Json, insulin: Json, agreed: list[Json], refused: list[Json]) -> None:
    """Directly on the FHIR server: the plan, its goals and steps, who decided, and what was measured."""
    patient, dev = f"Patient/{world.diabetic}", world.dev.reference
    found = await world.found(
        f"CarePlan?subject={patient}&_include=CarePlan:goal&_include=CarePlan:activity-reference&_count=50"
    )
    by_type: dict[str, list[Json]] = {}
    for resource in found:
        by_type.setdefault(resource["resourceType"], []).append(resource)
    assert {g["id"] for g in by_type["Goal"]} == {food["id"], insulin["id"]}
    assert {(g["lifecycleStatus"], g["expressedBy"]["reference"]) for g in by_type["Goal"]} == {("active", dev)}
    assert {(r["id"], r["status"], r["intent"]) for r in by_type["ServiceRequest"]} == {
        (a["id"], "active", "plan") for a in agreed
    }
    for request in by_type["ServiceRequest"]:
        assert request["requester"]["reference"] == request["performer"][0]["reference"] == dev
    (plan,) = by_type["CarePlan"]
    for words in (
        "I eat with my friends on Fridays",
        "Not shared by Dr Bo Berg (care team).",
        "To be done by Dev Das (patient)",
    ):
        assert words in plan["text"]["div"]

    for activity in refused:
        gone = await world.on_server(f"ServiceRequest/{activity['id']}")
        assert (gone["status"], gone["requester"]["reference"]) == ("revoked", world.nora.reference)
        stamps = map(stamp_from_fhir, await world.found(f"Provenance?target=ServiceRequest/{activity['id']}"))
        assert ("decline", dev) in {(str(s.act), s.who) for s in stamps}
    tracked = await world.found(f"Observation?patient={patient}&_count=50")
    assert len(tracked) == 4
    assert {o["performer"][0]["reference"] for o in tracked} == {dev}
    tasks = await world.found(f"Task?patient={patient}&status=requested")
    assert tasks == [], "nothing waits for anybody"
