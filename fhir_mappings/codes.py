"""Code systems, required value sets, profiles and the identifiers of CoPlan itself."""

from enum import StrEnum
from typing import Final

# Identifier systems and code systems that CoPlan owns. A URN needs no domain name that could lapse.
GOAL_THREAD: Final = "urn:coplan:goal-thread"
"""`Goal.identifier`, `Task.groupIdentifier`, `Communication.identifier`: all offers about one wish share the value."""
OPERATION: Final = "urn:coplan:operation"
"""Identifier (or `meta.tag`, where a type has none) derived from an Idempotency-Key: equal keys, equal value."""
FINGERPRINT: Final = "urn:coplan:operation-fingerprint"
"""`Provenance.meta.tag`: digest of the request body that came with the Idempotency-Key."""
SHARED_PLAN: Final = "urn:coplan:care-plan"
"""`CarePlan.identifier` of the plans that CoPlan keeps the narrative of."""
ACT: Final = "urn:coplan:act"
"""Code system of `Act`."""
BUSINESS_STATUS: Final = "urn:coplan:task-business-status"

GOAL_ACCEPTANCE: Final = "http://hl7.org/fhir/StructureDefinition/goal-acceptance"
GOAL_RELATIONSHIP: Final = "http://hl7.org/fhir/StructureDefinition/goal-relationship"
GOAL_RELATIONSHIP_TYPE: Final = "http://terminology.hl7.org/CodeSystem/goal-relationship-type"
PERTAINS_TO_GOAL: Final = "http://hl7.org/fhir/StructureDefinition/resource-pertainsToGoal"

US_CORE_GOAL: Final = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-goal"
US_CORE_CARE_PLAN: Final = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-careplan"
US_CORE_PROVENANCE: Final = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-provenance"
US_CORE_SIMPLE_OBSERVATION: Final = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-simple-observation"

US_CORE_TAGS: Final = "http://hl7.org/fhir/us/core/CodeSystem/us-core-tags"
PATIENT_SUPPLIED: Final = "patient-supplied"
"""`meta.tag` of US Core 9. Read, not written: to a validator of US Core 6.1 the code system is unknown, an error."""
INTEGRITY: Final = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
PATIENT_ASSERTED: Final = "PATAST"
"""`meta.security` of what patients and families say; known to every release of US Core."""
CARE_PLAN_CATEGORY: Final = "http://hl7.org/fhir/us/core/CodeSystem/careplan-category"
ASSESS_PLAN: Final = "assess-plan"
GOAL_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/goal-category"
GOAL_PRIORITY: Final = "http://terminology.hl7.org/CodeSystem/goal-priority"
GOAL_ACHIEVEMENT: Final = "http://terminology.hl7.org/CodeSystem/goal-achievement"
OBSERVATION_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
TASK_CODE: Final = "http://hl7.org/fhir/CodeSystem/task-code"
PROVENANCE_PARTICIPANT: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
DATA_OPERATION: Final = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
LOINC: Final = "http://loinc.org"
SNOMED: Final = "http://snomed.info/sct"
UCUM: Final = "http://unitsofmeasure.org"


class LifecycleStatus(StrEnum):
    """https://hl7.org/fhir/R4/valueset-goal-status.html"""

    PROPOSED = "proposed"
    PLANNED = "planned"
    ACCEPTED = "accepted"
    ACTIVE = "active"
    ON_HOLD = "on-hold"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    ENTERED_IN_ERROR = "entered-in-error"
    REJECTED = "rejected"


class AchievementStatus(StrEnum):
    """https://hl7.org/fhir/R4/valueset-goal-achievement.html"""

    IN_PROGRESS = "in-progress"
    IMPROVING = "improving"
    WORSENING = "worsening"
    NO_CHANGE = "no-change"
    ACHIEVED = "achieved"
    SUSTAINING = "sustaining"
    NOT_ACHIEVED = "not-achieved"
    NO_PROGRESS = "no-progress"
    NOT_ATTAINABLE = "not-attainable"


class AcceptanceStatus(StrEnum):
    """https://hl7.org/fhir/R4/valueset-goal-acceptance-status.html"""

    AGREE = "agree"
    DISAGREE = "disagree"
    PENDING = "pending"


class GoalPriority(StrEnum):
    """https://hl7.org/fhir/R4/valueset-goal-priority.html"""

    HIGH = "high-priority"
    MEDIUM = "medium-priority"
    LOW = "low-priority"


class QuantityComparator(StrEnum):
    """https://hl7.org/fhir/R4/valueset-quantity-comparator.html"""

    LESS = "<"
    AT_MOST = "<="
    AT_LEAST = ">="
    GREATER = ">"


class TaskStatus(StrEnum):
    """https://hl7.org/fhir/R4/valueset-task-status.html"""

    DRAFT = "draft"
    REQUESTED = "requested"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    READY = "ready"
    CANCELLED = "cancelled"
    IN_PROGRESS = "in-progress"
    ON_HOLD = "on-hold"
    FAILED = "failed"
    COMPLETED = "completed"
    ENTERED_IN_ERROR = "entered-in-error"


class TaskCode(StrEnum):
    """https://hl7.org/fhir/R4/codesystem-task-code.html"""

    APPROVE = "approve"
    FULFILL = "fulfill"
    ABORT = "abort"
    REPLACE = "replace"
    CHANGE = "change"
    SUSPEND = "suspend"
    RESUME = "resume"


class BusinessStatus(StrEnum):
    """Why an open Task waits. Code system `BUSINESS_STATUS`."""

    WAITING_FOR_INFORMATION = "waiting-for-information"


class CarePlanStatus(StrEnum):
    """https://hl7.org/fhir/R4/valueset-request-status.html"""

    DRAFT = "draft"
    ACTIVE = "active"
    ON_HOLD = "on-hold"
    REVOKED = "revoked"
    COMPLETED = "completed"
    ENTERED_IN_ERROR = "entered-in-error"
    UNKNOWN = "unknown"


class ObservationStatus(StrEnum):
    """https://hl7.org/fhir/R4/valueset-observation-status.html"""

    REGISTERED = "registered"
    PRELIMINARY = "preliminary"
    FINAL = "final"
    AMENDED = "amended"
    CORRECTED = "corrected"
    CANCELLED = "cancelled"
    ENTERED_IN_ERROR = "entered-in-error"
    UNKNOWN = "unknown"


class ObservationCategory(StrEnum):
    """https://hl7.org/fhir/R4/valueset-observation-category.html"""

    SOCIAL_HISTORY = "social-history"
    VITAL_SIGNS = "vital-signs"
    LABORATORY = "laboratory"
    SURVEY = "survey"
    EXAM = "exam"
    THERAPY = "therapy"
    ACTIVITY = "activity"


class Act(StrEnum):
    """What somebody did, as `Provenance.activity` says it. Code system `ACT`."""

    PROPOSE = "propose"
    COUNTER_PROPOSE = "counter-propose"
    MESSAGE = "message"
    ACCEPT = "accept"
    DECLINE = "decline"
    AGREE_TO_DISAGREE = "agree-to-disagree"
    WITHDRAW = "withdraw"
    RECORD_PROGRESS = "record-progress"
    HOLD = "hold"
    RESUME = "resume"
    PROPOSE_COMPLETION = "propose-completion"
    COMPLETE = "complete"
    PROPOSE_CANCELLATION = "propose-cancellation"
    CANCEL = "cancel"
    ENTER_IN_ERROR = "enter-in-error"
    OPEN_CARE_PLAN = "open-care-plan"
    LINK_GOAL = "link-goal"
    PUBLISH_MEASURE_REPORTS = "publish-measure-reports"
