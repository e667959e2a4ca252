"""Patient: the languages that somebody wants to be spoken to.

Source: https://hl7.org/fhir/R4/patient-definitions.html#Patient.communication
"""

from fhir_mappings.carrier import Json
from fhir_mappings.elements import concept, items


def languages_from_fhir(patient: Json) -> tuple[str, ...]:
    """BCP 47 tags, the preferred one first."""
    spoken = items(patient, "communication", "Patient.communication")
    ranked = sorted(spoken, key=lambda c: c.get("preferred") is not True)
    return tuple(c.code for s in ranked for c in concept(s.get("language") or {}).codings if c.code)
