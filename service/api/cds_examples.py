"""Examples of CDS Hooks: a clinician is about to sign an admission that the patient does not want. Synthetic people."""

from typing import Any, Final

from fhir_mappings.codes import ENCLOSED_PRECONDITION

CONTEXT: Final = {"userId": "Practitioner/bo", "patientId": "ann", "encounterId": "ed-1"}
DRAFT: Final[dict[str, Any]] = {
    "resourceType": "ServiceRequest",
    "id": "draft-1",
    "status": "draft",
    "intent": "order",
    "code": {
        "coding": [{"system": "http://snomed.info/sct", "code": "32485007"}],
        "text": "Admit to ward 3",
    },
    "subject": {"reference": "Patient/ann"},
    "encounter": {"reference": "Encounter/ed-1"},
}
SAID: Final[dict[str, Any]] = {
    "resourceType": "Observation",
    "id": "home-1",
    "extension": [
        {"url": ENCLOSED_PRECONDITION, "valueCodeableConcept": {"text": "the pain can be kept under control"}}
    ],
    "status": "final",
    "code": {
        "coding": [
            {"system": "http://loinc.org", "code": "75773-2"},
            {"system": "urn:coplan:preference-topic", "code": "admission"},
        ]
    },
    "subject": {"reference": "Patient/ann"},
    "effectiveDateTime": "2025-12-03T21:40:00Z",
    "performer": [{"reference": "Patient/ann"}],
    "valueCodeableConcept": {
        "coding": [{"system": "urn:coplan:admission-preference", "code": "prefers-home"}],
        "text": "I want to sleep in my own bed tonight, my sister can stay with me "
        "(only if: the pain can be kept under control)",
    },
}
ORDER_SIGN: Final[dict[str, Any]] = {
    "hook": "order-sign",
    "hookInstance": "1f5a9e1e-7a44-4c7b-8f63-6a2a6e6f2d10",
    "context": {
        **CONTEXT,
        "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": DRAFT}]},
    },
    "prefetch": {
        "goals": None,
        "preferences": {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": SAID}]},
    },
}
CARDS: Final = {
    "cards": [
        {
            "uuid": "a2d1f0d6-94a3-5ea5-8a44-4c0b25e1b1cd",
            "summary": "Admission that the patient does not want: talk before you sign",
            "indicator": "warning",
            "source": {"label": "CoPlan: what the patient and the care team said"},
            "detail": "“I want to sleep in my own bed tonight, my sister can stay with me” (Prefers care at home). "
            "Said by the patient, December 3, 2025. Only if: the pain can be kept under control."
            "\n\nWhether the condition is met is for you to judge.\n\nOrdered: Admit to ward 3",
            "overrideReasons": [
                {
                    "code": "talked-with-person",
                    "system": "urn:coplan:override-reason",
                    "display": "Talked with the patient or who speaks for them: they agree",
                }
            ],
            "links": [
                {
                    "label": "Ask again, and write down the answer",
                    "url": "https://coplan.example/launch",
                    "type": "smart",
                    "appContext": '{"ask":"admission","encounter":"Encounter/ed-1"}',
                }
            ],
        }
    ]
}
SERVICES: Final = {
    "services": [
        {
            "hook": "order-sign",
            "title": "Does the patient want to be admitted?",
            "description": "What the patient said to admission and treatment, before it is ordered.",
            "id": "coplan-asked-first",
            "prefetch": {"goals": "Goal?patient={{context.patientId}}"},
            "usageRequirements": "Prefetch, or fhirServer with fhirAuthorization.",
        }
    ]
}
FEEDBACK: Final = {
    "feedback": [
        {
            "card": "a2d1f0d6-94a3-5ea5-8a44-4c0b25e1b1cd",
            "outcome": "overridden",
            "overrideReason": {"reason": {"code": "talked-with-person", "system": "urn:coplan:override-reason"}},
            "outcomeTimestamp": "2026-12-03T22:14:05Z",
        }
    ]
}
FEEDBACK_TAKEN: Final = {"taken": 1}
ACCEPTANCE: Final = {
    "services": [
        {
            "service": "coplan-asked-first",
            "accepted": 0,
            "overridden": 1,
            "reasons": [{"reason": "urn:coplan:override-reason|talked-with-person", "count": 1}],
        }
    ],
    "since": "2026-12-01T00:00:00Z",
}
