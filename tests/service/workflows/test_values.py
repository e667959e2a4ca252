"""What can be measured and aimed at: ranges, answers in words, yes and no, counts; and which plan it is for."""

from typing import Any

import pytest

from tests.people import World, said

NOVEMBER = "2026-11-01T19:30:00+01:00"


async def agreed(world: World, **offer: Any) -> dict[str, Any]:
    return await world.bo.acts(await world.ann.proposes(world.patient, "Keep well", **offer), "accept")


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        pytest.param({"low": {"value": 70, "code": "mg/dL"}, "high": {"value": 180, "code": "mg/dL"}}, "70", id="both"),
        pytest.param({"high": {"value": 5, "code": "{score}"}}, "5", id="only an upper one"),
        pytest.param({"low": {"value": 7.5, "code": "h"}}, "7.5", id="only a lower one"),
    ],
)
async def test_a_range_is_aimed_at_as_it_was_said(world: World, bounds: dict[str, Any], words: str) -> None:
    target = {"measure": {"text": "glucose"}, "value": {"range": bounds}}
    offer = await world.ann.proposes(world.patient, "Stay in range", targets=[target])

    aimed_at = offer["targets"][0]["value"]["range"]
    assert {end: (q["value"], q["code"]) for end, q in aimed_at.items()} == {
        end: (q["value"], q["code"]) for end, q in bounds.items()
    }
    assert words in (await world.on_server(f"Goal/{offer['id']}"))["description"]["text"]


@pytest.mark.parametrize(
    "bounds",
    [
        pytest.param({}, id="no end"),
        pytest.param({"low": {"value": 2, "code": "h"}, "high": {"value": 1, "code": "h"}}, id="upside down"),
        pytest.param({"low": {"value": 1, "code": "h"}, "high": {"value": 2, "code": "min"}}, id="two units"),
    ],
)
async def test_a_range_that_is_none_is_refused(world: World, bounds: dict[str, Any]) -> None:
    target = {"measure": {"text": "sleep"}, "value": {"range": bounds}}
    answer = await world.ann.post(f"/v1/patients/{world.patient}/goals", {"description": "Sleep", "targets": [target]})

    assert said(answer, 422)["errors"][0]["path"].startswith("targets[0].value.range")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"text": "better than last week"}, id="words"),
        pytest.param({"boolean": True}, id="yes or no"),
        pytest.param({"integer": 3}, id="a count"),
        pytest.param({"concept": {"text": "mild"}}, id="a concept"),
    ],
)
async def test_a_value_is_recorded_as_what_it_is(world: World, value: dict[str, Any]) -> None:
    goal = await agreed(world)
    body = {"value": value, "measure": {"text": "pain"}, "effective": NOVEMBER}
    measured = said(await world.ann.post(f"/v1/goals/{goal['id']}/progress", body), 201)

    assert measured["value"] == value


async def test_a_measurement_shows_how_a_goal_ended(world: World) -> None:
    goal = await agreed(world)
    body = {"value": {"text": "all the way"}, "measure": {"text": "walk"}, "effective": NOVEMBER}
    measured = said(await world.ann.post(f"/v1/goals/{goal['id']}/progress", body), 201)
    observation = f"Observation/{measured['id']}"
    ended = await world.ann.acts(goal, "complete", outcome="achieved", observation=observation)
    await world.bo.acts(ended, "complete")

    outcome = (await world.on_server(f"Goal/{goal['id']}"))["outcomeReference"]
    assert [o["reference"] for o in outcome] == [observation]


async def test_a_goal_is_proposed_for_a_plan_that_is_there(world: World) -> None:
    opened = said(await world.bo.post(f"/v1/patients/{world.patient}/care-plans", {"title": "Back on my feet"}), 201)
    goal = await agreed(world, carePlan=opened["id"])
    path = f"/v1/patients/{world.patient}/goals"
    refused = await world.ann.post(path, {"description": "Walk", "carePlan": "no-such-plan"})

    assert (await world.ann.sees(f"/v1/care-plans/{opened['id']}"))["carePlan"]["goals"] == [f"Goal/{goal['id']}"]
    assert said(refused, 422)["errors"][0]["path"] == "carePlan"


async def test_a_goal_that_is_rarely_measured_shows_its_latest_value_beside_one_measured_daily(world: World) -> None:
    daily, rarely, never = [await agreed(world) for _ in range(3)]

    def observation(goal: dict[str, Any], number: int, at: str, **more: Any) -> dict[str, Any]:
        resource = {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "measured"},
            "subject": {"reference": f"Patient/{world.patient}"},
            "focus": [{"reference": f"Goal/{goal['id']}"}],
            "effectiveDateTime": at,
            "valueInteger": number,
            **more,
        }
        return {"resource": resource, "request": {"method": "POST", "url": "Observation"}}

    days = [f"2026-{month:02}-{day:02}T08:00:00Z" for month in range(5, 10) for day in range(1, 29)]
    entries = [observation(daily, n, at) for n, at in enumerate(days)]
    entries += [observation(rarely, n, f"2026-01-0{n}T08:00:00Z") for n in (1, 2)]
    entries += [observation(rarely, 3, "2026-01-03T08:00:00Z", status="entered-in-error")]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    (await world.fhir.post("", json=bundle)).raise_for_status()
    plan = await world.ann.sees(f"/v1/patients/{world.patient}/plan")

    shown = {m["goals"][0]: m["value"]["integer"] for m in plan["latest"]}
    assert shown == {f"Goal/{daily['id']}": len(days) - 1, f"Goal/{rarely['id']}": 2}
    assert len(plan["goals"]) == 3, f"and {never['id']} has none"
