"""Everything about a patient's goals in one call."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from fhir_mappings.activities import Activity
from fhir_mappings.activity_report import report_from_fhir
from fhir_mappings.assessment import is_said
from fhir_mappings.care_plan import care_plan_from_fhir
from fhir_mappings.carrier import Json
from fhir_mappings.codes import LifecycleStatus, ObservationStatus
from fhir_mappings.compartment import patient_of
from fhir_mappings.elements import instant_text
from fhir_mappings.goal import goal_from_fhir
from fhir_mappings.model import CarePlan, Goal, Observation, Reference
from fhir_mappings.observation import observation_from_fhir
from fhir_mappings.people import names_from_fhir
from fhir_mappings.person_centered import PlanContents
from fhir_mappings.service_request import activity_from_fhir
from fhir_mappings.task import asks_about, task_from_fhir
from fhir_mappings.wording import Language
from service.commit import Session
from service.domain.lifecycle import AGREED
from service.domain.plan_steps import GoalSteps, by_goal, plan_steps
from service.domain.questions import Question, questions_about, split_for
from service.domain.thread import UNSETTLED
from service.ports import FhirGateway, Parameters
from service.records import in_order, read_with_people, where_permitted
from service.reported import find_reports
from service.series import RECENT

UTC_ZONE: Final = ZoneInfo("UTC")
LINKED: Final = "CarePlan:activity-reference"
LATEST_LIMIT = 100
"""So many of the latest measurements are looked through at a time for the latest of each goal."""
MEASURED = AGREED | {LifecycleStatus.COMPLETED}
VOID = frozenset({ObservationStatus.ENTERED_IN_ERROR, ObservationStatus.CANCELLED})
HISTORY = frozenset({LifecycleStatus.CANCELLED, LifecycleStatus.REJECTED, LifecycleStatus.ENTERED_IN_ERROR})


@dataclass(frozen=True, slots=True)
class PlanView:
    """A patient's plan as one actor sees it.

    `questions` wait for this actor, `waiting` for somebody else. `goals` are those on the table, in force or
    completed; how they came about is in their threads. `steps` are what is to be done, `today` by the clock of `zone`.
    `latest` has the latest measurement of each goal; `contents` what matters, what comes first, the scores, the agenda
    and the names of people. `language` is the one that it is to be shown in.
    """

    patient: Reference
    as_of: datetime
    goals: tuple[Goal, ...]
    plans: tuple[CarePlan, ...]
    questions: tuple[Question, ...]
    waiting: tuple[Question, ...]
    steps: tuple[GoalSteps, ...]
    latest: tuple[Observation, ...]
    care_teams: tuple[Json, ...]
    contents: PlanContents
    language: Language
    zone: ZoneInfo


async def read_plan(patient: Reference, *, session: Session, zone: ZoneInfo = UTC_ZONE) -> PlanView:
    """The plan, read from the FHIR server in one round of parallel searches, and one more where the latest values of
    one goal leave no room for those of another.

    Raises:
        ResourceNotFound: there is no such patient for this actor.
    """
    now = session.clock()
    today = now.astimezone(zone).date()
    (contents, people), goals, plans, tasks, reported, observations = await asyncio.gather(
        read_with_people(session.fhir, patient, session.language),
        session.fhir.search("Goal", [("patient", patient)]),
        where_permitted(session.fhir.search("CarePlan", [("patient", patient), ("_include", LINKED)])),
        where_permitted(session.fhir.search("Task", _open_tasks_of(patient))),
        where_permitted(find_reports(session.fhir, patient, today)),
        where_permitted(_latest(session.fhir, patient, now)),
    )
    found = in_order(map(goal_from_fhir, goals))
    activities = _with_linked(contents.activities, (r for r in plans if patient_of(r) == patient))
    asking = tuple(task_from_fhir(t) for t in tasks if asks_about(t))
    mine, waiting = split_for(session.actor, questions_about(asking, found, activities))
    shown = tuple(g for g in found if g.lifecycle_status not in HISTORY)
    latest = await where_permitted(_with_rarely_measured(session.fhir, patient, shown, observations))
    steps = plan_steps(activities, tuple(map(report_from_fhir, reported)), asking, today, zone)
    return PlanView(
        patient=patient,
        as_of=now,
        goals=shown,
        plans=tuple(care_plan_from_fhir(p) for p in plans if p["resourceType"] == "CarePlan"),
        questions=mine,
        waiting=waiting,
        steps=by_goal(steps, shown),
        latest=_one_for_each_goal(latest),
        care_teams=tuple(p for p in people if p["resourceType"] == "CareTeam"),
        contents=replace(contents, names={**names_from_fhir(tasks), **contents.names}),
        language=session.reader or contents.language,
        zone=zone,
    )


async def cached_plan(
    patient: Reference,
    *,
    session: Session,
    keep_for: timedelta,
    render: Callable[[PlanView], bytes],
    fresh: bool = False,
    zone: ZoneInfo = UTC_ZONE,
) -> bytes:
    """The plan as bytes, from the cache where nothing was written about the patient since, unless `fresh`.

    The actor's right is checked before the cache is asked; what is kept is kept for this actor and token alone.
    """
    tag = session.reader.tag if session.reader else ""
    _, epoch = await asyncio.gather(session.fhir.must_admit(patient), session.cache.epoch(patient))
    key = f"plan {patient} {session.actor.fingerprint} {epoch} {tag} {zone.key}"
    if epoch is not None and not fresh and (kept := await session.cache.get(key)):
        return kept
    rendered = render(await read_plan(patient, session=session, zone=zone))
    if epoch is not None:
        await session.cache.put(key, rendered, keep_for=keep_for)
    return rendered


async def list_goals(
    patient: Reference, *, session: Session, statuses: frozenset[LifecycleStatus] = frozenset()
) -> list[Json]:
    """The patient's goals as resources, all or those of these statuses, in the order in which they were offered."""
    resource_type, _, patient_id = patient.partition("/")
    parameters = [("patient", patient)]
    if statuses:
        parameters.append(("lifecycle-status", ",".join(sorted(statuses))))
    _, found = await asyncio.gather(
        session.fhir.read(resource_type, patient_id), session.fhir.search("Goal", parameters)
    )
    by_reference = {f"Goal/{r['id']}": r for r in found}
    return [by_reference[g.reference] for g in in_order(map(goal_from_fhir, found))]


def _open_tasks_of(patient: Reference) -> Parameters:
    """All that is asked, with who asks whom."""
    people = [("_include", "Task:requester"), ("_include", "Task:owner")]
    return [("patient", patient), ("status", ",".join(sorted(UNSETTLED))), *people]


def _with_linked(kept_here: tuple[Activity, ...], plans: Iterable[Json]) -> tuple[Activity, ...]:
    """With those of other systems that a plan refers to, which are this patient's alone."""
    known = {a.reference for a in kept_here}
    linked = (activity_from_fhir(r) for r in plans if r["resourceType"] == "ServiceRequest")
    return (*kept_here, *(a for a in linked if a.reference not in known))


async def _latest(fhir: FhirGateway, patient: Reference, now: datetime) -> list[Json]:
    """Of the last months, which a server sorts sooner than years; of all time only where these are few."""
    asked = [("patient", patient), ("_sort", "-date"), ("_count", str(LATEST_LIMIT))]
    recent = ("date", f"ge{instant_text((now - RECENT).astimezone(UTC))}")
    found = await fhir.search("Observation", [*asked, recent], limit=LATEST_LIMIT)
    if len(found) < LATEST_LIMIT:
        found = await fhir.search("Observation", asked, limit=LATEST_LIMIT)
    return found


async def _with_rarely_measured(
    fhir: FhirGateway, patient: Reference, goals: Iterable[Goal], found: list[Json]
) -> list[Json]:
    """What was found, and what is measured more rarely: a page that is full is asked for again without the goals that
    it has. Each page has a goal more, or is the last.
    """
    measurable = {g.reference for g in goals if g.lifecycle_status in MEASURED}
    everything, page = found, found
    while len(page) >= LATEST_LIMIT and (missing := measurable - _goals_of(everything)):
        of_these = [("patient", patient), ("focus", ",".join(sorted(missing)))]
        asked = [*of_these, ("_sort", "-date"), ("_count", str(LATEST_LIMIT))]
        page = await fhir.search("Observation", asked, limit=LATEST_LIMIT)
        everything = [*everything, *page]
        if not missing & _goals_of(page):
            break
    return everything


def _goals_of(found: Iterable[Json]) -> set[Reference]:
    return {goal for o in _measured(found) for goal in o.goals}


def _measured(found: Iterable[Json]) -> Iterator[Observation]:
    """What counts of it: neither what is said of a goal, nor what should never have been there."""
    values = (observation_from_fhir(r) for r in found if not is_said(r))
    return (o for o in values if o.status not in VOID)


def _one_for_each_goal(found: Iterable[Json]) -> tuple[Observation, ...]:
    """Latest first, so the first that is for a goal is its latest."""
    first: dict[Reference, Observation] = {}
    for observation in _measured(found):
        for goal in observation.goals:
            first.setdefault(goal, observation)
    return tuple(dict.fromkeys(first.values()))
