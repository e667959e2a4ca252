"""What an act cannot be about is refused by name, and nothing is written: settled before any server differs."""

from typing import Any

import pytest

from fhir_mappings.carrier import Json
from tests.people import World, said

MOMENT = "2026-11-01T10:00:00Z"


async def has(world: World, resource_type: str, **parts: Any) -> Json:
    """A resource of the patient that some other system left on the server."""
    subject = {"reference": f"Patient/{world.patient}"}
    answer = await world.fhir.post(resource_type, json={"resourceType": resource_type, "subject": subject, **parts})
    return said(answer, 201)


async def a_heart_rate(world: World) -> Json:
    return await has(
        world,
        "Observation",
        status="final",
        code={"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        effectiveDateTime=MOMENT,
        valueQuantity={"value": 71, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"},
    )


async def test_a_request_of_another_system_is_no_agenda_item(embedded_world: World) -> None:
    world = embedded_world
    request = await has(world, "CommunicationRequest", status="active", payload=[{"contentString": "Call me"}])
    path = f"/v1/agenda-items/{request['id']}/close"
    answer = await world.ann.post(path, {"outcome": "Done"}, version=request["meta"]["versionId"])

    assert answer.status_code == 404
    assert await world.on_server(f"CommunicationRequest/{request['id']}") == request


async def test_a_measurement_is_no_assessment_to_take_back(embedded_world: World) -> None:
    world = embedded_world
    measured = await a_heart_rate(world)
    path = f"/v1/assessments/{measured['id']}/entered-in-error"
    answer = await world.ann.post(path, {"reason": "Wrong"}, version=measured["meta"]["versionId"])

    assert answer.status_code == 404
    assert await world.on_server(f"Observation/{measured['id']}") == measured


async def test_a_measurement_cannot_be_put_first(embedded_world: World) -> None:
    world = embedded_world
    goal, measured = await world.ann.proposes(world.patient, "Walk"), await a_heart_rate(world)
    body = {"items": [f"Goal/{goal['id']}", f"Observation/{measured['id']}"]}
    answer = await world.ann.post(f"/v1/patients/{world.patient}/priorities", body)

    assert [e["path"] for e in said(answer, 422)["errors"]] == ["items[1]"]
    assert await world.found(f"List?patient=Patient/{world.patient}") == []


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("patients/{patient}/agenda", {"text": "My knee", "goal": "{theirs}"}, "goal"),
        ("patients/{patient}/agenda", {"text": "My knee", "visit": {"reference": "Encounter/none"}}, "visit.reference"),
        ("patients/{patient}/agenda/carry-over", {"visit": {}, "items": ["none"]}, "items[0]"),
        ("patients/{patient}/priorities", {"items": ["Goal/{ours}", "Goal/{ours}"]}, "body"),
        ("patients/{patient}/what-matters", {"text": "Sleep", "about": "nothing"}, "about"),
        ("goals/{ours}/scores", {"score": 1, "value": {"value": 1, "code": "1"}}, "body"),
        ("goals/{ours}/scores", {"value": {"value": 1, "code": "1", "comparator": "<"}}, "body"),
        ("goals/{ours}/barriers", {"text": "Stairs", "concept": {"text": "Stairs"}}, "body"),
        ("goals/{ours}/readiness", {}, "body"),
        ("activities/any/changes", {"reason": "It is too much"}, "body"),
    ],
)
async def test_the_element_that_an_act_cannot_be_about_is_named(
    embedded_world: World, path: str, body: Json, named: str
) -> None:
    world = embedded_world
    ours = await world.ann.proposes(world.patient, "Walk")
    theirs = await world.other.proposes(world.stranger, "Read")
    ids = {"patient": world.patient, "ours": ours["id"], "theirs": theirs["id"]}
    answer = await world.ann.post(f"/v1/{path.format_map(ids)}", filled(body, ids), version=ours["version"])

    assert [e["path"] for e in said(answer, 422)["errors"]] == [named]


def filled(value: Any, ids: dict[str, str]) -> Any:
    """The body with the ids of this run in the place of their names."""
    match value:
        case str():
            return value.format_map(ids)
        case dict():
            return {name: filled(inner, ids) for name, inner in value.items()}
        case list():
            return [filled(inner, ids) for inner in value]
        case _:
            return value


async def test_a_value_of_several_parts_is_listed_with_each_part(embedded_world: World) -> None:
    world = embedded_world
    path, parts = f"/v1/patients/{world.patient}/observations", {"systolic": 128, "diastolic": 79}
    said(await world.ann.post(path, {"items": [{"what": "blood-pressure", "parts": parts, "effective": MOMENT}]}), 200)
    (listed,) = (await world.ann.sees(path))["observations"]

    assert listed["what"] == "blood-pressure"
    assert [c["value"]["quantity"]["value"] for c in listed["components"]] == [128, 79]
    assert "value" not in listed
