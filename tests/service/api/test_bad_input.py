"""Bad input gets a clear error that names the element, and nothing is written."""

from typing import Any

import pytest

from tests.people import World, said

STEPS = {"text": "steps"}
DEEP = b'{"description":' + b"[" * 40 + b"]" * 40 + b"}"


@pytest.fixture
def world(embedded_world: World) -> World:
    """What is refused before anything is written is no matter of the FHIR server."""
    return embedded_world


def target(**parts: Any) -> dict[str, Any]:
    return {"description": "Walk", "targets": [{"measure": STEPS, **parts}]}


def quantity(**parts: Any) -> dict[str, Any]:
    return target(value={"quantity": {"value": 6000, "code": "{steps}/d", **parts}})


async def written(world: World) -> int:
    """How many goals, tasks and stamps there are for anybody of this test."""
    found = 0
    for patient in (world.patient, world.child, world.stranger):
        found += len(await world.found(f"Goal?patient=Patient/{patient}"))
        found += len(await world.found(f"Task?patient=Patient/{patient}"))
        found += len(await world.found(f"AuditEvent?entity=Patient/{patient}"))
    return found


@pytest.mark.parametrize(
    ("body", "path"),
    [
        pytest.param({}, "description", id="nothing said"),
        pytest.param({"description": "  "}, "description", id="blank"),
        pytest.param({"description": 5}, "description", id="a number for words"),
        pytest.param({"description": "Walk\0"}, "description", id="NUL"),
        pytest.param({"description": "Walk \u202egnp.exe"}, "description", id="text that runs backwards"),
        pytest.param({"description": "<script>alert(1)</script>"}, "description", id="markup"),
        pytest.param({"description": "x" * 2001}, "description", id="too long"),
        pytest.param({"description": "Walk", "lifecycleStatus": "active"}, "lifecycleStatus", id="unknown field"),
        pytest.param({"description": "Walk", "priority": "urgent"}, "priority", id="unknown code"),
        pytest.param({"description": "Walk", "startDate": "2026-12-01T10:00:00Z"}, "startDate", id="date with time"),
        pytest.param({"description": "Walk", "startDate": "2026-02-30"}, "startDate", id="no day of the calendar"),
        pytest.param({"description": "Walk", "startDate": 2026}, "startDate", id="a number for a date"),
        pytest.param({"description": "Walk", "startDate": "9999-12-31"}, "startDate", id="the end of the calendar"),
        pytest.param({"description": "Walk", "startDate": "0001"}, "startDate", id="the beginning of the calendar"),
        pytest.param({"description": "Walk", "ask": ["http://evil.example/Practitioner/1"]}, "ask[0]", id="absolute"),
        pytest.param({"description": "Walk", "ask": ["Practitioner/1/_history/2"]}, "ask[0]", id="versioned"),
        pytest.param({"description": "Walk", "ask": ["#me"]}, "ask[0]", id="contained"),
        pytest.param({"description": "Walk", "ask": ["urn:uuid:1"]}, "ask[0]", id="URN"),
        pytest.param({"description": "Walk", "ask": ["Practitioner/%2e%2e"]}, "ask[0]", id="percent-encoded"),
        pytest.param({"description": "Walk", "ask": ["Medication/1"]}, "ask[0]", id="type that nobody can ask"),
        pytest.param({"description": "Walk", "ask": ["Practitioner/nobody-here"]}, "ask[0]", id="absent reference"),
        pytest.param({"description": "Walk", "carePlan": "nothing"}, "carePlan", id="absent plan"),
        pytest.param({"description": "Walk", "categories": [{}]}, "categories[0]", id="concept that says nothing"),
        pytest.param(target(due="soon"), "targets[0].due", id="no date"),
        pytest.param(target(due="2020-01-01"), "targets[0].due", id="a day that is over"),
        pytest.param({"description": "Walk", "targets": [{}]}, "targets[0]", id="empty target"),
        pytest.param({"description": "Walk", "targets": [{"value": {"text": "x"}}]}, "targets[0]", id="no measure"),
        pytest.param(target(value={}), "targets[0].value", id="no value"),
        pytest.param(target(value={"text": "x", "integer": 1}), "targets[0].value", id="two values"),
        pytest.param(quantity(value="6000"), "targets[0].value.quantity.value", id="text for a number"),
        pytest.param(quantity(value=True), "targets[0].value.quantity.value", id="boolean for a number"),
        pytest.param(quantity(code="steps per day"), "targets[0].value.quantity.code", id="no UCUM code"),
        pytest.param(quantity(comparator="=>"), "targets[0].value.quantity.comparator", id="no comparator"),
        pytest.param(target(value={"range": {}}), "targets[0].value.range", id="range without ends"),
        pytest.param(
            target(value={"range": {"low": {"value": 3, "code": "kg"}, "high": {"value": 2, "code": "kg"}}}),
            "targets[0].value.range",
            id="range upside down",
        ),
    ],
)
async def test_the_element_is_named_and_nothing_is_written(world: World, body: dict[str, Any], path: str) -> None:
    answer = await world.ann.post(f"/v1/patients/{world.patient}/goals", body)

    problem = said(answer, 422)
    assert path in [e["path"] for e in problem["errors"]]
    assert problem["requestId"] == answer.headers["X-Request-Id"]
    assert await written(world) == 0


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        pytest.param(b"{", {}, 400, id="no JSON"),
        pytest.param(b'{"description":"Walk","description":"Run"}', {}, 400, id="a key twice"),
        pytest.param('{"description":"Walk"}'.encode("utf-16"), {}, 400, id="UTF-16"),
        pytest.param(DEEP, {}, 400, id="deep nesting"),
        pytest.param(b'{"description":NaN}', {}, 400, id="NaN"),
        pytest.param(b'{"description":' + b"9" * 100 + b"}", {}, 400, id="huge number"),
        pytest.param(b'{"description":"' + b"x" * 20_000_000 + b'"}', {}, 413, id="20 MB"),
        pytest.param(b"<Goal/>", {"Content-Type": "application/fhir+xml"}, 415, id="XML"),
        pytest.param(b"{}", {"Content-Encoding": "gzip"}, 415, id="compressed"),
        pytest.param(b'{"description":"Walk"}', {"Accept": "text/html"}, 406, id="HTML wanted"),
        pytest.param(b'{"description":"Walk"}', {"Idempotency-Key": "a b"}, 400, id="key with a space"),
        pytest.param(b'{"description":"Walk"}', {"Idempotency-Key": "x" * 300}, 400, id="long key"),
        pytest.param(b'{"description":"Walk"}', {"Authorization": "Bearer x"}, 401, id="no token"),
    ],
)
async def test_what_is_no_request_of_ours_is_refused(
    world: World, content: bytes, headers: dict[str, str], status: int
) -> None:
    answer = await world.ann.post(f"/v1/patients/{world.patient}/goals", content, **headers)

    assert said(answer, status)["status"] == status
    assert await written(world) == 0


@pytest.mark.parametrize(
    ("if_match", "status"),
    [
        pytest.param(None, 428, id="none"),
        pytest.param("*", 400, id="any"),
        pytest.param("garbage", 400, id="no entity tag"),
        pytest.param('W/"1", W/"2"', 400, id="two"),
        pytest.param('W/"99"', 412, id="another version"),
    ],
)
async def test_an_act_names_the_version_that_it_is_about(world: World, if_match: str | None, status: int) -> None:
    offer = await world.ann.proposes(world.patient, "Walk")
    headers = {"If-Match": if_match} if if_match else {}
    answer = await world.bo.post(f"/v1/goals/{offer['id']}/accept", {}, **headers)

    assert answer.status_code == status
    assert (status == 412) == (answer.headers.get("ETag") == f'W/"{offer["version"]}"')
    assert (await world.on_server(f"Goal/{offer['id']}"))["meta"]["versionId"] == offer["version"]


async def test_an_act_without_a_key_is_refused(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.ann.token}", "Content-Type": "application/json"}
    answer = await world.ann.http.post(
        f"/v1/patients/{world.patient}/goals", json={"description": "x"}, headers=headers
    )

    assert said(answer, 400)["type"] == "urn:coplan:problem:idempotency-key-missing"


async def test_errors_are_operation_outcomes_for_who_speaks_fhir(world: World) -> None:
    path = f"/v1/patients/{world.patient}/goals"
    answer = await world.ann.post(path, {"description": ""}, Accept="application/fhir+json")

    assert answer.headers["Content-Type"] == "application/fhir+json"
    outcome = said(answer, 422)
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"][0]["expression"] == ["description"]
    assert outcome["issue"][0]["diagnostics"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        pytest.param({"value": {"quantity": {"value": 1, "code": "kg"}}}, "effective", id="no time"),
        pytest.param({"value": {"text": "x"}, "effective": "2026-11-01"}, "effective", id="a day is no time"),
        pytest.param({"value": {"text": "x"}, "effective": "2026-11-01T10:00:00"}, "effective", id="no zone"),
        pytest.param({"value": {"text": "x"}, "effective": "2999-01-01T10:00:00Z"}, "effective", id="in the future"),
        pytest.param({"value": {"text": "x"}, "effective": "2026-11-01T10:00:00Z"}, "measure", id="measures nothing"),
    ],
)
async def test_a_measurement_says_what_was_measured_when(world: World, body: dict[str, Any], path: str) -> None:
    offer = await world.ann.proposes(world.patient, "Walk")
    await world.bo.acts(offer, "accept")
    answer = await world.ann.post(f"/v1/goals/{offer['id']}/progress", body)

    assert path in [e["path"] for e in said(answer, 422)["errors"]]
    assert await world.found(f"Observation?patient=Patient/{world.patient}") == []
