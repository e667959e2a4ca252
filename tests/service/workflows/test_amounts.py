"""Whatever comes in by whichever way is held to one rule: units that are taken, amounts that can be meant."""

from decimal import Decimal
from typing import Any

import pytest

from fhir_mappings.carrier import Json
from tests.people import World, said

NOVEMBER = "2026-11-01T19:30:00+01:00"
STEPS = {"text": "Steps", "coding": [{"system": "http://loinc.org", "code": "41950-7"}]}
SUGAR = {"text": "Sugar", "coding": [{"system": "http://loinc.org", "code": "41653-7"}]}
WEIGHT = {"text": "Weight", "coding": [{"system": "http://loinc.org", "code": "29463-7"}]}

KILOS = Decimal("69.85322498")


def target(measure: Json, value: float, code: str) -> Json:
    return {"measure": measure, "value": {"quantity": {"value": value, "code": code, "comparator": ">="}}}


async def a_goal(world: World, aim: Json) -> Json:
    return await world.bo.acts(await world.ann.proposes(world.patient, "Keep well", targets=[aim]), "accept")


def flaws(answer: Any) -> list[tuple[str, str]]:
    return [(e["path"], e["message"]) for e in said(answer, 422)["errors"]]


async def test_a_measurement_in_a_unit_that_is_none_is_refused_with_the_one_that_was_meant(world: World) -> None:
    goal = await a_goal(world, target(STEPS, 6000, "{steps}/d"))
    body = {"value": {"quantity": {"value": 5000, "code": "steps"}}, "effective": NOVEMBER}
    ((path, message),) = flaws(await world.ann.post(f"/v1/goals/{goal['id']}/progress", body))

    assert path == "value.quantity.code"
    assert message == "must be one of {steps}/d, or convert to it exactly: did you mean {steps}/d?"
    assert "measurements" not in await world.ann.sees(f"/v1/goals/{goal['id']}/progress")


async def test_a_measurement_is_converted_where_that_is_exact(world: World) -> None:
    goal = await a_goal(world, target(WEIGHT, 60, "kg"))
    stones = {"value": {"quantity": {"value": 11, "code": "[stone_av]"}}, "effective": NOVEMBER, "note": "Before food"}
    recorded = said(await world.ann.post(f"/v1/goals/{goal['id']}/progress", stones), 201)

    assert recorded["value"]["quantity"] == {"value": KILOS, "code": "kg", "unit": "kg"}
    assert recorded["note"] == "Before food Entered as 11 [stone_av]."
    assert (await world.ann.sees(f"/v1/goals/{goal['id']}/progress"))["latest"]["value"] == KILOS


async def test_a_measurement_hardly_ever_so_high_is_taken_once_confirmed(world: World) -> None:
    goal = await a_goal(world, target(STEPS, 6000, "{steps}/d"))
    body = {"value": {"quantity": {"value": 70000, "code": "{steps}/d"}}, "effective": NOVEMBER}
    ((path, _),) = flaws(await world.ann.post(f"/v1/goals/{goal['id']}/progress", body))
    said(await world.ann.post(f"/v1/goals/{goal['id']}/progress", {**body, "confirmed": True}), 201)

    assert path == "value.quantity.value"


@pytest.mark.parametrize(
    ("aim", "path", "message"),
    [
        pytest.param(target(STEPS, 6000, "steps"), "value.quantity.code", "did you mean {steps}/d?", id="a slip"),
        pytest.param(target({"text": "Tea"}, 3, "lb"), "value.quantity.code", "mean [lb_av]?", id="no UCUM"),
        pytest.param(target(STEPS, 70000, "{steps}/d"), "value.quantity.value", "send it confirmed", id="so high"),
        pytest.param(target(SUGAR, 8, "mmol/L"), "value.quantity.code", "goes with the code 14743-9", id="moles"),
    ],
)
async def test_a_target_is_held_to_the_same_rule(world: World, aim: Json, path: str, message: str) -> None:
    offer = {"description": "Keep well", "targets": [aim]}
    proposed = await world.ann.post(f"/v1/patients/{world.patient}/goals", offer)
    mine = await world.ann.proposes(world.patient, "Keep well")
    counter = {**offer, "reason": "More exactly"}
    countered = await world.bo.post(f"/v1/goals/{mine['id']}/counter-proposals", counter, version=mine["version"])
    goals = [{"id": "well", "description": "Keep well", "targets": [aim]}]
    drafted = await world.bo.post("/v1/templates", {"title": "Keep well", "goals": goals})

    for answer, within in ((proposed, ""), (countered, ""), (drafted, "goals[0].")):
        ((where, why),) = flaws(answer)
        assert where == f"{within}targets[0].{path}"
        assert message in why


async def test_a_target_so_high_is_taken_once_confirmed(world: World) -> None:
    aim = target(STEPS, 70000, "{steps}/d")

    assert (await world.ann.proposes(world.patient, "Walk for charity", targets=[aim], confirmed=True))["targets"]


async def test_an_entry_for_a_goal_must_be_tellable_in_its_unit(world: World) -> None:
    goal = await a_goal(world, target(SUGAR, 100, "mg/dL"))
    entry = {"what": "glucose", "value": 6.1, "unit": "mmol/L", "effective": NOVEMBER, "goals": [goal["id"]]}
    answer = await world.ann.post(f"/v1/patients/{world.patient}/observations", {"items": [entry]})

    assert flaws(answer) == [("items[0].unit", "cannot be told in mg/dL, which the goal's target is in")]
    alone = {k: v for k, v in entry.items() if k != "goals"}
    stored = said(await world.ann.post(f"/v1/patients/{world.patient}/observations", {"items": [alone]}), 200)
    assert stored["created"] == 1


async def test_a_blood_pressure_upside_down_is_refused(world: World) -> None:
    entry = {"what": "blood-pressure", "parts": {"systolic": 80, "diastolic": 120}, "effective": NOVEMBER}
    answer = await world.ann.post(f"/v1/patients/{world.patient}/observations", {"items": [entry]})

    assert flaws(answer) == [("items[0].parts.diastolic", "must be lower than systolic: were they swapped?")]


async def test_a_target_that_came_as_codes_is_told_in_words(world: World) -> None:
    aim = target({"coding": [{"system": "http://loinc.org", "code": "72514-3"}]}, 3, "{score}")
    goal = await world.ann.proposes(world.patient, "Less pain", targets=[aim])
    on_server = await world.on_server(f"Goal/{goal['id']}")

    assert goal["description"] == "Less pain (target: Pain, 0 none to 10 worst: at least 3 of 10)"
    assert on_server["target"][0]["measure"]["text"] == "Pain, 0 none to 10 worst"
    assert on_server["target"][0]["detailQuantity"]["unit"] == "of 10"
    bare = await world.bo.acts(goal, "counter-proposals", description="Less pain", reason="So", targets=[aim])
    assert bare["targets"] == goal["targets"], "whoever sends it"
