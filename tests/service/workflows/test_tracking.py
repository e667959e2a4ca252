"""What is tracked, on both servers: once each, whoever sends it again; corrected in the open; read page by page."""

import asyncio
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from fhir_mappings.carrier import Json
from fhir_mappings.provenance import stamp_from_fhir
from tests.people import FHIR, Person, World, said

START = datetime(2026, 10, 1, 7, tzinfo=UTC)


def glucose(number: int, **parts: Any) -> Json:
    """A reading of a meter, hours apart, later ones first."""
    at = START + timedelta(hours=500 - number)
    value = {"id": f"meter-{number}", "what": "glucose", "value": 80 + number % 60, "unit": "mg/dL"}
    return {**value, "effective": at.isoformat(), **parts}


async def sends(person: Person, patient: str, *items: Json | str, key: str | None = None) -> Json:
    return said(await person.post(f"/v1/patients/{patient}/observations", {"items": items}, key=key), 200)


async def count(world: World, query: str = "") -> int:
    """As the FHIR server itself counts."""
    path = f"Observation?patient=Patient/{world.patient}&_summary=count{query}"
    return int((await world.on_server(path))["total"])


KILOS = {"value": 60, "code": "kg"}


async def test_a_batch_of_500_sent_twice_and_in_two_halves_at_once_is_stored_once(world: World) -> None:
    items = [glucose(n) for n in range(500)]
    answers = await asyncio.gather(
        sends(world.ann, world.patient, *items),
        sends(world.ann, world.patient, *items[:250]),
        sends(world.ann, world.patient, *items[250:]),
    )
    again = await sends(world.ann, world.patient, *items)

    assert await count(world) == 500
    assert sum(a["created"] for a in answers) == 500
    assert [a["refused"] for a in answers] == [0, 0, 0]
    assert (again["created"], again["alreadyThere"]) == (0, 500)
    assert len({r["observation"] for r in again["results"]}) == 500


async def test_one_provenance_and_one_audit_event_tell_of_all_entries_of_a_request(world: World) -> None:
    sent = await sends(world.ann, world.patient, *(glucose(n) for n in range(12)))

    references = {r["observation"] for r in sent["results"]}
    stamps = await world.found(f"Provenance?target={sent['results'][0]['observation']}")
    assert [set(stamp_from_fhir(s).targets) for s in stamps] == [references]
    audits = await world.found(f"AuditEvent?entity=Patient/{world.patient}")
    assert [{e["what"].get("reference") for e in a["entity"]} >= references for a in audits] == [True]


async def test_a_refused_entry_is_named_and_the_others_stand(world: World) -> None:
    sent = await sends(
        world.ann,
        world.patient,
        glucose(1),
        glucose(2, value=45, unit="mmol/L"),
        glucose(3, unit="stone"),
        glucose(4, what="vibes"),
        glucose(5, effective="yesterday"),
        glucose(6, goals=["nobody"]),
        glucose(1, value=99),
        "nonsense",
        {"what": "blood-pressure", "parts": {"systolic": 120}, "effective": START.isoformat()},
        {"id": "steps-1", "what": "steps", "value": 5000.5, "effective": START.isoformat()},
    )

    outcomes = [(r["outcome"], [e["path"] for e in r.get("errors", [])]) for r in sent["results"]]
    assert outcomes == [
        ("created", []),
        ("refused", ["value"]),
        ("refused", ["unit"]),
        ("refused", ["what"]),
        ("refused", ["effective"]),
        ("refused", ["goals[0]"]),
        ("refused", ["item"]),
        ("refused", ["body"]),
        ("refused", ["parts.diastolic"]),
        ("refused", ["value"]),
    ]
    assert await count(world) == 1


async def test_a_request_of_which_nothing_stands_is_no_success(world: World) -> None:
    items = {"items": [glucose(1, value=-1)]}
    answer = await world.ann.post(f"/v1/patients/{world.patient}/observations", items)

    assert [e["path"] for e in said(answer, 422)["errors"]] == ["items[0].value"]
    assert await count(world) == 0


async def test_a_value_hardly_ever_so_high_is_taken_once_confirmed(world: World) -> None:
    real = glucose(1, value=45, unit="mmol/L", confirmed=True)
    sent = await sends(world.ann, world.patient, real)

    stored = await world.on_server(sent["results"][0]["observation"])
    assert stored["valueQuantity"]["value"] == 45
    assert stored["code"]["coding"][0]["code"] == "14743-9"
    assert stored["effectiveDateTime"].endswith("Z")


async def test_an_entry_is_written_as_us_core_wants_it_and_in_its_own_time_zone(world: World) -> None:
    at = "2026-10-01T19:30:00+05:30"
    sent = await sends(
        world.ann,
        world.patient,
        {"what": "weight", "value": 2.5, "unit": "g", "effective": at, "confirmed": True},
        {"what": "blood-pressure", "parts": {"systolic": 121, "diastolic": 79}, "effective": at},
        {"what": "mood", "value": 7, "effective": at, "note": "A good day."},
    )

    weight, pressure, mood = [await world.on_server(r["observation"]) for r in sent["results"]]
    assert weight["valueQuantity"] | {"value": 0} == {
        "value": 0, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"
    }  # fmt: skip
    assert str(weight["valueQuantity"]["value"]) == "0.0025"
    assert weight["note"][0]["text"] == "Entered as 2.5 g."
    assert weight["effectiveDateTime"] == "2026-10-01T19:30:00.000+05:30"
    assert [c["code"]["coding"][0]["code"] for c in pressure["component"]] == ["8480-6", "8462-4"]
    assert "valueQuantity" not in pressure
    assert mood["code"]["coding"][0]["system"] == "urn:coplan:tracked"
    assert mood["meta"]["security"][0]["code"] == "PATAST"


async def test_the_goal_moves_with_what_is_measured_for_it(world: World) -> None:
    goal = await a_goal(world)
    await sends(world.ann, world.patient, glucose(20, value=240, goals=[goal["id"]]))
    await sends(world.ann, world.patient, glucose(10, value=170, goals=[goal["id"]]))

    stored = await world.on_server(f"Goal/{goal['id']}")
    assert stored["achievementStatus"]["coding"][0]["code"] == "improving"
    assert await count(world, f"&focus=Goal/{goal['id']}") == 2


async def a_goal(world: World) -> Json:
    target = {
        "measure": {"text": "sugar", "coding": [{"system": "http://loinc.org", "code": "41653-7"}]},
        "value": {"range": {"low": {"value": 70, "code": "mg/dL"}, "high": {"value": 180, "code": "mg/dL"}}},
    }
    offer = await world.ann.proposes(world.patient, "Keep my sugar in range", targets=[target])
    return await world.bo.acts(offer, "accept")


async def test_a_correction_keeps_what_was_said_before_and_says_why(world: World) -> None:
    goal = await a_goal(world)
    await sends(world.ann, world.patient, glucose(20, value=170, goals=[goal["id"]]))
    typo = await sends(world.ann, world.patient, glucose(10, value=590, goals=[goal["id"]]))
    reference, version = typo["results"][0]["observation"], typo["results"][0]["version"]
    assert (await world.ann.sees(f"/v1/goals/{goal['id']}"))["achievementStatus"] == "worsening"
    amended = await corrects(world.ann, reference, version, value=95, reason="It was 95")

    assert (amended["status"], amended["value"]["quantity"]["value"]) == ("amended", 95)
    earlier = await world.on_server(f"{reference}/_history/{version}")
    assert (earlier["status"], earlier["valueQuantity"]["value"]) == ("final", 590)
    stamps = [stamp_from_fhir(s) for s in await world.found(f"Provenance?target={reference}")]
    assert {(s.act, s.reason, s.who) for s in stamps if s.reason} == {
        ("amend-observation", "It was 95", world.ann.reference)
    }
    assert (await world.ann.sees(f"/v1/goals/{goal['id']}"))["achievementStatus"] == "improving"
    path = f"/v1/{reference.replace('Observation', 'observations')}"
    (correction,) = (await world.bo.sees(path))["corrections"]
    assert (correction["who"], correction["reason"]) == (world.ann.reference, "It was 95")
    told = [(correction[side]["status"], correction[side]["value"]["quantity"]["value"]) for side in ("from", "to")]
    assert told == [("final", 590), ("amended", 95)]
    assert "corrections" not in await world.bo.sees(
        path.rpartition("/")[0].replace("/v1", f"/v1/patients/{world.patient}")
    )
    void = {"reason": "Not mine"}
    await world.ann.post(f"{path}/entered-in-error", void, version=amended["version"])
    assert [c["reason"] for c in (await world.bo.sees(path))["corrections"]] == ["It was 95", "Not mine"]
    again = await sends(world.ann, world.patient, glucose(10, value=590, goals=[goal["id"]]))
    assert again["alreadyThere"] == 1, "the phone that sends its first entry again does not undo the correction"


async def corrects(person: Person, reference: str, version: str, **body: Any) -> Json:
    answer = await person.post(f"/v1/{reference.replace('Observation', 'observations')}/amend", body, version=version)
    return said(answer, 200)


async def test_what_should_never_have_been_there_counts_no_longer(world: World) -> None:
    goal = await a_goal(world)
    await sends(world.ann, world.patient, glucose(20, value=170, goals=[goal["id"]]))
    wrong = await sends(world.ann, world.patient, glucose(10, value=590, goals=[goal["id"]]))
    result = wrong["results"][0]
    path = f"/v1/{result['observation'].replace('Observation', 'observations')}/entered-in-error"
    voided = said(await world.ann.post(path, {"reason": "my brother's"}, version=result["version"]), 200)

    assert voided["status"] == "entered-in-error"
    assert (await world.on_server(result["observation"]))["status"] == "entered-in-error"
    assert (await world.ann.sees(f"/v1/goals/{goal['id']}"))["achievementStatus"] == "in-progress"
    again = await world.ann.post(path, {"reason": "twice"}, version=voided["version"])
    assert said(again, 409)["type"] == "urn:coplan:problem:transition-not-allowed"


@pytest.mark.parametrize(
    ("who", "version", "status"),
    [("ann", None, 428), ("ann", "99", 412), ("bo", "1", 403), ("other", "1", 404)],
)
async def test_a_correction_is_refused(world: World, who: str, version: str | None, status: int) -> None:
    sent = await sends(world.ann, world.patient, glucose(1))
    path = f"/v1/{sent['results'][0]['observation'].replace('Observation', 'observations')}/amend"
    person: Person = getattr(world, who)

    said(await person.post(path, {"value": 90, "reason": "typo"}, version=version), status)
    assert (await world.on_server(sent["results"][0]["observation"]))["status"] == "final"


async def test_the_list_is_paged_to_its_end_without_gap_or_repetition(world: World) -> None:
    same = [glucose(n, effective=START.isoformat()) for n in range(7)]
    await sends(world.ann, world.patient, *same, *(glucose(n) for n in range(7, 20)))
    other = {"what": "steps", "value": 100, "effective": START.isoformat()}
    await sends(world.ann, world.patient, other)
    day = {"resourceType": "Observation", "status": "final", "code": {"text": "seen that day"}}
    day |= {"subject": {"reference": f"Patient/{world.patient}"}, "effectiveDateTime": "2026-10-10"}
    assert (await world.fhir.post("Observation", json=day)).status_code == 201

    listed, cursor = [], ""
    for _ in range(20):
        page = await world.ann.sees(f"/v1/patients/{world.patient}/observations?count=3{cursor}")
        listed += page["observations"]
        if "next" not in page:
            break
        cursor = f"&cursor={page['next']}"
    assert len(listed) == len({o["id"] for o in listed}) == 22
    times = [o["effective"] for o in listed if "effective" in o]
    assert times == sorted(times, reverse=True)


async def test_the_list_can_be_narrowed_to_a_thing_and_a_time(world: World) -> None:
    await sends(world.ann, world.patient, glucose(1), glucose(2, value=7, unit="mmol/L"), glucose(400))
    await sends(world.ann, world.patient, {"what": "steps", "value": 100, "effective": START.isoformat()})
    path = f"/v1/patients/{world.patient}/observations"

    async def found(query: str) -> int:
        return len((await world.ann.sees(f"{path}?{query}"))["observations"])

    since = (START + timedelta(hours=200)).isoformat().replace("+", "%2B")
    assert await found("code=glucose") == 3
    assert await found("code=41650-3") == 0
    assert await found("code=14743-9") == 1
    assert await found(f"code=glucose&from={since}") == 2
    assert await found(f"to={since}") == 2
    bundle = said(await world.ann.get(f"{path}?code=steps", **FHIR), 200)
    assert [e["resource"]["resourceType"] for e in bundle["entry"]] == ["Observation"]
    said(await world.ann.get(f"{path}?cursor=nonsense"), 422)
    for forged in (
        '["2026-11-25T00:00:00",{}]',
        '["2026-11-25T00:00:00Z",{"a":"2026-11-25T00:00:00"}]',
        '["0001-01-01T00:00:00+14:00",{}]',
        '["9999-12-31T23:00:00-14:00",{}]',
    ):
        said(
            await world.ann.get(f"{path}?count=1&cursor={urlsafe_b64encode(forged.encode()).decode().rstrip('=')}"), 422
        )
    said(await world.other.get(path), 404)


async def test_a_request_sent_again_is_answered_as_it_was(world: World) -> None:
    key = str(uuid4())
    first = await sends(world.ann, world.patient, glucose(1), glucose(2, unit="stone"), key=key)
    again = await sends(world.ann, world.patient, glucose(1), glucose(2, unit="stone"), key=key)

    assert first == again


async def test_everything_in_the_catalogue_can_be_recorded(world: World) -> None:
    catalogue = await world.ann.sees("/v1/tracking/catalog")

    def middle(bounds: Json) -> int:
        return int((bounds.get("low", 0) + bounds["high"]) / 2)

    def entry(trackable: Json, unit: Json) -> Json:
        made = {"what": trackable["key"], "unit": unit["code"], "effective": START.isoformat()}
        if parts := trackable.get("parts"):
            return {**made, "parts": {p["key"]: middle(p["plausible"]) for p in parts}}
        return {**made, "value": middle(unit.get("plausible") or trackable["possible"])}

    entries = [(t.get("clinical", False), entry(t, unit)) for t in catalogue["trackables"] for unit in t["units"]]
    own, clinical = ([e for takes, e in entries if takes is which] for which in (False, True))

    assert (await sends(world.ann, world.patient, *own))["created"] == len(own) > 25
    assert (await sends(world.bo, world.patient, *clinical))["created"] == len(clinical) == 2


async def test_a_goal_is_named_by_its_id_or_its_reference_and_answered_by_its_reference(world: World) -> None:
    goal = await a_goal(world)
    by_id = await sends(world.ann, world.patient, glucose(1, goals=[goal["id"]]))
    by_reference = await sends(world.ann, world.patient, glucose(1, goals=[f"Goal/{goal['id']}"]))

    assert (by_id["created"], by_reference["alreadyThere"]) == (1, 1), "it is the same entry"
    path = f"/v1/{by_id['results'][0]['observation'].replace('Observation', 'observations')}"
    observation = await world.ann.sees(path)
    assert observation["goals"] == [f"Goal/{goal['id']}"]
    other = await world.ann.post(
        f"/v1/patients/{world.patient}/observations", {"items": [glucose(2, goals=["Task/x"])]}
    )
    assert [e["path"] for e in said(other, 422)["errors"]] == ["items[0].goals[0]"]
    ended = await world.ann.acts(
        await world.ann.sees(f"/v1/goals/{goal['id']}"), "complete", outcome="achieved", observation=observation["id"]
    )
    await world.bo.acts(ended, "complete")
    outcome = (await world.on_server(f"Goal/{goal['id']}"))["outcomeReference"]
    assert [o["reference"] for o in outcome] == [f"Observation/{observation['id']}"]


async def test_the_text_of_the_plan_follows_what_is_measured(world: World) -> None:
    goal = await a_goal(world)

    async def told() -> str:
        (plan,) = await world.found(f"CarePlan?patient=Patient/{world.patient}")
        return str(plan["text"]["div"])

    def item(number: int, value: int) -> Json:
        return glucose(number, value=value, goals=[goal["id"]])

    await sends(world.ann, world.patient, item(300, 300), item(200, 200))
    assert "getting better" in await told()
    worse = (await sends(world.ann, world.patient, item(100, 400)))["results"][0]
    assert "getting worse" in await told()
    path = f"/v1/{worse['observation'].replace('Observation', 'observations')}/entered-in-error"
    said(await world.ann.post(path, {"reason": "My brother's"}, version=worse["version"]), 200)
    assert "getting better" in await told()
    high = {"quantity": {"value": 500, "code": "mg/dL"}}
    body = {"value": high, "effective": (START + timedelta(days=30)).isoformat()}
    said(await world.ann.post(f"/v1/goals/{goal['id']}/progress", body), 201)
    assert "getting worse" in await told()


async def test_nothing_is_recorded_of_before_the_patient_was_born(world: World) -> None:
    """Ann was born in 1968; what was weighed long ago stays possible."""
    aim = {"measure": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}, "value": {"quantity": KILOS}}
    goal = await world.bo.acts(await world.ann.proposes(world.patient, "Keep my weight", targets=[aim]), "accept")
    path, weighed = f"/v1/patients/{world.patient}/observations", {"what": "weight", "value": 60, "unit": "kg"}
    kept = said(await world.ann.post(path, {"items": [{**weighed, "effective": "1990-05-01T08:00:00Z"}]}), 200)
    observation = await world.ann.sees(f"/v1/observations/{kept['results'][0]['observation'].partition('/')[2]}")
    slip = {"effective": "1926-05-01T08:00:00Z"}

    for answer in (
        await world.ann.post(path, {"items": [{**weighed, **slip}]}),
        await world.ann.post(f"/v1/goals/{goal['id']}/progress", {"value": {"quantity": KILOS}, **slip}),
        await world.ann.post(
            f"/v1/observations/{observation['id']}/amend", {"reason": "A slip", **slip}, version=observation["version"]
        ),
    ):
        (flaw,) = said(answer, 422)["errors"]
        assert (flaw["path"].split(".")[-1], flaw["message"]) == ("effective", "lies before the patient was born")
