"""One act, one FHIR transaction: what changed, its Provenance and its AuditEvent, or nothing at all.

Source: https://hl7.org/fhir/R4/http.html#transaction
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, TypeVar, cast

from fhir_mappings.activities import Activity, Report
from fhir_mappings.activity_report import report_to_fhir
from fhir_mappings.agenda_item import agenda_item_to_fhir
from fhir_mappings.assessment import assessment_to_fhir
from fhir_mappings.audit_event import audit_event_to_fhir
from fhir_mappings.bundle import Create, Entry, Update, Written
from fhir_mappings.care_plan import care_plan_to_fhir
from fhir_mappings.carrier import Json
from fhir_mappings.codes import CLIENT_ITEM, OPERATION, SHARED_PLAN, Act
from fhir_mappings.communication import message_to_fhir
from fhir_mappings.consent import naming_consent_to_fhir
from fhir_mappings.decision import Preference
from fhir_mappings.elements import identifier, with_restriction
from fhir_mappings.goal import goal_to_fhir
from fhir_mappings.model import CarePlan, Goal, Message, Noun, Observation, Reference, Stamp, Task
from fhir_mappings.narrative import plan_narrative
from fhir_mappings.observation import observation_to_fhir
from fhir_mappings.person_centered import AgendaItem, Assessment, PlanContents, PriorityList
from fhir_mappings.plan_definition import template_to_fhir
from fhir_mappings.preference import preference_to_fhir
from fhir_mappings.priority_list import priority_list_to_fhir
from fhir_mappings.provenance import stamp_from_fhir, stamp_to_fhir
from fhir_mappings.service_request import activity_to_fhir
from fhir_mappings.task import task_to_fhir
from fhir_mappings.templates import NamingConsent, Template
from fhir_mappings.wording import ENGLISH, Language, language_of
from service.domain.actors import Actor, Role
from service.domain.policy import DEFAULT_POLICY, Policy
from service.domain.thread import Change, Occasion
from service.domain.visibility import Labelled
from service.errors import AnswerLost, IdempotencyKeyReused, VersionConflict
from service.ports import Cache, Clock, GuardedGateway
from service.records import read_told

N = TypeVar("N", Goal, Assessment, PriorityList, AgendaItem, Activity)
L = TypeVar("L", Assessment, AgendaItem)

ATTEMPTS: Final = 6
"""How often an act starts again when a resource that its caller did not name had moved on meanwhile."""
PAUSE: Final = timedelta(milliseconds=20)
JITTER: Final = random.SystemRandom()

WRITERS: Final[Mapping[type, Callable[[Any, Json | None], Json]]] = {
    Goal: lambda goal, onto: goal_to_fhir(goal, onto=onto),
    Task: lambda task, onto: task_to_fhir(task, onto=onto),
    Message: lambda message, _: message_to_fhir(message),
    Observation: lambda observation, onto: observation_to_fhir(observation, onto=onto),
    Activity: lambda activity, onto: activity_to_fhir(activity, onto=onto),
    Report: lambda report, onto: report_to_fhir(report, onto=onto),
    Template: lambda template, onto: template_to_fhir(template, onto=onto),
    NamingConsent: lambda consent, onto: naming_consent_to_fhir(consent, onto=onto),
    Assessment: lambda assessment, onto: assessment_to_fhir(assessment, onto=onto),
    PriorityList: lambda priorities, onto: priority_list_to_fhir(priorities, onto=onto),
    AgendaItem: lambda item, onto: agenda_item_to_fhir(item, onto=onto),
    Labelled: lambda labelled, _: with_restriction(labelled.resource, labelled.private),
    Preference: lambda preference, onto: preference_to_fhir(preference, onto=onto),
}
"""How each noun becomes a resource. A CarePlan is written by `_resource`, for its narrative tells of the goals, too."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One Idempotency-Key of one client, actor and endpoint. `fingerprint` is the digest of the body of its request."""

    id: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Session:
    """What a request may use: its actor, and the FHIR server as this actor may see it.

    `language` is the one of what is written about a patient whose record names none; `reader` the one that the caller
    asks for, if any.
    """

    actor: Actor
    fhir: GuardedGateway
    cache: Cache
    clock: Clock
    request_id: str
    policy: Policy = DEFAULT_POLICY
    language: Language = ENGLISH
    reader: Language | None = None
    operation: Operation | None = None
    observer: Reference | None = None

    @property
    def act(self) -> Operation:
        """The operation of a session that carries something out: whatever writes is a POST with its key."""
        return cast(Operation, self.operation)

    async def words_for(self, patient: Reference | None) -> Language:
        """The language to answer in: the one asked for, else the patient's; of what is about none, the actor's own."""
        whose = self.actor.reference if patient is None and self.actor.role is Role.PATIENT else patient
        if self.reader or whose is None:
            return self.reader or self.language
        return language_of(await self.fhir.languages(whose), self.language)

    def occasion(self, language: Language = ENGLISH) -> Occasion:
        """This actor, now.

        Args:
            language: the patient's, for what CoPlan itself writes.
        """
        return Occasion(self.actor, self.clock(), self.policy, language=language)


@dataclass(frozen=True, slots=True)
class Decision:
    """A change, the resources that its nouns were read from, and all goals that the plan's narrative tells of.

    `contents` are what else it tells of; without them they are read when the plan is written.
    """

    change: Change
    sources: Mapping[Reference, Json] = field(default_factory=dict)
    goals: tuple[Goal, ...] = ()
    contents: PlanContents | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the act was about, as it stands on the server. `replayed`: it had been carried out before.

    `written` is all that its transaction wrote, by the reference that the nouns had before; of one that was carried out
    before, `found` is what stands there of that.
    """

    resource: Json
    replayed: bool = False
    written: Mapping[Reference, Written] = field(default_factory=dict)
    found: tuple[Json, ...] = ()

    @property
    def everything(self) -> tuple[Json, ...]:
        """All resources that it wrote, as they stand."""
        return tuple(w.resource for w in self.written.values()) or self.found


async def carry_out(session: Session, decide: Callable[[], Awaitable[Decision | Outcome]]) -> Outcome:
    """Decides and commits, again if need be, exactly once per operation.

    `decide` reads afresh each time it is called and raises VersionConflict itself when the resource that
    the caller named has moved on; a conflict of the transaction is about another one, and starts it again.
    An Outcome from it says that there is nothing left to write. A transaction whose answer was lost is looked for
    and, if it is not there, decided and sent once more: by its operation it would be found or fenced.

    Raises:
        IdempotencyKeyReused: the key came before with another body.
        VersionConflict: still in conflict after `ATTEMPTS`.
        AnswerLost: twice.
    """
    lost = False
    for attempt in range(ATTEMPTS):
        if done := await _carried_out_before(session):
            return done
        decision = await decide()
        if isinstance(decision, Outcome):
            return decision
        try:
            if _opens_plan_along(decision.change):
                await _open_plan(session, decision)
                decision = cast(Decision, await decide())
            return await _commit(session, decision)
        except AnswerLost:
            if lost:
                raise
            lost = True  # a server may close a kept connection just as a request leaves: RFC 9110, 9.3.1
        except VersionConflict:
            await asyncio.sleep(PAUSE.total_seconds() * JITTER.uniform(1, 2**attempt))
    raise VersionConflict("others are writing the same plan right now: try again")


async def _carried_out_before(session: Session) -> Outcome | None:
    """The operation is found by its tag: a reply that was lost must not make the retry conflict with itself."""
    operation = session.act
    found = await session.fhir.search(
        "Provenance", [("_tag", f"{OPERATION}|{operation.id}"), ("_include", "Provenance:target")]
    )
    stamps = [stamp_from_fhir(r) for r in found if r["resourceType"] == "Provenance"]
    if not stamps:
        return None
    if stamps[0].fingerprint != operation.fingerprint:
        raise IdempotencyKeyReused("this Idempotency-Key came before with another body")
    return Outcome(await _target(session, stamps[0], found), replayed=True, found=tuple(found))


async def _target(session: Session, stamp: Stamp, found: list[Json]) -> Json:
    resource_type, _, resource_id = stamp.targets[0].partition("/")
    included = (r for r in found if r["resourceType"] == resource_type and r["id"] == resource_id)
    return next(included, None) or await session.fhir.read(resource_type, resource_id)


def _opens_plan_along(change: Change) -> bool:
    """True for the first agreement of a patient, which needs a plan to be linked from."""
    return change.plan is not None and _is_new(change.plan) and bool(change.goals) and bool(change.plan.goals)


async def _open_plan(session: Session, decision: Decision) -> None:
    """Opens the plan before the goal is agreed, as an act of its own whose key all first agreements share.

    In one transaction with the agreement, two at once would open two plans, or one would find the other's and not be
    linked from it. If the process ends in between, the patient has a plan that says that nothing is agreed yet.
    """
    plan = replace(cast(CarePlan, decision.change.plan), goals=())
    plans = (r for reference, r in decision.sources.items() if reference.startswith("CarePlan/"))
    earlier = sum(identifier(r, SHARED_PLAN) == plan.shared for r in plans)
    key = f"shared-plan.{plan.shared}.{earlier}"
    change = Change(Act.OPEN_CARE_PLAN, plan.reference, plan=plan)
    await _commit(replace(session, operation=Operation(key, key)), replace(decision, change=change))


async def _commit(session: Session, decision: Decision) -> Outcome:
    decision = await _with_contents(session, decision)
    entries = tuple(_entries(session, decision))
    written = dict(zip(map(_reference, entries), await session.fhir.transact(entries), strict=True))
    if patient := _subject(decision.change):
        await session.cache.advance_epoch(patient)
    about = written[decision.change.about]
    if decision.change.about.startswith("urn:uuid:") and not about.created:
        # The same operation was faster by a moment, and this transaction has found what it left.
        before = await _carried_out_before(session) or Outcome(about.resource, replayed=True)
        return replace(before, written=written)
    return Outcome(about.resource, written=written)


async def _with_contents(session: Session, decision: Decision) -> Decision:
    """With all that a plan's narrative tells of, where the change writes a plan."""
    patient = _subject(decision.change)
    if decision.contents is not None or decision.change.plan is None or patient is None:
        return decision
    return replace(decision, contents=await read_told(session.fhir, patient, session.language))


def _entries(session: Session, decision: Decision) -> Iterator[Entry]:
    fenced = any(_is_moved(g, decision) for g in decision.change.goals)
    entries = [e for i, n in enumerate(_nouns(decision.change)) if (e := _entry(session, decision, n, i, fenced))]
    written = tuple(map(_reference, entries))
    yield from entries
    occasion, operation = session.occasion(), session.act
    fence = None if fenced else f"_tag={OPERATION}|{operation.id}"
    yield Create(stamp_to_fhir(_stamp(session, decision.change, written, occasion)), occasion.new_id(), fence)
    event = audit_event_to_fhir(
        act=decision.change.act,
        actor=session.actor.reference,
        client_id=session.actor.client_id,
        patient=_subject(decision.change),
        written=written,
        recorded=occasion.at,
        request_id=session.request_id,
        operation=operation.id,
        observer=session.observer,
    )
    yield Create(event, occasion.new_id(), fence)


def _entry(session: Session, decision: Decision, noun: Noun, position: int, fenced: bool) -> Entry | None:
    """The entry that writes the noun; None where it leaves the resource as it is.

    An update with ifMatch of a goal lets one transaction through at most, so only acts without one need `ifNoneExist`.
    """
    if not _is_new(noun):
        source = decision.sources[noun.reference]
        resource = _resource(noun, source, decision)
        return None if resource == source else Update(resource, source["meta"]["versionId"])
    if isinstance(noun, Observation) and noun.client_item:
        # The entry is known by its own name, whichever request it came with: never fenced by the goal's version.
        return Create(_resource(noun, None, decision), noun.reference, f"identifier={CLIENT_ITEM}|{noun.client_item}")
    identifier = f"{session.act.id}.{position}"
    resource = _resource(replace(cast(Any, noun), operation=identifier), None, decision)
    return Create(resource, noun.reference, None if fenced else f"identifier={OPERATION}|{identifier}")


def _resource(noun: Noun, source: Json | None, decision: Decision) -> Json:
    if isinstance(noun, CarePlan):
        return care_plan_to_fhir(noun, onto=source, narrative=plan_narrative(noun, _told(decision)))
    return WRITERS[type(noun)](noun, source)


def _told(decision: Decision) -> PlanContents:
    """What was read, with what the change makes of it."""
    contents, change = decision.contents or PlanContents(), decision.change
    return replace(
        contents,
        goals=_now(Goal, decision.goals, change.goals),
        assessments=_as_labelled(_now(Assessment, contents.assessments, change.others), change),
        priorities=_now(PriorityList, contents.priorities, change.others),
        agenda=_as_labelled(_now(AgendaItem, contents.agenda, change.others), change),
        activities=_now(Activity, contents.activities, change.others),
    )


def _now(kind: type[N], before: Iterable[N], after: Iterable[Noun]) -> tuple[N, ...]:
    found: dict[Reference, N] = {noun.reference: noun for noun in before}
    found.update((noun.reference, noun) for noun in after if isinstance(noun, kind))
    return tuple(found.values())


def _as_labelled(nouns: Iterable[L], change: Change) -> tuple[L, ...]:
    """As private as the change makes their resources."""
    private = {noun.reference: noun.private for noun in change.others if isinstance(noun, Labelled)}
    return tuple(replace(n, private=private.get(n.reference, n.private)) for n in nouns)


def _stamp(session: Session, change: Change, written: tuple[Reference, ...], occasion: Occasion) -> Stamp:
    actor, operation = session.actor, session.act
    others = (w for w in written if w != change.about and w not in change.revision_of)
    return Stamp(
        targets=(change.about, *others),
        recorded=occasion.at,
        who=actor.reference,
        act=change.act,
        on_behalf_of=actor.organization,
        reason=change.reason,
        revision_of=change.revision_of,
        display=actor.display,
        operation=operation.id,
        fingerprint=operation.fingerprint,
    )


def _nouns(change: Change) -> tuple[Noun, ...]:
    plan = () if change.plan is None else (change.plan,)
    return (*change.goals, *change.messages, *change.observations, *change.others, *change.tasks, *plan)


def _subject(change: Change) -> Reference | None:
    """The patient; None for an act that is about no single one."""
    return _nouns(change)[0].subject


def _is_new(noun: Noun) -> bool:
    return noun.reference.startswith("urn:uuid:")


def _reference(entry: Entry) -> Reference:
    if isinstance(entry, Create):
        return entry.full_url
    return f"{entry.resource['resourceType']}/{entry.resource['id']}"


def _is_moved(goal: Goal, decision: Decision) -> bool:
    """True for a goal that this transaction updates: one that stays as it is is not sent, and keeps nobody out."""
    source = decision.sources.get(goal.reference)
    return source is not None and _resource(goal, source, decision) != source
