"""SMART scopes: which interactions with which resources a token was given for. What is not understood grants nothing.

Source: https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl

from fhir_mappings.carrier import Json


class Interaction(StrEnum):
    """The letters of a scope. CoPlan never deletes, so `d` grants nothing here."""

    CREATE = "c"
    READ = "r"
    UPDATE = "u"
    SEARCH = "s"


class Level(StrEnum):
    """Whose data a scope is about: one patient's, what the user may see, or what the application may see."""

    PATIENT = "patient"
    USER = "user"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Condition:
    """One search parameter of a granular scope; one of `tokens` must match."""

    parameter: str
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """One clinical scope. `resource_type` is `*` for all."""

    level: Level
    resource_type: str
    interactions: frozenset[Interaction]
    conditions: tuple[Condition, ...] = ()

    def covers(self, resource_type: str, interaction: Interaction) -> bool:
        """True if it may grant this interaction with resources of this type, whatever its conditions."""
        return self.resource_type in {"*", resource_type} and interaction in self.interactions

    def grants(self, resource: Json, interaction: Interaction) -> bool:
        """True if it grants this interaction with the resource in hand."""
        of_this_kind = self.covers(resource["resourceType"], interaction)
        return of_this_kind and all(_holds(condition, resource) for condition in self.conditions)


WITHOUT_DATA: Final = frozenset(
    {"fhirUser", "launch", "launch/encounter", "launch/patient", "offline_access", "online_access", "openid", "profile"}
)
"""Scopes that are about who logs in, and give no data."""
PARAMETERS: Final = frozenset({"_security", "_tag", "category", "code", "status"})
"""Search parameters that are evaluated on a resource. Each is a token, without modifiers."""
_SCOPE: Final = re.compile(
    r"(patient|user|system)/(\*|[A-Z][A-Za-z]{1,63})\.(?:(read|write|\*)|(?=[cruds])(c?r?u?d?s?)(?:\?(.+))?)"
)
_VERSION_1: Final = {"read": "rs", "write": "cud", "*": "cruds"}
_LABELS: Final = {"_security": "security", "_tag": "tag"}


@lru_cache(maxsize=1024)
def understood(scopes: frozenset[str]) -> tuple[Scope, ...]:
    """The clinical scopes among these, in a stable order."""
    return tuple(scope for text in sorted(scopes) if (scope := scope_of(text)))


def not_understood(scopes: Iterable[str]) -> tuple[str, ...]:
    """Those that grant nothing because nobody here knows what they mean."""
    return tuple(sorted(s for s in scopes if s not in WITHOUT_DATA and scope_of(s) is None))


@lru_cache(maxsize=1024)
def scope_of(text: str) -> Scope | None:
    """A clinical scope of version 2 or 1; None for anything else, and for conditions that cannot be evaluated."""
    found = _SCOPE.fullmatch(text)
    if found is None:
        return None
    level, resource_type, version_1, letters, query = found.groups()
    conditions = _conditions(query) if query is not None else ()
    if conditions is None:
        return None
    granted = frozenset(i for i in Interaction if i in (_VERSION_1[version_1] if version_1 else letters))
    return Scope(Level(level), resource_type, granted, conditions)


def could_grant(scopes: Collection[Scope], resource_type: str, interaction: Interaction) -> bool:
    """True if one of the scopes may grant the interaction with resources of this type."""
    return any(scope.covers(resource_type, interaction) for scope in scopes)


def grants_all(scopes: Collection[Scope], resource_type: str, interaction: Interaction) -> bool:
    """True if one of the scopes grants the interaction with every resource of this type."""
    return any(scope.covers(resource_type, interaction) and not scope.conditions for scope in scopes)


def grants(scopes: Collection[Scope], resource: Json, interaction: Interaction) -> bool:
    """True if one of the scopes grants the interaction with the resource in hand. Scopes add up; none forbids."""
    return any(scope.grants(resource, interaction) for scope in scopes)


def _conditions(query: str) -> tuple[Condition, ...] | None:
    try:
        given = parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        return None
    conditions = tuple(Condition(name, tuple(value.split(","))) for name, value in given)
    known = all(c.parameter in PARAMETERS and all(map(_is_token, c.tokens)) for c in conditions)
    return conditions if known else None


def _is_token(token: str) -> bool:
    """`code`, `system|code`, `|code` or `system|`; an escape could mean any of them."""
    return bool(token.strip("|")) and token == token.strip() and token.count("|") <= 1 and "\\" not in token


def _holds(condition: Condition, resource: Json) -> bool:
    present = tuple(_tokens(condition.parameter, resource))
    return any(_matches(wanted, system, code) for wanted in condition.tokens for system, code in present)


def _matches(wanted: str, system: str | None, code: str | None) -> bool:
    """Source: https://hl7.org/fhir/R4/search.html#token"""
    wanted_system, bar, wanted_code = wanted.rpartition("|")
    if not bar:
        return code == wanted_code
    same_system = system == (wanted_system or None)
    return same_system and (code == wanted_code or not wanted_code)


def _tokens(parameter: str, resource: Json) -> Iterator[tuple[str | None, str | None]]:
    """System and code of each value that the parameter searches; a `status` has no system that a search could name."""
    if parameter in _LABELS:
        yield from _codings(resource.get("meta", {}).get(_LABELS[parameter], []))
    elif parameter == "status":
        if isinstance(status := resource.get("status"), str):
            yield None, status
    else:
        value = resource.get(parameter, [])
        for concept in value if isinstance(value, list) else [value]:
            yield from _codings(concept.get("coding", []) if isinstance(concept, dict) else [])


def _codings(codings: Any) -> Iterator[tuple[str | None, str | None]]:
    for coding in codings:
        if isinstance(coding, dict) and coding.get("code"):
            yield coding.get("system"), coding["code"]
