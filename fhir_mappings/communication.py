"""Communication: a question or an answer about a Goal.

`about` says what it is about; `basedOn` says it again, for R4 has no search parameter for `about`.

Source: https://hl7.org/fhir/R4/communication.html
"""

from fhir_mappings.carrier import Json
from fhir_mappings.codes import GOAL_THREAD, OPERATION
from fhir_mappings.elements import (
    MappingError,
    identifier,
    instant,
    instant_text,
    items,
    reference,
    reference_json,
    references,
    text,
    with_identifier,
    with_patient_supplied,
    without_nothing,
)
from fhir_mappings.model import Message


def message_from_fhir(resource: Json) -> Message:
    """A Communication about a Goal. Attachments of other systems are left unread.

    Raises:
        MappingError: it has no sender, time or subject, or is about nothing.
    """
    sent = instant(resource, "sent", "Communication.sent")
    about = references(resource, "about", "Communication.about") or references(
        resource, "basedOn", "Communication.basedOn"
    )
    if sent is None or not about:
        raise MappingError("Communication.sent" if sent is None else "Communication.about", "is missing")
    payload = (p.get("contentString") for p in items(resource, "payload", "Communication.payload"))
    return Message(
        id=text(resource, "id", "Communication.id"),
        version=resource.get("meta", {}).get("versionId"),
        subject=reference(resource, "subject", "Communication.subject"),
        about=about[0],
        sender=reference(resource, "sender", "Communication.sender"),
        recipients=references(resource, "recipient", "Communication.recipient"),
        text="\n".join(filter(None, payload)),
        sent=sent,
        thread=identifier(resource, GOAL_THREAD) or "",
        in_response_to=next(iter(references(resource, "inResponseTo", "Communication.inResponseTo")), None),
        part_of=next(iter(references(resource, "partOf", "Communication.partOf")), None),
        operation=identifier(resource, OPERATION),
    )


def message_to_fhir(message: Message) -> Json:
    """A new Communication. What was said is never edited."""
    resource = without_nothing(
        {
            "resourceType": "Communication",
            "basedOn": [reference_json(message.about)],
            "partOf": [reference_json(message.part_of)] if message.part_of else [],
            "inResponseTo": [reference_json(message.in_response_to)] if message.in_response_to else [],
            "status": "completed",
            "subject": reference_json(message.subject),
            "about": [reference_json(message.about)],
            "sent": instant_text(message.sent),
            "recipient": [reference_json(r) for r in message.recipients],
            "sender": reference_json(message.sender),
            "payload": [{"contentString": message.text}],
        }
    )
    with_identifier(resource, GOAL_THREAD, message.thread)
    with_identifier(resource, OPERATION, message.operation)
    if not message.sender.startswith("Practitioner/"):
        with_patient_supplied(resource)
    return resource
