"""One example per body about what is to be done: Ann's knee. Synthetic people."""

from typing import Any, Final

from service.api.examples import CLINICIAN, GOAL, PATIENT

ACTIVITY_REFERENCE: Final = "ServiceRequest/knee-exercises"
SCHEDULE: Final[dict[str, Any]] = {"when": ["HS"], "start": "2026-12-01", "until": "2027-02-28"}
SMALLER_SCHEDULE: Final[dict[str, Any]] = {**SCHEDULE, "start": "2026-12-08", "days": ["mon", "wed", "fri"]}
INSTRUCTION: Final = "Lie on your back, press the knee down for five seconds, ten times. Stop if it hurts more."
PLAN_ACTIVITY: Final = {
    "description": "Knee exercises",
    "schedule": SCHEDULE,
    "instruction": INSTRUCTION,
    "goals": ["knee-walk"],
}
CHANGE: Final = {
    "schedule": SMALLER_SCHEDULE,
    "reason": "Every night is too much beside the late shifts.",
}
REPORT: Final = {
    "occurrence": "2026-12-03.HS",
    "outcome": "too-hard",
    "note": "The knee was swollen after work.",
}
CORRECT: Final = {"outcome": "partly", "reason": "I did the first half, I had forgotten."}

ACTIVITY: Final[dict[str, Any]] = {
    "id": "knee-exercises",
    "version": "2",
    "patient": PATIENT,
    "description": "Knee exercises",
    "status": "active",
    "intent": "plan",
    "schedule": {
        "words": "every day before going to sleep, from December 1, 2026 until February 28, 2027",
        **SCHEDULE,
    },
    "performers": [PATIENT],
    "requester": CLINICIAN,
    "goals": ["Goal/knee-walk"],
    "instruction": INSTRUCTION,
    "notes": [{"text": "Agreed", "author": PATIENT, "time": "2026-12-01T18:04:11.231Z"}],
    "plans": ["CarePlan/plan-1"],
}
PLANNED: Final = {k: v for k, v in ACTIVITY.items() if k != "notes"} | {"version": "1", "status": "draft"}
DO_IT: Final = {
    "what": "do",
    "words": "Next: Ann Ahl (patient), by December 3, 2026.",
    "who": [PATIENT],
    "by": "2026-12-03",
}
PEOPLE: Final = [
    {"reference": "Organization/clinic", "name": "Demo clinic"},
    {"reference": PATIENT, "name": "Ann Ahl"},
    {"reference": CLINICIAN, "name": "Dr Bo Berg"},
]
ACTIVITIES: Final = {
    "people": PEOPLE,
    "activities": [
        {"activity": ACTIVITY, "next": DO_IT},
        {
            "activity": {
                "id": "knee-xray",
                "version": "1",
                "patient": PATIENT,
                "description": "X-ray of the knee",
                "status": "active",
                "intent": "order",
                "due": "2026-12-10",
                "performers": ["Organization/clinic"],
                "requester": CLINICIAN,
                "plans": ["CarePlan/plan-1"],
            },
            "next": {
                "what": "do",
                "words": "Next: Demo clinic (clinic), by December 10, 2026.",
                "who": ["Organization/clinic"],
                "by": "2026-12-10",
            },
        },
    ],
}
REPORTED: Final[dict[str, Any]] = {
    "id": "r-1",
    "version": "1",
    "activity": ACTIVITY_REFERENCE,
    "occurrence": REPORT["occurrence"],
    "status": "failed",
    "reportedAt": "2026-12-03T21:40:00Z",
    "outcome": "too-hard",
    "notes": [{"text": REPORT["note"], "author": PATIENT, "time": "2026-12-03T21:40:00Z"}],
    "patientSupplied": True,
}
CORRECTED: Final = REPORTED | {
    "version": "2",
    "status": "completed",
    "outcome": "partly",
    "notes": [
        *REPORTED["notes"],
        {
            "text": f'Corrected from "Too hard" to "Partly done": {CORRECT["reason"]}',
            "author": PATIENT,
            "time": "2026-12-04T07:02:00Z",
        },
    ],
}
DUE: Final = {
    "activity": ACTIVITY_REFERENCE,
    "occurrence": REPORT["occurrence"],
    "description": "Knee exercises",
    "from": "2026-12-03",
    "to": "2026-12-03",
    "words": "every day before going to sleep",
    "number": 1,
    "of": 1,
    "when": "HS",
    "performers": [PATIENT],
    "instruction": INSTRUCTION,
    "report": REPORTED,
}
TODAY: Final = {
    "patient": PATIENT,
    "timeZone": "Europe/Stockholm",
    "date": "2026-12-03",
    "items": [DUE],
    "questionsForYou": [
        {
            "activity": "ServiceRequest/knee-cycling",
            "task": "Task/t-2",
            "about": "approve",
            "words": "Something to do was offered: “Cycling, slowly”. When: twice a week, from December 2, 2026. "
            "Please say if you agree. If not, say why.",
            "description": "Cycling, slowly",
            "schedule": "twice a week, from December 2, 2026",
            "version": "1",
            "requestedBy": CLINICIAN,
            "requestedByName": "Dr Bo Berg",
            "askedAt": "2026-12-02T10:00:00Z",
            "asked": PATIENT,
            "askedName": "Ann Ahl",
            "answers": [
                {"operation": "acceptActivity", "path": "/v1/activities/knee-cycling/accept"},
                {"operation": "proposeActivityChange", "path": "/v1/activities/knee-cycling/changes"},
                {"operation": "declineActivity", "path": "/v1/activities/knee-cycling/decline"},
            ],
        }
    ],
}
WEEK: Final = {
    "patient": PATIENT,
    "timeZone": "Europe/Stockholm",
    "from": "2026-11-30",
    "to": "2026-12-06",
    "days": [{"date": "2026-12-03", "items": [DUE]}],
    "anyDay": [
        {
            "activity": "ServiceRequest/swimming",
            "occurrence": "2026-11-30.1",
            "description": "Swimming",
            "from": "2026-11-30",
            "to": "2026-12-06",
            "words": "twice a week, 1 of 2, by December 6, 2026",
            "number": 1,
            "of": 2,
            "performers": [PATIENT],
        }
    ],
}
ADHERENCE: Final = {
    "activity": ACTIVITY_REFERENCE,
    "windows": [
        {
            "words": "Last 7 days: 4 of 6 done, 1 too hard, 1 without a report",
            "days": 7,
            "from": "2026-12-01",
            "to": "2026-12-07",
            "due": 6,
            "done": 4,
            "partly": 0,
            "skipped": 0,
            "tooHard": 1,
            "missing": 1,
        }
    ],
    "versions": [
        {
            "activity": "ServiceRequest/knee-exercises-nightly",
            "words": "Before: every day before going to sleep. 3 of 5 done, 1 too hard, 1 without a report",
            "description": "Knee exercises",
            "due": 5,
            "done": 3,
            "partly": 0,
            "skipped": 0,
            "tooHard": 1,
            "missing": 1,
            "until": "2026-12-06",
        },
        {
            "activity": ACTIVITY_REFERENCE,
            "words": "Now: on Monday, Wednesday, and Friday before going to sleep. 1 of 1 done",
            "description": "Knee exercises",
            "due": 1,
            "done": 1,
            "partly": 0,
            "skipped": 0,
            "tooHard": 0,
            "missing": 0,
            "since": "2026-12-06",
        },
    ],
}
SMALLER: Final = {
    "activity": ACTIVITY_REFERENCE,
    "version": "2",
    "words": (
        "Knee exercises: on Monday, Wednesday, and Friday before going to sleep,"
        " from December 8, 2026 until February 28, 2027"
    ),
    "change": {"schedule": SMALLER_SCHEDULE, "reason": REPORT["note"]},
    "goals": [
        {
            "goal": "Goal/knee-walk",
            "version": GOAL["version"],
            "counterProposal": {
                "description": "Walk to the shops and back, and do the knee exercises every night."
                " Let us start smaller: Knee exercises, on Monday, Wednesday, and Friday before going to sleep.",
                "reason": REPORT["note"],
                "targets": [{k: v for k, v in GOAL["targets"][0].items() if k != "words"}],
            },
        }
    ],
}
