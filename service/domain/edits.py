"""Who may change which element, judged on the difference between what was read and what is about to be written.

The lifecycle decides what an act does; this is the last look at what leaves, so that no defect of an act can put words
into somebody else's mouth.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from fhir_mappings.activity_report import is_report
from fhir_mappings.carrier import Json
from fhir_mappings.codes import (
    CONFIDENTIALITY,
    GOAL_ACCEPTANCE,
    GOAL_RELATIONSHIP,
    GOAL_THREAD,
    INTEGRITY,
    OPERATION,
    PATIENT_ASSERTED,
    PCO_PROFILES,
    AcceptanceStatus,
    LifecycleStatus,
    ObservationStatus,
)
from fhir_mappings.compartment import PATIENT_ELEMENT, patient_of
from fhir_mappings.elements import extension_value, extensions
from fhir_mappings.goal import goal_from_fhir
from fhir_mappings.model import Reference
from fhir_mappings.preference import has_asked, is_preference, preference_from_fhir
from fhir_mappings.priority_list import priority_list_from_fhir
from service.domain.acceptance import common_priority
from service.domain.access import changed_elements, right_missing
from service.domain.actors import ONLY_READS, Actor, Right, Role
from service.domain.policy import Policy
from service.domain.preferences import may_withdraw
from service.errors import NotPermitted

AUTHOR: Final[Mapping[str, str]] = {
    "Communication": "sender",
    "CommunicationRequest": "requester",
    "Goal": "expressedBy",
    "Task": "requester",
}
"""The element that names who says it: the actor, and nobody else."""
ANSWER: Final = frozenset(
    {"businessStatus", "executionPeriod", "lastModified", "note", "output", "status", "statusReason"}
)
"""What the patient's side may change of a Task: its answer."""
ON_AGENDA: Final = frozenset({"about", "encounter", "meta", "note", "occurrenceDateTime", "status"})
"""What can change of an item on the agenda: its visit and what came of it, never what was asked."""
CHANGEABLE: Final[Mapping[str, frozenset[str]]] = {
    "Goal": frozenset(
        {
            "achievementStatus",
            "addresses",
            "extension",
            "identifier",
            "lifecycleStatus",
            "meta",
            "note",
            "outcomeReference",
            "priority",
            "startDate",
            "statusDate",
            "statusReason",
        }
    ),
    "CarePlan": frozenset(
        {
            "activity",
            "addresses",
            "careTeam",
            "category",
            "contributor",
            "description",
            "extension",
            "goal",
            "meta",
            "note",
            "period",
            "status",
            "supportingInfo",
            "text",
            "title",
        }
    ),
    "CommunicationRequest": ON_AGENDA,
    "Observation": frozenset(
        {
            "component",
            "effectiveDateTime",
            "effectivePeriod",
            "extension",
            "interpretation",
            "meta",
            "note",
            "status",
            "text",
        }
    )
    | {f"value{kind}" for kind in ("Boolean", "CodeableConcept", "Integer", "Quantity", "String")},
    "Task": ANSWER | {"description", "extension", "input", "meta", "owner", "priority", "restriction"},
    "Consent": frozenset({"meta", "status"}),
    "ServiceRequest": frozenset({"identifier", "meta", "note", "replaces", "status"}),
}
"""Elements that can change at all. The text, target and author of an offer never do."""
PATIENT_SIDE: Final[Mapping[str, frozenset[str]]] = {
    "Goal": CHANGEABLE["Goal"],
    "CarePlan": frozenset({"activity", "contributor", "goal", "meta", "text"}),
    "CommunicationRequest": ON_AGENDA,
    "Observation": CHANGEABLE["Observation"],
    "Task": ANSWER | {"meta"},
    "Consent": CHANGEABLE["Consent"],
    "ServiceRequest": CHANGEABLE["ServiceRequest"],
}
"""Those of them that patients and families can change."""
ADDED_TO_ONLY: Final = frozenset(
    {
        ("CarePlan", "contributor"),
        ("CarePlan", "note"),
        ("CommunicationRequest", "note"),
        ("Goal", "addresses"),
        ("Goal", "identifier"),
        ("Goal", "note"),
        ("Goal", "outcomeReference"),
        ("Observation", "note"),
        ("ServiceRequest", "note"),
        ("Task", "note"),
        ("Task", "output"),
    }
)
"""Lists of which what stands there stays."""
WITHDRAWAL: Final = frozenset({"effectiveDateTime", "effectivePeriod", "meta", "note", "status", "text"})
"""What can change of a preference: that it ends, and why."""
FOLLOWS: Final[Mapping[str, frozenset[str]]] = {
    "CarePlan": frozenset({"contributor", "text"}),
    "Goal": frozenset({"achievementStatus"}),
}
"""What changes by itself when something is recorded."""
GOAL_EXTENSIONS: Final = (GOAL_ACCEPTANCE, GOAL_RELATIONSHIP, "http://hl7.org/fhir/us/pco/StructureDefinition/")
ENDS: Final = frozenset({LifecycleStatus.CANCELLED, LifecycleStatus.ENTERED_IN_ERROR})

Flaws = Iterator[str]
"""Elements that are not the actor's to write."""


def must_be_theirs_to_write(actor: Actor, before: Json | None, after: Json, policy: Policy) -> None:
    """Refuses what this actor may not say or change.

    Args:
        before: what the actor has read; None for what is new.

    Raises:
        NotPermitted: names the elements, never what they say.
    """
    resource_type = after["resourceType"]
    _must_have_the_right(actor, before, after)
    flaws = _of_new(actor, after) if before is None else _of_change(actor, before, after, policy)
    if found := sorted(set(flaws)):
        raise NotPermitted(f"not yours to write: {', '.join(f'{resource_type}.{element}' for element in found)}")


def _must_have_the_right(actor: Actor, before: Json | None, after: Json) -> None:
    if actor.role is Role.SYSTEM:
        raise NotPermitted(ONLY_READS)
    if actor.proxy is None or after["resourceType"] in {"AuditEvent", "Provenance"}:
        return
    needed = Right.RECORD if _is_recording(before, after) else Right.ACT
    if needed not in actor.proxy.rights:
        raise right_missing(actor.proxy, needed)


def _is_recording(before: Json | None, after: Json) -> bool:
    """A measurement, how something to do went, and what follows from it for the goal and for what the plan tells.

    What the patient wants is no measurement: it decides what is done.
    """
    resource_type = after["resourceType"]
    if before is None:
        return (resource_type == "Observation" and not is_preference(after)) or is_report(after)
    return changed_elements(before, after) <= FOLLOWS.get(resource_type, frozenset())


def _of_new(actor: Actor, after: Json) -> Flaws:
    resource_type = after["resourceType"]
    author = AUTHOR.get(resource_type)
    if author and _reference(after.get(author)) != actor.reference:
        yield author
    if resource_type == "Goal":
        yield from _acceptances(actor, {}, after)
    if resource_type == "Observation":
        yield from _performers(actor, after)
    if resource_type in {"AuditEvent", "Provenance"} and not _is_by(actor, after):
        yield "agent"
    yield from _labels(actor, {}, after)


def _of_change(actor: Actor, before: Json, after: Json, policy: Policy) -> Flaws:
    resource_type, changed = after["resourceType"], changed_elements(before, after)
    if patient_of(before) != patient_of(after) or PATIENT_ELEMENT.get(resource_type) in changed:
        yield PATIENT_ELEMENT.get(resource_type, "id")
    allowed = (PATIENT_SIDE if actor.on_patient_side else CHANGEABLE).get(resource_type)
    yield from changed - allowed if allowed is not None else ()
    yield from (e for e in changed if (resource_type, e) in ADDED_TO_ONLY and not _is_added_to(before, after, e))
    yield from _labels(actor, before, after)
    if rule := CHANGES.get(resource_type):
        yield from rule(actor, before, after, policy)


def _of_goal(actor: Actor, before: Json, after: Json, policy: Policy) -> Flaws:
    changed = changed_elements(before, after)
    if "startDate" in changed and "startDate" in before:
        yield "startDate"
    if "identifier" in changed and _systems(_added(before, after, "identifier")) - {GOAL_THREAD, OPERATION}:
        yield "identifier"
    if any(_reference(n.get("authorReference")) != actor.reference for n in _added(before, after, "note")):
        yield "note"
    if "priority" in changed and goal_from_fhir(after).priority is not common_priority(goal_from_fhir(after)):
        yield "priority"
    if _ends_for_the_patient(actor, before, after) and not policy.proxies_end_patients_goals:
        yield "lifecycleStatus"
    yield from _acceptances(actor, before, after)
    yield from _other_extensions(before, after)


def _of_observation(actor: Actor, before: Json, after: Json, policy: Policy) -> Flaws:
    """A measurement is corrected by whoever made it; a clinician may say that somebody else's is wrong. The patient may
    keep it from the family, see `_labels`.
    """
    if is_preference(before) and not changed_elements(before, after) <= {"meta"}:
        yield from _of_preference(actor, before, after, policy)
        return
    mine = actor.reference in map(_reference, before.get("performer", [])) or actor.reference in policy.custodians
    allowed = {"meta", "note", "status"}
    if actor.on_patient_side:
        allowed = {"meta"} if actor.role is Role.PATIENT else set()
    yield from set() if mine else changed_elements(before, after) - allowed


def _of_preference(actor: Actor, before: Json, after: Json, policy: Policy) -> Flaws:
    """What was said stays as it was said; it ends by whoever may withdraw it."""
    yield from changed_elements(before, after) - WITHDRAWAL
    in_error = after.get("status") == ObservationStatus.ENTERED_IN_ERROR
    if not may_withdraw(preference_from_fhir(before), actor, policy, in_error=in_error):
        yield "status"


def _of_list(actor: Actor, before: Json, after: Json, policy: Policy) -> Flaws:
    """Each party has their own order. The patient takes what is private off the lists that the family sees."""
    if actor.reference != priority_list_from_fhir(before).source and actor.role is not Role.PATIENT:
        yield "entry"


CHANGES: Final[Mapping[str, Callable[[Actor, Json, Json, Policy], Flaws]]] = {
    "Goal": _of_goal,
    "List": _of_list,
    "Observation": _of_observation,
}


def _acceptances(actor: Actor, before: Json, after: Json) -> Flaws:
    """Everybody speaks for themselves; who is asked is pending. A family member answers in the patient's place."""
    was, now = _by_individual(before), _by_individual(after)
    for individual in was.keys() | now.keys():
        said, says = was.get(individual), now.get(individual)
        if said == says or individual == actor.reference:
            continue
        asked = said is None and says is not None and _is_pending(says)
        in_their_place = actor.role is Role.RELATED_PERSON and individual == patient_of(after)
        answered = says is None and said is not None and _is_pending(said) and in_their_place
        if not asked and not answered:
            yield "extension"


def _by_individual(goal: Json) -> dict[Reference, Json]:
    found = (
        (_reference(extension_value(e, "individual", "valueReference")), e) for e in _of_url(goal, GOAL_ACCEPTANCE)
    )
    return {individual: extension for individual, extension in found if individual}


def _is_pending(acceptance: Json) -> bool:
    silent = extension_value(acceptance, "priority", "valueCodeableConcept") is None
    return silent and extension_value(acceptance, "status", "valueCode") == AcceptanceStatus.PENDING


def _other_extensions(before: Json, after: Json) -> Flaws:
    """Those of other systems stay as they are; what replaces a goal is only added."""
    if _not_ours(before) != _not_ours(after):
        yield "extension"
    if any(e not in _of_url(after, GOAL_RELATIONSHIP) for e in _of_url(before, GOAL_RELATIONSHIP)):
        yield "extension"


def _not_ours(goal: Json) -> list[Json]:
    return [e for e in goal.get("extension", []) if not str(e.get("url")).startswith(GOAL_EXTENSIONS)]


def _ends_for_the_patient(actor: Actor, before: Json, after: Json) -> bool:
    """True if a family member ends what the patient has proposed, other than by agreeing to something instead."""
    of_the_patient = _reference(before.get("expressedBy")) == patient_of(before)
    ended = after.get("lifecycleStatus") in ENDS and before.get("lifecycleStatus") != after.get("lifecycleStatus")
    replaced = len(_of_url(after, GOAL_RELATIONSHIP)) > len(_of_url(before, GOAL_RELATIONSHIP))
    return actor.role is Role.RELATED_PERSON and of_the_patient and ended and not replaced


def _performers(actor: Actor, after: Json) -> Flaws:
    """Nobody measures in another clinician's name; what a patient has said, a clinician may write down."""
    others = {_reference(p) for p in after.get("performer", []) if not has_asked(p)} - {actor.reference, None}
    people = {r for r in others if r and r.startswith(("Patient/", "RelatedPerson/", "Practitioner"))}
    if any(actor.on_patient_side or r.startswith("Practitioner") for r in people):
        yield "performer"


def _is_by(actor: Actor, entry: Json) -> bool:
    return actor.reference in (_reference(agent.get("who")) for agent in entry.get("agent", []))


def _labels(actor: Actor, before: Json, after: Json) -> Flaws:
    """Labels are the service's. The patient may make something private, and only the patient shows it again."""
    if before and _meta(before, "tag") != _meta(after, "tag"):
        yield "meta.tag"
    was, now = _meta(before, "security"), _meta(after, "security")
    added, gone = [s for s in now if s not in was], [s for s in was if s not in now]
    secret = [s for s in (*added, *gone) if s.get("system") == CONFIDENTIALITY]
    if (actor.role is Role.RELATED_PERSON and secret) or (gone and actor.role is not Role.PATIENT):
        yield "meta.security"
    if any(s not in secret and not _is_own_label(actor, before, s) for s in (*added, *gone)):
        yield "meta.security"
    if before and not _keeps_profile(before, after):
        yield "meta.profile"


def _is_own_label(actor: Actor, before: Json, label: Json) -> bool:
    """New things of the patient's side say that they are."""
    asserted = label.get("system") == INTEGRITY and label.get("code") == PATIENT_ASSERTED
    return not before and actor.on_patient_side and asserted


def _keeps_profile(before: Json, after: Json) -> bool:
    """A goal declares the profile of PCO once it has a start, beside what it declares; nothing else changes."""
    was, now = _meta(before, "profile"), _meta(after, "profile")
    added = now[len(was) :]
    of_goal = before["resourceType"] == "Goal" and all(p.startswith(PCO_PROFILES) for p in added)
    return now[: len(was)] == was and (of_goal or not added)


def _meta(resource: Json, name: str) -> list[Any]:
    found: list[Any] = resource.get("meta", {}).get(name, [])
    return found


def _is_added_to(before: Json, after: Json, element: str) -> bool:
    was, now = before.get(element, []), after.get(element, [])
    return isinstance(was, list) and isinstance(now, list) and now[: len(was)] == was


def _added(before: Json, after: Json, element: str) -> list[Json]:
    was = before.get(element, [])
    return [item for item in after.get(element, [])[len(was) :] if isinstance(item, dict)]


def _systems(identifiers: list[Json]) -> set[str | None]:
    return {i.get("system") for i in identifiers}


def _of_url(goal: Json, url: str) -> list[Json]:
    return extensions(goal, url)


def _reference(element: Any) -> Reference | None:
    value = element.get("reference") if isinstance(element, dict) else None
    return value.partition("/_history/")[0] if isinstance(value, str) else None
