"""CommunicationRequest: a question or a topic that somebody wants to talk about at a visit.

Source: https://hl7.org/fhir/R4/communicationrequest.html
"""

from typing import Any, Final

from fhir_mappings.carrier import Json
from fhir_mappings.codes import AGENDA, OPERATION
from fhir_mappings.elements import (
    DATE,
    MappingError,
    code,
    code_of,
    identifier,
    instant,
    instant_text,
    is_patient_supplied,
    is_restricted,
    items,
    known_code,
    must_be_understood,
    optional_reference,
    put,
    reference,
    reference_json,
    references,
    text,
    with_identifier,
    with_patient_supplied,
    with_restriction,
    without_nothing,
)
from fhir_mappings.model import PartialDate, Reference
from fhir_mappings.person_centered import AgendaItem, AgendaKind, AgendaStatus, Visit

VISITS: Final = frozenset({"Appointment", "Encounter"})


def agenda_item_from_fhir(resource: Json) -> AgendaItem | None:
    """An agenda item; None for a CommunicationRequest that is none of ours.

    Raises:
        MappingError: it has no requester or time, or its status is outside the required value set.
    """
    categories = items(resource, "category", "CommunicationRequest.category")
    kind = next(filter(None, (known_code(AgendaKind, code_of(c, AGENDA)) for c in categories)), None)
    if kind is None:
        return None
    authored = instant(resource, "authoredOn", "CommunicationRequest.authoredOn")
    if authored is None:
        raise MappingError("CommunicationRequest.authoredOn", "is missing")
    payload = (p.get("contentString") for p in items(resource, "payload", "CommunicationRequest.payload"))
    about = references(resource, "about", "CommunicationRequest.about")
    note: Json = (items(resource, "note", "CommunicationRequest.note") or [{}])[-1]
    return AgendaItem(
        id=text(resource, "id", "CommunicationRequest.id"),
        version=resource.get("meta", {}).get("versionId"),
        subject=reference(resource, "subject", "CommunicationRequest.subject"),
        kind=kind,
        text="\n".join(filter(None, payload)),
        requester=reference(resource, "requester", "CommunicationRequest.requester"),
        display=resource["requester"].get("display"),
        authored_on=authored,
        status=code(AgendaStatus, resource, "status", "CommunicationRequest.status"),
        goal=next((r for r in about if r.startswith("Goal/")), None),
        visit=_visit(resource, about),
        outcome=note.get("text"),
        closed_by=optional_reference(note, "authorReference", "CommunicationRequest.note.authorReference"),
        closed_at=instant(note, "time", "CommunicationRequest.note.time"),
        operation=identifier(resource, OPERATION),
        patient_supplied=is_patient_supplied(resource),
        private=is_restricted(resource),
    )


def agenda_item_to_fhir(item: AgendaItem, *, onto: Json | None = None) -> Json:
    """A copy of `onto` with the status, the visit and the outcome; without it a new CommunicationRequest."""
    resource = dict(onto) if onto is not None else _new(item)
    must_be_understood(resource)
    before = None if onto is None else agenda_item_from_fhir(onto)
    if before is None or item.status is not before.status:
        put(resource, "status", str(item.status))
    if before is None or item.visit != before.visit:
        put(resource, "occurrenceDateTime", item.visit.day.text if item.visit.day else None)
        put(resource, "encounter", _visit_json(item, "Encounter"))
        put(resource, "about", _about(resource, item))
    if item.outcome != (before and before.outcome):
        put(resource, "note", [*resource.get("note", []), _outcome(item)])
    return with_restriction(resource, item.private)


def _new(item: AgendaItem) -> Json:
    resource = without_nothing(
        {
            "resourceType": "CommunicationRequest",
            "status": str(item.status),
            "category": [{"coding": [{"system": AGENDA, "code": str(item.kind)}]}],
            "priority": "routine",
            "subject": reference_json(item.subject),
            "payload": [{"contentString": item.text}],
            "authoredOn": instant_text(item.authored_on),
            "requester": reference_json(item.requester, item.display),
        }
    )
    with_identifier(resource, OPERATION, item.operation)
    if item.patient_supplied:
        with_patient_supplied(resource)
    return resource


def _visit(resource: Json, about: tuple[Reference, ...]) -> Visit:
    encounter = optional_reference(resource, "encounter", "CommunicationRequest.encounter")
    appointment = next((r for r in about if r.startswith("Appointment/")), None)
    day = str(resource.get("occurrenceDateTime", "")).partition("T")[0]
    return Visit(encounter or appointment, PartialDate(day) if DATE.fullmatch(day) else None)


def _about(resource: Json, item: AgendaItem) -> list[Json]:
    """What else it is about stays; the appointment is the one of the visit."""
    others = [a for a in resource.get("about", []) if not str(a.get("reference")).startswith("Appointment/")]
    goal = [reference_json(item.goal)] if item.goal and not others else []
    appointment = _visit_json(item, "Appointment")
    return [*goal, *others, *([appointment] if appointment else [])]


def _visit_json(item: AgendaItem, resource_type: str) -> Json | None:
    visit = item.visit.reference
    return reference_json(visit) if visit and visit.startswith(f"{resource_type}/") else None


def _outcome(item: AgendaItem) -> Json:
    note: dict[str, Any] = {
        "authorReference": reference_json(item.closed_by) if item.closed_by else None,
        "time": instant_text(item.closed_at) if item.closed_at else None,
        "text": item.outcome,
    }
    return without_nothing(note)
