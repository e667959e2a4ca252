"""Examples of who somebody is."""

from typing import Any, Final

SCOPES: Final = (
    "openid",
    "fhirUser",
    "launch/patient",
    "patient/Goal.cruds",
    "patient/CarePlan.rs",
    "patient/Observation.crs",
    "patient/CommunicationRequest.crus",
    "patient/List.crus",
    "patient/ServiceRequest.crus",
    "patient/Task.crus",
    "user/Goal.cruds",
    "user/CarePlan.cruds",
    "user/Observation.crs",
    "system/Goal.rs",
)
"""Scopes that go well with what is here; any other by the grammar of SMART is understood, too."""
ME: Final[dict[str, Any]] = {
    "actor": "RelatedPerson/rosa",
    "role": "RelatedPerson",
    "clientId": "portal",
    "operations": ["listGoals", "getGoal", "getGoalProgress", "getPatientPlan", "recordProgress"],
    "scopes": ["patient/CarePlan.rs", "patient/Goal.cruds", "patient/Observation.crs"],
    "scopesNotUnderstood": ["patient/Goal.dus"],
    "patients": ["Patient/mia"],
    "context": "Patient/mia",
    "proxy": {"rights": ["read", "record"], "decidedBy": "consent", "until": "2027-06-30"},
    "name": "Rosa Moss",
}
PROTECTED_RESOURCE: Final[dict[str, Any]] = {
    "resource": "https://coplan.example",
    "authorization_servers": ["https://ehr.example/oauth"],
    "bearer_methods_supported": ["header"],
    "scopes_supported": list(SCOPES),
    "resource_name": "CoPlan",
}
