"""An agreed goal over time: hold, resume, complete, cancel, talk about it."""

from collections.abc import Iterable
from dataclasses import replace

from fhir_mappings.codes import AchievementStatus, Act, BusinessStatus, LifecycleStatus, TaskCode, TaskStatus
from fhir_mappings.model import Goal, Message, Reference, Task
from fhir_mappings.narrative import achievement_in_words
from fhir_mappings.person_centered import Assessment
from service.domain.acceptance import is_self_managed, other_parties, status_in_force
from service.domain.attainment import REACHED, deciding_scores, must_be_attained
from service.domain.lifecycle import AGREED, must_be, must_lead_to
from service.domain.thread import WAITING, Change, Occasion, Thread, ended, question, settled, tied, with_note
from service.errors import TransitionNotAllowed

OUTCOMES = frozenset({AchievementStatus.ACHIEVED, AchievementStatus.SUSTAINING, AchievementStatus.NOT_ACHIEVED})
"""What a completed goal can have come to."""


def hold(thread: Thread, goal: Goal, reason: str, occasion: Occasion) -> Change:
    """Pauses an agreed goal."""
    must_be(goal, frozenset({LifecycleStatus.ACCEPTED, LifecycleStatus.ACTIVE}), "put on hold")
    held = ended(goal, LifecycleStatus.ON_HOLD, reason, occasion)
    return Change(Act.HOLD, goal.reference, goals=(held,), plan=thread.plan, reason=reason)


def resume(thread: Thread, goal: Goal, reason: str, occasion: Occasion) -> Change:
    """Takes a goal up again: after a pause, after a relapse, or because its start has come."""
    must_be(goal, AGREED | {LifecycleStatus.COMPLETED}, "resumed")
    status = LifecycleStatus.ACTIVE
    if goal.lifecycle_status is not LifecycleStatus.COMPLETED:
        status = status_in_force(goal, occasion.today)
    if status is goal.lifecycle_status:
        raise TransitionNotAllowed(f"{goal.reference} is {status} and stays so for now: there is nothing to resume")
    must_lead_to(goal, status)
    resumed = with_note(
        ended(goal, status, None, occasion), occasion.language.say("Taken up again: {reason}", reason=reason), occasion
    )
    if goal.lifecycle_status is LifecycleStatus.COMPLETED:
        resumed = replace(resumed, achievement_status=AchievementStatus.IN_PROGRESS)
    return Change(Act.RESUME, goal.reference, goals=(resumed,), plan=thread.plan, reason=reason)


def complete(
    thread: Thread,
    goal: Goal,
    outcome: AchievementStatus | None,
    occasion: Occasion,
    *,
    reason: str | None = None,
    observation: Reference | None = None,
    assessments: Iterable[Assessment] = (),
) -> Change:
    """Says what became of the goal; by policy the other side confirms before it is completed.

    Args:
        outcome: achieved, sustaining or not-achieved; may be left out by who confirms.
        observation: what shows it; for a scaled goal without one the latest scores that do.
        assessments: among them the scores of the goal.

    Raises:
        TransitionNotAllowed: not active; no outcome given; the outcome is another than was proposed; the
            proposal is the actor's own side's and waits for the other; nobody has scored it as reached.
    """
    must_be(goal, frozenset({LifecycleStatus.ACTIVE}), "completed")
    asked = thread.ending_of(goal, TaskCode.FULFILL)
    outcome, assessments = _confirmed_outcome(asked, outcome, goal), tuple(assessments)
    must_be_attained(goal, outcome, assessments)
    if asked is None and _needs_confirmation(goal, occasion):
        return _ending_proposed(thread, _shown_by(goal, observation), TaskCode.FULFILL, outcome, reason, occasion)
    _must_be_for_other_side(asked, goal, occasion)
    done = replace(
        ended(goal, LifecycleStatus.COMPLETED, reason, occasion),
        achievement_status=outcome,
        outcomes=_outcomes(goal, outcome, observation, assessments),
    )
    words = achievement_in_words(outcome, occasion.language)
    done = with_note(done, occasion.language.say("Done: {outcome}", outcome=words), occasion)
    return _ended(thread, goal, done, Act.COMPLETE, reason, occasion)


def cancel(thread: Thread, goal: Goal, reason: str, occasion: Occasion) -> Change:
    """Ends a goal early. The patient's side is never held to a goal; the care team asks them first (policy)."""
    must_be(goal, AGREED | {LifecycleStatus.PLANNED}, "cancelled")
    asked = thread.ending_of(goal, TaskCode.ABORT)
    if asked is None and not occasion.actor.on_patient_side and _needs_confirmation(goal, occasion):
        return _ending_proposed(thread, goal, TaskCode.ABORT, None, reason, occasion)
    if not occasion.actor.on_patient_side:
        _must_be_for_other_side(asked, goal, occasion)
    done = ended(goal, LifecycleStatus.CANCELLED, reason, occasion)
    return _ended(thread, goal, done, Act.CANCEL, reason, occasion)


def say(
    thread: Thread, goal: Goal, text: str, occasion: Occasion, *, in_response_to: Reference | None = None
) -> Change:
    """A question or an answer about the goal. What waits for the speaker waits on, for information."""
    if goal.lifecycle_status is LifecycleStatus.ENTERED_IN_ERROR:
        raise TransitionNotAllowed(f"{goal.reference} was entered in error: there is nothing to talk about")
    waiting, kept = thread.tasks_about(goal, WAITING), tied(goal)
    status = BusinessStatus.WAITING_FOR_INFORMATION if in_response_to is None else None
    message = Message(
        id=occasion.new_id(),
        subject=goal.subject,
        about=goal.reference,
        sender=occasion.actor.reference,
        recipients=other_parties(goal, occasion.actor),
        text=text,
        sent=occasion.at,
        thread=str(kept.thread),
        in_response_to=in_response_to,
        part_of=waiting[0].reference if waiting else None,
    )
    return Change(
        Act.MESSAGE,
        message.reference,
        goals=() if kept is goal else (kept,),
        tasks=_talked_about(waiting, status, occasion),
        messages=(message,),
    )


def _talked_about(waiting: tuple[Task, ...], status: BusinessStatus | None, occasion: Occasion) -> tuple[Task, ...]:
    moved = (
        replace(t, status=TaskStatus.IN_PROGRESS, business_status=status, last_modified=t.last_modified)
        for t in waiting
    )
    changed = (m for m, t in zip(moved, waiting, strict=True) if m != t)
    return tuple(replace(t, last_modified=occasion.at) for t in changed)


def _confirmed_outcome(asked: Task | None, outcome: AchievementStatus | None, goal: Goal) -> AchievementStatus:
    proposed = asked.proposed_outcome if asked else None
    agreed = outcome or proposed
    if agreed is None or agreed not in OUTCOMES:
        raise TransitionNotAllowed(f"{goal.reference} needs an outcome: {', '.join(sorted(OUTCOMES))}")
    if proposed and agreed is not proposed:
        raise TransitionNotAllowed(f"{goal.reference} was proposed as {proposed}: decline that, then say {agreed}")
    return agreed


def _outcomes(
    goal: Goal, outcome: AchievementStatus, observation: Reference | None, assessments: tuple[Assessment, ...]
) -> tuple[Reference, ...]:
    scores = deciding_scores(goal, assessments) if outcome in REACHED else ()
    return tuple(dict.fromkeys((*goal.outcomes, *((observation,) if observation else scores))))


def _needs_confirmation(goal: Goal, occasion: Occasion) -> bool:
    return occasion.policy.ending_needs_confirmation and not is_self_managed(goal)


def _must_be_for_other_side(asked: Task | None, goal: Goal, occasion: Occasion) -> None:
    if asked is None:
        return
    from_patient_side = not asked.requester.startswith("Practitioner/")
    if from_patient_side == occasion.actor.on_patient_side:
        side = "care team" if from_patient_side else "patient"
        raise TransitionNotAllowed(f"the end of {goal.reference} is proposed already: it waits for the {side}")


def _ending_proposed(
    thread: Thread,
    goal: Goal,
    code: TaskCode,
    outcome: AchievementStatus | None,
    reason: str | None,
    occasion: Occasion,
) -> Change:
    act = Act.PROPOSE_COMPLETION if code is TaskCode.FULFILL else Act.PROPOSE_CANCELLATION
    owner = None if occasion.actor.on_patient_side else goal.subject
    goal = tied(goal)
    task = replace(question(goal, owner, occasion, code=code), proposed_outcome=outcome)
    noted = with_note(goal, _ending_note(outcome, occasion), occasion)
    return Change(act, goal.reference, goals=(noted,), tasks=(task,), plan=thread.plan, reason=reason)


def _ended(thread: Thread, goal: Goal, done: Goal, act: Act, reason: str | None, occasion: Occasion) -> Change:
    tasks = tuple(_closing(t, act, goal, occasion) for t in thread.tasks_about(goal))
    return Change(act, goal.reference, goals=(done,), tasks=tasks, plan=thread.plan, reason=reason)


def _closing(task: Task, act: Act, goal: Goal, occasion: Occasion) -> Task:
    asked_for = TaskCode.FULFILL if act is Act.COMPLETE else TaskCode.ABORT
    if task.code is asked_for:
        return settled(task, TaskStatus.COMPLETED, occasion, output=goal.reference)
    return settled(task, TaskStatus.CANCELLED, occasion, reason=occasion.language.say("The goal has ended"))


def _ending_note(outcome: AchievementStatus | None, occasion: Occasion) -> str:
    language, from_patient = occasion.language, occasion.actor.on_patient_side
    if outcome is None:  # the patient's side stops without asking
        return language.say("The care team wants to stop this goal. The patient has not said yes yet.")
    words = achievement_in_words(outcome, language)
    if from_patient:
        return language.say(
            "The patient's side says it is done: {outcome}. The care team has not said so yet.", outcome=words
        )
    return language.say("The care team says it is done: {outcome}. The patient has not said so yet.", outcome=words)


def _shown_by(goal: Goal, observation: Reference | None) -> Goal:
    """What shows the outcome is linked when it is said: who confirms is to see it, and need not say it again."""
    return replace(goal, outcomes=(*goal.outcomes, observation)) if observation else goal
