"""Validates what is about to be written, and nothing else: the only module that knows fhir.resources.

fhir.resources has R4B (4.3.0), not R4 (4.0.1); the resource types that CoPlan writes are the same in both. It checks
element names, types and cardinalities. What it lets through is checked here: codes of required value sets, types of
reference targets, characters that no screen shows, and narrative with active content.

Source: https://hl7.org/fhir/R4/validation.html
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final
from xml.etree import ElementTree

from fhir_mappings.carrier import Json
from fhir_mappings.codes import (
    AcceptanceStatus,
    CarePlanStatus,
    ConsentStatus,
    DayOfWeek,
    EventTiming,
    LifecycleStatus,
    ObservationStatus,
    ParticipantType,
    PeriodUnit,
    QuantityComparator,
    RequestIntent,
    TaskStatus,
    TemplateStatus,
)
from fhir_mappings.elements import MappingError, has_unfit_characters

XHTML: Final = "{http://www.w3.org/1999/xhtml}"
_ACTIVE: Final = re.compile(
    r"<\s*(script|iframe|object|embed|style|link|meta|form|svg)\b|javascript\s*:", re.IGNORECASE
)
_FORBIDDEN_TAGS: Final = frozenset(
    f"{XHTML}{t}" for t in ("script", "iframe", "object", "embed", "style", "link", "meta", "form", "base", "frame")
)

_PEOPLE: Final = frozenset({"Patient", "Practitioner", "PractitionerRole", "RelatedPerson"})
_ACTORS: Final = _PEOPLE | {"Organization", "Device"}
_SUBJECT: Final = frozenset({"Patient", "Group"})
_SENDERS: Final = _ACTORS | {"HealthcareService"}
_REQUEST_INTENT: Final = frozenset({"proposal", "plan", "order", "option"})
_TASK_INTENT: Final = frozenset(
    {
        "unknown",
        "proposal",
        "plan",
        "order",
        "original-order",
        "reflex-order",
        "filler-order",
        "instance-order",
        "option",
    }
)
_PRIORITY: Final = frozenset({"routine", "urgent", "asap", "stat"})
_EVENT_STATUS: Final = frozenset(
    {"preparation", "in-progress", "not-done", "on-hold", "stopped", "completed", "entered-in-error", "unknown"}
)

REQUIRED_BINDINGS: Final[Mapping[str, frozenset[str]]] = {
    "AuditEvent.action": frozenset({"C", "R", "U", "D", "E"}),
    "AuditEvent.outcome": frozenset({"0", "4", "8", "12"}),
    "CarePlan.intent": _REQUEST_INTENT,
    "CarePlan.status": frozenset(CarePlanStatus),
    "CarePlan.text.status": frozenset({"generated", "extensions", "additional", "empty"}),
    "Communication.priority": _PRIORITY,
    "Communication.status": _EVENT_STATUS,
    "Consent.provision.data.meaning": frozenset({"instance", "related", "dependents", "authoredby"}),
    "Consent.provision.type": frozenset({"deny", "permit"}),
    "Consent.status": frozenset(ConsentStatus),
    "CommunicationRequest.priority": _PRIORITY,
    "CommunicationRequest.status": frozenset(CarePlanStatus),
    "Goal.extension.extension.valueCode": frozenset(AcceptanceStatus),
    "Goal.lifecycleStatus": frozenset(LifecycleStatus),
    "Goal.target.detailQuantity.comparator": frozenset(QuantityComparator),
    "Goal.text.status": frozenset({"generated", "extensions", "additional", "empty"}),
    "Observation.component.valueQuantity.comparator": frozenset(QuantityComparator),
    "List.mode": frozenset({"working", "snapshot", "changes"}),
    "List.status": frozenset({"current", "retired", "entered-in-error"}),
    "Observation.status": frozenset(ObservationStatus),
    "Observation.valueQuantity.comparator": frozenset(QuantityComparator),
    "PlanDefinition.action.participant.type": frozenset(ParticipantType),
    "PlanDefinition.action.timingTiming.repeat.dayOfWeek": frozenset(DayOfWeek),
    "PlanDefinition.action.timingTiming.repeat.periodUnit": frozenset(PeriodUnit) | {"s", "min", "h", "a"},
    "PlanDefinition.action.timingTiming.repeat.when": frozenset(EventTiming),
    "PlanDefinition.goal.target.detailQuantity.comparator": frozenset(QuantityComparator),
    "PlanDefinition.status": frozenset(TemplateStatus),
    "Provenance.entity.role": frozenset({"derivation", "revision", "quotation", "source", "removal"}),
    "ServiceRequest.intent": frozenset(RequestIntent),
    "ServiceRequest.occurrenceTiming.repeat.dayOfWeek": frozenset(DayOfWeek),
    "ServiceRequest.occurrenceTiming.repeat.periodUnit": frozenset(PeriodUnit) | {"s", "min", "h", "a"},
    "ServiceRequest.occurrenceTiming.repeat.when": frozenset(EventTiming),
    "ServiceRequest.status": frozenset(CarePlanStatus),
    "Task.intent": _TASK_INTENT,
    "Task.priority": _PRIORITY,
    "Task.status": frozenset(TaskStatus),
}
"""Codes of required value sets, by path. `valueCode` two extensions deep is the status of goal-acceptance."""

REFERENCE_TARGETS: Final[Mapping[str, frozenset[str]]] = {
    "CarePlan.addresses": frozenset({"Condition"}),
    "CarePlan.careTeam": frozenset({"CareTeam"}),
    "CarePlan.contributor": _ACTORS | {"CareTeam"},
    "CarePlan.goal": frozenset({"Goal"}),
    "CarePlan.subject": _SUBJECT,
    "Communication.inResponseTo": frozenset({"Communication"}),
    "Communication.recipient": _SENDERS | {"CareTeam", "Group"},
    "Communication.sender": _SENDERS,
    "Communication.subject": _SUBJECT,
    "Consent.patient": frozenset({"Patient"}),
    "Consent.performer": _PEOPLE | {"Organization"},
    "CommunicationRequest.encounter": frozenset({"Encounter"}),
    "CommunicationRequest.requester": _ACTORS,
    "CommunicationRequest.subject": _SUBJECT,
    "Goal.addresses": frozenset(
        {"Condition", "Observation", "MedicationStatement", "NutritionOrder", "ServiceRequest", "RiskAssessment"}
    ),
    "Goal.expressedBy": _PEOPLE,
    "Goal.note.authorReference": _PEOPLE | {"Organization"},
    "Goal.outcomeReference": frozenset({"Observation"}),
    "Goal.subject": _SUBJECT | {"Organization"},
    "List.encounter": frozenset({"Encounter"}),
    "List.source": frozenset({"Practitioner", "PractitionerRole", "Patient", "Device"}),
    "List.subject": _SUBJECT | {"Device", "Location"},
    "Observation.hasMember": frozenset({"Observation", "QuestionnaireResponse", "MolecularSequence"}),
    "Observation.performer": _PEOPLE | {"Organization", "CareTeam"},
    "Observation.subject": _SUBJECT | {"Device", "Location"},
    "Provenance.agent.onBehalfOf": frozenset({"Organization"}),  # narrowed by US Core
    "Provenance.agent.who": _ACTORS,
    "ServiceRequest.basedOn": frozenset({"CarePlan", "ServiceRequest", "MedicationRequest"}),
    "ServiceRequest.performer": _SENDERS | {"CareTeam"},
    "ServiceRequest.replaces": frozenset({"ServiceRequest"}),
    "ServiceRequest.requester": _ACTORS,
    "ServiceRequest.subject": _SUBJECT | {"Location", "Device"},
    "Task.owner": _SENDERS | {"CareTeam"},
    "Task.partOf": frozenset({"Task"}),
    "Task.requester": _ACTORS,
}


class InvalidResource(ValueError):
    """What R4 does not allow, element by element; never a value."""

    def __init__(self, flaws: tuple[MappingError, ...]) -> None:
        super().__init__("; ".join(str(flaw) for flaw in flaws))
        self.flaws = flaws


def check(resource: Json) -> Json:
    """The resource itself, once it is known to be one that may be written.

    Raises:
        InvalidResource: names every element that is wrong.
    """
    flaws = (*_shape(resource), *_content(resource, str(resource.get("resourceType"))))
    if flaws:
        raise InvalidResource(flaws)
    return resource


def _shape(resource: Json) -> Iterator[MappingError]:
    """Names, types and cardinalities. The values that pydantic would quote stay out of the message."""
    resource_type = str(resource.get("resourceType"))
    from pydantic import ValidationError  # with fhir.resources, 0.2 s that reads need not wait for

    model = _model(resource_type)
    if model is None:
        yield MappingError("resourceType", "is no resource type of R4")
        return
    try:
        model.model_validate(resource)
    except ValidationError as exc:
        for error in exc.errors(include_url=False, include_context=False, include_input=False):
            yield MappingError(_expression(resource_type, error["loc"]), _without_values(error["msg"]))


@cache
def _model(resource_type: str) -> Any:
    from fhir.resources.R4B import get_fhir_model_class  # see `_shape`

    try:
        return get_fhir_model_class(resource_type)
    except ValueError:
        return None


def _content(value: Any, path: str) -> Iterator[MappingError]:
    """`path` is a FHIRPath without positions, for all items of a list follow the same rule."""
    match value:
        case dict():
            yield from _reference(value, path)
            for name, inner in value.items():
                yield from _content(inner, f"{path}.{name}")
        case list():
            for inner in value:
                yield from _content(inner, path)
        case str():
            yield from _string(value, path)


def _reference(element: Json, path: str) -> Iterator[MappingError]:
    literal = element.get("reference")
    allowed = REFERENCE_TARGETS.get(path)
    if allowed is None or not isinstance(literal, str) or literal.startswith(("#", "urn:")):
        return
    target = literal.partition("/_history/")[0].split("/")[-2:][0]
    if target not in allowed:
        yield MappingError(path, f"may refer to {', '.join(sorted(allowed))} only")


def _string(value: str, path: str) -> Iterator[MappingError]:
    codes = REQUIRED_BINDINGS.get(path)
    if codes is not None and value not in codes:
        yield MappingError(path, "is not in the required value set")
    if has_unfit_characters(value):
        yield MappingError(path, "has a character that cannot be shown (control, direction or surrogate)")
    elif path.endswith(".text.div"):
        yield from _narrative(value, path)
    elif _ACTIVE.search(value):
        yield MappingError(path, "has active content")


def _narrative(div: str, path: str) -> Iterator[MappingError]:
    """Source: https://hl7.org/fhir/R4/narrative.html#xhtml"""
    if "<!" in div or "<?" in div:
        yield MappingError(path, "has declarations or instructions")
        return
    try:
        root = ElementTree.fromstring(div)
    except ElementTree.ParseError:
        yield MappingError(path, "is not well-formed XHTML")
        return
    if root.tag != f"{XHTML}div":
        yield MappingError(path, "is no div of XHTML")
    if any(e.tag in _FORBIDDEN_TAGS or any(map(_is_active, e.attrib.items())) for e in root.iter()):
        yield MappingError(path, "has active content")


def _is_active(attribute: tuple[str, str]) -> bool:
    name, value = attribute
    return name.lower().startswith("on") or "javascript:" in value.lower().replace(" ", "")


def _expression(resource_type: str, location: tuple[int | str, ...]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return resource_type + "".join(steps)


def _without_values(message: str) -> str:
    return message.removeprefix("Value error, ").partition(", got ")[0]
