"""Who may see and touch which resource. A foreign resource and an absent one are the same to whoever asks.

The FHIR server protects nothing: each resource that enters or leaves is judged here on its own, by the patient whom
it is about, by the token's scopes and by the rights of a family member.
"""

from collections.abc import Collection, Iterator
from typing import Final

from fhir_mappings.carrier import Json
from fhir_mappings.codes import SHARED_PLAN
from fhir_mappings.compartment import COMPARTMENT, PATIENT_FREE, is_patient_free, patient_of, references_in
from fhir_mappings.elements import identifier, is_restricted
from fhir_mappings.model import Reference
from service.domain.actors import Actor, ProxyRights, Right, Role
from service.domain.scopes import Interaction, Scope, could_grant, grants, grants_all
from service.errors import NotPermitted, ScopeMissing

LEDGER: Final = frozenset({"AuditEvent", "Provenance"})
"""Types that are about other resources: whoever may see what they are about may see them. No scope is needed."""
PEOPLE: Final = frozenset({"Patient", "RelatedPerson"})
IDENTITY: Final = ("resourceType", "id", "meta", "patient")
"""What is left of a person whom the token may not read: enough to know that they exist and whom they are about."""
ABOUT_GOALS: Final = {"Communication": "about", "Task": "focus"}
"""Types that serve the agreement on a goal, and the element that names the goal."""
WRITES: Final = frozenset({Interaction.CREATE, Interaction.UPDATE})
TOLD_OF: Final = frozenset({"CommunicationRequest", "Goal", "List", "Observation", "ServiceRequest"})
"""Types that the narrative of a plan tells of."""
KEPT_ELEMENTS: Final = frozenset({"activity", "contributor", "goal", "text"})
"""Elements of a plan that CoPlan keeps true by itself when a goal or an activity changes."""


def may_see(actor: Actor, resource: Json, *, seen: Collection[Reference] = ()) -> bool:
    """True if the resource is about somebody whose data are the actor's to see, and is not kept from the family.

    Args:
        seen: references of resources that this actor has been allowed already; a Provenance is judged by them.
    """
    resource_type = resource["resourceType"]
    if actor.role is Role.RELATED_PERSON and is_restricted(resource):
        return False
    if is_patient_free(resource):
        return True
    if resource_type in LEDGER:
        return any(reference in seen for reference in subjects_of(resource))
    patient = patient_of(resource)
    return patient is not None and actor.may_act_for(patient)


def authorise(
    actor: Actor,
    resource: Json,
    interaction: Interaction,
    *,
    seen: Collection[Reference] = (),
    new_goals: Collection[Reference] = (),
) -> bool:
    """True if the actor may read, find, create or update this very resource: the one judgement of all that passes.

    Args:
        seen: references of resources that this actor has been allowed already; a Provenance is judged by them.
        new_goals: the URNs of goals that the same transaction creates.
    """
    if interaction in WRITES and resource["resourceType"] in LEDGER:
        return True  # CoPlan writes them itself, beside what the actor does; `edits` says in whose name
    return may_see(actor, resource, seen=seen) and _is_in_scope(actor, resource, interaction, new_goals)


def must_be_in_scope(actor: Actor, resource_type: str, interaction: Interaction) -> None:
    """Refuses before anything is asked of the FHIR server what the token was not given for, whatever the id.

    Raises:
        ScopeMissing: names the least scope that would do.
        NotPermitted: a family member who may not see anything.
    """
    if actor.proxy is not None and Right.READ not in actor.proxy.rights:
        raise NotPermitted(f"what you may do for the patient is decided by {actor.proxy.by}: you may not see the plan")
    if not could_reach(actor, resource_type, interaction):
        raise scope_missing(actor, resource_type, interaction)


def could_reach(actor: Actor, resource_type: str, interaction: Interaction) -> bool:
    """True if the token is good for this with some resource of this type; which, is seen when it is in hand."""
    if _needs_no_scope(resource_type) and interaction not in WRITES:
        return True
    granted = actor.granted(None)
    about_goals = resource_type in ABOUT_GOALS and _reaches_what_is_about_goals(granted, interaction)
    return about_goals or could_grant(granted, resource_type, interaction)


def right_missing(proxy: ProxyRights, right: Right) -> NotPermitted:
    """The refusal for want of a right of a family member."""
    return NotPermitted(f"what you may do for the patient is decided by {proxy.by}: you may not {right}")


def scope_missing(actor: Actor, resource_type: str, interaction: Interaction) -> ScopeMissing:
    """The refusal for want of a scope."""
    level = "system" if actor.role is Role.SYSTEM else "patient" if actor.context else "user"
    least = f"{level}/{resource_type}.{interaction}"
    return ScopeMissing(f"the token has no scope for this {resource_type}: it takes {least}", least)


def may_write_beside(actor: Actor, resource: Json, before: Json | None, others: Collection[Json]) -> bool:
    """True for what CoPlan writes by itself beside an act that the token was given for.

    A plan follows the goals and activities that it links: its links, contributors and narrative; and a patient's first
    agreement opens one. The achievementStatus of a goal follows its measurements. What is about a goal is labelled as
    the goal is, by the patient who decides who sees it.

    Args:
        others: what else is written in the same transaction.
    """
    patient = patient_of(resource)
    granted = actor.granted(patient)
    changed = changed_elements(before or {}, resource)
    match resource["resourceType"]:
        case "CarePlan" if before is None:
            return _opens_along(resource) and grants_all(granted, "Goal", Interaction.UPDATE)
        case "CarePlan":
            beside = any(o["resourceType"] in TOLD_OF and patient_of(o) == patient for o in others)
            return beside and changed <= KEPT_ELEMENTS
        case "Goal" if before is not None:
            with_measurement = any(o["resourceType"] == "Observation" and patient_of(o) == patient for o in others)
            return with_measurement and changed <= {"achievementStatus"}
        case _ if before is not None and actor.role is Role.PATIENT:
            goals = (o for o in others if o["resourceType"] == "Goal" and patient_of(o) == patient)
            return changed == {"meta"} and any(is_restricted(g) == is_restricted(resource) for g in goals)
    return False


def needed_for(resource: Json, interaction: Interaction) -> tuple[str, Interaction]:
    """What the least scope that would do is about."""
    if interaction is Interaction.CREATE and _opens_along(resource):
        return "Goal", Interaction.UPDATE
    return resource["resourceType"], interaction


def changed_elements(before: Json, after: Json) -> set[str]:
    """The top-level elements in which the two differ; what is said of a primitive (`_status`) belongs to it."""
    return {name.removeprefix("_") for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def may_name(actor: Actor, reference: Reference, *, seen: Collection[Reference]) -> bool:
    """True if a resource that this actor writes may refer to this one."""
    resource_type = reference.partition("/")[0]
    if reference == actor.reference:
        return True
    if resource_type == "Patient":
        return actor.may_act_for(reference)
    return reference in seen or (resource_type not in COMPARTMENT and resource_type not in LEDGER)


def subjects_of(resource: Json) -> Iterator[Reference]:
    """What a Provenance or an AuditEvent is about."""
    elements = resource.get("target", []) if resource["resourceType"] == "Provenance" else resource.get("entity", [])
    for _, reference in references_in(elements, ""):
        yield reference.partition("/_history/")[0]


def may_read_narrative(actor: Actor, plan: Json) -> bool:
    """True if the token may be shown all that the narrative of a plan can tell of, which nobody can take apart."""
    granted = actor.granted(patient_of(plan))
    return all(grants_all(granted, resource_type, Interaction.READ) for resource_type in TOLD_OF)


def without_content(actor: Actor, resource: Json) -> Json:
    """A person as the token may read them: without a scope for it, no more than that they exist."""
    if resource["resourceType"] not in PEOPLE:
        return resource
    if grants(actor.granted(patient_of(resource)), resource, Interaction.READ):
        return resource
    return {name: resource[name] for name in IDENTITY if name in resource}


def _opens_along(resource: Json) -> bool:
    """True for the plans that a patient's first agreements open: they are known by the patient's id."""
    patient = patient_of(resource) if resource["resourceType"] == "CarePlan" else None
    own = patient.partition("/")[2] if patient else ""
    return bool(own) and identifier(resource, SHARED_PLAN) in {own, f"{own}.private"}


def _is_in_scope(actor: Actor, resource: Json, interaction: Interaction, new_goals: Collection[Reference]) -> bool:
    if _needs_no_scope(resource["resourceType"]) and interaction not in WRITES:
        return True
    granted = actor.granted(patient_of(resource))
    return grants(granted, resource, interaction) or (
        _is_about_goal(resource, new_goals) and _reaches_what_is_about_goals(granted, interaction)
    )


def _needs_no_scope(resource_type: str) -> bool:
    """Who works here and that a person exists is looked up, not shown; the ledger is seen with what it is about."""
    return resource_type in PATIENT_FREE or resource_type in LEDGER or resource_type in PEOPLE


def _is_about_goal(resource: Json, new_goals: Collection[Reference]) -> bool:
    elements = resource.get(ABOUT_GOALS.get(resource["resourceType"], ""), [])
    named = [reference for _, reference in references_in(elements, "")]
    return bool(named) and all(n.startswith("Goal/") or n in new_goals for n in named)


def _reaches_what_is_about_goals(granted: Collection[Scope], interaction: Interaction) -> bool:
    """Whoever may offer or answer goals may ask and say something about them; a granular scope reaches no further."""
    needed = WRITES if interaction in WRITES else {interaction}
    return any(grants_all(granted, "Goal", i) for i in needed)
