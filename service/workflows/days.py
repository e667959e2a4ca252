"""What a patient's activities ask for: all of them, today, this week, and how it went."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from fhir_mappings.activities import Activity, Report, Schedule
from fhir_mappings.activity_report import report_from_fhir
from fhir_mappings.carrier import Json
from fhir_mappings.codes import ACTIVITY, OCCURRENCE, CarePlanStatus, LifecycleStatus, ReportOutcome
from fhir_mappings.goal import goal_from_fhir
from fhir_mappings.model import Goal, Reference, Task
from fhir_mappings.provenance import stamp_from_fhir
from fhir_mappings.service_request import activity_from_fhir
from fhir_mappings.task import asks_about, task_from_fhir
from service.commit import Session
from service.domain.activities import Course
from service.domain.adherence import WINDOWS, Adherence, adherence, pauses_of
from service.domain.due import Due, due, due_today, upcoming, week_of
from service.domain.next_steps import NextStep, next_step
from service.domain.smaller import smaller
from service.domain.thread import WAITING, is_for
from service.ports import FhirGateway, Parameters

HISTORY: Final = timedelta(days=max(WINDOWS) + 31)
"""How far back reports are read: the longest window, and a period of a month that reaches into it."""
EARLY: Final = timedelta(days=2)
"""Nothing is reported earlier than a day before it is due, wherever on earth."""
HARD: Final = frozenset({ReportOutcome.SKIPPED, ReportOutcome.TOO_HARD, ReportOutcome.PARTLY})
"""What calls for something smaller."""
OPEN_GOALS: Final = frozenset(
    {LifecycleStatus.PROPOSED, LifecycleStatus.ACCEPTED, LifecycleStatus.ACTIVE, LifecycleStatus.ON_HOLD}
)


@dataclass(frozen=True, slots=True)
class Step:
    """An activity, and who has to do what next."""

    activity: Activity
    resource: Json
    next: NextStep | None = None


@dataclass(frozen=True, slots=True)
class Agenda:
    """What is due from `first` to `last` by the clock of `zone`; `questions` are proposals that wait for the actor."""

    patient: Reference
    zone: ZoneInfo
    first: date
    last: date
    items: tuple[Due, ...]
    questions: tuple[Task, ...] = ()


@dataclass(frozen=True, slots=True)
class Smaller:
    """A smaller schedule to offer, the open goals that the activity serves, and the latest report that calls for it.

    Nothing of it is written yet.
    """

    activity: Activity
    schedule: Schedule | None
    goals: tuple[Goal, ...]
    because: Report | None = None


@dataclass(frozen=True, slots=True)
class _Activities:
    resources: tuple[Json, ...]
    reports: tuple[Report, ...]
    questions: tuple[Task, ...]

    @property
    def activities(self) -> tuple[Activity, ...]:
        return tuple(map(activity_from_fhir, self.resources))


async def list_activities(
    patient: Reference, *, session: Session, statuses: frozenset[CarePlanStatus] = frozenset()
) -> tuple[Step, ...]:
    """All activities of the patient's plans, those of other systems included, in the order they were asked for."""
    today = session.clock().date()
    found = await _read(session.fhir, patient, since=today - HISTORY)
    pairs = ((activity_from_fhir(r), r) for r in found.resources)
    steps = (Step(a, r, _next(a, found, today)) for a, r in pairs if not statuses or a.status in statuses)
    return tuple(sorted(steps, key=lambda s: s.activity.authored_on.isoformat() if s.activity.authored_on else ""))


async def read_today(patient: Reference, *, session: Session, zone: ZoneInfo, day: date | None = None) -> Agenda:
    """What is due today (or on `day`), what has been said of it, and what waits for the actor's yes."""
    today = day or session.clock().astimezone(zone).date()
    found = await _read(session.fhir, patient, since=today - HISTORY)
    items = due_today(found.activities, found.reports, today, zone)
    mine = tuple(t for t in found.questions if is_for(t, session.actor) and t.requester != session.actor.reference)
    return Agenda(patient, zone, today, today, items, mine)


async def read_week(patient: Reference, *, session: Session, zone: ZoneInfo, day: date | None = None) -> Agenda:
    """What is due from Monday to Sunday of the week of today (or of `day`)."""
    first, last = week_of(day or session.clock().astimezone(zone).date())
    found = await _read(session.fhir, patient, since=first - HISTORY)
    return Agenda(patient, zone, first, last, tuple(due(found.activities, found.reports, first, last)))


async def read_adherence(activity_id: str, *, session: Session, zone: ZoneInfo) -> tuple[Adherence, ...]:
    """How it went in the last 7 and 28 days, today included."""
    activity = activity_from_fhir(await session.fhir.read("ServiceRequest", activity_id))
    today = session.clock().astimezone(zone).date()
    reports, provenances = await asyncio.gather(
        _reports(session.fhir, activity.subject, today - HISTORY),
        session.fhir.search("Provenance", [("target", activity.reference)]),
    )
    ours = [r for r in reports if r.activity == activity.reference]
    pauses = pauses_of(map(stamp_from_fhir, provenances), zone)
    return tuple(adherence(activity, ours, pauses, days=days, today=today) for days in WINDOWS)


async def suggest_smaller(activity_id: str, *, session: Session, zone: ZoneInfo) -> Smaller:
    """A smaller schedule from today on, for whoever wants to offer one."""
    activity = activity_from_fhir(await session.fhir.read("ServiceRequest", activity_id))
    today = session.clock().astimezone(zone).date()
    goals, reports = await asyncio.gather(
        session.fhir.search("Goal", [("patient", activity.subject)]),
        _reports(session.fhir, activity.subject, today - HISTORY),
    )
    served = (g for g in map(goal_from_fhir, goals) if g.reference in activity.goals)
    hard = [r for r in reports if r.activity == activity.reference and r.outcome in HARD]
    return Smaller(
        activity,
        smaller(activity.schedule, today) if activity.schedule else None,
        tuple(g for g in served if g.lifecycle_status in OPEN_GOALS),
        max(hard, key=lambda r: r.last_modified, default=None),
    )


async def _read(fhir: FhirGateway, patient: Reference, *, since: date) -> _Activities:
    resource_type, _, patient_id = patient.partition("/")
    _, kept_here, linked, reports, tasks = await asyncio.gather(
        fhir.read(resource_type, patient_id),
        fhir.search("ServiceRequest", [("patient", patient), ("identifier", f"{ACTIVITY}|")]),
        fhir.search("CarePlan", [("patient", patient), ("_include", "CarePlan:activity-reference")]),
        _reports(fhir, patient, since),
        fhir.search("Task", [("patient", patient), ("status", ",".join(sorted(WAITING)))]),
    )
    resources = {r["id"]: r for r in (*kept_here, *linked) if r["resourceType"] == "ServiceRequest"}
    questions = (t for t in tasks if (asks_about(t) or "").startswith("ServiceRequest/"))
    return _Activities(tuple(resources.values()), reports, tuple(map(task_from_fhir, questions)))


async def _reports(fhir: FhirGateway, patient: Reference, since: date) -> tuple[Report, ...]:
    parameters: Parameters = [
        ("patient", patient),
        ("identifier", f"{OCCURRENCE}|"),
        ("authored-on", f"ge{since - EARLY}"),
        ("_count", "200"),
    ]
    return tuple(map(report_from_fhir, await fhir.search("Task", parameters)))


def _next(activity: Activity, found: _Activities, today: date) -> NextStep | None:
    about: Iterable[Task] = (t for t in found.questions if t.focus == activity.reference)
    return next_step(Course(activity, tasks=tuple(about)), upcoming(activity, found.reports, today))
