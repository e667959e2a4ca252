"""Who acts, in which role, for which patients."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fhir_mappings.model import Reference


class Role(StrEnum):
    """The resource type of the actor's `fhirUser`."""

    PATIENT = "Patient"
    RELATED_PERSON = "RelatedPerson"
    PRACTITIONER = "Practitioner"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says. `fhir_user` and `patient` are `Type/id`.

    Source: https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
    """

    issuer: str
    subject: str
    client_id: str
    scopes: frozenset[str]
    expires_at: datetime
    fhir_user: Reference | None = None
    patient: Reference | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever the token speaks for.

    `patients` are those whose data the actor may see and change; None: any patient.
    `organization` is on whose behalf a practitioner acts (US Core Provenance requires one).
    `client_id` is the application that carried the act.
    """

    reference: Reference
    role: Role
    client_id: str
    issuer: str
    scopes: frozenset[str] = frozenset()
    patients: frozenset[Reference] | None = frozenset()
    organization: Reference | None = None
    display: str | None = None

    @property
    def on_patient_side(self) -> bool:
        """True for the patient and for the family member who speaks for them."""
        return self.role is not Role.PRACTITIONER

    def may_act_for(self, patient: Reference) -> bool:
        """True if the patient's data are the actor's to see."""
        return self.patients is None or patient in self.patients
