"""The lifecycle table, act by act. docs/lifecycle.md says it in words."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fhir_mappings.codes import (
    AchievementStatus,
    Act,
    BusinessStatus,
    GoalPriority,
    LifecycleStatus,
    TaskCode,
    TaskStatus,
)
from fhir_mappings.model import Acceptance, Concept, Goal, PartialDate, Quantity, Target, Task
from service.domain import goal_answers, goal_course, goal_offers
from service.domain.goal_offers import Offer
from service.domain.lifecycle import FOLLOWS, must_lead_to
from service.domain.policy import Policy
from service.domain.target_dates import without_past
from service.domain.thread import Change, Occasion, Thread
from service.errors import CoPlanError, InvalidContent, NotPermitted, TransitionNotAllowed
from tests.builders import (
    AGREE,
    CLINICIAN,
    DISAGREE,
    MOTHER,
    NOW,
    NURSE,
    PATIENT,
    PENDING,
    a_goal,
    a_plan,
    a_task,
    a_thread,
    accepted,
    an_agreed_goal,
    an_occasion,
    statuses,
)

ACHIEVED = AchievementStatus.ACHIEVED
Act_ = Callable[[Thread, Goal, Occasion], Change]


def accept(thread: Thread, goal: Goal, occasion: Occasion) -> Change:
    return goal_answers.accept(thread, goal, occasion)


def complete(thread: Thread, goal: Goal, occasion: Occasion) -> Change:
    return goal_course.complete(thread, goal, ACHIEVED, occasion)


def counter(thread: Thread, goal: Goal, occasion: Occasion) -> Change:
    return goal_offers.counter_propose(thread, goal, Offer("Walk around the block"), "First steps", occasion)


def because(rule: Callable[[Thread, Goal, str, Occasion], Change]) -> Act_:
    return lambda thread, goal, occasion: rule(thread, goal, "because", occasion)


decline, hold, resume = map(because, (goal_answers.decline, goal_course.hold, goal_course.resume))
disagree, cancel, void = map(because, (goal_answers.agree_to_disagree, goal_course.cancel, goal_offers.enter_in_error))


def withdraw(thread: Thread, goal: Goal, occasion: Occasion) -> Change:
    return goal_offers.withdraw(thread, goal, None, occasion)


def say(thread: Thread, goal: Goal, occasion: Occasion) -> Change:
    return goal_course.say(thread, goal, "Why?", occasion)


IN_TWO_YEARS = PartialDate("2028")
FAMILY: dict[str, Any] = {"expressed_by": MOTHER, "acceptances": accepted({MOTHER: AGREE, CLINICIAN: PENDING})}
CARE_TEAM: dict[str, Any] = {"expressed_by": CLINICIAN, "acceptances": accepted({CLINICIAN: AGREE, PATIENT: PENDING})}
THREE: dict[str, Any] = {"acceptances": accepted({PATIENT: AGREE, CLINICIAN: PENDING, NURSE: PENDING})}
WAITED_FOR: dict[str, Any] = {"acceptances": accepted({PATIENT: AGREE, CLINICIAN: AGREE, NURSE: PENDING})}
OWN: dict[str, Any] = {"acceptances": accepted({PATIENT: AGREE, CLINICIAN: DISAGREE})}


@pytest.mark.parametrize(
    ("goal", "act", "who", "after"),
    [
        pytest.param(a_goal(), accept, CLINICIAN, "active", id="patient and clinician agree"),
        pytest.param(a_goal(start=IN_TWO_YEARS), accept, CLINICIAN, "accepted", id="the start lies ahead"),
        pytest.param(a_goal(**THREE), accept, CLINICIAN, "accepted", id="somebody is still asked"),
        pytest.param(a_goal("accepted", **WAITED_FOR), accept, NURSE, "active", id="the last one agrees"),
        pytest.param(a_goal(**FAMILY), accept, CLINICIAN, "active", id="family and clinician agree"),
        pytest.param(a_goal(**CARE_TEAM), accept, MOTHER, "active", id="the family answers in the patient's place"),
        pytest.param(a_goal(**CARE_TEAM), accept, NURSE, "proposed", id="never without the patient's side"),
        pytest.param(a_goal(**FAMILY), accept, PATIENT, "accepted", id="family and patient agree, team asked"),
        pytest.param(a_goal(**OWN), accept, NURSE, "proposed", id="a no keeps it open"),
        pytest.param(a_goal(**OWN), accept, CLINICIAN, "active", id="change of mind"),
        pytest.param(a_goal(), decline, CLINICIAN, "rejected", id="declined"),
        pytest.param(a_goal("accepted", **WAITED_FOR), decline, NURSE, "accepted", id="others have agreed already"),
        pytest.param(a_goal(), disagree, CLINICIAN, "active", id="left to the patient"),
        pytest.param(a_goal(), withdraw, PATIENT, "cancelled", id="withdrawn"),
        pytest.param(an_agreed_goal(), hold, PATIENT, "on-hold", id="paused"),
        pytest.param(an_agreed_goal("accepted"), hold, CLINICIAN, "on-hold", id="paused before it starts"),
        pytest.param(an_agreed_goal("on-hold"), resume, CLINICIAN, "active", id="resumed"),
        pytest.param(an_agreed_goal("on-hold", start=IN_TWO_YEARS), resume, PATIENT, "accepted", id="still ahead"),
        pytest.param(an_agreed_goal("accepted"), resume, PATIENT, "active", id="its start has come"),
        pytest.param(an_agreed_goal("completed"), resume, PATIENT, "active", id="relapse"),
        pytest.param(an_agreed_goal(), complete, PATIENT, "active", id="completion waits for the other side"),
        pytest.param(an_agreed_goal(**OWN), complete, PATIENT, "completed", id="own goal needs no confirmation"),
        pytest.param(an_agreed_goal(), cancel, PATIENT, "cancelled", id="patients are never held to a goal"),
        pytest.param(an_agreed_goal(), cancel, MOTHER, "cancelled", id="nor are families"),
        pytest.param(an_agreed_goal(), cancel, CLINICIAN, "active", id="the team asks first"),
        pytest.param(an_agreed_goal("planned"), cancel, PATIENT, "cancelled", id="planned elsewhere"),
        pytest.param(a_goal(), void, PATIENT, "entered-in-error", id="void"),
        pytest.param(a_goal("rejected"), void, PATIENT, "entered-in-error", id="void after all"),
    ],
)
def test_the_status_that_follows(goal: Goal, act: Act_, who: str, after: str) -> None:
    change = act(a_thread(goal), goal, an_occasion(who))

    now = next(g for g in change.goals if g.id == goal.id)
    assert now.lifecycle_status == after
    assert now.description == goal.description
    assert after == goal.lifecycle_status or LifecycleStatus(after) in FOLLOWS[goal.lifecycle_status]
    assert change.about == goal.reference


@pytest.mark.parametrize(
    ("goal", "act", "who", "error"),
    [
        pytest.param(a_goal(), accept, PATIENT, TransitionNotAllowed, id="agrees already"),
        pytest.param(an_agreed_goal(), accept, NURSE, TransitionNotAllowed, id="in force already"),
        pytest.param(a_goal(), decline, PATIENT, TransitionNotAllowed, id="own offer is withdrawn"),
        pytest.param(an_agreed_goal(), decline, PATIENT, TransitionNotAllowed, id="nothing to decline"),
        pytest.param(a_goal("rejected"), decline, CLINICIAN, TransitionNotAllowed, id="rejected is final"),
        pytest.param(a_goal(), disagree, MOTHER, NotPermitted, id="families do not leave goals to patients"),
        pytest.param(a_goal(**CARE_TEAM), disagree, NURSE, TransitionNotAllowed, id="not the patient's own"),
        pytest.param(an_agreed_goal(), disagree, CLINICIAN, TransitionNotAllowed, id="agreed is agreed"),
        pytest.param(a_goal(), withdraw, CLINICIAN, NotPermitted, id="somebody else's offer"),
        pytest.param(an_agreed_goal(), withdraw, PATIENT, TransitionNotAllowed, id="no offer any more"),
        pytest.param(a_goal(), hold, PATIENT, TransitionNotAllowed, id="nothing to pause"),
        pytest.param(an_agreed_goal(), resume, PATIENT, TransitionNotAllowed, id="nothing to resume"),
        pytest.param(a_goal("accepted", **WAITED_FOR), resume, PATIENT, TransitionNotAllowed, id="still asked"),
        pytest.param(a_goal(), complete, PATIENT, TransitionNotAllowed, id="nothing to complete"),
        pytest.param(a_goal(), cancel, PATIENT, TransitionNotAllowed, id="offers are withdrawn"),
        pytest.param(a_goal(), counter, PATIENT, TransitionNotAllowed, id="own offer is not countered"),
        pytest.param(a_goal("completed"), counter, CLINICIAN, TransitionNotAllowed, id="completed is not revised"),
        pytest.param(a_goal(), void, CLINICIAN, NotPermitted, id="neither author nor custodian"),
        pytest.param(a_goal("entered-in-error"), void, PATIENT, TransitionNotAllowed, id="void already"),
        pytest.param(a_goal("entered-in-error"), say, PATIENT, TransitionNotAllowed, id="nothing to talk about"),
    ],
)
def test_what_does_not_follow_is_refused(goal: Goal, act: Act_, who: str, error: type[CoPlanError]) -> None:
    with pytest.raises(error, match=r"Goal/g1|care team|you"):
        act(a_thread(goal), goal, an_occasion(who))


def test_policy_switches_off_goals_of_ones_own() -> None:
    with pytest.raises(NotPermitted, match="switched off"):
        disagree(a_thread(a_goal()), a_goal(), an_occasion(CLINICIAN, policy=Policy(self_managed_goals=False)))


def test_policy_lets_one_side_end_a_goal() -> None:
    alone = an_occasion(CLINICIAN, policy=Policy(ending_needs_confirmation=False))

    assert complete(a_thread(an_agreed_goal()), an_agreed_goal(), alone).goals[0].lifecycle_status == "completed"
    assert cancel(a_thread(an_agreed_goal()), an_agreed_goal(), alone).goals[0].lifecycle_status == "cancelled"


def test_a_custodian_may_void_what_others_wrote() -> None:
    custodian = an_occasion(NURSE, policy=Policy(custodians=frozenset({NURSE})))

    assert void(a_thread(a_goal()), a_goal(), custodian).goals[0].lifecycle_status == "entered-in-error"


@pytest.mark.parametrize(
    ("who", "asked", "owners", "pending"),
    [
        pytest.param(PATIENT, (), [None], [], id="the patient asks the care team"),
        pytest.param(MOTHER, (), [None], [], id="so does the family"),
        pytest.param(CLINICIAN, (), [PATIENT], [PATIENT], id="the clinician asks the patient"),
        pytest.param(PATIENT, (CLINICIAN, NURSE), [CLINICIAN, NURSE], [CLINICIAN, NURSE], id="by name"),
        pytest.param(PATIENT, ("CareTeam/t",), ["CareTeam/t"], [], id="a team has no acceptance of its own"),
    ],
)
def test_who_is_asked_about_an_offer(
    who: str, asked: tuple[str, ...], owners: list[str | None], pending: list[str]
) -> None:
    change = goal_offers.propose(PATIENT, Offer("Walk", asked=asked), an_occasion(who), plan=a_plan())

    assert [t.owner for t in change.tasks] == owners
    assert [a.individual for a in change.goals[0].acceptances if a.status is PENDING] == pending
    assert {t.based_on for t in change.tasks} == {("CarePlan/p1",)}
    assert change.goals[0].patient_supplied is (who != CLINICIAN)


def test_an_offer_says_its_target_in_words() -> None:
    target = Target(Concept("steps"), Quantity(6000, "{steps}/d"), PartialDate("2027"))  # type: ignore[arg-type]  # int
    goal = goal_offers.propose(PATIENT, Offer("Walk", targets=(target,)), an_occasion()).goals[0]

    assert goal.description == "Walk (target: steps: 6000 {steps}/d by 2027)"
    assert goal.offered_at == NOW


@pytest.mark.parametrize(
    ("due", "is_over"),
    [
        pytest.param("2026-11-29", True, id="the day before yesterday"),
        pytest.param("2026-11-30", False, id="still today somewhere on earth"),
        pytest.param("2026-11", False, id="a month of which that is the last day"),
        pytest.param("2026-10", True, id="a month that is over"),
        pytest.param("2026", False, id="this year"),
        pytest.param("2025", True, id="last year"),
    ],
)
@pytest.mark.parametrize("countered", [False, True])
def test_nothing_is_to_be_reached_on_a_day_that_is_over(due: str, is_over: bool, countered: bool) -> None:
    offer = Offer("Walk", targets=(Target(Concept("steps")), Target(Concept("steps"), due=PartialDate(due))))

    def offered() -> Change:
        if countered:
            return goal_offers.counter_propose(a_thread(), a_goal(), offer, "Too far", an_occasion(CLINICIAN))
        return goal_offers.propose(PATIENT, offer, an_occasion())

    if not is_over:
        assert offered().goals[0].targets == offer.targets
        return
    with pytest.raises(InvalidContent) as refused:
        offered()
    assert [f.expression for f in refused.value.flaws] == ["targets[1].due"]


def test_what_is_offered_once_more_leaves_out_days_that_are_over() -> None:
    over, ahead, steps = PartialDate("2026-11-30"), PartialDate("2026-12-01"), Concept("steps")
    targets = (Target(steps, due=over), Target(due=over), Target(steps, due=ahead), Target(steps))
    assert without_past(targets, NOW.date()) == (Target(steps), Target(steps, due=ahead), Target(steps))


def test_a_counter_offer_puts_the_first_question_on_hold_and_takes_over_what_it_leaves_out() -> None:
    goal = a_goal(start=IN_TWO_YEARS, targets=(Target(Concept("steps")),), addresses=("Condition/c",))
    change = counter(a_thread(goal, tasks=(a_task(),), plan=a_plan()), goal, an_occasion(CLINICIAN))

    (new,) = change.goals
    assert (new.start, new.addresses, new.targets) == (IN_TWO_YEARS, ("Condition/c",), ())
    assert statuses(change) == {"Task/k1": "on-hold", change.tasks[0].reference: "requested"}
    assert change.tasks[0].part_of == ("Task/k1",)
    assert change.tasks[0].owner == PATIENT
    assert change.revision_of == ("Goal/g1",)


def test_a_goal_of_another_system_gets_its_thread_with_the_first_act() -> None:
    foreign = an_agreed_goal(thread=None, acceptances=(), notes=())
    for act in (counter, say, complete):
        change = act(a_thread(foreign), foreign, an_occasion(PATIENT))
        assert all(g.thread for g in change.goals)
        assert "Goal/g1" in {g.reference for g in change.goals}


def test_agreement_replaces_every_other_open_offer_of_the_thread() -> None:
    first, second = a_goal(), a_goal(id="g2", **CARE_TEAM)
    tasks = (
        a_task(status=TaskStatus.ON_HOLD),
        a_task(id="k2", focus="Goal/g2", owner=PATIENT, part_of=("Task/k1",)),
        a_task(id="k3", focus="Goal/g2", owner=NURSE),
    )
    plan = a_plan(goals=("Goal/g1", "Goal/other"))
    settled = a_goal("rejected", id="g0")
    change = accept(a_thread(settled, first, second, tasks=tasks, plan=plan), second, an_occasion(PATIENT))

    agreed, superseded = change.goals
    assert (agreed.id, superseded.id) == ("g2", "g1")
    assert superseded.lifecycle_status == "cancelled"
    assert superseded.replaced_by == ("Goal/g2",)
    assert superseded.status_reason
    assert change.plan is not None
    assert change.plan.goals == ("Goal/other", "Goal/g2")
    assert statuses(change) == {"Task/k2": "completed", "Task/k1": "cancelled"}
    assert "Agreed by" in agreed.notes[-1].text


def test_the_first_agreement_opens_a_plan() -> None:
    change = accept(a_thread(a_goal()), a_goal(), an_occasion(CLINICIAN))

    assert change.plan is not None
    assert (change.plan.title, change.plan.shared, change.plan.goals) == ("Shared care plan", "ann", ("Goal/g1",))
    assert change.plan.contributors == (CLINICIAN, PATIENT)


@pytest.mark.parametrize(
    ("mine", "priority"),
    [
        pytest.param(GoalPriority.HIGH, GoalPriority.HIGH, id="all give the same"),
        pytest.param(GoalPriority.LOW, None, id="they differ"),
        pytest.param(None, None, id="one gives none"),
    ],
)
def test_a_priority_is_the_goals_only_where_all_agree_on_it(
    mine: GoalPriority | None, priority: GoalPriority | None
) -> None:
    goal = a_goal(acceptances=(Acceptance(PATIENT, AGREE, GoalPriority.HIGH), Acceptance(CLINICIAN, PENDING)))
    change = goal_answers.accept(a_thread(goal), goal, an_occasion(CLINICIAN), priority=mine)

    assert change.goals[0].priority is priority


@pytest.mark.parametrize("act", [decline, withdraw, void])
def test_an_answer_that_fails_brings_the_first_question_back(act: Act_) -> None:
    second = a_goal(id="g2", **CARE_TEAM)
    tasks = (
        a_task(status=TaskStatus.ON_HOLD, status_reason="First steps"),
        a_task(id="k2", focus="Goal/g2", owner=PATIENT, part_of=("Task/k1",)),
    )
    who = PATIENT if act is decline else CLINICIAN
    change = act(a_thread(a_goal(), second, tasks=tasks), second, an_occasion(who))

    ended = {decline: "rejected", withdraw: "cancelled", void: "entered-in-error"}[act]
    assert statuses(change) == {"Task/k2": ended, "Task/k1": "requested"}
    assert next(t for t in change.tasks if t.id == "k1").status_reason is None


def test_declining_settles_the_questions_to_others_too() -> None:
    tasks = (a_task(), a_task(id="k2", owner=NURSE))
    change = decline(a_thread(a_goal(**THREE), tasks=tasks), a_goal(**THREE), an_occasion(CLINICIAN))

    assert statuses(change) == {"Task/k1": "rejected", "Task/k2": "cancelled"}


def ending(**parts: Any) -> Task:
    return a_task(**{"code": TaskCode.FULFILL, "proposed_outcome": ACHIEVED, "owner": None, **parts})


@pytest.mark.parametrize(
    ("task", "who", "outcome", "result"),
    [
        pytest.param(ending(), CLINICIAN, None, "completed", id="confirmed without a word"),
        pytest.param(ending(), CLINICIAN, ACHIEVED, "completed", id="confirmed"),
        pytest.param(ending(), PATIENT, ACHIEVED, "waits for the care team", id="by the same side"),
        pytest.param(ending(requester=CLINICIAN, owner=PATIENT), NURSE, None, "waits for the patient", id="same team"),
        pytest.param(ending(), CLINICIAN, AchievementStatus.NOT_ACHIEVED, "decline that", id="another outcome"),
        pytest.param(None, PATIENT, None, "needs an outcome", id="none"),
        pytest.param(None, PATIENT, AchievementStatus.IMPROVING, "needs an outcome", id="no outcome of the end"),
    ],
)
def test_a_completion_is_confirmed_by_the_other_side(
    task: Task | None, who: str, outcome: AchievementStatus | None, result: str
) -> None:
    goal = an_agreed_goal()
    thread = a_thread(goal, tasks=(task,) if task else ())
    if result != "completed":
        with pytest.raises(TransitionNotAllowed, match=result):
            goal_course.complete(thread, goal, outcome, an_occasion(who))
        return
    change = goal_course.complete(thread, goal, outcome, an_occasion(who), observation="Observation/o")

    assert change.act is Act.COMPLETE
    assert (change.goals[0].achievement_status, change.goals[0].outcomes) == (ACHIEVED, ("Observation/o",))
    assert statuses(change) == {"Task/k1": "completed"}
    assert change.tasks[0].output == ("Goal/g1",)


@pytest.mark.parametrize(
    ("who", "said"),
    [
        (PATIENT, "The patient's side says it is done: reached. The care team has not said so yet."),
        (MOTHER, "The patient's side says it is done: reached. The care team has not said so yet."),
        (CLINICIAN, "The care team says it is done: reached. The patient has not said so yet."),
    ],
)
def test_who_says_that_it_is_done_is_told(who: str, said: str) -> None:
    goal = an_agreed_goal()
    change = goal_course.complete(a_thread(goal), goal, ACHIEVED, an_occasion(who))

    assert change.goals[0].notes[-1].text == said


def test_an_end_that_is_proposed_can_be_declined_by_the_other_side_only() -> None:
    goal, task = an_agreed_goal(), a_task(code=TaskCode.ABORT, requester=CLINICIAN, owner=PATIENT)
    change = decline(a_thread(goal, tasks=(task,)), goal, an_occasion(PATIENT))

    assert statuses(change) == {"Task/k1": "rejected"}
    assert "goes on" in change.goals[0].notes[-1].text
    with pytest.raises(TransitionNotAllowed):
        decline(a_thread(goal, tasks=(task,)), goal, an_occasion(CLINICIAN))


def test_ending_a_goal_closes_what_else_waits() -> None:
    goal = an_agreed_goal()
    tasks = (ending(requester=CLINICIAN, owner=PATIENT), a_task(id="k2", code=TaskCode.ABORT, requester=CLINICIAN))
    change = cancel(a_thread(goal, tasks=tasks), goal, an_occasion(PATIENT))

    assert statuses(change) == {"Task/k1": "cancelled", "Task/k2": "completed"}


def test_the_care_team_confirms_nobody_elses_cancellation_of_its_own_side() -> None:
    goal = an_agreed_goal()
    task = a_task(code=TaskCode.ABORT, requester=CLINICIAN, owner=PATIENT)
    with pytest.raises(TransitionNotAllowed, match="waits for the patient"):
        cancel(a_thread(goal, tasks=(task,)), goal, an_occasion(NURSE))


def test_a_question_waits_for_information_and_an_answer_ends_that() -> None:
    goal = a_goal()
    asked = say(a_thread(goal, tasks=(a_task(),)), goal, an_occasion(CLINICIAN))
    (task,) = asked.tasks
    assert (task.status, task.business_status) == (TaskStatus.IN_PROGRESS, BusinessStatus.WAITING_FOR_INFORMATION)
    assert asked.messages[0].recipients == (PATIENT,)
    assert asked.messages[0].part_of == "Task/k1"
    answered = goal_course.say(
        a_thread(goal, tasks=(task,)), goal, "So", an_occasion(PATIENT), in_response_to="Communication/c"
    )

    assert answered.tasks[0].business_status is None
    again = replace(answered.tasks[0])
    assert goal_course.say(a_thread(goal, tasks=(again,)), goal, "So", an_occasion(), in_response_to="C/c").tasks == ()


@pytest.mark.parametrize(
    ("owner", "who", "answers"),
    [
        pytest.param(CLINICIAN, CLINICIAN, True, id="asked by name"),
        pytest.param(CLINICIAN, NURSE, False, id="somebody else was asked"),
        pytest.param(None, NURSE, True, id="anybody of the team"),
        pytest.param("CareTeam/t", NURSE, True, id="a team"),
        pytest.param(None, PATIENT, False, id="the team, not the patient"),
        pytest.param(PATIENT, MOTHER, True, id="in the patient's place"),
        pytest.param(CLINICIAN, MOTHER, False, id="not in the clinician's"),
    ],
)
def test_whose_question_it_is(owner: str | None, who: str, answers: bool) -> None:
    goal = a_goal(**OWN, expressed_by=NURSE) if who == PATIENT else a_goal(acceptances=(), expressed_by="Device/x")
    change = accept(a_thread(goal, tasks=(a_task(owner=owner),)), goal, an_occasion(who)) if who != PATIENT else None

    assert change is None or (statuses(change) == {"Task/k1": "completed"}) is answers


def test_a_status_may_not_jump() -> None:
    must_lead_to(a_goal(), LifecycleStatus.PROPOSED)
    must_lead_to(a_goal(), LifecycleStatus.ACTIVE)
    with pytest.raises(TransitionNotAllowed, match="cannot become completed"):
        must_lead_to(a_goal(), LifecycleStatus.COMPLETED)
