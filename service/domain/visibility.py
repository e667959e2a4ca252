"""What an adolescent keeps between themselves and the care team. The rules in words: docs/family.md."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from fhir_mappings.carrier import Json
from fhir_mappings.codes import Act
from fhir_mappings.compartment import patient_of, references_in
from fhir_mappings.model import CarePlan, Goal, Noun, Reference
from service.domain.actors import Actor, Role
from service.domain.care_plans import LINKABLE, first_plan, linked, without_links
from service.domain.thread import Change, Occasion, Thread
from service.errors import Flaw, InvalidContent, NotPermitted, TransitionNotAllowed


@dataclass(frozen=True, slots=True)
class Labelled:
    """A resource of whatever type of which only the confidentiality changes."""

    resource: Json
    private: bool
    operation: str | None = None

    @property
    def reference(self) -> Reference:
        return f"{self.resource['resourceType']}/{self.resource['id']}"

    @property
    def subject(self) -> Reference | None:
        return patient_of(self.resource)


def must_be_private_by_right(private: bool, actor: Actor, asked: Iterable[Reference]) -> None:
    """Only the patient can keep a goal from the family.

    Raises:
        NotPermitted: the actor is not the patient.
        InvalidContent: the family is asked to answer.
    """
    if private and actor.role is not Role.PATIENT:
        raise NotPermitted("only the patient can keep something private")
    must_leave_family_out(private, asked)


def must_leave_family_out(private: bool, asked: Iterable[Reference]) -> None:
    """Refuses to ask the family about what they are not to see.

    Raises:
        InvalidContent: names the entry.
    """
    family = [i for i, a in enumerate(asked) if private and _is_family(a)]
    if family:
        raise InvalidContent(*(Flaw(f"ask[{i}]", "is of the family, who cannot see a private goal") for i in family))


def with_visibility(
    thread: Thread,
    goal: Goal,
    private: bool,
    rest: Collection[Json],
    occasion: Occasion,
    *,
    plans: Collection[CarePlan] = (),
    destination: CarePlan | None = None,
    others: tuple[Noun, ...] = (),
) -> Change:
    """All offers of the goal and all about them, from now on shown to the family or kept from them.

    Args:
        rest: Tasks, messages, measurements, activities, agenda items and Provenances about the goal, as they are.
        plans: all that are kept here; each of those that others may read forgets the goal and what is done for it.
        destination: the plan that is to link it; None where there is none yet.
        others: priority lists in their new form.

    Raises:
        NotPermitted: the actor is not the patient.
        TransitionNotAllowed: it is so already, or the family has had a part in it: that cannot be undone.
    """
    if occasion.actor.role is not Role.PATIENT:
        raise NotPermitted("only the patient decides who sees a goal")
    if goal.private == private:
        raise TransitionNotAllowed(f"{goal.reference} is {'private' if private else 'shared'} already")
    if private and _has_family(thread, rest):
        raise TransitionNotAllowed(f"the family has had a part in {goal.reference}: it cannot be kept from them now")
    goals = tuple(replace(g, private=private) for g in thread.goals)
    now = next(g for g in goals if g.reference == goal.reference)
    done = tuple(f"ServiceRequest/{r['id']}" for r in rest if r["resourceType"] == "ServiceRequest")
    old = [p for p in plans if p.shared and p.private != private]
    left = (without_links(p, (*(g.reference for g in goals), *done)) for p in old)
    return Change(
        Act.CHANGE_VISIBILITY,
        goal.reference,
        goals=(now, *(g for g in goals if g is not now)),
        plan=_destination(old, goals, done, destination, occasion),
        others=(*(Labelled(r, private) for r in rest), *others, *left),
    )


def _destination(
    old: Collection[CarePlan],
    goals: tuple[Goal, ...],
    done: tuple[Reference, ...],
    plan: CarePlan | None,
    occasion: Occasion,
) -> CarePlan | None:
    """The plan that links what is agreed and what is done for it; one is opened where there is none.

    Args:
        old: the plans that linked it until now.
        done: all activities of the goal, whether a plan links them or nobody has agreed to them yet.
    """
    were_linked = {reference for p in old for reference in (*p.goals, *p.activities)}
    for goal in goals:
        if goal.reference in were_linked and goal.lifecycle_status in LINKABLE:
            plan = linked(plan or first_plan(goal, occasion), goal, occasion)
    if done:
        plan = plan or first_plan(goals[0], occasion)
        moved = (r for r in done if r in were_linked)
        plan = replace(plan, activities=tuple(dict.fromkeys((*plan.activities, *moved))))
    return plan


def _has_family(thread: Thread, rest: Iterable[Json]) -> bool:
    parties = (r for g in thread.goals for r in (g.expressed_by, *(a.individual for a in g.acceptances)))
    named = (reference for resource in rest for _, reference in references_in(resource, ""))
    return any(_is_family(r) for r in (*parties, *named) if r)


def _is_family(reference: Reference) -> bool:
    return reference.startswith("RelatedPerson/")
