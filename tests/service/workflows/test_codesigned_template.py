"""A programme designed with patients from day one, on both servers: objected to, endorsed, released, applied."""

import asyncio
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from fhir_mappings.carrier import Json
from fhir_mappings.codes import ARTIFACT_COMMENT
from fhir_mappings.provenance import stamp_from_fhir
from service.api.template_examples import CONTENT
from tests.people import Person, World, said


def content(**parts: Any) -> Json:
    """Two goals, exercises for the patient, a visit for the care team."""
    programme = deepcopy(CONTENT)
    programme["goals"].append({"id": "work", "description": "Go back to work"})
    visit = {"id": "visit", "title": "Physiotherapy", "who": "practitioner", "schedule": {"unit": "wk"}, "count": 6}
    programme["actions"].append(visit)
    return {**programme, **parts}


async def says(who: Person, template: Json, act: str, **body: Any) -> Json:
    """An act on the version at hand; the template as it was answered."""
    answer = await who.post(f"/v1/templates/{template['id']}/{act}", body, version=template["version"])
    return said(answer, 201 if act == "versions" else 200)


async def drafted(world: World) -> Json:
    return said(await world.bo.post("/v1/templates", content()), 201)


async def released(world: World) -> Json:
    template = await says(world.ann, await drafted(world), "endorsements")
    template = await says(world.nora, template, "endorsements")
    return await says(world.bo, template, "release")


async def applied(world: World, template: Json, who: Person | None = None, **parts: Any) -> Json:
    body = {"template": template["id"], **parts}
    return said(await (who or world.bo).post(f"/v1/patients/{world.patient}/apply-template", body), 201)


async def gate(world: World, template: Json) -> Json:
    return await world.ann.sees(f"/v1/templates/{template['id']}/gate")


async def test_an_objection_blocks_the_release_until_who_raised_it_says_that_it_is_settled(world: World) -> None:
    template = await drafted(world)
    objected = await says(world.ann, template, "objections", text="Every night is too much beside shifts")
    objection = objected["remarks"][0]
    assert (objection["kind"], objection["open"], objection["by"]) == ("objection", True, "A patient")
    endorsed = await says(world.other, objected, "endorsements")
    endorsed = await says(world.nora, endorsed, "endorsements")
    refused = await world.bo.post(f"/v1/templates/{template['id']}/release", {}, version=endorsed["version"])
    assert said(refused, 409)["detail"].endswith("1 objection is open (resolveTemplateObjection)")

    path = f"/v1/templates/{template['id']}/objections/{objection['id']}/resolve"
    waved_away = await world.bo.post(path, {"text": "It is fine"})
    assert waved_away.status_code == 403
    fewer = content()
    fewer["actions"][0]["schedule"] = {"days": ["mon", "wed", "fri"], "when": ["HS"]}
    revised = await says(world.bo, endorsed, "revise", **fewer)
    assert "endorsers" not in revised
    settled = said(await world.ann.post(path, {"text": "Three evenings are fine"}), 200)
    assert not any(r.get("open") for r in settled["remarks"])
    assert (await gate(world, template))["missing"] == [
        "1 more endorsement by a patient or family member (endorseTemplate)",
        "1 more endorsement by a clinician (endorseTemplate)",
    ]

    template = await says(world.ann, settled, "endorsements")
    template = await says(world.nora, template, "endorsements")
    assert (await gate(world, template))["open"] is True
    template = await says(world.bo, template, "release")
    assert (template["status"], template["endorsers"]) == ("active", ["A patient", "Nora Nyby"])


async def test_what_is_released_never_changes_and_the_next_version_begins_as_a_copy(world: World) -> None:
    first = await released(world)
    for act, body in (("revise", content(title="Other")), ("comments", {"text": "x"}), ("endorsements", {})):
        answer = await world.bo.post(f"/v1/templates/{first['id']}/{act}", body, version=first["version"])
        assert said(answer, 409)["type"] == "urn:coplan:problem:transition-not-allowed"
    second = await says(world.ann, first, "versions")

    assert (second["edition"], second["status"], second["url"]) == ("2", "draft", first["url"])
    assert second["predecessor"] == f"{first['url']}|1"
    assert second["goals"] == first["goals"]
    assert second["authors"] == ["A patient"]
    assert "endorsers" not in second
    second = await says(world.ann, second, "endorsements")
    second = await says(world.bo, second, "endorsements")
    await says(world.bo, second, "release")
    assert (await world.ann.sees(f"/v1/templates/{first['id']}"))["status"] == "retired"


async def test_applying_proposes_everything_and_agrees_to_nothing(world: World) -> None:
    template = await released(world)
    knee = f"Condition/knee-{world.suffix}"
    start = world.clock().date() + timedelta(days=7)
    plan = await applied(world, template, start=start.isoformat(), practitioner=world.nora.reference, addresses=[knee])

    assert "goals" not in plan
    assert "activities" not in plan
    goals = await world.found(f"Goal?patient=Patient/{world.patient}")
    assert {g["lifecycleStatus"] for g in goals} == {"proposed"}
    shown = (await world.ann.sees(f"/v1/patients/{world.patient}/goals"))["goals"]
    for goal in shown:
        assert {(a["individual"], a["status"]) for a in goal["acceptances"]} == {
            (world.bo.reference, "agree"),
            (world.ann.reference, "pending"),
            (world.nora.reference, "pending"),
        }
    walk = next(g for g in shown if g["description"].startswith("Walk"))
    assert (walk["startDate"], walk["targets"][0]["due"], walk["addresses"]) == (
        start.isoformat(),
        (start + timedelta(weeks=12)).isoformat(),
        [knee],
    )

    requests = await world.found(f"ServiceRequest?patient=Patient/{world.patient}")
    assert {(r["status"], r["code"]["text"]) for r in requests} == {
        ("draft", "Knee exercises"),
        ("draft", "Physiotherapy"),
    }
    exercises = next(r for r in requests if r["code"]["text"] == "Knee exercises")
    assert exercises["occurrenceTiming"]["repeat"]["boundsPeriod"] == {
        "start": start.isoformat(),
        "end": (start + timedelta(weeks=12, days=-1)).isoformat(),
    }
    assert exercises["extension"][0]["valueReference"]["reference"] == f"Goal/{walk['id']}"
    tasks = await world.found(f"Task?patient=Patient/{world.patient}")
    asked = sorted((t["focus"]["reference"].partition("/")[0], t["owner"]["reference"]) for t in tasks)
    assert asked == sorted(
        [
            *[("Goal", world.ann.reference)] * 2,
            *[("Goal", world.nora.reference)] * 2,
            ("ServiceRequest", world.ann.reference),
            ("ServiceRequest", world.nora.reference),
        ]
    )
    stamps = await world.found(f"Provenance?target=CarePlan/{plan['id']}")
    assert len(stamps) == 1
    assert len(stamps[0]["target"]) == 1 + 2 + 2 + 6
    assert len(await world.found(f"CarePlan?patient=Patient/{world.patient}")) == 1
    assert len(await world.found(f"AuditEvent?entity=Patient/{world.patient}")) == 1
    on_server = await world.on_server(f"CarePlan/{plan['id']}")
    assert on_server["instantiatesCanonical"] == [f"{template['url']}|1"]
    assert "To be done, offered, not agreed" in on_server["text"]["div"]


async def test_the_patient_accepts_one_goal_and_counters_another(world: World) -> None:
    plan = await applied(world, await released(world))
    goals = {g["description"][:4]: g for g in (await world.ann.sees(f"/v1/patients/{world.patient}/goals"))["goals"]}
    accepted = await world.ann.acts(goals["Walk"], "accept")
    assert accepted["lifecycleStatus"] in {"active", "accepted"}
    counter = await world.ann.acts(
        goals["Go b"],
        "counter-proposals",
        description="Go back to work two days a week",
        reason="I want to start slowly",
    )
    agreed = await world.bo.acts(counter, "accept")

    assert (await world.ann.sees(f"/v1/goals/{goals['Go b']['id']}"))["lifecycleStatus"] == "cancelled"
    listed = (await world.ann.sees(f"/v1/patients/{world.patient}/activities"))["activities"]
    exercises = next(s["activity"] for s in listed if s["activity"]["description"] == "Knee exercises")
    answer = await world.ann.post(f"/v1/activities/{exercises['id']}/accept", {}, version=exercises["version"])
    assert said(answer, 200)["status"] == "active"
    found = await world.found(f"CarePlan?_id={plan['id']}&_include=CarePlan:goal&_include=CarePlan:activity-reference")
    linked = sorted((r["resourceType"], r["id"]) for r in found if r["resourceType"] != "CarePlan")
    assert linked == sorted([("Goal", accepted["id"]), ("Goal", agreed["id"]), ("ServiceRequest", exercises["id"])])


async def test_a_goal_of_ones_own_goes_to_the_shared_plan_and_what_a_programme_offers_to_its_plan(world: World) -> None:
    programme = await applied(world, await released(world))
    own = await world.bo.acts(await world.ann.proposes(world.patient, "Sing in the choir again"), "accept")
    offered = (await world.ann.sees(f"/v1/patients/{world.patient}/plan"))["goals"]
    walk = await world.ann.acts(next(g for g in offered if g["description"].startswith("Walk")), "accept")
    meant = await world.ann.proposes(world.patient, "Ride a bicycle", carePlan=programme["id"])
    meant = await world.bo.acts(meant, "accept")
    revised = await world.bo.acts(own, "counter-proposals", description="Sing at home", reason="The cough")
    again = await world.ann.acts(revised, "accept")

    plans = await world.found(f"CarePlan?subject=Patient/{world.patient}")
    linked = {p["title"]: {g["reference"] for g in p.get("goal", ())} for p in plans}
    assert linked == {
        "Shared care plan": {f"Goal/{again['id']}"},
        programme["title"]: {f"Goal/{walk['id']}", f"Goal/{meant['id']}"},
    }


async def test_a_patient_applies_a_programme_to_themselves_and_asks_somebody(world: World) -> None:
    template = await released(world)
    alone = await world.ann.post(f"/v1/patients/{world.patient}/apply-template", {"template": template["id"]})
    assert [e["path"] for e in said(alone, 422)["errors"]] == ["practitioner"]
    await applied(world, template, world.ann, practitioner=world.bo.reference)

    waiting = await world.bo.sees(f"/v1/patients/{world.patient}/plan")
    assert [q["description"][:4] for q in waiting["questionsForYou"] if "goal" in q] == ["Walk", "Go b"]
    assert [q["description"] for q in waiting["questionsForYou"] if "activity" in q] == ["Physiotherapy"]


async def test_who_applies_a_programme_finds_what_it_asks_of_them_among_their_own_questions(world: World) -> None:
    await applied(world, await released(world))
    plan = await world.bo.sees(f"/v1/patients/{world.patient}/plan")
    (own,) = plan["questionsForYou"]
    assert own["description"] == "Physiotherapy"
    assert own["description"] not in {q["description"] for q in plan["waitingForOthers"]}

    yes = next(a for a in own["answers"] if a["operation"] == "acceptActivity")
    assert said(await world.bo.post(yes["path"], {}, version=own["version"]), 200)["status"] == "active"
    assert "questionsForYou" not in await world.bo.sees(f"/v1/patients/{world.patient}/plan")


async def test_a_programme_that_goes_on_is_applied_once_more_only_if_that_is_meant(world: World) -> None:
    template = await released(world)
    plan = await applied(world, template)
    path = f"/v1/patients/{world.patient}/apply-template"
    twice = said(await world.nora.post(path, {"template": template["url"]}), 409)["detail"]
    assert f"CarePlan/{plan['id']} " in twice
    assert "`again`" in twice
    assert len(await world.found(f"CarePlan?subject=Patient/{world.patient}")) == 1

    assert (await applied(world, template, again=True))["id"] != plan["id"]


@pytest.mark.parametrize("form", ["{url}|{edition}", "{url}"])
async def test_a_programme_is_applied_by_the_name_that_plans_know_it_by(world: World, form: str) -> None:
    first = await released(world)
    second = await says(world.ann, first, "versions")
    path = f"/v1/patients/{world.patient}/apply-template"
    plan = said(await world.bo.post(path, {"template": form.format(**first)}), 201)

    assert plan["instantiates"] == first["canonical"] == f"{first['url']}|1"
    refused = said(await world.bo.post(path, {"template": second["canonical"]}), 409)["detail"]
    assert f"Released is version 1 (PlanDefinition/{first['id']}): apply that one." in refused
    for unknown in (f"{first['url']}|9", "urn:uuid:nothing"):
        said(await world.bo.post(path, {"template": unknown}), 404)
    for wrong in ("urn:a,b", "urn:a|b|c", "javascript:1", "a b", ""):
        assert [e["path"] for e in said(await world.bo.post(path, {"template": wrong}), 422)["errors"]] == ["template"]


async def test_only_what_is_released_is_applied_and_to_ones_own_patients(world: World) -> None:
    draft = await drafted(world)
    path = f"/v1/patients/{world.patient}/apply-template"
    refused = said(await world.bo.post(path, {"template": draft["id"]}), 409)["detail"]
    assert refused.endswith(
        "is draft: only what is released can be applied. Still missing, see getReleaseGate:"
        " 1 more endorsement by a patient or family member (endorseTemplate);"
        " 1 more endorsement by a clinician (endorseTemplate)."
        " Then somebody of the care team releases it (releaseTemplate)."
    )
    template = await released(world)
    past = await world.bo.post(path, {"template": template["id"], "start": "2020-01-01"})
    assert [e["path"] for e in said(past, 422)["errors"]] == ["start"]
    assert (await world.other.post(path, {"template": template["id"]})).status_code == 404
    mother = {"template": template["id"], "family": world.rosa.reference}
    assert [e["path"] for e in said(await world.bo.post(path, mother), 422)["errors"]] == ["family"]
    nobody = {"template": template["id"], "practitioner": f"Practitioner/eve-{world.suffix}"}
    assert [e["path"] for e in said(await world.bo.post(path, nobody), 422)["errors"]] == ["practitioner"]
    retired = await says(world.bo, template, "retire", reason="A better one is coming")
    assert (await world.bo.post(path, {"template": retired["id"]})).status_code == 409
    assert await world.found(f"Goal?patient=Patient/{world.patient}") == []


async def test_patients_are_named_by_consent_only_and_as_long_as_they_want(world: World) -> None:
    template = await drafted(world)
    template = await says(world.ann, template, "comments", text="Pictures would help")
    template = await says(world.ann, template, "endorsements", nameMe=True)
    template = await says(world.bo, template, "endorsements")
    template = await says(world.bo, template, "release")
    assert template["endorsers"] == ["Ann Ahl (patient)", "Dr Bo Berg"]
    assert template["reviewers"] == ["A patient"]
    consents = await world.found(f"Consent?patient=Patient/{world.patient}")
    assert [(c["status"], c["provision"]["data"][0]["reference"]["reference"]) for c in consents] == [
        ("active", f"PlanDefinition/{template['id']}")
    ]
    stamps = await world.found(f"Provenance?target=PlanDefinition/{template['id']}")
    assert "Ann Ahl" not in str([s["agent"] for s in stamps])

    elsewhere = await world.other.post(f"/v1/templates/{template['id']}/withdraw-naming", {})
    assert elsewhere.status_code == 409
    unnamed = said(await world.ann.post(f"/v1/templates/{template['id']}/withdraw-naming", {}), 200)
    assert unnamed["endorsers"] == ["A patient", "Dr Bo Berg"]
    assert [c["status"] for c in await world.found(f"Consent?patient=Patient/{world.patient}")] == ["inactive"]
    on_server = await world.on_server(f"PlanDefinition/{template['id']}")
    assert "Ann" not in str(on_server)
    assert world.patient not in str(on_server)


async def test_a_plain_reader_finds_the_discussion_in_the_template(world: World) -> None:
    template = await drafted(world)
    template = await says(world.rosa, template, "objections", text="Mia cannot do this alone")
    path = f"/v1/templates/{template['id']}/objections/{template['remarks'][0]['id']}/resolve"
    said(await world.rosa.post(path, {"text": "I may help"}), 200)
    on_server = await world.on_server(f"PlanDefinition/{template['id']}")

    told = [
        {part["url"]: next(v for k, v in part.items() if k != "url") for part in e["extension"]}
        for e in on_server["extension"]
        if e["url"] == ARTIFACT_COMMENT
    ]
    assert [(t["user"], t["text"]) for t in told] == [
        ("A family member", "Objection: Mia cannot do this alone"),
        ("A family member", "Objection resolved: I may help"),
    ]
    assert on_server["author"][0]["name"] == "Dr Bo Berg"
    assert [r["name"] for r in on_server["reviewer"]] == ["A family member"]


async def test_a_release_and_an_objection_at_the_same_moment_do_not_both_succeed(world: World) -> None:
    template = await says(world.ann, await drafted(world), "endorsements")
    template = await says(world.nora, template, "endorsements")
    path = f"/v1/templates/{template['id']}"
    release, objection = await asyncio.gather(
        world.bo.post(f"{path}/release", {}, version=template["version"]),
        world.ann.post(f"{path}/objections", {"text": "Wait"}),
    )

    now = await world.ann.sees(path)
    assert (release.status_code, objection.status_code) in {(200, 409), (412, 200), (409, 200)}
    assert (now["status"] == "active") is (release.status_code == 200)
    assert ("remarks" in now) is (objection.status_code == 200)


async def test_who_endorses_twice_counts_once_and_only_the_team_releases(world: World) -> None:
    template = await says(world.ann, await drafted(world), "endorsements")
    again = await world.ann.post(f"/v1/templates/{template['id']}/endorsements", {}, version=template["version"])
    assert again.status_code == 409
    refused = await world.ann.post(f"/v1/templates/{template['id']}/release", {}, version=template["version"])
    assert refused.status_code == 403
    stamps = await world.found(f"Provenance?target=PlanDefinition/{template['id']}")
    assert sorted(str(stamp_from_fhir(s).act) for s in stamps) == ["draft-template", "endorse"]


async def test_everybody_lists_the_programmes(world: World) -> None:
    template = await released(world)
    listed = (await world.rosa.sees("/v1/templates?status=active"))["templates"]

    assert template["id"] in {t["id"] for t in listed}
    assert {t["status"] for t in listed} == {"active"}


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        pytest.param({"goals": [], "actions": []}, "body", id="offers nothing"),
        pytest.param({"goals": [{"id": "a", "description": "x"}] * 2, "actions": []}, "body", id="an id twice"),
        pytest.param({"actions": [{"id": "b", "title": "x", "goals": ["nothing"]}]}, "body", id="an absent goal"),
        pytest.param({"actions": [{"id": "b", "title": "x", "count": 3}]}, "body", id="a step that is repeated"),
        pytest.param({"actions": [{"id": "b", "title": "x", "who": "robot"}]}, "actions[0].who", id="no such role"),
        pytest.param({"title": "<script>"}, "title", id="markup"),
    ],
)
async def test_a_programme_that_does_not_hold_together_is_refused(world: World, parts: Json, path: str) -> None:
    answer = await world.bo.post("/v1/templates", content(**parts))

    assert [e["path"] for e in said(answer, 422)["errors"]] == [path]
