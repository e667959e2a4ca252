"""Who acts, in which role, for which patients, with which rights."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final

from fhir_mappings.model import Reference
from service.domain.scopes import Level, Scope, understood

ONLY_READS: Final = "an application without a user only reads: to act, it takes a token with fhirUser"


class Role(StrEnum):
    """The resource type of the actor's `fhirUser`; Device for an application that acts for no user."""

    PATIENT = "Patient"
    RELATED_PERSON = "RelatedPerson"
    PRACTITIONER = "Practitioner"
    SYSTEM = "Device"


class Right(StrEnum):
    """What a family member may do for a patient. Each is needed by itself: who may act need not be able to read."""

    READ = "read"
    RECORD = "record"
    ACT = "act"


@dataclass(frozen=True, slots=True)
class ProxyRights:
    """What a family member may do, on whose word, and until when (the last day)."""

    rights: frozenset[Right]
    by: str
    until: date | None = None


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

    `patients` are those whose data the actor may see; None: any patient. With `members`, the references under which
    a care team may name the actor, a patient who is not among `patients` is looked up when first asked about.
    `context` is the patient that `patient/` scopes are about. `organization` is on whose behalf a practitioner acts
    (US Core Provenance requires one). `client_id` is the application that carried the act. `proxy` are the rights of
    a family member.
    """

    reference: Reference
    role: Role
    client_id: str
    issuer: str
    scopes: frozenset[str] = frozenset()
    patients: frozenset[Reference] | None = frozenset()
    organization: Reference | None = None
    display: str | None = None
    context: Reference | None = None
    members: frozenset[Reference] = frozenset()
    proxy: ProxyRights | None = None

    @property
    def on_patient_side(self) -> bool:
        """True for the patient and for the family member who speaks for them."""
        return self.role in {Role.PATIENT, Role.RELATED_PERSON}

    def may_act_for(self, patient: Reference) -> bool:
        """True if the patient's data are known to be the actor's to see."""
        return self.patients is None or patient in self.patients

    def granted(self, patient: Reference | None) -> tuple[Scope, ...]:
        """The scopes that count for data of this patient; None: for what is about no patient."""
        return tuple(s for s in understood(self.scopes) if self._counts(s, patient))

    def _counts(self, scope: Scope, patient: Reference | None) -> bool:
        if scope.level is Level.PATIENT:
            return self.context is not None and patient in {self.context, None}
        return (scope.level is Level.SYSTEM) is (self.role is Role.SYSTEM)

    @property
    def fingerprint(self) -> str:
        """Names what this actor may be shown: an answer that was kept for it is for nobody with other rights."""
        rights = sorted(self.proxy.rights) if self.proxy else []
        parts = (self.issuer, self.client_id, self.reference, str(self.context), *sorted(self.scopes), *rights)
        return sha256("\0".join(parts).encode()).hexdigest()
