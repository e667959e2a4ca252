"""The nouns: views of FHIR R4 resources, narrowed to what CoPlan reads and writes.

A noun never carries a resource: what it does not say stays in the resource that it is a view of.
References are `Type/id`. `version` is None until the server has given one; `id` is `urn:uuid:…` until then.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol, TypeAlias

from fhir_mappings.codes import (
    AcceptanceStatus,
    AchievementStatus,
    Act,
    BusinessStatus,
    CarePlanStatus,
    GoalPriority,
    LifecycleStatus,
    ObservationCategory,
    ObservationStatus,
    QuantityComparator,
    TaskCode,
    TaskStatus,
)

Reference: TypeAlias = str
"""`Type/id`, for example `Patient/ann`; inside a transaction also `urn:uuid:…` of another entry."""


def reference_to(resource_type: str, resource_id: str | None) -> Reference:
    """`Type/id`, or the URN itself for a resource that the present transaction creates."""
    if resource_id is None:
        raise ValueError(f"a {resource_type} without an id cannot be referred to")
    return resource_id if resource_id.startswith("urn:uuid:") else f"{resource_type}/{resource_id}"


class Noun(Protocol):
    """What an act can write: a view of a resource that names whom it is about and which operation made it.

    `subject` is None for what is about no single patient.
    """

    @property
    def reference(self) -> Reference: ...

    @property
    def subject(self) -> Reference | None: ...

    @property
    def operation(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A FHIR `date`: `2026`, `2026-05` or `2026-05-01`, as it was written.

    Source: https://hl7.org/fhir/R4/datatypes.html#date
    """

    text: str

    @property
    def first_day(self) -> date:
        """The earliest day that it may mean."""
        year, month, day = (*map(int, self.text.split("-")), 1, 1)[:3]
        return date(year, month, day)

    @property
    def last_day(self) -> date:
        """The latest day that it may mean."""
        first = self.first_day
        match self.text.count("-"):
            case 0:
                return date(first.year, 12, 31)
            case 1:
                return first.replace(day=monthrange(first.year, first.month)[1])
            case _:
                return first

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Coding:
    """A code in its system: `Coding("http://loinc.org", "41950-7", "Steps in 24 hour")`."""

    system: str | None
    code: str | None
    display: str | None = None


@dataclass(frozen=True, slots=True)
class Concept:
    """A CodeableConcept: words, codes, or both."""

    text: str | None = None
    codings: tuple[Coding, ...] = ()


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount in a UCUM unit: `Quantity(Decimal("6000"), "{steps}/d", "steps a day")`."""

    value: Decimal
    code: str
    unit: str | None = None
    comparator: QuantityComparator | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high`, both included; either may be open. Same UCUM unit."""

    low: Quantity | None = None
    high: Quantity | None = None


TargetDetail: TypeAlias = Quantity | Range | Concept | str | bool | int


@dataclass(frozen=True, slots=True)
class Target:
    """`Goal.target`. `detail` is None when absent or of a type that CoPlan does not read (Ratio)."""

    measure: Concept | None = None
    detail: TargetDetail | None = None
    due: PartialDate | None = None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What one party says of a goal. `individual` is Patient, Practitioner or RelatedPerson."""

    individual: Reference
    status: AcceptanceStatus
    priority: GoalPriority | None = None
    display: str | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """What one level of attainment looks like, in the words of who offers the goal.

    `score` runs from -2 (much less than expected) over 0 (expected) to +2; None where another system does not say.
    """

    text: str
    score: int | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """An Annotation. CoPlan always writes author and time; others may not have."""

    text: str
    author: Reference | None = None
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Goal:
    """One offer, or what became of it. The description of an offer never changes, nor do its levels.

    `private`: for the patient and the care team alone, not for the family.
    """

    subject: Reference
    description: str
    lifecycle_status: LifecycleStatus
    id: str | None = None
    version: str | None = None
    achievement_status: AchievementStatus | None = None
    start: PartialDate | None = None
    status_date: PartialDate | None = None
    status_reason: str | None = None
    expressed_by: Reference | None = None
    targets: tuple[Target, ...] = ()
    levels: tuple[Level, ...] = ()
    acceptances: tuple[Acceptance, ...] = ()
    priority: GoalPriority | None = None
    categories: tuple[Concept, ...] = ()
    addresses: tuple[Reference, ...] = ()
    notes: tuple[Note, ...] = ()
    outcomes: tuple[Reference, ...] = ()
    replaced_by: tuple[Reference, ...] = ()
    thread: str | None = None
    operation: str | None = None
    patient_supplied: bool = False
    private: bool = False

    @property
    def reference(self) -> Reference:
        return reference_to("Goal", self.id)

    @property
    def offered_at(self) -> datetime | None:
        """When it was offered: the time of its first note, which CoPlan writes with each offer."""
        return self.notes[0].time if self.notes else None


@dataclass(frozen=True, slots=True)
class Task:
    """Asks `owner` to answer about `focus`. `owner` None: anybody of the care team."""

    code: TaskCode
    status: TaskStatus
    subject: Reference
    focus: Reference
    requester: Reference
    authored_on: datetime
    last_modified: datetime
    id: str | None = None
    version: str | None = None
    owner: Reference | None = None
    thread: str | None = None
    operation: str | None = None
    part_of: tuple[Reference, ...] = ()
    based_on: tuple[Reference, ...] = ()
    business_status: BusinessStatus | None = None
    status_reason: str | None = None
    proposed_outcome: AchievementStatus | None = None
    output: tuple[Reference, ...] = ()
    description: str | None = None

    @property
    def reference(self) -> Reference:
        return reference_to("Task", self.id)


@dataclass(frozen=True, slots=True)
class Message:
    """A Communication about a goal: a question or an answer in a thread."""

    subject: Reference
    about: Reference
    sender: Reference
    text: str
    sent: datetime
    thread: str
    id: str | None = None
    version: str | None = None
    recipients: tuple[Reference, ...] = ()
    in_response_to: Reference | None = None
    part_of: Reference | None = None
    operation: str | None = None

    @property
    def reference(self) -> Reference:
        return reference_to("Communication", self.id)


@dataclass(frozen=True, slots=True)
class Stamp:
    """A Provenance: who did which act on which text, when and why.

    `targets[0]` is what the act was about. `on_behalf_of` is an Organization.
    """

    targets: tuple[Reference, ...]
    recorded: datetime
    who: Reference
    act: Act | None
    id: str | None = None
    on_behalf_of: Reference | None = None
    reason: str | None = None
    revision_of: tuple[Reference, ...] = ()
    display: str | None = None
    operation: str | None = None
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class CarePlan:
    """The plan that links the goals. Its narrative is generated from them, see `narrative`.

    `private`: the one that links the patient's private goals, and no others.
    """

    subject: Reference
    status: CarePlanStatus
    title: str | None = None
    id: str | None = None
    version: str | None = None
    created: datetime | None = None
    goals: tuple[Reference, ...] = ()
    addresses: tuple[Reference, ...] = ()
    care_teams: tuple[Reference, ...] = ()
    contributors: tuple[Reference, ...] = ()
    activities: tuple[Reference, ...] = ()
    period_start: PartialDate | None = None
    instantiates: str | None = None
    shared: str | None = None
    operation: str | None = None
    private: bool = False

    @property
    def reference(self) -> Reference:
        return reference_to("CarePlan", self.id)


ObservedValue: TypeAlias = Quantity | Concept | str | bool | int


@dataclass(frozen=True, slots=True)
class Component:
    """One of several values of one Observation, such as the systolic pressure."""

    code: Concept
    value: ObservedValue | None


@dataclass(frozen=True, slots=True)
class Observation:
    """One measurement or answer. `effective` carries a zone; None when the resource has only a period.

    `profile` is one that does not follow from the category.
    `client_item` names the entry of the application that sent it, `fingerprint` what that entry said at first.
    """

    subject: Reference
    status: ObservationStatus
    code: Concept
    value: ObservedValue | None
    effective: datetime | None
    category: ObservationCategory | None = None
    id: str | None = None
    version: str | None = None
    performers: tuple[Reference, ...] = ()
    goals: tuple[Reference, ...] = ()
    note: str | None = None
    operation: str | None = None
    patient_supplied: bool = False
    components: tuple[Component, ...] = ()
    profile: str | None = None
    client_item: str | None = None
    fingerprint: str | None = None

    @property
    def reference(self) -> Reference:
        return reference_to("Observation", self.id)
