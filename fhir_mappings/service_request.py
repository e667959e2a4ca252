"""ServiceRequest by US Core 6.1.0: an activity of a plan.

Source: https://hl7.org/fhir/R4/servicerequest.html
    https://hl7.org/fhir/us/core/STU6.1/StructureDefinition-us-core-servicerequest.html
"""

from fhir_mappings.activities import Activity
from fhir_mappings.annotations import notes_from_fhir, write_notes
from fhir_mappings.carrier import Json
from fhir_mappings.codes import (
    ACTIVITY,
    OPERATION,
    PERTAINS_TO_GOAL,
    US_CORE_SERVICE_REQUEST,
    CarePlanStatus,
    RequestIntent,
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
    must_be_understood,
    optional_reference,
    put,
    reference,
    reference_json,
    references,
    text,
    with_identifier,
    with_patient_supplied,
    without_nothing,
)
from fhir_mappings.model import PartialDate, Reference
from fhir_mappings.timing import schedule_from_fhir, timing_json


def activity_from_fhir(resource: Json) -> Activity:
    """The elements of a ServiceRequest that CoPlan reads.

    Raises:
        MappingError: subject, status or intent is missing or outside its required value set.
    """
    authored = instant(resource, "authoredOn", "ServiceRequest.authoredOn")
    timing = resource.get("occurrenceTiming")
    schedule = schedule_from_fhir(timing, otherwise_from=authored.date() if authored else None) if timing else None
    return Activity(
        id=text(resource, "id", "ServiceRequest.id"),
        version=resource.get("meta", {}).get("versionId"),
        subject=reference(resource, "subject", "ServiceRequest.subject"),
        what=concept(resource.get("code") or {}),
        status=code(CarePlanStatus, resource, "status", "ServiceRequest.status"),
        intent=code(RequestIntent, resource, "intent", "ServiceRequest.intent"),
        schedule=schedule,
        due=_due(resource),
        unread_timing=timing is not None and schedule is None,
        requester=optional_reference(resource, "requester", "ServiceRequest.requester"),
        performers=references(resource, "performer", "ServiceRequest.performer"),
        goals=_goals(resource),
        authored_on=authored,
        instruction=text(resource, "patientInstruction", "ServiceRequest.patientInstruction"),
        notes=notes_from_fhir(resource, "ServiceRequest.note"),
        based_on=references(resource, "basedOn", "ServiceRequest.basedOn"),
        replaces=references(resource, "replaces", "ServiceRequest.replaces"),
        thread=identifier(resource, ACTIVITY),
        operation=identifier(resource, OPERATION),
        patient_supplied=is_patient_supplied(resource),
    )


def activity_to_fhir(activity: Activity, *, onto: Json | None = None) -> Json:
    """A copy of `onto` with the status, what it replaces and notes that were added; without it a new ServiceRequest.

    What was agreed (words, schedule, performers) is never rewritten.

    Raises:
        MappingError: `onto` has a modifierExtension.
    """
    resource = dict(onto) if onto is not None else _new(activity)
    must_be_understood(resource)
    before = activity_from_fhir(resource)
    if activity.status is not before.status:
        put(resource, "status", str(activity.status))
    if activity.replaces != before.replaces:
        put(resource, "replaces", [reference_json(r) for r in activity.replaces])
    if activity.thread != before.thread:
        with_identifier(resource, ACTIVITY, activity.thread)
    write_notes(resource, before.notes, activity.notes)
    return resource


def _new(activity: Activity) -> Json:
    goals = [{"url": PERTAINS_TO_GOAL, "valueReference": reference_json(g)} for g in activity.goals]
    resource = without_nothing(
        {
            "resourceType": "ServiceRequest",
            "meta": {"profile": [US_CORE_SERVICE_REQUEST]},
            "extension": goals,
            "basedOn": [reference_json(r) for r in activity.based_on],
            "status": str(activity.status),
            "intent": str(activity.intent),
            "code": concept_json(activity.what),
            "subject": reference_json(activity.subject),
            "occurrenceTiming": timing_json(activity.schedule) if activity.schedule else None,
            "occurrenceDateTime": activity.due.text if activity.due else None,
            "authoredOn": instant_text(activity.authored_on) if activity.authored_on else None,
            "requester": reference_json(activity.requester) if activity.requester else None,
            "performer": [reference_json(p) for p in activity.performers],
            "patientInstruction": activity.instruction,
        }
    )
    with_identifier(resource, ACTIVITY, activity.thread)
    with_identifier(resource, OPERATION, activity.operation)
    if activity.patient_supplied:
        with_patient_supplied(resource)
    return resource


def _due(resource: Json) -> PartialDate | None:
    due = text(resource, "occurrenceDateTime", "ServiceRequest.occurrenceDateTime")
    return PartialDate(due.partition("T")[0]) if due else None


def _goals(resource: Json) -> tuple[Reference, ...]:
    found = (e.get("valueReference", {}).get("reference") for e in extensions(resource, PERTAINS_TO_GOAL))
    return tuple(g for g in found if g)
