"""The chart of what is tracked: of a panel, of values of other systems, and of what is misspelt."""

from typing import Any

import pytest

from fhir_mappings.carrier import Json
from tests.people import World, said

NOVEMBER = "2026-11-01T19:30:00+01:00"
SUGAR = {"text": "Sugar", "coding": [{"system": "http://loinc.org", "code": "41653-7"}]}


async def sends(world: World, *items: Json) -> None:
    said(await world.ann.post(f"/v1/patients/{world.patient}/observations", {"items": list(items)}), 200)


async def recorded_elsewhere(world: World, code: str, value: float, unit: str, **more: Any) -> None:
    """An Observation of another system, straight on the FHIR server."""
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": f"Patient/{world.patient}"},
        "effectiveDateTime": "2026-11-02T08:00:00Z",
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
        **more,
    }
    assert (await world.fhir.post("Observation", json=observation)).status_code == 201


async def chart(world: World, query: str) -> Json:
    return await world.ann.sees(f"/v1/patients/{world.patient}/run-chart?{query}")


async def test_a_blood_pressure_is_charted_part_by_part(world: World) -> None:
    parts = {"systolic": 121, "diastolic": 79}
    await sends(world, {"what": "blood-pressure", "parts": parts, "effective": NOVEMBER})
    await recorded_elsewhere(world, "8480-6", 130, "mm[Hg]")

    for code in ("blood-pressure", "85354-9", "http://loinc.org%7C85354-9"):
        both = await chart(world, f"code={code}")
        assert [(p["what"], [m["value"] for m in p["marks"]]) for p in both["parts"]] == [
            ("Upper value (systolic)", [121]),
            ("Lower value (diastolic)", [79]),
        ]
        assert "Lower value (diastolic):" in both["words"]
    for code in ("systolic", "8480-6"):
        assert [m["value"] for m in (await chart(world, f"code={code}"))["marks"]] == [121, 130]
    path = f"/v1/patients/{world.patient}/run-chart?code=blood-pressure"
    assert (await world.ann.get(path, Accept="image/svg+xml")).text.count("<g ") == 2
    assert len((await world.ann.sees(f"/v1/patients/{world.patient}/observations?code=diastolic"))["observations"]) == 1


async def test_values_in_another_unit_are_told_in_it_or_left_out_in_the_open(world: World) -> None:
    await recorded_elsewhere(world, "29463-7", 150, "[lb_av]")
    await recorded_elsewhere(world, "14743-9", 6, "mmol/L")
    await sends(world, {"what": "glucose", "value": 95, "unit": "mg/dL", "effective": NOVEMBER})

    assert [str(m["value"]) for m in (await chart(world, "code=weight&unit=kg"))["marks"]] == ["68.0388555"]
    sugar = await chart(world, "code=glucose&unit=mg/dL")
    assert ([m["value"] for m in sugar["marks"]], sugar["leftOut"]) == ([95], 1)
    assert "1 value in another unit is left out." in sugar["words"]
    nothing = await chart(world, "code=weight&unit=m")
    assert nothing["words"] == ["No values in this unit.", "1 value in another unit is left out."]


async def test_two_short_walks_are_what_the_goal_asks_for(world: World) -> None:
    """Each by itself would have missed it; what is on the FHIR server says the same as the answer."""
    aim = {
        "measure": {"text": "Exercise", "coding": [{"system": "http://loinc.org", "code": "55411-3"}]},
        "value": {"quantity": {"value": 30, "code": "min", "comparator": ">="}},
    }
    goal = await world.bo.acts(await world.ann.proposes(world.patient, "Move every day", targets=[aim]), "accept")
    walks = (("2026-11-01T08:00:00Z", 10), ("2026-11-02T08:00:00Z", 20), ("2026-11-02T18:00:00Z", 15))
    walk = {"what": "exercise", "unit": "min", "goals": [f"Goal/{goal['id']}"]}
    await sends(world, *({**walk, "effective": at, "value": minutes} for at, minutes in walks))

    progress = await world.ann.sees(f"/v1/goals/{goal['id']}/progress")
    assert (progress["onTarget"], progress["latest"]["value"], len(progress["points"])) == (True, 35, 3)
    assert progress["trend"] == progress["achievementStatus"] == "improving"
    stored = await world.on_server(f"Goal/{goal['id']}")
    assert stored["achievementStatus"]["coding"][0]["code"] == "improving"


async def test_what_is_left_out_of_a_goal_is_said(world: World) -> None:
    below = {"quantity": {"value": 120, "code": "mg/dL", "comparator": "<"}}
    aim = {"measure": SUGAR, "value": below}
    goal = await world.bo.acts(await world.ann.proposes(world.patient, "Keep well", targets=[aim]), "accept")
    focus = {"focus": [{"reference": f"Goal/{goal['id']}"}]}
    await recorded_elsewhere(world, "14743-9", 6, "mmol/L", **focus)
    await recorded_elsewhere(world, "41653-7", 1.2, "g/L", **focus)
    progress = await world.ann.sees(f"/v1/goals/{goal['id']}/progress")

    assert ([p["value"] for p in progress["points"]], progress["leftOut"]) == ([120], 1)
    assert progress["onTarget"] is False, "less than 120 is not met by 120"
    assert progress["words"][0] == "Target: less than 120 mg/dL."
    shown = await world.ann.sees(f"/v1/goals/{goal['id']}/run-chart")
    assert (shown["target"], shown["targetComparator"], shown["targetHigh"]) == ("less than 120 mg/dL", "<", 120)


@pytest.mark.parametrize(
    ("path", "element", "message"),
    [
        ("run-chart?code=glucos", "query code", "none of steps, exercise, carbohydrate"),
        ("observations?code=glucos", "query code", "none of steps, exercise, carbohydrate"),
        ("observations?code=41653-8", "query code", "is no LOINC code"),
        ("run-chart?code=weight&unit=lb", "query unit", "did you mean [lb_av]?"),
    ],
)
async def test_what_is_misspelt_is_refused(world: World, path: str, element: str, message: str) -> None:
    (error,) = said(await world.ann.get(f"/v1/patients/{world.patient}/{path}"), 422)["errors"]

    assert error["path"] == element
    assert message in error["message"]


async def test_a_code_of_another_system_has_no_values_yet(world: World) -> None:
    assert (await chart(world, "code=8310-5"))["words"] == ["No values yet."]
