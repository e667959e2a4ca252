"""What a patient's activities ask for: all of them, today, this week, and how it went."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from fhir_mappings.activities import Activity, Report, Schedule
from fhir_mappings.carrier import Json
from fhir_mappings.codes import ACTIVITY, CarePlanStatus, LifecycleStatus, ReportOutcome
from fhir_mappings.compartment import patient_of
from fhir_mappings.goal import goal_from_fhir
from fhir_mappings.model import Goal, Reference, Task
from fhir_mappings.patient import languages_from_fhir
from fhir_mappings.people import names_from_fhir
from fhir_mappings.provenance import stamp_from_fhir
from fhir_mappings.service_request import activity_from_fhir
from fhir_mappings.task import asks_about, task_from_fhir
from fhir_mappings.wording import ENGLISH, Language, language_of
from service.commit import Session
from service.domain.activities import Course
from service.domain.adherence import WINDOWS, Adherence, Version, adherence, together, versions_of
from service.domain.due import Due, due, due_today, upcoming, week_of
from service.domain.next_steps import NextStep, next_step
from service.domain.questions import Question, questions_about, split_for
from service.domain.smaller import smaller
from service.domain.thread import WAITING
from service.records import people_of
from service.reported import reports_until

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
    questions: tuple[Question, ...] = ()
    names: Mapping[Reference, str] = field(default_factory=dict)
    language: Language = ENGLISH


@dataclass(frozen=True, slots=True)
class Went:
    """How it went: in each window with all that the activity has replaced; `versions` tell before and after apart."""

    activity: Activity
    windows: tuple[Adherence, ...]
    versions: tuple[tuple[Version, Adherence], ...]
    language: Language


@dataclass(frozen=True, slots=True)
class Smaller:
    """A smaller schedule to offer, the open goals that the activity serves, and the latest report that calls for it.

    Nothing of it is written yet. `language` is the patient's, for what is to be sent; `reader` whose who reads it now.
    """

    activity: Activity
    schedule: Schedule | None
    goals: tuple[Goal, ...]
    today: date
    because: Report | None = None
    language: Language = ENGLISH
    reader: Language = ENGLISH


@dataclass(frozen=True, slots=True)
class Steps:
    """All steps, the names of who has to do them, and the language to tell of them in."""

    steps: tuple[Step, ...]
    names: Mapping[Reference, str]
    language: Language


@dataclass(frozen=True, slots=True)
class _Activities:
    resources: tuple[Json, ...]
    reports: tuple[Report, ...]
    questions: tuple[Task, ...]
    names: Mapping[Reference, str]
    language: Language

    @property
    def activities(self) -> tuple[Activity, ...]:
        return tuple(map(activity_from_fhir, self.resources))


async def list_activities(
    patient: Reference, *, session: Session, statuses: frozenset[CarePlanStatus] = frozenset()
) -> Steps:
    """All activities of the patient's plans, those of other systems included, in the order they were asked for."""
    today = session.clock().date()
    found = await _read(session, patient, day=today)
    pairs = ((activity_from_fhir(r), r) for r in found.resources)
    steps = (Step(a, r, _next(a, found, today)) for a, r in pairs if not statuses or a.status in statuses)
    ordered = sorted(steps, key=lambda s: s.activity.authored_on.isoformat() if s.activity.authored_on else "")
    return Steps(tuple(ordered), found.names, found.language)


async def read_today(patient: Reference, *, session: Session, zone: ZoneInfo, day: date | None = None) -> Agenda:
    """What is due today (or on `day`), what has been said of it, and what waits for the actor's yes."""
    today = day or session.clock().astimezone(zone).date()
    found = await _read(session, patient, day=today)
    items = due_today(found.activities, found.reports, today, zone)
    mine, _ = split_for(session.actor, questions_about(found.questions, (), found.activities))
    return Agenda(patient, zone, today, today, items, mine, found.names, found.language)


async def read_week(patient: Reference, *, session: Session, zone: ZoneInfo, day: date | None = None) -> Agenda:
    """What is due from Monday to Sunday of the week of today (or of `day`)."""
    first, last = week_of(day or session.clock().astimezone(zone).date())
    found = await _read(session, patient, day=first)
    items = tuple(due(found.activities, found.reports, first, last))
    return Agenda(patient, zone, first, last, items, (), found.names, found.language)


async def read_adherence(activity_id: str, *, session: Session, zone: ZoneInfo) -> Went:
    """How it went in the last 7 and 28 days, today included, and in the forms that it had before it was changed."""
    activity = activity_from_fhir(await session.fhir.read("ServiceRequest", activity_id))
    today = session.clock().astimezone(zone).date()
    reports, others, language = await asyncio.gather(
        reports_until(session.fhir, activity.subject, today),
        _of_its_thread(activity, session),
        session.words_for(activity.subject),
    )
    about = ",".join(a.reference for a in (activity, *others))
    provenances = await session.fhir.search("Provenance", [("target", about)])
    versions = versions_of(activity, others, tuple(map(stamp_from_fhir, provenances)), zone)
    chain = [v.activity for v in versions]
    counted = {
        days: [adherence(v.activity, reports, v.pauses, days=days, today=today, others=chain) for v in versions]
        for days in WINDOWS
    }
    windows = tuple(together(parts, days=days, today=today) for days, parts in counted.items())
    parts = zip(versions, counted[max(WINDOWS)], strict=True)
    return Went(activity, windows, tuple(parts) if len(versions) > 1 else (), language)


async def _of_its_thread(activity: Activity, session: Session) -> tuple[Activity, ...]:
    """What it has replaced, and what has replaced it."""
    if activity.thread is None:
        return ()
    found = await session.fhir.search("ServiceRequest", [("patient", activity.subject), ("identifier", f"{ACTIVITY}|")])
    others = map(activity_from_fhir, found)
    return tuple(a for a in others if a.thread == activity.thread and a.reference != activity.reference)


async def suggest_smaller(activity_id: str, *, session: Session, zone: ZoneInfo) -> Smaller:
    """A smaller schedule from today on, for whoever wants to offer one."""
    activity = activity_from_fhir(await session.fhir.read("ServiceRequest", activity_id))
    today = session.clock().astimezone(zone).date()
    goals, reports, reader = await asyncio.gather(
        session.fhir.search("Goal", [("patient", activity.subject)]),
        reports_until(session.fhir, activity.subject, today),
        session.words_for(activity.subject),
    )
    served = (g for g in map(goal_from_fhir, goals) if g.reference in activity.goals)
    hard = [r for r in reports if r.activity == activity.reference and r.outcome in HARD]
    return Smaller(
        activity,
        smaller(activity.schedule, today) if activity.schedule else None,
        tuple(g for g in served if g.lifecycle_status in OPEN_GOALS),
        today,
        max(hard, key=lambda r: r.last_modified, default=None),
        language_of(await session.fhir.languages(activity.subject), reader),
        reader,
    )


async def _read(session: Session, patient: Reference, *, day: date) -> _Activities:
    fhir = session.fhir
    resource_type, _, patient_id = patient.partition("/")
    performers = ("_include", "ServiceRequest:performer")
    people = [("_include", "Task:requester"), ("_include", "Task:owner")]
    person, kept_here, linked, reports, tasks, others = await asyncio.gather(
        fhir.read(resource_type, patient_id),
        fhir.search("ServiceRequest", [("patient", patient), ("identifier", f"{ACTIVITY}|"), performers]),
        fhir.search("CarePlan", [("patient", patient), ("_include", "CarePlan:activity-reference")]),
        reports_until(fhir, patient, day),
        fhir.search("Task", [("patient", patient), ("status", ",".join(sorted(WAITING))), *people]),
        people_of(fhir.search, patient),
    )
    asked = (r for r in (*kept_here, *linked) if r["resourceType"] == "ServiceRequest")
    resources = {r["id"]: r for r in asked if patient_of(r) == patient}
    questions = (t for t in tasks if (asks_about(t) or "").startswith("ServiceRequest/"))
    language = session.reader or language_of(languages_from_fhir(person), session.language)
    names = names_from_fhir((*kept_here, *tasks, *others, person))
    return _Activities(tuple(resources.values()), reports, tuple(map(task_from_fhir, questions)), names, language)


def _next(activity: Activity, found: _Activities, today: date) -> NextStep | None:
    about: Iterable[Task] = (t for t in found.questions if t.focus == activity.reference)
    return next_step(Course(activity, tasks=tuple(about)), upcoming(activity, found.reports, today, found.activities))
