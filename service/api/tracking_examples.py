"""Examples for what is tracked: a day with diabetes, sent from a phone that was offline. Synthetic."""

from typing import Any, Final

from service.api import examples
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
                    "message": "is hardly ever outside 1.1–33.3 mmol/L: look again, then send it confirmed",  # noqa: RUF001
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
    "corrections": [
        {
            "who": PATIENT,
            "at": "2026-12-03T15:02:00+01:00",
            "name": "Ann Ahl",
            "reason": AMEND["reason"],
            "from": {
                "status": "final",
                "value": {"quantity": {"value": 45, "code": "mmol/L", "unit": "mmol/L"}},
                "effective": "2026-12-03T14:40:00+01:00",
            },
            "to": {
                "status": "amended",
                "value": {"quantity": {"value": 4.5, "code": "mmol/L", "unit": "mmol/L"}},
                "effective": "2026-12-03T14:40:00+01:00",
            },
        }
    ],
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

SIGNALS: Final = {
    "median": 158.5,
    "longestRun": 9,
    "longestExpected": 8,
    "crossings": 9,
    "fewestExpected": 7,
    "shift": True,
    "fewCrossings": False,
}
FORECAST: Final = {"day": "2026-12-27", "low": 112, "high": 160}
LAST_DAYS: Final = {"of": 7, "recorded": 5, "met": 4}
GAPS: Final = [{"after": "2026-11-17", "before": "2026-11-21"}]
SAID: Final = [
    "Target: 70 to 180 mg/dL.",
    "Latest: 151 mg/dL on Dec 3, 2026.",
    "One mark a day: the middle value.",
    "22 marks from Nov 9, 2026 to Dec 3, 2026.",
    "Recorded on 5 of the last 7 days. Target met on 4 of these.",
    "No values between Nov 17, 2026 and Nov 21, 2026.",
    "Something has probably changed: 9 marks in a row lie on one side of the middle line. "
    "By chance there would hardly be more than 8.",
    "If nothing changes, 9 of 10 values around Dec 27, 2026 lie between 112 and 160.",
]
RUN_CHART: Final = {
    "what": "Blood sugar, by finger prick",
    "unit": "mg/dL",
    "words": SAID,
    "pace": "day",
    "marks": [
        {"day": "2026-12-02", "value": 152, "count": 1},
        {"day": "2026-12-03", "value": 144.3, "count": 4, "low": 96, "high": 171},
    ],
    "target": "70 to 180 mg/dL",
    "targetLow": 70,
    "targetHigh": 180,
    "gaps": GAPS,
    "signals": SIGNALS,
    "lastDays": LAST_DAYS,
    "forecast": FORECAST,
}
PROGRESS: Final = {
    **examples.PROGRESS,
    "baseline": {"at": "2026-12-02T18:30:00Z", "value": 2600},
    "latest": {"at": "2026-12-03T18:30:00Z", "value": 4200},
    "direction": "up",
    "words": ["Target: at least 4000 steps a day.", "Latest: 4200 steps a day on Dec 3, 2026."],
    "lastDays": LAST_DAYS,
}
