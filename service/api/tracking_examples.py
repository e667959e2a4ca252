"""Examples for what is tracked: a day with diabetes, sent from a phone that was offline. Synthetic."""

from typing import Any, Final

from service.api.examples import PATIENT

ITEMS: Final = {
    "items": [
        {
            "id": "phone-0181",
            "what": "carbohydrate",
            "value": 45,
            "unit": "g",
            "effective": "2026-12-03T12:40:00+01:00",
        },
        {"id": "phone-0182", "what": "insulin", "value": 4.5, "unit": "[IU]", "effective": "2026-12-03T12:41:00+01:00"},
        {
            "id": "phone-0183",
            "what": "glucose",
            "value": 45.0,
            "unit": "mmol/L",
            "effective": "2026-12-03T14:40:00+01:00",
            "goals": ["sugar-in-range"],
        },
    ]
}
RECORDED: Final = {
    "created": 2,
    "alreadyThere": 0,
    "refused": 1,
    "results": [
        {"outcome": "created", "id": "phone-0181", "observation": "Observation/o-7", "version": "1"},
        {"outcome": "created", "id": "phone-0182", "observation": "Observation/o-8", "version": "1"},
        {
            "outcome": "refused",
            "id": "phone-0183",
            "errors": [
                {
                    "path": "value",
                    "code": "business-rule",
                    "message": "is hardly ever outside 1.1 to 33.3: look again, then send it confirmed",
                }
            ],
        },
    ],
}
AMEND: Final = {"value": 4.5, "reason": "I had mistyped it: 4.5, not 45."}
VOID: Final = {"reason": "This was my brother's value."}
OBSERVATION: Final[dict[str, Any]] = {
    "id": "o-9",
    "version": "2",
    "status": "amended",
    "what": "glucose",
    "category": "laboratory",
    "measure": {
        "text": "Blood sugar, by finger prick",
        "coding": [{"system": "http://loinc.org", "code": "14743-9"}],
    },
    "goals": ["Goal/sugar-in-range"],
    "value": {"quantity": {"value": 4.5, "code": "mmol/L", "unit": "mmol/L"}},
    "effective": "2026-12-03T14:40:00+01:00",
    "performers": [PATIENT],
    "patientSupplied": True,
}
OBSERVATIONS: Final = {"observations": [OBSERVATION], "next": "WyIyMDI2LTEyLTAzVDEzOjQwOjAwWiIse31d"}
CATALOGUE: Final = {
    "trackables": [
        {
            "key": "weight",
            "labels": {"en": "Weight", "es": "Peso"},
            "category": "vital-signs",
            "better": "in-range",
            "units": [
                {
                    "code": "kg",
                    "words": {"en": "kg", "es": "kg"},
                    "coding": {"system": "http://loinc.org", "code": "29463-7"},
                    "plausible": {"low": 1, "high": 300},
                }
            ],
            "possible": {"low": 0},
            "profile": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-body-weight",
        }
    ]
}
