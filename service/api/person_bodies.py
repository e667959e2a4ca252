"""Bodies about attainment, what matters, priorities, who sees a goal, and the agenda of a visit."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeAlias

from pydantic import Field, model_validator

from fhir_mappings import model
from fhir_mappings.pco import INVENTORY, PURPOSE, WHAT_MATTERS
from fhir_mappings.person_centered import AgendaKind, Visit
from fhir_mappings.wording import phrase
from service.api.fields import (
    Confirmed,
    Day,
    Id,
    PastInstant,
    Reason,
    ShortText,
    Words,
    id_or_reference_to,
    one_of,
    reference_to,
)
from service.api.schemas import Body, Concept, Quantity, Visibility
from service.domain.agenda import AgendaDraft

HEADINGS: Final = tuple(code for codes in WHAT_MATTERS for code in codes.codes)
Rating: TypeAlias = Annotated[int, Field(strict=True, ge=0, le=10)]
Moment: TypeAlias = Annotated[
    PastInstant,
    Field(description="When it was so, with its zone; without it now", examples=["2026-12-03T19:30:00+01:00"]),
]
Heading: TypeAlias = Annotated[
    str, one_of(HEADINGS), Field(json_schema_extra={"enum": [*INVENTORY.codes, *PURPOSE.codes]})
]


class RecordScore(Body):
    """How far the goal is as you see it: `score` for a goal with levels, `value` for one with a PROM."""

    score: Annotated[int, Field(strict=True, ge=-2, le=2)] | None = None
    value: Quantity | None = None
    effective: Moment | None = None
    note: Words | None = None
    confirmed: Confirmed = False

    @model_validator(mode="after")
    def _must_be_one(self) -> "RecordScore":
        if (self.score is None) == (self.value is None):
            raise ValueError(phrase("needs either a score or a value"))
        if self.value is not None and self.value.comparator is not None:
            raise ValueError(phrase("needs a value without a comparator"))
        return self

    @property
    def scored(self) -> int | model.Quantity:
        return self.value.noun() if self.value is not None else int(self.score or 0)

    @property
    def at(self) -> datetime:
        return self.effective or datetime.now(UTC)


class AddBarrier(Body):
    """What is in the way: in your own words, or as a code."""

    text: ShortText | None = None
    concept: Concept | None = None
    note: Words | None = None

    @model_validator(mode="after")
    def _must_be_one(self) -> "AddBarrier":
        if (self.text is None) == (self.concept is None):
            raise ValueError(phrase("needs either a text or a concept"))
        return self

    @property
    def what(self) -> model.Concept | str:
        return self.concept.noun() if self.concept is not None else str(self.text)


class RecordReadiness(Body):
    """0 to 10: how much the change matters to you now, and how sure you are to make it."""

    importance: Rating | None = None
    confidence: Rating | None = None

    @model_validator(mode="after")
    def _must_say_something(self) -> "RecordReadiness":
        if not self.ratings:
            raise ValueError(phrase("needs an importance or a confidence"))
        return self

    @property
    def ratings(self) -> dict[str, int]:
        given = {"importance": self.importance, "confidence": self.confidence}
        return {about: rating for about, rating in given.items() if rating is not None}


class SayWhatMatters(Body):
    """What matters to you, in your own words, and which part of life it is about."""

    text: Words
    about: Heading
    visibility: Visibility = Visibility.SHARED


class SetPriorities(Body):
    """Your own order, the first first: goals, what matters, barriers. An empty list takes it back."""

    items: tuple[Annotated[str, id_or_reference_to("Goal", "Observation")], ...] = Field(max_length=50)

    @model_validator(mode="after")
    def _must_not_repeat(self) -> "SetPriorities":
        if len(set(self.items)) != len(self.items):
            raise ValueError(phrase("names something twice"))
        return self


class ChangeVisibility(Body):
    """Who is to see the goal from now on."""

    visibility: Visibility


class VisitBody(Body):
    """A visit: an Encounter or Appointment, a day, or both. Empty: the next one, whenever it is."""

    reference: Annotated[str, reference_to("Encounter", "Appointment")] | None = None
    day: Day | None = None

    def noun(self) -> Visit:
        day: Any = self.day
        return Visit(self.reference, day)


class AddAgendaItem(Body):
    """Something that you want to talk about. `private`: without the family; only the patient can say so."""

    text: Words
    kind: AgendaKind = AgendaKind.TOPIC
    goal: Id | None = Field(None, description="Id of the goal that it is about")
    visit: VisitBody = VisitBody()
    visibility: Visibility = Visibility.SHARED

    def draft(self) -> AgendaDraft:
        """What the rules take."""
        return AgendaDraft(self.text, self.kind, self.visit.noun(), self.visibility is Visibility.PRIVATE)


class CloseAgendaItem(Body):
    """What came of it. Everybody concerned can read it."""

    outcome: Reason
    discussed: Annotated[bool, Field(strict=True)] = Field(
        True, description="`false`: taken off without having been talked about, by who asked"
    )


class CarryOverAgenda(Body):
    """The visit to which what is open is carried. Without `items`: all but what is set for a visit still to come."""

    visit: VisitBody
    items: tuple[Id, ...] = Field(
        (), max_length=100, description="What to move, also where it is set for a visit still to come"
    )
