"""Names tell: who treats somebody in private, or sits on a team, is named to those alone who may know of it."""

import re
from dataclasses import replace
from typing import Any

import pytest

from fhir_mappings.carrier import Json, encode
from fhir_mappings.codes import CONFIDENTIALITY
from tests.attempts import ATTEMPTS, Scene
from tests.conftest import ISSUER, FhirServer
from tests.people import Person, World, said

PATHS = ("plan", "today?timeZone=UTC", "week?timeZone=UTC", "activities")
FHIR = "application/fhir+json"
CLINIC = "Youth clinic behind the station"
RESTRICTED = {"security": [{"system": CONFIDENTIALITY, "code": "R"}]}


@pytest.fixture
def fhir_server(embedded_server: FhirServer) -> FhirServer:
    return embedded_server


async def put(world: World, resource_type: str, short: str, **parts: Any) -> str:
    reference = f"{resource_type}/{short}-{world.suffix}"
    body = {"resourceType": resource_type, "id": reference.partition("/")[2], **parts}
    assert (await world.fhir.put(reference, content=encode(body))).is_success
    return reference


async def told(who: Person, patient: str) -> str:
    pages = [await who.get(f"/v1/patients/{patient}/{path}", **{"Cache-Control": "no-cache"}) for path in PATHS]
    assert {p.status_code for p in pages} == {200}
    return " ".join(p.text for p in pages)


def with_scope(who: Person, scope: str) -> Person:
    return replace(who, token=ISSUER.token(who.reference, scope=scope))


async def test_who_helps_with_a_private_goal_is_not_named_to_the_family(world: World) -> None:
    clinic = await put(world, "HealthcareService", "youth", name=CLINIC)
    goal = await world.bo.acts(await world.mia.proposes(world.child, "Talk to somebody"), "accept")
    (plan,) = await world.found(f"CarePlan?subject=Patient/{world.child}")
    body = {"description": "First visit", "due": "2099-12-15", "goals": [goal["id"]], "performers": [clinic]}
    said(await world.bo.post(f"/v1/care-plans/{plan['id']}/activities", body), 201)
    assert CLINIC in await told(world.rosa, world.child)

    await world.mia.acts(await world.mia.sees(f"/v1/goals/{goal['id']}"), "visibility", visibility="private")
    assert CLINIC in await told(world.mia, world.child)
    assert CLINIC not in await told(world.rosa, world.child)


async def test_who_is_on_a_restricted_team_is_not_named_to_the_family(world: World) -> None:
    colleague = await put(world, "Practitioner", "psy", name=[{"text": "Dr Paz Roca"}])
    role = await put(world, "PractitionerRole", "psy", practitioner={"reference": colleague})
    team = {"status": "active", "subject": {"reference": f"Patient/{world.child}"}}
    participant = [{"member": {"reference": reference}} for reference in (colleague, role)]
    await put(world, "CareTeam", "inner", **team, participant=participant, meta=RESTRICTED)

    assert "Dr Paz Roca" in await told(world.mia, world.child)
    assert "Dr Paz Roca" not in await told(world.rosa, world.child)
    answer = await world.rosa.post(f"/v1/patients/{world.child}/goals", {"description": "x", "ask": [colleague]})
    assert "Paz" not in answer.text


async def test_a_page_names_those_alone_to_whom_it_refers(world: World) -> None:
    goal = await world.mia.proposes(world.child, "Swim")
    for path in (f"patients/{world.child}/plan", f"patients/{world.child}/today", f"goals/{goal['id']}/thread"):
        page = await world.bo.sees(f"/v1/{path}")
        rest = encode({k: v for k, v in page.items() if k != "people"}).decode()
        people = {p["reference"] for p in page["people"]}
        assert people == {r for r in people if f'"{r}"' in rest}
        assert (world.nora.reference in people) is path.endswith("plan"), "the plan has the care team"
        assert f"Patient/{world.child}" in people


async def foreign_on_the_team(world: World) -> None:
    members = [world.rosa.reference, f"Patient/{world.child}", world.bo.reference]
    team = {"status": "active", "subject": {"reference": f"Patient/{world.patient}"}}
    await put(world, "CareTeam", "odd", **team, participant=[{"member": {"reference": m}} for m in members])


async def test_another_patients_family_is_not_named_by_a_team_that_lists_them(world: World) -> None:
    await foreign_on_the_team(world)
    stranger = await put(world, "Practitioner", "ghost")
    body = {"description": "x", "ask": [stranger]}
    refused = said(await world.bo.post(f"/v1/patients/{world.patient}/goals", body), 422)["errors"][0]["message"]

    assert "Moss" not in await told(world.bo, world.patient)
    assert "You can ask: " in refused
    assert not re.search(f"Moss|{world.rosa.reference}|{world.child}", refused)


@pytest.mark.parametrize(
    ("scope", "listed"),
    [
        ("user/*.cruds", {"Mia Moss", "Rosa Moss", "CareTeam/team-mia", "Practitioner/nora"}),
        ("user/Goal.cruds user/CarePlan.rs", set[str]()),
        ("user/Goal.cruds user/CarePlan.rs user/CareTeam.s", {"CareTeam/team-mia", "Practitioner/nora"}),
        ("user/Goal.cruds user/CarePlan.rs user/RelatedPerson.r user/Patient.r", {"Mia Moss", "Rosa Moss"}),
    ],
)
async def test_who_can_be_asked_is_listed_as_far_as_the_token_reads(world: World, scope: str, listed: set[str]) -> None:
    stranger = await put(world, "Practitioner", "ghost")
    body = {"description": "x", "ask": [stranger]}
    answer = await with_scope(world.bo, scope).post(f"/v1/patients/{world.child}/goals", body)

    message = said(answer, 422)["errors"][0]["message"]
    assert {n for n in ("Mia Moss", "Rosa Moss", "CareTeam/team-mia", "Practitioner/nora") if n in message} == listed
    own = await with_scope(world.mia, "user/Goal.cruds user/CarePlan.rs").post(
        f"/v1/patients/{world.child}/goals", body
    )
    assert "You can ask" not in own.text, "there is nobody to be listed"


async def test_who_may_not_propose_is_told_that_and_nothing_of_who_could_be_asked(world: World) -> None:
    stranger = await put(world, "Practitioner", "ghost")
    answer = await with_scope(world.bo, "user/Goal.rs user/CarePlan.rs user/CareTeam.rs").post(
        f"/v1/patients/{world.child}/goals", {"description": "x", "ask": [stranger]}
    )

    assert said(answer, 403)["type"] == "urn:coplan:problem:scope-missing"
    assert "You can ask" not in answer.text


async def test_a_thread_names_the_patient_to_those_who_may_read_patients(world: World) -> None:
    goal = await world.mia.proposes(world.child, "Swim")
    for scope, named in (
        ("user/Goal.rs user/CarePlan.rs user/Patient.r", True),
        ("user/Goal.rs user/CarePlan.rs", False),
    ):
        answer = await with_scope(world.bo, scope).get(f"/v1/goals/{goal['id']}/thread")
        people = {p["reference"] for p in said(answer, 200).get("people", ())}
        assert (f"Patient/{world.child}" in people) is named


async def test_a_scope_that_is_missing_is_said_before_anything_else(world: World) -> None:
    attempt = await ATTEMPTS["carryOverAgenda"](Scene(world, world.patient, world.ann, world.bo))
    answer = await attempt.by(with_scope(world.ann, "user/Goal.cruds user/CarePlan.rs"))

    assert said(answer, 403)["type"] == "urn:coplan:problem:scope-missing"


@pytest.mark.parametrize(
    ("name", "status"),
    [(name, 403) for name in ATTEMPTS if "Template" in name and name.partition("Template")[0] not in {"get", "list"}],
)
async def test_an_application_has_no_hand_in_a_programme(world: World, name: str, status: int) -> None:
    attempt = await ATTEMPTS[name](Scene(world, world.patient, world.bo, world.ann))
    token = ISSUER.token("", scope="system/*.cruds", client_id="warehouse")
    answer = await attempt.by(Person(world.ann.http, "Device/warehouse", token))

    assert said(answer, status)["type"] == "urn:coplan:problem:not-permitted"


async def test_a_repeated_reply_tells_the_family_nothing_that_has_become_private(world: World) -> None:
    goals = [await world.bo.acts(await world.mia.proposes(world.child, w), "accept") for w in ("Swim", "Talk alone")]
    items = {"items": [f"Goal/{g['id']}" for g in goals]}
    path = f"/v1/patients/{world.child}/priorities"
    first = said(await world.rosa.post(path, items, key="order"), 200)
    again = await world.rosa.post(path, items, key="order")
    assert (said(again, 200), again.headers["Idempotent-Replayed"]) == (first, "true")

    present = await world.mia.sees(f"/v1/goals/{goals[1]['id']}")
    await world.mia.acts(present, "visibility", visibility="private")
    answer = await world.rosa.post(path, items, key="order")
    assert goals[1]["id"] not in answer.text
    assert "Talk alone" not in answer.text


SECRET = "the talk without my mother"


async def test_what_another_system_says_of_a_private_goal_by_its_url_is_kept_from_the_family(
    world: World, fhir_server: FhirServer
) -> None:
    """A server may keep a reference to itself as it came, with its base; and such a system sets no label."""
    goal = await world.bo.acts(await world.mia.proposes(world.child, "Talk alone", visibility="private"), "accept")
    about = {"reference": f"{fhir_server.base_url.rstrip('/')}/Goal/{goal['id']}"}
    subject = {"reference": f"Patient/{world.child}"}
    said_there: dict[str, Json] = {
        "Observation": {"status": "final", "subject": subject, "focus": [about], "effectiveDateTime": "2026-11-01"},
        "ServiceRequest": {"status": "active", "intent": "plan", "subject": subject, "supportingInfo": [about]},
        "Task": {"status": "requested", "intent": "proposal", "for": subject, "focus": about, "description": SECRET},
        "CarePlan": {"status": "active", "intent": "plan", "subject": subject, "goal": [about]},
    }
    marks = [{"system": "urn:coplan:activity", "value": f"there-{world.suffix}"}]
    named = {"code": {"text": SECRET}}
    for resource_type, parts in said_there.items():
        more: Json = named if resource_type in {"Observation", "ServiceRequest"} else {}
        more |= {"identifier": marks} if resource_type == "ServiceRequest" else {}
        more |= {"owner": {"reference": world.rosa.reference}} if resource_type == "Task" else {}
        await put(world, resource_type, "there", **parts, **more)
    paths = (*PATHS, "observations", "care-plans", "goals")
    pages = [await world.rosa.get(f"/v1/patients/{world.child}/{p}", Accept=a) for p in paths for a in ("*/*", FHIR)]
    shown = " ".join(page.text for page in pages)

    assert SECRET in (await world.mia.get(f"/v1/patients/{world.child}/observations")).text
    assert goal["id"] not in shown
    assert SECRET not in shown


async def test_a_page_is_as_full_without_what_is_hidden_and_leads_on(world: World) -> None:
    """A page that is shorter, or the last, where there is more, would tell that something is kept back."""
    goal = await world.bo.acts(await world.mia.proposes(world.child, "Talk alone", visibility="private"), "accept")

    def pain(day: int, **more: Any) -> Json:
        return {"what": "pain", "value": day, "effective": f"2026-11-{day:02}T08:00:00Z", **more}

    hidden = [pain(day, goals=[goal["id"]]) for day in (5, 6, 8, 9)]
    items = [*(pain(day) for day in (2, 3, 4, 7)), *hidden]
    answer = said(await world.mia.post(f"/v1/patients/{world.child}/observations", {"items": items}), 200)
    assert answer["created"] == len(items)

    async def listed(who: Person) -> list[list[int]]:
        pages, more = [], ""
        while True:
            page = await who.sees(f"/v1/patients/{world.child}/observations?count=1{more}")
            pages.append([o["value"]["quantity"]["value"] for o in page["observations"]])
            if "next" not in page:
                return pages
            more = f"&cursor={page['next']}"

    assert await listed(world.rosa) == [[7], [4], [3], [2]]
    assert await listed(world.mia) == [[9], [8], [7], [6], [5], [4], [3], [2]]
