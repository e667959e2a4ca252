"""References in every form, in every element that takes one: nothing is written, fetched or told."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from fhir_mappings.carrier import Json
from tests.people import World

FORMS = [
    "",
    " ",
    "/",
    "#",
    "#p",
    "#Patient/1",
    "{type}",
    "{type}/",
    "/{type}/{foreign}",
    "{type}//{foreign}",
    "{type}/{foreign}/",
    "{type}/{foreign}/_history/1",
    "{type}/{foreign}/$everything",
    "{type}/{foreign}?_format=json",
    "{type}?identifier=x|{foreign}",
    "{type}?name=a",
    "{type}/{foreign}#x",
    "{type}/{foreign},{type}/x",
    "{type}/{foreign} ",
    " {type}/{foreign}",
    "{type}/{foreign}\n",
    "{type}\\{foreign}",
    "{type}%2F{foreign}",
    "{type}/%7B{foreign}%7D",
    "{type}/..%2F{foreign}",
    "{type}/../Patient/{foreign}",
    "{type}/.",
    "{type}/..",
    "./{type}/{foreign}",
    "../fhir/{type}/{foreign}",
    "{type}/" + "x" * 65,
    "{type}/" + "x" * 5_000,
    "{type}/é",
    "{type}/{foreign}\u202e",
    "{type}/\u0000{foreign}",
    "\u0420atient/{foreign}",
    "{type}:{foreign}",
    "patient/{foreign}",
    "Resource/{foreign}",
    "Binary/{foreign}",
    "Bundle/{foreign}",
    "{base}/{type}/{foreign}",
    "{listener}/{type}/{foreign}",
    "//127.0.0.1:{port}/{type}/{foreign}",
    "http://169.254.169.254/latest/meta-data/",
    "https://evil.test/fhir/{type}/{foreign}",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "data:application/json,1",
    "urn:uuid:00000000-0000-4000-8000-000000000000",
    "urn:oid:1.2.3",
    {"reference": "{type}/{foreign}"},
    {"identifier": {"system": "urn:x", "value": "{foreign}"}},
    ["{type}/{foreign}"],
    5,
    True,
    "{type}/{foreign}",
]
"""`{type}` is one that the element takes; `{foreign}` the id of somebody else's resource of it."""

ELEMENTS = [
    pytest.param("propose", {"description": "x"}, ("ask", list), "Patient", id="Goal.acceptance"),
    pytest.param("propose", {"description": "x"}, ("addresses", list), "Condition", id="Goal.addresses"),
    pytest.param("propose", {"description": "x"}, ("carePlan", str), "CarePlan", id="Task.basedOn"),
    pytest.param("counter", {"description": "y", "reason": "z"}, ("addresses", list), "Condition", id="of a counter"),
    pytest.param("open", {"title": "x"}, ("addresses", list), "Condition", id="CarePlan.addresses"),
    pytest.param("open", {"title": "x"}, ("careTeam", str), "CareTeam", id="CarePlan.careTeam"),
    pytest.param("open", {"title": "x"}, ("goals", list), "Goal", id="CarePlan.goal"),
    pytest.param("message", {"text": "x"}, ("inResponseTo", str), "Communication", id="Communication.inResponseTo"),
]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Stands for every address that a reference may name."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.mark.parametrize(("act", "body", "element", "kind"), ELEMENTS)
async def test_no_form_of_a_reference_leads_to_somebody_else(
    world: World, listener: socket.socket, act: str, body: Json, element: tuple[str, type], kind: str
) -> None:
    anns = await _record_of_ann(world)
    mine = await world.other.proposes(world.stranger, "Swim")
    path, version = {
        "propose": (f"/v1/patients/{world.stranger}/goals", None),
        "open": (f"/v1/patients/{world.stranger}/care-plans", None),
        "counter": (f"/v1/goals/{mine['id']}/counter-proposals", mine["version"]),
        "message": (f"/v1/goals/{mine['id']}/messages", mine["version"]),
    }[act]
    port = listener.getsockname()[1]
    names = {
        "type": kind,
        "foreign": anns[kind],
        "base": str(world.fhir.base_url).rstrip("/"),
        "listener": f"http://127.0.0.1:{port}",
        "port": port,
    }
    before = await _written(world)
    for form in FORMS:
        given = _filled(form, names)
        answer = await world.other.post(
            path, {**body, element[0]: [given] if element[1] is list else given}, version=version
        )
        assert answer.status_code in {404, 422}, (form, answer.text)
        assert "Canary" not in answer.text
    assert await _written(world) == before
    with pytest.raises(BlockingIOError):
        listener.accept()


def _filled(form: Any, names: dict[str, Any]) -> Any:
    match form:
        case str():
            return form.format(**names)
        case dict():
            return {name: _filled(inner, names) for name, inner in form.items()}
        case list():
            return [_filled(inner, names) for inner in form]
    return form


async def _record_of_ann(world: World) -> dict[str, str]:
    """Ids of what is Ann's, by type."""
    goal = await world.bo.acts(await world.ann.proposes(world.patient, "Canary"), "accept")
    message = await world.ann.acts(goal, "messages", text="Canary")
    plan = (await world.found(f"CarePlan?subject=Patient/{world.patient}"))[0]
    team = {"resourceType": "CareTeam", "name": "Canary", "subject": {"reference": f"Patient/{world.patient}"}}
    return {
        "Patient": world.patient,
        "Condition": f"knee-{world.suffix}",
        "Goal": goal["id"],
        "CarePlan": plan["id"],
        "Communication": message["id"],
        "CareTeam": (await world.fhir.post("CareTeam", json=team)).json()["id"],
    }


async def _written(world: World) -> int:
    """How much there is about the stranger."""
    patient = f"Patient/{world.stranger}"
    searches = [f"Goal?patient={patient}", f"CarePlan?patient={patient}", f"Communication?patient={patient}"]
    return sum([len(await world.found(search)) for search in searches])
