"""Reads what belongs together: a goal with its thread, its questions and its plan."""

import asyncio
from collections.abc import Awaitable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final, Protocol

from fhir_mappings.activities import Activity
from fhir_mappings.agenda_item import agenda_item_from_fhir
from fhir_mappings.assessment import assessment_from_fhir
from fhir_mappings.care_plan import care_plan_from_fhir
from fhir_mappings.carrier import Json
from fhir_mappings.codes import ACTIVITY, AGENDA, GOAL_THREAD
from fhir_mappings.compartment import patient_of
from fhir_mappings.goal import goal_from_fhir
from fhir_mappings.model import CarePlan, Goal, Reference, Task
from fhir_mappings.patient import languages_from_fhir
from fhir_mappings.pco import ASSESSMENTS, PRIORITIES
from fhir_mappings.people import names_from_fhir
from fhir_mappings.person_centered import PlanContents
from fhir_mappings.priority_list import priority_list_from_fhir
from fhir_mappings.service_request import activity_from_fhir
from fhir_mappings.task import task_from_fhir
from fhir_mappings.wording import ENGLISH, Language, language_of
from service.domain.care_plans import STILL_OPEN, home_of_goals
from service.domain.thread import Thread
from service.errors import Flaw, InvalidContent, ResourceNotFound, ScopeMissing, VersionConflict
from service.ports import FhirGateway, GuardedGateway, Parameters

ASSESSMENTS_LIMIT: Final = 200
"""The latest so many scores, barriers and statements of what matters are looked at."""


class Search(Protocol):
    """A way to search."""

    async def __call__(self, resource_type: str, parameters: Parameters, *, limit: int | None = None) -> list[Json]: ...


@dataclass(frozen=True, slots=True)
class PatientRecord:
    """All goals, plans and activities kept here of a patient, and the resources that they are views of.

    `people` are the care teams with those who take part in them, and the family.
    """

    goals: tuple[Goal, ...]
    plans: tuple[CarePlan, ...]
    contents: PlanContents
    sources: Mapping[Reference, Json]
    people: tuple[Json, ...] = ()

    @property
    def activities(self) -> tuple[Activity, ...]:
        """Those that are kept here."""
        return self.contents.activities

    def plan_for(self, care_plan: str | None, *, private: bool = False) -> CarePlan | None:
        """The plan of this id, or without one the plan that the patient's goals belong to by default (None: not yet).

        Raises:
            InvalidContent: there is no such plan, or it is not one that goals may be linked to.
        """
        open_plans = self._open_plans(private)
        if care_plan is None:
            return home_of_goals(open_plans)
        if named := next((p for p in open_plans if p.id == care_plan), None):
            return named
        raise InvalidContent(Flaw("carePlan", "is no open plan of this patient that is kept here", "not-found"))

    def plan_telling(self, *, private: bool = False) -> CarePlan | None:
        """The plan whose text tells of what belongs to no plan alone, such as the agenda: any rather than none."""
        return self.plan_for(None, private=private) or next(iter(self._open_plans(private)), None)

    def plan_of(self, offers: Collection[Goal], tasks: Iterable[Task]) -> CarePlan | None:
        """The plan that links one of the offers, else the one they were proposed for, else the patient's shared one.

        A private goal belongs to a private plan, and to no other.
        """
        private = any(g.private for g in offers)
        ours = {g.reference for g in offers}
        named = {reference for t in tasks for reference in t.based_on}
        linking = (p for p in self._open_plans(private) if ours.intersection(p.goals))
        meant = (p for p in self._open_plans(private) if p.reference in named)
        return next(chain(linking, meant), None) or self.plan_for(None, private=private)

    def _open_plans(self, private: bool) -> list[CarePlan]:
        plans = (p for p in self.plans if p.shared and p.status in STILL_OPEN and p.private == private)
        return sorted(plans, key=lambda p: p.id or "")


@dataclass(frozen=True, slots=True)
class Record:
    """A goal, its thread, all goals of the patient, and the resources that they are views of."""

    goal: Goal
    thread: Thread
    goals: tuple[Goal, ...]
    patient: PatientRecord
    sources: Mapping[Reference, Json]

    @property
    def contents(self) -> PlanContents:
        return self.patient.contents


async def read_patient_record(
    fhir: GuardedGateway, patient: Reference, otherwise: Language = ENGLISH, *, told: bool = True
) -> PatientRecord:
    """What an act that is about no goal yet may change.

    Args:
        otherwise: the language where the Patient says none.
        told: with what the narrative of a plan tells of beside goals; needless for what never writes a plan.

    Raises:
        ResourceNotFound: there is no such patient for this actor.
    """
    person, goals, plans, more, people = await asyncio.gather(
        _person(fhir, patient),
        fhir.search("Goal", [("patient", patient)]),
        fhir.search("CarePlan", [("patient", patient)]),
        _contents_of(fhir.search_beside, patient) if told else _nothing(),
        people_of(fhir.search_beside, patient) if told else _nothing(),
    )
    found = tuple(map(goal_from_fhir, goals))
    contents = replace(_contents(more, person, people, otherwise), goals=found)
    sources = {_key(r): r for r in (*goals, *plans, *more)}
    return PatientRecord(found, tuple(map(care_plan_from_fhir, plans)), contents, sources, tuple(people))


async def read_contents(fhir: FhirGateway, patient: Reference, otherwise: Language = ENGLISH) -> PlanContents:
    """All that a plan tells of but for the goals, as far as the token may be shown it."""
    contents, _ = await read_with_people(fhir, patient, otherwise)
    return contents


async def read_with_people(
    fhir: FhirGateway, patient: Reference, otherwise: Language = ENGLISH
) -> tuple[PlanContents, list[Json]]:
    """The same, and the care teams with those who take part in them, and the family."""

    async def search(resource_type: str, parameters: Parameters, *, limit: int | None = None) -> list[Json]:
        return await where_permitted(fhir.search(resource_type, parameters, limit=limit))

    resource_type, _, patient_id = patient.partition("/")
    person, found, people = await asyncio.gather(
        fhir.read(resource_type, patient_id), _contents_of(search, patient), people_of(search, patient)
    )
    return _contents(found, person, people, otherwise), people


async def read_told(fhir: GuardedGateway, patient: Reference, otherwise: Language = ENGLISH) -> PlanContents:
    """All that the narrative of a plan tells of but for the goals, to write it."""
    person, found, people = await asyncio.gather(
        _person(fhir, patient), _contents_of(fhir.search_beside, patient), people_of(fhir.search_beside, patient)
    )
    return _contents(found, person, people, otherwise)


async def read_language(fhir: GuardedGateway, patient: Reference, otherwise: Language) -> Language:
    """The patient's language; `otherwise` where their record names none that there is a catalogue for."""
    return language_of(languages_from_fhir(await _person(fhir, patient)), otherwise)


async def _person(fhir: GuardedGateway, patient: Reference) -> Json:
    """The patient, whose language is needed even where the token may not read more of them than that they exist."""
    found = await fhir.search_beside("Patient", [("_id", patient.partition("/")[2])])
    if not found:
        raise ResourceNotFound(f"{patient} not found")
    return found[0]


async def _nothing() -> list[Json]:
    return []


async def _contents_of(search: Search, patient: Reference) -> list[Json]:
    found = await asyncio.gather(
        search(
            "Observation",
            [("patient", patient), ("code", ",".join(ASSESSMENTS)), ("_sort", "-date"), ("_count", "200")],
            limit=ASSESSMENTS_LIMIT,
        ),
        search("List", [("patient", patient), ("code", ",".join(PRIORITIES.tokens))]),
        search("CommunicationRequest", [("patient", patient), ("category", f"{AGENDA}|")]),
        search(
            "ServiceRequest",
            [("patient", patient), ("identifier", f"{ACTIVITY}|"), ("_include", "ServiceRequest:performer")],
        ),
    )
    return [r for resources in found for r in resources]


async def people_of(search: Search, patient: Reference) -> list[Json]:
    """Care teams with their members, and the family: those whom a plan calls by name. Other patients and their families
    are none of them, even where a team names them.
    """
    teams, family = await asyncio.gather(
        where_permitted(search("CareTeam", [("patient", patient), ("_include", "CareTeam:participant")])),
        where_permitted(search("RelatedPerson", [("patient", patient)])),
    )
    return [r for r in (*teams, *family) if patient_of(r) in {None, patient}]


def _contents(found: list[Json], person: Json, people: list[Json], otherwise: Language) -> PlanContents:
    def of(resource_type: str) -> Iterator[Json]:
        return (r for r in found if r["resourceType"] == resource_type)

    return PlanContents(
        assessments=tuple(filter(None, map(assessment_from_fhir, of("Observation")))),
        priorities=tuple(map(priority_list_from_fhir, of("List"))),
        agenda=tuple(filter(None, map(agenda_item_from_fhir, of("CommunicationRequest")))),
        activities=tuple(map(activity_from_fhir, of("ServiceRequest"))),
        language=language_of(languages_from_fhir(person), otherwise),
        names=names_from_fhir((*found, *people, person)),
    )


async def read_record(
    fhir: GuardedGateway,
    goal_id: str,
    *,
    if_match: str | None = None,
    otherwise: Language = ENGLISH,
    told: bool = True,
) -> Record:
    """The goal with everything that an act on it may change; `told` as for the record of a patient.

    Raises:
        VersionConflict: the goal is no longer at version `if_match`.
    """
    resource = await fhir.read("Goal", goal_id)
    must_be_at(resource, if_match)
    goal = goal_from_fhir(resource)
    patient, tasks = await asyncio.gather(
        read_patient_record(fhir, goal.subject, otherwise, told=told), _tasks_of(fhir, goal)
    )
    # The goal may have moved on between the two reads: the version that was compared is the one that is acted on.
    sources = {**patient.sources, goal.reference: resource, **{_key(t): t for t in tasks}}
    others = in_order(g for g in patient.goals if g.id != goal_id)
    offers = in_order((goal, *(g for g in others if goal.thread and g.thread == goal.thread)))
    questions = tuple(map(task_from_fhir, tasks))
    thread = Thread(offers, questions, patient.plan_of(offers, questions))
    return Record(goal, thread, (goal, *others), patient, sources)


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


async def where_permitted(found: Awaitable[list[Json]]) -> list[Json]:
    """A part of a view that is left out where the token was not given for it."""
    try:
        return await found
    except ScopeMissing:
        return []


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
