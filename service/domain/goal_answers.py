"""Answering an offer: accept, decline, agree to disagree."""

from dataclasses import replace

from fhir_mappings.codes import AcceptanceStatus, Act, GoalPriority, LifecycleStatus, TaskCode, TaskStatus
from fhir_mappings.model import CarePlan, Goal, PartialDate, Reference, Task
from fhir_mappings.narrative import agreement_note
from service.domain.acceptance import (
    answer_of,
    common_priority,
    is_agreed,
    pending,
    status_in_force,
    with_acceptance,
)
from service.domain.actors import Role
from service.domain.care_plans import first_plan, linked
from service.domain.lifecycle import OPEN, must_be
from service.domain.thread import WAITING, Change, Occasion, Thread, ended, is_for, reopened, settled, with_note
from service.errors import NotPermitted, TransitionNotAllowed

ENDINGS = frozenset({TaskCode.FULFILL, TaskCode.ABORT})


def accept(
    thread: Thread, goal: Goal, occasion: Occasion, *, priority: GoalPriority | None = None, comment: str | None = None
) -> Change:
    """The actor agrees. Once all whose agreement counts have agreed, the goal is in force and linked from the plan.

    Raises:
        TransitionNotAllowed: the goal is not on the table, or the actor agrees already.
    """
    must_be(goal, frozenset({LifecycleStatus.PROPOSED, LifecycleStatus.ACCEPTED}), "accepted")
    _must_not_agree_already(goal, occasion)
    answered = with_acceptance(goal, answer_of(occasion.actor, AcceptanceStatus.AGREE, priority))
    if is_agreed(answered) and not _must_wait(thread, answered, occasion):
        return _in_force(thread, goal, answered, Act.ACCEPT, comment, occasion)
    return Change(
        Act.ACCEPT,
        goal.reference,
        goals=(answered,),
        tasks=_answered(thread, goal, occasion),
        plan=thread.plan,
        reason=comment,
    )


def agree_to_disagree(thread: Thread, goal: Goal, reason: str, occasion: Occasion) -> Change:
    """The care team does not share the goal and leaves it to the patient, who may pursue it as their own.

    Raises:
        NotPermitted: by policy, or because the actor is not of the care team.
        TransitionNotAllowed: the goal is not proposed, or not the patient's or family's.
    """
    if not occasion.policy.self_managed_goals:
        raise NotPermitted("agreeing to disagree is switched off here: accept, decline or offer something else")
    if occasion.actor.role is not Role.PRACTITIONER:
        raise NotPermitted("only the care team can leave a goal to the patient: decline it, or offer something else")
    must_be(goal, frozenset({LifecycleStatus.PROPOSED}), "left to the patient")
    if (goal.expressed_by or "").partition("/")[0] not in {Role.PATIENT, Role.RELATED_PERSON}:
        raise TransitionNotAllowed(f"{goal.reference} is not the patient's own: there is nothing to leave to them")
    answered = with_acceptance(goal, answer_of(occasion.actor, AcceptanceStatus.DISAGREE))
    return _in_force(thread, goal, answered, Act.AGREE_TO_DISAGREE, reason, occasion)


def decline(thread: Thread, goal: Goal, reason: str, occasion: Occasion) -> Change:
    """The actor says no to what is on the table: the offer, or the proposal to end an agreed goal.

    Raises:
        TransitionNotAllowed: nothing about this goal waits for an answer, or the offer is the actor's own.
    """
    if goal.lifecycle_status is LifecycleStatus.PROPOSED:
        return _rejected(thread, goal, reason, occasion)
    if goal.lifecycle_status is LifecycleStatus.ACCEPTED and not _endings(thread, goal, occasion):
        return _not_shared(thread, goal, reason, occasion)
    return _not_ended(thread, goal, reason, occasion)


def _rejected(thread: Thread, goal: Goal, reason: str, occasion: Occasion) -> Change:
    if goal.expressed_by == occasion.actor.reference:
        raise TransitionNotAllowed(f"{goal.reference} is your own offer: withdraw it")
    answered = with_acceptance(goal, answer_of(occasion.actor, AcceptanceStatus.DISAGREE))
    tasks = tuple(
        settled(t, TaskStatus.REJECTED if is_for(t, occasion.actor) else TaskStatus.CANCELLED, occasion, reason=reason)
        for t in thread.tasks_about(goal)
    )
    return Change(
        Act.DECLINE,
        goal.reference,
        goals=(ended(answered, LifecycleStatus.REJECTED, reason, occasion),),
        tasks=(*tasks, *reopened(thread, goal, occasion)),
        plan=thread.plan,
        reason=reason,
    )


def _not_shared(thread: Thread, goal: Goal, reason: str, occasion: Occasion) -> Change:
    """One more party says no to a goal that others have agreed on: it stays theirs, and the no stays visible."""
    answered = with_acceptance(goal, answer_of(occasion.actor, AcceptanceStatus.DISAGREE))
    tasks = _answered(thread, goal, occasion, TaskStatus.REJECTED, reason)
    return Change(Act.DECLINE, goal.reference, goals=(answered,), tasks=tasks, plan=thread.plan, reason=reason)


def _not_ended(thread: Thread, goal: Goal, reason: str, occasion: Occasion) -> Change:
    endings = _endings(thread, goal, occasion)
    if not endings:
        raise TransitionNotAllowed(f"{goal.reference} is {goal.lifecycle_status}: nothing waits for your answer")
    tasks = tuple(settled(t, TaskStatus.REJECTED, occasion, reason=reason) for t in endings)
    kept = with_note(goal, occasion.language.say("The goal goes on: {reason}", reason=reason), occasion)
    return Change(Act.DECLINE, goal.reference, goals=(kept,), tasks=tasks, plan=thread.plan, reason=reason)


def _in_force(thread: Thread, goal: Goal, answered: Goal, act: Act, reason: str | None, occasion: Occasion) -> Change:
    status = status_in_force(answered, occasion.today)
    agreed = replace(
        answered,
        lifecycle_status=status,
        status_date=occasion.day,
        status_reason=None,
        start=answered.start or PartialDate(occasion.today.isoformat()),
        priority=common_priority(answered),
    )
    agreed = with_note(agreed, agreement_note(agreed, occasion.language), occasion)
    superseded = tuple(_superseded(g, agreed, occasion) for g in thread.goals if g.id != goal.id and _is_open(g))
    gone = tuple(g.reference for g in superseded)
    return Change(
        act,
        goal.reference,
        goals=(agreed, *superseded),
        tasks=(*_answered(thread, goal, occasion), *_closed(thread, gone, occasion)),
        plan=_linked(thread.plan, agreed, gone, occasion),
        revision_of=gone,
        reason=reason,
    )


def _superseded(goal: Goal, by: Goal, occasion: Occasion) -> Goal:
    why = occasion.language.say(
        "Replaced by another offer, agreed on {date}", date=occasion.language.date(occasion.day)
    )
    return replace(ended(goal, LifecycleStatus.CANCELLED, why, occasion), replaced_by=(*goal.replaced_by, by.reference))


def _is_open(goal: Goal) -> bool:
    return goal.lifecycle_status in OPEN


def _closed(thread: Thread, gone: tuple[Reference, ...], occasion: Occasion) -> tuple[Task, ...]:
    open_tasks = (t for g in thread.goals if g.reference in gone for t in thread.tasks_about(g))
    why = occasion.language.say("Another offer was agreed")
    return tuple(settled(t, TaskStatus.CANCELLED, occasion, reason=why) for t in open_tasks)


def _must_wait(thread: Thread, answered: Goal, occasion: Occasion) -> bool:
    """By policy nobody is passed over: neither who is named nor the team or organization that was asked by Task."""
    if not occasion.policy.all_asked_must_agree or answered.lifecycle_status is not LifecycleStatus.PROPOSED:
        return False
    asked = (t for t in thread.tasks_about(answered, WAITING) if t.code not in ENDINGS)
    return bool(pending(answered)) or any(not is_for(t, occasion.actor) for t in asked)


def _answered(
    thread: Thread,
    goal: Goal,
    occasion: Occasion,
    status: TaskStatus = TaskStatus.COMPLETED,
    reason: str | None = None,
) -> tuple[Task, ...]:
    output = goal.reference if status is TaskStatus.COMPLETED else None
    mine = (t for t in thread.tasks_about(goal) if t.code not in ENDINGS and is_for(t, occasion.actor))
    return tuple(settled(t, status, occasion, reason=reason, output=output) for t in mine)


def _endings(thread: Thread, goal: Goal, occasion: Occasion) -> tuple[Task, ...]:
    waiting = (t for t in thread.tasks_about(goal, WAITING) if t.code in ENDINGS)
    return tuple(t for t in waiting if t.requester != occasion.actor.reference)


def _linked(plan: CarePlan | None, goal: Goal, gone: tuple[Reference, ...], occasion: Occasion) -> CarePlan:
    """With a patient's first agreement CoPlan opens their plan: a plain EHR looks for goals there."""
    plan = plan or first_plan(goal, occasion)
    return linked(plan, goal, occasion, instead_of=gone)


def _must_not_agree_already(goal: Goal, occasion: Occasion) -> None:
    mine = (a.status for a in goal.acceptances if a.individual == occasion.actor.reference)
    if AcceptanceStatus.AGREE in mine:
        raise TransitionNotAllowed(f"you agree to {goal.reference} already: the others are to answer")
