"""Who may do what: family members, clinicians, applications; each right ends when it ends."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fhir_mappings.carrier import Json
from fhir_mappings.codes import CONFIDENTIALITY, CONSENT_ACTION
from service.rights import KEPT_FOR
from tests.conftest import ISSUER, FhirServer
from tests.people import FHIR, Person, World, said

PORTAL = "openid fhirUser launch/patient patient/Goal.cruds patient/CarePlan.rs patient/Observation.crs"
MEASURED = {"value": {"text": "ten minutes"}, "effective": "2026-11-01T10:00:00Z", "measure": {"text": "Minutes"}}


def with_scope(person: Person, scope: str, **claims: Any) -> Person:
    return replace(person, token=ISSUER.token(person.reference, scope=scope, **claims))


@pytest.fixture
def later(world: World) -> Callable[[], None]:
    """Five seconds pass for what the service keeps about rights."""
    services: Any = world.ann.http._transport.app.state.services  # type: ignore[attr-defined]
    elapsed = [0.0]
    for kept in (services.rights._people, services.rights._lists, services.rights._on_team):
        kept._clock = lambda: elapsed[0]

    def pass_time() -> None:
        elapsed[0] += KEPT_FOR.total_seconds()

    return pass_time


async def consents(world: World, *codes: str, status: str = "active", **provision: Any) -> None:
    """Mia's Consent about Rosa."""
    actions = [{"coding": [{"system": CONSENT_ACTION, "code": code}]} for code in codes]
    terminology = "http://terminology.hl7.org/CodeSystem"
    role = {"coding": [{"system": f"{terminology}/v3-RoleCode", "code": "DELEGATEE"}]}
    consent = {
        "resourceType": "Consent",
        "id": f"rosa-{world.suffix}",
        "status": status,
        "scope": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]
        },
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": f"Patient/{world.child}"},
        "policyRule": {"text": "Hospital policy on proxies"},
        "provision": {
            "type": "permit",
            "actor": [{"role": role, "reference": {"reference": world.rosa.reference}}],
            **({"action": actions} if actions else {}),
            **provision,
        },
    }
    answer = await world.fhir.put(f"Consent/{consent['id']}", json=consent)
    assert answer.status_code in {200, 201}, answer.text


async def test_a_portal_with_few_scopes_does_all_a_patient_does(world: World) -> None:
    ann = with_scope(world.ann, PORTAL, patient=world.patient)
    offer = await world.bo.proposes(world.patient, "Walk to the shops")
    agreed = await ann.acts(offer, "accept")
    await ann.acts(agreed, "messages", text="May I take the bus back?")
    said(await ann.post(f"/v1/goals/{offer['id']}/progress", MEASURED), 201)
    own = await ann.proposes(world.patient, "Play with the children")

    assert agreed["lifecycleStatus"] == "active"
    assert [m["text"] for m in (await ann.sees(f"/v1/goals/{offer['id']}/thread"))["messages"]]
    assert len((await ann.sees(f"/v1/patients/{world.patient}/plan"))["goals"]) == 2
    await ann.acts(own, "withdraw")


@pytest.mark.parametrize(
    ("scope", "act", "missing"),
    [
        ("patient/Goal.rs patient/CarePlan.rs", "accept", "patient/Goal.u"),
        ("patient/Goal.u patient/CarePlan.rs", "accept", "patient/Goal.r"),
        ("patient/Goal.cruds", "accept", "patient/CarePlan.s"),
        ("patient/Goal.cruds patient/CarePlan.rs", "progress", "patient/Observation.c"),
        ("patient/Goal.cruds patient/CarePlan.rs patient/Observation.rs", "progress", "patient/Observation.c"),
        ("patient/Goal.cruds?category=dietary patient/CarePlan.rs", "decline", None),
    ],
)
async def test_an_act_beyond_the_token_is_refused_and_says_what_it_takes(
    world: World, scope: str, act: str, missing: str | None
) -> None:
    offer = await world.bo.proposes(world.patient, "Walk to the shops")
    if act == "progress":
        offer = await world.ann.acts(offer, "accept")
    ann = with_scope(world.ann, scope)
    body = {"accept": {}, "progress": MEASURED, "decline": {"reason": "x"}}[act]
    answer = await ann.post(f"/v1/goals/{offer['id']}/{act}", body, version=offer["version"])

    if missing is None:
        assert answer.status_code == 404
    else:
        assert said(answer, 403)["type"] == "urn:coplan:problem:scope-missing"
        assert f'scope="{missing}"' in answer.headers["WWW-Authenticate"]
    assert (await world.on_server(f"Goal/{offer['id']}"))["meta"]["versionId"] == offer["version"]


@pytest.mark.parametrize(
    ("scope", "detail"),
    [
        ("", "no scope that is understood"),
        ("openid fhirUser", "no scope that is understood"),
        ("patient/Goal.sr", "no scope that is understood"),
        ("system/*.cruds", "system scopes are for applications"),
    ],
)
async def test_a_token_without_a_usable_scope_opens_nothing(world: World, scope: str, detail: str) -> None:
    answer = await with_scope(world.ann, scope).get(f"/v1/patients/{world.patient}/goals")

    assert detail in said(answer, 403)["detail"]


async def test_patient_scopes_without_a_patient_are_never_unfiltered(world: World) -> None:
    bo = with_scope(world.bo, "patient/*.cruds")
    for path in (f"/v1/patients/{world.patient}/goals", "/v1/me", "/v1/goals/x"):
        assert "no claim `patient`" in said(await bo.get(path), 403)["detail"]
    in_context = with_scope(world.bo, "patient/*.cruds", patient=world.patient)
    said(await in_context.get(f"/v1/patients/{world.patient}/goals"), 200)
    assert (await in_context.get(f"/v1/patients/{world.child}/goals")).status_code == 404


async def test_a_view_leaves_out_what_the_token_was_not_given_for(world: World) -> None:
    agreed = await world.ann.acts(await world.bo.proposes(world.patient, "Walk"), "accept")
    said(await world.ann.post(f"/v1/goals/{agreed['id']}/progress", MEASURED), 201)
    plan = await with_scope(world.ann, "patient/Goal.rs").sees(f"/v1/patients/{world.patient}/plan")

    assert len(plan["goals"]) == 1
    assert not plan.get("latest")
    assert not plan.get("plans")
    answer = await with_scope(world.ann, "patient/Goal.rs").get(f"/v1/patients/{world.patient}/care-plans")
    assert said(answer, 403)["type"] == "urn:coplan:problem:scope-missing"


ALL_TOLD = "CarePlan Goal Observation List CommunicationRequest ServiceRequest"
"""What a narrative tells of."""


@pytest.mark.parametrize("left_out", [None, *ALL_TOLD.split()[1:]])
async def test_a_narrative_is_shown_to_who_may_see_all_that_it_tells_of(world: World, left_out: str | None) -> None:
    agreed = await world.ann.acts(await world.bo.proposes(world.patient, "Walk to the shops"), "accept")
    said(await world.ann.post(f"/v1/patients/{world.patient}/agenda", {"text": "The stairs", "kind": "topic"}), 201)
    scope = " ".join(f"patient/{kind}.rs" for kind in ALL_TOLD.split() if kind != left_out)
    ann = with_scope(world.ann, scope)
    (listed,) = await found(ann, f"/v1/patients/{world.patient}/care-plans")
    read = await found(ann, f"/v1/care-plans/{listed['id']}") if left_out != "Goal" else []

    for plan in (listed, *read):
        told = [words in plan["text"]["div"] for words in ("Walk to the shops", "The stairs")]
        assert told == [left_out is None] * 2
    assert "Walk to the shops" in (await world.on_server(f"CarePlan/{listed['id']}"))["text"]["div"]
    if left_out is None:
        return
    narrow = with_scope(world.ann, f"{scope} patient/Goal.rus")
    await narrow.acts(await world.ann.sees(f"/v1/goals/{agreed['id']}"), "hold", reason="Rain")
    kept = (await world.on_server(f"CarePlan/{listed['id']}"))["text"]["div"]
    assert all(words in kept for words in ("Walk to the shops", "The stairs", "on hold"))


async def found(person: Person, path: str) -> list[Any]:
    """The plans, as FHIR."""
    answer = said(await person.get(path, **FHIR), 200)
    resources = [e["resource"] for e in answer["entry"]] if answer["resourceType"] == "Bundle" else [answer]
    return [r for r in resources if r["resourceType"] == "CarePlan"]


async def test_a_plan_of_another_system_tells_the_family_nothing_while_something_is_private(world: World) -> None:
    theirs = {
        "resourceType": "CarePlan",
        "status": "active",
        "intent": "plan",
        "subject": {"reference": f"Patient/{world.child}"},
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Stop the night feeds</div>'},
    }
    plan = (await world.fhir.post("CarePlan", json=theirs)).json()
    path = f"/v1/care-plans/{plan['id']}"
    assert "night feeds" in (await found(world.rosa, path))[0]["text"]["div"]
    await world.mia.proposes(world.child, "Stop the night feeds", visibility="private")

    assert "night feeds" not in (await found(world.rosa, path))[0]["text"]["div"]
    assert "night feeds" in (await found(world.bo, path))[0]["text"]["div"]


async def test_a_clinician_sees_whom_they_care_for_as_long_as_they_do(world: World, later: Callable[[], None]) -> None:
    goal = await world.ann.proposes(world.patient, "Walk to the shops")
    for path in (f"/v1/patients/{world.stranger}/plan", f"/v1/patients/{world.stranger}/goals"):
        assert (await world.bo.get(path)).status_code == 404
    said(await world.bo.get(f"/v1/goals/{goal['id']}"), 200)
    team = await world.on_server(f"CareTeam/team-ann-{world.suffix}")
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    for participant in team["participant"]:
        participant["period"] = {"end": yesterday}
    await world.fhir.put(f"CareTeam/{team['id']}", json=team)
    later()

    assert (await world.bo.get(f"/v1/goals/{goal['id']}")).status_code == 404
    assert (await world.bo.get(f"/v1/patients/{world.patient}/plan")).status_code == 404
    answer = await world.bo.post(f"/v1/goals/{goal['id']}/accept", {}, version=goal["version"])
    assert answer.status_code == 404


async def test_a_repeated_act_is_not_answered_again_to_who_has_lost_the_right(
    world: World, later: Callable[[], None]
) -> None:
    goal = await world.ann.proposes(world.patient, "Walk to the shops")
    path = f"/v1/goals/{goal['id']}/accept"
    said(await world.bo.post(path, {}, version=goal["version"], key="k-1"), 200)
    team = await world.on_server(f"CareTeam/team-ann-{world.suffix}")
    await world.fhir.put(f"CareTeam/{team['id']}", json=team | {"status": "inactive"})
    later()

    assert (await world.bo.post(path, {}, version=goal["version"], key="k-1")).status_code == 404


async def test_a_role_acts_as_its_practitioner_for_its_organization(world: World, later: Callable[[], None]) -> None:
    role = {
        "resourceType": "PractitionerRole",
        "id": f"physio-{world.suffix}",
        "practitioner": {"reference": world.bo.reference},
        "organization": {"reference": f"Organization/clinic-{world.suffix}"},
    }
    await world.fhir.put(f"PractitionerRole/{role['id']}", json=role)
    team = {
        "resourceType": "CareTeam",
        "id": f"team-zoe-{world.suffix}",
        "status": "active",
        "subject": {"reference": f"Patient/{world.stranger}"},
        "participant": [{"member": {"reference": f"PractitionerRole/{role['id']}"}}],
    }
    await world.fhir.put(f"CareTeam/{team['id']}", json=team)
    reference = f"PractitionerRole/{role['id']}"
    in_role = replace(world.bo, reference=reference, token=ISSUER.token(reference))
    goal = await in_role.proposes(world.stranger, "Walk to the shops")

    assert goal["expressedBy"] == world.bo.reference
    assert (await in_role.sees("/v1/me"))["organization"] == f"Organization/clinic-{world.suffix}"
    said(await world.bo.get(f"/v1/patients/{world.stranger}/goals"), 200)
    await world.fhir.put(f"PractitionerRole/{role['id']}", json=role | {"active": False})
    later()
    assert said(await in_role.get("/v1/me"), 403)["detail"].startswith("the token's fhirUser is in no office")
    assert (await world.bo.get(f"/v1/patients/{world.stranger}/goals")).status_code == 404


@pytest.mark.parametrize(
    ("codes", "statuses"),
    [
        pytest.param(["access"], {"read": 200, "record": 403, "act": 403}, id="to read"),
        pytest.param(["collect"], {"read": 200, "record": 201, "act": 403}, id="to record"),
        pytest.param(["correct"], {"read": 200, "record": 201, "act": 200}, id="to act"),
        pytest.param(["disclose"], {"read": 403, "record": 403, "act": 403}, id="something else"),
    ],
)
async def test_a_mother_may_as_much_as_the_consent_says(
    world: World, codes: list[str], statuses: dict[str, int]
) -> None:
    offer = await world.bo.proposes(world.child, "Vest treatment before school")
    agreed = await world.rosa.acts(offer, "accept")
    await consents(world, *codes)
    rosa = replace(world.rosa, token=ISSUER.token(world.rosa.reference))
    services: Any = world.ann.http._transport.app.state.services  # type: ignore[attr-defined]
    services.rights._lists._values.clear()
    hold = await rosa.post(f"/v1/goals/{offer['id']}/hold", {"reason": "ill"}, version=agreed["version"])

    assert hold.status_code == statuses["act"]
    assert (await rosa.post(f"/v1/goals/{offer['id']}/progress", MEASURED)).status_code == statuses["record"]
    assert (await rosa.get(f"/v1/patients/{world.child}/plan")).status_code == statuses["read"]
    me = await rosa.sees("/v1/me")
    assert me["proxy"]["decidedBy"] == "consent"
    assert ("holdGoal" in me.get("operations", [])) is (statuses["act"] == 200)


async def test_a_right_that_has_an_end_ends_though_the_token_is_valid(world: World, later: Callable[[], None]) -> None:
    today = datetime.now(UTC).date()
    await consents(world, period={"end": today.isoformat()})
    said(await world.rosa.get(f"/v1/patients/{world.child}/plan"), 200)
    assert (await world.rosa.sees("/v1/me"))["proxy"]["until"] == today.isoformat()
    await consents(world, period={"end": (today - timedelta(days=1)).isoformat()})
    later()
    assert (await world.rosa.get(f"/v1/patients/{world.child}/plan")).status_code == 403
    await consents(world, status="inactive")
    later()
    assert (await world.rosa.get(f"/v1/patients/{world.child}/plan")).status_code == 403


def by_url(patient: str) -> Json:
    """A Consent that says nothing, about this patient."""
    parts: Json = {"resourceType": "Consent", "status": "draft", "scope": {"text": "x"}, "category": [{"text": "x"}]}
    return {**parts, "patient": {"reference": patient}, "policyRule": {"text": "x"}}


@pytest.mark.parametrize("named", ["inside", "by a URL", "of a patient by a URL"])
async def test_a_refusal_counts_wherever_and_however_it_is_written(
    world: World, named: str, fhir_server: FhirServer
) -> None:
    base = fhir_server.base_url.rstrip("/")
    if "URL" in named and (await world.fhir.post("Consent", json=by_url(f"{base}/Patient/{world.child}"))).is_error:
        pytest.skip("this server keeps no references by URL")
    rosa = f"{base}/{world.rosa.reference}" if named == "by a URL" else world.rosa.reference
    denial: Json = {"type": "deny", "actor": [{"role": {"text": "proxy"}, "reference": {"reference": rosa}}]}
    await (consents(world, actor=[], provision=[denial]) if named == "inside" else consents(world, **denial))
    if named == "of a patient by a URL":
        consent = await world.on_server(f"Consent/rosa-{world.suffix}")
        whose = {"reference": f"{base}/Patient/{world.child}"}
        assert (await world.fhir.put(f"Consent/rosa-{world.suffix}", json=consent | {"patient": whose})).is_success

    assert (await world.rosa.get(f"/v1/patients/{world.child}/plan")).status_code == 403


async def test_what_was_measured_of_another_patient_says_nothing_of_a_goal(world: World) -> None:
    """The care team of both may see it; another system has mixed them up."""
    target = {"measure": {"text": "pain"}, "value": {"quantity": {"value": 3, "code": "{score}", "comparator": "<="}}}
    goal = await world.bo.acts(await world.ann.proposes(world.patient, "Less pain", targets=[target]), "accept")
    mixed_up = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "pain"},
        "subject": {"reference": f"Patient/{world.child}"},
        "focus": [{"reference": f"Goal/{goal['id']}"}],
        "effectiveDateTime": datetime.now(UTC).isoformat(),
        "valueQuantity": {"value": 1, "code": "{score}", "system": "http://unitsofmeasure.org"},
    }
    assert (await world.fhir.post("Observation", json=mixed_up)).is_success
    measured = {"value": {"quantity": {"value": 8, "code": "{score}"}}, "effective": datetime.now(UTC).isoformat()}
    said(await world.bo.post(f"/v1/goals/{goal['id']}/progress", measured), 201)

    progress = await world.bo.sees(f"/v1/goals/{goal['id']}/progress")
    assert [m["value"]["quantity"]["value"] for m in progress["measurements"]] == [8]


async def test_what_a_plan_links_of_another_patient_is_not_something_to_do_for_this_one(world: World) -> None:
    due = {"occurrenceTiming": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}, "authoredOn": "2026-01-01"}
    order = {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "code": {"text": "Not Ann's"}}
    answer = await world.fhir.post(
        "ServiceRequest", json=order | due | {"subject": {"reference": f"Patient/{world.child}"}}
    )
    linked = {"reference": {"reference": f"ServiceRequest/{answer.json()['id']}"}}
    plan: Json = {"resourceType": "CarePlan", "status": "active", "intent": "plan", "activity": [linked]}
    plan |= {"subject": {"reference": f"Patient/{world.patient}"}}
    assert (await world.fhir.post("CarePlan", json=plan)).is_success

    for page in ("plan", "activities", "today?timeZone=UTC", "week?timeZone=UTC"):
        assert "Not Ann's" not in (await world.bo.get(f"/v1/patients/{world.patient}/{page}")).text, page


async def test_a_mother_does_not_end_what_the_child_has_proposed(world: World) -> None:
    mia = replace(world.ann, reference=f"Patient/{world.child}", token=ISSUER.token(f"Patient/{world.child}"))
    offer = await mia.proposes(world.child, "Ride to school alone")
    withdrawn = await world.rosa.post(f"/v1/goals/{offer['id']}/withdraw", {}, version=offer["version"])
    agreed = await world.bo.acts(offer, "accept")
    cancelled = await world.rosa.post(f"/v1/goals/{offer['id']}/cancel", {"reason": "no"}, version=agreed["version"])

    assert (withdrawn.status_code, cancelled.status_code) == (403, 403)
    assert "Goal.lifecycleStatus" in cancelled.json()["detail"]


async def test_what_an_adolescent_keeps_private_is_absent_for_the_family(world: World) -> None:
    mia = replace(world.ann, reference=f"Patient/{world.child}", token=ISSUER.token(f"Patient/{world.child}"))
    shared = await world.bo.acts(await mia.proposes(world.child, "Vest treatment before school"), "accept")
    secret = await mia.proposes(world.child, "Talk about the pill")
    await mia.acts(secret, "messages", text="Does my mother hear of this?")
    agreed = await world.bo.acts(secret, "accept")
    said(await mia.post(f"/v1/goals/{secret['id']}/progress", MEASURED), 201)
    goal = await world.on_server(f"Goal/{secret['id']}")
    goal["meta"]["security"] = [*goal["meta"].get("security", []), {"system": CONFIDENTIALITY, "code": "R"}]
    await world.fhir.put(f"Goal/{goal['id']}", json=goal)
    plan = (await world.found(f"CarePlan?subject=Patient/{world.child}"))[0]
    assert f"Goal/{secret['id']}" in [g["reference"] for g in plan["goal"]]

    for path in ("", "/thread", "/progress"):
        hidden = await world.rosa.get(f"/v1/goals/{secret['id']}{path}")
        absent = await world.rosa.get(f"/v1/goals/nothing-here{path}")
        assert (hidden.status_code, hidden.json()["detail"]) == (404, absent.json()["detail"])
    answer = await world.rosa.post(f"/v1/goals/{secret['id']}/hold", {"reason": "x"}, version=agreed["version"])
    assert answer.status_code == 404
    for path in (
        f"/v1/patients/{world.child}/plan",
        f"/v1/patients/{world.child}/goals",
        f"/v1/patients/{world.child}/care-plans",
        f"/v1/care-plans/{plan['id']}",
        f"/v1/goals/{shared['id']}/thread",
    ):
        for form in ("application/json", "application/fhir+json"):
            seen = await world.rosa.get(path, Accept=form)
            assert seen.status_code in {200, 406}
            assert "pill" not in seen.text
            assert str(secret["id"]) not in seen.text
    said(await mia.get(f"/v1/goals/{secret['id']}"), 200)
    said(await world.bo.get(f"/v1/goals/{secret['id']}/thread"), 200)

    held = await world.rosa.acts(shared, "hold", reason="In hospital")
    kept = await world.on_server(f"CarePlan/{plan['id']}")
    assert held["lifecycleStatus"] == "on-hold"
    assert {g["reference"] for g in kept["goal"]} == {f"Goal/{shared['id']}", f"Goal/{secret['id']}"}


async def test_an_application_without_a_user_reads_and_never_acts(world: World) -> None:
    goal = await world.ann.proposes(world.patient, "Walk to the shops")
    nobody = ISSUER.token("", scope="system/*.cruds", client_id="analytics")
    app = replace(world.ann, token=nobody)

    assert [g["id"] for g in (await app.sees(f"/v1/patients/{world.patient}/goals"))["goals"]] == [goal["id"]]
    answer = await app.post(f"/v1/goals/{goal['id']}/accept", {}, version=goal["version"])
    assert "only reads" in said(answer, 403)["detail"]
    answer = await app.post(f"/v1/patients/{world.patient}/goals", {"description": "x"})
    assert "only reads" in said(answer, 403)["detail"]
    me = await app.sees("/v1/me")
    assert (me["role"], "patients" in me, "acceptGoal" in me["operations"]) == ("Device", False, False)
    user = replace(world.ann, token=ISSUER.token("", scope="user/*.cruds"))
    assert "no fhirUser" in said(await user.get("/v1/me"), 403)["detail"]


async def test_a_token_tells_what_it_is_good_for(world: World) -> None:
    scope = f"{PORTAL} patient/Goal.sr patient/Observation.rs?date=2026 system/*.rs"
    me = await with_scope(world.ann, scope).sees("/v1/me")

    assert me["patients"] == [world.ann.reference]
    assert me["scopesNotUnderstood"] == ["patient/Goal.sr", "patient/Observation.rs?date=2026"]
    assert me["scopesWithoutEffect"] == ["system/*.rs"]
    assert {"acceptGoal", "recordProgress", "getPatientPlan"} <= set(me["operations"])
    assert "linkGoal" not in me["operations"]


async def test_a_refusal_says_where_tokens_come_from(world: World) -> None:
    missing = await world.ann.http.get("/v1/me")
    wrong = await world.ann.http.get("/v1/me", headers={"Authorization": "Bearer x.y.z"})
    bound = await world.ann.http.get("/v1/me", headers={"Authorization": f"DPoP {world.ann.token}"})
    twice = await world.ann.http.get("/v1/me", headers=[("Authorization", f"Bearer {world.ann.token}")] * 2)
    place = 'resource_metadata="http://coplan.test/.well-known/oauth-protected-resource"'

    bodies = {a.text.replace(a.headers["X-Request-Id"], "") for a in (missing, wrong, bound, twice)}
    assert {a.status_code for a in (missing, wrong, bound, twice)} == {401}
    assert len(bodies) == 1
    assert place in missing.headers["WWW-Authenticate"]
    assert "error" not in missing.headers["WWW-Authenticate"]
    assert wrong.headers["WWW-Authenticate"].endswith('error="invalid_token"')
    told = said(await world.ann.http.get("/.well-known/oauth-protected-resource"), 200)
    assert told["resource"] == "http://coplan.test"
    assert told["bearer_methods_supported"] == ["header"]
