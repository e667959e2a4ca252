"""The nouns of what is to be done: when, by whom, and what became of it. Views of ServiceRequest, Timing and Task."""

from dataclasses import dataclass
from datetime import date, datetime, time

from fhir_mappings.codes import (
    CarePlanStatus,
    DayOfWeek,
    EventTiming,
    PeriodUnit,
    ReportOutcome,
    RequestIntent,
    TaskStatus,
)
from fhir_mappings.model import Concept, Note, PartialDate, Reference, reference_to

ONCE = "once"
"""The key of the one occurrence of an activity without a schedule."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """How often something is done: at times or moments of (some) days, or `frequency` times in each `period` of `unit`.

    `times` are on the wall clock, wherever the person is. `times` and `when` exclude each other.
    """

    days: tuple[DayOfWeek, ...] = ()
    times: tuple[time, ...] = ()
    when: tuple[EventTiming, ...] = ()
    frequency: int = 1
    period: int = 1
    unit: PeriodUnit = PeriodUnit.DAY

    @property
    def is_daily(self) -> bool:
        """True where each day stands for itself; else `frequency` counts within periods from the start."""
        return self.period == 1 and self.unit is PeriodUnit.DAY


@dataclass(frozen=True, slots=True)
class Schedule:
    """A pattern from `start` to `until`, both included, `count` times at most."""

    pattern: Pattern
    start: date
    until: date | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """A ServiceRequest: what somebody is to do. Its words and its schedule never change; `draft` until agreed.

    `due` is the day of a single step. `unread_timing`: there is a schedule that CoPlan does not compute.
    `thread` ties the proposals to change it. Statuses are those of CarePlan: one value set of R4.
    """

    subject: Reference
    what: Concept
    status: CarePlanStatus
    intent: RequestIntent = RequestIntent.PLAN
    id: str | None = None
    version: str | None = None
    schedule: Schedule | None = None
    due: PartialDate | None = None
    unread_timing: bool = False
    requester: Reference | None = None
    performers: tuple[Reference, ...] = ()
    goals: tuple[Reference, ...] = ()
    authored_on: datetime | None = None
    instruction: str | None = None
    notes: tuple[Note, ...] = ()
    based_on: tuple[Reference, ...] = ()
    replaces: tuple[Reference, ...] = ()
    thread: str | None = None
    operation: str | None = None
    patient_supplied: bool = False

    @property
    def reference(self) -> Reference:
        return reference_to("ServiceRequest", self.id)


@dataclass(frozen=True, slots=True)
class Report:
    """A Task: what became of one occurrence of `activity`. `outcome` None: the report itself was a mistake.

    `first` and `last` are the days on which the occurrence was due. `done_at` is when it was done, if somebody said so.
    """

    subject: Reference
    activity: Reference
    occurrence: str
    status: TaskStatus
    authored_on: datetime
    last_modified: datetime
    requester: Reference
    outcome: ReportOutcome | None = None
    owner: Reference | None = None
    first: date | None = None
    last: date | None = None
    done_at: datetime | None = None
    notes: tuple[Note, ...] = ()
    id: str | None = None
    version: str | None = None
    operation: str | None = None
    patient_supplied: bool = False

    @property
    def reference(self) -> Reference:
        return reference_to("Task", self.id)
