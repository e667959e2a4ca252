"""What a family member may do for a patient: by a Consent that names them, else by the policy of the house.

Source: https://hl7.org/fhir/R4/consent.html
    https://hl7.org/fhir/us/core/STU6.1/StructureDefinition-us-core-relatedperson.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from fhir_mappings.carrier import Json
from fhir_mappings.codes import CONSENT_ACTION
from fhir_mappings.compartment import local
from fhir_mappings.elements import concept
from fhir_mappings.model import Reference
from service.domain.actors import ProxyRights, Right
from service.domain.periods import includes, last_day
from service.domain.policy import ProxyAccess

EVERYTHING: Final = frozenset(Right)
BY_POLICY: Final[Mapping[ProxyAccess, frozenset[Right]]] = {
    ProxyAccess.FULL: EVERYTHING,
    ProxyAccess.READ: frozenset({Right.READ}),
    ProxyAccess.NONE: frozenset(),
}
PERMITTED: Final[Mapping[str, frozenset[Right]]] = {
    "access": frozenset({Right.READ}),
    "collect": frozenset({Right.READ, Right.RECORD}),
    "correct": EVERYTHING,
}
"""What a permission of each code of http://terminology.hl7.org/CodeSystem/consentaction lets a family member do."""
DENIED: Final[Mapping[str, frozenset[Right]]] = {
    "access": EVERYTHING,
    "collect": frozenset({Right.RECORD, Right.ACT}),
    "correct": frozenset({Right.ACT}),
}
"""What a denial takes away: whoever may not see may not do anything either."""
_NOTHING: Final = frozenset[Right]()
_READ_HERE: Final = frozenset({"action", "actor", "extension", "id", "period", "type"})
_NEVER_SAID: Final = frozenset({"draft", "entered-in-error", "proposed"})


@dataclass(frozen=True, slots=True)
class _Provision:
    permits: bool
    rights: frozenset[Right]
    until: date | None


def is_active(person: Json, today: date) -> bool:
    """By US Core, `active` is said of a RelatedPerson who authors; a period that has ended ends the right."""
    return person.get("active") is True and includes(person.get("period"), today)


def proxy_rights(
    person: Json, consents: Iterable[Json], user: Reference, today: date, policy: ProxyAccess
) -> ProxyRights:
    """The rights today. Once a Consent names the person, only Consents say what they may, also after it has ended.

    Several Consents add up, and what one of them denies stays denied. A permission with limits that are not
    evaluated here permits nothing; a denial with such limits denies all that it names. A person who is named with a
    base URL may be of another server: such a permission permits nothing, such a denial denies.
    """
    naming = [c for c in consents if c.get("status") not in _NEVER_SAID and _names(c.get("provision", {}), user)]
    until = last_day(person.get("period"))
    if not naming:
        return ProxyRights(BY_POLICY[policy], "policy", until)
    provisions = [p for c in naming if c.get("status") == "active" for p in _provisions(c["provision"], user, today)]
    permitted = _NOTHING.union(*(p.rights for p in provisions if p.permits))
    denied = _NOTHING.union(*(p.rights for p in provisions if not p.permits))
    days = [d for d in (until, *(p.until for p in provisions if p.permits)) if d is not None]
    return ProxyRights(permitted - denied, "consent", min(days, default=None))


def _names(provision: Json, user: Reference) -> bool:
    nested = provision.get("provision", [])
    return _is_about(provision, user) or any(_names(inner, user) for inner in nested)


def _is_about(provision: Json, user: Reference) -> bool:
    return any(local(r) == user for r in _actors(provision))


def _is_here(provision: Json, user: Reference) -> bool:
    return any(r.partition("/_history/")[0] == user for r in _actors(provision))


def _actors(provision: Json) -> Iterable[Reference]:
    references = (a.get("reference", {}).get("reference") for a in provision.get("actor", []))
    return (r for r in references if isinstance(r, str))


def _provisions(provision: Json, user: Reference, today: date) -> Iterable[_Provision]:
    """The provision itself and those nested in it, which are about the same people unless they name others."""
    if _is_about(provision, user) and includes(provision.get("period"), today):
        permits = provision.get("type") == "permit"
        if not permits or (provision.keys() - {"provision"} <= _READ_HERE and _is_here(provision, user)):
            yield _Provision(permits, _rights(provision, permits), last_day(provision.get("period")))
    for inner in provision.get("provision", []):
        named = inner if "actor" in inner else inner | {"actor": provision.get("actor", [])}
        yield from _provisions(named, user, today)


def _rights(provision: Json, permits: bool) -> frozenset[Right]:
    """Without an action, all of them (R4). An action that is not known permits nothing, and denies everything."""
    by_action, unknown = (PERMITTED, _NOTHING) if permits else (DENIED, EVERYTHING)
    actions: list[Any] = provision.get("action", [])
    if not actions:
        return EVERYTHING
    codes = [c.code if c.system == CONSENT_ACTION else None for a in actions for c in concept(a).codings]
    return _NOTHING.union(*(by_action.get(code or "", unknown) for code in codes or [None]))
