"""Bodies that callers send. What a field may hold is checked here once; what it may mean, by the rules."""

from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from fhir_mappings import model
from fhir_mappings.codes import AchievementStatus, GoalPriority, ObservationCategory, QuantityComparator
from fhir_mappings.wording import phrase
from service.api.fields import (
    Code,
    Confirmed,
    Day,
    Domain,
    GoalKey,
    Id,
    Number,
    ObservationKey,
    PastInstant,
    Reason,
    ShortText,
    Unit,
    Uri,
    Words,
    expected,
    reference_to,
)
from service.domain.attainment import domain_concepts
from service.domain.goal_offers import Offer
from service.workflows.care_plans import PlanDraft
from service.workflows.progress import Measurement

ASKED: Final = frozenset({"Patient", "RelatedPerson", "Practitioner", "PractitionerRole", "CareTeam", "Organization"})
ADDRESSED: Final = frozenset({"Condition", "Observation", "RiskAssessment"})


class Visibility(StrEnum):
    """Who sees a goal and all about it."""

    SHARED = "shared"
    PRIVATE = "private"


class Body(BaseModel):
    """camelCase on the wire; what is not known is refused, not ignored."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


class Coding(Body):
    """A code in its system, for example LOINC `41950-7`."""

    system: Uri
    code: Code
    display: ShortText | None = None

    def noun(self) -> model.Coding:
        return model.Coding(self.system, self.code, self.display)


class Concept(Body):
    """Words, codes, or both."""

    text: ShortText | None = None
    coding: tuple[Coding, ...] = Field((), max_length=10)

    @model_validator(mode="after")
    def _must_say_something(self) -> "Concept":
        if not self.text and not self.coding:
            raise ValueError(phrase("needs a text or a coding"))
        return self

    def noun(self) -> model.Concept:
        return model.Concept(self.text, tuple(c.noun() for c in self.coding))


class Quantity(Body):
    """An amount in a UCUM unit."""

    value: Number
    code: Unit
    unit: ShortText | None = Field(None, description="The unit in words; without it the UCUM code is shown")
    comparator: QuantityComparator | None = None

    def noun(self) -> model.Quantity:
        return model.Quantity(self.value, self.code, self.unit, self.comparator)


class Bound(Body):
    """An end of a range; included."""

    value: Number
    code: Unit
    unit: ShortText | None = None

    def noun(self) -> model.Quantity:
        return model.Quantity(self.value, self.code, self.unit)


class Range(Body):
    """From low to high, both included; one of them may be left open."""

    low: Bound | None = None
    high: Bound | None = None

    @model_validator(mode="after")
    def _must_be_a_range(self) -> "Range":
        if self.low is None and self.high is None:
            raise ValueError(phrase("needs a low or a high end"))
        if self.low and self.high and (self.low.code != self.high.code or self.low.value > self.high.value):
            raise ValueError(phrase("needs both ends in one unit, the low end first"))
        return self

    def noun(self) -> model.Range:
        return model.Range(self.low.noun() if self.low else None, self.high.noun() if self.high else None)


class Value(Body):
    """Exactly one of its members."""

    quantity: Quantity | None = None
    concept: Concept | None = None
    text: ShortText | None = None
    integer: Annotated[int, Field(strict=True, ge=-(2**31), lt=2**31)] | None = None
    boolean: Annotated[bool, Field(strict=True)] | None = None

    @model_validator(mode="after")
    def _must_be_one(self) -> "Value":
        if len(self.model_fields_set) != 1 or self.noun() is None:
            raise PydanticCustomError("one_member", "is not one of them", expected(type(self).model_fields))
        return self

    def noun(self) -> Any:
        """The noun's value, of the type that FHIR gives it."""
        given = next((v for name in self.model_fields_set if (v := getattr(self, name)) is not None), None)
        return given.noun() if isinstance(given, Quantity | Concept | Range) else given


class TargetValue(Value):
    """Exactly one of its members."""

    range: Range | None = None


class Target(Body):
    """What is to be reached, and by when."""

    measure: Concept | None = Field(None, description="What is measured; needed where there is a value")
    value: TargetValue | None = None
    due: Day | None = Field(None, description="By when; today or later. A month or a year counts until its last day.")

    @model_validator(mode="after")
    def _must_be_measurable(self) -> "Target":
        if self.value and self.measure is None:
            raise ValueError(phrase("needs a measure for its value"))  # R4 invariant gol-1
        if not (self.measure or self.due):
            raise ValueError(phrase("needs a measure or a due date"))
        return self

    def noun(self) -> model.Target:
        due: Any = self.due
        value = self.value.noun() if self.value else None
        return model.Target(self.measure.noun() if self.measure else None, value, due)


class Level(Body):
    """What one level looks like. 0 is what you expect; +2 much better, -2 much less."""

    score: Annotated[int, Field(strict=True, ge=-2, le=2)]
    text: ShortText

    def noun(self) -> model.Level:
        return model.Level(self.text, self.score)


class OfferBody(Body):
    """A goal as somebody puts it, in their own words."""

    description: Words = Field(description="The person's own words. Nobody ever edits them.")
    targets: tuple[Target, ...] = Field((), max_length=10)
    levels: tuple[Level, ...] = Field(
        (), max_length=5, description="How you will tell how far it is, in your own words; level 0 is needed"
    )
    start_date: Day | None = None
    domains: tuple[Domain, ...] = Field((), max_length=5, description="Areas of life that it is about, by PCO 1.0.0")
    categories: tuple[Concept, ...] = Field((), max_length=10)
    priority: GoalPriority | None = Field(None, description="How much it matters to who offers it")
    addresses: tuple[Annotated[str, reference_to(*ADDRESSED)], ...] = Field(
        (), max_length=20, description="Conditions, Observations or RiskAssessments that it is about"
    )
    confirmed: Confirmed = False
    ask: tuple[Annotated[str, reference_to(*ASKED)], ...] = Field(
        (), max_length=20, description="Who is to answer. Without it: the care team, or for a clinician the patient."
    )

    def offer(self) -> Offer:
        """What the rules take."""
        start: Any = self.start_date
        return Offer(
            words=self.description,
            targets=tuple(t.noun() for t in self.targets),
            levels=tuple(level.noun() for level in self.levels),
            start=start,
            categories=(*domain_concepts(self.domains), *(c.noun() for c in self.categories)),
            priority=self.priority,
            addresses=self.addresses,
            asked=self.ask,
            confirmed=self.confirmed,
        )


class ProposeGoal(OfferBody):
    """A goal for the table."""

    care_plan: Id | None = Field(None, description="Id of the plan that it is meant for; without it the shared one")
    visibility: Visibility = Field(
        Visibility.SHARED, description="`private`: for the patient and the care team, not for the family. Patient only."
    )

    def offer(self) -> Offer:
        """What the rules take."""
        return replace(super().offer(), private=self.visibility is Visibility.PRIVATE)


class CounterProposeGoal(OfferBody):
    """Another offer. Start, categories and what it addresses are taken over where left out; targets are not."""

    reason: Reason


class AcceptGoal(Body):
    """Agreement, with what it matters and a word if you like."""

    priority: GoalPriority | None = None
    comment: Reason | None = None


class WithReason(Body):
    """An act that the others are to understand."""

    reason: Reason


class WithdrawGoal(Body):
    """Taking one's own offer back needs no reason."""

    reason: Reason | None = None


class CompleteGoal(Body):
    """What became of the goal. Who confirms may leave the outcome out."""

    outcome: AchievementStatus | None = Field(None, description="`achieved`, `sustaining` or `not-achieved`")
    reason: Reason | None = None
    observation: ObservationKey | None = Field(None, description="What shows it: its reference or id")


class SendMessage(Body):
    """A question or an answer."""

    text: Words
    in_response_to: Annotated[str, reference_to("Communication")] | None = None


class RecordProgress(Body):
    """One measurement or answer. Without `measure` it is of what the goal's target measures."""

    value: Value
    effective: PastInstant = Field(
        description="When it was measured, with its zone", examples=["2026-12-03T19:30:00+01:00"]
    )
    measure: Concept | None = None
    category: ObservationCategory | None = None
    note: Words | None = None
    confirmed: Confirmed = False

    def measurement(self) -> Measurement:
        """What the rules take."""
        return Measurement(
            value=self.value.noun(),
            effective=self.effective,
            measure=self.measure.noun() if self.measure else None,
            category=self.category,
            note=self.note,
            confirmed=self.confirmed,
        )


class OpenCarePlan(Body):
    """A plan for goals that are already agreed, or for those to come."""

    title: ShortText
    goals: tuple[GoalKey, ...] = Field(
        (), max_length=100, description="Agreed goals of this patient: ids or references"
    )
    addresses: tuple[Annotated[str, reference_to("Condition")], ...] = Field((), max_length=50)
    care_team: Annotated[str, reference_to("CareTeam")] | None = None

    def draft(self) -> PlanDraft:
        """What the rules take."""
        return PlanDraft(self.title, self.goals, self.addresses, self.care_team)


class LinkGoal(Body):
    """A goal to link: its id or reference."""

    goal: GoalKey
