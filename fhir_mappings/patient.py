"""Patient: the languages that somebody wants to be spoken to, and when they were born.

Source: https://hl7.org/fhir/R4/patient.html
"""

from fhir_mappings.carrier import Json
from fhir_mappings.elements import DATE, concept, items
from fhir_mappings.model import PartialDate


def birth_date_from_fhir(patient: Json) -> PartialDate | None:
    """Perhaps without day or month; None where it is not known, or no date: nothing is refused for that."""
    written = patient.get("birthDate")
    return PartialDate(written) if isinstance(written, str) and DATE.fullmatch(written) else None


def languages_from_fhir(patient: Json) -> tuple[str, ...]:
    """BCP 47 tags, the preferred one first."""
    spoken = items(patient, "communication", "Patient.communication")
    ranked = sorted(spoken, key=lambda c: c.get("preferred") is not True)
    return tuple(c.code for s in ranked for c in concept(s.get("language") or {}).codings if c.code)
