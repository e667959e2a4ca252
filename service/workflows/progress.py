"""Measurements for a goal, and what they say of it."""

from dataclasses import dataclass
from datetime import datetime

from fhir_mappings.codes import Act, LifecycleStatus, ObservationCategory, ObservationStatus
from fhir_mappings.goal import goal_from_fhir
from fhir_mappings.model import Concept, Goal, Observation, ObservedValue
from service.commit import Decision, Outcome, Session, carry_out
from service.domain.lifecycle import AGREED, must_be
from service.domain.progress import Progress, measurable_target, moved, progress_of
from service.domain.thread import Change, Occasion
from service.errors import Flaw, InvalidContent
from service.records import read_record
from service.series import read_series


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
        earlier = await read_series(session.fhir, record.goal)
        goal = moved(record.goal, earlier.with_these(observation))
        goals = () if goal == record.goal else (goal,)
        change = Change(Act.RECORD_PROGRESS, observation.reference, goals=goals, observations=(observation,))
        return Decision(change, record.sources, record.goals)

    return await carry_out(session, decide)


async def read_progress(goal_id: str, *, session: Session) -> ProgressView:
    """The goal with its series."""
    goal = goal_from_fhir(await session.fhir.read("Goal", goal_id))
    series = await read_series(session.fhir, goal)
    return ProgressView(goal, progress_of(goal, series.with_these()), series.latest)


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
