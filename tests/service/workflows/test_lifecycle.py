"""Each act of the lifecycle table through the API, on both servers. The rules in detail: tests/service/domain."""

from typing import Any

import pytest

from fhir_mappings.carrier import Json
from tests.people import World, said

STEPS = {"measure": {"text": "steps"}, "value": {"quantity": {"value": 6000, "code": "{steps}/d", "comparator": ">="}}}


async def agreed(world: World) -> Json:
    offer = await world.ann.proposes(world.patient, "Walk to the shops", targets=[STEPS])
    return await world.bo.acts(offer, "accept")


async def task_statuses(world: World, goal: Json) -> list[tuple[str, str]]:
    tasks = await world.found(f"Task?focus=Goal/{goal['id']}")
    return sorted((t["code"]["coding"][0]["code"], t["status"]) for t in tasks)


async def linked_goals(world: World) -> list[str]:
    plans = await world.found(f"CarePlan?subject=Patient/{world.patient}")
    return [g["reference"] for p in plans for g in p.get("goal", [])]


async def test_a_declined_wish_stays_readable_with_the_reason(world: World) -> None:
    offer = await world.ann.proposes(world.patient, "Run a marathon in spring")
    declined = await world.bo.acts(offer, "decline", reason="The knee would not take it yet")

    assert declined["lifecycleStatus"] == "rejected"
    assert declined["statusReason"] == "The knee would not take it yet"
    assert declined["description"] == "Run a marathon in spring"
    assert await task_statuses(world, offer) == [("approve", "rejected")]


async def test_the_care_team_may_leave_a_goal_to_the_patient(world: World) -> None:
    offer = await world.ann.proposes(world.patient, "Swim in the lake all winter")
    left = await world.bo.acts(offer, "agree-to-disagree", reason="I would not, but it is yours to decide")

    assert left["lifecycleStatus"] == "active"
    assert [(a["individual"], a["status"]) for a in left["acceptances"]] == [
        (world.ann.reference, "agree"),
        (world.bo.reference, "disagree"),
    ]
    plan = (await world.found(f"CarePlan?subject=Patient/{world.patient}"))[0]
    assert "Not shared by Dr Bo Berg" in plan["text"]["div"]


async def test_who_withdraws_an_answer_brings_the_first_offer_back(world: World) -> None:
    offer = await world.ann.proposes(world.patient, "Walk to the shops")
    counter = await world.bo.acts(offer, "counter-proposals", description="Walk around the block", reason="First steps")
    assert await task_statuses(world, offer) == [("approve", "on-hold")]
    withdrawn = await world.bo.acts(counter, "withdraw")

    assert withdrawn["lifecycleStatus"] == "cancelled"
    assert await task_statuses(world, offer) == [("approve", "requested")]


async def test_a_goal_is_paused_and_taken_up_again(world: World) -> None:
    goal = await agreed(world)
    held = await world.ann.acts(goal, "hold", reason="The knee is swollen")
    assert (held["lifecycleStatus"], held["statusReason"]) == ("on-hold", "The knee is swollen")
    resumed = await world.bo.acts(held, "resume", reason="The swelling is gone")

    assert resumed["lifecycleStatus"] == "active"
    assert "statusReason" not in resumed


async def test_a_goal_is_completed_once_the_other_side_says_so_too(world: World) -> None:
    goal = await agreed(world)
    proposed = await world.ann.acts(goal, "complete", outcome="achieved")
    assert proposed["lifecycleStatus"] == "active"
    completed = await world.bo.acts(proposed, "complete")

    assert (completed["lifecycleStatus"], completed["achievementStatus"]) == ("completed", "achieved")
    assert ("fulfill", "completed") in await task_statuses(world, goal)


async def test_a_patient_is_never_held_to_a_goal(world: World) -> None:
    goal = await agreed(world)
    cancelled = await world.ann.acts(goal, "cancel", reason="It no longer matters to me")

    assert cancelled["lifecycleStatus"] == "cancelled"


async def test_the_care_team_asks_before_it_ends_a_goal(world: World) -> None:
    goal = await agreed(world)
    asked = await world.bo.acts(goal, "cancel", reason="There is a better way")
    assert asked["lifecycleStatus"] == "active"
    goes_on = await world.ann.acts(asked, "decline", reason="I want to keep it")

    assert goes_on["lifecycleStatus"] == "active"
    assert ("abort", "rejected") in await task_statuses(world, goal)


async def test_a_goal_entered_in_error_leaves_the_plan_and_stays_on_the_server(world: World) -> None:
    goal = await agreed(world)
    assert await linked_goals(world) == [f"Goal/{goal['id']}"]
    void = await world.ann.acts(goal, "entered-in-error", reason="That was for my sister")

    assert void["lifecycleStatus"] == "entered-in-error"
    assert await linked_goals(world) == []
    assert (await world.on_server(f"Goal/{goal['id']}"))["lifecycleStatus"] == "entered-in-error"


async def test_a_revision_leaves_the_agreed_goal_in_force_until_it_is_accepted(world: World) -> None:
    goal = await agreed(world)
    revision = await world.ann.acts(
        goal, "counter-proposals", description="Walk to the lake", reason="The shops are easy"
    )
    assert (await world.ann.sees(f"/v1/goals/{goal['id']}"))["lifecycleStatus"] == "active"
    assert await linked_goals(world) == [f"Goal/{goal['id']}"]
    accepted = await world.bo.acts(revision, "accept")

    assert accepted["lifecycleStatus"] == "active"
    assert (await world.ann.sees(f"/v1/goals/{goal['id']}"))["lifecycleStatus"] == "cancelled"
    assert await linked_goals(world) == [f"Goal/{revision['id']}"]


async def test_a_question_is_answered_and_the_offer_goes_on_waiting(world: World) -> None:
    offer = await world.bo.proposes(world.patient, "Exercises every night")
    question = said(await world.ann.post(f"/v1/goals/{offer['id']}/messages", {"text": "On Sundays, too?"}), 201)
    assert await task_statuses(world, offer) == [("approve", "in-progress")]
    waiting = (await world.ann.sees(f"/v1/goals/{offer['id']}/thread"))["waiting"]
    assert waiting[0]["waitingForInformation"] is True
    answer = {"text": "Sundays are free", "inResponseTo": f"Communication/{question['id']}"}
    said(await world.bo.post(f"/v1/goals/{offer['id']}/messages", answer), 201)

    thread = await world.ann.sees(f"/v1/goals/{offer['id']}/thread")
    assert [m["text"] for m in thread["messages"]] == ["On Sundays, too?", "Sundays are free"]
    assert "waitingForInformation" not in thread["waiting"][0]


async def test_a_mother_speaks_for_her_child_under_her_own_name(world: World) -> None:
    offer = await world.rosa.proposes(world.child, "Do the vest treatment before school")
    agreed = await world.bo.acts(offer, "accept")

    assert agreed["lifecycleStatus"] == "active"
    assert agreed["expressedBy"] == world.rosa.reference
    assert [a["individual"] for a in agreed["acceptances"]] == [world.rosa.reference, world.bo.reference]


async def test_a_plan_is_opened_and_goals_are_linked_to_it(world: World) -> None:
    goal = await agreed(world)
    opened = said(
        await world.bo.post(
            f"/v1/patients/{world.patient}/care-plans",
            {"title": "Back on my feet", "addresses": [f"Condition/knee-{world.suffix}"]},
        ),
        201,
    )
    link = await world.ann.post(f"/v1/care-plans/{opened['id']}/goals", {"goal": goal["id"]}, version=opened["version"])
    assert said(link, 200)["goals"] == [f"Goal/{goal['id']}"]

    plan = await world.ann.sees(f"/v1/care-plans/{opened['id']}")
    assert [g["id"] for g in plan["goals"]] == [goal["id"]]
    on_server = await world.on_server(f"CarePlan/{opened['id']}")
    assert "Back on my feet" in on_server["text"]["div"]
    plans = await world.ann.sees(f"/v1/patients/{world.patient}/care-plans")
    assert {p["title"] for p in plans["carePlans"]} == {"Shared care plan", "Back on my feet"}


@pytest.mark.parametrize(
    ("act", "body"),
    [
        pytest.param("accept", {}, id="own offer is agreed to already"),
        pytest.param("decline", {"reason": "no"}, id="own offer is withdrawn, not declined"),
        pytest.param("hold", {"reason": "no"}, id="only what is agreed can be paused"),
        pytest.param("resume", {"reason": "no"}, id="only what is paused can be resumed"),
        pytest.param("complete", {"outcome": "achieved"}, id="only what is in force can be completed"),
        pytest.param("cancel", {"reason": "no"}, id="an offer is withdrawn, not cancelled"),
        pytest.param("counter-proposals", {"reason": "no", "description": "x"}, id="own offer is not countered"),
    ],
)
async def test_an_act_that_does_not_follow_changes_nothing(world: World, act: str, body: dict[str, Any]) -> None:
    offer = await world.ann.proposes(world.patient, "Walk to the shops")
    answer = await world.ann.post(f"/v1/goals/{offer['id']}/{act}", body, version=offer["version"])

    assert said(answer, 409)["type"] == "urn:coplan:problem:transition-not-allowed"
    assert (await world.on_server(f"Goal/{offer['id']}"))["meta"]["versionId"] == offer["version"]
