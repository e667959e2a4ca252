"""Task as a report: what became of one occurrence of an activity.

Source: https://hl7.org/fhir/R4/task.html
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

from fhir_mappings.activities import Report
from fhir_mappings.annotations import notes_from_fhir, write_notes
from fhir_mappings.carrier import Json
from fhir_mappings.codes import (
    ACTIVITY_OUTCOME,
    OCCURRENCE,
    OPERATION,
    TASK_CODE,
    ReportOutcome,
    TaskCode,
    TaskStatus,
)
from fhir_mappings.elements import (
    MappingError,
    code,
    code_of,
    identifier,
    instant,
    instant_text,
    is_patient_supplied,
    known_code,
    must_be_understood,
    optional_reference,
    put,
    reference,
    reference_json,
    text,
    with_identifier,
    with_patient_supplied,
    without_nothing,
)
from fhir_mappings.wording import phrase

STATUS_OF: Final[Mapping[ReportOutcome | None, TaskStatus]] = {
    ReportOutcome.DONE: TaskStatus.COMPLETED,
    ReportOutcome.PARTLY: TaskStatus.COMPLETED,
    ReportOutcome.SKIPPED: TaskStatus.CANCELLED,
    ReportOutcome.TOO_HARD: TaskStatus.FAILED,
    None: TaskStatus.ENTERED_IN_ERROR,
}
"""What a reader of `Task.status` alone is told; see docs/adr/0041."""
WORDS: Final = {
    ReportOutcome.DONE: phrase("Done"),
    ReportOutcome.PARTLY: phrase("Partly done"),
    ReportOutcome.SKIPPED: phrase("Skipped"),
    ReportOutcome.TOO_HARD: phrase("Too hard"),
}
_WITH_REASON: Final = frozenset({TaskStatus.CANCELLED, TaskStatus.FAILED})


def is_report(resource: Json) -> bool:
    """True for a Task that reports an occurrence."""
    return resource.get("resourceType") == "Task" and identifier(resource, OCCURRENCE) is not None


def report_from_fhir(resource: Json) -> Report:
    """A report.

    Raises:
        MappingError: it names no occurrence, or lacks what R4 or the workflow pattern needs.
    """
    key = identifier(resource, OCCURRENCE)
    authored = instant(resource, "authoredOn", "Task.authoredOn")
    if key is None or authored is None:
        raise MappingError("Task.identifier" if key is None else "Task.authoredOn", "is missing")
    due = resource.get("restriction", {}).get("period", {})
    outcome = known_code(ReportOutcome, code_of(resource.get("businessStatus"), ACTIVITY_OUTCOME))
    status = code(TaskStatus, resource, "status", "Task.status")
    return Report(
        id=text(resource, "id", "Task.id"),
        version=resource.get("meta", {}).get("versionId"),
        subject=reference(resource, "for", "Task.for"),
        activity=reference(resource, "focus", "Task.focus"),
        occurrence=key.partition(":")[2],
        status=status,
        outcome=None if status is TaskStatus.ENTERED_IN_ERROR else outcome,
        requester=reference(resource, "requester", "Task.requester"),
        owner=optional_reference(resource, "owner", "Task.owner"),
        authored_on=authored,
        last_modified=instant(resource, "lastModified", "Task.lastModified") or authored,
        first=_day(due, "start"),
        last=_day(due, "end"),
        done_at=instant(resource.get("executionPeriod") or {}, "end", "Task.executionPeriod.end"),
        notes=notes_from_fhir(resource, "Task.note"),
        operation=identifier(resource, OPERATION),
        patient_supplied=is_patient_supplied(resource),
    )


def report_to_fhir(report: Report, *, onto: Json | None = None) -> Json:
    """A copy of `onto` with the corrected outcome and the notes that were added; without it a new Task.

    Raises:
        MappingError: `onto` has a modifierExtension.
    """
    resource = dict(onto) if onto is not None else _new(report)
    must_be_understood(resource)
    before = report_from_fhir(resource)
    if report.outcome is not before.outcome:
        put(resource, "status", str(report.status))
        put(resource, "businessStatus", _business_status(report.outcome))
        put(resource, "statusReason", _status_reason(report))
    if report.last_modified != before.last_modified:
        put(resource, "lastModified", instant_text(report.last_modified))
    write_notes(resource, before.notes, report.notes)
    return resource


def _new(report: Report) -> Json:
    due = {"start": report.first and report.first.isoformat(), "end": report.last and report.last.isoformat()}
    done = instant_text(report.done_at) if report.done_at else None
    period = without_nothing(due)
    resource = without_nothing(
        {
            "resourceType": "Task",
            "basedOn": [reference_json(report.activity)],
            "status": str(report.status),
            "statusReason": _status_reason(report),
            "businessStatus": _business_status(report.outcome),
            "intent": "order",
            "code": {"coding": [{"system": TASK_CODE, "code": str(TaskCode.FULFILL)}]},
            "description": "What became of one occurrence of an activity",
            "focus": reference_json(report.activity),
            "for": reference_json(report.subject),
            "executionPeriod": {"start": done, "end": done} if done else None,
            "authoredOn": instant_text(report.authored_on),
            "lastModified": instant_text(report.last_modified),
            "requester": reference_json(report.requester),
            "owner": reference_json(report.owner) if report.owner else None,
            "restriction": {"period": period} if period else None,
        }
    )
    with_identifier(resource, OCCURRENCE, f"{report.activity.rpartition('/')[2]}:{report.occurrence}")
    with_identifier(resource, OPERATION, report.operation)
    if report.patient_supplied:
        with_patient_supplied(resource)
    write_notes(resource, (), report.notes)
    return resource


def _business_status(outcome: ReportOutcome | None) -> Json | None:
    if outcome is None:
        return None
    return {"coding": [{"system": ACTIVITY_OUTCOME, "code": str(outcome)}], "text": WORDS[outcome]}


def _status_reason(report: Report) -> Json | None:
    """R4 wants a reason for what was not completed; the person's own words are in the note."""
    return {"text": WORDS[report.outcome]} if report.outcome and report.status in _WITH_REASON else None


def _day(period: Json, name: str) -> date | None:
    given = text(period, name, f"Task.restriction.period.{name}")
    return date.fromisoformat(given[:10]) if given else None
