"""Who a verified token speaks for."""

import re
from datetime import date
from typing import Final

from fhir_mappings.carrier import Json
from fhir_mappings.compartment import patient_of
from fhir_mappings.model import Reference
from service.domain.actors import Actor, Claims, Role
from service.errors import NotPermitted, ResourceGone, ResourceNotFound
from service.ports import FhirGateway

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")


async def identify(claims: Claims, *, fhir: FhirGateway, today: date, organization: Reference | None) -> Actor:
    """The actor of a token. Without somebody who acts, or a patient to act for, there is none.

    Args:
        organization: on whose behalf practitioners act here.

    Raises:
        NotPermitted: names the claim that is missing or contradicts another.
    """
    if claims.fhir_user is None:
        raise NotPermitted("the token does not say who acts: it has no fhirUser")
    role = Role(claims.fhir_user.partition("/")[0])
    return Actor(
        reference=claims.fhir_user,
        role=role,
        client_id=claims.client_id,
        issuer=claims.issuer,
        scopes=claims.scopes,
        patients=await _patients(claims, claims.fhir_user, role, fhir, today),
        organization=organization if role is Role.PRACTITIONER else None,
        display=claims.name,
    )


async def _patients(
    claims: Claims, user: Reference, role: Role, fhir: FhirGateway, today: date
) -> frozenset[Reference] | None:
    in_context = frozenset({claims.patient} if claims.patient else ())
    match role:
        case Role.PRACTITIONER:
            return in_context or None
        case Role.PATIENT:
            own = frozenset({user})
        case Role.RELATED_PERSON:
            own = await _spoken_for(user, fhir, today)
    if in_context - own:
        raise NotPermitted("the token's patient is not one that its fhirUser speaks for")
    return own


async def _spoken_for(user: Reference, fhir: FhirGateway, today: date) -> frozenset[Reference]:
    """Read afresh with each request: a right that was withdrawn ends at once."""
    resource_type, _, resource_id = user.partition("/")
    try:
        person = await fhir.read(resource_type, resource_id)
    except (ResourceNotFound, ResourceGone):
        person = {}
    patient = patient_of(person)
    if patient is None or not _is_active(person, today):
        raise NotPermitted("the token's fhirUser speaks for no patient (now)")
    return frozenset({patient})


def _is_active(person: Json, today: date) -> bool:
    """By US Core, `active` is said of a RelatedPerson who authors; a period that has ended ends the right."""
    period = person.get("period", {})
    started = _day(period.get("start"), "0001-01-01") <= today.isoformat()
    return person.get("active") is True and started and today.isoformat() <= _day(period.get("end"), "9999-12-31")


def _day(value: str | None, otherwise: str) -> str:
    """The day; for a year or month the first (start) or the last one that it may mean is near enough to compare."""
    found = _DAY.match(value or "")
    return found.group() if found else value or otherwise
