"""One example per body: a knee injury, told from the first offer to the last measurement. Synthetic people."""

from typing import Any, Final

PATIENT: Final = "Patient/ann"
CLINICIAN: Final = "Practitioner/bo"
STEPS: Final = {"text": "steps", "coding": [{"system": "http://loinc.org", "code": "41950-7"}]}
NIGHTLY: Final = "every day before going to sleep"
SIX_THOUSAND: Final = {"value": 6000, "code": "{steps}/d", "unit": "steps a day", "comparator": ">="}

PROPOSE: Final = {
    "description": "I want to walk to the shops again without my knee hurting",
    "targets": [{"measure": STEPS, "value": {"quantity": SIX_THOUSAND}, "due": "2027-03-31"}],
    "priority": "high-priority",
}
COUNTER: Final = {
    "description": "Walk to the shops and back, and do the knee exercises every night",
    "targets": [
        {"measure": STEPS, "value": {"quantity": {**SIX_THOUSAND, "value": 4000}}, "due": "2027-03-31"},
    ],
    "reason": "The X-ray shows that the knee needs strength before distance.",
}
ACCEPT: Final = {"priority": "high-priority", "comment": "That sounds doable."}
REASON: Final = {"reason": "The knee is swollen since Sunday."}
WITHDRAW: Final = {"reason": "I would rather talk about it first."}
COMPLETE: Final = {"outcome": "achieved", "reason": "I walk to the shops every day now."}
MESSAGE: Final = {"text": "May I take the painkiller before the exercises?"}
MEASUREMENT_BODY: Final = {
    "value": {"quantity": {"value": 4200, "code": "{steps}/d", "unit": "steps a day"}},
    "effective": "2026-12-03T19:30:00+01:00",
    "note": "A little stiff afterwards.",
}
OPEN_PLAN: Final = {"title": "Back on my feet", "goals": ["knee-walk"]}
LINK: Final = {"goal": "knee-walk"}

TARGET: Final = {
    "words": "steps: at least 4000 steps a day by March 31, 2027",
    "measure": STEPS,
    "value": {"quantity": {**SIX_THOUSAND, "value": 4000}},
    "due": "2027-03-31",
}
GOAL: Final[dict[str, Any]] = {
    "id": "knee-walk",
    "version": "2",
    "patient": PATIENT,
    "description": "Walk to the shops and back, and do the knee exercises every night"
    " (target: steps: at least 4000 steps a day by March 31, 2027)",
    "lifecycleStatus": "active",
    "achievementStatus": "improving",
    "startDate": "2026-12-01",
    "statusDate": "2026-12-01",
    "expressedBy": CLINICIAN,
    "targets": [TARGET],
    "acceptances": [
        {"individual": CLINICIAN, "status": "agree", "name": "Dr Bo Berg"},
        {"individual": PATIENT, "status": "agree", "priority": "high-priority", "name": "Ann Ahl"},
    ],
    "notes": [
        {
            "text": "Agreed by Dr Bo Berg (care team) and Ann Ahl (patient).",
            "author": PATIENT,
            "time": "2026-12-01T18:04:11.231Z",
        }
    ],
    "thread": "0d6f5c7e-6f0b-4d8b-9a55-6a5b3f6c1f11",
}
OFFERED: Final = {
    name: GOAL[name] for name in ("id", "patient", "description", "statusDate", "expressedBy", "targets", "thread")
} | {
    "version": "1",
    "lifecycleStatus": "proposed",
    "acceptances": [
        {"individual": CLINICIAN, "status": "agree", "name": "Dr Bo Berg"},
        {"individual": PATIENT, "status": "pending", "name": "Ann Ahl"},
    ],
}
GOALS: Final = {"goals": [GOAL]}
MESSAGE_SENT: Final = {
    "id": "m-1",
    "goal": "Goal/knee-walk",
    "sender": PATIENT,
    "text": MESSAGE["text"],
    "sent": "2026-12-02T07:30:00Z",
    "recipients": [CLINICIAN],
}
MEASUREMENT: Final = {
    "id": "o-1",
    "status": "final",
    "measure": STEPS,
    "goals": ["Goal/knee-walk"],
    "value": MEASUREMENT_BODY["value"],
    "effective": "2026-12-03T18:30:00Z",
    "performers": [PATIENT],
    "patientSupplied": True,
}
PROGRESS: Final = {
    "goal": "Goal/knee-walk",
    "trend": "improving",
    "onTarget": True,
    "achievementStatus": "improving",
    "points": [{"at": "2026-12-02T18:30:00Z", "value": 2600}, {"at": "2026-12-03T18:30:00Z", "value": 4200}],
    "measurements": [MEASUREMENT],
}
QUESTION: Final = {
    "task": "Task/t-1",
    "goal": "Goal/knee-walk",
    "about": "approve",
    "words": "A goal was offered. Please say if you agree, or offer something else.",
    "description": GOAL["description"],
    "version": "1",
    "requestedBy": CLINICIAN,
    "requestedByName": "Dr Bo Berg",
    "askedAt": "2026-11-30T09:12:00Z",
    "asked": PATIENT,
    "askedName": "Ann Ahl",
    "answers": [
        {"operation": "acceptGoal", "path": "/v1/goals/knee-walk/accept"},
        {"operation": "counterProposeGoal", "path": "/v1/goals/knee-walk/counter-proposals"},
        {"operation": "declineGoal", "path": "/v1/goals/knee-walk/decline"},
    ],
}
STEPS_OF_GOAL: Final = {
    "goal": "Goal/knee-walk",
    "description": GOAL["description"],
    "steps": [
        {
            "activity": "ServiceRequest/knee-exercises",
            "description": "Knee exercises",
            "status": "active",
            "words": "every day before going to sleep, from December 1, 2026. To be done by Ann Ahl (patient)",
            "next": {
                "what": "do",
                "words": "Next: Ann Ahl (patient), by December 3, 2026.",
                "who": [PATIENT],
                "by": "2026-12-03",
            },
            "today": [
                {
                    "occurrence": "2026-12-03.HS",
                    "from": "2026-12-03",
                    "to": "2026-12-03",
                    "words": NIGHTLY,
                    "when": "HS",
                }
            ],
            "thisWeek": [
                {
                    "occurrence": "2026-12-02.HS",
                    "from": "2026-12-02",
                    "to": "2026-12-02",
                    "words": NIGHTLY,
                    "when": "HS",
                    "outcome": "done",
                },
                {
                    "occurrence": "2026-12-03.HS",
                    "from": "2026-12-03",
                    "to": "2026-12-03",
                    "words": NIGHTLY,
                    "when": "HS",
                },
            ],
        }
    ],
}
THREAD: Final = {
    "thread": GOAL["thread"],
    "offers": [
        {
            "goal": OFFERED,
            "differences": [
                {
                    "element": "Goal.target",
                    "before": "steps: at least 6000 steps a day by March 31, 2027",
                    "after": TARGET["words"],
                }
            ],
            "acts": [
                {
                    "who": CLINICIAN,
                    "at": "2026-11-30T09:12:00Z",
                    "act": "counter-propose",
                    "name": "Dr Bo Berg",
                    "reason": COUNTER["reason"],
                }
            ],
        }
    ],
    "messages": [MESSAGE_SENT],
    "waiting": [QUESTION],
}
CARE_PLAN: Final = {
    "id": "plan-1",
    "version": "3",
    "patient": PATIENT,
    "status": "active",
    "title": "Back on my feet",
    "keptHere": True,
    "periodStart": "2026-11-30",
    "goals": ["Goal/knee-walk"],
    "contributors": [PATIENT, CLINICIAN],
}
CARE_PLANS: Final = {"carePlans": [CARE_PLAN]}
PLAN_WITH_GOALS: Final = {"carePlan": CARE_PLAN, "goals": [GOAL]}
PATIENT_PLAN: Final = {
    "patient": PATIENT,
    "asOf": "2026-12-03T18:31:02Z",
    "language": "en",
    "goals": [GOAL],
    "questionsForYou": [QUESTION],
    "timeZone": "Europe/Stockholm",
    "steps": [STEPS_OF_GOAL],
    "latest": [MEASUREMENT],
    "carePlans": [CARE_PLAN],
    "people": [{"reference": PATIENT, "name": "Ann Ahl"}, {"reference": CLINICIAN, "name": "Dr Bo Berg"}],
}
PROBLEM: Final = {
    "type": "urn:coplan:problem:version-conflict",
    "title": "Changed since you read it",
    "status": 412,
    "detail": "Goal/knee-walk has changed since you read it",
    "currentVersion": "3",
    "requestId": "2c1f6a35-6f0e-4f0e-8a51-1d8a0f5b3a77",
}
