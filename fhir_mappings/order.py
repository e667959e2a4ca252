"""Drafts, plans and orders as far as a decision needs them: what is to be done, to whom, since when.

Only read: CoPlan never writes an order.

Source: https://hl7.org/fhir/R4/request.html
    https://hl7.org/fhir/R4/encounter.html
    https://hl7.org/fhir/R4/appointment.html
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from fhir_mappings.carrier import Json
from fhir_mappings.compartment import patient_of
from fhir_mappings.decision import Order
from fhir_mappings.elements import MappingError, concept, instant, optional_reference, references, text
from fhir_mappings.model import Coding, Concept

CONCEPTS: Final[Mapping[str, tuple[str, ...]]] = {
    "Appointment": ("appointmentType", "serviceType"),
    "CommunicationRequest": ("category",),
    "DeviceRequest": ("codeCodeableConcept",),
    "Encounter": ("type",),
    "MedicationRequest": ("medicationCodeableConcept",),
    "NutritionOrder": ("oralDiet.type", "supplement.type", "enteralFormula.baseFormulaType"),
    "ServiceRequest": ("code", "category"),
    "VisionPrescription": (),
}
"""Where each type says what is to be done; also the types that are read as orders."""

AUTHORED: Final = ("authoredOn", "dateTime", "created", "dateWritten")


def is_order(resource: Json) -> bool:
    """True for a type that is read as an order."""
    return resource.get("resourceType") in CONCEPTS


def order_from_fhir(resource: Json) -> Order:
    """The elements of a request, an encounter or an appointment that a decision turns on.

    Raises:
        MappingError: it is of a type that is none of these.
    """
    resource_type = str(resource.get("resourceType"))
    if resource_type not in CONCEPTS:
        raise MappingError("resourceType", "is no order, encounter or appointment")
    concepts = tuple(_concepts(resource, resource_type))
    return Order(
        resource_type=resource_type,
        id=text(resource, "id", f"{resource_type}.id"),
        subject=patient_of(resource),
        words=_words(resource, concepts),
        status=text(resource, "status", f"{resource_type}.status") or "unknown",
        codes=(*_class(resource), *(c for given in concepts for c in given.codings)),
        intent=text(resource, "intent", f"{resource_type}.intent"),
        authored_on=_authored(resource, resource_type),
        encounter=optional_reference(resource, "encounter", f"{resource_type}.encounter"),
        requester=optional_reference(resource, "requester", f"{resource_type}.requester"),
        based_on=references(resource, "basedOn", f"{resource_type}.basedOn"),
        not_to_be_done=resource.get("doNotPerform") is True,
    )


def _concepts(resource: Json, resource_type: str) -> Iterator[Concept]:
    for path in CONCEPTS[resource_type]:
        name, _, inner = path.partition(".")
        for element in _listed(resource.get(name)):
            yield from (concept(e) for e in (_listed(element.get(inner)) if inner else [element]))


def _authored(resource: Json, resource_type: str) -> datetime | None:
    """When it was ordered; an encounter counts from its start."""
    elements = ((resource, name) for name in AUTHORED)
    period = ((resource.get("period") or {}, "start"),) if resource_type == "Encounter" else ()
    return next((at for e, name in (*elements, *period) if (at := instant(e, name, f"{resource_type}.{name}"))), None)


def _listed(value: object) -> list[Json]:
    return [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, dict)]


def _class(resource: Json) -> tuple[Coding, ...]:
    """`Encounter.class`, which is a Coding."""
    return tuple(Coding(c.get("system"), c.get("code"), c.get("display")) for c in _listed(resource.get("class")))


def _words(resource: Json, concepts: tuple[Concept, ...]) -> str:
    said = (c.text or next((k.display for k in c.codings if k.display), None) for c in concepts)
    described = text(resource, "description", "Appointment.description")
    coded = (k.code for c in concepts for k in c.codings)
    return described or next(filter(None, said), None) or next(filter(None, coded), None) or "something not named"
