"""Measure: one version of what is counted, with the parameters of its rule.

Source: https://hl7.org/fhir/R4/measure.html
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TypeVar
from urllib.parse import parse_qs

from fhir_mappings.carrier import Json
from fhir_mappings.elements import MappingError, code_of, items, known_code, required
from fhir_mappings.measuring import Improvement, MeasureDefinition, Scoring
from fhir_mappings.model import Coding

RULE_LANGUAGE: Final = "text/x-coplan-rule"
"""`Expression.language` of a rule and its parameters: `remission?code=urn:coplan:ibd-index|pucai&below=10`.

The parameters are `code` (1..*, `system|code`), `below` (0..1), `met-by` (0..*) and `days` (1..1): see PARAMETERS.
"""
RULE: Final = "Measure.group.population.criteria"
PARAMETERS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "asked-first": (("code",),),
    "days-to-decision": (),
    "goals-agreed": (),
    "goals-authored": (),
    "goals-followed-up": (),
    "proposals-unanswered": (("days",),),
    "remission": (("code",), ("below", "met-by")),
}
"""Each rule, with what it takes: of each group of parameters at least one."""
REPEATED: Final = frozenset({"code", "met-by"})
MEASURE_SCORING: Final = "http://terminology.hl7.org/CodeSystem/measure-scoring"
IMPROVEMENT_NOTATION: Final = "http://terminology.hl7.org/CodeSystem/measure-improvement-notation"

NUMBERS: Final = {"below": re.compile(r"-?\d{1,9}(\.\d{1,6})?"), "days": re.compile(r"\d{1,5}")}
SCORED: Final = {"days-to-decision": Scoring.CONTINUOUS_VARIABLE}
"""A rule of days has a median; all others have a share."""

C = TypeVar("C", bound=StrEnum)


def measure_from_fhir(resource: Json) -> MeasureDefinition:
    """A Measure whose criteria name a rule of ours.

    Raises:
        MappingError: an element that the measure cannot be computed without is missing or unknown.
    """
    rule, parameters = _rule(resource)
    below, days = _number(parameters, "below"), _number(parameters, "days")
    scoring = _coded(Scoring, resource, "scoring", MEASURE_SCORING)
    if scoring is not SCORED.get(rule, Scoring.PROPORTION):
        raise MappingError("Measure.scoring", "is not that of the rule {rule}", rule=rule)
    return MeasureDefinition(
        id=required(resource, "id", "Measure.id"),
        url=required(resource, "url", "Measure.url"),
        version=required(resource, "version", "Measure.version"),
        title=required(resource, "title", "Measure.title"),
        description=required(resource, "description", "Measure.description"),
        plain=required(resource, "purpose", "Measure.purpose"),
        rule=rule,
        scoring=scoring,
        improvement=_coded(Improvement, resource, "improvementNotation", IMPROVEMENT_NOTATION),
        codes=tuple(map(_coding, parameters.get("code", ()))),
        below=Decimal(below) if below is not None else None,
        met_by=frozenset(parameters.get("met-by", ())),
        days=int(days) if days is not None else None,
    )


def only_counts(report: Json) -> bool:
    """True for a MeasureReport that tells of no single person: a summary without lists of subjects.

    Source: https://hl7.org/fhir/R4/measurereport.html (type `summary`)
    """
    personal = ("subject", "evaluatedResource", "contained")
    return report.get("type") == "summary" and not any(report.get(name) for name in personal) and not _lists(report)


def _lists(value: Any) -> bool:
    """True if `subjectResults` stands anywhere below."""
    if isinstance(value, dict):
        return "subjectResults" in value or any(map(_lists, value.values()))
    return isinstance(value, list) and any(map(_lists, value))


def _rule(resource: Json) -> tuple[str, dict[str, list[str]]]:
    """The rule of the measure and its parameters, all of which the rule knows and none of which it lacks."""
    rule, mark, query = _expression(resource).partition("?")
    if rule not in PARAMETERS:
        raise MappingError(RULE, "names the rule {rule}: there are {known}", rule=rule, known=", ".join(PARAMETERS))
    parameters = parse_qs(query, keep_blank_values=True)
    known = {name for group in PARAMETERS[rule] for name in group}
    if wrong := sorted(parameters.keys() - known):
        takes = ", ".join(sorted(known)) or "no parameters"
        raise MappingError(RULE, "has {wrong}: the rule {rule} takes {takes}", wrong=wrong[0], rule=rule, takes=takes)
    for name, values in parameters.items():
        if "" in values or (len(values) > 1 and name not in REPEATED):
            raise MappingError(RULE, "has {name} without a value or more than once", name=name)
    if mark and not query:
        raise MappingError(RULE, "ends with ? and no parameters")
    for group in PARAMETERS[rule]:
        if not parameters.keys() & set(group):
            raise MappingError(RULE, "lacks {name}: the rule {rule} needs it", name=" or ".join(group), rule=rule)
    return rule, parameters


def _number(parameters: Mapping[str, list[str]], name: str) -> str | None:
    """A number as it is written."""
    found = next(iter(parameters.get(name, ())), None)
    if found is not None and not NUMBERS[name].fullmatch(found):
        raise MappingError(RULE, "has {name}, which is no number of that kind", name=name)
    return found


def _expression(resource: Json) -> str:
    """The one expression of all populations."""
    populations = (p for g in items(resource, "group", "Measure.group") for p in g.get("population", []))
    criteria = (p.get("criteria", {}) for p in populations)
    found = {c.get("expression", "") for c in criteria if c.get("language") == RULE_LANGUAGE}
    if not found:
        raise MappingError(RULE, f"names no rule in {RULE_LANGUAGE}")
    if len(found) > 1:
        raise MappingError(RULE, "has another expression in one population than in another")
    return str(found.pop())


def _coded(value_set: type[C], resource: Json, name: str, system: str) -> C:
    found = known_code(value_set, code_of(resource.get(name), system))
    if found is None:
        raise MappingError(f"Measure.{name}", f"is not in {value_set.__name__}")
    return found


def _coding(token: str) -> Coding:
    system, bar, code = token.rpartition("|")
    if not (bar and code):
        raise MappingError(RULE, "has code, which is no system|code")
    return Coding(system, code)
