"""Who may see and touch which resource. A foreign resource and an absent one are the same to whoever asks.

The FHIR server protects nothing: each resource that enters or leaves is judged here on its own.
"""

from collections.abc import Collection, Iterator
from typing import Final

from fhir_mappings.carrier import Json
from fhir_mappings.compartment import PATIENT_ELEMENT, is_patient_free, patient_of, references_in
from fhir_mappings.model import Reference
from service.domain.actors import Actor

LEDGER: Final = frozenset({"AuditEvent", "Provenance"})
"""Types that are about other resources: whoever may see what they are about may see them."""


def may_see(actor: Actor, resource: Json, *, seen: Collection[Reference] = ()) -> bool:
    """True if the resource is the actor's to see.

    Args:
        seen: references of resources that this actor has been allowed already; a Provenance is judged by them.
    """
    resource_type = resource["resourceType"]
    if is_patient_free(resource):
        return True
    if resource_type in LEDGER:
        return any(reference in seen for reference in subjects_of(resource))
    patient = patient_of(resource)
    return patient is not None and actor.may_act_for(patient)


def may_name(actor: Actor, reference: Reference, *, seen: Collection[Reference]) -> bool:
    """True if a resource that this actor writes may refer to this one."""
    resource_type = reference.partition("/")[0]
    if reference.startswith(("urn:uuid:", "#")) or reference == actor.reference:
        return True
    if resource_type == "Patient":
        return actor.may_act_for(reference)
    return reference in seen or (resource_type not in PATIENT_ELEMENT and resource_type not in LEDGER)


def subjects_of(resource: Json) -> Iterator[Reference]:
    """What a Provenance or an AuditEvent is about."""
    elements = resource.get("target", []) if resource["resourceType"] == "Provenance" else resource.get("entity", [])
    for _, reference in references_in(elements, ""):
        yield reference.partition("/_history/")[0]
