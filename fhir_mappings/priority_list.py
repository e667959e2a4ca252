"""List by PCO 1.0.0: what comes first, in order.

Source: https://hl7.org/fhir/us/pco/STU1/StructureDefinition-pco-personal-priorities-organizer.html
    https://hl7.org/fhir/R4/list.html
"""

from fhir_mappings.carrier import Json
from fhir_mappings.codes import LIST_ORDER, OPERATION, PCO_PROFILES, PRIORITY_LIST
from fhir_mappings.elements import (
    MappingError,
    concept_json,
    identifier,
    instant,
    instant_text,
    is_patient_supplied,
    is_restricted,
    items,
    must_be_understood,
    optional_reference,
    put,
    reference,
    reference_json,
    text,
    with_identifier,
    with_patient_supplied,
    with_restriction,
)
from fhir_mappings.model import Reference
from fhir_mappings.pco import PRIORITIES
from fhir_mappings.person_centered import PriorityList

PROFILE = f"{PCO_PROFILES}pco-personal-priorities-organizer"


def priority_list_from_fhir(resource: Json) -> PriorityList:
    """A List of priorities; without a source it is the subject's own. Entries that were taken off are left out.

    Raises:
        MappingError: it has no subject or date.
    """
    date = instant(resource, "date", "List.date")
    if date is None:
        raise MappingError("List.date", "is missing")
    subject = reference(resource, "subject", "List.subject")
    entries = (e for e in items(resource, "entry", "List.entry") if not e.get("deleted"))
    found = (optional_reference(e, "item", "List.entry.item") for e in entries)
    return PriorityList(
        id=text(resource, "id", "List.id"),
        version=resource.get("meta", {}).get("versionId"),
        subject=subject,
        source=optional_reference(resource, "source", "List.source") or _family(resource) or subject,
        items=tuple(filter(None, found)),
        date=date,
        note=next((n.get("text") for n in items(resource, "note", "List.note")), None),
        key=identifier(resource, PRIORITY_LIST),
        current=resource.get("status") == "current",
        operation=identifier(resource, OPERATION),
        patient_supplied=is_patient_supplied(resource),
        private=is_restricted(resource),
    )


def priority_list_to_fhir(priorities: PriorityList, *, onto: Json | None = None) -> Json:
    """A copy of `onto` with this order; without `onto` a new List. What is said of an entry that stays, stays."""
    resource = dict(onto) if onto is not None else _new(priorities)
    must_be_understood(resource)
    before = None if onto is None else priority_list_from_fhir(onto)
    if before is None or priorities.items != before.items:
        present = {e.get("item", {}).get("reference"): e for e in items(resource, "entry", "List.entry")}
        put(resource, "entry", [present.get(r) or {"item": reference_json(r)} for r in priorities.items])
        put(resource, "emptyReason", None if priorities.items else _coded("list-empty-reason", "notstarted"))
    if before is None or priorities.current is not before.current:
        put(resource, "status", "current" if priorities.current else "retired")
    if before is None or priorities.date != before.date:
        put(resource, "date", instant_text(priorities.date))
    return with_restriction(resource, priorities.private)


def _new(priorities: PriorityList) -> Json:
    resource: Json = {
        "resourceType": "List",
        "meta": {"profile": [PROFILE]},
        "status": "current",
        "mode": "working",
        "code": concept_json(PRIORITIES.concept("81340-2")),
        "subject": reference_json(priorities.subject),
        "orderedBy": {"coding": [{"system": LIST_ORDER, "code": "priority"}]},
    }
    if priorities.source.startswith("RelatedPerson/"):
        author = {"authorReference": reference_json(priorities.source), "time": instant_text(priorities.date)}
        resource["note"] = [{**author, "text": priorities.note or "-"}]
    else:
        resource["source"] = reference_json(priorities.source)
    with_identifier(resource, PRIORITY_LIST, priorities.key)
    with_identifier(resource, OPERATION, priorities.operation)
    if priorities.patient_supplied:
        with_patient_supplied(resource)
    return resource


def _family(resource: Json) -> Reference | None:
    notes = items(resource, "note", "List.note")
    authors = (optional_reference(n, "authorReference", "List.note.authorReference") for n in notes)
    return next((a for a in authors if a and a.startswith("RelatedPerson/")), None)


def _coded(system: str, code: str) -> Json:
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": code}]}
