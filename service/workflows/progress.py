"""Measurements for a goal, and what they say of it."""

from dataclasses import dataclass, replace
from datetime import datetime

from fhir_mappings.codes import Act, LifecycleStatus, ObservationCategory, ObservationStatus
from fhir_mappings.goal import goal_from_fhir
from fhir_mappings.model import Concept, Goal, Observation, ObservedValue
from fhir_mappings.observation import observation_from_fhir
from service.commit import Decision, Outcome, Session, carry_out
from service.domain.lifecycle import AGREED, must_be
from service.domain.progress import Progress, measurable_target, progress_of
from service.domain.thread import Change, Occasion
from service.errors import Flaw, InvalidContent
from service.ports import FhirGateway
from service.records import read_record

SERIES_LIMIT = 500
"""The latest so many measurements are looked at."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured or done. `measure` None: what the goal's target measures."""

    value: ObservedValue
    effective: datetime
    measure: Concept | None = None
    category: ObservationCategory | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ProgressView:
    """A goal, its series (latest last) and how it stands to the target."""

    goal: Goal
    progress: Progress
    observations: tuple[Observation, ...]


async def record_progress(
    goal_id: str, measurement: Measurement, *, session: Session, if_match: str | None = None
) -> Outcome:
    """Records a measurement; the goal's achievementStatus follows from the series in the same transaction.

    Raises:
        TransitionNotAllowed: the goal is neither agreed nor completed.
        InvalidContent: neither the measurement nor the goal says what is measured.
    """

    async def decide() -> Decision:
        record = await read_record(session.fhir, goal_id, if_match=if_match)
        must_be(record.goal, AGREED | {LifecycleStatus.COMPLETED}, "measured: it is not agreed")
        observation = _observation(record.goal, measurement, session.occasion())
        earlier = await _series(session.fhir, record.goal)
        goal = _moved(record.goal, (*earlier, observation))
        goals = () if goal == record.goal else (goal,)
        change = Change(Act.RECORD_PROGRESS, observation.reference, goals=goals, observations=(observation,))
        return Decision(change, record.sources, record.goals)

    return await carry_out(session, decide)


async def read_progress(goal_id: str, *, session: Session) -> ProgressView:
    """The goal with its series."""
    goal = goal_from_fhir(await session.fhir.read("Goal", goal_id))
    observations = await _series(session.fhir, goal)
    return ProgressView(goal, progress_of(goal, observations), observations)


async def _series(fhir: FhirGateway, goal: Goal) -> tuple[Observation, ...]:
    found = await fhir.search(
        "Observation",
        [("patient", goal.subject), ("focus", goal.reference), ("_sort", "-date"), ("_count", "200")],
        limit=SERIES_LIMIT,
    )
    return tuple(reversed([observation_from_fhir(r) for r in found]))


def _observation(goal: Goal, measurement: Measurement, occasion: Occasion) -> Observation:
    return Observation(
        id=occasion.new_id(),
        subject=goal.subject,
        status=ObservationStatus.FINAL,
        code=measurement.measure or _measure(goal),
        value=measurement.value,
        effective=measurement.effective,
        category=measurement.category or ObservationCategory.SURVEY,
        performers=(occasion.actor.reference,),
        goals=(goal.reference,),
        note=measurement.note,
        patient_supplied=occasion.actor.on_patient_side,
    )


def _measure(goal: Goal) -> Concept:
    target = measurable_target(goal) or next(iter(goal.targets), None)
    if target is None or target.measure is None:
        raise InvalidContent(
            Flaw("measure", "is needed: the goal has no target that says what is measured", "required")
        )
    return target.measure


def _moved(goal: Goal, observations: tuple[Observation, ...]) -> Goal:
    """Only a goal in force moves; what was said at its completion stands until people say otherwise."""
    if goal.lifecycle_status is not LifecycleStatus.ACTIVE or measurable_target(goal) is None:
        return goal
    return replace(goal, achievement_status=progress_of(goal, observations).status)
