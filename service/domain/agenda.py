"""The agenda of a visit: questions and topics of all sides. The rules in words: docs/family.md."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from fhir_mappings.codes import Act
from fhir_mappings.model import CarePlan, Goal, Noun, Reference
from fhir_mappings.person_centered import NEXT_VISIT, AgendaItem, AgendaKind, AgendaStatus, Visit
from service.domain.thread import Change, Occasion
from service.domain.visibility import must_be_private_by_right
from service.errors import Flaw, InvalidContent, NotPermitted, TransitionNotAllowed


@dataclass(frozen=True, slots=True)
class AgendaDraft:
    """What somebody wants to talk about. `private`: without the family in the room."""

    text: str
    kind: AgendaKind
    visit: Visit = NEXT_VISIT
    private: bool = False


def added(
    subject: Reference,
    draft: AgendaDraft,
    occasion: Occasion,
    *,
    goal: Goal | None = None,
    plan: CarePlan | None = None,
) -> Change:
    """One more item in the actor's name; about a private goal it is private, too.

    Raises:
        NotPermitted: it is to be private, and the actor is not the patient.
        InvalidContent: the day of the visit is over.
    """
    must_lie_ahead(draft.visit, occasion)
    must_be_private_by_right(draft.private and not (goal and goal.private), occasion.actor, ())
    item = AgendaItem(
        id=occasion.new_id(),
        subject=subject,
        kind=draft.kind,
        text=draft.text,
        requester=occasion.actor.reference,
        display=occasion.actor.display,
        authored_on=occasion.at,
        goal=goal.reference if goal else None,
        visit=draft.visit,
        patient_supplied=occasion.actor.on_patient_side,
        private=draft.private or (goal is not None and goal.private),
    )
    return Change(Act.ADD_AGENDA_ITEM, item.reference, others=(item,), plan=plan)


def closed(
    item: AgendaItem, outcome: str, occasion: Occasion, *, discussed: bool = True, plan: CarePlan | None = None
) -> Change:
    """What came of it. Anybody may say that it was talked about; only who asked may take it off undiscussed.

    Raises:
        TransitionNotAllowed: it is closed already.
        NotPermitted: it was not talked about, and it is somebody else's.
    """
    _must_be_open(item)
    if not discussed and item.requester != occasion.actor.reference:
        raise NotPermitted(f"{item.reference} is not yours to take off: talk about it, or carry it over")
    status = AgendaStatus.COMPLETED if discussed else AgendaStatus.REVOKED
    done = replace(item, status=status, outcome=outcome, closed_by=occasion.actor.reference, closed_at=occasion.at)
    return Change(Act.CLOSE_AGENDA_ITEM, item.reference, others=(done,), plan=plan, reason=outcome)


def left_over(items: Iterable[AgendaItem], occasion: Occasion) -> tuple[AgendaItem, ...]:
    """What is open and was not talked about: not what is set for a visit that is still to come.

    Raises:
        TransitionNotAllowed: all that is open is set for such a visit.
    """
    still = [i for i in items if i.status is AgendaStatus.ACTIVE]
    left = tuple(i for i in still if i.visit.day is None or i.visit.day.first_day <= occasion.today)
    if still and not left:
        raise TransitionNotAllowed(
            "all that is open is set for a visit that is still to come: name what is to be moved in `items`"
        )
    return left


def must_lie_ahead(visit: Visit, occasion: Occasion) -> None:
    """Refuses a visit whose day is over, everywhere on earth.

    Raises:
        InvalidContent: names it.
    """
    if visit.day and visit.day.last_day < occasion.earliest_today:
        raise InvalidContent(Flaw("visit.day", "is over: nothing can be talked about then", "business-rule"))


def carried_over(
    items: Iterable[AgendaItem],
    visit: Visit,
    occasion: Occasion,
    *,
    plan: CarePlan | None = None,
    others: tuple[Noun, ...] = (),
) -> Change:
    """What was not talked about, kept for the next visit.

    Raises:
        TransitionNotAllowed: there is nothing to carry over, or one of the items is closed.
        InvalidContent: the day of that visit is over.
    """
    must_lie_ahead(visit, occasion)
    items = tuple(items)
    for item in items:
        _must_be_open(item)
    moved = tuple(replace(item, visit=visit) for item in items if item.visit != visit)
    if not moved:
        raise TransitionNotAllowed("nothing on the agenda is open for another visit: there is nothing to carry over")
    return Change(Act.CARRY_OVER_AGENDA, moved[0].reference, others=(*moved, *others), plan=plan)


def in_order(items: Iterable[AgendaItem]) -> tuple[AgendaItem, ...]:
    """By visit, those without a day last; then as they were raised."""
    return tuple(sorted(items, key=lambda i: (i.visit.day.text if i.visit.day else "9999", i.authored_on)))


def _must_be_open(item: AgendaItem) -> None:
    if item.status is not AgendaStatus.ACTIVE:
        raise TransitionNotAllowed(f"{item.reference} is {item.status}: it is closed already")
