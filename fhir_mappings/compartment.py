"""Which patient a resource is about.

Source: https://hl7.org/fhir/R4/compartmentdefinition-patient.html
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fhir_mappings.carrier import Json
from fhir_mappings.measure import only_counts
from fhir_mappings.model import Reference

PATIENT_ELEMENT: Final[Mapping[str, str]] = {
    "CarePlan": "subject",
    "CareTeam": "subject",
    "Communication": "subject",
    "CommunicationRequest": "subject",
    "Condition": "subject",
    "Consent": "patient",
    "DeviceRequest": "subject",
    "Encounter": "subject",
    "Goal": "subject",
    "List": "subject",
    "MedicationRequest": "subject",
    "NutritionOrder": "patient",
    "MeasureReport": "subject",
    "Observation": "subject",
    "QuestionnaireResponse": "subject",
    "RelatedPerson": "patient",
    "ServiceRequest": "subject",
    "Task": "for",
    "VisionPrescription": "patient",
}
"""The element that names the patient, by type of resource; Appointment names it among its participants."""

COMPARTMENT: Final = frozenset({"Appointment", *PATIENT_ELEMENT})
"""Types that are about a patient."""

PATIENT_FREE: Final = frozenset(
    {"HealthcareService", "Location", "Organization", "PlanDefinition", "Practitioner", "PractitionerRole"}
)
"""Types that are about no patient."""


def patient_of(resource: Json) -> Reference | None:
    """The one patient that the resource is about; None where it names none, or is of a type that has none."""
    resource_type = resource.get("resourceType", "")
    if resource_type == "Patient":
        return f"Patient/{resource.get('id')}"
    if resource_type == "Appointment":
        return _only_patient_of(resource)
    element = resource.get(PATIENT_ELEMENT.get(resource_type, ""))
    reference = element.get("reference") if isinstance(element, dict) else None
    return reference.partition("/_history/")[0] if isinstance(reference, str) else None


def _only_patient_of(appointment: Json) -> Reference | None:
    """An appointment names its patient among its participants; one of several patients is about no single one."""
    actors = (p.get("actor", {}).get("reference", "") for p in appointment.get("participant", []))
    patients = {a for a in actors if a.startswith("Patient/")}
    return patients.pop() if len(patients) == 1 else None


def local(reference: Reference) -> Reference:
    """`Type/id` of a literal reference, whatever its base and version: a server may keep references to itself absolute.

    Source: https://hl7.org/fhir/R4/references.html#literal
    """
    return "/".join(reference.partition("/_history/")[0].rsplit("/", 2)[-2:])


def references_in(value: Any, path: str) -> Iterator[tuple[str, Reference]]:
    """Each literal reference at or below this element, with its FHIRPath."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "reference" and isinstance(inner, str):
                yield f"{path}.reference", inner
            else:
                yield from references_in(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from references_in(inner, f"{path}[{position}]")


def is_patient_free(resource: Json) -> bool:
    """True if the resource is about no patient: by its type, or a MeasureReport that only counts.

    Source: https://hl7.org/fhir/R4/measurereport.html (type `summary`)
    """
    resource_type = resource.get("resourceType")
    return only_counts(resource) if resource_type == "MeasureReport" else resource_type in PATIENT_FREE
