"""What patients, families and devices measure: recorded one by one or many at once, and corrected."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final, TypeAlias

from fhir_mappings.bundle import Written
from fhir_mappings.carrier import Json
from fhir_mappings.codes import CLIENT_ITEM, Act, LifecycleStatus
from fhir_mappings.goal import goal_from_fhir
from fhir_mappings.model import Goal, Observation, PartialDate, Reference
from fhir_mappings.observation import observation_from_fhir
from fhir_mappings.patient import birth_date_from_fhir
from service.commit import Decision, Operation, Outcome, Session, carry_out
from service.domain import tracking, units
from service.domain.amounts import must_be_comparable
from service.domain.care_plans import retold
from service.domain.catalogue import Catalogue
from service.domain.charted import adding_up
from service.domain.lifecycle import AGREED
from service.domain.progress import measurable_target, moved, unit_of
from service.domain.thread import Change
from service.domain.tracking import Amount, Reading, must_be_lived, observed
from service.errors import Flaw, InvalidContent, ResourceNotFound, ScopeMissing
from service.records import must_be_at, read_patient_record
from service.series import make_comparable, read_goal_series
from service.workflows.lifetimes import must_be_of_a_life

CHUNK: Final = 100
"""So many Observations share a transaction, its Provenance and its AuditEvent (docs/adr/0031)."""
MOST_GOALS: Final = 20
"""One request moves at most so many goals."""
MEASURED: Final = AGREED | {LifecycleStatus.COMPLETED}

Refused: TypeAlias = tuple[Flaw, ...]


@dataclass(frozen=True, slots=True)
class Unread:
    """An entry that cannot be read, and why. `item` is its own id, where that can be read."""

    flaws: Refused
    item: str | None = None


class Fate(StrEnum):
    """What became of an entry."""

    CREATED = "created"
    ALREADY_THERE = "already-there"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Result:
    """One entry of a request. `observation` is where it stands now; `flaws` why it does not stand."""

    fate: Fate
    item: str | None = None
    observation: Reference | None = None
    version: str | None = None
    flaws: Refused = ()


@dataclass(frozen=True, slots=True)
class _Batch:
    """The entries of one request by position: those that may stand, and why the others may not."""

    patient: Reference
    observations: Mapping[int, Observation]
    refused: dict[int, Refused] = field(default_factory=dict)


async def record(
    patient: Reference, entries: Sequence[Reading | Unread], *, session: Session, catalogue: Catalogue
) -> tuple[Result, ...]:
    """Records the entries that can stand, each once, and says of each what became of it.

    Args:
        entries: a Reading, or why what was sent is none.

    Raises:
        ResourceNotFound: there is no such patient for this actor.
        InvalidContent: not one entry can stand; or they are for too many goals.
    """
    resource_type, _, patient_id = patient.partition("/")
    readings = {i: e for i, e in enumerate(entries) if isinstance(e, Reading)}
    person, goals = await asyncio.gather(
        session.fhir.read(resource_type, patient_id), _goals(patient, readings.values(), session)
    )
    await _load_units(readings.values(), goals.values(), catalogue)
    batch = _judged(patient, readings, goals, session, catalogue, birth_date_from_fhir(person))
    batch.refused.update((i, e.flaws) for i, e in enumerate(entries) if isinstance(e, Unread))
    stored: dict[str, Result] = {}
    unique = tuple({o.client_item: o for o in batch.observations.values()}.values())
    for number, start in enumerate(range(0, len(unique), CHUNK)):
        stored |= await _record_chunk(patient, unique[start : start + CHUNK], number, session, catalogue)
    results = tuple(_result(i, entries, batch, stored) for i in range(len(entries)))
    if all(r.fate is Fate.REFUSED for r in results):
        raise InvalidContent(*(_within(i, flaw) for i, r in enumerate(results) for flaw in r.flaws))
    return results


async def amend(
    observation_id: str,
    *,
    amount: Amount | None,
    effective: datetime | None,
    note: str | None,
    reason: str,
    session: Session,
    catalogue: Catalogue,
    if_match: str,
) -> Outcome:
    """Corrects a value, its time or its note."""

    async def rule(before: Observation) -> Change:
        await must_be_of_a_life(session, before.subject, effective)
        return tracking.amended(before, amount, effective, note, reason, catalogue, session.occasion())

    if amount:
        await asyncio.to_thread(units.load)
    return await _correct(observation_id, rule, session, catalogue, if_match)


async def void(observation_id: str, reason: str, *, session: Session, catalogue: Catalogue, if_match: str) -> Outcome:
    """Says that an Observation should never have been there."""

    async def rule(before: Observation) -> Change:
        return tracking.voided(before, reason, session.occasion())

    return await _correct(observation_id, rule, session, catalogue, if_match)


async def _correct(
    observation_id: str,
    rule: Callable[[Observation], Awaitable[Change]],
    session: Session,
    catalogue: Catalogue,
    if_match: str,
) -> Outcome:
    """The goals that it is for follow in the same transaction."""

    async def decide() -> Decision:
        resource = await session.fhir.read("Observation", observation_id)
        must_be_at(resource, if_match)
        change = await rule(observation_from_fhir(resource))
        goals, sources = await _moved_goals(change.observations, session, catalogue)
        sources[change.about] = resource
        return await _with_plans(replace(change, goals=goals), sources, session)

    return await carry_out(session, decide)


def _judged(
    patient: Reference,
    readings: Mapping[int, Reading],
    goals: Mapping[str, Goal | None],
    session: Session,
    catalogue: Catalogue,
    born: PartialDate | None,
) -> _Batch:
    observations: dict[int, Observation] = {}
    batch = _Batch(patient, observations)
    first: dict[str, Observation] = {}
    for position, reading in readings.items():
        item = _item(reading.item, position, patient, session)
        try:
            must_be_lived(reading.effective, born)
            observation = observed(reading, patient, item, catalogue, session.occasion())
            _must_be_measurable(reading, observation, goals, catalogue)
            _must_be_the_same(first.setdefault(item, observation), observation)
        except InvalidContent as exc:
            batch.refused[position] = exc.flaws
        else:
            observations[position] = observation
    return batch


def _item(item: str | None, position: int, patient: Reference, session: Session) -> str:
    """The name of an entry within this application, patient and who records it: nobody's id hides another's entry.

    One without a name is known by its request.
    """
    actor = session.actor
    scoped = "\0".join((actor.issuer, actor.client_id, patient, actor.reference))
    scope = sha256(scoped.encode()).hexdigest()[:16]
    operation = session.operation.id if session.operation else session.request_id
    return f"{item or f'{operation}-{position}'}.{scope}"


def _must_be_measurable(
    reading: Reading, observation: Observation, goals: Mapping[str, Goal | None], catalogue: Catalogue
) -> None:
    for position, goal_id in enumerate(reading.goals):
        goal = goals[goal_id]
        if goal is None:
            raise InvalidContent(Flaw(f"goals[{position}]", "is no goal of this patient", "not-found"))
        if goal.lifecycle_status not in MEASURED:
            raise InvalidContent(Flaw(f"goals[{position}]", "is not agreed: nothing is measured for it yet"))
        must_be_comparable(observation, goal, catalogue, "unit")


def _must_be_the_same(first: Observation, observation: Observation) -> None:
    if first.fingerprint != observation.fingerprint:
        raise InvalidContent(Flaw("item", "came before and said something else: amend that one", "duplicate"))


async def _goals(patient: Reference, readings: Iterable[Reading], session: Session) -> dict[str, Goal | None]:
    wanted = sorted({goal for reading in readings for goal in reading.goals})
    if len(wanted) > MOST_GOALS:
        raise InvalidContent(Flaw("items", "are for more than {most} goals", "too-costly", {"most": MOST_GOALS}))
    found = await asyncio.gather(*(_goal(patient, goal_id, session) for goal_id in wanted))
    return dict(zip(wanted, found, strict=True))


async def _goal(patient: Reference, goal_id: str, session: Session) -> Goal | None:
    try:
        goal = goal_from_fhir(await session.fhir.read("Goal", goal_id))
    except ResourceNotFound:
        return None
    return goal if goal.subject == patient else None


async def _load_units(readings: Iterable[Reading], goals: Iterable[Goal | None], catalogue: Catalogue) -> None:
    """Only a unit that the catalogue does not take, or that a goal is not in, needs the registry: it takes seconds."""
    entered = [(catalogue.get(what), unit) for what, unit in {(r.what, r.amount.unit) for r in readings}]
    aimed = {unit_of(t) for g in goals if g and (t := measurable_target(g))}
    recorded = {unit or trackable.units[0].code for trackable, unit in entered if trackable}
    if aimed - recorded or any(trackable and unit and not trackable.unit(unit) for trackable, unit in entered):
        await asyncio.to_thread(units.load)


async def _record_chunk(
    patient: Reference, chunk: Sequence[Observation], number: int, session: Session, catalogue: Catalogue
) -> dict[str, Result]:
    """What became of each entry, by its name. Sent again, it finds what is there and writes the rest."""
    there: dict[str, Observation] = {}

    async def decide() -> Decision | Outcome:
        there.clear()
        there.update(await _already_there(patient, chunk, session))
        new = tuple(o for o in chunk if o.client_item not in there)
        if not new:
            return Outcome({})
        goals, sources = await _moved_goals(new, session, catalogue)
        change = Change(Act.RECORD_OBSERVATIONS, new[0].reference, goals=goals, observations=new)
        return await _with_plans(change, sources, session)

    operation = session.operation and Operation(f"{session.operation.id}.{number}", session.operation.fingerprint)
    outcome = await carry_out(replace(session, operation=operation), decide)
    if outcome.replayed and not outcome.written:
        there.update(await _already_there(patient, chunk, session))
    return {str(o.client_item): _stored(o, there, outcome.written) for o in chunk}


def _stored(observation: Observation, there: Mapping[str, Observation], written: Mapping[Reference, Written]) -> Result:
    item = str(observation.client_item)
    if new := written.get(observation.reference):
        fate = Fate.CREATED if new.created else Fate.ALREADY_THERE
        return Result(fate, item, new.reference, new.version)
    present = there[item]
    if present.fingerprint != observation.fingerprint:
        flaw = Flaw("item", "came before and said something else: amend that one", "duplicate")
        return Result(Fate.REFUSED, item, present.reference, present.version, (flaw,))
    return Result(Fate.ALREADY_THERE, item, present.reference, present.version)


async def _already_there(patient: Reference, chunk: Sequence[Observation], session: Session) -> dict[str, Observation]:
    items = ",".join(f"{CLIENT_ITEM}|{o.client_item}" for o in chunk)
    found = await session.fhir.search("Observation", [("patient", patient), ("identifier", items)])
    return {str(o.client_item): o for o in map(observation_from_fhir, found)}


async def _moved_goals(
    observations: Sequence[Observation], session: Session, catalogue: Catalogue
) -> tuple[tuple[Goal, ...], dict[Reference, Json]]:
    """The goals whose achievementStatus follows from these, and the resources that they are views of."""
    wanted = sorted({goal for o in observations for goal in o.goals})
    found = await asyncio.gather(*(session.fhir.read(*goal.split("/")) for goal in wanted))
    goals, now = tuple(map(goal_from_fhir, found)), session.clock()
    series = await asyncio.gather(*(read_goal_series(session.fhir, goal, now) for goal in goals))
    await asyncio.gather(*(make_comparable(measurable_target(goal), observations) for goal in goals))
    after = [
        moved(
            goal,
            s.with_these(*(o for o in observations if goal.reference in o.goals)),
            adding_up=adding_up(goal, catalogue, now),
        )
        for goal, s in zip(goals, series, strict=True)
    ]
    changed = tuple(a for a, b in zip(after, goals, strict=True) if a != b)
    return changed, dict(zip(wanted, found, strict=True))


async def _with_plans(change: Change, sources: Mapping[Reference, Json], session: Session) -> Decision:
    """With the plans that tell of the goals that move. A token for measurements alone leaves their text to the next
    act.
    """
    if not change.goals:
        return Decision(change, sources)
    try:
        record = await read_patient_record(session.fhir, change.goals[0].subject, session.language, told=False)
    except ScopeMissing:
        return Decision(change, sources)
    return Decision(retold(change, record.plans), {**record.sources, **sources}, record.goals)


def _result(position: int, entries: Sequence[Reading | Unread], batch: _Batch, stored: Mapping[str, Result]) -> Result:
    entry = entries[position]
    item = entry.item
    if flaws := batch.refused.get(position):
        return Result(Fate.REFUSED, item, flaws=flaws)
    observation = batch.observations[position]
    result = replace(stored[str(observation.client_item)], item=item)
    is_first = next(i for i, o in batch.observations.items() if o.client_item == observation.client_item) == position
    return result if is_first or result.fate is Fate.REFUSED else replace(result, fate=Fate.ALREADY_THERE)


def _within(position: int, flaw: Flaw) -> Flaw:
    """An entry that is no object at all has no element to name."""
    path = f"items[{position}]" if flaw.expression == "body" else f"items[{position}].{flaw.expression}"
    return replace(flaw, expression=path)
