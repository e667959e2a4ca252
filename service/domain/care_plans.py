"""The plan that links the goals: who may be linked, and who has a hand in it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final
from uuid import uuid4

from fhir_mappings.codes import CarePlanStatus, LifecycleStatus
from fhir_mappings.model import CarePlan, Goal, Reference
from service.domain.lifecycle import AGREED, must_be
from service.domain.thread import Change, Occasion
from service.errors import TransitionNotAllowed

LINKABLE: Final = AGREED | {LifecycleStatus.PLANNED, LifecycleStatus.COMPLETED}
"""An offer that nobody has agreed to is no part of a plan; the plan's narrative tells of it as open."""

STILL_OPEN: Final = frozenset({CarePlanStatus.DRAFT, CarePlanStatus.ACTIVE, CarePlanStatus.ON_HOLD})
"""Plans that goals may be linked to."""


def opened(
    subject: Reference,
    title: str,
    goals: Iterable[Goal],
    occasion: Occasion,
    *,
    shared: str | None = None,
    private: bool = False,
) -> CarePlan:
    """A new plan of this patient. `shared` is the identifier by which it is known; without one, a new one.

    Raises:
        TransitionNotAllowed: one of the goals is not agreed.
    """
    plan = CarePlan(
        id=occasion.new_id(),
        subject=subject,
        status=CarePlanStatus.ACTIVE,
        title=title,
        created=occasion.at,
        period_start=occasion.day,
        shared=shared or str(uuid4()),
        private=private,
    )
    plan = with_hands(plan, (occasion.actor.reference,))
    for goal in goals:
        plan = linked(plan, goal, occasion)
    return plan


def retold(change: Change, plans: Iterable[CarePlan]) -> Change:
    """With each open plan that links a goal which the change moves: its text says how far the goal is."""
    moved = {goal.reference for goal in change.goals}
    linking = [p for p in plans if p.shared and p.status in STILL_OPEN and moved.intersection(p.goals)]
    return replace(change, plan=next(iter(linking), change.plan), others=(*change.others, *linking[1:]))


def first_plan(goal: Goal, occasion: Occasion) -> CarePlan:
    """The plan that a patient's first agreement opens: the shared one, or for a private goal the patient's own."""
    title = occasion.language.say("My own plan") if goal.private else occasion.language.say("Shared care plan")
    key = _key_of_first(goal.subject, goal.private)
    return opened(goal.subject, title, (), occasion, shared=key, private=goal.private)


def home_of_goals(plans: Iterable[CarePlan]) -> CarePlan | None:
    """Of these open plans the one of a goal that was meant for no plan; None: the next agreement opens it.

    It is the one that a first agreement opens, else the earliest that somebody opened by hand. The plan of a programme
    has what the programme offers, and nothing else unless somebody says so.
    """
    by_hand = [p for p in plans if p.instantiates is None]
    return min(by_hand, key=_age, default=None)


def _age(plan: CarePlan) -> tuple[bool, str, str]:
    is_first = plan.shared == _key_of_first(plan.subject, plan.private)
    return not is_first, plan.created.isoformat() if plan.created else "", plan.id or ""


def _key_of_first(subject: Reference, private: bool) -> str:
    patient = subject.partition("/")[2]
    return f"{patient}.private" if private else patient


def linked(plan: CarePlan, goal: Goal, occasion: Occasion, *, instead_of: Iterable[Reference] = ()) -> CarePlan:
    """The plan with a link to the goal, in place of those that it replaces.

    Raises:
        TransitionNotAllowed: the goal is not agreed, or it is private and the plan is not, or the other way round.
    """
    must_be(goal, LINKABLE, "linked from a plan")
    if goal.private != plan.private:
        raise TransitionNotAllowed(f"{goal.reference} is {'private' if goal.private else 'shared'}, the plan is not")
    gone = frozenset(instead_of)
    goals = dict.fromkeys((*(g for g in plan.goals if g not in gone), goal.reference))
    return with_hands(replace(plan, goals=tuple(goals)), (goal.expressed_by, occasion.actor.reference))


def must_be_kept_here(plan: CarePlan) -> None:
    """Refuses a plan whose narrative CoPlan does not keep, or which is over.

    Raises:
        TransitionNotAllowed: names the plan and why.
    """
    if plan.shared is None:
        raise TransitionNotAllowed(f"{plan.reference} is kept by another system: link the goal there")
    if plan.status not in STILL_OPEN:
        raise TransitionNotAllowed(f"{plan.reference} is {plan.status}: no goal can be linked to it")


def with_hands(plan: CarePlan, hands: Iterable[Reference | None]) -> CarePlan:
    """The plan with these among its contributors, each once."""
    return replace(plan, contributors=tuple(dict.fromkeys((*plan.contributors, *filter(None, hands)))))


def without_links(plan: CarePlan, gone: Iterable[Reference]) -> CarePlan:
    """The plan without links to these goals and activities."""
    gone = frozenset(gone)
    kept = (tuple(r for r in links if r not in gone) for links in (plan.goals, plan.activities))
    goals, activities = kept
    return replace(plan, goals=goals, activities=activities)
