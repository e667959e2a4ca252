"""AuditEvent after the patterns of IHE Basic Audit Log Patterns: who did what to whose data, with which application.

Source: https://profiles.ihe.net/ITI/BALP/content.html
    https://hl7.org/fhir/R4/auditevent.html
"""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from fhir_mappings.audited import Access, Interaction
from fhir_mappings.carrier import Json
from fhir_mappings.codes import ACT, OPERATION, Act
from fhir_mappings.elements import instant_text, reference_json, with_tag, without_nothing
from fhir_mappings.model import Reference
from fhir_mappings.provenance import CREATING

AUDIT_EVENT_TYPE: Final = "http://terminology.hl7.org/CodeSystem/audit-event-type"
INTERACTION: Final = "http://hl7.org/fhir/restful-interaction"
DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
ROLE_TYPE: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
ENTITY_TYPE: Final = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
ENTITY_ROLE: Final = "http://terminology.hl7.org/CodeSystem/object-role"
BALP_ENTITY: Final = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
PERSON: Final = {"system": ENTITY_TYPE, "code": "1", "display": "Person"}
THING: Final = {"system": ENTITY_TYPE, "code": "2", "display": "System Object"}
PATIENT_ROLE: Final = {"system": ENTITY_ROLE, "code": "1", "display": "Patient"}
QUERY_ROLE: Final = {"system": ENTITY_ROLE, "code": "24", "display": "Query"}
AUDITED_REQUEST: Final = "urn:coplan:audited-request"
"""System of the tag by which an event that was sent before is found."""
DATA_ROLE: Final = {"system": ENTITY_ROLE, "code": "4", "display": "Domain Resource"}


def audit_event_to_fhir(
    *,
    act: Act,
    actor: Reference,
    client_id: str,
    patient: Reference | None,
    written: Sequence[Reference],
    recorded: datetime,
    request_id: str,
    operation: str | None,
    observer: Reference | None,
) -> Json:
    """The AuditEvent of one act, for the transaction that carries it out.

    `patient` is None for an act that is about no single one; `observer` is the organization that runs CoPlan.
    """
    resource = without_nothing(
        {
            "resourceType": "AuditEvent",
            "type": {"system": AUDIT_EVENT_TYPE, "code": "rest", "display": "RESTful Operation"},
            "subtype": [{"system": INTERACTION, "code": "transaction"}, {"system": ACT, "code": str(act)}],
            "action": "C" if act in CREATING else "U",
            "recorded": instant_text(recorded),
            "outcome": "0",
            "agent": [_user(actor), _application(client_id)],
            "source": {"observer": reference_json(observer) if observer else {"display": "CoPlan"}},
            "entity": [*map(_patient, [patient] if patient else []), *map(_data, written), _request(request_id)],
        }
    )
    with_tag(resource, OPERATION, operation)
    return resource


def access_event_to_fhir(access: Access) -> Json:
    """The AuditEvent of a request that wrote nothing.

    Source: https://profiles.ihe.net/ITI/BALP/StructureDefinition-IHE.BasicAudit.PatientRead.html
        https://profiles.ihe.net/ITI/BALP/StructureDefinition-IHE.BasicAudit.PatientQuery.html
    """
    resource = without_nothing(
        {
            "resourceType": "AuditEvent",
            "type": {"system": AUDIT_EVENT_TYPE, "code": "rest", "display": "RESTful Operation"},
            "subtype": [{"system": INTERACTION, "code": str(access.interaction)}],
            "action": "R" if access.interaction is Interaction.READ else "E",
            "recorded": instant_text(access.recorded),
            "outcome": str(access.outcome),
            "outcomeDesc": f"HTTP {access.status}",
            "agent": [_requestor(access), *map(_application, [access.client_id] if access.client_id else [])],
            "source": {"observer": reference_json(access.observer) if access.observer else {"display": "CoPlan"}},
            "entity": [
                *map(_patient, [access.patient] if access.patient else []),
                *map(_data, access.data),
                _query(access.query),
                _request(access.request_id),
            ],
        }
    )
    with_tag(resource, AUDITED_REQUEST, access.id)
    return resource


def sent_before(event: Json) -> str:
    """The search without `?` that finds this event of `access_event_to_fhir`, if an earlier attempt has left it."""
    return f"_tag={AUDITED_REQUEST}|{event['meta']['tag'][0]['code']}"


def without_references(event: Json) -> Json:
    """A copy that names everything by identifier, for a server that does not have what a reference names."""
    copied: Json = _without_references(event)
    return copied


def _without_references(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_references(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "reference" in value:
        return {"identifier": {"value": value["reference"]}}
    return {name: _without_references(inner) for name, inner in value.items()}


def _requestor(access: Access) -> Json:
    """Who asked; where nobody was identified, from where."""
    if access.who:
        return _user(access.who)
    network = {"network": {"address": access.network, "type": "2"}} if access.network else {}
    return {"who": {"display": "not identified"}, "requestor": True, **network}


def _query(query: str) -> Json:
    return {"type": THING, "role": QUERY_ROLE, "query": b64encode(query.encode()).decode()}


def _user(actor: Reference) -> Json:
    kind = {"coding": [{"system": ROLE_TYPE, "code": "IRCP", "display": "information recipient"}]}
    return {"type": kind, "who": reference_json(actor), "requestor": True}


def _application(client_id: str) -> Json:
    kind = {"coding": [{"system": DICOM, "code": "110153", "display": "Source Role ID"}]}
    return {"type": kind, "who": {"identifier": {"value": client_id}}, "requestor": False}


def _patient(patient: Reference) -> Json:
    return {"what": reference_json(patient), "type": PERSON, "role": PATIENT_ROLE}


def _data(reference: Reference) -> Json:
    return {"what": reference_json(reference), "type": THING, "role": DATA_ROLE}


def _request(request_id: str) -> Json:
    return {"what": {"identifier": {"value": request_id}}, "type": {"system": BALP_ENTITY, "code": "XrequestId"}}
