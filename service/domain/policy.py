"""What an organisation decides for itself about co-authoring."""

from dataclasses import dataclass
from typing import Final

from fhir_mappings.model import Reference


@dataclass(frozen=True, slots=True)
class Policy:
    """The switches of the lifecycle.

    `ending_needs_confirmation`: a goal is completed (or cancelled by the care team) only when the other side confirms.
    `self_managed_goals`: the care team may agree to disagree, which leaves the goal to the patient.
    `all_asked_must_agree`: a goal stays on the table until each who was asked agrees; one no is enough to decline it.
    `custodians`: who, besides the author, may mark a goal as entered in error.
    """

    ending_needs_confirmation: bool = True
    self_managed_goals: bool = True
    custodians: frozenset[Reference] = frozenset()
    all_asked_must_agree: bool = False


DEFAULT_POLICY: Final = Policy()
