"""The services that a CDS client can call, each with its hooks and with what it wants to be told in advance.

Source: https://cds-hooks.hl7.org/2.0/#discovery
    https://cds-hooks.hl7.org/hooks/
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from service.domain.card_words import Situation
from service.domain.cards import Card, agenda, before_encounter, before_orders, what_matters
from service.domain.conflicts import ConflictRules


class Hook(StrEnum):
    """Hooks of the library that CoPlan answers."""

    PATIENT_VIEW = "patient-view"
    ENCOUNTER_START = "encounter-start"
    ORDER_SELECT = "order-select"
    ORDER_SIGN = "order-sign"
    APPOINTMENT_BOOK = "appointment-book"


class Fact(StrEnum):
    """What a service needs to know: a key of prefetch."""

    PREFERENCES = "preferences"
    GOALS = "goals"
    TASKS = "tasks"
    ENCOUNTER = "encounter"


TEMPLATES: Final[Mapping[Fact, str]] = {
    Fact.PREFERENCES: "Observation?patient={{context.patientId}}"
    "&code=http://loinc.org|75773-2,http://loinc.org|95541-9&_sort=-date",
    Fact.GOALS: "Goal?patient={{context.patientId}}",
    Fact.TASKS: "Task?patient={{context.patientId}}&status=requested,received,accepted,ready,in-progress",
    Fact.ENCOUNTER: "Encounter/{{context.encounterId}}",
}
"""Within the subset of queries that clients are asked to support."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a service answers one hook: what it needs to know, and the card that follows from it."""

    facts: tuple[Fact, ...]
    card: Callable[[Situation, ConflictRules], Card | None]


@dataclass(frozen=True, slots=True)
class CdsService:
    """A service. Several hooks under one id: the later card takes the place of the earlier."""

    id: str
    title: str
    description: str
    answers: Mapping[Hook, Answer]


_ORDERS: Final = Answer((Fact.PREFERENCES, Fact.GOALS), before_orders)
_OPEN: Final = (Fact.GOALS, Fact.PREFERENCES, Fact.TASKS)

SERVICES: Final = (
    CdsService(
        "coplan-what-matters",
        "What matters to this patient",
        "Offers that wait for an answer, preferences that are due for review, agreed goals.",
        {Hook.PATIENT_VIEW: Answer(_OPEN, lambda situation, _: what_matters(situation))},
    ),
    CdsService(
        "coplan-asked-first",
        "Does the patient want to be admitted?",
        "What the patient said to admission and treatment, before it is ordered; or that nobody has asked yet.",
        {
            Hook.ENCOUNTER_START: Answer(
                (Fact.PREFERENCES, Fact.ENCOUNTER), lambda situation, _: before_encounter(situation)
            ),
            Hook.ORDER_SELECT: _ORDERS,
            Hook.ORDER_SIGN: _ORDERS,
        },
    ),
    CdsService(
        "coplan-agenda",
        "For the agenda of this visit",
        "What is open between the patient and the care team when a visit is booked.",
        {Hook.APPOINTMENT_BOOK: Answer(_OPEN, lambda situation, _: agenda(situation))},
    ),
)
BY_ID: Final = {service.id: service for service in SERVICES}
