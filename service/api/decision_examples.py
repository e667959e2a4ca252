"""One example per body about decisions: an emergency department at night. Synthetic people."""

from typing import Any, Final

from service.api.examples import CLINICIAN, PATIENT

STATE: Final = {
    "words": "I want to sleep in my own bed tonight, my sister can stay with me",
    "admission": "prefers-home",
    "onlyIf": "the pain can be kept under control",
    "askedBy": "Practitioner/nora",
    "encounter": "Encounter/ed-1",
}
PREFERENCE: Final[dict[str, Any]] = {
    "id": "home-1",
    "version": "1",
    "patient": PATIENT,
    "kind": "treatment-intervention-preference",
    "inWords": STATE["words"],
    "words": STATE["words"],
    "admission": "prefers-home",
    "about": {
        "text": "Admission to hospital",
        "coding": [
            {"system": "urn:coplan:preference-topic", "code": "admission", "display": "Admission to hospital"},
        ],
    },
    "stance": "does-not-want",
    "answer": [
        {"system": "urn:coplan:admission-preference", "code": "prefers-home", "display": "Prefers care at home"},
    ],
    "onlyIf": STATE["onlyIf"],
    "source": "patient",
    "statedBy": PATIENT,
    "askedBy": "Practitioner/nora",
    "saidAt": "2026-12-03T21:40:00Z",
    "recordedAt": "2026-12-03T21:40:00Z",
    "encounter": "Encounter/ed-1",
    "reviewOn": "2026-12-10",
    "patientSupplied": True,
}
HELD: Final = {**PREFERENCE, "hold": "in-force"}
EARLIER: Final = {
    "id": "wants-1",
    "version": "1",
    "patient": PATIENT,
    "kind": "treatment-intervention-preference",
    "inWords": "Wants to be admitted",
    "admission": "wants-admission",
    "stance": "wants",
    "source": "clinician",
    "statedBy": CLINICIAN,
    "askedBy": CLINICIAN,
    "saidAt": "2026-03-14T10:05:00Z",
    "recordedAt": "2026-03-14T10:05:00Z",
    "hold": "superseded",
    "heldUntil": "2026-12-03T21:40:00Z",
    "supersededBy": "Observation/home-1",
}
PREFERENCES: Final = {"preferences": [HELD, EARLIER]}
CURRENT: Final = {
    "patient": PATIENT,
    "asOf": "2026-12-03T21:41:00Z",
    "admission": {"asked": True, "answer": HELD, "underConditions": [HELD]},
    "preferences": [HELD],
}
WITHDRAW: Final = {"reason": "My sister had to leave: I would rather stay here now."}
WITHDRAWN: Final = {**PREFERENCE, "version": "2", "heldUntil": "2026-12-03T23:10:00Z", "note": WITHDRAW["reason"]}
CONFLICTS: Final = {
    "conflicts": [
        {
            "rule": "admission-not-wanted",
            "title": "Admission that the patient does not want",
            "indicator": "warning",
            "order": {
                "resourceType": "ServiceRequest",
                "words": "Hospital admission",
                "status": "draft",
                "reference": "ServiceRequest/adm-1",
            },
            "ordered": "Admission to hospital: Hospital admission",
            "wanted": f"“{STATE['words']}” (said by the patient, 03 Dec 2026)",
            "against": "Observation/home-1",
            "onlyIf": STATE["onlyIf"],
        }
    ]
}
ASKED_FIRST: Final = {
    "measure": "urn:coplan:measure:asked-first|1.0.0",
    "askedFirst": 1,
    "orders": 1,
    "couldNotBeAsked": 0,
    "share": 1.0,
    "admissions": [
        {
            "order": {
                "resourceType": "ServiceRequest",
                "words": "Hospital admission",
                "status": "active",
                "reference": "ServiceRequest/adm-1",
                "authoredOn": "2026-12-03T22:15:00Z",
            },
            "verdict": "asked-first",
            "asked": "Observation/home-1",
        }
    ],
}
CODE_SYSTEM: Final = {
    "resourceType": "CodeSystem",
    "id": "admission-preference",
    "url": "urn:coplan:admission-preference",
    "status": "active",
    "content": "complete",
    "concept": [{"code": "prefers-home", "display": "Prefers care at home"}],
}
