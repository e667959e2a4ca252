"""Care plans: open one, link a goal to it, read it."""

import asyncio
from dataclasses import dataclass, replace

from fhir_mappings.care_plan import care_plan_from_fhir
from fhir_mappings.carrier import Json
from fhir_mappings.codes import Act
from fhir_mappings.model import CarePlan, Goal, Reference
from service.commit import Decision, Outcome, Session, carry_out
from service.domain.care_plans import linked, must_be_kept_here, opened
from service.domain.thread import Change
from service.errors import Flaw, InvalidContent
from service.records import must_be_at, must_be_readable, read_patient_record


@dataclass(frozen=True, slots=True)
class PlanDraft:
    """A plan to be opened. `goals` are ids of goals of the same patient."""

    title: str
    goals: tuple[str, ...] = ()
    addresses: tuple[Reference, ...] = ()
    care_team: Reference | None = None


async def open_care_plan(patient: Reference, draft: PlanDraft, *, session: Session) -> Outcome:
    """Opens a plan, with the goals that are already agreed."""
    links = {f"addresses[{i}]": reference for i, reference in enumerate(draft.addresses)}
    links |= {"careTeam": draft.care_team} if draft.care_team else {}
    await must_be_readable(session.fhir, links)

    async def decide() -> Decision:
        record = await read_patient_record(session.fhir, patient, session.language)
        goals = tuple(_of(record.goals, goal_id, f"goals[{i}]") for i, goal_id in enumerate(draft.goals))
        plan = opened(patient, draft.title, goals, session.occasion(record.contents.language))
        plan = replace(plan, addresses=draft.addresses, care_teams=(draft.care_team,) if draft.care_team else ())
        return Decision(_change(Act.OPEN_CARE_PLAN, plan), record.sources, record.goals, record.contents)

    return await carry_out(session, decide)


async def link_goal(care_plan_id: str, goal_id: str, *, session: Session, if_match: str) -> Outcome:
    """Links an agreed goal from a plan."""

    async def decide() -> Decision:
        resource = await session.fhir.read("CarePlan", care_plan_id)
        must_be_at(resource, if_match)
        plan = care_plan_from_fhir(resource)
        must_be_kept_here(plan)
        record = await read_patient_record(session.fhir, plan.subject, session.language)
        plan = linked(plan, _of(record.goals, goal_id, "goal"), session.occasion())
        sources = {**record.sources, plan.reference: resource}
        return Decision(_change(Act.LINK_GOAL, plan), sources, record.goals, record.contents)

    return await carry_out(session, decide)


async def read_care_plan(care_plan_id: str, *, session: Session) -> tuple[Json, list[Json]]:
    """The plan and the goals that it links, in its order."""
    resource = await session.fhir.read("CarePlan", care_plan_id)
    plan = care_plan_from_fhir(resource)
    goals = await session.fhir.search("Goal", [("patient", plan.subject)])
    by_reference = {f"Goal/{g['id']}": g for g in goals}
    return resource, [by_reference[r] for r in plan.goals if r in by_reference]


async def list_care_plans(patient: Reference, *, session: Session) -> list[Json]:
    """All plans of a patient, also those of other systems."""
    resource_type, _, patient_id = patient.partition("/")
    _, plans = await asyncio.gather(
        session.fhir.read(resource_type, patient_id), session.fhir.search("CarePlan", [("patient", patient)])
    )
    return plans


def _change(act: Act, plan: CarePlan) -> Change:
    return Change(act, plan.reference, plan=plan)


def _of(goals: tuple[Goal, ...], goal_id: str, path: str) -> Goal:
    if goal := next((g for g in goals if g.id == goal_id), None):
        return goal
    raise InvalidContent(Flaw(path, "is no goal of this patient", "not-found"))
