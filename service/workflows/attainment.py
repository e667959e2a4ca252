"""How far a goal is, what is in the way, what matters and what comes first: said by each party in their own name."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from fhir_mappings.assessment import assessment_from_fhir
from fhir_mappings.compartment import patient_of
from fhir_mappings.elements import is_restricted
from fhir_mappings.goal import goal_from_fhir
from fhir_mappings.model import Concept, Goal, Quantity, Reference
from fhir_mappings.narrative import VALID
from fhir_mappings.person_centered import Assessment, AssessmentKind, PriorityList
from fhir_mappings.wording import Language
from service.commit import Decision, Outcome, Session, carry_out
from service.domain import attainment
from service.domain.catalogue import Catalogue
from service.domain.priorities import in_force, prioritised
from service.domain.thread import Change
from service.errors import Flaw, InvalidContent, ResourceNotFound
from service.ports import FhirGateway
from service.records import PatientRecord, must_be_at, must_be_readable, read_contents, read_patient_record, read_record
from service.series import load_units

GOAL_LIMIT = 500
"""The latest so many assessments of one goal are shown."""


@dataclass(frozen=True, slots=True)
class AttainmentView:
    """A goal with all that was said of how far it is, oldest first."""

    goal: Goal
    assessments: tuple[Assessment, ...]


@dataclass(frozen=True, slots=True)
class PersonView:
    """What matters to a patient and what comes first for each party, with the words of what the lists name."""

    statements: tuple[Assessment, ...]
    priorities: tuple[PriorityList, ...]
    names: Mapping[Reference, str]
    language: Language


async def record_score(
    goal_id: str,
    scored: int | Quantity,
    effective: datetime,
    *,
    session: Session,
    catalogue: Catalogue,
    note: str | None = None,
    confirmed: bool = False,
) -> Outcome:
    """Says how far the goal is: by its levels, or in points of its PROM, which must be such as can be meant."""

    async def decide() -> Decision:
        record = await read_record(session.fhir, goal_id, otherwise=session.language)
        goal, occasion = record.goal, session.occasion(record.contents.language)
        if isinstance(scored, Quantity):
            await load_units([(t.measure, scored.code) for t in goal.targets], catalogue)
        judged = partial(attainment.score, catalogue=catalogue, note=note, confirmed=confirmed)
        change = judged(goal, scored, effective, occasion, plan=record.thread.plan)
        return Decision(change, record.sources, record.goals, record.contents)

    return await carry_out(session, decide)


async def add_barrier(goal_id: str, what: Concept | str, *, session: Session, note: str | None = None) -> Outcome:
    """Says what is in the way."""

    async def decide() -> Decision:
        goal = goal_from_fhir(await session.fhir.read("Goal", goal_id))
        return Decision(attainment.barrier(goal, what, session.occasion(), note=note))

    return await carry_out(session, decide)


async def record_readiness(goal_id: str, ratings: Mapping[str, int], *, session: Session) -> Outcome:
    """Says how much it matters, and how sure one is to get there."""

    async def decide() -> Decision:
        goal = goal_from_fhir(await session.fhir.read("Goal", goal_id))
        return Decision(attainment.readiness(goal, ratings, session.occasion()))

    return await carry_out(session, decide)


async def read_attainment(goal_id: str, *, session: Session) -> AttainmentView:
    """The goal, its levels and its scores side by side."""
    goal = goal_from_fhir(await session.fhir.read("Goal", goal_id))
    found = await session.fhir.search(
        "Observation",
        [("patient", goal.subject), ("focus", goal.reference), ("_sort", "-date"), ("_count", "200")],
        limit=GOAL_LIMIT,
    )
    assessed = (a for a in map(assessment_from_fhir, found) if a and a.status in VALID)
    return AttainmentView(goal, tuple(reversed(tuple(assessed))))


async def say_what_matters(
    patient: Reference, about: str, words: str, *, session: Session, private: bool = False
) -> Outcome:
    """Says what matters, in one's own words."""

    async def decide() -> Decision:
        record = await read_patient_record(session.fhir, patient, session.language)
        plan = record.plan_telling(private=private)
        occasion = session.occasion(record.contents.language)
        change = attainment.what_matters(patient, about, words, occasion, private=private, plan=plan)
        return _decision(change, record)

    return await carry_out(session, decide)


async def set_priorities(patient: Reference, items: tuple[Reference, ...], *, session: Session) -> Outcome:
    """Puts goals, what matters and barriers in one's own order.

    Args:
        items: references, or ids alone.

    Raises:
        InvalidContent: names each that is none of them, or that something is named twice.
    """
    items = tuple(await asyncio.gather(*(_referred(item, session.fhir) for item in items)))
    if len(set(items)) != len(items):
        raise InvalidContent(Flaw("items", "names something twice", "duplicate"))
    await must_be_readable(session.fhir, {f"items[{i}]": item for i, item in enumerate(items)})

    async def decide() -> Decision:
        record = await read_patient_record(session.fhir, patient, session.language)
        private = await _private_among(items, patient, session.fhir)
        change = prioritised(
            patient,
            items,
            session.occasion(record.contents.language),
            lists=record.contents.priorities,
            private=private,
            plan=record.plan_telling(),
        )
        own = record.plan_telling(private=True) if private else None
        return _decision(replace(change, others=(*change.others, own)) if own else change, record)

    return await carry_out(session, decide)


async def read_person(patient: Reference, *, session: Session) -> PersonView:
    """What matters and what comes first.

    Raises:
        ResourceNotFound: there is no such patient for this actor.
    """
    contents, goals = await asyncio.gather(
        read_contents(session.fhir, patient, session.language), session.fhir.search("Goal", [("patient", patient)])
    )
    valid = [a for a in contents.assessments if a.status in VALID]
    names = {g.reference: g.description for g in map(goal_from_fhir, goals)}
    names |= {a.reference: a.value for a in valid if isinstance(a.value, str)}
    stated = (a for a in valid if a.kind is AssessmentKind.WHAT_MATTERS and isinstance(a.value, str))
    return PersonView(
        tuple(reversed(tuple(stated))), in_force(contents.priorities), names, session.reader or contents.language
    )


async def retract(assessment_id: str, reason: str, *, session: Session, if_match: str) -> Outcome:
    """Takes back what was said by mistake."""

    async def decide() -> Decision:
        record, assessment = await _assessment(assessment_id, session, if_match)
        plan = record.plan_telling(private=assessment.private)
        occasion = session.occasion(record.contents.language)
        return _decision(attainment.retracted(assessment, reason, occasion, plan=plan), record)

    return await carry_out(session, decide)


async def _assessment(assessment_id: str, session: Session, if_match: str) -> tuple[PatientRecord, Assessment]:
    resource = await session.fhir.read("Observation", assessment_id)
    must_be_at(resource, if_match)
    assessment = assessment_from_fhir(resource)
    if assessment is None:
        raise ResourceNotFound(f"Observation/{assessment_id} not found")
    record = await read_patient_record(session.fhir, assessment.subject, session.language)
    return replace(record, sources={**record.sources, assessment.reference: resource}), assessment


async def _referred(item: str, fhir: FhirGateway) -> Reference:
    """The goal of this id where there is one, else what was said."""
    if "/" in item:
        return item
    try:
        await fhir.read("Goal", item)
    except ResourceNotFound:
        return f"Observation/{item}"
    return f"Goal/{item}"


async def _private_among(items: tuple[Reference, ...], patient: Reference, fhir: FhirGateway) -> frozenset[Reference]:
    """Which of the items are private. Each must be of this patient and of a kind that can be prioritised."""
    resources = await asyncio.gather(*(fhir.read(*item.split("/", 1)) for item in items))
    flaws = [
        Flaw(f"items[{i}]", "is no goal, barrier or what matters of this patient", "value")
        for i, r in enumerate(resources)
        if patient_of(r) != patient or (r["resourceType"] == "Observation" and assessment_from_fhir(r) is None)
    ]
    if flaws:
        raise InvalidContent(*flaws)
    return frozenset(item for item, r in zip(items, resources, strict=True) if is_restricted(r))


def _decision(change: Change, record: PatientRecord) -> Decision:
    return Decision(change, record.sources, record.goals, record.contents)
