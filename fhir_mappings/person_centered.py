"""The nouns of person-centered outcomes and of the visit: what people say of a goal, what comes first, what to ask.

Source: https://hl7.org/fhir/us/pco/STU1/
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, auto
from typing import Final, TypeAlias

from fhir_mappings.activities import Activity
from fhir_mappings.codes import ObservationStatus
from fhir_mappings.model import Concept, Goal, PartialDate, Quantity, Reference, reference_to
from fhir_mappings.wording import ENGLISH, Language


class AssessmentKind(StrEnum):
    """What an assessment is about. Which codes mean which: `person_centered.json`."""

    WHAT_MATTERS = auto()
    BARRIER = auto()
    READINESS = auto()
    ATTAINMENT = auto()
    PROM = auto()


AssessedValue: TypeAlias = Quantity | Concept | str


@dataclass(frozen=True, slots=True)
class Assessment:
    """An Observation in which somebody says what matters, what is in the way, how ready they are, how far they got.

    `members` are the answers of a panel, which has no value itself.
    """

    kind: AssessmentKind
    subject: Reference
    status: ObservationStatus
    code: Concept
    value: AssessedValue | None = None
    effective: datetime | None = None
    performer: Reference | None = None
    goal: Reference | None = None
    id: str | None = None
    version: str | None = None
    members: tuple[Reference, ...] = ()
    note: str | None = None
    operation: str | None = None
    patient_supplied: bool = False
    private: bool = False

    @property
    def reference(self) -> Reference:
        return reference_to("Observation", self.id)


@dataclass(frozen=True, slots=True)
class PriorityList:
    """What comes first for `source`, in order: goals, what matters and barriers.

    R4 knows no RelatedPerson as source: of a list of the family, the author of its note is.
    """

    subject: Reference
    source: Reference
    items: tuple[Reference, ...]
    date: datetime
    key: str | None = None
    note: str | None = None
    current: bool = True
    id: str | None = None
    version: str | None = None
    operation: str | None = None
    patient_supplied: bool = False
    private: bool = False

    @property
    def reference(self) -> Reference:
        return reference_to("List", self.id)


class AgendaStatus(StrEnum):
    """Statuses of a CommunicationRequest that CoPlan writes. https://hl7.org/fhir/R4/valueset-request-status.html"""

    ACTIVE = "active"
    COMPLETED = "completed"
    REVOKED = "revoked"
    ENTERED_IN_ERROR = "entered-in-error"


class AgendaKind(StrEnum):
    """Code system `AGENDA`."""

    QUESTION = "question"
    TOPIC = "topic"


@dataclass(frozen=True, slots=True)
class Visit:
    """The visit that something is kept for: an Encounter or Appointment, a day, or both; with neither the next one."""

    reference: Reference | None = None
    day: PartialDate | None = None


NEXT_VISIT: Final = Visit()


@dataclass(frozen=True, slots=True)
class AgendaItem:
    """A question or a topic for a visit. `outcome` is what came of it; `text` is never edited."""

    subject: Reference
    kind: AgendaKind
    text: str
    requester: Reference
    authored_on: datetime
    status: AgendaStatus = AgendaStatus.ACTIVE
    goal: Reference | None = None
    visit: Visit = NEXT_VISIT
    outcome: str | None = None
    closed_by: Reference | None = None
    closed_at: datetime | None = None
    display: str | None = None
    id: str | None = None
    version: str | None = None
    operation: str | None = None
    patient_supplied: bool = False
    private: bool = False

    @property
    def reference(self) -> Reference:
        return reference_to("CommunicationRequest", self.id)


@dataclass(frozen=True, slots=True)
class PlanContents:
    """All that the narrative of a plan tells of, and in which language. `names` are those of the people in it."""

    goals: tuple[Goal, ...] = ()
    assessments: tuple[Assessment, ...] = ()
    priorities: tuple[PriorityList, ...] = ()
    agenda: tuple[AgendaItem, ...] = ()
    activities: tuple[Activity, ...] = ()
    language: Language = ENGLISH
    names: Mapping[Reference, str] = field(default_factory=dict)
