"""AuditEvent after the patterns of IHE Basic Audit Log Patterns: who did what to whose data, with which application.

Source: https://profiles.ihe.net/ITI/BALP/content.html
    https://hl7.org/fhir/R4/auditevent.html
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

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
