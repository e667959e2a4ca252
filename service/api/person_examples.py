"""Examples of bodies and answers: a girl with cystic fibrosis, her mother and the team. Synthetic people."""

from typing import Final

MIA: Final = "Patient/mia"
ROSA: Final = "RelatedPerson/rosa"
BO: Final = "Practitioner/bo"
GOAL: Final = "Goal/mia-swim"
LEVELS: Final = [
    {"score": 2, "text": "I swim twice a week and do not have to stop to cough"},
    {"score": 1, "text": "I swim twice a week"},
    {"score": 0, "text": "I swim once a week"},
    {"score": -1, "text": "I swim now and then"},
    {"score": -2, "text": "I do not swim"},
]
NAMES: Final = {
    2: "much better than expected",
    1: "better than expected",
    0: "as expected",
    -1: "less than expected",
    -2: "much less than expected",
}
SCORE: Final = {"score": 0, "effective": "2026-12-03T19:30:00+01:00", "note": "Every Tuesday since October"}
BARRIER: Final = {"text": "The pool is closed on the days when I feel well"}
READINESS: Final = {"importance": 9, "confidence": 6}
WHAT_MATTERS: Final = {"text": "Being with my friends without having to explain my cough", "about": "relationships"}
PRIORITIES: Final = {"items": [GOAL, "Observation/friends"]}
VISIBILITY: Final = {"visibility": "private"}
AGENDA_ITEM: Final = {
    "text": "Can I go on the school trip with the new inhaler?",
    "kind": "question",
    "goal": "mia-swim",
    "visit": {"day": "2026-12-15"},
}
CLOSE: Final = {"outcome": "Yes. The school nurse gets the plan, and the inhaler comes in the hand luggage."}
CARRY_OVER: Final = {"visit": {"day": "2027-03-16"}}

_CODE: Final = {
    "coding": [
        {
            "system": "http://loinc.org",
            "code": "107334-5",
            "display": "Patient follow-up goal attainment scaling score",
        }
    ]
}
ASSESSMENT: Final = {
    "id": "score-1",
    "version": "1",
    "patient": MIA,
    "status": "final",
    "code": _CODE,
    "goal": GOAL,
    "text": NAMES[0],
    "score": 0,
    "by": MIA,
    "at": "2026-12-03T18:30:00Z",
    "note": SCORE["note"],
}
SAID_BARRIER: Final = {
    "id": "barrier-1",
    "version": "1",
    "patient": MIA,
    "status": "final",
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "811791000000103"}]},
    "goal": GOAL,
    "text": BARRIER["text"],
    "by": MIA,
    "at": "2026-12-03T18:31:00Z",
}
SAID_READINESS: Final = {
    "id": "ready-1",
    "version": "1",
    "patient": MIA,
    "status": "final",
    "code": {
        "coding": [
            {
                "system": "http://hl7.org/fhir/us/pco/CodeSystem/readiness-assessment-concepts-temporary",
                "code": "readiness-assessment",
                "display": "Readiness assessment",
            }
        ]
    },
    "goal": GOAL,
    "members": ["Observation/ready-2", "Observation/ready-3"],
    "by": MIA,
    "at": "2026-12-03T18:32:00Z",
}
STATEMENT: Final = {
    "id": "friends",
    "about": "relationships",
    "heading": "Family, Friends & Co-Workers",
    "text": WHAT_MATTERS["text"],
    "by": MIA,
    "at": "2026-11-30T16:00:00Z",
}
SAID_WHAT_MATTERS: Final = {
    "id": "friends",
    "version": "1",
    "patient": MIA,
    "status": "final",
    "code": {
        "coding": [
            {
                "system": "http://hl7.org/fhir/us/pco/CodeSystem/personal-health-inventory-temporary",
                "code": "relationships",
                "display": "Family, Friends & Co-Workers",
            }
        ]
    },
    "text": WHAT_MATTERS["text"],
    "by": MIA,
    "at": "2026-11-30T16:00:00Z",
}
STATEMENTS: Final = {"whatMatters": [STATEMENT], "language": "en"}


def _scored(by: str, score: int) -> dict[str, object]:
    return {"id": f"score-{score + 1}", "score": score, "name": NAMES[score], "by": by, "at": "2026-12-03T18:30:00Z"}


SCORES: Final = {"goal": GOAL, "patient": _scored(MIA, 0), "family": _scored(ROSA, 1), "careTeam": _scored(BO, 0)}
ATTAINMENT: Final = {
    "goal": GOAL,
    "levels": [{**level, "name": NAMES[int(str(level["score"]))]} for level in LEVELS],
    "latest": SCORES,
    "patient": [SCORES["patient"]],
    "family": [SCORES["family"]],
    "careTeam": [SCORES["careTeam"]],
    "barriers": [{"id": "barrier-1", "text": BARRIER["text"], "by": MIA, "at": "2026-12-03T18:31:00Z"}],
    "readiness": [
        {"id": "ready-2", "about": "importance", "rating": 9, "by": MIA, "at": "2026-12-03T18:32:00Z"},
        {"id": "ready-3", "about": "confidence", "rating": 6, "by": MIA, "at": "2026-12-03T18:32:00Z"},
    ],
}
PRIORITY_LIST: Final = {
    "by": MIA,
    "date": "2026-12-01T17:00:00Z",
    "items": [
        {"reference": GOAL, "text": "I want to swim with my class"},
        {"reference": "Observation/friends", "text": WHAT_MATTERS["text"]},
    ],
}
PRIORITY_LISTS: Final = {"priorities": [PRIORITY_LIST]}
ON_AGENDA: Final = {
    "id": "ask-1",
    "version": "1",
    "kind": "question",
    "text": AGENDA_ITEM["text"],
    "by": MIA,
    "added": "2026-12-04T15:12:00Z",
    "status": "active",
    "name": "Mia Moss",
    "goal": GOAL,
    "day": "2026-12-15",
}
TALKED_ABOUT: Final = ON_AGENDA | {
    "version": "2",
    "status": "completed",
    "outcome": CLOSE["outcome"],
    "closedBy": BO,
    "closedAt": "2026-12-15T09:40:00Z",
}
AGENDA: Final = {"items": [ON_AGENDA]}
CARRIED_OVER: Final = {"items": [ON_AGENDA | {"version": "2", "day": CARRY_OVER["visit"]["day"]}]}
RETRACTED: Final = ASSESSMENT | {"version": "2", "status": "entered-in-error"}
PRIORITY_LIST_SET: Final = {
    "id": "order-1",
    "version": "2",
    "patient": MIA,
    "by": MIA,
    "date": "2026-12-01T17:00:00Z",
    "items": PRIORITIES["items"],
}
