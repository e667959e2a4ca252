"""Mia, who has cystic fibrosis, her mother Rosa and the team, on both servers; and what a plain EHR sees of it."""

from typing import Any

import pytest

from fhir_mappings.carrier import Json, encode
from fhir_mappings.codes import GOAL_ATTAINMENT_SCALING
from fhir_mappings.elements import is_restricted
from tests.conftest import FhirServer, open_world
from tests.people import FHIR, Person, World, said

LEVELS = [
    {"score": 2, "text": "I swim twice a week and need no break"},
    {"score": 1, "text": "I swim twice a week"},
    {"score": 0, "text": "I swim once a week"},
    {"score": -1, "text": "I swim now and then"},
    {"score": -2, "text": "I do not swim"},
]
SWIM = "I want to swim with my class"
SECRET = "Stop the night feeds before the summer camp"
UNSEEN = (SECRET, "night feed", "tube")
"""Words that Rosa must never be told."""


async def shared_goal(world: World) -> Json:
    """Offered by Mia, put to her mother and to her doctor; nobody has answered yet."""
    return await world.mia.proposes(
        world.child,
        SWIM,
        levels=LEVELS,
        domains=["physical-function"],
        startDate="2026-11-01",
        ask=[world.rosa.reference, world.bo.reference],
    )


async def agreed_goal(world: World) -> Json:
    goal = await world.rosa.acts(await shared_goal(world), "accept", comment="I will drive her")
    return await world.bo.acts(goal, "accept", priority="high-priority")


async def private_goal(world: World) -> Json:
    offer = await world.mia.proposes(world.child, SECRET, levels=LEVELS, visibility="private")
    return await world.bo.acts(offer, "accept", comment="Let us plan it")


async def adds(person: Person, path: str, body: Json, status: int = 201) -> Json:
    return said(await person.post(path, body), status)


async def reads(person: Person, world: World, path: str) -> Json:
    return await person.sees(f"/v1/patients/{world.child}/{path}")


async def test_nobody_alone_can_agree_to_a_goal_of_three(world: World) -> None:
    offer = await shared_goal(world)
    assert offer["lifecycleStatus"] == "proposed"

    by_two = await world.rosa.acts(offer, "accept", comment="I will drive her")
    assert by_two["lifecycleStatus"] == "accepted"
    by_three = await world.bo.acts(by_two, "accept")

    assert by_three["lifecycleStatus"] == "active"
    assert [(a["individual"], a["status"]) for a in by_three["acceptances"]] == [
        (world.mia.reference, "agree"),
        (world.rosa.reference, "agree"),
        (world.bo.reference, "agree"),
    ]
    assert by_three["expressedBy"] == world.mia.reference


@pytest.mark.parametrize(
    ("first", "second"), [pytest.param("rosa", "bo", id="mother first"), pytest.param("bo", "rosa", id="team first")]
)
async def test_by_policy_two_of_three_are_not_enough(fhir_server: FhirServer, first: str, second: str) -> None:
    async with open_world(fhir_server, all_asked_must_agree=True) as world:
        by_two = await getattr(world, first).acts(await shared_goal(world), "accept")
        assert by_two["lifecycleStatus"] == "proposed"
        by_three = await getattr(world, second).acts(by_two, "accept")

        assert by_three["lifecycleStatus"] == "active"


async def test_each_side_scores_in_its_own_name_side_by_side(world: World) -> None:
    goal = await agreed_goal(world)
    for person, score, day in ((world.mia, -1, "01"), (world.mia, 0, "20"), (world.rosa, 1, "20"), (world.bo, 0, "20")):
        body = {"score": score, "effective": f"2026-11-{day}T12:00:00+01:00"}
        await adds(person, f"/v1/goals/{goal['id']}/scores", body)
    seen = await world.rosa.sees(f"/v1/goals/{goal['id']}/attainment")

    assert [level["text"] for level in seen["levels"]] == [level["text"] for level in LEVELS]
    latest = seen["latest"]
    assert [(latest[side]["score"], latest[side]["by"]) for side in ("patient", "family", "careTeam")] == [
        (0, world.mia.reference),
        (1, world.rosa.reference),
        (0, world.bo.reference),
    ]
    assert [s["score"] for s in seen["patient"]] == [-1, 0]
    (plan,) = (await reads(world.bo, world, "plan"))["attainment"]
    assert plan["patient"]["name"] == "as expected"

    on_server = await world.found(f"Observation?focus=Goal/{goal['id']}")
    codes = {(o["code"]["coding"][0]["code"], o["performer"][0]["reference"]) for o in on_server}
    assert codes == {
        ("107334-5", world.mia.reference),
        ("107331-1", world.rosa.reference),
        ("107333-7", world.bo.reference),
    }
    div = (await world.found(f"CarePlan?subject=Patient/{world.child}"))[0]["text"]["div"]
    sides = ("patient: 0, as expected", "family: +1, better than expected", "care team: 0, as expected")
    assert "".join(f"<li>{side}</li>" for side in sides) in div


async def test_scores_are_not_listed_among_what_was_measured_unless_asked_for(world: World) -> None:
    goal, path = await agreed_goal(world), f"/v1/patients/{world.child}/observations"
    for hour in range(4):
        body = {"score": 0, "effective": f"2026-11-20T1{hour}:00:00+01:00"}
        await adds(world.mia, f"/v1/goals/{goal['id']}/scores", body)
    weights = [
        {"what": "weight", "value": 40 + day, "unit": "kg", "effective": f"2026-11-{day}T08:00:00+01:00"}
        for day in (18, 19, 21)
    ]
    said(await world.mia.post(path, {"items": weights}), 200)

    everything = await world.mia.sees(path)
    assert ([o["what"] for o in everything["observations"]], "next" in everything) == (["weight"] * 3, False)
    first = await world.mia.sees(f"{path}?count=2")
    assert [o["effective"][8:10] for o in first["observations"]] == ["21", "19"], "a page is filled up"
    last = await world.mia.sees(f"{path}?count=2&cursor={first['next']}")
    assert ([o["effective"][8:10] for o in last["observations"]], "next" in last) == (["18"], False)
    scores = (await world.mia.sees(f"{path}?code=107334-5"))["observations"]
    assert [o["goals"] for o in scores] == [[f"Goal/{goal['id']}"]] * 4


async def test_only_people_say_that_it_is_reached_and_only_once_it_is_scored_so(world: World) -> None:
    goal = await agreed_goal(world)
    await adds(world.bo, f"/v1/goals/{goal['id']}/scores", {"score": -1})
    too_early = await world.mia.post(
        f"/v1/goals/{goal['id']}/complete", {"outcome": "achieved"}, version=goal["version"]
    )
    assert said(too_early, 409)["type"] == "urn:coplan:problem:transition-not-allowed"
    assert (await world.bo.sees(f"/v1/goals/{goal['id']}")).get("achievementStatus") is None

    score = await adds(world.mia, f"/v1/goals/{goal['id']}/scores", {"score": 0})
    proposed = await world.mia.acts(goal, "complete", outcome="achieved")
    done = await world.bo.acts(proposed, "complete")
    assert (done["lifecycleStatus"], done["achievementStatus"]) == ("completed", "achieved")
    assert done["outcomes"] == [f"Observation/{score['id']}"]


async def test_what_matters_stands_first_and_each_keeps_their_own_order(world: World) -> None:
    goal = await agreed_goal(world)
    friends = await adds(
        world.mia,
        f"/v1/patients/{world.child}/what-matters",
        {"text": "Being with my friends without having to explain my cough", "about": "relationships"},
    )
    barrier = await adds(
        world.rosa, f"/v1/goals/{goal['id']}/barriers", {"text": "The pool is closed when I am off work"}
    )
    await adds(world.mia, f"/v1/goals/{goal['id']}/readiness", {"importance": 9, "confidence": 6})
    mine = [f"Observation/{friends['id']}", f"Goal/{goal['id']}"]
    await adds(world.mia, f"/v1/patients/{world.child}/priorities", {"items": mine}, 200)
    hers = [f"Goal/{goal['id']}", f"Observation/{barrier['id']}"]
    await adds(world.rosa, f"/v1/patients/{world.child}/priorities", {"items": hers}, 200)
    await adds(world.mia, f"/v1/patients/{world.child}/priorities", {"items": list(reversed(mine))}, 200)
    ids = [item.partition("/")[2] for item in reversed(mine)]
    again = await adds(world.mia, f"/v1/patients/{world.child}/priorities", {"items": ids}, 200)
    assert again["items"] == list(reversed(mine)), "an id is as good as a reference"
    twice = await world.mia.post(f"/v1/patients/{world.child}/priorities", {"items": [goal["id"], mine[1]]})
    assert [e["path"] for e in said(twice, 422)["errors"]] == ["items"]
    nothing = await world.mia.post(f"/v1/patients/{world.child}/priorities", {"items": ["nothing"]})
    assert [e["path"] for e in said(nothing, 422)["errors"]] == ["items[0]"]

    plan = await reads(world.bo, world, "plan")
    assert [s["text"] for s in plan["whatMatters"]] == ["Being with my friends without having to explain my cough"]
    assert [(p["by"], [i["reference"] for i in p["items"]]) for p in plan["priorities"]] == [
        (world.mia.reference, list(reversed(mine))),
        (world.rosa.reference, hers),
    ]
    (said_of_it,) = plan["onTheWay"]
    assert said_of_it["goal"] == f"Goal/{goal['id']}"
    assert [b["text"] for b in said_of_it["barriers"]] == ["The pool is closed when I am off work"]
    assert {r["about"]: r["rating"] for r in said_of_it["readiness"]} == {"importance": 9, "confidence": 6}
    seen = await world.bo.sees(f"/v1/goals/{goal['id']}/attainment")
    assert [b["text"] for b in seen["barriers"]] == ["The pool is closed when I am off work"]
    assert {r["about"]: r["rating"] for r in seen["readiness"]} == {"importance": 9, "confidence": 6}

    lists = await world.found(f"List?subject=Patient/{world.child}&code=http://loinc.org|81340-2")
    by = {(x.get("source") or x["note"][0]["authorReference"])["reference"]: x["entry"] for x in lists}
    assert {who: [e["item"]["reference"] for e in entries] for who, entries in by.items()} == {
        world.mia.reference: list(reversed(mine)),
        world.rosa.reference: hers,
    }
    div = (await world.found(f"CarePlan?subject=Patient/{world.child}"))[0]["text"]["div"]
    assert div.index("What matters") < div.index("What comes first (patient)") < div.index("<h3>Goals")


async def everything_rosa_can_ask_for(world: World, goals: list[str]) -> list[str]:
    """All answers that a family member can get about the child, as text."""
    paths = [f"/v1/patients/{world.child}/{p}" for p in ("plan", "goals", "care-plans", "what-matters", "priorities")]
    paths.append(f"/v1/patients/{world.child}/agenda?closed=true")
    paths += [f"/v1/goals/{g}{p}" for g in goals for p in ("", "/thread", "/attainment", "/progress")]
    found = [(await world.rosa.get(path, **{"Cache-Control": "no-cache"})) for path in paths]
    found += [(await world.rosa.get(path, **FHIR)) for path in paths]
    plans = said(await world.rosa.get(paths[2]), 200)["carePlans"]
    found += [(await world.rosa.get(f"/v1/care-plans/{p['id']}", **FHIR)) for p in plans]
    return [answer.text for answer in found]


async def test_the_family_never_learns_of_a_private_goal(world: World) -> None:
    shared = await agreed_goal(world)
    before = await reads(world.rosa, world, "plan")
    own = await private_goal(world)
    gid = own["id"]
    await adds(world.mia, f"/v1/goals/{gid}/messages", {"text": "Can the tube come out for good?"})
    await adds(world.bo, f"/v1/goals/{gid}/scores", {"score": -1})
    barrier = await adds(world.mia, f"/v1/goals/{gid}/barriers", {"text": "I am scared to tell about the night feed"})
    await adds(world.mia, f"/v1/patients/{world.child}/agenda", {"text": "The tube, just us", "goal": gid})
    order = [f"Goal/{gid}", f"Goal/{shared['id']}", f"Observation/{barrier['id']}"]
    await adds(world.mia, f"/v1/patients/{world.child}/priorities", {"items": order}, 200)

    for path in ("", "/thread", "/attainment", "/progress"):
        absent = await world.rosa.get(f"/v1/goals/{gid.replace(gid[-3:], 'xxx')}{path}")
        hidden = await world.rosa.get(f"/v1/goals/{gid}{path}")
        assert (hidden.status_code, hidden.json()["type"]) == (absent.status_code, absent.json()["type"])
        assert hidden.status_code == 404
    assert (await world.rosa.post(f"/v1/goals/{gid}/accept", {}, version=own["version"])).status_code == 404
    heard = await everything_rosa_can_ask_for(world, [shared["id"]])
    for word in (*UNSEEN, gid, barrier["id"]):
        assert [text for text in heard if word in text] == []
    after = await reads(world.rosa, world, "plan")
    assert {k: v for k, v in after.items() if k not in {"asOf", "priorities", "carePlans"}} == {
        k: v for k, v in before.items() if k not in {"asOf", "priorities", "carePlans"}
    }
    assert [len(p["items"]) for p in after["priorities"]] == [1]
    assert len(after["carePlans"]) == 1

    mine = await reads(world.mia, world, "plan")
    team = await reads(world.bo, world, "plan")
    for seen in (mine, team):
        assert {g["description"] for g in seen["goals"]} == {SWIM, SECRET}
        assert [[i["reference"] for i in p["items"]] for p in seen["priorities"]] == [order]
        assert [i["text"] for i in seen["agenda"]] == ["The tube, just us"]


async def test_all_about_a_private_goal_is_labelled_on_the_server_and_the_shared_plan_is_not(world: World) -> None:
    await agreed_goal(world)
    own = await private_goal(world)
    await adds(world.mia, f"/v1/goals/{own['id']}/messages", {"text": "Can the tube come out for good?"})
    await adds(world.bo, f"/v1/goals/{own['id']}/scores", {"score": -1})

    about = await left_about(world, own["id"])
    kinds = {r["resourceType"] for r in about}
    assert kinds == {"Goal", "Task", "Communication", "Observation", "Provenance", "AuditEvent", "CarePlan"}
    assert {r["resourceType"] for r in about if not is_restricted(r)} == set()
    plans = await world.found(f"CarePlan?subject=Patient/{world.child}")
    shared = [p for p in plans if not is_restricted(p)]
    assert len(plans) == 2
    assert len(shared) == 1
    assert SECRET not in encode(shared[0]).decode()
    assert own["id"] not in encode(shared[0]).decode()
    assert SECRET in next(p for p in plans if is_restricted(p))["text"]["div"]


async def left_about(world: World, goal_id: str) -> list[Json]:
    """What on the server refers to the goal, and itself."""
    found = await world.found(f"Goal?_id={goal_id}")
    for resource_type in ("Task", "Communication", "Observation", "CarePlan"):
        found += await world.found(f"{resource_type}?patient=Patient/{world.child}&_count=200")
    found += await world.found(f"AuditEvent?entity=Patient/{world.child}&_count=200")
    found += await world.found(f"Provenance?target=Goal/{goal_id}&_count=200")
    return [r for r in found if f"Goal/{goal_id}" in encode(r).decode() or r["id"] == goal_id]


async def test_the_patient_shows_a_private_goal_later_with_all_that_was_said(world: World) -> None:
    await agreed_goal(world)
    own = await private_goal(world)
    await adds(world.mia, f"/v1/goals/{own['id']}/messages", {"text": "Can the tube come out for good?"})
    refused = await world.bo.post(f"/v1/goals/{own['id']}/visibility", {"visibility": "shared"}, version=own["version"])
    assert refused.status_code == 403
    await world.mia.acts(own, "visibility", visibility="shared")

    seen = await world.rosa.sees(f"/v1/goals/{own['id']}")
    assert (seen["description"], seen.get("visibility", "shared")) == (SECRET, "shared")
    thread = await world.rosa.sees(f"/v1/goals/{own['id']}/thread")
    assert [m["text"] for m in thread["messages"]] == ["Can the tube come out for good?"]
    acts = [a["act"] for a in thread["offers"][0]["acts"]]
    assert acts == ["propose", "accept"], "that it was private before is nobody else's business"
    full = await world.mia.sees(f"/v1/goals/{own['id']}/thread")
    assert [a["act"] for a in full["offers"][0]["acts"]] == ["propose", "accept", "change-visibility"]
    plans = await world.found(f"CarePlan?subject=Patient/{world.child}")
    linking = [p for p in plans if f"Goal/{own['id']}" in encode(p).decode()]
    assert [is_restricted(p) for p in linking] == [False]
    assert SECRET in linking[0]["text"]["div"]


async def test_the_patient_keeps_a_goal_that_the_family_had_no_part_in(world: World) -> None:
    goal = await world.mia.proposes(world.child, SECRET, levels=LEVELS)
    goal = await world.bo.acts(goal, "accept")
    assert SECRET in (await world.rosa.get(f"/v1/patients/{world.child}/plan")).text
    await world.mia.acts(goal, "visibility", visibility="private")

    assert (await world.rosa.get(f"/v1/goals/{goal['id']}")).status_code == 404
    heard = await everything_rosa_can_ask_for(world, [])
    assert [text for text in heard if SECRET in text or goal["id"] in text] == []
    assert {r["resourceType"] for r in await left_about(world, goal["id"]) if not is_restricted(r)} <= {"AuditEvent"}


async def test_what_the_family_has_agreed_to_cannot_be_kept_from_them(world: World) -> None:
    goal = await agreed_goal(world)
    answer = await world.mia.post(
        f"/v1/goals/{goal['id']}/visibility", {"visibility": "private"}, version=goal["version"]
    )

    assert said(answer, 409)["type"] == "urn:coplan:problem:transition-not-allowed"


@pytest.mark.parametrize(
    ("who", "offer", "status"),
    [
        pytest.param("rosa", {}, 403, id="a mother keeps nothing from her daughter's plan"),
        pytest.param("bo", {}, 403, id="nor does the team"),
        pytest.param("mia", {"ask": ["rosa"]}, 422, id="the family is not asked about what they cannot see"),
    ],
)
async def test_only_the_patient_keeps_something_private(
    world: World, who: str, offer: dict[str, Any], status: int
) -> None:
    asked = [getattr(world, name).reference for name in offer.get("ask", [])]
    body = {"description": SECRET, "visibility": "private", **({"ask": asked} if asked else {})}
    answer = await getattr(world, who).post(f"/v1/patients/{world.child}/goals", body)

    assert answer.status_code == status
    assert await world.found(f"Goal?subject=Patient/{world.child}") == []


async def test_what_is_set_for_a_later_visit_stays_there(world: World) -> None:
    path, today = f"/v1/patients/{world.child}/agenda", world.clock().date().isoformat()
    await adds(world.rosa, path, {"text": "Who writes to the school?"})
    await adds(world.rosa, path, {"text": "The new inhaler", "visit": {"day": today}})
    tube = await adds(world.bo, path, {"text": "The yearly check", "visit": {"day": "2099-12-15"}})
    sent, key = {"visit": {"day": "2099-03-16"}}, "carry-over-once"
    moved = said(await world.bo.post(f"{path}/carry-over", sent, key=f"{key}-{world.child}"), 200)["items"]
    assert [i["text"] for i in moved] == ["Who writes to the school?", "The new inhaler"], "each that went there"
    again = await world.bo.post(f"{path}/carry-over", sent, key=f"{key}-{world.child}", Accept="application/fhir+json")
    assert [e["resource"]["id"] for e in said(again, 200)["entry"]] == [i["id"] for i in moved], "and when repeated"

    agenda = (await reads(world.mia, world, "agenda"))["items"]
    assert {i["text"]: i["day"] for i in agenda} == {
        "Who writes to the school?": "2099-03-16",
        "The new inhaler": "2099-03-16",
        "The yearly check": "2099-12-15",
    }
    await adds(world.bo, f"{path}/carry-over", {"visit": {"day": "2099-03-16"}, "items": [tube["id"]]}, 200)
    for to, body in (("", {"text": "x"}), ("/carry-over", {})):
        past = await world.rosa.post(f"{path}{to}", {**body, "visit": {"day": "2020-01-01"}})
        assert [e["path"] for e in said(past, 422)["errors"]] == ["visit.day"]


async def test_only_who_would_see_a_question_can_be_asked(world: World) -> None:
    goal = await world.rosa.proposes(world.child, "Mia swims with her class")
    stranger = {
        "resourceType": "Practitioner",
        "id": f"eve-{world.suffix}",
        "name": [{"family": "Evers", "given": ["Eve"]}],
    }
    assert (await world.fhir.put(f"Practitioner/eve-{world.suffix}", content=encode(stranger))).status_code in {
        200,
        201,
    }
    nobody = [f"Practitioner/eve-{world.suffix}"]
    goals = f"/v1/patients/{world.child}/goals"
    refused = (
        await world.rosa.post(goals, {"description": "x", "ask": [world.bo.reference, *nobody]}),
        await world.bo.post(
            f"/v1/goals/{goal['id']}/counter-proposals",
            {"description": "x", "reason": "y", "ask": [world.rosa.reference, *nobody]},
            version=goal["version"],
        ),
    )
    for answer in refused:
        (error,) = said(answer, 422)["errors"]
        assert error["path"] == "ask[1]"
        assert "Nora Nyby (Practitioner/nora-" in error["message"]
        assert "eve" not in error["message"]
    plan = said(await world.bo.post(f"/v1/patients/{world.child}/care-plans", {"title": "Plan"}), 201)
    body = {"description": "Spirometry", "performers": nobody}
    for who, status in ((world.rosa, 422), (world.bo, 201)):
        said(await who.post(f"/v1/care-plans/{plan['id']}/activities", body), status)


async def test_the_agenda_of_all_sides_is_carried_to_the_next_visit(world: World) -> None:
    goal = await agreed_goal(world)
    path, today = f"/v1/patients/{world.child}/agenda", {"day": world.clock().date().isoformat()}
    next_visit = {"day": "2099-03-16"}
    trip = {"text": "Can I go on the school trip?", "kind": "question", "goal": goal["id"], "visit": today}
    asked = await adds(world.mia, path, trip)
    await adds(world.rosa, path, {"text": "Who writes to the school?", "kind": "question", "visit": today})
    await adds(world.bo, path, {"text": "The new inhaler", "visit": today})
    agenda = (await reads(world.rosa, world, "agenda"))["items"]
    assert [(i["text"], i["by"]) for i in agenda] == [
        ("Can I go on the school trip?", world.mia.reference),
        ("Who writes to the school?", world.rosa.reference),
        ("The new inhaler", world.bo.reference),
    ]

    closed = await world.bo.post(
        f"/v1/agenda-items/{asked['id']}/close", {"outcome": "Yes, with the inhaler"}, version=asked["version"]
    )
    assert said(closed, 200)["status"] == "completed"
    await adds(world.bo, f"{path}/carry-over", {"visit": next_visit}, 200)
    agenda = (await reads(world.mia, world, "agenda"))["items"]
    assert [(i["text"], i["day"]) for i in agenda] == [
        ("Who writes to the school?", "2099-03-16"),
        ("The new inhaler", "2099-03-16"),
    ]

    on_server = await world.found(f"CommunicationRequest?subject=Patient/{world.child}&status=completed")
    assert [(r["note"][0]["text"], r["about"]) for r in on_server] == [
        ("Yes, with the inhaler", [{"reference": f"Goal/{goal['id']}"}])
    ]
    div = (await world.found(f"CarePlan?subject=Patient/{world.child}"))[0]["text"]["div"]
    assert "Who writes to the school? (Rosa Moss (family), March 16, 2099)" in div
    assert "school trip" not in div


async def test_a_plain_ehr_reads_the_goal_with_its_levels_and_who_agreed(world: World) -> None:
    goal = await agreed_goal(world)

    (on_server,) = await world.found(f"Goal?patient=Patient/{world.child}&lifecycle-status=active")
    assert on_server["description"]["text"] == SWIM
    levels = [e for e in on_server["extension"] if e["url"] == GOAL_ATTAINMENT_SCALING]
    assert [e["extension"][0]["valueCoding"]["code"] for e in levels] == [
        "LA34479-8",
        "LA34480-6",
        "LA34481-4",
        "LA34483-0",
        "LA34484-8",
    ]
    assert on_server["meta"]["profile"][-1].endswith("pco-gas-goal-profile")
    notes = [n["text"] for n in on_server["note"]]
    assert notes[-1] == "Agreed by Mia Moss (patient), Rosa Moss (family), and Dr Bo Berg (care team)."
    assert "0, as expected: I swim once a week" in notes[1]
    (plan,) = await world.found(f"CarePlan?subject=Patient/{world.child}&category=assess-plan")
    assert plan["goal"] == [{"reference": f"Goal/{goal['id']}"}]
    assert "Agreed by Mia Moss (patient), Rosa Moss (family), and Dr Bo Berg (care team)." in plan["text"]["div"]


async def test_a_year_with_mia_her_mother_and_the_team(world: World) -> None:
    """All that this story can leave on a server: the official validator looks at it, too."""
    child, visit = f"/v1/patients/{world.child}", {"day": "2099-12-15"}
    friends = await adds(
        world.mia, f"{child}/what-matters", {"text": "Being with my friends", "about": "relationships"}
    )
    goal = await world.mia.proposes(
        world.child, SWIM, levels=LEVELS, domains=["physical-function"], addresses=[f"Observation/{friends['id']}"]
    )
    offer = await world.bo.acts(
        goal,
        "counter-proposals",
        description="Swim once a week, and cough before you go",
        levels=[{**level, "text": f"{level['text']}."} for level in LEVELS],
        reason="The lungs need to be clear first",
        ask=[world.rosa.reference],
    )
    by_mia = await world.mia.acts(offer, "accept", priority="high-priority")
    agreed = await world.rosa.acts(by_mia, "accept", priority="high-priority")
    assert (agreed["lifecycleStatus"], agreed.get("priority")) == ("active", None)
    thread = await world.rosa.sees(f"/v1/goals/{agreed['id']}/thread")
    changed = {d["element"]: d for d in thread["offers"][1]["differences"]}
    assert changed["Goal.extension"]["before"].startswith("+2, much better than expected: I swim twice")
    assert changed["Goal.extension"]["after"].endswith("I do not swim.")

    sides = f"/v1/goals/{agreed['id']}"
    scores = [await adds(p, f"{sides}/scores", {"score": 0}) for p in (world.mia, world.rosa, world.bo)]
    await adds(world.rosa, f"{sides}/scores", {"score": 1, "note": "Twice this week"})
    barrier = await adds(world.mia, f"{sides}/barriers", {"text": "The pool is cold", "note": "On Mondays"})
    tired = {"concept": {"coding": [{"system": "http://snomed.info/sct", "code": "224960004"}], "text": "tired"}}
    await adds(world.rosa, f"{sides}/barriers", tired)
    await adds(world.mia, f"{sides}/readiness", {"importance": 9, "confidence": 10})
    back = await world.bo.post(
        f"/v1/assessments/{scores[2]['id']}/entered-in-error", {"reason": "Wrong goal"}, version=scores[2]["version"]
    )
    assert said(back, 200)["status"] == "entered-in-error"
    latest = (await world.mia.sees(f"{sides}/attainment"))["latest"]
    assert (sorted(latest), latest["family"]["score"]) == (["family", "goal", "patient"], 1)
    await adds(world.rosa, f"{child}/priorities", {"items": [f"Goal/{agreed['id']}"]}, 200)

    anxious = await prom_goal(world)
    beyond = {"value": {"value": 80, "code": "1", "unit": "score"}}
    refused = said(await world.mia.post(f"/v1/goals/{anxious['id']}/scores", beyond), 422)
    assert [e["path"] for e in refused["errors"]] == ["value.value"]
    await adds(world.mia, f"/v1/goals/{anxious['id']}/scores", {"value": {"value": 12, "code": "1", "unit": "score"}})

    own = await private_goal(world)
    await adds(world.mia, f"/v1/goals/{own['id']}/messages", {"text": "Does Mum have to know?"})
    await adds(world.bo, f"/v1/goals/{own['id']}/scores", {"score": -2})
    await adds(world.mia, f"{child}/agenda", {"text": "The tube", "goal": own["id"], "visit": visit})
    items = [f"Goal/{own['id']}", f"Goal/{agreed['id']}", f"Observation/{barrier['id']}"]
    await adds(world.mia, f"{child}/priorities", {"items": items}, 200)
    await world.mia.acts(await world.mia.sees(f"/v1/goals/{own['id']}"), "visibility", visibility="shared")
    again = await world.mia.sees(f"/v1/goals/{own['id']}")
    await world.mia.acts(again, "visibility", visibility="private")

    trip = await adds(world.rosa, f"{child}/agenda", {"text": "The school trip", "visit": visit})
    encounter = {"reference": f"Encounter/visit-{world.suffix}", "day": "2099-12-16"}
    seeded = {
        "resourceType": "Encounter",
        "id": f"visit-{world.suffix}",
        "status": "planned",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/{world.child}"},
    }
    assert (await world.fhir.put(encounter["reference"], content=encode(seeded))).status_code in {200, 201}
    await adds(world.bo, f"{child}/agenda/carry-over", {"visit": encounter, "items": [trip["id"]]}, 200)
    (moved,) = (await reads(world.rosa, world, "agenda"))["items"]
    assert (moved["visit"], moved["day"]) == (encounter["reference"], "2099-12-16")
    off = await world.rosa.post(
        f"/v1/agenda-items/{trip['id']}/close",
        {"outcome": "It was called off", "discussed": False},
        version=moved["version"],
    )
    assert said(off, 200)["status"] == "revoked"

    plans = await world.found(f"CarePlan?subject=Patient/{world.child}")
    assert {p["title"] for p in plans} == {"Shared care plan", "My own plan"}
    active = await world.found(f"Goal?patient=Patient/{world.child}&lifecycle-status=active")
    assert {g["description"]["text"] for g in active if not is_restricted(g)} == {
        "Swim once a week, and cough before you go",
        "Worry less about the clinic (target: GAD-7: less than 10 score)",
    }


async def prom_goal(world: World) -> Json:
    measure = {"text": "GAD-7", "coding": [{"system": "http://loinc.org", "code": "70274-6"}]}
    below_ten = {"quantity": {"value": 10, "code": "1", "unit": "score", "comparator": "<"}}
    offer = await world.mia.proposes(
        world.child,
        "Worry less about the clinic",
        targets=[{"measure": measure, "value": below_ten}],
        domains=["emotional-and-mental-health"],
    )
    return await world.bo.acts(offer, "accept")


@pytest.mark.parametrize(
    ("offer", "path"),
    [
        pytest.param({"levels": LEVELS[:2]}, "levels", id="without the expected level"),
        pytest.param({"levels": [*LEVELS[:4], LEVELS[0]]}, "levels[0].score", id="a level twice"),
        pytest.param(
            {"levels": LEVELS, "targets": [{"measure": {"text": "laps"}}]}, "targets[0].measure", id="two scales"
        ),
        pytest.param({"levels": [{"score": 3, "text": "x"}]}, "levels[0].score", id="no such level"),
        pytest.param({"domains": ["football"]}, "domains[0]", id="no such part of life"),
    ],
)
async def test_a_scale_that_could_mislead_is_refused_by_name(world: World, offer: Json, path: str) -> None:
    answer = await world.mia.post(f"/v1/patients/{world.child}/goals", {"description": SWIM, **offer})

    assert said(answer, 422)["errors"][0]["path"].endswith(path)
    assert await world.found(f"Goal?subject=Patient/{world.child}") == []


async def test_what_is_done_for_a_private_goal_never_gets_onto_the_shared_plan(world: World) -> None:
    await agreed_goal(world)
    own = await private_goal(world)
    plans = await world.found(f"CarePlan?subject=Patient/{world.child}")
    shared = next(p for p in plans if not is_restricted(p))
    body = {"description": "Close the tube at night", "due": "2099-12-15", "goals": [own["id"]]}
    offered = await world.bo.post(f"/v1/care-plans/{shared['id']}/activities", body)
    assert offered.status_code in {201, 422}, offered.text
    if offered.status_code == 201:
        activity = offered.json()
        await world.mia.post(f"/v1/activities/{activity['id']}/accept", {}, version=activity["version"])

    assert "Close the tube" not in encode(await world.on_server(f"CarePlan/{shared['id']}")).decode()
    heard = await everything_rosa_can_ask_for(world, [])
    assert [text for text in heard if "Close the tube" in text] == []
