"""What Mia does for a goal that she has made private after it was shared, on both servers: Rosa learns nothing."""

from dataclasses import replace

from fhir_mappings.carrier import Json, encode
from fhir_mappings.elements import is_restricted
from tests.conftest import ISSUER
from tests.people import FHIR, Person, World, said

SECRET = "Stop the night feeds before the summer camp"
DOING = "Close the tube at night"
DAY = "2099-12-15"


async def shared_activity(world: World) -> tuple[Json, Json]:
    """A goal of Mia and her doctor that the family may see, and what she does for it."""
    goal = await world.bo.acts(await world.mia.proposes(world.child, SECRET), "accept")
    plan = (await world.found(f"CarePlan?subject=Patient/{world.child}"))[0]
    body = {"description": DOING, "due": DAY, "goals": [goal["id"]]}
    activity = said(await world.bo.post(f"/v1/care-plans/{plan['id']}/activities", body), 201)
    answer = await world.mia.post(f"/v1/activities/{activity['id']}/accept", {}, version=activity["version"])
    return goal, said(answer, 200)


async def reported(who: Person, activity: Json) -> Json:
    body = {"occurrence": "once", "outcome": "done"}
    return said(await who.post(f"/v1/activities/{activity['id']}/reports", body), 201)


async def becomes(world: World, goal: Json, visibility: str) -> None:
    present = await world.mia.sees(f"/v1/goals/{goal['id']}")
    await world.mia.acts(present, "visibility", visibility=visibility)


async def done_for_it(world: World, activity: Json) -> list[Json]:
    """The activity, its proposal and its reports on the server."""
    tasks = await world.found(f"Task?patient=Patient/{world.child}&focus=ServiceRequest/{activity['id']}")
    return [await world.on_server(f"ServiceRequest/{activity['id']}"), *tasks]


async def test_what_is_done_for_a_goal_is_kept_from_the_family_with_it_and_shown_again(world: World) -> None:
    goal, activity = await shared_activity(world)
    await reported(world.mia, activity)
    await becomes(world, goal, "private")
    assert [is_restricted(r) for r in await done_for_it(world, activity)] == [True, True, True]
    assert (await world.rosa.get(f"/v1/activities/{activity['id']}")).status_code == 404

    await becomes(world, goal, "shared")
    assert [is_restricted(r) for r in await done_for_it(world, activity)] == [False, False, False]
    assert (await world.rosa.sees(f"/v1/activities/{activity['id']}"))["description"] == DOING


async def test_a_hidden_activity_is_absent_whatever_is_said_of_it(world: World) -> None:
    goal, activity = await shared_activity(world)
    report = await reported(world.mia, activity)
    await becomes(world, goal, "private")
    task = await world.on_server(f"Task/{report['id']}")
    without_label = task | {"meta": {k: v for k, v in task["meta"].items() if k == "profile"}}
    # HAPI keeps labels that an update leaves out; there the report stays hidden by its own.
    assert (await world.fhir.put(f"Task/{task['id']}", content=encode(without_label))).status_code == 200

    fix = {"outcome": "skipped", "reason": "x"}
    for path in (activity["id"], "absent"):
        reports = f"/v1/activities/{path}/reports"
        answers = [await world.rosa.get(f"{reports}/{report['id']}")]
        answers += [
            await world.rosa.post(reports, {"occurrence": "once", "outcome": o}) for o in ("done", "partly", "skipped")
        ]
        answers += [await world.rosa.post(f"{reports}/{report['id']}/correct", fix, version=v) for v in ("1", "99")]
        said_of_it = {(a.status_code, a.json()["type"], a.json()["detail"]) for a in answers}
        assert said_of_it == {(404, "urn:coplan:problem:not-found", "There is no such resource for you.")}


async def test_the_shared_plan_is_told_anew_without_what_has_become_private(world: World) -> None:
    goal, activity = await shared_activity(world)
    item = {"text": "The tube, just us", "goal": goal["id"]}
    said(await world.mia.post(f"/v1/patients/{world.child}/agenda", item), 201)
    barrier = {"text": "I am scared to sleep without it"}
    said(await world.mia.post(f"/v1/goals/{goal['id']}/barriers", barrier), 201)
    words = (SECRET, DOING, item["text"], activity["id"])
    (shared,) = await world.found(f"CarePlan?subject=Patient/{world.child}")
    assert [w in shared["text"]["div"] for w in words] == [True, True, True, False]

    await becomes(world, goal, "private")
    told = (await world.on_server(f"CarePlan/{shared['id']}"))["text"]["div"]
    assert [w for w in (*words, barrier["text"]) if w in told] == []
    await becomes(world, goal, "shared")
    told = (await world.on_server(f"CarePlan/{shared['id']}"))["text"]["div"]
    assert [w in told for w in words] == [True, True, True, False]


async def test_who_may_not_report_is_not_told_that_somebody_has(world: World) -> None:
    _, activity = await shared_activity(world)
    first = await reported(world.mia, activity)
    system = replace(world.bo, token=ISSUER.token("", scope="system/*.cruds", client_id="analytics"))
    reader = "patient/Goal.rs patient/Task.rs patient/ServiceRequest.rs"
    mia = replace(world.mia, token=ISSUER.token(world.mia.reference, scope=reader))
    rosa = replace(world.rosa, token=ISSUER.token(world.rosa.reference, scope=reader.replace("patient/", "user/")))

    body = {"occurrence": "once", "outcome": "done"}
    for who, problem in ((system, "not-permitted"), (mia, "scope-missing"), (rosa, "scope-missing")):
        answer = await who.post(f"/v1/activities/{activity['id']}/reports", body)
        assert said(answer, 403)["type"] == f"urn:coplan:problem:{problem}"
    assert (await reported(world.bo, activity))["id"] == first["id"], "whoever may report repeats it"


async def test_no_view_of_the_family_lists_what_is_hidden_and_their_acts_keep_it(world: World) -> None:
    goal, activity = await shared_activity(world)
    body = {"description": "A new tube set", "due": DAY, "goals": [goal["id"]]}
    (shared,) = await world.found(f"CarePlan?subject=Patient/{world.child}")
    offered = said(await world.bo.post(f"/v1/care-plans/{shared['id']}/activities", body), 201)
    await becomes(world, goal, "private")
    without_label = {"resourceType": "Task", "status": "requested", "intent": "proposal"}
    question = without_label | {
        "focus": {"reference": f"ServiceRequest/{offered['id']}"},
        "for": {"reference": f"Patient/{world.child}"},
    }
    left = await world.fhir.post("Task", content=encode(question))
    assert left.status_code == 201

    child = f"/v1/patients/{world.child}"
    paths = [f"{child}/{p}" for p in ("plan", "care-plans", "activities", "today?timeZone=UTC", "week?timeZone=UTC")]
    paths.append(f"/v1/care-plans/{shared['id']}")
    for accept in ("application/json", FHIR["Accept"]):
        answers = [await world.rosa.get(p, **{"Accept": accept, "Cache-Control": "no-cache"}) for p in paths]
        assert {a.status_code for a in answers} <= {200, 406}
        words = (activity["id"], offered["id"], DOING, "tube", SECRET)
        assert [(a.url.path, w) for a in answers for w in words if w in a.text] == []
    asked = await world.mia.proposes(world.child, "Go to the lake", ask=[world.rosa.reference])
    await world.rosa.acts(asked, "accept")
    kept = await world.on_server(f"CarePlan/{shared['id']}")
    assert "activity" not in kept
    assert ("lake" in kept["text"]["div"], "tube" in kept["text"]["div"]) == (True, False)


async def test_what_was_proposed_for_a_goal_that_became_private_can_be_answered(world: World) -> None:
    """It belongs to the patient's own plan from then on, and no word or link of it is left on what the family sees."""
    goal, activity = await shared_activity(world)
    (shared,) = await world.found(f"CarePlan?subject=Patient/{world.child}")
    body = {"description": "A new tube set", "due": DAY, "goals": [goal["id"]]}
    offered = said(await world.bo.post(f"/v1/care-plans/{shared['id']}/activities", body), 201)
    await becomes(world, goal, "private")
    present = await world.mia.sees(f"/v1/activities/{offered['id']}")
    answer = await world.mia.post(f"/v1/activities/{offered['id']}/accept", {}, version=present["version"])

    assert said(answer, 200)["status"] == "active"
    plans = {is_restricted(p): p for p in await world.found(f"CarePlan?subject=Patient/{world.child}")}
    links = {private: [a["reference"]["reference"] for a in p.get("activity", [])] for private, p in plans.items()}
    assert links == {False: [], True: [f"ServiceRequest/{activity['id']}", f"ServiceRequest/{offered['id']}"]}
    assert "A new tube set" in plans[True]["text"]["div"]
    assert "tube" not in plans[False]["text"]["div"]
    assert (await world.rosa.get(f"/v1/activities/{offered['id']}")).status_code == 404

    await becomes(world, goal, "shared")
    back = await world.on_server(f"CarePlan/{shared['id']}")
    assert {a["reference"]["reference"] for a in back["activity"]} == set(links[True])


async def test_every_shared_plan_forgets_a_goal_that_becomes_private(world: World) -> None:
    """Also one that somebody has opened beside the first."""
    goal, _ = await shared_activity(world)
    body = {"title": "For the camp", "goals": [goal["id"]]}
    second = said(await world.bo.post(f"/v1/patients/{world.child}/care-plans", body), 201)
    assert SECRET in (await world.on_server(f"CarePlan/{second['id']}"))["text"]["div"]
    await becomes(world, goal, "private")

    for plan in await world.found(f"CarePlan?subject=Patient/{world.child}"):
        if not is_restricted(plan):
            assert "goal" not in plan
            assert "activity" not in plan
            assert SECRET not in plan["text"]["div"]


async def test_what_is_private_is_given_to_nobody_who_would_not_see_it(world: World) -> None:
    goal, _ = await shared_activity(world)
    await becomes(world, goal, "private")
    plans = await world.found(f"CarePlan?subject=Patient/{world.child}")
    for plan in plans:
        body = {"description": "Fetch the pump", "performers": [world.rosa.reference], "goals": [goal["id"]]}
        if is_restricted(plan):
            del body["goals"]
        refused = said(await world.mia.post(f"/v1/care-plans/{plan['id']}/activities", body), 422)["errors"]
        assert [e["path"] for e in refused] == ["performers[0]"]
        assert "cannot see what is private. You can ask: " in refused[0]["message"]
        assert world.bo.reference in refused[0]["message"]
    assert len(plans) == 2
