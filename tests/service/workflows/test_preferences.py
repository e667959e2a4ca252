"""What the person wants: said, kept, followed by something else, withdrawn; on both servers."""

from typing import Any

from fhir_mappings.carrier import Json
from fhir_mappings.codes import ENCLOSED_PRECONDITION, LOINC, OBSERVATION_REPLACES
from tests.ehr import ADMISSION, EHR, drafts
from tests.people import FHIR, Person, World, said

NOBODY_ASKED = {"asked": False, "underConditions": []}
HOME = {"admission": "prefers-home", "words": "I want to sleep in my own bed"}


async def states(person: Person, patient: str, **statement: Any) -> Json:
    return said(await person.post(f"/v1/patients/{patient}/preferences", statement), 201)


async def current(person: Person, patient: str) -> Json:
    return await person.sees(f"/v1/patients/{patient}/preferences/current")


async def visit(world: World, patient: str, encounter_class: str = "EMER") -> str:
    """An encounter on the FHIR server, as an EHR opens it."""
    encounter = {
        "resourceType": "Encounter",
        "status": "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": encounter_class},
        "subject": {"reference": f"Patient/{patient}"},
    }
    return f"Encounter/{(await world.fhir.post('Encounter', json=encounter)).json()['id']}"


async def test_a_plain_ehr_reads_what_the_patient_said(world: World) -> None:
    encounter = await visit(world, world.patient)
    stated = await states(
        world.ann,
        world.patient,
        **HOME,
        onlyIf="the pain stays bearable",
        askedBy=world.nora.reference,
        encounter=encounter,
        reviewOn="2099-01-31",
    )
    on_server = await world.on_server(f"Observation/{stated['id']}")

    assert on_server["code"]["coding"][0] == {"system": LOINC, "code": "75773-2"}
    assert on_server["category"][0]["coding"][0]["code"] == "treatment-intervention-preference"
    value = on_server["valueCodeableConcept"]
    assert value["coding"][0]["code"] == "prefers-home"
    assert value["text"] == "I want to sleep in my own bed (only if: the pain stays bearable)"
    condition = next(e for e in on_server["extension"] if e["url"] == ENCLOSED_PRECONDITION)
    assert condition["valueCodeableConcept"] == {"text": "the pain stays bearable"}
    assert [p["reference"] for p in on_server["performer"]] == [world.ann.reference, world.nora.reference]
    assert on_server["encounter"] == {"reference": encounter}
    assert on_server["component"][0]["valueDateTime"] == "2099-01-31"
    assert "only if: the pain stays bearable" in on_server["text"]["div"]
    assert (stated["source"], stated["words"], stated["onlyIf"]) == (
        "patient",
        "I want to sleep in my own bed",
        "the pain stays bearable",
    )
    assert stated["askedBy"] == world.nora.reference
    provenance = await world.found(f"Provenance?target=Observation/{stated['id']}")
    assert [p["agent"][0]["who"]["reference"] for p in provenance] == [world.ann.reference]


async def test_the_latest_answer_holds_and_the_earlier_stays_as_it_was(world: World) -> None:
    first = await states(world.bo, world.patient, admission="wants-admission", saidAt="2026-03-14T10:00:00Z")
    before = await world.on_server(f"Observation/{first['id']}")
    second = await states(world.ann, world.patient, **HOME)

    assert (await current(world.bo, world.patient))["admission"]["answer"]["id"] == second["id"]
    listed = (await world.ann.sees(f"/v1/patients/{world.patient}/preferences"))["preferences"]
    assert [(p["id"], p["hold"]) for p in listed] == [(second["id"], "in-force"), (first["id"], "superseded")]
    assert listed[1]["heldUntil"] == second["saidAt"]
    assert listed[1]["supersededBy"] == f"Observation/{second['id']}"
    assert await world.on_server(f"Observation/{first['id']}") == before


async def test_that_nobody_asked_is_not_what_the_patient_wants(world: World) -> None:
    assert (await current(world.ann, world.patient))["admission"] == NOBODY_ASKED
    record = await states(world.bo, world.patient, admission="not-asked")
    admission = (await current(world.bo, world.patient))["admission"]
    assert (admission["asked"], admission["notAsked"]["id"]) == (False, record["id"])
    assert "askedBy" not in record

    answered = await states(world.ann, world.patient, **HOME)
    later = await states(world.bo, world.patient, admission="could-not-be-asked", note="asleep after sedation")
    admission = (await current(world.bo, world.patient))["admission"]
    assert (admission["asked"], admission["answer"]["id"]) == (True, answered["id"])
    assert admission["notAsked"]["note"] == later["note"] == "asleep after sedation"


async def test_who_speaks_for_a_child_does_so_under_her_own_name(world: World) -> None:
    stated = await states(
        world.rosa, world.child, words="Tell her before every needle", kind="care-experience-preference"
    )

    assert (stated["source"], stated["statedBy"]) == ("proxy", world.rosa.reference)
    on_server = await world.on_server(f"Observation/{stated['id']}")
    assert on_server["code"]["coding"][0]["code"] == "95541-9"
    assert on_server["valueString"] == "Tell her before every needle"
    assert on_server["meta"]["security"][0]["code"] == "PATAST"


async def test_words_alone_stand_beside_each_other_until_one_replaces_another(world: World) -> None:
    path = f"/v1/patients/{world.patient}/preferences"
    blood = await states(world.ann, world.patient, words="No blood transfusion")
    await states(world.ann, world.patient, words="My sister may hear everything")
    instead = await states(
        world.ann, world.patient, words="Blood only if I would die", replaces=[f"Observation/{blood['id']}"]
    )

    held = {p["words"]: p["hold"] for p in (await world.bo.sees(path))["preferences"]}
    assert held == {
        "No blood transfusion": "superseded",
        "My sister may hear everything": "in-force",
        "Blood only if I would die": "in-force",
    }
    on_server = await world.on_server(f"Observation/{instead['id']}")
    assert on_server["extension"][0]["url"] == OBSERVATION_REPLACES


async def test_what_is_withdrawn_stays_readable_with_its_end_and_reason(world: World) -> None:
    stated = await states(world.ann, world.patient, **HOME)
    path = f"/v1/preferences/{stated['id']}/withdraw"
    refused = await world.bo.post(path, {"reason": "better here"}, version=stated["version"])
    assert refused.status_code == 403
    withdrawn = said(await world.ann.post(path, {"reason": "my sister had to leave"}, version=stated["version"]), 200)

    assert withdrawn["note"] == "my sister had to leave"
    assert withdrawn["words"] == HOME["words"]
    on_server = await world.on_server(f"Observation/{stated['id']}")
    assert on_server["status"] == "amended"
    assert on_server["effectivePeriod"]["start"][:23] == stated["saidAt"][:23]
    assert on_server["note"][-1]["authorReference"]["reference"] == world.ann.reference
    assert "No longer valid since" in on_server["text"]["div"]
    assert (await current(world.bo, world.patient))["admission"] == NOBODY_ASKED
    again = await world.ann.post(path, {"reason": "x"}, version=withdrawn["version"])
    assert again.status_code == 409


async def test_the_patients_own_answer_holds_again_once_the_note_over_it_is_withdrawn(world: World) -> None:
    own = await states(world.ann, world.patient, **HOME)
    note = await states(world.bo, world.patient, admission="wants-admission", words="says yes now, by phone")
    assert (await current(world.ann, world.patient))["admission"]["answer"]["id"] == note["id"]
    path = f"/v1/preferences/{note['id']}/withdraw"
    said(await world.bo.post(path, {"reason": "she meant the visit, not a bed"}, version=note["version"]), 200)

    admission = (await current(world.bo, world.patient))["admission"]
    assert (admission["asked"], admission["answer"]["id"]) == (True, own["id"])
    listed = (await world.ann.sees(f"/v1/patients/{world.patient}/preferences"))["preferences"]
    assert [(p["id"], p["hold"]) for p in listed] == [(note["id"], "no-longer-valid"), (own["id"], "in-force")]
    conflict = await EHR.card(world, "order-sign", draftOrders=drafts(world, ADMISSION))
    assert conflict is not None
    assert conflict["summary"].startswith("Admission that the patient does not want")


async def test_what_should_never_have_been_written_is_void_and_the_earlier_holds_again(world: World) -> None:
    first = await states(world.ann, world.patient, **HOME)
    wrong = await states(world.bo, world.patient, admission="wants-admission")
    path = f"/v1/preferences/{wrong['id']}/withdraw"
    said(await world.bo.post(path, {"reason": "wrong patient", "inError": True}, version=wrong["version"]), 200)

    assert (await current(world.ann, world.patient))["admission"]["answer"]["id"] == first["id"]
    assert (await world.on_server(f"Observation/{wrong['id']}"))["status"] == "entered-in-error"


async def test_where_there_is_nothing_an_empty_list_says_so(world: World) -> None:
    path = f"/v1/patients/{world.patient}"

    now = await current(world.bo, world.patient)
    assert (now["admission"], now["preferences"]) == (NOBODY_ASKED, [])
    assert await world.bo.sees(f"{path}/preferences") == {"preferences": []}
    assert await world.bo.sees(f"{path}/conflicts") == {"conflicts": []}
    assert (await world.bo.sees(f"{path}/asked-first"))["admissions"] == []


async def test_a_repeated_statement_is_one(world: World) -> None:
    path = f"/v1/patients/{world.patient}/preferences"
    for _ in range(2):
        said(await world.ann.post(path, HOME, key="the-same"), 201)

    assert len((await world.ann.sees(path))["preferences"]) == 1
    assert (await world.ann.post(path, {"words": "other"}, key="the-same")).status_code == 422


async def test_who_speaks_fhir_gets_the_observations(world: World) -> None:
    stated = await states(world.ann, world.patient, **HOME)
    one = said(await world.ann.get(f"/v1/preferences/{stated['id']}", **FHIR), 200)
    assert one == await world.on_server(f"Observation/{stated['id']}")
    all_of_them = said(await world.ann.get(f"/v1/patients/{world.patient}/preferences", **FHIR), 200)
    assert all_of_them["total"] == 1


CANNOT_STAND: list[tuple[dict[str, Any], str]] = [
    ({}, "body"),
    ({"admission": "maybe"}, "admission"),
    ({"admission": "undecided", "stance": "wants"}, "body"),
    ({"stance": "wants"}, "body"),
    ({"about": {"text": "intubation"}, "words": "x"}, "body"),
    ({"kind": "care-experience-preference", "admission": "undecided"}, "body"),
    ({"words": "x", "reviewOn": "2020-01-01"}, "reviewOn"),
    ({"words": "x", "saidAt": "2999-01-01T00:00:00Z"}, "saidAt"),
    ({"words": "<b>x</b>"}, "words"),
    ({"words": "x", "encounter": "Encounter/nothing"}, "encounter"),
    ({"words": "x", "askedBy": "Patient/x"}, "askedBy"),
    ({"words": "x", "replaces": ["Observation/nothing"]}, "replaces[0]"),
    ({"words": "x", "source": "patient"}, "source"),
    ({"admission": "not-asked", "words": "x"}, "body"),
    ({"admission": "could-not-be-asked"}, "body"),
]


async def test_what_cannot_stand_is_named_and_nothing_is_written(world: World) -> None:
    for body, path in CANNOT_STAND:
        answer = await world.bo.post(f"/v1/patients/{world.patient}/preferences", body)
        assert path in [e["path"] for e in said(answer, 422)["errors"]], body
    assert await world.found(f"Observation?patient=Patient/{world.patient}") == []


async def test_only_the_care_team_says_that_nobody_was_asked(world: World) -> None:
    answer = await world.ann.post(f"/v1/patients/{world.patient}/preferences", {"admission": "not-asked"})
    assert answer.status_code == 403


async def test_somebody_elses_preferences_are_absent(world: World) -> None:
    stated = await states(world.ann, world.patient, **HOME)
    elsewhere = await visit(world, world.stranger)
    for path in ("", "/current"):
        assert (await world.other.get(f"/v1/patients/{world.patient}/preferences{path}")).status_code == 404
    assert (await world.other.get(f"/v1/preferences/{stated['id']}")).status_code == 404
    withdrawal = await world.other.post(f"/v1/preferences/{stated['id']}/withdraw", {"reason": "x"}, version="1")
    assert withdrawal.status_code == 404
    for path in ("conflicts", "asked-first"):
        assert (await world.other.get(f"/v1/patients/{world.patient}/{path}")).status_code == 404
    foreign = await world.bo.post(f"/v1/patients/{world.patient}/preferences", {"words": "x", "encounter": elsewhere})
    assert foreign.status_code == 422


async def test_a_measurement_is_no_preference(world: World) -> None:
    weight = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "29463-7"}]},
        "subject": {"reference": f"Patient/{world.patient}"},
    }
    created = (await world.fhir.post("Observation", json=weight)).json()
    assert (await world.ann.get(f"/v1/preferences/{created['id']}")).status_code == 404


async def test_plans_against_what_was_said_name_both_sides(world: World) -> None:
    await states(world.ann, world.patient, **HOME, onlyIf="the pain stays bearable")
    order = {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": f"Patient/{world.patient}"},
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "32485007"}], "text": "Admit to ward 3"},
    }
    await world.fhir.post("ServiceRequest", json=order)
    found = (await world.bo.sees(f"/v1/patients/{world.patient}/conflicts"))["conflicts"]

    assert [c["rule"] for c in found] == ["admission-not-wanted"]
    assert found[0]["ordered"] == "Admission to hospital: Admit to ward 3"
    assert found[0]["wanted"].startswith("“I want to sleep in my own bed” (said by the patient")
    assert found[0]["onlyIf"] == "the pain stays bearable"


async def test_what_coplan_publishes_is_open_to_everybody(world: World) -> None:
    for name in ("CodeSystem/admission-preference", "ValueSet/preference-stance", "Measure/asked-first"):
        answer = await world.ann.http.get(f"/fhir/{name}")
        resource = said(answer, 200)
        assert f"{resource['resourceType']}/{resource['id']}" == name
        assert answer.headers["Content-Type"] == "application/fhir+json"
    assert (await world.ann.http.get("/fhir/CodeSystem/nothing")).status_code == 404
    assert (await world.ann.http.get("/fhir/Patient/ann")).status_code == 404


async def test_a_note_takes_nothing_that_the_patient_said_off_the_screen(world: World) -> None:
    own = await states(world.ann, world.patient, **HOME)
    note = await states(world.bo, world.patient, admission="wants-admission")
    order = drafts(world, ADMISSION)["entry"][0]["resource"]
    assert (await world.fhir.post("ServiceRequest", json={k: v for k, v in order.items() if k != "id"})).is_success

    now = await current(world.bo, world.patient)
    assert now["admission"]["answer"]["id"] == note["id"]
    assert "words" not in now["admission"]["answer"]
    (otherwise,) = now["patientSaidOtherwise"]
    assert (otherwise["id"], otherwise["supersededBy"]) == (own["id"], f"Observation/{note['id']}")
    (conflict,) = (await world.bo.sees(f"/v1/patients/{world.patient}/conflicts"))["conflicts"]
    assert conflict["wanted"].startswith("“I want to sleep in my own bed” (said by the patient")
    assert conflict["saidOtherwise"].startswith("Wants to be admitted (said by the clinician")
    card = await EHR.card(world, "order-sign", draftOrders=drafts(world, ADMISSION))
    assert card is not None and card["indicator"] == "warning"
    assert "The patient said otherwise, 1 minute ago: “I want to sleep in my own bed”" in card["detail"]
