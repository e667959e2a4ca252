"""What people are called: the names that a record has for those to whom a plan refers by their id.

Source: https://hl7.org/fhir/R4/datatypes.html#HumanName
    https://hl7.org/fhir/R4/careteam-definitions.html#CareTeam.participant.member
"""

from collections.abc import Iterable, Mapping
from typing import Final

from fhir_mappings.carrier import Json
from fhir_mappings.elements import items
from fhir_mappings.model import Reference

_NAMED: Final = frozenset({"CareTeam", "HealthcareService", "Location", "Organization"})
"""Types whose `name` is a string."""
_RANK: Final = {"usual": 0, "official": 1}
_NEVER: Final = frozenset({"old", "maiden"})


def names_from_fhir(resources: Iterable[Json]) -> Mapping[Reference, str]:
    """`Dr Bo Berg` by `Practitioner/bo`. A name that somebody has comes before what a care team calls them."""
    called: dict[Reference, str] = {}
    own: dict[Reference, str] = {}
    for resource in resources:
        if resource["resourceType"] == "CareTeam":
            called.update(_participants(resource))
        if name := _name(resource):
            own[f"{resource['resourceType']}/{resource['id']}"] = name
    return called | own


def _participants(team: Json) -> Iterable[tuple[Reference, str]]:
    members = (p.get("member") or {} for p in items(team, "participant", "CareTeam.participant"))
    for member in members:
        reference, display = member.get("reference"), member.get("display")
        if isinstance(reference, str) and isinstance(display, str):
            yield reference.partition("/_history/")[0], display


def _name(resource: Json) -> str:
    resource_type, name = resource["resourceType"], resource.get("name")
    if resource_type in _NAMED:
        return name if isinstance(name, str) else ""
    if resource_type not in {"Patient", "Practitioner", "RelatedPerson"}:
        return ""
    names = [n for n in items(resource, "name", f"{resource_type}.name") if n.get("use") not in _NEVER]
    return _in_words(min(names, key=lambda n: _RANK.get(n.get("use", ""), 2), default={}))


def _in_words(name: Json) -> str:
    """As it is written, else as it is put together where no culture is known: prefix, given names, family name."""
    parts = (*name.get("prefix", []), *name.get("given", []), name.get("family"))
    return name.get("text") or " ".join(filter(None, parts))
