"""One example per body about programmes designed with patients. Synthetic people."""

from typing import Any, Final

from service.api.examples import STEPS

CONTENT: Final[dict[str, Any]] = {
    "title": "Back on my feet after a knee injury",
    "description": "For people whose knee was injured and who want to walk and work again.",
    "purpose": "Patients asked for fewer exercises, which fit between shifts; ten minutes a day are enough at first.",
    "topics": [{"text": "Knee injury"}],
    "goals": [
        {
            "id": "walk",
            "description": "Walk to the shops and back without my knee hurting",
            "targets": [
                {
                    "measure": STEPS,
                    "value": {
                        "quantity": {"value": 4000, "code": "{steps}/d", "unit": "steps a day", "comparator": ">="}
                    },
                    "due": {"value": 12, "unit": "wk"},
                }
            ],
        }
    ],
    "actions": [
        {
            "id": "exercises",
            "title": "Knee exercises",
            "who": "patient",
            "instruction": "Press the knee down for five seconds, ten times. Stop if it hurts more.",
            "schedule": {"when": ["HS"]},
            "lasts": {"value": 12, "unit": "wk"},
            "goals": ["walk"],
        }
    ],
}
DRAFT: Final = {**CONTENT, "nameMe": True}
COMMENT: Final = {"text": "Could the exercises be shown as pictures?"}
OBJECTION: Final = {"text": "Every night is too much for people who work shifts.", "nameMe": False}
RESOLVE: Final = {"text": "Three evenings a week are enough to begin with; that is what it says now."}
NAME_ME: Final = {"nameMe": True}
APPLY: Final = {
    "template": "knee-2",
    "start": "2026-12-07",
    "practitioner": "Practitioner/nora",
    "addresses": ["Condition/knee"],
}
TEMPLATE: Final[dict[str, Any]] = {
    **CONTENT,
    "id": "knee-2",
    "version": "7",
    "url": "urn:coplan:template:knee",
    "edition": "2",
    "canonical": "urn:coplan:template:knee|2",
    "status": "active",
    "actions": [{**CONTENT["actions"][0], "words": "every day before going to sleep, for 12 weeks"}],
    "authors": ["Dr Bo Berg", "Ann Ahl (patient)"],
    "reviewers": ["A patient"],
    "endorsers": ["Ann Ahl (patient)", "Dr Bo Berg"],
    "remarks": [
        {
            "id": "5f0c8a1b2d3e4f5061728394a5b6c7d8",
            "kind": "objection",
            "text": OBJECTION["text"],
            "by": "A patient",
            "at": "2026-11-20T10:00:00Z",
        },
        {
            "id": "6a0c8a1b2d3e4f5061728394a5b6c7d8",
            "kind": "resolution",
            "text": RESOLVE["text"],
            "by": "A patient",
            "at": "2026-11-22T10:00:00Z",
            "about": "5f0c8a1b2d3e4f5061728394a5b6c7d8",
        },
    ],
    "predecessor": "urn:coplan:template:knee|1",
    "approved": "2026-11-24",
}
DRAFTED: Final = {k: v for k, v in TEMPLATE.items() if k not in {"endorsers", "remarks", "approved", "reviewers"}} | {
    "version": "1",
    "status": "draft",
}
TEMPLATES: Final = {"templates": [TEMPLATE]}
GATE: Final = {
    "open": False,
    "patients": 1,
    "clinicians": 0,
    "patientsNeeded": 1,
    "cliniciansNeeded": 1,
    "openObjections": [OBJECTION["text"]],
    "missing": [
        "1 more endorsement by a clinician (endorseTemplate)",
        "1 objection is open (resolveTemplateObjection)",
    ],
}
APPLIED: Final = {
    "id": "plan-2",
    "version": "1",
    "patient": "Patient/ann",
    "status": "active",
    "title": CONTENT["title"],
    "keptHere": True,
    "periodStart": "2026-12-07",
    "contributors": ["Practitioner/bo"],
    "instantiates": "urn:coplan:template:knee|2",
}
