"""What each operation takes: the scopes of a token, the side that it is for, and the right of a family member.

Told in advance by `GET /v1/me`, and asked for before each act; judged on what is in hand in `access`, `edits` and the
rules. A test tries every line of this.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from service.domain.actors import Right, Role
from service.domain.scopes import Interaction

Needed: TypeAlias = tuple[str, Interaction]
PEOPLE: Final = frozenset({Role.PATIENT, Role.RELATED_PERSON, Role.PRACTITIONER})
PATIENTS_SIDE: Final = frozenset({Role.PATIENT, Role.RELATED_PERSON})
CARE_TEAM: Final = frozenset({Role.PRACTITIONER})
ANYBODY: Final = PEOPLE | {Role.SYSTEM}
"""Applications without a user look, and never act."""


@dataclass(frozen=True, slots=True)
class Operation:
    """`scopes`: what is read, and what it is about; CoPlan writes the rest beside it. `right`: beside that to read."""

    scopes: tuple[Needed, ...]
    by: frozenset[Role] = ANYBODY
    right: Right = Right.READ


def _scopes(text: str) -> tuple[Needed, ...]:
    """`Goal.rs CarePlan.s`, as in a token."""
    parts = (word.split(".") for word in text.split())
    return tuple((resource_type, Interaction(letter)) for resource_type, letters in parts for letter in letters)


def _view(scopes: str = "", by: frozenset[Role] = ANYBODY) -> Operation:
    return Operation(_scopes(scopes), by)


def _record(scopes: str) -> Operation:
    return Operation(_scopes(scopes), PEOPLE, Right.RECORD)


def _act(scopes: str, by: frozenset[Role] = PEOPLE) -> Operation:
    return Operation(_scopes(scopes), by, Right.ACT)


_OFFER: Final = "Goal.cs CarePlan.s"
_ANSWER: Final = "Goal.rsu CarePlan.s"
_ABOUT_GOAL: Final = "Goal.rs CarePlan.s"
_ASKED: Final = "ServiceRequest.ru Task.su Goal.s CarePlan.s"
_DOING: Final = "ServiceRequest.ru Goal.s CarePlan.s"
_DRAFT: Final = _act("PlanDefinition.u")
OPERATIONS: Final[Mapping[str, Operation]] = {
    "proposeGoal": _act(_OFFER),
    "counterProposeGoal": _act("Goal.crs CarePlan.s"),
    "acceptGoal": _act(_ANSWER),
    "declineGoal": _act(_ANSWER),
    "agreeToDisagree": _act(_ANSWER, CARE_TEAM),
    "withdrawGoal": _act(_ANSWER),
    "holdGoal": _act(_ANSWER),
    "resumeGoal": _act(_ANSWER),
    "completeGoal": _act(_ANSWER),
    "cancelGoal": _act(_ANSWER),
    "markGoalEnteredInError": _act(_ANSWER),
    "sendGoalMessage": _act(f"{_ABOUT_GOAL} Communication.c"),
    "listGoals": _view("Goal.s"),
    "getGoal": _view("Goal.r"),
    "getGoalThread": _view(_ABOUT_GOAL),
    "recordProgress": _record(f"{_ABOUT_GOAL} Observation.cs"),
    "getGoalProgress": _view("Goal.r Observation.s"),
    "getGoalRunChart": _view("Goal.r Observation.s"),
    "getTrackedRunChart": _view("Observation.s"),
    "listTrackables": _view(),
    "recordObservations": _record("Observation.cs"),
    "listObservations": _view("Observation.s"),
    "getObservation": _view("Observation.r"),
    "amendObservation": _act("Observation.ru"),
    "markObservationEnteredInError": _act("Observation.ru"),
    "recordScore": _record(f"{_ABOUT_GOAL} Observation.c"),
    "getGoalAttainment": _view("Goal.r Observation.s"),
    "addBarrier": _record("Goal.r Observation.c"),
    "recordReadiness": _record("Goal.r Observation.c"),
    "sayWhatMatters": _record("Observation.c Goal.s CarePlan.s"),
    "listWhatMatters": _view("Goal.s"),
    "setPriorities": _act("List.csu Goal.rs CarePlan.s"),
    "listPriorities": _view("Goal.s"),
    "markAssessmentEnteredInError": _act("Observation.ru Goal.s CarePlan.s"),
    "changeGoalVisibility": _act(f"{_ANSWER} Observation.s", frozenset({Role.PATIENT})),
    "addAgendaItem": _act("CommunicationRequest.c Goal.s CarePlan.s"),
    "listAgenda": _view("CommunicationRequest.s"),
    "closeAgendaItem": _act("CommunicationRequest.ru Goal.s CarePlan.s"),
    "carryOverAgenda": _act("CommunicationRequest.su Goal.s CarePlan.s"),
    "getPatientPlan": _view("Goal.s"),
    "openCarePlan": _act("CarePlan.cs Goal.s"),
    "listCarePlans": _view("CarePlan.s"),
    "getCarePlan": _view("CarePlan.r Goal.s"),
    "linkGoal": _act("CarePlan.rsu Goal.s"),
    "planActivity": _act("ServiceRequest.c Task.c CarePlan.rs Goal.s"),
    "listActivities": _view("ServiceRequest.s Task.s CarePlan.s"),
    "getActivity": _view("ServiceRequest.r"),
    "acceptActivity": _act(_ASKED),
    "declineActivity": _act(_ASKED),
    "proposeActivityChange": _act("ServiceRequest.cr Task.c Goal.s CarePlan.s"),
    "holdActivity": _act(_DOING),
    "resumeActivity": _act(_DOING),
    "stopActivity": _act(_DOING),
    "reportActivity": _record("ServiceRequest.r Task.c Goal.s CarePlan.s"),
    "getActivityReport": _view("ServiceRequest.r Task.r"),
    "correctActivityReport": _act("ServiceRequest.r Task.ru Goal.s CarePlan.s"),
    "getAdherence": _view("ServiceRequest.rs Task.s"),
    "suggestSmallerActivity": _view("ServiceRequest.r Goal.s"),
    "getToday": _view("ServiceRequest.s Task.s CarePlan.s"),
    "getWeek": _view("ServiceRequest.s Task.s CarePlan.s"),
    "listTemplates": _view(),
    "getTemplate": _view(),
    "getReleaseGate": _view(),
    "draftTemplate": _act("PlanDefinition.c"),
    "reviseTemplate": _DRAFT,
    "startTemplateVersion": _act("PlanDefinition.c"),
    "commentTemplate": _DRAFT,
    "objectToTemplate": _DRAFT,
    "resolveTemplateObjection": _DRAFT,
    "endorseTemplate": _DRAFT,
    "releaseTemplate": _act("PlanDefinition.u", CARE_TEAM),
    "retireTemplate": _act("PlanDefinition.u", CARE_TEAM),
    "withdrawTemplateNaming": _act("PlanDefinition.u Consent.su", PATIENTS_SIDE),
    "applyTemplate": _act("Goal.cs CarePlan.cs ServiceRequest.c Task.c"),
    "statePreference": _act("Observation.cs"),
    "listPreferences": _view("Observation.s"),
    "getCurrentPreferences": _view("Observation.s"),
    "getPreference": _view("Observation.r"),
    "withdrawPreference": _act("Observation.ru"),
    "listConflicts": _view("Observation.s Goal.s ServiceRequest.s MedicationRequest.s Appointment.s"),
    "getAskedFirst": _view("Observation.s ServiceRequest.s Encounter.s"),
    "getCardFeedback": _view(by=CARE_TEAM),
    "getNetworkMeasure": _view("MeasureReport.s"),
}
"""By operationId, in the order of the documentation."""
WITHOUT_RIGHTS: Final[Mapping[str, str]] = {
    "callCdsService": "for CDS clients, which have tokens of their own",
    "describeProtectedResource": "for everybody",
    "discoverCdsServices": "for everybody",
    "describeService": "for everybody",
    "getDefinition": "for everybody",
    "getPublicKeys": "for everybody",
    "live": "for everybody",
    "ready": "for everybody",
    "sendCardFeedback": "for CDS clients, which have tokens of their own",
    "whoAmI": "for everybody whose token is good for anything",
}
"""Operations that no token is asked about here, and why."""
