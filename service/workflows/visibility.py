"""Who sees a goal: the patient decides."""

import asyncio
from collections.abc import Collection

from fhir_mappings.carrier import Json
from fhir_mappings.codes import ACTIVITY
from fhir_mappings.model import Noun, Reference
from fhir_mappings.service_request import activity_from_fhir
from service.commit import Decision, Outcome, Session, carry_out
from service.domain.priorities import resplit
from service.domain.thread import Occasion
from service.domain.visibility import with_visibility
from service.ports import FhirGateway
from service.records import Record, read_record

AT_ONCE = 50
"""So many references are asked for in one search: a request has a longest length."""


async def change_goal_visibility(goal_id: str, private: bool, *, session: Session, if_match: str) -> Outcome:
    """Keeps a goal and all about it from the family, or shows it to them, from now on."""

    async def decide() -> Decision:
        record = await read_record(session.fhir, goal_id, if_match=if_match, otherwise=session.language)
        rest = await _about(record, session.fhir)
        occasion = session.occasion(record.contents.language)
        change = with_visibility(
            record.thread,
            record.goal,
            private,
            rest,
            occasion,
            plans=record.patient.plans,
            destination=record.patient.plan_for(None, private=private),
            others=_priorities(record, private, rest, occasion),
        )
        sources = {**record.sources, **{f"{r['resourceType']}/{r['id']}": r for r in rest}}
        return Decision(change, sources, record.goals, record.contents)

    return await carry_out(session, decide)


async def _about(record: Record, fhir: FhirGateway) -> list[Json]:
    """All that refers to one of the offers, and the Provenances of that; not the plans."""
    offers = [g.reference for g in record.thread.goals]
    patient, named = record.goal.subject, ",".join(offers)
    found = await asyncio.gather(
        fhir.search("Task", [("patient", patient), ("focus", named)]),
        fhir.search("Communication", [("patient", patient), ("based-on", named)]),
        fhir.search("Observation", [("patient", patient), ("focus", named)]),
        _activities(record, fhir),
    )
    agenda = [i for i in record.contents.agenda if i.goal in offers]
    about = [r for resources in found for r in resources] + [record.sources[i.reference] for i in agenda]
    targets = [*offers, *(f"{r['resourceType']}/{r['id']}" for r in about)]
    return about + await _provenances(targets, fhir)


async def _activities(record: Record, fhir: FhirGateway) -> list[Json]:
    """What is done for one of the offers, with what was asked and reported of it."""
    offers, patient = {g.reference for g in record.thread.goals}, record.goal.subject
    if not any(offers.intersection(a.goals) for a in record.patient.activities):
        return []
    kept_here = await fhir.search("ServiceRequest", [("patient", patient), ("identifier", f"{ACTIVITY}|")])
    served = [r for r in kept_here if offers.intersection(activity_from_fhir(r).goals)]
    named = [f"ServiceRequest/{r['id']}" for r in served]
    pages = (named[i : i + AT_ONCE] for i in range(0, len(named), AT_ONCE))
    tasks = await asyncio.gather(
        *(fhir.search("Task", [("patient", patient), ("focus", ",".join(page))]) for page in pages)
    )
    return [*served, *(t for page in tasks for t in page)]


async def _provenances(targets: Collection[Reference], fhir: FhirGateway) -> list[Json]:
    asked = list(targets)
    pages = (asked[i : i + AT_ONCE] for i in range(0, len(asked), AT_ONCE))
    found = await asyncio.gather(*(fhir.search("Provenance", [("target", ",".join(page))]) for page in pages))
    return list({r["id"]: r for resources in found for r in resources}.values())


def _priorities(record: Record, private: bool, rest: Collection[Json], occasion: Occasion) -> tuple[Noun, ...]:
    """The lists that name the goal, or what was said of it, as they are to be."""
    moved = {g.reference for g in record.thread.goals} | {f"Observation/{r['id']}" for r in rest}
    naming = [p.source for p in record.contents.priorities if moved.intersection(p.items)]
    lists = [p for p in record.contents.priorities if p.source in naming]
    kept = {g.reference for g in record.goals if g.private} | {
        a.reference for a in record.contents.assessments if a.private
    }
    return resplit(lists, kept | moved if private else kept - moved, occasion)
