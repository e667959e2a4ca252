"""What an organisation decides for itself about co-authoring."""

from dataclasses import dataclass
from typing import Final

from fhir_mappings.model import Reference


@dataclass(frozen=True, slots=True)
class Policy:
    """The switches of the lifecycle.

    `ending_needs_confirmation`: a goal is completed (or cancelled by the care team) only when the other side confirms.
    `self_managed_goals`: the care team may agree to disagree, which leaves the goal to the patient.
    `custodians`: who, besides the author, may mark a goal as entered in error or resolve an objection to a template.
    `template_patients`, `template_clinicians`: so many of each must endorse a template before it is released.
    """

    ending_needs_confirmation: bool = True
    self_managed_goals: bool = True
    custodians: frozenset[Reference] = frozenset()
    template_patients: int = 1
    template_clinicians: int = 1


DEFAULT_POLICY: Final = Policy()
