"""Who a verified token speaks for."""

from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from typing import Final

from fhir_mappings.compartment import patient_of
from fhir_mappings.elements import ID
from fhir_mappings.model import Reference
from service.domain.actors import Actor, Claims, Role
from service.domain.policy import DEFAULT_POLICY, Policy, PractitionerAccess
from service.domain.proxies import is_active, proxy_rights
from service.domain.scopes import Level, understood
from service.errors import NotPermitted
from service.ports import FhirGateway
from service.rights import Rights, is_in_office

NOBODY: Final = "the token does not say who acts: it has no fhirUser"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the service runs: its FHIR server, its rules, the day, and on whose behalf practitioners act here."""

    fhir: FhirGateway
    rights: Rights
    today: date
    policy: Policy = DEFAULT_POLICY
    organization: Reference | None = None


async def identify(claims: Claims, place: Place) -> Actor:
    """The actor of a token. Without somebody who acts, a patient to act for, or a scope that counts, there is none.

    Raises:
        NotPermitted: names the claim that is missing or contradicts another.
    """
    actor = await _actor(claims, place)
    if not actor.granted(None):
        raise NotPermitted(_why_nothing(actor))
    return actor


async def _actor(claims: Claims, place: Place) -> Actor:
    user = claims.fhir_user
    if user is None:
        return _application(claims)
    nobody = Actor(
        user, Role.PATIENT, claims.client_id, claims.issuer, claims.scopes, display=claims.name, context=claims.patient
    )
    match user.partition("/")[0]:
        case "Patient":
            return _patient(nobody)
        case "RelatedPerson":
            return await _related_person(replace(nobody, role=Role.RELATED_PERSON), place)
        case "PractitionerRole":
            return await _in_role(replace(nobody, role=Role.PRACTITIONER), place)
        case _:
            members = frozenset({user})
            return _practitioner(replace(nobody, role=Role.PRACTITIONER), members, place.organization, place.policy)


def _application(claims: Claims) -> Actor:
    """SMART Backend Services: no user. It may look, wherever its `system/` scopes reach; acts take a person."""
    if not any(s.level is Level.SYSTEM for s in understood(claims.scopes)):
        raise NotPermitted(NOBODY)
    known = ID.fullmatch(claims.client_id)
    name = claims.client_id if known else sha256(claims.client_id.encode()).hexdigest()
    patients = frozenset({claims.patient}) if claims.patient else None
    return Actor(
        f"Device/{name}", Role.SYSTEM, claims.client_id, claims.issuer, claims.scopes, patients, context=claims.patient
    )


def _patient(actor: Actor) -> Actor:
    _must_be_in_context(actor, actor.reference)
    return replace(actor, context=actor.reference, patients=frozenset({actor.reference}))


async def _related_person(actor: Actor, place: Place) -> Actor:
    person = await place.rights.person(place.fhir, actor.reference)
    patient = patient_of(person)
    if patient is None or not is_active(person, place.today):
        raise NotPermitted("the token's fhirUser speaks for no patient (now)")
    _must_be_in_context(actor, patient)
    consents = await place.rights.consents(place.fhir, actor.reference, patient)
    rights = proxy_rights(person, consents, actor.reference, place.today, place.policy.proxy_access)
    return replace(actor, patients=frozenset({patient}), proxy=rights)


async def _in_role(actor: Actor, place: Place) -> Actor:
    """A PractitionerRole acts as its practitioner, on behalf of its organization."""
    role = await place.rights.person(place.fhir, actor.reference)
    practitioner = role.get("practitioner", {}).get("reference", "")
    if not practitioner.startswith("Practitioner/") or not is_in_office(role, place.today):
        raise NotPermitted("the token's fhirUser is in no office (now)")
    organization = role.get("organization", {}).get("reference") or place.organization
    members = frozenset({practitioner, actor.reference})
    return _practitioner(replace(actor, reference=practitioner), members, organization, place.policy)


def _practitioner(actor: Actor, members: frozenset[Reference], organization: Reference | None, policy: Policy) -> Actor:
    """Whose data they see is found out patient by patient; in the context of one patient, at most that one's."""
    actor = replace(actor, organization=organization)
    in_context = frozenset({actor.context} if actor.context else ())
    match policy.practitioner_access:
        case PractitionerAccess.ANY:
            return replace(actor, patients=in_context or None)
        case PractitionerAccess.LAUNCH if in_context:
            return replace(actor, patients=in_context)
        case _:
            return replace(actor, members=members)


def _must_be_in_context(actor: Actor, patient: Reference) -> None:
    if actor.context not in {None, patient}:
        raise NotPermitted("the token's patient is not one that its fhirUser speaks for")


def _why_nothing(actor: Actor) -> str:
    levels = {s.level for s in understood(actor.scopes)}
    if Level.PATIENT in levels and actor.context is None:
        return "patient scope without patient context: the token has no claim `patient`"
    if actor.role is not Role.SYSTEM and levels == {Level.SYSTEM}:
        return "system scopes are for applications without a user, and this token has a fhirUser"
    return "the token has no scope that is understood here, such as patient/Goal.rs"
