"""What an organisation decides for itself about co-authoring."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fhir_mappings.model import Reference


class PractitionerAccess(StrEnum):
    """Whose data a practitioner sees: those on whose care team they are, also whom the EHR has launched, or all."""

    CARE_TEAM = "care-team"
    LAUNCH = "launch"
    ANY = "any"


class ProxyAccess(StrEnum):
    """What a family member may for whom no Consent speaks."""

    FULL = "full"
    READ = "read"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Policy:
    """The switches of the lifecycle.

    `ending_needs_confirmation`: a goal is completed (or cancelled by the care team) only when the other side confirms.
    `self_managed_goals`: the care team may agree to disagree, which leaves the goal to the patient.
    `all_asked_must_agree`: a goal stays on the table until each who was asked agrees; one no is enough to decline it.
    `custodians`: who, besides the author, may mark a goal as entered in error.
    `proxies_end_patients_goals`: a family member may cancel or void what the patient has proposed.
    `custodians`: who, besides the author, may mark a goal as entered in error or resolve an objection to a template.
    `template_patients`, `template_clinicians`: so many of each must endorse a template before it is released.
    """

    ending_needs_confirmation: bool = True
    self_managed_goals: bool = True
    custodians: frozenset[Reference] = frozenset()
    all_asked_must_agree: bool = False
    practitioner_access: PractitionerAccess = PractitionerAccess.CARE_TEAM
    proxy_access: ProxyAccess = ProxyAccess.FULL
    proxies_end_patients_goals: bool = False
    template_patients: int = 1
    template_clinicians: int = 1


DEFAULT_POLICY: Final = Policy()
