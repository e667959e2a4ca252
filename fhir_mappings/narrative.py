"""What a plan and an agreement say in words, for whoever reads nothing else.

Source: https://hl7.org/fhir/R4/narrative.html
"""

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from fhir_mappings.activities import Activity
from fhir_mappings.codes import AcceptanceStatus, CarePlanStatus, LifecycleStatus
from fhir_mappings.model import Acceptance, CarePlan, Goal, Reference
from fhir_mappings.target import concept_in_words, self_standing_text
from fhir_mappings.timing import joined, schedule_in_words

ROLES: Final = {"Patient": "patient", "RelatedPerson": "family", "Practitioner": "care team"}
OFFERED: Final = frozenset({LifecycleStatus.PROPOSED, LifecycleStatus.PLANNED})
STATUS_IN_WORDS: Final = {
    LifecycleStatus.ACCEPTED: "agreed, not started",
    LifecycleStatus.ACTIVE: "in force",
    LifecycleStatus.ON_HOLD: "on hold",
}
ACTIVITIES: Final = re.compile(r'<div id="activities">.*?</div>', re.DOTALL)
ACTIVITY_STATUS: Final = {CarePlanStatus.ON_HOLD: "on hold", CarePlanStatus.COMPLETED: "done"}


def plan_narrative(
    plan: CarePlan, goals: Sequence[Goal], activities: Sequence[Activity] = (), *, before: str = ""
) -> str:
    """An XHTML `div` that names every goal and activity of the plan, who agreed, who does not, what is only offered.

    Args:
        goals: all goals of the patient; one that the plan links and that is not among them is named by its reference.
        activities: all activities of the patient, alike.
        before: the narrative as it stands. Whoever acts on a goal may not be allowed to read activities; what the plan
            says of them is then left as it is.
    """
    known = {g.reference: g for g in goals}
    linked = [_linked(known[r]) if r in known else escape(r) for r in plan.goals]
    offered = [_offered(g) for g in goals if g.lifecycle_status in OFFERED and g.reference not in plan.goals]
    title = f"<h2>{escape(plan.title)}</h2>" if plan.title else ""
    sections = _section("Goals", linked, "No goal is agreed yet.") + _section("Proposed, not agreed", offered, "")
    sections += _activities(plan, activities) if activities else _kept(before)
    return f'<div xmlns="http://www.w3.org/1999/xhtml" lang="en" xml:lang="en">{title}{sections}</div>'


def agreement_note(goal: Goal) -> str:
    """`Agreed by Ann (patient) and Dr Bo (care team)`, with those who do not share it or have still to answer.

    When it was agreed is the time of the note that says it.
    """
    return f"{_positions(goal)}."


def _section(heading: str, entries: Sequence[str], otherwise: str) -> str:
    if not entries:
        return f"<p>{otherwise}</p>" if otherwise else ""
    return f"<h3>{heading}</h3><ul>{''.join(f'<li>{entry}</li>' for entry in entries)}</ul>"


def _linked(goal: Goal) -> str:
    status = STATUS_IN_WORDS.get(goal.lifecycle_status, goal.lifecycle_status.replace("-", " "))
    achieved = f", {goal.achievement_status.replace('-', ' ')}" if goal.achievement_status else ""
    since = f" since {goal.status_date}" if goal.status_date else ""
    return f"{_said(goal)} <i>({escape(status)}{since}{escape(achieved)})</i>. {escape(_positions(goal))}."


def _offered(goal: Goal) -> str:
    return f"{_said(goal)} <i>(proposed, not agreed)</i>. {escape(_positions(goal))}."


def _activities(plan: CarePlan, activities: Sequence[Activity]) -> str:
    known = {a.reference: a for a in activities}
    linked = [_activity(known[r]) if r in known else escape(r) for r in plan.activities]
    drafts = (a for a in activities if a.status is CarePlanStatus.DRAFT and plan.reference in a.based_on)
    offered = [f"{_activity(a)} <i>(proposed, not agreed)</i>" for a in drafts]
    told = _section("What is to be done", linked, "") + _section("Activities proposed, not agreed", offered, "")
    return f'<div id="activities">{told}</div>' if told else ""


def _kept(before: str) -> str:
    found = ACTIVITIES.search(before)
    return found.group() if found else ""


def _activity(activity: Activity) -> str:
    when = schedule_in_words(activity.schedule) if activity.schedule else f"by {activity.due}" if activity.due else ""
    who = joined([_role(p) for p in activity.performers])
    status = ACTIVITY_STATUS.get(activity.status)
    said = f"<b>{escape(concept_in_words(activity.what))}</b>"
    told = ", ".join(filter(None, (when, who and f"done by {who}")))
    return f"{said}{f': {escape(told)}' if told else ''}{f' <i>({status})</i>' if status else ''}"


def _said(goal: Goal) -> str:
    return f"<b>{escape(self_standing_text(goal.description, goal.targets))}</b>"


def _positions(goal: Goal) -> str:
    """Each party's position; a goal without acceptances says whose it is."""
    parts = (
        _by("Agreed by", goal, AcceptanceStatus.AGREE),
        _by("Not shared by", goal, AcceptanceStatus.DISAGREE),
        _by("Waiting for the answer of", goal, AcceptanceStatus.PENDING),
    )
    otherwise = f"Expressed by {_role(goal.expressed_by)}" if goal.expressed_by else "Who agreed is not recorded"
    return ". ".join(filter(None, parts)) or otherwise


def _by(what: str, goal: Goal, status: AcceptanceStatus) -> str:
    parties = [_party(a) for a in goal.acceptances if a.status is status]
    return f"{what} {_joined(parties)}" if parties else ""


def _party(acceptance: Acceptance) -> str:
    role = _role(acceptance.individual)
    return f"{acceptance.display} ({role})" if acceptance.display else role


def _role(individual: Reference) -> str:
    resource_type, _, resource_id = individual.partition("/")
    role = ROLES.get(resource_type, resource_type)
    return role if resource_type == "Patient" else f"{role} {resource_id}"


def _joined(parties: Iterable[str]) -> str:
    *most, last = parties
    return f"{', '.join(most)} and {last}" if most else last
