"""What CoPlan writes is in the patient's language, what it answers in the reader's; on both servers."""

import pytest

from fhir_mappings.carrier import Json, encode
from tests.conftest import FhirServer, open_world
from tests.people import World, said

STEPS = {"measure": {"text": "pasos"}, "value": {"quantity": {"value": 4000, "code": "{steps}/d", "comparator": ">="}}}
WORDS = "Caminar hasta la tienda"


async def speaks(world: World, *languages: tuple[str, bool]) -> None:
    """Says in Ann's record which languages she speaks, and which she prefers."""
    patient = await world.on_server(f"Patient/{world.patient}")
    spoken = [
        {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": c}]}, "preferred": p} for c, p in languages
    ]
    content = encode({**patient, "communication": spoken})
    answer = await world.fhir.put(f"Patient/{world.patient}", content=content)
    assert answer.status_code == 200


async def agreed(world: World) -> Json:
    offer = await world.ann.proposes(world.patient, WORDS, targets=[{**STEPS, "due": "2027-03-31"}])
    return await world.bo.acts(offer, "accept")


async def plan_on_server(world: World) -> str:
    (plan,) = await world.found(f"CarePlan?subject=Patient/{world.patient}")
    return str(plan["text"]["div"])


async def test_a_plan_is_written_in_the_language_that_the_patient_prefers(world: World) -> None:
    await speaks(world, ("en", False), ("es", True))
    goal = await agreed(world)
    await world.bo.acts(goal, "cancel", reason="Hay otro camino")

    div = await plan_on_server(world)
    assert ' lang="es"' in div
    assert 'xml:lang="es"' in div
    assert "De acuerdo: Ann Ahl (paciente) y Dr Bo Berg (equipo de salud)." in div
    on_server = await world.on_server(f"Goal/{goal['id']}")
    said_there = "Caminar hasta la tienda (objetivo: pasos: al menos 4000 {steps}/d a más tardar: 31 de marzo de 2027)"
    assert on_server["description"]["text"] == said_there
    assert [n["text"] for n in on_server["note"]] == [
        "Propuesta. Sin acuerdo todavía cuando se escribió esto.",
        "De acuerdo: Ann Ahl (paciente) y Dr Bo Berg (equipo de salud).",
        "El equipo de salud quiere dejar esta meta. El paciente todavía no ha dicho que sí.",
    ]
    tasks = await world.found(f"Task?focus=Goal/{goal['id']}&status=requested")
    assert [t["description"] for t in tasks] == [
        "Alguien quiere dejar una meta. Diga si le parece bien o por qué debe seguir."
    ]


@pytest.mark.parametrize(
    ("accepted", "language", "words"),
    [
        pytest.param({"Accept-Language": "es-MX, en;q=0.5"}, "es-MX", "pasos: al menos 4000", id="as asked for"),
        pytest.param({"Accept-Language": "fr, en;q=0.1"}, "en", "pasos: at least 4000", id="the best there is"),
        pytest.param({"Accept-Language": "fr"}, "es", "pasos: al menos 4000", id="else the patient's"),
        pytest.param({}, "es", "pasos: al menos 4000", id="not said: the patient's"),
    ],
)
async def test_an_answer_is_in_the_language_of_the_reader(
    world: World, accepted: dict[str, str], language: str, words: str
) -> None:
    await speaks(world, ("es", False))
    await agreed(world)
    await world.bo.sees(f"/v1/patients/{world.patient}/plan")  # kept in another language
    plan = said(await world.bo.get(f"/v1/patients/{world.patient}/plan", **accepted), 200)

    assert plan["language"] == language
    assert plan["goals"][0]["targets"][0]["words"].startswith(words)
    assert plan["goals"][0]["description"].startswith(WORDS)


async def test_a_repeated_act_is_answered_in_the_language_that_is_asked_for(world: World) -> None:
    body, path = {"description": WORDS, "targets": [STEPS]}, f"/v1/patients/{world.patient}/goals"
    spanish = await world.ann.post(path, body, key="one", **{"Accept-Language": "es"})
    english = await world.ann.post(path, body, key="one", **{"Accept-Language": "en"})

    assert spanish.json()["id"] == english.json()["id"]
    assert spanish.json()["targets"][0]["words"] == "pasos: al menos 4000 {steps}/d"
    assert english.json()["targets"][0]["words"] == "pasos: at least 4000 {steps}/d"


async def test_how_often_and_how_it_went_are_said_in_the_language_of_the_reader(world: World) -> None:
    path = f"/v1/patients/{world.patient}/care-plans"
    plan = said(await world.bo.post(path, {"title": "Rodilla"}), 201)
    spanish = {"Accept-Language": "es"}
    nightly = {"description": "Ejercicios", "schedule": {"when": ["HS"]}}
    planned = said(await world.ann.post(f"/v1/care-plans/{plan['id']}/activities", nightly, **spanish), 201)
    listed = said(await world.ann.get(f"/v1/patients/{world.patient}/activities", **spanish), 200)
    went = said(await world.ann.get(f"/v1/activities/{planned['id']}/adherence?timeZone=UTC", **spanish), 200)
    smaller = said(await world.ann.get(f"/v1/activities/{planned['id']}/smaller?timeZone=UTC", **spanish), 200)

    assert planned["schedule"]["words"].startswith("cada día antes de dormir, desde el ")
    assert listed["activities"][0]["activity"]["schedule"]["words"] == planned["schedule"]["words"]
    assert [w["words"][:8] for w in went["windows"]] == ["Últimos "] * 2
    assert smaller["words"].startswith("Ejercicios: cada ")
    assert smaller["change"]["reason"] == "Por ahora me gustaría hacer menos."


async def test_an_act_is_answered_in_the_language_of_the_patient_where_the_caller_names_none(world: World) -> None:
    await speaks(world, ("en", False), ("es-MX", True))
    body = {"description": WORDS, "targets": [{**STEPS, "due": "2099-03-31"}]}
    offer = said(await world.bo.post(f"/v1/patients/{world.patient}/goals", body), 201)
    assert offer["targets"][0]["words"].startswith("pasos: al menos 4000")
    agreed = await world.ann.acts(offer, "accept")
    assert agreed["targets"][0]["words"].startswith("pasos: al menos 4000")
    english = await world.bo.get(f"/v1/goals/{offer['id']}", **{"Accept-Language": "en"})
    assert said(english, 200)["targets"][0]["words"].startswith("pasos: at least 4000")
    for path in (f"/v1/goals/{offer['id']}", f"/v1/patients/{world.patient}/goals"):
        found = await world.bo.sees(path)
        assert (found["goals"][0] if "goals" in found else found)["targets"][0]["words"].startswith("pasos: al menos")

    (plan,) = await world.found(f"CarePlan?subject=Patient/{world.patient}")
    nightly = {"description": "Ejercicios", "schedule": {"when": ["HS"]}, "goals": [offer["id"]]}
    planned = said(await world.bo.post(f"/v1/care-plans/{plan['id']}/activities", nightly), 201)
    assert planned["schedule"]["words"].startswith("cada día antes de dormir")
    (task,) = await world.found(f"Task?focus=ServiceRequest/{planned['id']}")
    assert task["description"].startswith("Hay una propuesta de algo que hacer: “Ejercicios”. Cuándo: cada día antes")
    yes = await world.ann.post(f"/v1/activities/{planned['id']}/accept", {}, version=planned["version"])
    assert said(yes, 200)["notes"][-1]["text"] == "De acuerdo"
    listed = (await world.bo.sees(f"/v1/patients/{world.patient}/activities"))["activities"][0]
    assert listed["next"]["words"].startswith("Sigue: Ann Ahl (paciente)")
    went = await world.bo.sees(f"/v1/activities/{planned['id']}/adherence")
    assert went["windows"][0]["words"].startswith("Últimos 7 días")
    english = await world.bo.get(f"/v1/activities/{planned['id']}/smaller", **{"Accept-Language": "en"})
    smaller = said(english, 200)
    assert smaller["words"].startswith("Ejercicios: on Monday")
    assert smaller["goals"][0]["counterProposal"]["description"] == (
        f"{WORDS}. Empecemos con menos: Ejercicios, cada lunes, miércoles y viernes antes de dormir."
    )
    assert smaller["change"]["reason"] == "Por ahora me gustaría hacer menos."


async def test_a_clinic_says_what_is_spoken_where_a_record_does_not(fhir_server: FhirServer) -> None:
    async with open_world(fhir_server, language="es") as world:
        await agreed(world)

        assert 'lang="es"' in await plan_on_server(world)


async def test_what_is_measured_is_told_in_the_language_of_the_patient_where_none_is_asked_for(
    world: World,
) -> None:
    await speaks(world, ("es", True))
    steps = {"text": "pasos", "coding": [{"system": "http://loinc.org", "code": "41950-7"}]}
    aim = {"measure": steps, "value": {"quantity": {"value": 4000, "code": "{steps}/d", "comparator": ">="}}}
    levels = [{"score": 0, "text": "Una vez por semana"}]
    walk = await world.bo.acts(await world.ann.proposes(world.patient, WORDS, targets=[aim]), "accept")
    swim = await world.bo.acts(await world.ann.proposes(world.patient, "Nadar", levels=levels), "accept")
    item = {"what": "steps", "value": 3000, "effective": "2026-11-01T10:00:00Z", "goals": [walk["id"]]}
    said(await world.ann.post(f"/v1/patients/{world.patient}/observations", {"items": [item]}), 200)
    scored = said(await world.ann.post(f"/v1/goals/{swim['id']}/scores", {"score": 0}), 201)

    (latest,) = (await world.ann.sees(f"/v1/patients/{world.patient}/plan"))["latest"]
    (listed,) = (await world.ann.sees(f"/v1/patients/{world.patient}/observations?code=steps"))["observations"]
    (shown,) = (await world.ann.sees(f"/v1/goals/{walk['id']}/progress"))["measurements"]
    for told in (latest, listed, shown):
        assert (told["measure"]["text"], told["value"]["quantity"]["unit"]) == ("Pasos al día", "pasos al día")
    assert scored["text"] == "como se esperaba"
