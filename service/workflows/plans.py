"""Everything about a patient's goals in one call."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fhir_mappings.assessment import assessment_from_fhir
from fhir_mappings.care_plan import care_plan_from_fhir
from fhir_mappings.carrier import Json
from fhir_mappings.codes import LifecycleStatus, ObservationStatus
from fhir_mappings.elements import instant_text
from fhir_mappings.goal import goal_from_fhir
from fhir_mappings.model import CarePlan, Goal, Observation, Reference, Task
from fhir_mappings.observation import observation_from_fhir
from fhir_mappings.person_centered import AssessmentKind, PlanContents
from fhir_mappings.task import asks_about, task_from_fhir
from fhir_mappings.wording import Language
from service.commit import Session
from service.domain.lifecycle import AGREED
from service.domain.thread import UNSETTLED, WAITING, is_for
from service.ports import FhirGateway
from service.records import in_order, read_contents, where_permitted
from service.series import RECENT

LATEST_LIMIT = 100
"""So many of the latest measurements are looked through at a time for the latest of each goal."""
MEASURED = AGREED | {LifecycleStatus.COMPLETED}
VOID = frozenset({ObservationStatus.ENTERED_IN_ERROR, ObservationStatus.CANCELLED})
HISTORY = frozenset({LifecycleStatus.CANCELLED, LifecycleStatus.REJECTED, LifecycleStatus.ENTERED_IN_ERROR})


@dataclass(frozen=True, slots=True)
class PlanView:
    """A patient's plan as one actor sees it.

    `questions` wait for this actor, `waiting` for somebody else. `goals` are those on the table, in force or
    completed; how they came about is in their threads. `latest` has the latest measurement of each goal; `contents`
    what matters, what comes first, the scores and the agenda. `language` is the one that it is to be shown in.
    """

    patient: Reference
    as_of: datetime
    goals: tuple[Goal, ...]
    plans: tuple[CarePlan, ...]
    questions: tuple[Task, ...]
    waiting: tuple[Task, ...]
    latest: tuple[Observation, ...]
    care_teams: tuple[Json, ...]
    contents: PlanContents
    language: Language


async def read_plan(patient: Reference, *, session: Session) -> PlanView:
    """The plan, read from the FHIR server in one round of parallel searches, and one more where the latest values of
    one goal leave no room for those of another.

    Raises:
        ResourceNotFound: there is no such patient for this actor.
    """
    contents, goals, plans, tasks, observations, teams = await asyncio.gather(
        read_contents(session.fhir, patient, session.language),
        session.fhir.search("Goal", [("patient", patient)]),
        where_permitted(session.fhir.search("CarePlan", [("patient", patient)])),
        where_permitted(session.fhir.search("Task", [("patient", patient), ("status", ",".join(sorted(UNSETTLED)))])),
        where_permitted(_latest(session.fhir, patient, session.clock())),
        where_permitted(session.fhir.search("CareTeam", [("patient", patient)])),
    )
    shown = tuple(g for g in in_order(map(goal_from_fhir, goals)) if g.lifecycle_status not in HISTORY)
    latest = await where_permitted(_with_rarely_measured(session.fhir, shown, observations))
    about_goals = (t for t in tasks if (asks_about(t) or "").startswith("Goal/"))
    open_tasks = [t for t in map(task_from_fhir, about_goals) if t.status in WAITING]
    mine = tuple(t for t in open_tasks if is_for(t, session.actor) and t.requester != session.actor.reference)
    return PlanView(
        patient=patient,
        as_of=session.clock(),
        goals=shown,
        plans=tuple(map(care_plan_from_fhir, plans)),
        questions=mine,
        waiting=tuple(t for t in open_tasks if t not in mine),
        latest=_one_for_each_goal(latest),
        care_teams=tuple(teams),
        contents=contents,
        language=session.reader or contents.language,
    )


async def cached_plan(
    patient: Reference,
    *,
    session: Session,
    keep_for: timedelta,
    render: Callable[[PlanView], bytes],
    fresh: bool = False,
) -> bytes:
    """The plan as bytes, from the cache where nothing was written about the patient since, unless `fresh`.

    The actor's right is checked before the cache is asked; what is kept is kept for this actor and token alone.
    """
    tag = session.reader.tag if session.reader else ""
    _, epoch = await asyncio.gather(session.fhir.must_admit(patient), session.cache.epoch(patient))
    key = f"plan {patient} {session.actor.fingerprint} {epoch} {tag}"
    if epoch is not None and not fresh and (kept := await session.cache.get(key)):
        return kept
    rendered = render(await read_plan(patient, session=session))
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


async def _latest(fhir: FhirGateway, patient: Reference, now: datetime) -> list[Json]:
    """Of the last months, which a server sorts sooner than years; of all time only where these are few."""
    asked = [("patient", patient), ("_sort", "-date"), ("_count", str(LATEST_LIMIT))]
    recent = ("date", f"ge{instant_text((now - RECENT).astimezone(UTC))}")
    found = await fhir.search("Observation", [*asked, recent], limit=LATEST_LIMIT)
    if len(found) < LATEST_LIMIT:
        found = await fhir.search("Observation", asked, limit=LATEST_LIMIT)
    return found


async def _with_rarely_measured(fhir: FhirGateway, goals: Iterable[Goal], found: list[Json]) -> list[Json]:
    """What was found, and what is measured more rarely: a page that is full is asked for again without the goals that
    it has. Each page has a goal more, or is the last.
    """
    measurable = {g.reference for g in goals if g.lifecycle_status in MEASURED}
    everything, page = found, found
    while len(page) >= LATEST_LIMIT and (missing := measurable - _goals_of(everything)):
        asked = [("focus", ",".join(sorted(missing))), ("_sort", "-date"), ("_count", str(LATEST_LIMIT))]
        page = await fhir.search("Observation", asked, limit=LATEST_LIMIT)
        everything = [*everything, *page]
        if not missing & _goals_of(page):
            break
    return everything


def _goals_of(found: Iterable[Json]) -> set[Reference]:
    return {goal for o in _measured(found) for goal in o.goals}


def _measured(found: Iterable[Json]) -> Iterator[Observation]:
    """What counts of it: neither what is said of a goal, nor what should never have been there."""
    values = (observation_from_fhir(r) for r in found if not _is_said(r))
    return (o for o in values if o.status not in VOID)


def _is_said(resource: Json) -> bool:
    """True for what somebody says of a goal: it stands elsewhere in the plan. A PROM's points are measured."""
    assessment = assessment_from_fhir(resource)
    return assessment is not None and assessment.kind is not AssessmentKind.PROM


def _one_for_each_goal(found: Iterable[Json]) -> tuple[Observation, ...]:
    """Latest first, so the first that is for a goal is its latest."""
    first: dict[Reference, Observation] = {}
    for observation in _measured(found):
        for goal in observation.goals:
            first.setdefault(goal, observation)
    return tuple(dict.fromkeys(first.values()))
