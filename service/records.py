"""Reads what belongs together: a goal with its thread, its questions and its plan."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

from fhir_mappings.activities import Activity
from fhir_mappings.care_plan import care_plan_from_fhir
from fhir_mappings.carrier import Json
from fhir_mappings.codes import ACTIVITY, GOAL_THREAD
from fhir_mappings.compartment import patient_of
from fhir_mappings.goal import goal_from_fhir
from fhir_mappings.model import CarePlan, Goal, Reference, Task
from fhir_mappings.service_request import activity_from_fhir
from fhir_mappings.task import task_from_fhir
from service.domain.care_plans import STILL_OPEN
from service.domain.thread import Thread
from service.errors import Flaw, InvalidContent, NotPermitted, ResourceNotFound, VersionConflict
from service.ports import FhirGateway


@dataclass(frozen=True, slots=True)
class PatientRecord:
    """All goals, plans and activities kept here of a patient, and the resources that they are views of."""

    goals: tuple[Goal, ...]
    plans: tuple[CarePlan, ...]
    sources: Mapping[Reference, Json]
    activities: tuple[Activity, ...] = ()

    def plan_for(self, care_plan: str | None) -> CarePlan | None:
        """The plan of this id, or without one the plan that the patient's goals belong to by default.

        Raises:
            InvalidContent: there is no such plan, or it is not one that goals may be linked to.
        """
        open_plans = sorted((p for p in self.plans if p.shared and p.status in STILL_OPEN), key=lambda p: p.id or "")
        if care_plan is None:
            return next(iter(open_plans), None)
        if named := next((p for p in open_plans if p.id == care_plan), None):
            return named
        raise InvalidContent(Flaw("carePlan", "is no open plan of this patient that is kept here", "not-found"))


@dataclass(frozen=True, slots=True)
class Record:
    """A goal, its thread, all goals of the patient, and the resources that they are views of."""

    goal: Goal
    thread: Thread
    goals: tuple[Goal, ...]
    sources: Mapping[Reference, Json]


async def read_patient_record(fhir: FhirGateway, patient: Reference) -> PatientRecord:
    """What an act that is about no goal yet may change.

    Raises:
        ResourceNotFound: there is no such patient for this actor.
    """
    resource_type, _, patient_id = patient.partition("/")
    _, goals, plans, activities = await asyncio.gather(
        fhir.read(resource_type, patient_id),
        fhir.search("Goal", [("patient", patient)]),
        fhir.search("CarePlan", [("patient", patient)]),
        _activities(fhir, patient),
    )
    return PatientRecord(
        tuple(map(goal_from_fhir, goals)),
        tuple(map(care_plan_from_fhir, plans)),
        {_key(r): r for r in (*goals, *plans, *activities)},
        tuple(map(activity_from_fhir, activities)),
    )


async def _activities(fhir: FhirGateway, patient: Reference) -> list[Json]:
    """None for who may act on goals, but not read what is to be done: the plan's text then keeps what it says of it."""
    try:
        return await fhir.search("ServiceRequest", [("patient", patient), ("identifier", f"{ACTIVITY}|")])
    except NotPermitted:
        return []


async def read_record(fhir: FhirGateway, goal_id: str, *, if_match: str | None = None) -> Record:
    """The goal with everything that an act on it may change.

    Raises:
        VersionConflict: the goal is no longer at version `if_match`.
    """
    resource = await fhir.read("Goal", goal_id)
    must_be_at(resource, if_match)
    goal = goal_from_fhir(resource)
    patient, tasks = await asyncio.gather(read_patient_record(fhir, goal.subject), _tasks_of(fhir, goal))
    # The goal may have moved on between the two reads: the version that was compared is the one that is acted on.
    sources = {**patient.sources, goal.reference: resource, **{_key(t): t for t in tasks}}
    others = in_order(g for g in patient.goals if g.id != goal_id)
    offers = in_order((goal, *(g for g in others if goal.thread and g.thread == goal.thread)))
    questions = tuple(map(task_from_fhir, tasks))
    return Record(goal, Thread(offers, questions, plan_of(offers, questions, patient)), (goal, *others), sources)


async def _tasks_of(fhir: FhirGateway, goal: Goal) -> list[Json]:
    if goal.thread is None:
        return []
    return await fhir.search("Task", [("group-identifier", f"{GOAL_THREAD}|{goal.thread}"), ("patient", goal.subject)])


def must_be_at(resource: Json, version: str | None) -> None:
    """Refuses a resource that has moved on since the caller read it.

    Raises:
        VersionConflict: with the present version.
    """
    present = resource.get("meta", {}).get("versionId")
    if version is not None and version != present:
        raise VersionConflict(f"{_key(resource)} has changed since you read it", present)


def in_order(goals: Iterable[Goal]) -> tuple[Goal, ...]:
    """Goals as they were offered; those of other systems, which do not say when, come first."""
    return tuple(sorted(goals, key=lambda g: (g.offered_at.isoformat() if g.offered_at else "", g.id or "")))


def plan_of(offers: Collection[Goal], tasks: Iterable[Task], patient: PatientRecord) -> CarePlan | None:
    """The plan that links one of the offers, else the one they were proposed for, else the patient's shared one."""
    open_plans = [p for p in patient.plans if p.shared and p.status in STILL_OPEN]
    ours = {g.reference for g in offers}
    named = {reference for t in tasks for reference in t.based_on}
    linking = (p for p in open_plans if ours.intersection(p.goals))
    meant = (p for p in open_plans if p.reference in named)
    return next(chain(linking, meant), None) or patient.plan_for(None)


async def must_be_readable(fhir: FhirGateway, references: Mapping[str, Reference]) -> None:
    """Reads each link target with the actor's own rights before anything is written.

    Args:
        references: what is linked to, by the path of the element that links.

    Raises:
        InvalidContent: names each element whose target is absent or not the actor's to see.
    """
    found = await asyncio.gather(*(_is_readable(fhir, r) for r in references.values()))
    flaws = [
        Flaw(path, "refers to nothing that you can see", "not-found")
        for path, ok in zip(references, found, strict=True)
        if not ok
    ]
    if flaws:
        raise InvalidContent(*flaws)


async def must_be_theirs(fhir: FhirGateway, references: Mapping[str, Reference], subject: Reference) -> None:
    """Each exists and is, if anybody's, this patient's: their family, their care team, their conditions.

    Raises:
        InvalidContent: names each element for which that is not so.
    """
    await must_be_readable(fhir, references)
    found = await asyncio.gather(*(fhir.read(*r.split("/", 1)) for r in references.values()))
    flaws = [
        Flaw(path, "has nothing to do with this patient", "business-rule")
        for path, resource in zip(references, found, strict=True)
        if patient_of(resource) not in {None, subject}
    ]
    if flaws:
        raise InvalidContent(*flaws)


async def _is_readable(fhir: FhirGateway, reference: Reference) -> bool:
    resource_type, _, resource_id = reference.partition("/")
    try:
        await fhir.read(resource_type, resource_id)
    except ResourceNotFound:
        return False
    return True


def _key(resource: Json) -> Reference:
    return f"{resource['resourceType']}/{resource['id']}"
