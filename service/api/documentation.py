"""What openapi.yaml says beside the routes: answers, their examples, and the errors of each kind of route."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from fhir_mappings.carrier import Json
from service.api import activity_views, adherence_views, examples, smaller_views, template_views
from service.api.cds_models import CDS_ANSWERS
from service.api.decision_views import DECISION_ANSWERS
from service.api.me_views import FrontDoor, Me, ProtectedResource
from service.api.problems import FHIR_JSON, PROBLEM_JSON, PROBLEMS
from service.api.progress_views import PROGRESS_ANSWERS
from service.api.story_views import ANSWERS
from service.api.tracking_views import TRACKING_ANSWERS
from service.api.views import ProblemDetails, View

READ_ERRORS: Final = (401, 403, 404, 406, 502, 503, 504)
WRITE_ERRORS: Final = (400, *READ_ERRORS, 409, 413, 415, 422)
ACT_ERRORS: Final = (*WRITE_ERRORS, 412, 428)
ERROR: Final = "error"
CHALLENGES: Final = {
    401: "`Bearer`, with `resource_metadata`: where tokens come from (RFC 9728); `error` where one was sent",
    403: 'Where a scope is missing: `error="insufficient_scope"` and the least `scope` that would do',
}
SCHEMAS: Final = "#/components/schemas/"
OPERATION_OUTCOME: Final = {
    "type": "object",
    "description": "An OperationOutcome of FHIR R4.",
    "externalDocs": {"url": "https://hl7.org/fhir/R4/operationoutcome.html"},
}
RESOURCE: Final = {
    "type": "object",
    "description": "A resource of FHIR R4, or a Bundle of them, as the FHIR server has it.",
    "externalDocs": {"url": "https://hl7.org/fhir/R4/resourcelist.html"},
}
DESCRIPTION: Final = """
Patients, families and care teams **co-author** goals on any FHIR R4 server: somebody offers a goal, the others accept,
counter or decline it with a reason, and what is agreed is linked from the CarePlan that every EHR can read.

* **Who acts** is said by the token alone (`fhirUser`). Somebody else's data and absent data are the same `404`.
* **What a token is good for** is told by `GET /v1/me`: scopes as understood, patients, operations, a proxy's rights.
* **Acts on a goal** name the version that they are about: send the `ETag` that you read as `If-Match`.
* **Every POST** has an `Idempotency-Key`: send the same request again as often as you like, it happens once.
* **Errors** are problem details (RFC 9457), or an OperationOutcome for `Accept: application/fhir+json`.
"""
TAGS: Final = [
    {"name": "goals", "description": "A goal from the first offer to its end."},
    {"name": "progress", "description": "Measurements for a goal, and what they say of it."},
    {"name": "tracking", "description": "What patients, families and devices measure, and what can be."},
    {"name": "attainment", "description": "How far a goal is as each side sees it, what matters, what comes first."},
    {"name": "family", "description": "Who sees a goal, and what to talk about at a visit."},
    {"name": "plans", "description": "The plan that links the goals, and all of it in one call."},
    {"name": "activities", "description": "What is to be done: today, this week, and how it went."},
    {"name": "templates", "description": "Programmes that patients and clinicians design together."},
    {"name": "preferences", "description": "What the person wants, and what is planned against it."},
    {"name": "decision support", "description": "CDS Hooks 2.0: cards in the EHR, before the order is signed."},
    {"name": "definitions", "description": "Code systems, value sets and measures that CoPlan publishes."},
    {"name": "networks", "description": "What many centres see together: counts and shares, nobody in particular."},
    {"name": "caller", "description": "Who the token speaks for."},
    {"name": "health", "description": "For those who run the service."},
]


def answers(
    view: type[View], example: object, *, status: int = 200, fhir: bool = True, errors: Iterable[int] = READ_ERRORS
) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route: its answer and its errors."""
    content: dict[str, Any] = {
        "application/json": {"schema": {"$ref": f"{SCHEMAS}{view.__name__}"}, "example": example},
        **({FHIR_JSON: {"schema": RESOURCE}} if fhir else {}),
    }
    headers = {"X-Request-Id": _header("Names the request in the log")}
    if fhir:
        headers["ETag"] = _header("The version, for If-Match")
    if status == 201:
        headers["Location"] = _header("Where it can be read")
    answer = {"description": "As it stands now", "content": content, "headers": headers}
    return {status: answer, **{e: {"description": ERROR} for e in sorted(set(errors))}}


def body(example: object) -> dict[str, Any]:
    """`openapi_extra` of a route: the example of its body."""
    return {"requestBody": {"content": {"application/json": {"example": example}}}}


def openapi(app: FastAPI) -> Json:
    """The description of the API, written once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title="CoPlan",
            version=app.version,
            summary=app.summary,
            description=DESCRIPTION.strip(),
            routes=app.routes,
            tags=TAGS,
            license_info={"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            servers=[{"url": "/", "description": "This server"}],
        )
        described = (
            *ANSWERS,
            *PROGRESS_ANSWERS,
            *TRACKING_ANSWERS,
            Me,
            ProtectedResource,
            FrontDoor,
            *activity_views.ANSWERS,
            *adherence_views.ANSWERS,
            *smaller_views.ANSWERS,
            *template_views.ANSWERS,
            *DECISION_ANSWERS,
            *CDS_ANSWERS,
        )
        _, schemas = msgspec.json.schema_components(described, ref_template=f"{SCHEMAS}{{name}}")
        present = document["components"]["schemas"]
        for unused in ("HTTPValidationError", "ValidationError"):
            present.pop(unused, None)
        document["components"]["schemas"] = dict(sorted({**present, **_with_numbers(schemas)}.items()))
        document["components"]["responses"] = {f"Error{status}": _error(status) for status in sorted(set(ACT_ERRORS))}
        for operation in (o for path in document["paths"].values() for o in path.values()):
            _refined(operation)
        app.openapi_schema = document
    return app.openapi_schema


def _with_numbers(schema: Any) -> Any:
    """Decimals are numbers on the wire; msgspec's own schema says that they are strings."""
    match schema:
        case {"type": "string", "format": "decimal"}:
            return {**schema, "type": "number"}
        case dict():
            return {name: _with_numbers(inner) for name, inner in schema.items()}
        case list():
            return [_with_numbers(inner) for inner in schema]
        case _:
            return schema


def _refined(operation: Json) -> None:
    """Errors are written once and referred to; headers that are refused when absent are said to be required."""
    responses = operation["responses"]
    if responses.get("422", {}).get("description") == "Validation Error":
        del responses["422"]  # FastAPI's own, which this service never answers
    for status in responses:
        if responses[status].get("description") == ERROR:
            responses[status] = {"$ref": f"#/components/responses/Error{status}"}
    for parameter in operation.get("parameters", []):
        if parameter["name"] == "Idempotency-Key" or (parameter["name"] == "If-Match" and "428" in responses):
            parameter |= {"required": True, "schema": {"type": "string"}, "example": parameter["schema"]["examples"][0]}


def _header(description: str) -> Json:
    return {"description": description, "schema": {"type": "string"}}


def _error(status: int) -> Json:
    problems = {p.name: p for p in PROBLEMS.values() if p.status == status}
    shown = {
        name: {"value": {**examples.PROBLEM, "type": f"urn:coplan:problem:{name}", "title": p.title, "status": status}}
        for name, p in problems.items()
    }
    for example in shown.values():
        if status != 412:
            del example["value"]["currentVersion"], example["value"]["detail"]
    schema = {"$ref": f"{SCHEMAS}{ProblemDetails.__name__}"}
    challenge = {"headers": {"WWW-Authenticate": _header(CHALLENGES[status])}} if status in CHALLENGES else {}
    return {
        "description": " or ".join(p.title for p in problems.values()),
        **challenge,
        "content": {
            PROBLEM_JSON: {"schema": schema, "examples": shown},
            FHIR_JSON: {"schema": OPERATION_OUTCOME},
        },
    }
