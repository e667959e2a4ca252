"""Ann has diabetes and decides on food, exercise and insulin herself; the team agrees, and any EHR can read it all."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from fhir_mappings.carrier import Json
from tests.people import Person, World, said

SUGAR = {"text": "Blood sugar", "coding": [{"system": "http://loinc.org", "code": "41653-7"}]}
IN_RANGE = {"low": {"value": 70, "code": "mg/dL"}, "high": {"value": 180, "code": "mg/dL"}}
DAYS = 20
HOME = timezone(timedelta(hours=1))


def breakfast_of(day: int) -> datetime:
    """Six in the morning where she lives; the last day is yesterday."""
    today = datetime.now(UTC).replace(hour=5, minute=0, second=0, microsecond=0) - timedelta(days=1)
    return today - timedelta(days=DAYS - 1 - day)


async def agreed(world: World) -> Json:
    """Her own goal, to which the team says yes."""
    offer = await world.ann.proposes(
        world.patient,
        "I want to eat with my friends and keep my sugar in range myself",
        targets=[{"measure": SUGAR, "value": {"range": IN_RANGE}, "due": "2099-06-30"}],
        priority="high-priority",
    )
    return await world.bo.acts(offer, "accept", comment="You know your days best.")


def diary(day: int, goal: str) -> list[Json]:
    """A day: what she eats, takes, does and measures. Day 7 was a day off."""
    if day == 7:
        return []
    at = breakfast_of(day)

    def entry(name: str, hours: float, **said_of_it: Any) -> Json:
        local = (at + timedelta(hours=hours)).astimezone(HOME).isoformat()
        return {"id": f"{day}-{name}", "effective": local, **said_of_it}

    return [
        entry("food", 0, what="carbohydrate", value=40 + day % 3 * 10),
        entry("insulin", 0.1, what="insulin", value=4.5, unit="[IU]"),
        entry("walk", 2, what="exercise", value=0.5, unit="h"),
        entry("sugar", 3, what="glucose", value=230 - 4 * day, unit="mg/dL", goals=[goal]),
    ]


async def sends(person: Person, patient: str, items: list[Json]) -> Json:
    return said(await person.post(f"/v1/patients/{patient}/observations", {"items": items}), 200)


async def tracked(world: World) -> tuple[Json, Json]:
    """The phone was offline: it sends the last week first, then the rest, and a part of it twice."""
    goal = await agreed(world)
    items = [item for day in range(DAYS) for item in diary(day, goal["id"])]
    late = await sends(world.ann, world.patient, items[40:])
    early = await sends(world.ann, world.patient, items[:60])
    assert (late["created"], early["created"], early["alreadyThere"]) == (36, 40, 20)
    return goal, late


async def test_she_tracks_what_she_decides_and_the_goal_tells_how_it_goes(world: World) -> None:
    goal, _ = await tracked(world)

    progress = await world.ann.sees(f"/v1/goals/{goal['id']}/progress")
    assert (progress["trend"], progress["direction"], progress["onTarget"]) == ("improving", "down", True)
    assert (progress["baseline"]["value"], progress["latest"]["value"]) == (230, 154)
    assert len(progress["points"]) == DAYS - 1
    assert len(progress["gaps"]) == 1, "the day off is shown as missing"
    assert progress["signals"]["shift"]
    assert "forecast" not in progress, "no line is drawn across a shift"
    assert "Recorded on" in " ".join(progress["words"])
    plan = await world.bo.sees(f"/v1/patients/{world.patient}/plan")
    assert [g["achievementStatus"] for g in plan["goals"]] == ["improving"]


async def test_a_slip_of_the_finger_is_caught_or_corrected(world: World) -> None:
    goal, _ = await tracked(world)
    at = datetime.now(UTC).isoformat()
    slip = {"id": "slip", "what": "glucose", "value": 1540, "unit": "mg/dL", "effective": at, "goals": [goal["id"]]}
    refused = await world.ann.post(f"/v1/patients/{world.patient}/observations", {"items": [slip]})
    assert [e["path"] for e in said(refused, 422)["errors"]] == ["items[0].value"]

    sent = (await sends(world.ann, world.patient, [{**slip, "value": 514}]))["results"][0]
    assert (await world.ann.sees(f"/v1/goals/{goal['id']}/progress"))["trend"] == "worsening"
    path = f"/v1/{sent['observation'].replace('Observation', 'observations')}/amend"
    body = {"value": 154, "reason": "I swapped the digits"}
    said(await world.ann.post(path, body, version=sent["version"]), 200)

    progress = await world.ann.sees(f"/v1/goals/{goal['id']}/progress")
    assert (progress["trend"], progress["latest"]["value"]) == ("improving", 154)


async def test_she_sees_how_it_goes_as_a_picture_in_her_language(world: World) -> None:
    goal, _ = await tracked(world)
    path = f"/v1/goals/{goal['id']}/run-chart"
    svg = await world.ann.get(path, **{"Accept": "image/svg+xml", "Accept-Language": "es-MX, en;q=0.5"})
    png = await world.ann.get(path, Accept="image/png")
    chart = await world.ann.sees(path)

    assert svg.headers["Content-Type"] == "image/svg+xml"
    assert svg.headers["Content-Language"] == "es"
    assert "Objetivo: de 70 a 180 mg/dL" in svg.text
    assert 'role="img"' in svg.text
    assert png.content.startswith(b"\x89PNG")
    assert chart["what"] == "Blood sugar, by finger prick"
    assert (await world.ann.get(path, Accept="text/html")).status_code == 406
    assert (await world.other.get(path)).status_code == 404


async def test_what_has_no_goal_has_a_chart_too(world: World) -> None:
    await tracked(world)
    since = (breakfast_of(DAYS - 5)).isoformat().replace("+00:00", "Z")
    path = f"/v1/patients/{world.patient}/run-chart?code="
    walks = await world.ann.sees(f"{path}exercise")
    lately = await world.ann.sees(f"{path}carbohydrate&from={since}")
    sugar = await world.ann.sees(f"{path}http://loinc.org%7C41653-7")

    assert (len(walks["marks"]), walks["unit"], walks["marks"][0]["value"]) == (DAYS - 1, "minutes", 30)
    assert (len(lately["marks"]), lately["more"]) == (5, True)
    assert "targetLow" not in sugar
    assert (await world.ann.sees(f"{path}systolic"))["marks"] == []
    said(await world.other.get(f"{path}exercise"), 404)


async def test_a_plain_ehr_reads_it_from_the_fhir_server(world: World) -> None:
    goal, _ = await tracked(world)
    day = breakfast_of(3).date().isoformat()

    measured = await world.found(
        f"Observation?patient=Patient/{world.patient}&category=laboratory&date=ge{day}&_count=100"
    )
    assert {o["code"]["coding"][0]["code"] for o in measured} == {"41653-7"}
    assert len(measured) == DAYS - 4
    assert {o["valueQuantity"]["code"] for o in measured} == {"mg/dL"}
    walked = await world.found(f"Observation?patient=Patient/{world.patient}&category=activity&code=55411-3&_count=100")
    assert {(str(o["valueQuantity"]["value"]), o["valueQuantity"]["code"]) for o in walked} == {("30", "min")}
    plan = await world.found(f"CarePlan?patient=Patient/{world.patient}&_include=CarePlan:goal")
    assert {r["resourceType"] for r in plan} == {"CarePlan", "Goal"}
    stored = next(r for r in plan if r["resourceType"] == "Goal")
    assert stored["id"] == goal["id"]
    assert stored["achievementStatus"]["coding"][0]["code"] == "improving"
