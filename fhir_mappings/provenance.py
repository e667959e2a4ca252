"""Provenance by US Core 6.1.0: who did which act on which text, when and why.

Source: https://hl7.org/fhir/us/core/STU6.1/StructureDefinition-us-core-provenance.html
"""

from typing import Final

from fhir_mappings.carrier import Json
from fhir_mappings.codes import (
    ACT,
    DATA_OPERATION,
    FINGERPRINT,
    OPERATION,
    PROVENANCE_PARTICIPANT,
    US_CORE_PROVENANCE,
    Act,
)
from fhir_mappings.elements import (
    MappingError,
    code_of,
    instant,
    instant_text,
    items,
    known_code,
    optional_reference,
    reference,
    reference_json,
    references,
    tag,
    text,
    with_patient_supplied,
    with_tag,
    without_nothing,
)
from fhir_mappings.model import Stamp

CREATING: Final = frozenset(
    {
        Act.PROPOSE,
        Act.COUNTER_PROPOSE,
        Act.MESSAGE,
        Act.RECORD_PROGRESS,
        Act.RECORD_OBSERVATIONS,
        Act.OPEN_CARE_PLAN,
        Act.PLAN_ACTIVITY,
        Act.REPORT_ACTIVITY,
        Act.DRAFT_TEMPLATE,
        Act.APPLY_TEMPLATE,
        Act.RECORD_SCORE,
        Act.ADD_BARRIER,
        Act.RECORD_READINESS,
        Act.SAY_WHAT_MATTERS,
        Act.ADD_AGENDA_ITEM,
        Act.STATE_PREFERENCE,
    }
)
"""Acts whose target is new; all others update theirs."""


def stamp_from_fhir(resource: Json) -> Stamp:
    """A Provenance, ours or another system's; `act` is None for an activity that is none of ours.

    Raises:
        MappingError: it has no target, agent or time.
    """
    recorded = instant(resource, "recorded", "Provenance.recorded")
    agents = items(resource, "agent", "Provenance.agent")
    targets = references(resource, "target", "Provenance.target")
    if recorded is None or not agents or not targets:
        raise MappingError("Provenance", "lacks a target, an agent or the time of recording")
    reasons = (r.get("text") for r in items(resource, "reason", "Provenance.reason"))
    entities = items(resource, "entity", "Provenance.entity")
    revised = (optional_reference(e, "what", "Provenance.entity.what") for e in entities if e.get("role") == "revision")
    return Stamp(
        id=text(resource, "id", "Provenance.id"),
        targets=targets,
        recorded=recorded,
        who=reference(agents[0], "who", "Provenance.agent.who"),
        act=known_code(Act, code_of(resource.get("activity"), ACT)),
        on_behalf_of=optional_reference(agents[0], "onBehalfOf", "Provenance.agent.onBehalfOf"),
        reason=next(filter(None, reasons), None),
        revision_of=tuple(r for r in revised if r),
        display=agents[0]["who"].get("display"),
        operation=tag(resource, OPERATION),
        fingerprint=tag(resource, FINGERPRINT),
    )


def stamp_to_fhir(stamp: Stamp) -> Json:
    """A new Provenance. It is never edited."""
    resource = without_nothing(
        {
            "resourceType": "Provenance",
            "meta": {"profile": [US_CORE_PROVENANCE]},
            "target": [reference_json(t) for t in stamp.targets],
            "recorded": instant_text(stamp.recorded),
            "activity": _activity(stamp.act),
            "reason": [{"text": stamp.reason}] if stamp.reason else [],
            "agent": [_author(stamp)],
            "entity": [{"role": "revision", "what": reference_json(r)} for r in stamp.revision_of],
        }
    )
    with_tag(resource, OPERATION, stamp.operation)
    with_tag(resource, FINGERPRINT, stamp.fingerprint)
    if not stamp.who.startswith("Practitioner/"):
        with_patient_supplied(resource)
    return resource


def _activity(act: Act | None) -> Json | None:
    if act is None:
        return None
    operation = "CREATE" if act in CREATING else "UPDATE"
    codings = [{"system": DATA_OPERATION, "code": operation}, {"system": ACT, "code": str(act)}]
    return {"coding": codings, "text": act.replace("-", " ")}


def _author(stamp: Stamp) -> Json:
    kind = {"coding": [{"system": PROVENANCE_PARTICIPANT, "code": "author", "display": "Author"}]}
    behalf = {"onBehalfOf": reference_json(stamp.on_behalf_of)} if stamp.on_behalf_of else {}
    return {"type": kind, "who": reference_json(stamp.who, stamp.display), **behalf}
