"""Who agrees to a goal, and when that makes it an agreement."""

from dataclasses import replace
from datetime import date

from fhir_mappings.codes import AcceptanceStatus, GoalPriority, LifecycleStatus
from fhir_mappings.model import Acceptance, Goal, Reference
from service.domain.actors import Actor, Role


def with_acceptance(goal: Goal, acceptance: Acceptance) -> Goal:
    """The goal with this party's acceptance in place of their earlier one.

    A family member who was not asked in their own right answers in the patient's place: the question
    to the patient is then no longer open, and the answer stands under the family member's name.
    """
    earlier = {a.individual for a in goal.acceptances}
    stands_in = acceptance.individual.startswith("RelatedPerson/") and acceptance.individual not in earlier
    kept = (a for a in goal.acceptances if not (stands_in and _is_open_question_to(goal.subject, a)))
    if acceptance.individual in earlier:
        return replace(
            goal, acceptances=tuple(acceptance if a.individual == acceptance.individual else a for a in kept)
        )
    return replace(goal, acceptances=(*kept, acceptance))


def answer_of(actor: Actor, status: AcceptanceStatus, priority: GoalPriority | None = None) -> Acceptance:
    """What the actor says of a goal, in the actor's own name."""
    return Acceptance(actor.reference, status, priority, actor.display)


def is_agreed(goal: Goal) -> bool:
    """True once the patient (or family and care team) and one more party agree, and nobody disagrees."""
    agreeing = _individuals(goal, AcceptanceStatus.AGREE)
    if _individuals(goal, AcceptanceStatus.DISAGREE) or len(agreeing) < 2:
        return False
    types = {individual.partition("/")[0] for individual in agreeing}
    return goal.subject in agreeing or types >= {Role.RELATED_PERSON, Role.PRACTITIONER}


def is_self_managed(goal: Goal) -> bool:
    """True for a goal of the patient's side that somebody of the care team does not share."""
    ours = (goal.expressed_by or "").partition("/")[0] in {Role.PATIENT, Role.RELATED_PERSON}
    return ours and any(d.startswith("Practitioner/") for d in _individuals(goal, AcceptanceStatus.DISAGREE))


def pending(goal: Goal) -> tuple[Reference, ...]:
    """Those who were asked and have not answered."""
    return tuple(_individuals(goal, AcceptanceStatus.PENDING))


def status_in_force(goal: Goal, today: date) -> LifecycleStatus:
    """`active`, or `accepted` while somebody has still to answer or the start lies ahead."""
    starts_later = goal.start is not None and goal.start.first_day > today
    return LifecycleStatus.ACCEPTED if starts_later or pending(goal) else LifecycleStatus.ACTIVE


def common_priority(goal: Goal) -> GoalPriority | None:
    """The priority that all parties give it; R4: `Goal.priority` is mutually agreed."""
    given = {a.priority for a in goal.acceptances}
    return given.pop() if len(given) == 1 else None


def other_parties(goal: Goal, actor: Actor) -> tuple[Reference, ...]:
    """Whom an act of this actor is to be put to: all parties but the actor.

    Where the goal names none on the other side, the patient is asked for what the care team does, and the
    clinician who expressed the goal for what the patient's side does; empty: anybody of the care team.
    """
    named = tuple(a.individual for a in goal.acceptances if a.individual != actor.reference)
    if actor.role is Role.PRACTITIONER:
        return named if any(not n.startswith("Practitioner/") for n in named) else (goal.subject, *named)
    author = goal.expressed_by or ""
    return named or ((author,) if author.startswith("Practitioner/") else ())


def _individuals(goal: Goal, status: AcceptanceStatus) -> list[Reference]:
    return [a.individual for a in goal.acceptances if a.status is status]


def _is_open_question_to(subject: Reference, acceptance: Acceptance) -> bool:
    return acceptance.individual == subject and acceptance.status is AcceptanceStatus.PENDING
