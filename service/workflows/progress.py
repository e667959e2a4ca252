"""Measurements for a goal, and what they say of it."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from fhir_mappings.codes import Act, LifecycleStatus, ObservationCategory, ObservationStatus
from fhir_mappings.goal import goal_from_fhir
from fhir_mappings.model import Concept, Goal, Observation, ObservedValue, Reference
from service.commit import Decision, Outcome, Session, carry_out
from service.domain.catalogue import DEFAULT_LANGUAGE, Catalogue
from service.domain.charted import goal_chart, measure_of, tracked_chart, tracked_target
from service.domain.lifecycle import AGREED, must_be
from service.domain.progress import Progress, measurable_target, moved, progress_of
from service.domain.run_chart import RunChart
from service.domain.thread import Change, Occasion
from service.errors import Flaw, InvalidContent
from service.records import read_record
from service.series import NO_WINDOW, Window, make_comparable, read_goal_series, read_series


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
    chart: RunChart


async def record_progress(
    goal_id: str, measurement: Measurement, *, session: Session, if_match: str | None = None
) -> Outcome:
    """Records a measurement; the goal's achievementStatus follows from the series in the same transaction.

    Raises:
        TransitionNotAllowed: the goal is neither agreed nor completed.
        InvalidContent: neither the measurement nor the goal says what is measured.
    """

    async def decide() -> Decision:
        record = await read_record(session.fhir, goal_id, if_match=if_match, told=False)
        must_be(record.goal, AGREED | {LifecycleStatus.COMPLETED}, "measured: it is not agreed")
        observation = _observation(record.goal, measurement, session.occasion())
        earlier = await read_goal_series(session.fhir, record.goal, session.clock())
        await make_comparable(measurable_target(record.goal), (observation,))
        goal = moved(record.goal, earlier.with_these(observation))
        goals = () if goal == record.goal else (goal,)
        change = Change(Act.RECORD_PROGRESS, observation.reference, goals=goals, observations=(observation,))
        return Decision(change, record.sources, record.goals)

    return await carry_out(session, decide)


async def read_progress(
    goal_id: str,
    *,
    session: Session,
    catalogue: Catalogue,
    language: str = DEFAULT_LANGUAGE,
    window: Window = NO_WINDOW,
) -> ProgressView:
    """The goal with its series, and the series as a chart."""
    goal = goal_from_fhir(await session.fhir.read("Goal", goal_id))
    series = await read_goal_series(session.fhir, goal, session.clock(), window)
    progress = progress_of(goal, series.latest, first=series.first)
    chart = goal_chart(goal, progress, catalogue, language, now=session.clock(), more=series.more)
    return ProgressView(goal, progress, series.latest, chart)


async def read_tracked_chart(
    patient: Reference,
    code: str,
    *,
    session: Session,
    catalogue: Catalogue,
    unit: str | None = None,
    language: str = DEFAULT_LANGUAGE,
    window: Window = NO_WINDOW,
) -> RunChart:
    """The chart of what is tracked, whether or not it is for a goal.

    Raises:
        ResourceNotFound: there is no such patient for this actor.
    """
    resource_type, _, patient_id = patient.partition("/")
    _, codes = measure_of(code, catalogue)
    _, series = await asyncio.gather(
        session.fhir.read(resource_type, patient_id),
        read_series(session.fhir, [("patient", patient), ("code", codes)], window),
    )
    await make_comparable(tracked_target(code, unit, series.latest, catalogue), series.latest)
    return tracked_chart(code, unit, series.latest, catalogue, language, now=session.clock(), more=series.more)


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
