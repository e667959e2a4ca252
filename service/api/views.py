"""What callers get as `application/json`: the nouns, flat and in camelCase. Absent members say nothing.

msgspec writes them at once, Decimals as the numbers that they came from; pydantic would validate what we made.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

import msgspec

from fhir_mappings import model
from fhir_mappings.attainment import NAMES
from fhir_mappings.carrier import encode
from fhir_mappings.narrative import called
from fhir_mappings.target import target_in_words
from fhir_mappings.wording import ENGLISH, Language

Reference: TypeAlias = Annotated[str, msgspec.Meta(description="`Type/id`", examples=["Patient/ann"])]
Day: TypeAlias = Annotated[str, msgspec.Meta(description="`YYYY`, `YYYY-MM` or `YYYY-MM-DD`", examples=["2027-01-31"])]


class View(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """The base of all answers."""


class PersonName(View):
    """What somebody is called who is referred to here. Who is not listed has no name that you may see."""

    reference: Reference
    name: str


def people_in(names: Mapping[Reference, str]) -> tuple[PersonName, ...]:
    """All who have a name here."""
    return tuple(PersonName(reference=r, name=n) for r, n in sorted(names.items()))


class NamingView(View):
    """Has `people`: who is who, of those, and only those, to whom it refers itself."""

    def __post_init__(self) -> None:
        view: Any = self  # where `people` stands among the members is for each view to say
        people, view.people = view.people, ()
        told = encode(view)
        view.people = tuple(p for p in people if f'"{p.reference}"'.encode() in told)


class CodingView(View):
    system: str | None = None
    code: str | None = None
    display: str | None = None


class ConceptView(View):
    text: str | None = None
    coding: tuple[CodingView, ...] = ()

    @classmethod
    def of(cls, concept: model.Concept) -> "ConceptView":
        codings = (CodingView(system=c.system, code=c.code, display=c.display) for c in concept.codings)
        return cls(text=concept.text, coding=tuple(codings))


class QuantityView(View):
    """`code` is the UCUM unit; `unit` says it in words."""

    value: Decimal
    code: str
    unit: str | None = None
    comparator: str | None = None

    @classmethod
    def of(cls, quantity: model.Quantity) -> "QuantityView":
        return cls(value=quantity.value, code=quantity.code, unit=quantity.unit, comparator=quantity.comparator)


class RangeView(View):
    low: QuantityView | None = None
    high: QuantityView | None = None


class ValueView(View):
    """One of its members."""

    quantity: QuantityView | None = None
    range: RangeView | None = None
    concept: ConceptView | None = None
    text: str | None = None
    integer: int | None = None
    boolean: bool | None = None

    @classmethod
    def of(cls, value: model.TargetDetail | model.ObservedValue) -> "ValueView":
        match value:
            case model.Quantity():
                return cls(quantity=QuantityView.of(value))
            case model.Range():
                low, high = (QuantityView.of(b) if b else None for b in (value.low, value.high))
                return cls(range=RangeView(low=low, high=high))
            case model.Concept():
                return cls(concept=ConceptView.of(value))
            case bool():
                return cls(boolean=value)
            case int():
                return cls(integer=value)
            case str():
                return cls(text=value)


class TargetView(View):
    """`words` says the whole target."""

    words: str
    measure: ConceptView | None = None
    value: ValueView | None = None
    due: Day | None = None

    @classmethod
    def of(cls, target: model.Target, language: Language = ENGLISH) -> "TargetView":
        return cls(
            words=target_in_words(target, language),
            measure=ConceptView.of(target.measure) if target.measure else None,
            value=None if target.detail is None else ValueView.of(target.detail),
            due=str(target.due) if target.due else None,
        )


class LevelView(View):
    """`score` -2 to +2, `name` what that is called."""

    text: str
    score: int | None = None
    name: str | None = None

    @classmethod
    def of(cls, level: model.Level, language: Language = ENGLISH) -> "LevelView":
        name = None if level.score is None else language.say(NAMES[level.score])
        return cls(text=level.text, score=level.score, name=name)


class AcceptanceView(View):
    """What one party says: `agree`, `disagree` or `pending`."""

    individual: Reference
    status: str
    priority: str | None = None
    name: str | None = None


class NoteView(View):
    text: str
    author: Reference | None = None
    time: datetime | None = None


class GoalView(View):
    """A goal as it stands: an offer, an agreement, or what became of it."""

    id: str
    version: str
    patient: Reference
    description: Annotated[
        str, msgspec.Meta(description="The person's own words; a target that they do not say follows")
    ]
    lifecycle_status: str
    achievement_status: str | None = None
    start_date: Day | None = None
    status_date: Day | None = None
    status_reason: str | None = None
    expressed_by: Reference | None = None
    targets: tuple[TargetView, ...] = ()
    levels: tuple[LevelView, ...] = ()
    acceptances: tuple[AcceptanceView, ...] = ()
    priority: Annotated[str, msgspec.Meta(description="Only where all who agree give the same")] | None = None
    categories: tuple[ConceptView, ...] = ()
    addresses: tuple[Reference, ...] = ()
    notes: tuple[NoteView, ...] = ()
    outcomes: tuple[Reference, ...] = ()
    replaced_by: tuple[Reference, ...] = ()
    thread: str | None = None
    patient_supplied: bool = False
    visibility: Annotated[str, msgspec.Meta(description="`private` or `shared`")] = "shared"

    @classmethod
    def of(
        cls, goal: model.Goal, language: Language = ENGLISH, names: Mapping[Reference, str] | None = None
    ) -> "GoalView":
        return cls(
            id=str(goal.id),
            version=goal.version or "",
            patient=goal.subject,
            description=goal.description,
            lifecycle_status=goal.lifecycle_status,
            achievement_status=goal.achievement_status,
            start_date=day_text(goal.start),
            status_date=day_text(goal.status_date),
            status_reason=goal.status_reason,
            expressed_by=goal.expressed_by,
            targets=tuple(TargetView.of(t, language) for t in goal.targets),
            levels=tuple(LevelView.of(level, language) for level in goal.levels),
            acceptances=tuple(
                AcceptanceView(
                    individual=a.individual,
                    status=a.status,
                    priority=a.priority,
                    name=called(a.individual, a.display, language, names or {}),
                )
                for a in goal.acceptances
            ),
            priority=goal.priority,
            categories=tuple(map(ConceptView.of, goal.categories)),
            addresses=goal.addresses,
            notes=tuple(NoteView(text=n.text, author=n.author, time=n.time) for n in goal.notes),
            outcomes=goal.outcomes,
            replaced_by=goal.replaced_by,
            thread=goal.thread,
            patient_supplied=goal.patient_supplied,
            visibility="private" if goal.private else "shared",
        )


class GoalList(View):
    goals: tuple[GoalView, ...]


class Health(View):
    status: str
    degraded: tuple[str, ...] = ()


class KeySet(View):
    """A JWK Set with public keys (RFC 7517)."""

    keys: tuple[dict[str, str], ...]


class Flaw(View):
    """One element that is wrong. `code` is an issue type of R4."""

    path: str
    code: str
    message: str


class ProblemDetails(View):
    """An error, by RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    current_version: str | None = None
    errors: tuple[Flaw, ...] = ()


def day_text(value: model.PartialDate | None) -> str | None:
    """As it was written."""
    return str(value) if value else None
