"""How answers look: forms, tags, headers, caching, health, errors that nobody foresaw."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from fhir_mappings.carrier import Json, decode
from service import errors
from service.api.answers import Form, accepted_form
from service.errors import NotAcceptable
from service.workflows import plans
from tests.conftest import FhirServer, app_with, fhir_http, open_test_services
from tests.people import FHIR, World, said


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Form.JSON),
        ("*/*", Form.JSON),
        ("application/*", Form.JSON),
        ("application/json", Form.JSON),
        ("application/fhir+json", Form.FHIR),
        ("application/fhir+json;fhirVersion=4.0", Form.FHIR),
        ("application/json;q=0.5, application/fhir+json", Form.FHIR),
        ("text/html, application/json;q=0.1", Form.JSON),
        ("application/fhir+json;q=0, */*", Form.JSON),
    ],
)
def test_the_form_that_is_liked_best(accept: str, form: Form) -> None:
    assert accepted_form(accept, Form.JSON, Form.FHIR) is form


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "application/json;q=x"])
def test_a_form_that_cannot_be_had(accept: str) -> None:
    with pytest.raises(NotAcceptable, match="application/json or"):
        accepted_form(accept, Form.JSON, Form.FHIR)


async def test_who_speaks_fhir_gets_the_resources_as_they_are_on_the_server(world: World) -> None:
    offer = await world.ann.proposes(world.patient, "Walk")
    await world.bo.acts(offer, "accept")
    one = await world.ann.get(f"/v1/goals/{offer['id']}", **FHIR)
    assert one.headers["Content-Type"] == "application/fhir+json"
    assert one.headers["ETag"] == 'W/"2"'
    assert said(one, 200) == await world.on_server(f"Goal/{offer['id']}")

    goals = said(await world.ann.get(f"/v1/patients/{world.patient}/goals", **FHIR), 200)
    assert (goals["type"], goals["total"]) == ("searchset", 1)
    care_plans = said(await world.ann.get(f"/v1/patients/{world.patient}/care-plans", **FHIR), 200)
    plan = care_plans["entry"][0]["resource"]
    both = said(await world.ann.get(f"/v1/care-plans/{plan['id']}", **FHIR), 200)
    assert [e["resource"]["resourceType"] for e in both["entry"]] == ["CarePlan", "Goal"]
    proposed = await world.ann.post(f"/v1/patients/{world.patient}/goals", {"description": "Swim"}, **FHIR)
    assert said(proposed, 201)["resourceType"] == "Goal"


async def test_goals_are_listed_by_status(world: World) -> None:
    offers = [await world.ann.proposes(world.patient, words) for words in ("Walk", "Swim", "Run")]
    await world.bo.acts(offers[0], "accept")
    path = f"/v1/patients/{world.patient}/goals"

    assert [g["description"] for g in (await world.ann.sees(path))["goals"]] == ["Walk", "Swim", "Run"]
    proposed = await world.ann.sees(f"{path}?status=proposed")
    assert [g["description"] for g in proposed["goals"]] == ["Swim", "Run"]
    both = await world.ann.sees(f"{path}?status=proposed&status=active")
    assert len(both["goals"]) == 3
    assert (await world.ann.get(f"{path}?status=bogus")).status_code == 422


async def test_a_goal_of_another_system_takes_part(world: World) -> None:
    theirs = {
        "resourceType": "Goal",
        "lifecycleStatus": "active",
        "description": {"text": "HbA1c below 7 %"},
        "subject": {"reference": f"Patient/{world.patient}"},
        "target": [{"measure": {"text": "HbA1c"}, "detailRange": {"high": {"value": 7.0, "unit": "%", "code": "%"}}}],
        "note": [{"text": "from the last visit"}],
        "expressedBy": {"reference": world.bo.reference},
    }
    created = await world.fhir.post("Goal", json=theirs)
    goal = decode(created.content)
    seen = await world.ann.sees(f"/v1/goals/{goal['id']}")
    assert seen["targets"][0]["value"]["range"]["high"]["value"] == 7
    counter = await world.ann.acts(seen, "counter-proposals", description="HbA1c below 7.5 %", reason="Fewer lows")
    accepted = await world.bo.acts(counter, "accept")

    assert accepted["lifecycleStatus"] == "active"
    after = await world.on_server(f"Goal/{goal['id']}")
    assert after["lifecycleStatus"] == "cancelled"
    assert after["note"][0] == {"text": "from the last visit"}
    thread = await world.ann.sees(f"/v1/goals/{goal['id']}/thread")
    assert [o["goal"]["description"] for o in thread["offers"]] == ["HbA1c below 7 %", "HbA1c below 7.5 %"]


async def test_a_plan_view_is_answered_again_until_something_is_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, read = f"/v1/patients/{world.patient}/plan", []
    original = plans.read_plan

    async def counted(*arguments: Any, **named: Any) -> Any:
        read.append(1)
        return await original(*arguments, **named)

    monkeypatch.setattr(plans, "read_plan", counted)
    first = await world.ann.get(path)
    assert (await world.ann.get(path)).content == first.content
    assert len(read) == 1
    await world.bo.get(path)
    assert len(read) == 2
    await world.ann.get(path, **{"Cache-Control": "no-cache"})
    assert len(read) == 3
    await world.ann.proposes(world.patient, "Walk")
    assert (await world.ann.get(path)).content != first.content
    assert len(read) == 4


async def test_every_answer_is_private_and_numbered(world: World) -> None:
    answer = await world.ann.get("/v1/me", **{"X-Request-Id": "my-own-1"})
    assert answer.headers["X-Request-Id"] == "my-own-1"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    hostile = await world.ann.get("/v1/me", **{"X-Request-Id": "a b<script>"})
    assert "script" not in hostile.headers["X-Request-Id"]


async def test_who_am_i(world: World) -> None:
    assert (await world.bo.sees("/v1/me"))["organization"] == f"Organization/clinic-{world.suffix}"
    rosa = await world.rosa.sees("/v1/me")
    assert (rosa["role"], rosa["patients"]) == ("RelatedPerson", [f"Patient/{world.child}"])
    bo = await world.bo.sees("/v1/me")
    assert bo["patients"] == [f"Patient/{p}" for p in (world.patient, world.diabetic, world.child)]


async def test_the_documentation_needs_nobody_else(world: World) -> None:
    page = await world.ann.http.get("/docs")
    assert page.status_code == 200
    assert "https://" not in page.text.replace("https://www.w3.org", "")
    assert "'unsafe-inline'" in page.headers["Content-Security-Policy"]
    assert (await world.ann.http.get("/openapi.json")).json()["info"]["title"] == "CoPlan"


async def test_a_route_that_is_not_there_is_a_problem_too(world: World) -> None:
    assert said(await world.ann.get("/v1/nothing"), 404)["status"] == 404
    assert said(await world.ann.http.delete("/v1/goals/x"), 405)["status"] == 405


@pytest.fixture
def embedded_only(embedded_server: FhirServer) -> FhirServer:
    return embedded_server


async def test_what_nobody_foresaw_is_an_error_without_a_word_of_it(
    embedded_only: FhirServer, capsys: pytest.CaptureFixture[str]
) -> None:
    async with open_test_services(embedded_only) as services:
        app = app_with(services)

        @app.get("/breaks")
        async def breaks() -> None:
            raise RuntimeError("secret-value")

        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://coplan.test") as http:
            answer = await http.get("/breaks")
    problem = said(answer, 500)
    assert problem["type"] == "urn:coplan:problem:internal-error"
    assert "secret-value" not in answer.text + capsys.readouterr().out


class Failing:
    """A FHIR server behind us that fails as told."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def read(self, *_: str) -> Json:
        raise self._error

    capabilities = search = read


@pytest.mark.parametrize(
    ("error", "status", "header"),
    [
        (errors.UpstreamUnavailable("x", timedelta(seconds=6.2)), 503, "7"),
        (errors.UpstreamUnavailable("x"), 503, "1"),
        (errors.UpstreamTimeout("x"), 504, None),
        (errors.UpstreamInvalid("secret-value"), 502, None),
        (errors.UpstreamRefused("secret-value"), 502, None),
        (errors.ResourceGone("x"), 410, None),
    ],
)
async def test_a_failure_behind_us_is_told_as_such(
    embedded_only: FhirServer, error: Exception, status: int, header: str | None
) -> None:
    from dataclasses import replace

    from tests.conftest import ISSUER

    async with open_test_services(embedded_only) as services:
        app = app_with(replace(services, fhir=Failing(error)))  # type: ignore[arg-type]  # what is asked of it here
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://coplan.test") as http:
            headers = {"Authorization": f"Bearer {ISSUER.token('Practitioner/bo')}"}
            answer = await http.get("/v1/goals/x", headers=headers)
            ready = await http.get("/readyz")
            alive = await http.get("/livez")
    assert said(answer, status)["status"] == status
    assert answer.headers.get("Retry-After") == header
    assert "secret-value" not in answer.text
    assert (ready.status_code, ready.json()) == (503, {"status": "unavailable", "degraded": ["fhir"]})
    assert alive.status_code == 200


async def test_the_service_is_ready_once_the_fhir_server_answers(embedded_only: FhirServer) -> None:
    async with open_test_services(embedded_only) as services, fhir_http(embedded_only):
        transport = httpx.ASGITransport(app_with(services))
        async with httpx.AsyncClient(transport=transport, base_url="http://coplan.test") as http:
            assert (await http.get("/readyz")).json() == {"status": "ok"}


async def test_a_token_without_a_person_or_for_another_patient_opens_nothing(world: World) -> None:
    from tests.conftest import ISSUER

    wrong = ISSUER.token(world.ann.reference, patient=world.stranger)
    answer = await world.ann.http.get("/v1/me", headers={"Authorization": f"Bearer {wrong}"})
    assert said(answer, 403)["detail"].startswith("the token's patient")
    nobody = ISSUER.token("RelatedPerson/nobody-here")
    answer = await world.ann.http.get("/v1/me", headers={"Authorization": f"Bearer {nobody}"})
    assert answer.status_code == 403


async def test_a_clinician_in_the_context_of_one_patient_sees_no_other(world: World) -> None:
    from tests.conftest import ISSUER

    token = ISSUER.token(world.bo.reference, patient=world.patient)
    headers = {"Authorization": f"Bearer {token}"}
    assert (await world.ann.http.get(f"/v1/patients/{world.patient}/plan", headers=headers)).status_code == 200
    assert (await world.ann.http.get(f"/v1/patients/{world.stranger}/plan", headers=headers)).status_code == 404
