"""Observation for a goal: one measurement or answer.

Source: https://hl7.org/fhir/R4/observation.html
    https://hl7.org/fhir/R4/extension-resource-pertainstogoal.html
"""

from typing import Final

from fhir_mappings.carrier import Json
from fhir_mappings.codes import (
    CLIENT_ITEM,
    FINGERPRINT,
    OBSERVATION_CATEGORY,
    OPERATION,
    PERTAINS_TO_GOAL,
    US_CORE_SIMPLE_OBSERVATION,
    ObservationCategory,
    ObservationStatus,
)
from fhir_mappings.elements import (
    code,
    concept,
    concept_json,
    extensions,
    identifier,
    instant,
    instant_text,
    is_patient_supplied,
    items,
    known_code,
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
    without_nothing,
)
from fhir_mappings.model import Component, Concept, Observation, ObservedValue, Quantity, Reference

SIMPLE: Final = frozenset(
    {ObservationCategory.SURVEY, ObservationCategory.SOCIAL_HISTORY, ObservationCategory.ACTIVITY}
)
"""Categories that US Core simple observation is meant for; vital signs and laboratory have profiles of their own."""


def observation_from_fhir(resource: Json) -> Observation:
    """The elements of an Observation that CoPlan reads; values of other types than its own are left unread."""
    notes = (n.get("text") for n in items(resource, "note", "Observation.note"))
    return Observation(
        id=text(resource, "id", "Observation.id"),
        version=resource.get("meta", {}).get("versionId"),
        subject=reference(resource, "subject", "Observation.subject"),
        status=code(ObservationStatus, resource, "status", "Observation.status"),
        code=concept(required(resource, "code", "Observation.code")),
        value=_value(resource),
        effective=instant(resource, "effectiveDateTime", "Observation.effectiveDateTime")
        or instant(resource, "effectiveInstant", "Observation.effectiveInstant"),
        category=_category(resource),
        performers=references(resource, "performer", "Observation.performer"),
        goals=_goals(resource),
        note=next(filter(None, notes), None),
        operation=identifier(resource, OPERATION),
        patient_supplied=is_patient_supplied(resource),
        components=tuple(map(_component, items(resource, "component", "Observation.component"))),
        profile=_profile(resource),
        client_item=identifier(resource, CLIENT_ITEM),
        fingerprint=identifier(resource, FINGERPRINT),
    )


def observation_to_fhir(observation: Observation, *, onto: Json | None = None) -> Json:
    """A new Observation, or a copy of `onto` with another status, value, time or note, which are what is corrected.

    Raises:
        MappingError: `onto` has a modifierExtension, whose meaning CoPlan cannot keep.
    """
    if onto is None:
        return _new(observation)
    resource, before = dict(onto), observation_from_fhir(onto)
    must_be_understood(resource)
    put(resource, "status", str(observation.status))
    if observation.effective != before.effective:
        put(resource, "effectiveInstant", None)
        put(resource, "effectiveDateTime", instant_text(observation.effective) if observation.effective else None)
    if observation.value != before.value:
        for name in [n for n in resource if n.startswith("value")]:
            put(resource, name, None)
        resource |= _value_json(observation.value)
    if observation.components != before.components:
        put(resource, "component", [_component_json(c) for c in observation.components])
    if observation.note != before.note and observation.note:
        put(resource, "note", [*resource.get("note", []), {"text": observation.note}])
    return resource


def _new(observation: Observation) -> Json:
    """`focus` makes it searchable by goal; the extension says what the link means."""
    category = observation.category
    profile = observation.profile or (US_CORE_SIMPLE_OBSERVATION if category in SIMPLE else None)
    coded = {"coding": [{"system": OBSERVATION_CATEGORY, "code": str(category)}]} if category else None
    resource = without_nothing(
        {
            "resourceType": "Observation",
            "meta": {"profile": [profile]} if profile else None,
            "extension": [{"url": PERTAINS_TO_GOAL, "valueReference": reference_json(g)} for g in observation.goals],
            "status": str(observation.status),
            "category": [coded] if coded else [],
            "code": concept_json(observation.code),
            "subject": reference_json(observation.subject),
            "focus": [reference_json(g) for g in observation.goals],
            "effectiveDateTime": instant_text(observation.effective) if observation.effective else None,
            "performer": [reference_json(p) for p in observation.performers],
            "note": [{"text": observation.note}] if observation.note else [],
            "component": [_component_json(c) for c in observation.components],
        }
    )
    resource |= _value_json(observation.value)
    with_identifier(resource, CLIENT_ITEM, observation.client_item)
    with_identifier(resource, FINGERPRINT, observation.fingerprint)
    with_identifier(resource, OPERATION, observation.operation)
    if observation.patient_supplied:
        with_patient_supplied(resource)
    return resource


def _goals(resource: Json) -> tuple[Reference, ...]:
    focus = (r for r in references(resource, "focus", "Observation.focus") if r.startswith("Goal/"))
    pertains = (e.get("valueReference", {}).get("reference") for e in extensions(resource, PERTAINS_TO_GOAL))
    return tuple(dict.fromkeys((*focus, *(p for p in pertains if p))))


def _category(resource: Json) -> ObservationCategory | None:
    codings = (c for k in items(resource, "category", "Observation.category") for c in concept(k).codings)
    known = (known_code(ObservationCategory, c.code) for c in codings if c.system == OBSERVATION_CATEGORY)
    return next(filter(None, known), None)


def _profile(resource: Json) -> str | None:
    """None for the one that follows from the category."""
    claimed = resource.get("meta", {}).get("profile", [])
    return next((p for p in claimed if p != US_CORE_SIMPLE_OBSERVATION), None)


def _component(component: Json) -> Component:
    return Component(concept(required(component, "code", "Observation.component.code")), _value(component))


def _component_json(component: Component) -> Json:
    return {"code": concept_json(component.code), **_value_json(component.value)}


def _value(resource: Json) -> ObservedValue | None:
    if "valueQuantity" in resource:
        return quantity(resource["valueQuantity"], "Observation.valueQuantity")
    if "valueCodeableConcept" in resource:
        return concept(resource["valueCodeableConcept"])
    plain = (resource.get(f"value{name}") for name in ("String", "Boolean", "Integer"))
    return next((v for v in plain if isinstance(v, str | bool | int)), None)


def _value_json(value: ObservedValue | None) -> Json:
    match value:
        case None:
            return {}
        case Quantity():
            return {"valueQuantity": quantity_json(value)}
        case Concept():
            return {"valueCodeableConcept": concept_json(value)}
        case bool():
            return {"valueBoolean": value}
        case int():
            return {"valueInteger": value}
        case _:
            return {"valueString": value}
