"""The nouns of programmes that patients and clinicians design together. Views of PlanDefinition and Consent."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fhir_mappings.activities import Pattern
from fhir_mappings.codes import ConsentStatus, ParticipantType, PeriodUnit, TemplateStatus
from fhir_mappings.model import Coding, Concept, PartialDate, Reference, TargetDetail, reference_to


class RemarkKind(StrEnum):
    """What a remark is. It stands in the element id of its extension, before the operation that made it."""

    COMMENT = "comment"
    OBJECTION = "objection"
    RESOLUTION = "resolution"


@dataclass(frozen=True, slots=True)
class Span:
    """So many days, weeks or months."""

    value: int
    unit: PeriodUnit


@dataclass(frozen=True, slots=True)
class TemplateTarget:
    """What a goal of the template aims at; `due` counts from the start."""

    measure: Concept
    detail: TargetDetail | None = None
    due: Span | None = None


@dataclass(frozen=True, slots=True)
class TemplateGoal:
    """A goal that the template offers. `id` is how actions refer to it."""

    id: str
    words: str
    targets: tuple[TemplateTarget, ...] = ()


@dataclass(frozen=True, slots=True)
class TemplateAction:
    """Something to do that the template offers: by whom, how often, for how long. Without `pattern` a single step."""

    id: str
    title: str
    who: ParticipantType = ParticipantType.PATIENT
    instruction: str | None = None
    codings: tuple[Coding, ...] = ()
    pattern: Pattern | None = None
    lasts: Span | None = None
    count: int | None = None
    goals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """A name, or the role of somebody who is not named. `act` is the operation by which they came in."""

    name: str
    act: str | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment, an objection or its resolution. `act` is the operation that made it; `about` that of the objection."""

    kind: RemarkKind
    text: str
    act: str
    by: str | None = None
    at: datetime | None = None
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """One version of a programme. `edition` is its version among those of the same `url`.

    Only a draft is worked on; see docs/adr/0043.
    """

    url: str
    edition: str
    status: TemplateStatus
    title: str
    id: str | None = None
    version: str | None = None
    description: str | None = None
    purpose: str | None = None
    topics: tuple[Concept, ...] = ()
    goals: tuple[TemplateGoal, ...] = ()
    actions: tuple[TemplateAction, ...] = ()
    authors: tuple[Named, ...] = ()
    reviewers: tuple[Named, ...] = ()
    endorsers: tuple[Named, ...] = ()
    remarks: tuple[Remark, ...] = ()
    changed: datetime | None = None
    approved: PartialDate | None = None
    predecessor: str | None = None
    operation: str | None = None

    @property
    def reference(self) -> Reference:
        return reference_to("PlanDefinition", self.id)

    @property
    def subject(self) -> None:
        """About no patient."""
        return None

    @property
    def canonical(self) -> str:
        """`url|version`, by which plans say what they came from."""
        return f"{self.url}|{self.edition}"


@dataclass(frozen=True, slots=True)
class NamingConsent:
    """A Consent: the patient's name may stand in this version of this template. `performer` gave it."""

    subject: Reference
    performer: Reference
    template: Reference
    status: ConsentStatus
    given: datetime
    id: str | None = None
    version: str | None = None
    operation: str | None = None

    @property
    def reference(self) -> Reference:
        return reference_to("Consent", self.id)
