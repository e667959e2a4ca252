"""The agenda of a visit: what all sides want to talk about."""

import asyncio
from collections.abc import Iterable

from fhir_mappings.agenda_item import agenda_item_from_fhir
from fhir_mappings.carrier import Json
from fhir_mappings.codes import AGENDA
from fhir_mappings.model import Goal, Reference
from fhir_mappings.person_centered import AgendaItem, AgendaStatus, Visit
from service.commit import Decision, Outcome, Session, carry_out
from service.domain import agenda
from service.domain.agenda import AgendaDraft
from service.domain.thread import Change
from service.errors import Flaw, InvalidContent, ResourceNotFound
from service.records import PatientRecord, must_be_at, must_be_readable, read_patient_record


async def add_agenda_item(
    patient: Reference, draft: AgendaDraft, *, session: Session, goal_id: str | None = None
) -> Outcome:
    """Puts a question or a topic on the agenda."""
    await _must_be_visit(draft.visit, session)

    async def decide() -> Decision:
        record = await read_patient_record(session.fhir, patient, session.language)
        goal = _goal_of(record, goal_id)
        private = draft.private or bool(goal and goal.private)
        occasion = session.occasion(record.contents.language)
        change = agenda.added(patient, draft, occasion, goal=goal, plan=record.plan_telling(private=private))
        return _decision(change, record)

    return await carry_out(session, decide)


async def close_agenda_item(
    item_id: str, outcome: str, *, session: Session, if_match: str, discussed: bool = True
) -> Outcome:
    """Says what came of it."""

    async def decide() -> Decision:
        resource = await session.fhir.read("CommunicationRequest", item_id)
        must_be_at(resource, if_match)
        item = agenda_item_from_fhir(resource)
        if item is None:
            raise ResourceNotFound(f"CommunicationRequest/{item_id} not found")
        record = await read_patient_record(session.fhir, item.subject, session.language)
        plan = record.plan_telling(private=item.private)
        occasion = session.occasion(record.contents.language)
        change = agenda.closed(item, outcome, occasion, discussed=discussed, plan=plan)
        return _decision(change, record, {item.reference: resource})

    return await carry_out(session, decide)


async def carry_over_agenda(
    patient: Reference, visit: Visit, *, session: Session, items: tuple[str, ...] = ()
) -> list[Json]:
    """Keeps what was not talked about for the next visit: all that is not set for a later one, or these items.

    Returns:
        All that went there, in the order in which it was raised.
    """
    await _must_be_visit(visit, session)

    async def decide() -> Decision:
        record = await read_patient_record(session.fhir, patient, session.language)
        occasion = session.occasion(record.contents.language)
        agenda.must_lie_ahead(visit, occasion)
        moved = _named(record, items) if items else agenda.left_over(record.contents.agenda, occasion)
        plans = (record.plan_telling(private=private) for private in sorted({i.private for i in moved}))
        plan, *others = (*filter(None, plans), None)
        change = agenda.carried_over(moved, visit, occasion, plan=plan, others=tuple(filter(None, others)))
        return _decision(change, record)

    outcome = await carry_out(session, decide)
    return _in_order(r for r in outcome.everything if r["resourceType"] == "CommunicationRequest")


async def list_agenda(patient: Reference, *, session: Session, closed: bool = False) -> list[Json]:
    """What is open, and if asked for what is closed, too; by visit, then as it was raised."""
    resource_type, _, patient_id = patient.partition("/")
    status = [] if closed else [("status", str(AgendaStatus.ACTIVE))]
    _, found = await asyncio.gather(
        session.fhir.read(resource_type, patient_id),
        session.fhir.search("CommunicationRequest", [("patient", patient), ("category", f"{AGENDA}|"), *status]),
    )
    return _in_order(found)


def _in_order(found: Iterable[Json]) -> list[Json]:
    pairs = {i.reference: (i, r) for r in found if (i := agenda_item_from_fhir(r))}
    return [pairs[i.reference][1] for i in agenda.in_order(item for item, _ in pairs.values())]


def _goal_of(record: PatientRecord, goal_id: str | None) -> Goal | None:
    if goal_id is None:
        return None
    if goal := next((g for g in record.goals if g.id == goal_id), None):
        return goal
    raise InvalidContent(Flaw("goal", "is no goal of this patient", "not-found"))


def _named(record: PatientRecord, items: tuple[str, ...]) -> list[AgendaItem]:
    by_id = {i.id: i for i in record.contents.agenda}
    unknown = [i for i, item_id in enumerate(items) if item_id not in by_id]
    if unknown:
        raise InvalidContent(*(Flaw(f"items[{i}]", "is no agenda item of this patient", "not-found") for i in unknown))
    return [by_id[item_id] for item_id in items]


async def _must_be_visit(visit: Visit, session: Session) -> None:
    if visit.reference:
        await must_be_readable(session.fhir, {"visit.reference": visit.reference})


def _decision(change: Change, record: PatientRecord, sources: dict[Reference, Json] | None = None) -> Decision:
    return Decision(change, {**record.sources, **(sources or {})}, record.goals, record.contents)
