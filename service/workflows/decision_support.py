"""A hook fires: what is known of this patient, and the card that follows from it."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from fhir_mappings.bundle import next_link, resources
from fhir_mappings.carrier import Json
from fhir_mappings.compartment import PATIENT_ELEMENT, patient_of
from fhir_mappings.decision import Order
from fhir_mappings.elements import MappingError, is_restricted
from fhir_mappings.goal import goal_from_fhir
from fhir_mappings.model import Reference
from fhir_mappings.order import is_order, order_from_fhir
from fhir_mappings.preference import is_preference, preference_from_fhir
from fhir_mappings.task import task_from_fhir
from fhir_mappings.wording import ENGLISH, Language
from service.domain.actors import Actor, Role
from service.domain.card_words import Situation
from service.domain.cards import Card
from service.domain.confidentiality import restricted_in, tells_of
from service.domain.conflicts import ConflictRules
from service.domain.hooks import Answer, Fact
from service.domain.thread import WAITING
from service.errors import CoPlanError, FactsMissing, Flaw, InvalidContent
from service.logs import log
from service.ports import FhirGateway, Parameters
from service.workflows.preferences import PREFERENCE_CODES, PREFERENCE_LIMIT

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HookCall:
    """What a CDS client has sent, already known to be well-formed.

    `drafts` are resources of the context that nobody has signed; `selected` are those that it is about, or all.
    `fhir_base` is the client's server, in whose terms absolute references may be.
    """

    service: str
    hook: str
    actor: Actor
    patient: Reference
    prefetch: Mapping[str, Any] = field(default_factory=dict)
    encounter: Reference | None = None
    drafts: tuple[Json, ...] = ()
    selected: frozenset[str] = frozenset()
    fhir_base: str | None = None
    language: Language = ENGLISH


async def answer_hook(
    call: HookCall,
    answer: Answer,
    *,
    fhir: FhirGateway | None,
    rules: ConflictRules,
    now: datetime,
    budget: timedelta,
) -> Card | None:
    """The card, or none: rather none than a late one, and none where nothing could be found out.

    Args:
        fhir: the client's server as the actor may see it; None where there is none to be asked.

    Raises:
        InvalidContent: something that came with the call is of another patient.
        FactsMissing: nothing came with the call, and there is no server to ask.
    """
    _must_be_of_one_patient(call)
    drafts = tuple(_theirs(call.drafts, call, "context"))
    known = {f: _prefetched(call, f) for f in answer.facts}
    wanted = [f for f in answer.facts if known[f] is None]
    if wanted:
        if fhir is None and len(wanted) == len(answer.facts):
            raise FactsMissing(f"send {', '.join(wanted)} as prefetch, or a fhirServer with fhirAuthorization")
        known |= await _read(call, wanted, fhir, budget)
    if all(found is None for found in known.values()):
        return None
    return answer.card(_situation(call, known, drafts, now), rules)


def _situation(
    call: HookCall, known: Mapping[Fact, list[Json] | None], drafts: Iterable[Json], now: datetime
) -> Situation:
    visits = _mapped(order_from_fhir, known.get(Fact.ENCOUNTER))
    return Situation(
        patient=call.patient,
        at=now,
        preferences=_mapped(preference_from_fhir, known.get(Fact.PREFERENCES), only=is_preference),
        goals=_mapped(goal_from_fhir, known.get(Fact.GOALS)),
        tasks=_mapped(task_from_fhir, known.get(Fact.TASKS), only=lambda t: "focus" in t),
        visit=next(iter(visits or ()), None),
        orders=tuple(_orders(call, drafts)),
        user=call.actor.reference,
        user_is_patient_side=call.actor.on_patient_side,
        language=call.language,
    )


def _orders(call: HookCall, drafts: Iterable[Json]) -> Iterable[Order]:
    for order in (order_from_fhir(d) for d in drafts if is_order(d)):
        if not call.selected or order.reference in call.selected:
            yield order


def _mapped(
    mapping: Callable[[Json], T], found: list[Json] | None, *, only: Callable[[Json], bool] = lambda _: True
) -> tuple[T, ...] | None:
    """The nouns; None if one of them cannot be read: then nobody knows what it says."""
    if found is None:
        return None
    try:
        return tuple(mapping(r) for r in found if only(r))
    except MappingError as exc:
        log.warning("cds_fact_unreadable", error=type(exc).__name__, where=exc.expression)
        return None


async def _read(
    call: HookCall, wanted: list[Fact], fhir: FhirGateway | None, budget: timedelta
) -> dict[Fact, list[Json] | None]:
    """What the server says in time; None for what it does not."""
    if fhir is None:
        return dict.fromkeys(wanted)
    tasks = {f: asyncio.ensure_future(READS[f](fhir, call)) for f in wanted}
    await asyncio.wait(tasks.values(), timeout=budget.total_seconds())
    late = [t for t in tasks.values() if t.cancel()]
    if late:
        log.warning("cds_facts_late", route=call.service, reason=",".join(f for f in wanted if tasks[f] in late))
        await asyncio.gather(*late, return_exceptions=True)
    return {f: _result(t, call) for f, t in tasks.items()}


def _result(task: "asyncio.Future[list[Json]]", call: HookCall) -> list[Json] | None:
    if task.cancelled():
        return None
    failure = task.exception()
    if failure is None:
        return task.result()
    if not isinstance(failure, CoPlanError):
        raise failure
    log.warning("cds_fact_unavailable", route=call.service, error=type(failure).__name__)
    return None


async def _preferences(fhir: FhirGateway, call: HookCall) -> list[Json]:
    asked: Parameters = [("patient", call.patient), ("code", PREFERENCE_CODES), ("_sort", "-date"), ("_count", "200")]
    return await fhir.search("Observation", asked, limit=PREFERENCE_LIMIT)


async def _goals(fhir: FhirGateway, call: HookCall) -> list[Json]:
    return await fhir.search("Goal", [("patient", call.patient)])


async def _tasks(fhir: FhirGateway, call: HookCall) -> list[Json]:
    return await fhir.search("Task", [("patient", call.patient), ("status", ",".join(sorted(WAITING)))])


async def _encounter(fhir: FhirGateway, call: HookCall) -> list[Json]:
    resource_type, _, encounter_id = (call.encounter or "").partition("/")
    return [await fhir.read(resource_type, encounter_id)]


READS: Final = {
    Fact.PREFERENCES: _preferences,
    Fact.GOALS: _goals,
    Fact.TASKS: _tasks,
    Fact.ENCOUNTER: _encounter,
}


def _prefetched(call: HookCall, fact: Fact) -> list[Json] | None:
    """What came with the call: nothing for `null`; None where it has to be read.

    Source: https://cds-hooks.hl7.org/2.0/#prefetch-template
    """
    if fact not in call.prefetch:
        return None
    match call.prefetch[fact]:
        case None:
            return []
        case {"resourceType": "Bundle"} as bundle if next_link(bundle) is None:
            return _theirs(resources(bundle), call, f"prefetch.{fact}")
        case {"resourceType": "Bundle" | "OperationOutcome"}:
            return None
        case {"resourceType": str()} as resource:
            return _theirs((resource,), call, f"prefetch.{fact}")
        case _:
            raise InvalidContent(Flaw(f"prefetch.{fact}", "is no resource", "structure"))


def sent_along(call: HookCall, answer: Answer) -> list[Json]:
    """What came with the call of all that its answer is made of."""
    found = (r for f in answer.facts for r in _prefetched(call, f) or ())
    return [r for r in found if isinstance(r.get("id"), str)]


def _must_be_of_one_patient(call: HookCall) -> None:
    """Refuses a call in which anything is of another patient, whether it is used or not.

    Raises:
        InvalidContent: names the member.
    """
    for key, value in call.prefetch.items():
        for resource in _resources_in(value):
            _own(resource, call, f"prefetch.{key}", needed=False)
    for draft in call.drafts:
        _own(draft, call, "context", needed=False)


def _resources_in(value: Any) -> Iterable[Json]:
    match value:
        case {"resourceType": "Bundle"} as bundle:
            return resources(bundle)
        case {"resourceType": str()} as resource:
            return (resource,)
        case _:
            return ()


def _theirs(found: Iterable[Json], call: HookCall, path: str) -> list[Json]:
    """Those that the actor may be told of: what is kept from the family is left out, and nothing is said of it."""
    own = [_own(r, call, path) for r in found]
    if call.actor.role is not Role.RELATED_PERSON:
        return own
    private = restricted_in(
        _localised(r, _base_of(call)) for value in call.prefetch.values() for r in _resources_in(value)
    )
    return [r for r in own if not is_restricted(r) and not tells_of(r, private)]


def _own(resource: Json, call: HookCall, path: str, *, needed: bool = True) -> Json:
    """The resource in terms of its server, once it is known to be of this patient, whose data the actor may see."""
    local: Json = _localised(resource, _base_of(call))
    named = patient_of(local)
    is_theirs = named == call.patient if named or (needed and local.get("resourceType") in PATIENT_ELEMENT) else True
    if not is_theirs or (named and not call.actor.may_act_for(named)):
        raise InvalidContent(Flaw(path, "has a resource that is not of context.patientId", "business-rule"))
    return local


def _base_of(call: HookCall) -> str:
    return f"{call.fhir_base.rstrip('/')}/" if call.fhir_base else ""


def _localised(value: Any, base: str) -> Any:
    """A copy in which absolute references to the client's own server are relative ones."""
    if isinstance(value, dict):
        return {
            k: v.removeprefix(base) if k == "reference" and isinstance(v, str) else _localised(v, base)
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [_localised(item, base) for item in value]
    return value
