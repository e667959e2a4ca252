"""Ann's knee, on both servers: pain, an X-ray, a physiotherapist, exercises every night, and what became of them."""

import asyncio
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fhir_mappings.carrier import Json
from fhir_mappings.provenance import stamp_from_fhir
from tests.people import Person, World, said

ZONE = "timeZone=Europe/Stockholm"
NIGHTLY: Json = {"when": ["HS"]}


async def agreed_goal(world: World) -> Json:
    offer = await world.ann.proposes(world.patient, "Walk to the shops again without my knee hurting")
    return await world.bo.acts(offer, "accept")


async def care_plan(world: World) -> Json:
    """The plan that the first agreement has opened."""
    found = await world.found(f"CarePlan?subject=Patient/{world.patient}")
    return found[0]


async def plans(world: World, who: Person, description: str, **activity: Any) -> Json:
    plan = await care_plan(world)
    body = {"description": description, **activity}
    return said(await who.post(f"/v1/care-plans/{plan['id']}/activities", body), 201)


async def acts(who: Person, activity: Json, act: str, **body: Any) -> Json:
    answer = await who.post(f"/v1/activities/{activity['id']}/{act}", body, version=activity["version"])
    return said(answer, 201 if act == "changes" else 200)


async def reports(who: Person, activity: Json, occurrence: str, outcome: str, **more: Any) -> Json:
    body = {"occurrence": occurrence, "outcome": outcome, **more}
    return said(await who.post(f"/v1/activities/{activity['id']}/reports", body), 201)


async def steps_of(world: World) -> dict[str, tuple[str, str, Json | None]]:
    """Status, intent and next step of each activity by its words."""
    listed = (await world.ann.sees(f"/v1/patients/{world.patient}/activities"))["activities"]
    for step in listed:
        step.get("next", {}).pop("words", None)
    return {
        step["activity"]["description"]: (step["activity"]["status"], step["activity"]["intent"], step.get("next"))
        for step in listed
    }


async def nightly_exercises(world: World) -> tuple[Json, Json]:
    """The goal, and the exercises for it that the doctor has proposed and Ann agreed to."""
    goal = await agreed_goal(world)
    offer = await plans(world, world.bo, "Knee exercises", schedule=NIGHTLY, goals=[goal["id"]])
    return goal, await acts(world.ann, offer, "accept")


async def a_week(world: World) -> tuple[Json, Json]:
    """Seven evenings, six of them reported; today is the eighth day."""
    world.clock.days_ago(8)
    goal, exercises = await nightly_exercises(world)
    for ago, outcome, note in (
        (7, "done", None),
        (6, "done", None),
        (5, "skipped", "Late shift"),
        (4, "too-hard", "The knee was swollen after work"),
        (3, "partly", None),
        (1, "done", None),
    ):
        day = world.clock.days_ago(ago)
        await reports(world.ann, exercises, f"{day}.HS", outcome, **({"note": note} if note else {}))
    world.clock.days_ago(0)
    return goal, exercises


async def test_orders_are_steps_that_say_who_has_to_do_what_next(world: World) -> None:
    await agreed_goal(world)
    day = world.clock().date().isoformat()
    clinic, nora = f"Organization/clinic-{world.suffix}", world.nora.reference
    xray = await plans(world, world.bo, "X-ray of the knee", performers=[clinic], due=day)
    weekly = {"frequency": 1, "unit": "wk", "count": 6}
    await plans(world, world.bo, "Physiotherapy", performers=[nora], schedule=weekly)
    exercises = await plans(world, world.nora, "Knee exercises", schedule=NIGHTLY, instruction="Ten minutes")

    listed = (await world.ann.sees(f"/v1/patients/{world.patient}/activities"))["activities"]
    assert [a["next"].pop("words")[:31] for a in listed] == [
        "Next: Test clinic (clinic), by ",
        "Next: Nora Nyby (care team), by",
        "Waiting for the answer of Ann A",
    ]
    steps = {
        a["activity"]["description"]: (a["activity"]["status"], a["activity"]["intent"], a["next"]) for a in listed
    }
    assert steps["X-ray of the knee"] == ("active", "order", {"what": "do", "who": [clinic], "by": day})
    assert steps["Physiotherapy"][:2] == ("active", "order")
    assert (steps["Physiotherapy"][2] or {})["who"] == [nora]
    assert steps["Knee exercises"] == ("draft", "plan", {"what": "answer", "who": [world.ann.reference]})

    await reports(world.nora, xray, "once", "done")
    await acts(world.ann, exercises, "accept")
    steps = await steps_of(world)
    assert steps["X-ray of the knee"] == ("completed", "order", None)
    assert steps["Knee exercises"] == ("active", "plan", {"what": "do", "who": [world.ann.reference], "by": day})


async def test_nobody_is_given_something_to_do_without_their_yes(world: World) -> None:
    await agreed_goal(world)
    offer = await plans(world, world.bo, "Knee exercises", schedule=NIGHTLY)
    today = await world.ann.sees(f"/v1/patients/{world.patient}/today?{ZONE}")
    assert [q["activity"] for q in today["questionsForYou"]] == [f"ServiceRequest/{offer['id']}"]
    assert "items" not in today
    plan = await care_plan(world)
    assert "activity" not in plan
    assert "To be done, offered, not agreed" in plan["text"]["div"]

    refused = await world.nora.post(f"/v1/activities/{offer['id']}/accept", {}, version=offer["version"])
    assert said(refused, 403)["type"] == "urn:coplan:problem:not-permitted"
    agreed = await acts(world.ann, offer, "accept")
    assert agreed["status"] == "active"
    today = await world.ann.sees(f"/v1/patients/{world.patient}/today?{ZONE}")
    assert [(i["description"], i["when"]) for i in today["items"]] == [("Knee exercises", "HS")]
    assert today["items"][0]["words"] == "every day before going to sleep"
    assert "questionsForYou" not in today
    plan = await care_plan(world)
    assert [a["reference"]["reference"] for a in plan["activity"]] == [f"ServiceRequest/{offer['id']}"]
    assert "every day before going to sleep" in plan["text"]["div"]
    approve = await world.found(f"Task?focus=ServiceRequest/{offer['id']}")
    assert [(t["status"], t["output"][0]["valueReference"]["reference"]) for t in approve] == [
        ("completed", f"ServiceRequest/{offer['id']}")
    ]


async def test_a_declined_activity_is_no_part_of_the_plan(world: World) -> None:
    await agreed_goal(world)
    offer = await plans(world, world.bo, "Cold baths every morning", schedule={"when": ["MORN"]})
    declined = await acts(world.ann, offer, "decline", reason="I will not do that")

    assert declined["status"] == "revoked"
    assert declined["notes"][-1]["text"] == "Not agreed: I will not do that"
    plan = await care_plan(world)
    assert "activity" not in plan
    assert "Cold baths" not in plan["text"]["div"]


async def test_an_offered_activity_is_answered_with_another_that_waits_for_the_other_side(world: World) -> None:
    await agreed_goal(world)
    offer = await plans(world, world.bo, "Insulin", schedule={"when": ["HS"]}, instruction="Ten units")
    own = await world.bo.post(f"/v1/activities/{offer['id']}/changes", {"description": "x", "reason": "y"}, version="1")
    assert "take it back" in said(own, 409)["detail"]
    (question,) = (await world.ann.sees(f"/v1/patients/{world.patient}/today"))["questionsForYou"]
    path = next(a["path"] for a in question["answers"] if a["operation"] == "proposeActivityChange")
    body = {"schedule": {"when": ["MORN"]}, "reason": "I forget it at night"}
    countered = said(await world.ann.post(path, body, version=question["version"]), 201)

    assert (countered["status"], countered["instruction"]) == ("draft", "Ten units")
    before = await world.ann.sees(f"/v1/activities/{offer['id']}")
    assert (before["status"], before["notes"][-1]["text"]) == ("revoked", "Not agreed: I forget it at night")
    assert "questionsForYou" not in await world.ann.sees(f"/v1/patients/{world.patient}/today")
    (asked,) = (await world.bo.sees(f"/v1/patients/{world.patient}/today"))["questionsForYou"]
    assert asked["words"].startswith("Something else was offered: “Insulin”. When: every day in the morning, from ")
    assert (asked["insteadOf"], asked["reason"]) == (f"ServiceRequest/{offer['id']}", "I forget it at night")
    stamps = await world.found(f"Provenance?target=ServiceRequest/{countered['id']}")
    entities = [e for s in stamps for e in s.get("entity", ()) if e["role"] == "revision"]
    assert [e["what"]["reference"] for e in entities] == [f"ServiceRequest/{offer['id']}"]

    assert (await acts(world.bo, countered, "accept"))["status"] == "active"
    plan = await care_plan(world)
    assert [a["reference"]["reference"] for a in plan["activity"]] == [f"ServiceRequest/{countered['id']}"]


async def test_a_week_is_told_as_it_was(world: World) -> None:
    _, exercises = await a_week(world)
    adherence = await world.bo.sees(f"/v1/activities/{exercises['id']}/adherence?timeZone=UTC")

    week = adherence["windows"][0]
    counts = {name: week[name] for name in ("due", "done", "partly", "skipped", "tooHard", "missing")}
    # Seven days up to today: six evenings, and tonight, which can still be done.
    assert counts == {"due": 6, "done": 2, "partly": 1, "skipped": 1, "tooHard": 1, "missing": 1}
    assert week["words"] == "Last 7 days: 2 of 6 done, 1 partly done, 1 skipped, 1 too hard, 1 without a report"
    assert adherence["windows"][1]["due"] == 7

    tasks = await world.found(f"Task?based-on=ServiceRequest/{exercises['id']}")
    told = sorted((t["status"], t["businessStatus"]["coding"][0]["code"], "statusReason" in t) for t in tasks)
    assert told == [
        ("cancelled", "skipped", True),
        ("completed", "done", False),
        ("completed", "done", False),
        ("completed", "done", False),
        ("completed", "partly", False),
        ("failed", "too-hard", True),
    ]


async def test_an_evening_is_reported_once_from_however_many_phones(world: World) -> None:
    _, exercises = await nightly_exercises(world)
    evening = f"{world.clock().date()}.HS"
    first = await reports(world.ann, exercises, evening, "done")
    again = await reports(world.ann, exercises, evening, "done")
    other = {"occurrence": evening, "outcome": "skipped"}
    refused = await world.ann.post(f"/v1/activities/{exercises['id']}/reports", other)

    assert again == first
    assert "correct" in said(refused, 409)["detail"]
    tasks = await world.found(f"Task?based-on=ServiceRequest/{exercises['id']}")
    assert len(tasks) == 1
    stamps = await world.found(f"Provenance?target=Task/{first['id']}")
    assert [str(stamp_from_fhir(s).act) for s in stamps] == ["report-activity"]


async def test_two_phones_at_the_same_moment_leave_one_report(world: World) -> None:
    _, exercises = await nightly_exercises(world)
    report = {"occurrence": f"{world.clock().date()}.HS", "outcome": "done"}
    path = f"/v1/activities/{exercises['id']}/reports"
    answers = await asyncio.gather(*(who.post(path, report) for who in (world.ann, world.bo) * 4))

    assert {a.status_code for a in answers} == {201}
    assert len({said(a, 201)["id"] for a in answers}) == 1
    tasks = await world.found(f"Task?based-on=ServiceRequest/{exercises['id']}")
    assert len(tasks) == 1
    assert len(await world.found(f"Provenance?target=Task/{tasks[0]['id']}")) == 1
    assert len(await world.found(f"AuditEvent?entity=Task/{tasks[0]['id']}")) == 1


async def test_a_report_is_put_right_and_what_was_said_before_stays(world: World) -> None:
    _, exercises = await nightly_exercises(world)
    first = await reports(world.ann, exercises, f"{world.clock().date()}.HS", "skipped", note="Fell asleep")
    path = f"/v1/activities/{exercises['id']}/reports/{first['id']}"
    right = {"outcome": "done", "reason": "I did them at noon"}
    corrected = said(await world.ann.post(f"{path}/correct", right, version=first["version"]), 200)

    assert (corrected["outcome"], corrected["status"]) == ("done", "completed")
    assert [n["text"] for n in corrected["notes"]] == [
        "Fell asleep",
        'Corrected from "Skipped" to "Done": I did them at noon',
    ]
    void = {"outcome": "entered-in-error", "reason": "That was another patient's phone"}
    gone = said(await world.bo.post(f"{path}/correct", void, version=corrected["version"]), 200)
    assert gone["status"] == "entered-in-error"
    on_server = await world.on_server(f"Task/{first['id']}")
    assert "statusReason" not in on_server
    assert (await world.ann.sees(path)) == gone


async def test_a_day_alone_names_what_has_no_time_of_day_and_else_leads_to_what_does(world: World) -> None:
    await agreed_goal(world)
    plan, today = await care_plan(world), world.clock().date().isoformat()
    for schedule, status in (({}, 201), ({"when": ["HS"]}, 422)):
        own = {"description": "Knee bends", "schedule": schedule}
        activity = said(await world.ann.post(f"/v1/care-plans/{plan['id']}/activities", own), 201)
        body = {"occurrence": today, "outcome": "done", "note": "Ten of them"}
        answer = said(await world.ann.post(f"/v1/activities/{activity['id']}/reports", body), status)
        assert status == 201 or answer["errors"][0]["message"].endswith(f"It has: {today}.HS")


async def test_the_reason_to_do_less_is_the_persons_own_and_never_our_words(world: World) -> None:
    _, exercises = await nightly_exercises(world)
    night = f"{world.clock().date()}.HS"
    said_first = await reports(world.ann, exercises, night, "partly", note="My knee swelled up")
    path = f"/v1/activities/{exercises['id']}"
    right = {"outcome": "too-hard", "reason": "I tapped the wrong one"}
    said(await world.ann.post(f"{path}/reports/{said_first['id']}/correct", right, version=said_first["version"]), 200)

    assert (await world.ann.sees(f"{path}/smaller"))["change"]["reason"] == "My knee swelled up"


async def test_tonight_that_was_reported_is_not_asked_for_again_by_ones_own_change(world: World) -> None:
    await agreed_goal(world)
    plan = await care_plan(world)
    own = {"description": "Stretch", "schedule": {"when": ["HS"]}}
    stretch = said(await world.ann.post(f"/v1/care-plans/{plan['id']}/activities", own), 201)
    night = f"{world.clock().date()}.HS"
    await reports(world.ann, stretch, night, "too-hard")
    smaller = await world.ann.sees(f"/v1/activities/{stretch['id']}/smaller")
    schedule = {**smaller["change"]["schedule"], "days": ()}
    changed = await acts(world.ann, stretch, "changes", schedule=schedule, reason="Too hard")
    assert changed["status"] == "active"

    today, week, plan = [await world.ann.sees(f"/v1/patients/{world.patient}/{p}") for p in ("today", "week", "plan")]
    of_plan = [d for g in plan["steps"] for s in g["steps"] for d in s.get("today", ())]
    of_week = [d for day in week["days"] for d in day["items"]]
    for seen in (today["items"], of_week, of_plan):
        assert [d.get("report", d)["outcome"] for d in seen if d["occurrence"] == night] == ["too-hard"]
    again = {"occurrence": night, "outcome": "done"}
    refused = await world.ann.post(f"/v1/activities/{changed['id']}/reports", again)
    assert said(refused, 409)["detail"].endswith("correct that report")
    went = await world.ann.sees(f"/v1/activities/{changed['id']}/adherence")
    assert [(w["due"], w["tooHard"]) for w in went["windows"]] == [(1, 1), (1, 1)]


async def test_too_hard_becomes_smaller_once_the_other_side_agrees(world: World) -> None:
    goal, exercises = await a_week(world)
    smaller = await world.ann.sees(f"/v1/activities/{exercises['id']}/smaller?{ZONE}")
    assert smaller["change"]["schedule"]["days"] == ["mon", "wed", "fri"]

    change = await acts(world.ann, exercises, "changes", **smaller["change"])
    assert change["status"] == "draft"
    plan = await care_plan(world)
    assert [a["reference"]["reference"] for a in plan["activity"]] == [f"ServiceRequest/{exercises['id']}"]
    agreed = await acts(world.bo, change, "accept")

    assert agreed["replaces"] == [f"ServiceRequest/{exercises['id']}"]
    assert (await world.ann.sees(f"/v1/activities/{exercises['id']}"))["status"] == "revoked"
    plan = await care_plan(world)
    assert [a["reference"]["reference"] for a in plan["activity"]] == [f"ServiceRequest/{change['id']}"]
    assert "on Monday, Wednesday, and Friday before going to sleep" in plan["text"]["div"]

    offered = smaller["goals"][0]
    assert offered["goal"] == f"Goal/{goal['id']}"
    assert offered["counterProposal"]["description"] == (
        "Walk to the shops again without my knee hurting. Let us start smaller:"
        " Knee exercises, on Monday, Wednesday, and Friday before going to sleep."
    )
    countered = await world.ann.post(
        f"/v1/goals/{goal['id']}/counter-proposals", offered["counterProposal"], version=offered["version"]
    )
    new = await world.bo.acts(said(countered, 201), "accept")
    plan = await care_plan(world)
    assert [g["reference"] for g in plan["goal"]] == [f"Goal/{new['id']}"]
    assert [a["reference"]["reference"] for a in plan["activity"]] == [f"ServiceRequest/{change['id']}"]


async def test_what_was_done_before_a_change_is_told_beside_what_was_done_since(world: World) -> None:
    _, exercises = await a_week(world)
    world.clock.days_ago(0)
    before = (await world.ann.sees(f"/v1/activities/{exercises['id']}/adherence"))["windows"]
    smaller = await world.ann.sees(f"/v1/activities/{exercises['id']}/smaller?{ZONE}")
    change = await acts(world.bo, await acts(world.ann, exercises, "changes", **smaller["change"]), "accept")
    went = await world.bo.sees(f"/v1/activities/{change['id']}/adherence")

    assert went["windows"] == before, "the change alone changes nothing of what was done"
    assert [(v["activity"], v["words"]) for v in went["versions"]] == [
        (
            f"ServiceRequest/{exercises['id']}",
            "Before: every day before going to sleep. 3 of 7 done, 1 partly done, 1 skipped, 1 too hard,"
            " 1 without a report",
        ),
        (
            f"ServiceRequest/{change['id']}",
            "Now: on Monday, Wednesday, and Friday before going to sleep. Nothing was due yet",
        ),
    ]
    today = world.clock().date().isoformat()
    assert (went["versions"][0]["until"], went["versions"][1]["since"]) == (today, today)
    assert "versions" not in await world.ann.sees(f"/v1/activities/{(await lone(world))['id']}/adherence")


async def lone(world: World) -> Json:
    return await plans(world, world.ann, "A walk", schedule={"frequency": 4, "unit": "wk"})


async def test_a_change_of_what_is_ones_own_needs_nobody(world: World) -> None:
    await agreed_goal(world)
    walk = await plans(world, world.ann, "A walk", schedule={"frequency": 4, "unit": "wk"})
    assert walk["status"] == "active"
    less = await acts(world.ann, walk, "changes", schedule={"frequency": 2, "unit": "wk"}, reason="Four is too much")

    assert less["status"] == "active"
    plan = await care_plan(world)
    assert [a["reference"]["reference"] for a in plan["activity"]] == [f"ServiceRequest/{less['id']}"]


async def test_paused_days_are_not_missing_and_a_stop_is_at_once(world: World) -> None:
    world.clock.days_ago(10)
    _, exercises = await nightly_exercises(world)
    world.clock.days_ago(9)
    held = await acts(world.bo, exercises, "hold", reason="The knee is swollen")
    today = await world.ann.sees(f"/v1/patients/{world.patient}/today")
    assert "items" not in today
    world.clock.days_ago(2)
    resumed = await acts(world.ann, held, "resume", reason="The swelling is gone")
    world.clock.days_ago(0)

    adherence = await world.ann.sees(f"/v1/activities/{exercises['id']}/adherence")
    assert [(w["due"], w["missing"]) for w in adherence["windows"]] == [(1, 1), (1, 1)]
    stopped = await acts(world.ann, resumed, "stop", reason="It does not help me")
    assert (stopped["status"], stopped["notes"][-1]["text"]) == ("revoked", "Stopped: It does not help me")


async def test_a_plain_ehr_reads_the_steps_from_the_plan(world: World) -> None:
    _, exercises = await nightly_exercises(world)
    clinic = f"Organization/clinic-{world.suffix}"
    xray = await plans(world, world.bo, "X-ray of the knee", performers=[clinic])
    draft = await plans(world, world.bo, "Cycling", schedule={"frequency": 2, "unit": "wk"})
    found = await world.found(f"CarePlan?subject=Patient/{world.patient}&_include=CarePlan:activity-reference")

    requests = {r["id"]: r for r in found if r["resourceType"] == "ServiceRequest"}
    assert set(requests) == {exercises["id"], xray["id"]}
    assert draft["id"] not in requests
    nightly = requests[exercises["id"]]
    assert nightly["occurrenceTiming"]["repeat"]["when"] == ["HS"]
    assert nightly["performer"] == [{"reference": world.ann.reference}]
    plan = next(r for r in found if r["resourceType"] == "CarePlan")
    assert all("detail" not in activity for activity in plan["activity"])


async def test_the_week_shows_what_any_day_will_do_for(world: World) -> None:
    await agreed_goal(world)
    swim = await plans(world, world.ann, "Swimming", schedule={"frequency": 2, "unit": "wk"})
    await plans(world, world.ann, "Pain diary", schedule={"times": ["07:30", "21:00"]})
    await reports(world.ann, swim, f"{world.clock().date()}.1", "done")
    week = await world.ann.sees(f"/v1/patients/{world.patient}/week?{ZONE}")

    assert [(i["description"], i["number"], "report" in i) for i in week["anyDay"][:2]] == [
        ("Swimming", 1, True),
        ("Swimming", 2, False),
    ]
    assert week["anyDay"][0]["words"].startswith("twice a week, 1 of 2, by ")
    in_spanish = await world.ann.get(f"/v1/patients/{world.patient}/week?{ZONE}", **{"Accept-Language": "es"})
    assert said(in_spanish, 200)["anyDay"][1]["words"].startswith("dos veces a la semana, 2 de 2, a más tardar: ")
    diary = [i for d in week["days"] for i in d["items"]]
    assert {i["at"][-6:] for i in diary} <= {"+01:00", "+02:00"}
    assert {i["at"][11:16] for i in diary} == {"07:30", "21:00"}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        pytest.param({"schedule": {"times": ["21:00"], "when": ["HS"]}}, "schedule", id="a time and a moment"),
        pytest.param({"schedule": {"days": ["mon"], "frequency": 2, "unit": "wk"}}, "schedule", id="days and a number"),
        pytest.param({"schedule": {"start": "2099-12-02", "until": "2099-12-01"}}, "schedule", id="ends too early"),
        pytest.param({"schedule": {"start": "2026-12"}}, "schedule.start", id="no whole day"),
        pytest.param({"schedule": {"times": ["25:00"]}}, "schedule.times[0]", id="no time"),
        pytest.param({"schedule": {"period": 0}}, "schedule.period", id="no period"),
        pytest.param({"schedule": NIGHTLY, "due": "2099-12-01"}, "body", id="once or repeatedly"),
        pytest.param({"due": "2020-01-01"}, "due", id="a day that is over"),
        pytest.param({"schedule": {"start": "2020-01-01", "until": "2020-02-01"}}, "schedule.until", id="all over"),
        pytest.param({"performers": ["Device/1"]}, "performers[0]", id="a device does nothing"),
        pytest.param({"performers": ["Patient/nobody"]}, "performers[0]", id="an absent person"),
        pytest.param({"goals": ["nothing"]}, "goals[0]", id="an absent goal"),
    ],
)
async def test_what_cannot_stand_is_named_and_nothing_is_written(world: World, body: Json, path: str) -> None:
    await agreed_goal(world)
    plan = await care_plan(world)
    answer = await world.bo.post(f"/v1/care-plans/{plan['id']}/activities", {"description": "Exercises", **body})

    assert [e["path"] for e in said(answer, 422)["errors"]] == [path]
    assert await world.found(f"ServiceRequest?patient=Patient/{world.patient}") == []


@pytest.mark.parametrize(
    ("report", "status"),
    [
        pytest.param({"occurrence": "2020-01-01.HS", "outcome": "done"}, 422, id="before the start"),
        pytest.param({"occurrence": "2099-01-01.HS", "outcome": "done"}, 422, id="in the future"),
        pytest.param({"occurrence": "once", "outcome": "done"}, 422, id="not a single step"),
        pytest.param({"occurrence": "2026-12-01.HS", "outcome": "failed"}, 422, id="no such outcome"),
    ],
)
async def test_only_what_is_due_is_reported(world: World, report: Json, status: int) -> None:
    _, exercises = await nightly_exercises(world)
    answer = await world.ann.post(f"/v1/activities/{exercises['id']}/reports", report)

    assert answer.status_code == status
    assert await world.found(f"Task?based-on=ServiceRequest/{exercises['id']}") == []


async def test_an_unknown_time_zone_is_refused(world: World) -> None:
    for zone in ("Mars/Olympus", "../etc/passwd", ""):
        answer = await world.ann.get(f"/v1/patients/{world.patient}/today?timeZone={zone}")
        assert [e["path"] for e in said(answer, 422)["errors"]] == ["query timeZone"]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
async def test_today_is_today_where_the_patient_is(world: World, zone: str) -> None:
    today = await world.ann.sees(f"/v1/patients/{world.patient}/today?timeZone={zone}")

    assert today["date"] == world.clock().astimezone(ZoneInfo(zone)).date().isoformat()
    other = await world.ann.sees(f"/v1/patients/{world.patient}/today?timeZone={zone}&date=2026-12-24")
    assert (other["date"], other["timeZone"]) == ("2026-12-24", zone)
    for day in ("2026-02-30", "tomorrow", "20261224"):
        answer = await world.ann.get(f"/v1/patients/{world.patient}/week?date={day}")
        assert [e["path"] for e in said(answer, 422)["errors"]] == ["query date"]


async def test_somebody_elses_activities_are_absent(world: World) -> None:
    _, exercises = await nightly_exercises(world)
    reported = await reports(world.ann, exercises, f"{world.clock().date()}.HS", "done")
    path = f"/v1/activities/{exercises['id']}"
    for suffix in ("", "/adherence", "/smaller", f"/reports/{reported['id']}"):
        assert (await world.other.get(f"{path}{suffix}")).status_code == 404
    for listing in ("activities", "today", "week"):
        assert (await world.other.get(f"/v1/patients/{world.patient}/{listing}")).status_code == 404
    for act, body in (("accept", {}), ("stop", {"reason": "x"}), ("changes", {"reason": "x", "description": "y"})):
        answer = await world.other.post(f"{path}/{act}", body, version=exercises["version"])
        assert answer.status_code == 404
    report = {"occurrence": f"{world.clock().date()}.HS", "outcome": "done"}
    assert (await world.other.post(f"{path}/reports", report)).status_code == 404
