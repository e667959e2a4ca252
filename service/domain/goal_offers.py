"""Offering a goal: propose, counter-propose (or revise), withdraw, mark as entered in error.

An offer that was made is never edited: what is said otherwise is said by a new Goal of the same thread.
"""

from dataclasses import dataclass, replace
from typing import Final
from uuid import uuid4

from fhir_mappings.attainment import in_order
from fhir_mappings.codes import AcceptanceStatus, Act, GoalPriority, LifecycleStatus, TaskStatus
from fhir_mappings.model import Acceptance, CarePlan, Concept, Goal, Level, PartialDate, Reference, Target
from fhir_mappings.narrative import levels_note
from fhir_mappings.target import self_standing_text
from service.domain.acceptance import answer_of, other_parties
from service.domain.attainment import categories_of, must_scale
from service.domain.care_plans import without_links
from service.domain.lifecycle import AGREED, FOLLOWS, must_be
from service.domain.target_dates import must_be_ahead
from service.domain.thread import (
    Change,
    Occasion,
    Thread,
    ended,
    question,
    reopened,
    settled,
    tied,
    with_note,
)
from service.domain.visibility import must_be_private_by_right, must_leave_family_out
from service.errors import NotPermitted, TransitionNotAllowed

INDIVIDUALS: Final = frozenset({"Patient", "Practitioner", "RelatedPerson"})
"""Whom the extension goal-acceptance can name; teams and organizations are asked by Task only."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What somebody proposes, in their own words. `asked` are those who are to answer.

    `private`: between the patient and the care team; only the patient can say so.
    `confirmed`: somebody has looked again at targets that are hardly ever so high or low.
    """

    words: str
    targets: tuple[Target, ...] = ()
    levels: tuple[Level, ...] = ()
    start: PartialDate | None = None
    categories: tuple[Concept, ...] = ()
    priority: GoalPriority | None = None
    addresses: tuple[Reference, ...] = ()
    asked: tuple[Reference, ...] = ()
    private: bool = False
    confirmed: bool = False


def propose(subject: Reference, offer: Offer, occasion: Occasion, *, plan: CarePlan | None = None) -> Change:
    """A new goal on the table, and a question to each who is to answer.

    Without `asked`, a clinician asks the patient, and the patient's side asks the care team.

    Raises:
        InvalidContent: a target is due on a day that is over.
    """
    must_be_ahead(offer.targets, occasion)
    actor = occasion.actor
    must_be_private_by_right(offer.private, actor, offer.asked)
    asked = offer.asked or (() if actor.on_patient_side else (subject,))
    goal = _offered(subject, offer, asked, occasion, thread=str(uuid4()))
    based_on = (plan.reference,) if plan else ()
    tasks = tuple(question(goal, owner, occasion, based_on=based_on) for owner in _owners(asked))
    return Change(Act.PROPOSE, goal.reference, goals=(goal,), tasks=tasks, plan=plan)


def counter_propose(thread: Thread, goal: Goal, offer: Offer, reason: str, occasion: Occasion) -> Change:
    """Another offer in answer to this one. The earlier stays as it is until the new one is answered.

    For a goal already agreed this is a revision, which any party may ask for.

    Raises:
        TransitionNotAllowed: the goal is settled, or it is the actor's own offer.
        InvalidContent: a target is due on a day that is over.
    """
    must_be(goal, AGREED | {LifecycleStatus.PROPOSED, LifecycleStatus.PLANNED}, "answered with another offer")
    if goal.lifecycle_status is LifecycleStatus.PROPOSED and goal.expressed_by == occasion.actor.reference:
        raise TransitionNotAllowed(f"{goal.reference} is your own offer: withdraw it and propose anew")
    must_be_ahead(offer.targets, occasion)
    kept = tied(goal)
    asked = tuple(dict.fromkeys((*other_parties(goal, occasion.actor), *offer.asked)))
    must_leave_family_out(goal.private, asked)
    new = _offered(goal.subject, _with_inherited(offer, goal), asked, occasion, thread=str(kept.thread))
    answered = thread.tasks_about(goal)
    paused = tuple(settled(t, TaskStatus.ON_HOLD, occasion, reason=reason) for t in answered)
    part_of, based_on = tuple(t.reference for t in answered), _based_on(thread)
    tasks = tuple(question(new, owner, occasion, part_of=part_of, based_on=based_on) for owner in _owners(asked))
    goals = (new,) if kept is goal else (new, kept)
    return Change(
        Act.COUNTER_PROPOSE,
        new.reference,
        goals=goals,
        tasks=(*tasks, *paused),
        plan=thread.plan,
        revision_of=(goal.reference,),
        reason=reason,
    )


def withdraw(thread: Thread, goal: Goal, reason: str | None, occasion: Occasion) -> Change:
    """The proposer takes the offer back.

    Raises:
        TransitionNotAllowed: the goal is no longer proposed.
        NotPermitted: the offer is somebody else's.
    """
    must_be(goal, frozenset({LifecycleStatus.PROPOSED}), "withdrawn")
    if goal.expressed_by != occasion.actor.reference:
        raise NotPermitted(f"{goal.reference} is not your offer: decline it, or offer something else")
    why = reason or occasion.language.say("Withdrawn by who proposed it")
    tasks = tuple(settled(t, TaskStatus.CANCELLED, occasion, reason=why) for t in thread.tasks_about(goal))
    return Change(
        Act.WITHDRAW,
        goal.reference,
        goals=(ended(goal, LifecycleStatus.CANCELLED, why, occasion),),
        tasks=(*tasks, *reopened(thread, goal, occasion)),
        plan=thread.plan,
        reason=reason,
    )


def enter_in_error(thread: Thread, goal: Goal, reason: str, occasion: Occasion) -> Change:
    """Voids a goal that should never have been there. Nothing is deleted.

    Raises:
        TransitionNotAllowed: it is void already.
        NotPermitted: the actor is neither its author nor a custodian.
    """
    must_be(goal, frozenset(s for s, after in FOLLOWS.items() if after), "marked as entered in error")
    if occasion.actor.reference not in {goal.expressed_by, *occasion.policy.custodians}:
        raise NotPermitted(f"{goal.reference} can be marked as entered in error by its author or a custodian only")
    tasks = tuple(settled(t, TaskStatus.ENTERED_IN_ERROR, occasion) for t in thread.tasks_about(goal))
    return Change(
        Act.ENTER_IN_ERROR,
        goal.reference,
        goals=(ended(goal, LifecycleStatus.ENTERED_IN_ERROR, reason, occasion),),
        tasks=(*tasks, *reopened(thread, goal, occasion)),
        plan=thread.plan and without_links(thread.plan, {goal.reference}),
        reason=reason,
    )


def _offered(
    subject: Reference, offer: Offer, asked: tuple[Reference, ...], occasion: Occasion, *, thread: str
) -> Goal:
    must_scale(offer.levels, offer.targets)
    mine = answer_of(occasion.actor, AcceptanceStatus.AGREE, offer.priority)
    individuals = (a for a in asked if a.partition("/")[0] in INDIVIDUALS and a != mine.individual)
    goal = Goal(
        id=occasion.new_id(),
        subject=subject,
        description=self_standing_text(offer.words, offer.targets, occasion.language),
        lifecycle_status=LifecycleStatus.PROPOSED,
        start=offer.start,
        status_date=occasion.day,
        expressed_by=occasion.actor.reference,
        targets=offer.targets,
        levels=in_order(offer.levels),
        acceptances=(mine, *(Acceptance(a, AcceptanceStatus.PENDING) for a in individuals)),
        categories=categories_of(offer.categories, scaled=bool(offer.levels)),
        addresses=offer.addresses,
        thread=thread,
        patient_supplied=occasion.actor.on_patient_side,
        private=offer.private,
    )
    goal = with_note(goal, occasion.language.say("Offered. Not agreed yet when this was written."), occasion)
    return with_note(goal, levels_note(goal, occasion.language), occasion) if goal.levels else goal


def _with_inherited(offer: Offer, goal: Goal) -> Offer:
    """What a counter-offer leaves out stays as it was; not targets and levels, which may contradict the new words."""
    return replace(
        offer,
        start=offer.start or goal.start,
        private=goal.private,
        categories=offer.categories or goal.categories,
        addresses=offer.addresses or goal.addresses,
    )


def _owners(asked: tuple[Reference, ...]) -> tuple[Reference | None, ...]:
    return asked or (None,)


def _based_on(thread: Thread) -> tuple[Reference, ...]:
    return (thread.plan.reference,) if thread.plan else ()
