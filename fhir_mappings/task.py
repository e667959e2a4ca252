"""Task: asks somebody to answer about a Goal.

Source: https://hl7.org/fhir/R4/task.html
"""

from typing import Final

from fhir_mappings.carrier import Json
from fhir_mappings.codes import (
    BUSINESS_STATUS,
    GOAL_ACHIEVEMENT,
    GOAL_THREAD,
    OPERATION,
    TASK_CODE,
    AchievementStatus,
    BusinessStatus,
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
    without_nothing,
)
from fhir_mappings.model import Reference, Task
from fhir_mappings.wording import phrase

PROPOSED_OUTCOME: Final = "Proposed outcome"
ASKS: Final = {
    TaskCode.APPROVE: phrase("A goal was offered. Please say if you agree, or offer something else."),
    TaskCode.FULFILL: phrase("Someone thinks a goal is done. Please say if you think so too, or why it should go on."),
    TaskCode.ABORT: phrase("Someone wants to stop a goal. Please say if that is fine, or why it should go on."),
}
ASK_TO_DO: Final = phrase("Something to do was offered. Please say if you agree. If not, say why.")
"""Where what it is about is not to be seen; else `question_in_words` says all of it."""


def task_from_fhir(resource: Json) -> Task:
    """The elements of a Task about a Goal that CoPlan reads.

    Raises:
        MappingError: focus, requester or the patient is missing, or a code is unknown.
    """
    kind = known_code(TaskCode, code_of(resource.get("code"), TASK_CODE))
    authored = instant(resource, "authoredOn", "Task.authoredOn")
    if kind is None or authored is None:
        raise MappingError("Task.code" if kind is None else "Task.authoredOn", "is missing or unknown")
    reason, status = resource.get("statusReason") or {}, resource.get("businessStatus")
    group = {"identifier": [resource["groupIdentifier"]]} if "groupIdentifier" in resource else {}
    return Task(
        id=text(resource, "id", "Task.id"),
        version=resource.get("meta", {}).get("versionId"),
        code=kind,
        status=code(TaskStatus, resource, "status", "Task.status"),
        subject=reference(resource, "for", "Task.for"),
        focus=reference(resource, "focus", "Task.focus"),
        requester=reference(resource, "requester", "Task.requester"),
        owner=optional_reference(resource, "owner", "Task.owner"),
        authored_on=authored,
        last_modified=instant(resource, "lastModified", "Task.lastModified") or authored,
        thread=identifier(group, GOAL_THREAD),
        operation=identifier(resource, OPERATION),
        part_of=references(resource, "partOf", "Task.partOf"),
        based_on=references(resource, "basedOn", "Task.basedOn"),
        business_status=known_code(BusinessStatus, code_of(status, BUSINESS_STATUS)),
        status_reason=text(reason, "text", "Task.statusReason.text"),
        proposed_outcome=_proposed_outcome(resource),
        output=_output(resource),
    )


def asks_about(resource: Json) -> Reference | None:
    """What the Task wants an answer about; None for a Task of another kind, such as another system's worklist has."""
    if code_of(resource.get("code"), TASK_CODE) not in set(ASKS) or not {"requester", "authoredOn"} <= resource.keys():
        return None
    return optional_reference(resource, "focus", "Task.focus")


def task_to_fhir(task: Task, *, onto: Json | None = None) -> Json:
    """A copy of `onto` with the status, its reason, the output and the time of the change; without it a new Task."""
    resource = dict(onto) if onto is not None else _new(task)
    must_be_understood(resource)
    before = task_from_fhir(resource)
    if task.status is not before.status:
        put(resource, "status", str(task.status))
    if task.status_reason != before.status_reason:
        put(resource, "statusReason", {"text": task.status_reason} if task.status_reason else None)
    if task.business_status is not before.business_status:
        put(resource, "businessStatus", _business_status(task.business_status))
    if task.output != before.output:
        added = (o for o in task.output if o not in before.output)
        outputs = [
            {"type": {"text": f"{o.partition('/')[0]} as answered"}, "valueReference": reference_json(o)} for o in added
        ]
        put(resource, "output", [*resource.get("output", []), *outputs])
    if task.last_modified != before.last_modified:
        put(resource, "lastModified", instant_text(task.last_modified))
    return resource


def _new(task: Task) -> Json:
    resource = without_nothing(
        {
            "resourceType": "Task",
            "groupIdentifier": {"system": GOAL_THREAD, "value": task.thread} if task.thread else None,
            "basedOn": [reference_json(r) for r in task.based_on],
            "partOf": [reference_json(r) for r in task.part_of],
            "status": str(task.status),
            "intent": "order",
            "priority": "routine",
            "code": {"coding": [{"system": TASK_CODE, "code": str(task.code)}]},
            "description": task.description or ASKS.get(task.code),
            "focus": reference_json(task.focus),
            "for": reference_json(task.subject),
            "authoredOn": instant_text(task.authored_on),
            "lastModified": instant_text(task.last_modified),
            "requester": reference_json(task.requester),
            "owner": reference_json(task.owner) if task.owner else None,
            "input": _input(task.proposed_outcome),
        }
    )
    with_identifier(resource, OPERATION, task.operation)
    return resource


def _business_status(status: BusinessStatus | None) -> Json | None:
    if status is None:
        return None
    return {"coding": [{"system": BUSINESS_STATUS, "code": str(status)}], "text": status.replace("-", " ")}


def _input(outcome: AchievementStatus | None) -> list[Json]:
    if outcome is None:
        return []
    coded = {"coding": [{"system": GOAL_ACHIEVEMENT, "code": str(outcome)}]}
    return [{"type": {"text": PROPOSED_OUTCOME}, "valueCodeableConcept": coded}]


def _proposed_outcome(resource: Json) -> AchievementStatus | None:
    values = (i.get("valueCodeableConcept") for i in items(resource, "input", "Task.input"))
    codes = (known_code(AchievementStatus, code_of(v, GOAL_ACHIEVEMENT)) for v in values if v)
    return next(codes, None)


def _output(resource: Json) -> tuple[Reference, ...]:
    values = (o.get("valueReference", {}).get("reference") for o in items(resource, "output", "Task.output"))
    return tuple(v for v in values if v)
