"""Three parties, private goals and the agenda of a visit."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fhir_mappings.carrier import Json
from fhir_mappings.codes import LifecycleStatus, TaskCode
from fhir_mappings.model import PartialDate
from fhir_mappings.person_centered import AgendaItem, AgendaKind, AgendaStatus, Visit
from fhir_mappings.wording import Language
from service.domain import agenda, goal_answers, goal_offers
from service.domain.agenda import AgendaDraft
from service.domain.care_plans import first_plan, home_of_goals, linked
from service.domain.goal_offers import Offer
from service.domain.policy import Policy
from service.domain.thread import Change
from service.domain.visibility import Labelled, with_visibility
from service.errors import InvalidContent, NotPermitted, TransitionNotAllowed
from tests.builders import (
    AGREE,
    CLINICIAN,
    MOTHER,
    NOW,
    PATIENT,
    PENDING,
    a_goal,
    a_plan,
    a_task,
    a_thread,
    accepted,
    an_agreed_goal,
    an_occasion,
)

STRICT = Policy(all_asked_must_agree=True)
OF_THREE = a_goal(acceptances=accepted({PATIENT: AGREE, MOTHER: PENDING, CLINICIAN: PENDING}))
VISIT = Visit("Encounter/e1", PartialDate("2026-12-15"))


@pytest.mark.parametrize(
    ("policy", "status"), [(Policy(), LifecycleStatus.ACCEPTED), (STRICT, LifecycleStatus.PROPOSED)]
)
def test_two_of_three_agree(policy: Policy, status: LifecycleStatus) -> None:
    change = goal_answers.accept(a_thread(OF_THREE), OF_THREE, an_occasion(MOTHER, policy=policy))

    assert change.goals[0].lifecycle_status is status


def test_a_team_that_was_asked_as_a_team_is_waited_for_too() -> None:
    goal = a_goal(acceptances=accepted({PATIENT: AGREE, MOTHER: PENDING}))
    team, mother = a_task(id="k1", owner="CareTeam/t"), a_task(id="k2", owner=MOTHER)
    ending = a_task(id="k3", owner=None, code=TaskCode.ABORT)
    change = goal_answers.accept(a_thread(goal, tasks=(team, mother, ending)), goal, an_occasion(MOTHER, policy=STRICT))
    assert change.goals[0].lifecycle_status is LifecycleStatus.PROPOSED

    answered = change.goals[0]
    then = goal_answers.accept(a_thread(answered, tasks=(team,)), answered, an_occasion(CLINICIAN, policy=STRICT))
    assert then.goals[0].lifecycle_status is LifecycleStatus.ACTIVE


def test_an_agreement_that_is_there_already_is_not_waited_for() -> None:
    goal = replace(OF_THREE, lifecycle_status=LifecycleStatus.ACCEPTED)
    change = goal_answers.accept(a_thread(goal), goal, an_occasion(MOTHER, policy=STRICT))

    assert change.goals[0].lifecycle_status is LifecycleStatus.ACCEPTED


def test_a_private_goal_opens_a_plan_of_its_own() -> None:
    goal = an_agreed_goal(private=True)
    own, shared = first_plan(goal, an_occasion()), first_plan(an_agreed_goal(), an_occasion())

    assert (own.private, own.shared, own.title) == (True, "ann.private", "My own plan")
    assert (shared.private, shared.shared) == (False, "ann")
    assert linked(own, goal, an_occasion()).goals == ("Goal/g1",)
    for plan, other in ((shared, goal), (own, an_agreed_goal())):
        with pytest.raises(TransitionNotAllowed):
            linked(plan, other, an_occasion())


def test_an_answer_to_a_private_offer_is_private() -> None:
    goal = a_goal(private=True)
    change = goal_offers.counter_propose(a_thread(goal), goal, Offer("Less"), "Because", an_occasion(CLINICIAN))

    assert change.goals[0].private
    with pytest.raises(InvalidContent) as refused:
        goal_offers.counter_propose(
            a_thread(goal), goal, Offer("Less", asked=(MOTHER,)), "Because", an_occasion(CLINICIAN)
        )
    assert refused.value.flaws[0].expression.startswith("ask[")


def a_resource(resource_type: str, reference: str = PATIENT) -> Json:
    return {"resourceType": resource_type, "id": "r1", "subject": {"reference": reference}}


def test_what_is_hidden_leaves_the_shared_plan_and_is_linked_from_an_own_one() -> None:
    goal, other = an_agreed_goal(), a_goal("cancelled", id="g2")
    plan = a_plan(goals=("Goal/g1", "Goal/g3"), activities=("ServiceRequest/r1", "ServiceRequest/r2"))
    second, elsewhere = a_plan(id="cp2", goals=("Goal/g1",)), a_plan(id="cp3", shared=None, goals=("Goal/g1",))
    rest = [a_resource("Communication"), a_resource("ServiceRequest")]
    change = with_visibility(
        a_thread(goal, other, plan=plan), goal, True, rest, an_occasion(), plans=(plan, second, elsewhere)
    )

    assert [g.private for g in change.goals] == [True, True]
    assert change.plan is not None
    assert (change.plan.private, change.plan.goals) == (True, ("Goal/g1",))
    assert change.plan.activities == ("ServiceRequest/r1",)
    labelled, _, *left = change.others
    assert isinstance(labelled, Labelled)
    assert (labelled.reference, labelled.subject, labelled.private) == ("Communication/r1", PATIENT, True)
    assert left == [
        replace(plan, goals=("Goal/g3",), activities=("ServiceRequest/r2",)),
        replace(second, goals=()),
    ]


def test_a_plan_of_ones_own_is_opened_for_what_is_only_proposed_to_be_done() -> None:
    change = with_visibility(a_thread(a_goal()), a_goal(), True, [a_resource("ServiceRequest")], an_occasion())

    assert change.plan is not None
    assert (change.plan.private, change.plan.goals, change.plan.activities) == (True, (), ())


def test_an_offer_that_nobody_has_agreed_to_is_hidden_without_a_plan() -> None:
    change = with_visibility(a_thread(a_goal()), a_goal(), True, [], an_occasion())

    assert (change.plan, change.others) == (None, ())


def test_what_is_shown_goes_to_the_plan_that_is_there() -> None:
    goal = an_agreed_goal(private=True)
    own = a_plan(id="own", private=True, goals=("Goal/g1",))
    there = a_plan(goals=("Goal/g9",))
    change = with_visibility(
        a_thread(goal, plan=own), goal, False, [], an_occasion(), plans=(own, there), destination=there
    )

    assert change.plan is not None
    assert change.plan.goals == ("Goal/g9", "Goal/g1")


@pytest.mark.parametrize(
    ("who", "goal", "private", "rest", "error"),
    [
        pytest.param(MOTHER, a_goal(), True, [], NotPermitted, id="not by the family"),
        pytest.param(CLINICIAN, a_goal(), True, [], NotPermitted, id="not by the team"),
        pytest.param(PATIENT, a_goal(), False, [], TransitionNotAllowed, id="shared already"),
        pytest.param(PATIENT, a_goal(private=True), True, [], TransitionNotAllowed, id="private already"),
        pytest.param(PATIENT, OF_THREE, True, [], TransitionNotAllowed, id="the mother was asked"),
        pytest.param(
            PATIENT, a_goal(), True, [a_resource("Communication", MOTHER)], TransitionNotAllowed, id="she spoke of it"
        ),
    ],
)
def test_what_cannot_be_hidden_is_not(
    who: str, goal: Any, private: bool, rest: list[Json], error: type[Exception]
) -> None:
    with pytest.raises(error):
        with_visibility(a_thread(goal), goal, private, rest, an_occasion(who))


def an_item(**parts: Any) -> AgendaItem:
    return AgendaItem(
        **{"subject": PATIENT, "kind": AgendaKind.TOPIC, "text": "School", "requester": MOTHER, "authored_on": NOW,
           "id": "i1", **parts}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("who", "private", "goal", "expected"),
    [
        pytest.param(MOTHER, False, None, False, id="a mother's topic"),
        pytest.param(PATIENT, True, None, True, id="the patient's alone"),
        pytest.param(CLINICIAN, False, a_goal(private=True), True, id="about a private goal"),
        pytest.param(CLINICIAN, True, a_goal(private=True), True, id="said twice"),
        pytest.param(CLINICIAN, False, a_goal(), False, id="about a shared goal"),
    ],
)
def test_an_item_is_as_private_as_its_goal(who: str, private: bool, goal: Any, expected: bool) -> None:
    draft = AgendaDraft("School", AgendaKind.QUESTION, VISIT, private)
    (item,) = agenda.added(PATIENT, draft, an_occasion(who), goal=goal).others

    assert isinstance(item, AgendaItem)
    assert (item.private, item.requester, item.visit) == (expected, who, VISIT)
    assert item.goal == (goal.reference if goal else None)


def test_only_the_patient_has_topics_of_their_own() -> None:
    with pytest.raises(NotPermitted):
        agenda.added(PATIENT, AgendaDraft("x", AgendaKind.TOPIC, private=True), an_occasion(MOTHER))


def test_anybody_says_that_it_was_talked_about_but_only_who_asked_takes_it_off() -> None:
    (done,) = agenda.closed(an_item(), "They know", an_occasion(CLINICIAN)).others
    assert isinstance(done, AgendaItem)
    assert (done.status, done.outcome, done.closed_by) == (AgendaStatus.COMPLETED, "They know", CLINICIAN)
    (off,) = agenda.closed(an_item(), "No need", an_occasion(MOTHER), discussed=False).others
    assert getattr(off, "status", None) is AgendaStatus.REVOKED
    with pytest.raises(NotPermitted):
        agenda.closed(an_item(), "No time", an_occasion(CLINICIAN), discussed=False)
    with pytest.raises(TransitionNotAllowed):
        agenda.closed(an_item(status=AgendaStatus.COMPLETED), "Again", an_occasion())


def test_what_is_open_is_carried_over_once() -> None:
    there = an_item(id="i2", visit=VISIT)
    (moved,) = agenda.carried_over([an_item(), there], VISIT, an_occasion()).others
    assert (moved.reference, getattr(moved, "visit", None)) == ("CommunicationRequest/i1", VISIT)
    for items in ([], [there], [an_item(status=AgendaStatus.REVOKED)]):
        with pytest.raises(TransitionNotAllowed):
            agenda.carried_over(items, VISIT, an_occasion())


@pytest.mark.parametrize(("day", "allowed"), [("2026-11-29", False), ("2026-11-30", True), ("2026-12", True)])
def test_a_visit_is_over_once_its_day_is_over_everywhere(day: str, allowed: bool) -> None:
    """At 09:30 UTC on December 1 it is still November 30 in the last places on earth."""
    visit = Visit(None, PartialDate(day))
    acts: tuple[Callable[[], Change], ...] = (
        lambda: agenda.carried_over([an_item()], visit, an_occasion()),
        lambda: agenda.added(PATIENT, AgendaDraft("x", AgendaKind.TOPIC, visit), an_occasion()),
    )
    for act in acts:
        if allowed:
            assert act().others
        else:
            with pytest.raises(InvalidContent) as refused:
                act()
            assert [f.expression for f in refused.value.flaws] == ["visit.day"]


def test_where_all_is_set_for_a_visit_to_come_it_is_said_how_to_move_it() -> None:
    with pytest.raises(TransitionNotAllowed, match="name what is to be moved in `items`"):
        agenda.left_over([an_item(visit=VISIT), an_item(status=AgendaStatus.COMPLETED)], an_occasion())
    assert agenda.left_over([an_item(status=AgendaStatus.COMPLETED)], an_occasion()) == ()


def test_what_is_set_for_a_visit_to_come_is_not_left_over() -> None:
    items = [
        an_item(id="next"),
        an_item(id="today", visit=Visit(None, PartialDate("2026-12-01"))),
        an_item(id="to-come", visit=Visit(None, PartialDate("2026-12-02"))),
        an_item(id="closed", status=AgendaStatus.REVOKED),
    ]

    assert [i.id for i in agenda.left_over(items, an_occasion())] == ["next", "today"]


def test_the_agenda_is_in_the_order_of_the_visits() -> None:
    items = (an_item(id="next"), an_item(id="later", visit=VISIT))

    assert [i.id for i in agenda.in_order(items)] == ["later", "next"]


def test_what_the_service_itself_says_is_in_the_patients_language() -> None:
    occasion = replace(an_occasion(), language=Language("es"))
    change = goal_offers.propose(PATIENT, Offer("Nadar"), occasion)

    assert change.goals[0].notes[0].text == "Propuesta. Sin acuerdo todavía cuando se escribió esto."
    assert (change.tasks[0].description or "").startswith("Hay una propuesta de meta.")


def test_a_goal_meant_for_no_plan_goes_to_the_shared_one_else_to_the_earliest_opened_by_hand() -> None:
    shared = replace(first_plan(an_agreed_goal(), an_occasion()), id="z")
    late, early = replace(shared, shared="b", id="b"), replace(shared, shared="a", id="c", created=None)
    programme = replace(shared, shared="p", id="a", instantiates="urn:test:knee|1")
    assert home_of_goals((programme, early, late, shared)) is shared
    assert home_of_goals((programme, late, early)) is early
    assert home_of_goals((programme,)) is None
