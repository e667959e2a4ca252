"""Measurements for a goal, and what they say of it."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from fhir_mappings.codes import Act, LifecycleStatus, ObservationCategory, ObservationStatus
from fhir_mappings.goal import goal_from_fhir
from fhir_mappings.model import Concept, Goal, Observation, ObservedValue, Quantity, Reference
from fhir_mappings.wording import Language
from service.commit import Decision, Outcome, Session, carry_out
from service.domain.amounts import must_be_comparable, must_be_ucum, taken
from service.domain.care_plans import retold
from service.domain.catalogue import Catalogue
from service.domain.charted import Asked, adding_up, asked_for, goal_chart, tracked_chart, tracked_target
from service.domain.lifecycle import AGREED, must_be
from service.domain.progress import Progress, measurable_target, moved, progress_of
from service.domain.run_chart import RunChart
from service.domain.thread import Change, Occasion
from service.domain.worded import worded
from service.errors import Flaw, InvalidContent
from service.records import read_record
from service.series import NO_WINDOW, Window, load_units, make_comparable, read_goal_series, read_series
from service.workflows.lifetimes import must_be_of_a_life


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured or done. `measure` None: what the goal's target measures."""

    value: ObservedValue
    effective: datetime
    measure: Concept | None = None
    category: ObservationCategory | None = None
    note: str | None = None
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class ProgressView:
    """A goal, its series (latest last) and how it stands to the target."""

    goal: Goal
    progress: Progress
    observations: tuple[Observation, ...]
    chart: RunChart
    language: Language


async def record_progress(
    goal_id: str,
    measurement: Measurement,
    *,
    session: Session,
    catalogue: Catalogue,
    if_match: str | None = None,
) -> Outcome:
    """Records a measurement; the goal's achievementStatus follows from the series in the same transaction.

    Raises:
        TransitionNotAllowed: the goal is neither agreed nor completed.
        InvalidContent: neither the measurement nor the goal says what is measured; or its amount cannot stand.
    """

    async def decide() -> Decision:
        record = await read_record(session.fhir, goal_id, if_match=if_match, told=False)
        must_be(record.goal, AGREED | {LifecycleStatus.COMPLETED}, "measured: it is not agreed")
        await must_be_of_a_life(session, record.goal.subject, measurement.effective)
        observation = await _observation(record.goal, measurement, session.occasion(), catalogue)
        earlier = await read_goal_series(session.fhir, record.goal, session.clock())
        await make_comparable(measurable_target(record.goal), (observation,))
        must_be_comparable(observation, record.goal, catalogue, "value.quantity.code")
        sums = adding_up(record.goal, catalogue, session.clock())
        goal = moved(record.goal, earlier.with_these(observation), adding_up=sums)
        goals = () if goal == record.goal else (goal,)
        change = Change(Act.RECORD_PROGRESS, observation.reference, goals=goals, observations=(observation,))
        return Decision(retold(change, record.patient.plans), record.sources, record.goals)

    return await carry_out(session, decide)


async def read_progress(
    goal_id: str, *, session: Session, catalogue: Catalogue, window: Window = NO_WINDOW
) -> ProgressView:
    """The goal with its series, and the series as a chart."""
    goal = goal_from_fhir(await session.fhir.read("Goal", goal_id))
    series = await read_goal_series(session.fhir, goal, session.clock(), window)
    now = session.clock()
    progress = progress_of(goal, series.latest, first=series.first, adding_up=adding_up(goal, catalogue, now))
    language = await session.words_for(goal.subject)
    told = (goal, progress, series.latest, catalogue, language.primary)
    chart = goal_chart(*told, now=now, more=series.more)
    shown = tuple(worded(o, catalogue, language.primary) for o in series.latest)
    return ProgressView(goal, progress, shown, chart, language)


async def read_tracked_chart(
    patient: Reference,
    code: str,
    *,
    session: Session,
    catalogue: Catalogue,
    unit: str | None = None,
    window: Window = NO_WINDOW,
) -> tuple[RunChart, Language]:
    """The chart of what is tracked, whether or not it is for a goal, and the language that it is told in.

    Raises:
        ResourceNotFound: there is no such patient for this actor.
        InvalidContent: the code or the unit is none.
    """
    resource_type, _, patient_id = patient.partition("/")
    asked = asked_for(code, catalogue)
    await _must_be_a_unit(unit, asked, catalogue)
    _, series = await asyncio.gather(
        session.fhir.read(resource_type, patient_id),
        read_series(session.fhir, [("patient", patient), ("code", asked.searched)], window),
    )
    for measure in asked.measures:
        await make_comparable(tracked_target(measure, unit, series.latest), series.latest)
    language = await session.words_for(patient)
    told = (code, unit, series.latest, catalogue, language.primary)
    return tracked_chart(*told, now=session.clock(), more=series.more), language


async def _must_be_a_unit(unit: str | None, asked: Asked, catalogue: Catalogue) -> None:
    if unit:
        await load_units([(asked.measures[0], unit)], catalogue)
        must_be_ucum(unit, "query unit")


async def _observation(goal: Goal, measurement: Measurement, occasion: Occasion, catalogue: Catalogue) -> Observation:
    code, value, sent = measurement.measure or _measure(goal), measurement.value, None
    if isinstance(value, Quantity):
        await load_units([(code, value.code)], catalogue)
        value, sent = taken(value, code, catalogue, "value.quantity", confirmed=measurement.confirmed)
    return Observation(
        id=occasion.new_id(),
        subject=goal.subject,
        status=ObservationStatus.FINAL,
        code=code,
        value=value,
        effective=measurement.effective,
        category=measurement.category or ObservationCategory.SURVEY,
        performers=(occasion.actor.reference,),
        goals=(goal.reference,),
        note=" ".join(filter(None, (measurement.note, sent))) or None,
        patient_supplied=occasion.actor.on_patient_side,
    )


def _measure(goal: Goal) -> Concept:
    target = measurable_target(goal) or next(iter(goal.targets), None)
    if target is None or target.measure is None:
        raise InvalidContent(
            Flaw("measure", "is needed: the goal has no target that says what is measured", "required")
        )
    return target.measure
