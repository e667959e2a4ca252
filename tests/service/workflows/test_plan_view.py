"""The page that somebody opens first: what to do today, for what, who is next, and what waits for their word."""

from typing import Any

from fhir_mappings.carrier import Json
from tests.people import Person, World, said

NIGHTLY: Json = {"when": ["HS"]}
WALK = "Walk to the shops again"


async def plans(world: World, who: Person, description: str, **activity: Any) -> Json:
    (plan,) = await world.found(f"CarePlan?subject=Patient/{world.patient}")
    body = {"description": description, **activity}
    return said(await who.post(f"/v1/care-plans/{plan['id']}/activities", body), 201)


async def the_plan(who: Person, patient: str, **headers: str) -> Json:
    return said(await who.get(f"/v1/patients/{patient}/plan?timeZone=Europe/Stockholm", **headers), 200)


async def knee(world: World) -> tuple[Json, Json]:
    """A goal that is agreed, with exercises that Ann has agreed to, an X-ray, and something that waits for her."""
    goal = await world.bo.acts(await world.ann.proposes(world.patient, WALK), "accept")
    exercises = await plans(world, world.bo, "Knee exercises", schedule=NIGHTLY, goals=[goal["id"]])
    agreed = await world.ann.post(f"/v1/activities/{exercises['id']}/accept", {}, version=exercises["version"])
    await plans(world, world.bo, "X-ray of the knee", performers=[f"Organization/clinic-{world.suffix}"])
    await plans(world, world.nora, "Cycling", schedule={"frequency": 2, "unit": "wk"}, goals=[goal["id"]])
    return goal, said(agreed, 200)


async def test_each_goal_has_its_steps_of_today_and_who_is_next(world: World) -> None:
    goal, exercises = await knee(world)
    tonight = world.clock().date().isoformat()
    report = {"occurrence": f"{tonight}.HS", "outcome": "partly"}
    said(await world.ann.post(f"/v1/activities/{exercises['id']}/reports", report), 201)
    plan = said(await world.ann.get(f"/v1/patients/{world.patient}/plan"), 200)

    for_walking, others = plan["steps"]
    assert (for_walking["goal"], for_walking["description"]) == (f"Goal/{goal['id']}", WALK)
    nightly, cycling = for_walking["steps"]
    assert nightly["description"] == "Knee exercises"
    assert nightly["words"].startswith("every day before going to sleep, from ")
    assert nightly["words"].endswith(". To be done by Ann Ahl (patient)")
    assert [(d["occurrence"], d["outcome"]) for d in nightly["today"]] == [(f"{tonight}.HS", "partly")]
    assert nightly["next"]["words"].startswith("Next: Ann Ahl (patient), by ")
    assert {d["from"] for d in nightly["thisWeek"]} >= {tonight}
    assert {d["words"] for d in (*nightly["today"], *nightly["thisWeek"])} == {"every day before going to sleep"}
    assert cycling["next"] == {
        "what": "answer",
        "words": "Waiting for the answer of Ann Ahl (patient).",
        "who": [world.ann.reference],
    }
    assert "today" not in cycling, "nothing is due that is not agreed"
    (xray,) = others["steps"]
    assert "goal" not in others
    assert xray["next"]["words"] == "Next: Test clinic (clinic)."


async def test_each_question_has_its_words_who_asks_and_how_to_answer(world: World) -> None:
    await knee(world)
    offer = await world.bo.proposes(world.patient, "Swim once a week")
    about_goal, about_activity = (await the_plan(world.ann, world.patient))["questionsForYou"][::-1]

    assert (about_goal["words"], about_goal["description"]) == (
        "A goal was offered. Please say if you agree, or offer something else.",
        "Swim once a week",
    )
    assert (about_goal["requestedBy"], about_goal["requestedByName"]) == (world.bo.reference, "Bo Berg")
    assert about_goal["askedAt"]
    assert (about_activity["description"], about_activity["requestedByName"]) == ("Cycling", "Nora Nyby")
    ways = {a["operation"]: a["path"] for a in (*about_goal["answers"], *about_activity["answers"])}
    assert set(ways) == {
        "acceptGoal",
        "counterProposeGoal",
        "declineGoal",
        "acceptActivity",
        "proposeActivityChange",
        "declineActivity",
    }

    said(await world.ann.post(ways["acceptGoal"], {}, version=about_goal["version"]), 200)
    said(await world.ann.post(ways["declineActivity"], {"reason": "No"}, version=about_activity["version"]), 200)
    assert "questionsForYou" not in await the_plan(world.ann, world.patient)
    said(await world.bo.post(f"/v1/goals/{offer['id']}/complete", {"outcome": "achieved"}, version="2"), 200)
    ending = (await the_plan(world.ann, world.patient))["questionsForYou"][0]
    ways = {a["operation"]: a["path"] for a in ending["answers"]}
    assert set(ways) == {"completeGoal", "declineGoal", "sendGoalMessage"}
    yes = next(a for a in ending["answers"] if a["operation"] == "completeGoal")
    done = said(await world.ann.post(yes["path"], {}, version=ending["version"]), 200)
    assert done["lifecycleStatus"] == "completed"


async def test_a_question_about_something_to_do_says_when_and_what_it_would_replace_and_why(world: World) -> None:
    _, exercises = await knee(world)
    (cycling,) = (await the_plan(world.ann, world.patient))["questionsForYou"]
    assert cycling["schedule"].startswith("twice a week, from ")
    assert cycling["words"] == (
        f"Something to do was offered: “Cycling”. When: {cycling['schedule']}."
        " Please say if you agree. If not, say why."
    )
    assert not {"insteadOf", "reason"} & cycling.keys()

    smaller = {"schedule": {"days": ["mon", "thu"], "when": ["HS"]}, "reason": "Every night hurts & aches."}
    change = await world.ann.post(f"/v1/activities/{exercises['id']}/changes", smaller, version=exercises["version"])
    asked = said(change, 201)["id"]
    (question,) = (await the_plan(world.bo, world.patient))["questionsForYou"]
    assert (question["insteadOf"], question["reason"]) == (f"ServiceRequest/{exercises['id']}", smaller["reason"])
    now, before = question["schedule"], exercises["schedule"]["words"]
    assert now.startswith("on Monday and Thursday before going to sleep, from ")
    assert question["words"] == (
        f"A change was offered: “Knee exercises”. When: {now}. It would replace “Knee exercises”. Before: {before}."
        " The reason: “Every night hurts & aches”. Please say if you agree. If not, say why."
    )
    tasks = await world.found(f"Task?patient=Patient/{world.patient}&focus=ServiceRequest/{asked}")
    assert [t["description"] for t in tasks] == [question["words"]]
    (plan,) = await world.found(f"CarePlan?subject=Patient/{world.patient}")
    told = "(offered, not agreed)</i>. It would replace “Knee exercises”. Before: every day"
    assert told in plan["text"]["div"]
    assert "The reason: “Every night hurts &amp; aches”.</li>" in plan["text"]["div"]
    spanish = (await the_plan(world.bo, world.patient, **{"Accept-Language": "es"}))["questionsForYou"][0]["words"]
    assert "Se haría en lugar de “Knee exercises”. Antes: cada día antes de dormir" in spanish


async def test_why_a_goal_should_go_on_is_said_where_the_question_says_how(world: World) -> None:
    goal = await world.bo.acts(await world.ann.proposes(world.patient, WALK), "accept")
    for act, body in (("complete", {"outcome": "achieved"}), ("cancel", {"reason": "It takes long"})):
        who, other = (world.ann, world.bo) if act == "complete" else (world.bo, world.ann)
        await who.acts(goal, act, **body)
        (question,) = (await the_plan(other, world.patient))["questionsForYou"]
        no = next(a["path"] for a in question["answers"] if a["operation"] == "declineGoal")
        goal = said(await other.post(no, {"reason": "Not yet"}, version=question["version"]), 200)
        assert goal["lifecycleStatus"] == "active"


async def test_a_question_about_the_day_is_the_same_question(world: World) -> None:
    await knee(world)
    today = await world.ann.sees(f"/v1/patients/{world.patient}/today")
    plan = await the_plan(world.ann, world.patient)

    assert today["questionsForYou"] == plan["questionsForYou"]
    listed = await world.ann.sees(f"/v1/patients/{world.patient}/activities")
    assert {a["next"]["words"] for a in listed["activities"]} >= {"Waiting for the answer of Ann Ahl (patient)."}


async def test_nobody_is_called_by_an_id(world: World) -> None:
    await knee(world)
    await world.ann.proposes(world.patient, "Dance again", ask=[world.nora.reference])
    (on_server,) = await world.found(f"CarePlan?subject=Patient/{world.patient}")
    div = on_server["text"]["div"]

    assert "Waiting for the answer of Nora Nyby (care team)." in div
    assert "To be done by Test clinic (clinic)" in div
    assert world.suffix not in div
    plan = await the_plan(world.bo, world.patient)
    assert {a["name"] for g in plan["goals"] for a in g["acceptances"]} == {"Ann Ahl", "Dr Bo Berg", "Nora Nyby"}
    for path in ("activities", "today", "week"):
        assert {p["name"] for p in (await world.ann.sees(f"/v1/patients/{world.patient}/{path}"))["people"]} >= {
            "Ann Ahl"
        }
    assert {p["name"] for p in plan["people"]} >= {"Ann Ahl", "Bo Berg", "Nora Nyby"}
    spanish = await the_plan(world.ann, world.patient, **{"Accept-Language": "es"})
    assert spanish["steps"][0]["steps"][1]["next"]["words"] == "Falta la respuesta de: Ann Ahl (paciente)."


async def test_a_family_member_who_asks_is_called_by_name(world: World) -> None:
    said_by_mother = await world.rosa.proposes(world.child, "Mia swims with her class")
    plan = await the_plan(world.bo, world.child)

    assert plan["questionsForYou"][0]["requestedByName"] == "Rosa Moss"
    assert plan["questionsForYou"][0]["goal"] == f"Goal/{said_by_mother['id']}"
