"""What an adolescent keeps between themselves and the care team. The rules in words: docs/family.md."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from fhir_mappings.carrier import Json
from fhir_mappings.codes import Act
from fhir_mappings.compartment import patient_of, references_in
from fhir_mappings.model import CarePlan, Goal, Noun, Reference
from service.domain.actors import Actor, Role
from service.domain.care_plans import LINKABLE, first_plan, linked, without_goals
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
    destination: CarePlan | None = None,
    others: tuple[Noun, ...] = (),
) -> Change:
    """All offers of the goal and all about them, from now on shown to the family or kept from them.

    Args:
        rest: Tasks, messages, measurements, agenda items and Provenances about the goal, as they are.
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
    origin = without_goals(thread.plan, (g.reference for g in goals))
    now = next(g for g in goals if g.reference == goal.reference)
    left = () if origin is None else (origin,)
    return Change(
        Act.CHANGE_VISIBILITY,
        goal.reference,
        goals=(now, *(g for g in goals if g is not now)),
        plan=_destination(thread, goals, destination, occasion),
        others=(*(Labelled(r, private) for r in rest), *others, *left),
    )


def _destination(thread: Thread, goals: tuple[Goal, ...], plan: CarePlan | None, occasion: Occasion) -> CarePlan | None:
    """The plan that links what is agreed; one is opened where there is none."""
    was_linked = thread.plan.goals if thread.plan else ()
    for goal in goals:
        if goal.reference in was_linked and goal.lifecycle_status in LINKABLE:
            plan = linked(plan or first_plan(goal, occasion), goal, occasion)
    return plan


def _has_family(thread: Thread, rest: Iterable[Json]) -> bool:
    parties = (r for g in thread.goals for r in (g.expressed_by, *(a.individual for a in g.acceptances)))
    named = (reference for resource in rest for _, reference in references_in(resource, ""))
    return any(_is_family(r) for r in (*parties, *named) if r)


def _is_family(reference: Reference) -> bool:
    return reference.startswith("RelatedPerson/")
