"""Activities of a plan: planned, answered, changed, paused, stopped, reported. See docs/activities.md."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TypeAlias

from fhir_mappings.activities import Activity, Report
from fhir_mappings.activity_report import is_report, report_from_fhir, report_to_fhir
from fhir_mappings.care_plan import care_plan_from_fhir
from fhir_mappings.carrier import Json
from fhir_mappings.elements import is_restricted
from fhir_mappings.model import CarePlan, Goal, Reference
from fhir_mappings.person_centered import PlanContents
from fhir_mappings.service_request import activity_from_fhir
from fhir_mappings.task import asks_about, task_from_fhir
from fhir_mappings.wording import ENGLISH, Language
from service.commit import Decision, Operation, Outcome, Session, carry_out
from service.domain import activities as rules
from service.domain.activities import Course, Said
from service.domain.activity_draft import ActivityDraft, must_lie_ahead
from service.domain.askable import must_be_askable
from service.domain.care_plans import STILL_OPEN, must_be_kept_here
from service.domain.replaced import must_be_unsaid
from service.domain.sides import is_asked
from service.domain.thread import UNSETTLED, Change, Occasion
from service.errors import Flaw, IdempotencyKeyReused, InvalidContent, ResourceNotFound, TransitionNotAllowed
from service.ports import GuardedGateway
from service.records import PatientRecord, must_be_at, must_be_theirs, read_patient_record
from service.reported import reports_until

Rule: TypeAlias = Callable[[Course, Occasion], Change]


@dataclass(frozen=True, slots=True)
class ActivityRecord:
    """An activity with its course, all goals of the patient, what else a plan tells, and what they are views of."""

    course: Course
    goals: tuple[Goal, ...]
    contents: PlanContents
    sources: Mapping[Reference, Json]


async def plan_activity(care_plan_id: str, draft: ActivityDraft, *, session: Session) -> Outcome:
    """Adds something to do to a plan."""

    async def decide() -> Decision:
        plan = care_plan_from_fhir(await session.fhir.read("CarePlan", care_plan_id))
        must_be_kept_here(plan)
        performers = {f"performers[{i}]": p for i, p in enumerate(draft.performers)}
        record, _ = await asyncio.gather(
            read_patient_record(session.fhir, plan.subject, session.language),
            must_be_theirs(session.fhir, performers, plan.subject),
        )
        _must_be_goals(draft, record)
        occasion = session.occasion(record.contents.language)
        private = plan.private or any(g.private for g in record.goals if g.reference in draft.goals)
        asked = {path: p for path, p in performers.items() if private or is_asked(p, session.actor)}
        must_be_askable(asked, plan.subject, record.people, record.contents.names, occasion, private=private)
        plan = next((p for p in record.plans if p.id == care_plan_id), plan)
        change = rules.plan_activity(plan, draft, occasion)
        return Decision(change, record.sources, record.goals, record.contents)

    return await carry_out(session, decide)


async def propose_change(
    activity_id: str, draft: ActivityDraft, reason: str, *, session: Session, if_match: str
) -> Outcome:
    """Asks for another schedule or other words."""

    def rule(course: Course, occasion: Occasion) -> Change:
        must_lie_ahead(draft, occasion)  # what is inherited may be late: late is not gone
        return rules.propose_change(course, _with_inherited(draft, course.activity), reason, occasion)

    return await _act(activity_id, rule, session, if_match)


async def accept(activity_id: str, *, session: Session, if_match: str) -> Outcome:
    """Agrees to what was proposed."""
    return await _act(activity_id, rules.accept, session, if_match)


async def decline(activity_id: str, reason: str, *, session: Session, if_match: str) -> Outcome:
    """Says no to what was proposed."""
    return await _act(activity_id, _with_reason(rules.decline, reason), session, if_match)


async def hold(activity_id: str, reason: str, *, session: Session, if_match: str) -> Outcome:
    """Pauses an activity."""
    return await _act(activity_id, _with_reason(rules.hold, reason), session, if_match)


async def resume(activity_id: str, reason: str, *, session: Session, if_match: str) -> Outcome:
    """Takes it up again."""
    return await _act(activity_id, _with_reason(rules.resume, reason), session, if_match)


async def stop(activity_id: str, reason: str, *, session: Session, if_match: str) -> Outcome:
    """Ends an activity."""
    return await _act(activity_id, _with_reason(rules.stop, reason), session, if_match)


async def report(activity_id: str, occurrence: str, said: Said, *, session: Session) -> Outcome:
    """Says what became of one occurrence, once whoever sends it and however often.

    The occurrence is the operation (docs/adr/0041): what would be another report of it is refused.

    Raises:
        TransitionNotAllowed: somebody has said something else of it already, or before it was changed.
    """
    # Hidden and absent are the same, and who may not report is not told that somebody has.
    activity = activity_from_fhir(await session.fhir.read("ServiceRequest", activity_id))
    mine = rules.as_reported(activity, occurrence, said, session.occasion())
    session.fhir.must_be_able_to_create(report_to_fhir(mine))
    words = "\0".join((str(said.outcome), said.note or "", said.at.isoformat() if said.at else ""))
    operation = Operation(_digest(f"report\0{activity_id}\0{occurrence}"), _digest(words))

    today = session.clock().date()
    earlier = await reports_until(session.fhir, activity.subject, today) if activity.replaces else ()

    def rule(course: Course, occasion: Occasion) -> Change:
        must_be_unsaid(course.activity, course.others, earlier, occurrence)
        return rules.report(course, occurrence, said, occasion)

    try:
        return await _act(activity_id, rule, replace(session, operation=operation), None)
    except IdempotencyKeyReused as exc:
        raise TransitionNotAllowed("this occurrence has another report already: correct that one") from exc


async def correct(
    activity_id: str, report_id: str, said: Said, reason: str, *, session: Session, if_match: str
) -> Outcome:
    """Puts a report right."""
    await session.fhir.read("ServiceRequest", activity_id)  # hidden and absent are the same, whatever was kept

    async def decide() -> Decision:
        resource = await session.fhir.read("Task", report_id)
        must_be_at(resource, if_match)
        earlier = _report_on(resource, activity_id)
        record = await read_activity(session.fhir, activity_id, otherwise=session.language)
        change = rules.correct(record.course, earlier, said, reason, session.occasion(record.contents.language))
        return Decision(change, {**record.sources, earlier.reference: resource}, record.goals, record.contents)

    return await carry_out(session, decide)


async def read_report(activity_id: str, report_id: str, *, session: Session) -> Json:
    """A report on this activity: seen by whoever may see the activity."""
    await session.fhir.read("ServiceRequest", activity_id)
    resource = await session.fhir.read("Task", report_id)
    _report_on(resource, activity_id)
    return resource


async def _act(activity_id: str, rule: Rule, session: Session, if_match: str | None) -> Outcome:
    async def decide() -> Decision:
        record = await read_activity(session.fhir, activity_id, if_match=if_match, otherwise=session.language)
        change = rule(record.course, session.occasion(record.contents.language))
        return Decision(change, record.sources, record.goals, record.contents)

    return await carry_out(session, decide)


async def read_activity(
    fhir: GuardedGateway, activity_id: str, *, if_match: str | None = None, otherwise: Language = ENGLISH
) -> ActivityRecord:
    """The activity with all that an act on it may change.

    Raises:
        VersionConflict: it is no longer at version `if_match`.
    """
    resource = await fhir.read("ServiceRequest", activity_id)
    must_be_at(resource, if_match)
    activity = activity_from_fhir(resource)
    record, tasks = await asyncio.gather(
        read_patient_record(fhir, activity.subject, otherwise),
        fhir.search("Task", [("patient", activity.subject), ("status", ",".join(sorted(UNSETTLED)))]),
    )
    others = tuple(a for a in record.activities if a.id != activity_id and a.thread and a.thread == activity.thread)
    family = {activity.reference, *(a.reference for a in others)}
    about = {f"Task/{t['id']}": t for t in tasks if asks_about(t) in family}
    plan = record.plan_for(None, private=True) if is_restricted(resource) else _plan_of(activity, others, record)
    course = Course(activity, others, tuple(map(task_from_fhir, about.values())), plan)
    sources = {**record.sources, **about, activity.reference: resource}
    return ActivityRecord(course, record.goals, record.contents, sources)


def _plan_of(activity: Activity, others: tuple[Activity, ...], record: PatientRecord) -> CarePlan | None:
    """The open plan kept here that refers to the activity, or that it was proposed for.

    What is done for a private goal belongs to the patient's own plan instead, wherever it was proposed.
    """
    family = {a.reference for a in (activity, *others)}
    open_plans = (p for p in record.plans if p.shared and p.status in STILL_OPEN)
    return next((p for p in open_plans if p.reference in activity.based_on or family.intersection(p.activities)), None)


def _report_on(resource: Json, activity_id: str) -> Report:
    if not is_report(resource) or (found := report_from_fhir(resource)).activity != f"ServiceRequest/{activity_id}":
        raise ResourceNotFound("there is no such report on this activity")
    return found


def _with_inherited(draft: ActivityDraft, activity: Activity) -> ActivityDraft:
    """What a change leaves out stays as it was."""
    return replace(
        draft,
        what=draft.what if draft.what.text or draft.what.codings else activity.what,
        schedule=draft.schedule or (None if draft.due else activity.schedule),
        due=draft.due or (None if draft.schedule else activity.due),
        instruction=draft.instruction or activity.instruction,
    )


def _with_reason(rule: Callable[[Course, str, Occasion], Change], reason: str) -> Rule:
    return lambda course, occasion: rule(course, reason, occasion)


def _must_be_goals(draft: ActivityDraft, record: PatientRecord) -> None:
    known = {g.reference for g in record.goals}
    flaws = (f"goals[{i}]" for i, goal in enumerate(draft.goals) if goal not in known)
    if found := [Flaw(path, "is no goal of this patient", "not-found") for path in flaws]:
        raise InvalidContent(*found)


def _digest(value: str) -> str:
    return sha256(value.encode()).hexdigest()[:32]
