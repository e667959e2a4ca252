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
CLIENT_ITEM: Final = "urn:coplan:client-item"
"""`Observation.identifier`: one entry of one application about one patient; sent again, it is the same Observation."""
SHARED_PLAN: Final = "urn:coplan:care-plan"
"""`CarePlan.identifier` of the plans that CoPlan keeps the narrative of."""
ACT: Final = "urn:coplan:act"
"""Code system of `Act`."""
BUSINESS_STATUS: Final = "urn:coplan:task-business-status"
TRACKED: Final = "urn:coplan:tracked"
IBD_INDEX: Final = "urn:coplan:ibd-index"
"""Code system of what is tracked and has no LOINC code, see `service/trackables.json`."""
ACTIVITY: Final = "urn:coplan:activity"
"""`ServiceRequest.identifier`: an activity and all proposals to change it share the value."""
OCCURRENCE: Final = "urn:coplan:activity-occurrence"
"""`Task.identifier` of a report: `{id of the ServiceRequest}:{key of the occurrence}`."""
ACTIVITY_OUTCOME: Final = "urn:coplan:activity-outcome"
"""`Task.businessStatus` of a report. Code system of `ReportOutcome`."""
PREFERENCE_TOPIC: Final = "urn:coplan:preference-topic"
"""What a preference is about, where CoPlan names it: `admission`."""
ADMISSION_PREFERENCE: Final = "urn:coplan:admission-preference"
"""Code system of `decision.AdmissionPreference`, published in service/definitions."""
PREFERENCE_STANCE: Final = "urn:coplan:preference-stance"
"""Code system of `decision.Stance`, published likewise."""
PREFERENCE_PART: Final = "urn:coplan:preference-part"
"""Parts of a preference that R4 has no element for: who asked, when to ask again."""

GOAL_ACCEPTANCE: Final = "http://hl7.org/fhir/StructureDefinition/goal-acceptance"
GOAL_RELATIONSHIP: Final = "http://hl7.org/fhir/StructureDefinition/goal-relationship"
GOAL_RELATIONSHIP_TYPE: Final = "http://terminology.hl7.org/CodeSystem/goal-relationship-type"
OBSERVATION_REPLACES: Final = "http://hl7.org/fhir/StructureDefinition/observation-replaces"
PERFORMER_FUNCTION: Final = "http://hl7.org/fhir/StructureDefinition/event-performerFunction"
ENCLOSED_PRECONDITION: Final = "http://hl7.org/fhir/us/pacio-adi/StructureDefinition/adi-enclosedPrecondition-extension"
"""When a preference applies, in words. Source: https://hl7.org/fhir/us/pacio-adi/STU1/"""
PERTAINS_TO_GOAL: Final = "http://hl7.org/fhir/StructureDefinition/resource-pertainsToGoal"

US_CORE_GOAL: Final = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-goal"
US_CORE_CARE_PLAN: Final = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-careplan"
US_CORE_PROVENANCE: Final = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-provenance"
US_CORE_SERVICE_REQUEST: Final = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-servicerequest"
US_CORE_SIMPLE_OBSERVATION: Final = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-simple-observation"

ARTIFACT_COMMENT: Final = "http://hl7.org/fhir/StructureDefinition/cqf-artifactComment"
PLAN_DEFINITION_TYPE: Final = "http://terminology.hl7.org/CodeSystem/plan-definition-type"
CONSENT_SCOPE: Final = "http://terminology.hl7.org/CodeSystem/consentscope"
ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
US_CORE_SCREENING: Final = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-observation-screening-assessment"
PCO_PROFILES: Final = "http://hl7.org/fhir/us/pco/StructureDefinition/"
"""Person-Centered Outcomes 1.0.0."""
GOAL_ATTAINMENT_SCALING: Final = f"{PCO_PROFILES}pco-goal-attainment-scaling"

US_CORE_TAGS: Final = "http://hl7.org/fhir/us/core/CodeSystem/us-core-tags"
PATIENT_SUPPLIED: Final = "patient-supplied"
"""`meta.tag` of US Core 9. Read, not written: to a validator of US Core 6.1 the code system is unknown, an error."""
INTEGRITY: Final = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
PATIENT_ASSERTED: Final = "PATAST"
"""`meta.security` of what patients and families say; known to every release of US Core."""
CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
RESTRICTED: Final = frozenset({"R", "V"})
"""`meta.security` of what the family is not to see. CoPlan writes `R`; `V` (very restricted) is at least that."""
US_CORE_CATEGORY: Final = "http://hl7.org/fhir/us/core/CodeSystem/us-core-category"
US_CORE_CATEGORY_VERSION: Final = "8.0.0"
"""Named with the codes that US Core 6.1.0 lacks, so that its validator does not take them for errors."""
PARTICIPATION_TYPE: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
CARE_PLAN_CATEGORY: Final = "http://hl7.org/fhir/us/core/CodeSystem/careplan-category"
ASSESS_PLAN: Final = "assess-plan"
GOAL_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/goal-category"
GOAL_PRIORITY: Final = "http://terminology.hl7.org/CodeSystem/goal-priority"
GOAL_ACHIEVEMENT: Final = "http://terminology.hl7.org/CodeSystem/goal-achievement"
OBSERVATION_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
TASK_CODE: Final = "http://hl7.org/fhir/CodeSystem/task-code"
PROVENANCE_PARTICIPANT: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
CONSENT_ACTION: Final = "http://terminology.hl7.org/CodeSystem/consentaction"
DATA_OPERATION: Final = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
LOINC: Final = "http://loinc.org"
SNOMED: Final = "http://snomed.info/sct"
UCUM: Final = "http://unitsofmeasure.org"


LIST_ORDER: Final = "http://terminology.hl7.org/CodeSystem/list-order"
AGENDA: Final = "urn:coplan:visit-agenda"
"""Code system of the categories of an agenda item: `question` or `topic`."""
PRIORITY_LIST: Final = "urn:coplan:priority-list"
"""`List.identifier`: the priorities of one patient as one author sees them."""


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
    RECORD_OBSERVATIONS = "record-observations"
    AMEND_OBSERVATION = "amend-observation"
    PLAN_ACTIVITY = "plan-activity"
    REPORT_ACTIVITY = "report-activity"
    CORRECT_REPORT = "correct-report"
    DRAFT_TEMPLATE = "draft-template"
    REVISE_TEMPLATE = "revise-template"
    COMMENT = "comment"
    OBJECT = "object"
    RESOLVE = "resolve"
    ENDORSE = "endorse"
    RELEASE = "release"
    RETIRE = "retire"
    WITHDRAW_NAMING = "withdraw-naming"
    APPLY_TEMPLATE = "apply-template"
    RECORD_SCORE = "record-score"
    ADD_BARRIER = "add-barrier"
    RECORD_READINESS = "record-readiness"
    SAY_WHAT_MATTERS = "say-what-matters"
    SET_PRIORITIES = "set-priorities"
    CHANGE_VISIBILITY = "change-visibility"
    ADD_AGENDA_ITEM = "add-agenda-item"
    CLOSE_AGENDA_ITEM = "close-agenda-item"
    CARRY_OVER_AGENDA = "carry-over-agenda"
    STATE_PREFERENCE = "state-preference"
    WITHDRAW_PREFERENCE = "withdraw-preference"
    CARD_FEEDBACK = "card-feedback"
    PUBLISH_MEASURE_REPORTS = "publish-measure-reports"


class RequestIntent(StrEnum):
    """https://hl7.org/fhir/R4/valueset-request-intent.html"""

    PROPOSAL = "proposal"
    PLAN = "plan"
    DIRECTIVE = "directive"
    ORDER = "order"
    ORIGINAL_ORDER = "original-order"
    REFLEX_ORDER = "reflex-order"
    FILLER_ORDER = "filler-order"
    INSTANCE_ORDER = "instance-order"
    OPTION = "option"


class DayOfWeek(StrEnum):
    """https://hl7.org/fhir/R4/valueset-days-of-week.html"""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class PeriodUnit(StrEnum):
    """The units of https://hl7.org/fhir/R4/valueset-units-of-time.html that a plan of days can be told in."""

    DAY = "d"
    WEEK = "wk"
    MONTH = "mo"


class EventTiming(StrEnum):
    """https://hl7.org/fhir/R4/valueset-event-timing.html"""

    MORN = "MORN"
    MORN_EARLY = "MORN.early"
    MORN_LATE = "MORN.late"
    NOON = "NOON"
    AFT = "AFT"
    AFT_EARLY = "AFT.early"
    AFT_LATE = "AFT.late"
    EVE = "EVE"
    EVE_EARLY = "EVE.early"
    EVE_LATE = "EVE.late"
    NIGHT = "NIGHT"
    PHS = "PHS"
    HS = "HS"
    WAKE = "WAKE"
    C = "C"
    CM = "CM"
    CD = "CD"
    CV = "CV"
    AC = "AC"
    ACM = "ACM"
    ACD = "ACD"
    ACV = "ACV"
    PC = "PC"
    PCM = "PCM"
    PCD = "PCD"
    PCV = "PCV"


class ReportOutcome(StrEnum):
    """What became of one occurrence of an activity. Code system `ACTIVITY_OUTCOME`."""

    DONE = "done"
    PARTLY = "partly"
    SKIPPED = "skipped"
    TOO_HARD = "too-hard"


class TemplateStatus(StrEnum):
    """https://hl7.org/fhir/R4/valueset-publication-status.html"""

    DRAFT = "draft"
    ACTIVE = "active"
    RETIRED = "retired"
    UNKNOWN = "unknown"


class ParticipantType(StrEnum):
    """https://hl7.org/fhir/R4/valueset-action-participant-type.html"""

    PATIENT = "patient"
    PRACTITIONER = "practitioner"
    RELATED_PERSON = "related-person"
    DEVICE = "device"


class ConsentStatus(StrEnum):
    """https://hl7.org/fhir/R4/valueset-consent-state-codes.html"""

    DRAFT = "draft"
    PROPOSED = "proposed"
    ACTIVE = "active"
    REJECTED = "rejected"
    INACTIVE = "inactive"
    ENTERED_IN_ERROR = "entered-in-error"
