"""Bodies about programmes designed with patients."""

from datetime import date
from typing import Annotated, Any, Final, TypeAlias

from pydantic import Field, model_validator

from fhir_mappings import model
from fhir_mappings.codes import ParticipantType, PeriodUnit
from fhir_mappings.templates import Span, TemplateAction, TemplateGoal, TemplateTarget
from fhir_mappings.wording import phrase
from service.api.activity_bodies import PatternBody, WholeDay
from service.api.fields import Reason, ShortText, Words, reference_to
from service.api.schemas import Body, Coding, Concept, TargetValue
from service.domain.apply_template import Application
from service.domain.templates import Content

Key: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9\-.]{1,40}$")]
NAME_ME: Any = Field(
    False,
    strict=True,
    description="Patients and family: be named. Your consent is recorded, and can be withdrawn at any time.",
)


class SpanBody(Body):
    """So many days (`d`), weeks (`wk`) or months (`mo`)."""

    value: Annotated[int, Field(ge=1, le=1000, strict=True)]
    unit: PeriodUnit

    def noun(self) -> Span:
        return Span(self.value, self.unit)


class TemplateTargetBody(Body):
    """What a goal aims at; `due` counts from the start."""

    measure: Concept
    value: TargetValue | None = None
    due: SpanBody | None = None

    def noun(self) -> TemplateTarget:
        detail = self.value.noun() if self.value else None
        return TemplateTarget(self.measure.noun(), detail, self.due.noun() if self.due else None)


class TemplateGoalBody(Body):
    """A goal that the programme offers, in words that a patient would use."""

    id: Key = Field(description="How actions refer to it")
    description: Words
    targets: tuple[TemplateTargetBody, ...] = Field((), max_length=5)

    def noun(self) -> TemplateGoal:
        return TemplateGoal(self.id, self.description, tuple(t.noun() for t in self.targets))


class TemplateActionBody(Body):
    """Something to do that the programme offers. Without `schedule` a single step."""

    id: Key
    title: ShortText
    who: ParticipantType = ParticipantType.PATIENT
    instruction: Words | None = None
    coding: tuple[Coding, ...] = Field((), max_length=10)
    schedule: PatternBody | None = None
    lasts: SpanBody | None = None
    count: Annotated[int, Field(ge=1, le=1000, strict=True)] | None = None
    goals: tuple[Key, ...] = Field((), max_length=20, description="`id` of the goals that it serves")

    def noun(self) -> TemplateAction:
        return TemplateAction(
            id=self.id,
            title=self.title,
            who=self.who,
            instruction=self.instruction,
            codings=tuple(c.noun() for c in self.coding),
            pattern=self.schedule.pattern() if self.schedule else None,
            lasts=self.lasts.noun() if self.lasts else None,
            count=self.count,
            goals=self.goals,
        )


class ContentBody(Body):
    """What the programme offers."""

    title: ShortText
    description: Words | None = Field(None, description="For whom it is, in plain words")
    purpose: Words | None = Field(None, description="Why it is as it is: what patients and clinicians agreed on")
    topics: tuple[Concept, ...] = Field((), max_length=10)
    goals: tuple[TemplateGoalBody, ...] = Field((), max_length=20)
    actions: tuple[TemplateActionBody, ...] = Field((), max_length=30)
    name_me: bool = NAME_ME

    @model_validator(mode="after")
    def _must_hold_together(self) -> "ContentBody":
        if not self.goals and not self.actions:
            raise ValueError(phrase("offers nothing: it needs a goal or an action"))
        ids = [g.id for g in self.goals]
        every = [*ids, *(a.id for a in self.actions)]
        if len(set(every)) != len(every):
            raise ValueError(phrase("uses an id twice"))
        if any(g not in ids for a in self.actions for g in a.goals):
            raise ValueError(phrase("has an action for a goal that it does not have"))
        if any((a.lasts or a.count) and not a.schedule for a in self.actions):
            raise ValueError(phrase("has a single step that is to last or be repeated: give it a schedule"))
        return self

    def content(self) -> Content:
        """What the rules take."""
        return Content(
            self.title,
            self.description,
            self.purpose,
            tuple(t.noun() for t in self.topics),
            tuple(g.noun() for g in self.goals),
            tuple(a.noun() for a in self.actions),
        )


class DraftTemplate(ContentBody):
    """A new programme."""


class ReviseTemplate(ContentBody):
    """The whole text anew: what is left out is left out."""


class StartTemplateVersion(Body):
    """The next version begins as a copy of this one."""

    name_me: bool = NAME_ME


class SayOfTemplate(Body):
    """A comment or an objection."""

    text: Words
    name_me: bool = NAME_ME


class ResolveObjection(Body):
    """How it was settled."""

    text: Reason


class EndorseTemplate(Body):
    """Standing by exactly this text."""

    name_me: bool = NAME_ME


class NoContent(Body):
    """Nothing more is to be said."""


TEMPLATE: Final = r"^([A-Za-z0-9\-.]{1,64}|(urn:|https?://)[^\s|,\\$]{1,200}(\|[A-Za-z0-9\-.]{1,64})?)$"
"""An id or a canonical. No comma, backslash or dollar sign, which mean something in a search."""


class ApplyTemplate(Body):
    """Which released template, from when, and who plays its roles."""

    template: Annotated[str, Field(pattern=TEMPLATE)] = Field(
        description="Id of a released PlanDefinition, its canonical `url|version`, or its `url`: the released version",
        examples=["knee-2", "urn:coplan:template:knee|2"],
    )
    start: WholeDay | None = Field(
        None, description="First day of all, the plan included: today or later; without it today (UTC)"
    )
    practitioner: Annotated[str, reference_to("Practitioner", "PractitionerRole", "CareTeam")] | None = Field(
        None, description="Who does what the template leaves to the care team; without it the clinician who applies it"
    )
    family: Annotated[str, reference_to("RelatedPerson")] | None = Field(
        None, description="Who does what it leaves to the family"
    )
    addresses: tuple[Annotated[str, reference_to("Condition")], ...] = Field((), max_length=20)
    again: bool = Field(False, description="Once more, though a plan that has come from it still goes on")

    def application(self, subject: model.Reference, actor: model.Reference, today: date) -> Application:
        """What the rules take."""
        practitioner = self.practitioner or (actor if actor.startswith("Practitioner/") else None)
        return Application(subject, self.start or today, practitioner, self.family, self.addresses, self.again)
