"""AuditEvent for what a clinician did with a card: accepted or overridden it, and why (docs/adr/0062).

Source: https://cds-hooks.hl7.org/2.0/#feedback
    https://hl7.org/fhir/R4/auditevent.html
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fhir_mappings.audit_event import AUDIT_EVENT_TYPE, DICOM, THING
from fhir_mappings.carrier import Json
from fhir_mappings.codes import ACT, OPERATION, Act
from fhir_mappings.elements import MappingError, instant, instant_text, items, required, with_tag
from fhir_mappings.model import Coding

CARD: Final = "urn:coplan:card"
"""Identifier system of cards."""


@dataclass(frozen=True, slots=True)
class CardFeedback:
    """One entry. `commented`: there was a comment, which is not kept."""

    service: str
    card: str
    outcome: str
    at: datetime
    client: str
    reason: Coding | None = None
    commented: bool = False


def feedback_to_fhir(feedback: CardFeedback, *, recorded: datetime, operation: str) -> Json:
    """A new AuditEvent about the card. `operation` is the same for the same entry."""
    reason = feedback.reason
    details = {
        "service": feedback.service,
        "outcome": feedback.outcome,
        "reason": f"{reason.system or ''}|{reason.code or ''}" if reason else None,
        "commented": "true" if feedback.commented else None,
    }
    resource: Json = {
        "resourceType": "AuditEvent",
        "type": {"system": AUDIT_EVENT_TYPE, "code": "rest", "display": "RESTful Operation"},
        "subtype": [{"system": ACT, "code": str(Act.CARD_FEEDBACK)}],
        "action": "E",
        "period": {"start": instant_text(feedback.at)},
        "recorded": instant_text(recorded),
        "outcome": "0",
        "agent": [
            {
                "type": {"coding": [{"system": DICOM, "code": "110153", "display": "Source Role ID"}]},
                "who": {"identifier": {"value": feedback.client}},
                "requestor": True,
            }
        ],
        "source": {"observer": {"display": "CoPlan"}},
        "entity": [
            {
                "what": {"identifier": {"system": CARD, "value": feedback.card}},
                "type": THING,
                "detail": [{"type": name, "valueString": value} for name, value in details.items() if value],
            }
        ],
    }
    with_tag(resource, OPERATION, operation)
    return resource


def feedback_from_fhir(resource: Json) -> CardFeedback:
    """What was kept of an entry.

    Raises:
        MappingError: it is no AuditEvent about a card.
    """
    entities = items(resource, "entity", "AuditEvent.entity")
    at = instant(resource.get("period") or {}, "start", "AuditEvent.period.start")
    if at is None or not entities:
        raise MappingError("AuditEvent.entity" if not entities else "AuditEvent.period.start", "is missing")
    details = {d["type"]: d.get("valueString") for d in items(entities[0], "detail", "AuditEvent.entity.detail")}
    system, _, code = (details.get("reason") or "").rpartition("|")
    agent = next(iter(items(resource, "agent", "AuditEvent.agent")), {})
    return CardFeedback(
        service=required(details, "service", "AuditEvent.entity.detail"),
        card=entities[0].get("what", {}).get("identifier", {}).get("value", ""),
        outcome=required(details, "outcome", "AuditEvent.entity.detail"),
        at=at,
        client=agent.get("who", {}).get("identifier", {}).get("value", ""),
        reason=Coding(system or None, code) if code else None,
        commented=details.get("commented") == "true",
    )
