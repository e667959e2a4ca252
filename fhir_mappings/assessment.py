"""Observation by PCO 1.0.0: what matters, barriers, readiness, scores of attainment and of PROMs.

Source: https://hl7.org/fhir/us/pco/STU1/StructureDefinition-pco-gas-score-observation.html
    https://hl7.org/fhir/us/core/STU6.1/StructureDefinition-us-core-observation-screening-assessment.html
"""

from collections.abc import Mapping
from typing import Final

from fhir_mappings.carrier import Json
from fhir_mappings.codes import (
    OBSERVATION_CATEGORY,
    OPERATION,
    PCO_PROFILES,
    PERTAINS_TO_GOAL,
    ObservationCategory,
    ObservationStatus,
)
from fhir_mappings.elements import (
    code,
    concept,
    concept_json,
    concepts,
    identifier,
    instant,
    instant_text,
    is_patient_supplied,
    is_restricted,
    items,
    must_be_understood,
    put,
    quantity,
    quantity_json,
    reference,
    reference_json,
    references,
    required,
    text,
    with_identifier,
    with_patient_supplied,
    with_restriction,
    without_nothing,
)
from fhir_mappings.model import Concept, Quantity
from fhir_mappings.pco import CATEGORIES, kind_of
from fhir_mappings.person_centered import AssessedValue, Assessment, AssessmentKind

PROFILES: Final[Mapping[AssessmentKind, str]] = {
    AssessmentKind.WHAT_MATTERS: f"{PCO_PROFILES}pco-what-matters-assessment",
    AssessmentKind.BARRIER: f"{PCO_PROFILES}pco-goal-barrier",
    AssessmentKind.READINESS: f"{PCO_PROFILES}pco-readiness-assessment",
    AssessmentKind.ATTAINMENT: f"{PCO_PROFILES}pco-gas-score-observation",
    AssessmentKind.PROM: f"{PCO_PROFILES}pco-prom-score-observation",
}


def assessment_from_fhir(resource: Json) -> Assessment | None:
    """An Observation as what it assesses; None for one that is a measurement or something else.

    Raises:
        MappingError: it has no subject or status, or the status is outside the required value set.
    """
    coded = concept(required(resource, "code", "Observation.code"))
    kind = kind_of(coded, concepts(resource, "category", "Observation.category"))
    if kind is None:
        return None
    focus = references(resource, "focus", "Observation.focus")
    notes = (n.get("text") for n in items(resource, "note", "Observation.note"))
    return Assessment(
        kind=kind,
        id=text(resource, "id", "Observation.id"),
        version=resource.get("meta", {}).get("versionId"),
        subject=reference(resource, "subject", "Observation.subject"),
        status=code(ObservationStatus, resource, "status", "Observation.status"),
        code=coded,
        value=_value(resource),
        effective=instant(resource, "effectiveDateTime", "Observation.effectiveDateTime"),
        performer=next(iter(references(resource, "performer", "Observation.performer")), None),
        goal=next((r for r in focus if r.startswith("Goal/")), None),
        members=references(resource, "hasMember", "Observation.hasMember"),
        note=next(filter(None, notes), None),
        operation=identifier(resource, OPERATION),
        patient_supplied=is_patient_supplied(resource),
        private=is_restricted(resource),
    )


def is_said(resource: Json) -> bool:
    """True for what somebody says of a goal (what matters, a barrier, their score); a PROM's points are measured."""
    assessment = assessment_from_fhir(resource)
    return assessment is not None and assessment.kind is not AssessmentKind.PROM


def assessment_to_fhir(assessment: Assessment, *, onto: Json | None = None) -> Json:
    """A new Observation; onto one that is there only its status changes, for what was said is never edited."""
    if onto is None:
        return _new(assessment)
    must_be_understood(onto)
    resource = dict(onto)
    put(resource, "status", str(assessment.status))
    return resource


def _new(assessment: Assessment) -> Json:
    goal = reference_json(assessment.goal) if assessment.goal else None
    resource = without_nothing(
        {
            "resourceType": "Observation",
            "meta": {"profile": [PROFILES[assessment.kind]]},
            "extension": [{"url": PERTAINS_TO_GOAL, "valueReference": goal}] if goal else [],
            "status": str(assessment.status),
            "category": _categories(assessment.kind),
            "code": concept_json(assessment.code),
            "subject": reference_json(assessment.subject),
            "focus": [goal] if goal else [],
            "effectiveDateTime": instant_text(assessment.effective) if assessment.effective else None,
            "performer": [reference_json(assessment.performer)] if assessment.performer else [],
            "hasMember": [reference_json(m) for m in assessment.members],
            "note": [{"text": assessment.note}] if assessment.note else [],
        }
    )
    resource |= _value_json(assessment.value)
    with_identifier(resource, OPERATION, assessment.operation)
    if assessment.patient_supplied:
        with_patient_supplied(resource)
    return with_restriction(resource, assessment.private)


def _categories(kind: AssessmentKind) -> list[Json]:
    survey: Json = {"coding": [{"system": OBSERVATION_CATEGORY, "code": str(ObservationCategory.SURVEY)}]}
    if kind is AssessmentKind.WHAT_MATTERS:
        return [survey, concept_json(CATEGORIES.concept("what-matters"))]
    return [survey]


def _value(resource: Json) -> AssessedValue | None:
    if "valueQuantity" in resource:
        return quantity(resource["valueQuantity"], "Observation.valueQuantity")
    if "valueCodeableConcept" in resource:
        return concept(resource["valueCodeableConcept"])
    return text(resource, "valueString", "Observation.valueString")


def _value_json(value: AssessedValue | None) -> Json:
    match value:
        case None:
            return {}
        case Quantity():
            return {"valueQuantity": quantity_json(value)}
        case Concept():
            return {"valueCodeableConcept": concept_json(value)}
        case _:
            return {"valueString": value}
