"""Measure: one version of what is counted, with the parameters of its rule.

Source: https://hl7.org/fhir/R4/measure.html
"""

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

The parameters are `code` (0..*, `system|code`), `below` (0..1), `met-by` (0..*) and `days` (0..1).
"""
MEASURE_SCORING: Final = "http://terminology.hl7.org/CodeSystem/measure-scoring"
IMPROVEMENT_NOTATION: Final = "http://terminology.hl7.org/CodeSystem/measure-improvement-notation"

C = TypeVar("C", bound=StrEnum)


def measure_from_fhir(resource: Json) -> MeasureDefinition:
    """A Measure whose criteria name a rule of ours.

    Raises:
        MappingError: an element that the measure cannot be computed without is missing or unknown.
    """
    rule, _, query = _expression(resource).partition("?")
    parameters = parse_qs(query, strict_parsing=bool(query))
    return MeasureDefinition(
        id=required(resource, "id", "Measure.id"),
        url=required(resource, "url", "Measure.url"),
        version=required(resource, "version", "Measure.version"),
        title=required(resource, "title", "Measure.title"),
        description=required(resource, "description", "Measure.description"),
        plain=required(resource, "purpose", "Measure.purpose"),
        rule=rule,
        scoring=_coded(Scoring, resource, "scoring", MEASURE_SCORING),
        improvement=_coded(Improvement, resource, "improvementNotation", IMPROVEMENT_NOTATION),
        codes=tuple(map(_coding, parameters.get("code", ()))),
        below=next(map(Decimal, parameters.get("below", ())), None),
        met_by=frozenset(parameters.get("met-by", ())),
        days=next(map(int, parameters.get("days", ())), None),
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


def _expression(resource: Json) -> str:
    populations = (p for g in items(resource, "group", "Measure.group") for p in g.get("population", []))
    criteria = (p.get("criteria", {}) for p in populations)
    found: str | None = next((c.get("expression") for c in criteria if c.get("language") == RULE_LANGUAGE), None)
    if found is None:
        raise MappingError("Measure.group.population.criteria", f"names no rule in {RULE_LANGUAGE}")
    return found


def _coded(value_set: type[C], resource: Json, name: str, system: str) -> C:
    found = known_code(value_set, code_of(resource.get(name), system))
    if found is None:
        raise MappingError(f"Measure.{name}", f"is not in {value_set.__name__}")
    return found


def _coding(token: str) -> Coding:
    system, _, code = token.rpartition("|")
    return Coding(system, code)
