"""What the person wants: state it, withdraw it, read it, and what is planned against it."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fhir_mappings.carrier import Json
from fhir_mappings.codes import LOINC
from fhir_mappings.compartment import patient_of
from fhir_mappings.decision import LOINC_CODES, Order, Preference
from fhir_mappings.goal import goal_from_fhir
from fhir_mappings.model import Reference
from fhir_mappings.order import order_from_fhir
from fhir_mappings.preference import is_preference, preference_from_fhir
from service.commit import Decision, Outcome, Session, carry_out
from service.domain.asked_first import AskedFirst, asked_first
from service.domain.conflicts import Conflict, ConflictRules, conflicts
from service.domain.preferences import (
    AdmissionAnswers,
    Contradiction,
    Standing,
    Statement,
    admission_answers,
    contradictions,
    in_force,
    standings,
    state,
    withdraw,
)
from service.errors import Flaw, InvalidContent, ResourceNotFound
from service.ports import FhirGateway
from service.records import must_be_at, must_be_readable

PREFERENCE_CODES: Final = ",".join(f"{LOINC}|{code}" for code in LOINC_CODES.values())
PREFERENCE_LIMIT: Final = 500
"""So many statements are looked at, the latest first."""
PLANNED: Final = ("ServiceRequest", "MedicationRequest", "Appointment")


@dataclass(frozen=True, slots=True)
class CurrentPreferences:
    """What holds now, the latest first; what is known of the question of admission; what the patient said otherwise."""

    patient: Reference
    as_of: datetime
    standing: tuple[Standing, ...]
    admission: AdmissionAnswers
    contradicted: tuple[Contradiction, ...] = ()
    all_said: tuple[Standing, ...] = ()


async def state_preference(patient: Reference, statement: Statement, *, session: Session) -> Outcome:
    """Writes down what the person wants, beside all that was said before."""
    links = {"askedBy": statement.asked_by, "encounter": statement.encounter}
    await must_be_readable(session.fhir, {path: r for path, r in links.items() if r})
    await _must_be_of(patient, statement.encounter, session.fhir)

    async def decide() -> Decision:
        resource_type, _, patient_id = patient.partition("/")
        _, earlier = await asyncio.gather(
            session.fhir.read(resource_type, patient_id), read_preferences(session.fhir, patient)
        )
        return Decision(state(patient, statement, session.occasion(), earlier=earlier))

    return await carry_out(session, decide)


async def withdraw_preference(
    preference_id: str, reason: str, *, in_error: bool, session: Session, if_match: str
) -> Outcome:
    """The statement holds no longer, or should never have been there."""

    async def decide() -> Decision:
        resource = await read_preference(preference_id, session=session)
        must_be_at(resource, if_match)
        preference = preference_from_fhir(resource)
        change = withdraw(preference, reason, session.occasion(), in_error=in_error)
        return Decision(change, {preference.reference: resource})

    return await carry_out(session, decide)


async def read_preference(preference_id: str, *, session: Session) -> Json:
    """One statement. Another Observation of this id is none.

    Raises:
        ResourceNotFound: there is no such preference for this actor.
    """
    resource = await session.fhir.read("Observation", preference_id)
    if not is_preference(resource):
        raise ResourceNotFound(f"Observation/{preference_id} not found")
    return resource


async def list_preferences(patient: Reference, *, session: Session) -> tuple[list[Json], tuple[Standing, ...]]:
    """All that was ever said, the latest first, with whether it holds: as resources and as views of them."""
    resource_type, _, patient_id = patient.partition("/")
    _, found = await asyncio.gather(
        session.fhir.read(resource_type, patient_id), _search_preferences(session.fhir, patient)
    )
    standing = standings(map(preference_from_fhir, found), session.clock())
    by_id = {r["id"]: r for r in found}
    return [by_id[str(s.preference.id)] for s in standing], standing


async def current_preferences(patient: Reference, *, session: Session) -> CurrentPreferences:
    """What holds now."""
    _, standing = await list_preferences(patient, session=session)
    now = session.clock()
    known = tuple(s.preference for s in standing)
    held = {p.reference for p in in_force(known, now)}
    now_holding = tuple(s for s in standing if s.preference.reference in held)
    return CurrentPreferences(
        patient, now, now_holding, admission_answers(known, now), contradictions(known, now), standing
    )


async def list_conflicts(patient: Reference, *, rules: ConflictRules, session: Session) -> tuple[Conflict, ...]:
    """What is planned or ordered for this patient against what the patient wants and what was agreed."""
    resource_type, _, patient_id = patient.partition("/")
    _, preferences, goals, planned = await asyncio.gather(
        session.fhir.read(resource_type, patient_id),
        read_preferences(session.fhir, patient),
        session.fhir.search("Goal", [("patient", patient)]),
        asyncio.gather(*(session.fhir.search(planned_type, [("patient", patient)]) for planned_type in PLANNED)),
    )
    orders = (order_from_fhir(r) for found in planned for r in found)
    now = session.clock()
    contradicted = contradictions(preferences, now)
    return conflicts(orders, in_force(preferences, now), map(goal_from_fhir, goals), rules, contradicted)


async def measure_asked_first(
    patient: Reference, *, rules: ConflictRules, since: datetime | None, before: datetime | None, session: Session
) -> AskedFirst:
    """Whether this patient was asked before each admission."""
    resource_type, _, patient_id = patient.partition("/")
    _, preferences, requests, encounters = await asyncio.gather(
        session.fhir.read(resource_type, patient_id),
        read_preferences(session.fhir, patient),
        session.fhir.search("ServiceRequest", [("patient", patient)]),
        session.fhir.search("Encounter", [("patient", patient)]),
    )
    orders: list[Order] = [order_from_fhir(r) for r in (*requests, *encounters)]
    return asked_first(orders, preferences, rules.admission, since=since, before=before)


async def read_preferences(fhir: FhirGateway, patient: Reference) -> tuple[Preference, ...]:
    """All preferences of the patient, in no order that anything depends on."""
    return tuple(map(preference_from_fhir, await _search_preferences(fhir, patient)))


async def _search_preferences(fhir: FhirGateway, patient: Reference) -> list[Json]:
    found = await fhir.search(
        "Observation",
        [("patient", patient), ("code", PREFERENCE_CODES), ("_sort", "-date"), ("_count", "200")],
        limit=PREFERENCE_LIMIT,
    )
    return [r for r in found if is_preference(r)]


async def _must_be_of(patient: Reference, encounter: Reference | None, fhir: FhirGateway) -> None:
    """A clinician may see encounters of many patients; this one has to be of the one who is talked about."""
    if encounter is None:
        return
    resource_type, _, encounter_id = encounter.partition("/")
    if patient_of(await fhir.read(resource_type, encounter_id)) != patient:
        raise InvalidContent(Flaw("encounter", "refers to nothing that you can see", "not-found"))
