"""The one table that says what a caller is told when it goes wrong.

Problem details (RFC 9457), or an OperationOutcome for who accepts `application/fhir+json`. Neither ever
quotes what was sent or stored; both name the request id under which the log has more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from fhir_mappings.carrier import Json, MalformedJson, encode
from fhir_mappings.elements import MappingError
from fhir_mappings.operation_outcome import Issue, operation_outcome
from fhir_mappings.wording import ENGLISH
from service import errors
from service.api.challenge import challenge
from service.api.flaws import flaw_of
from service.api.languages import accepted_language
from service.errors import Flaw
from service.logs import log

PROBLEM_JSON: Final = "application/problem+json"
FHIR_JSON: Final = "application/fhir+json"
HOOKS: Final = "/cds-services"
"""CDS Hooks wants an OperationOutcome whatever was accepted."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is said of one kind of error. `detail` None: the error's own message.

    `code` is of https://hl7.org/fhir/R4/valueset-issue-type.html
    """

    status: int
    name: str
    code: str
    title: str
    detail: str | None = None


UPSTREAM_DETAIL: Final = "The FHIR server behind this service did not do its part. Nothing is known to be changed."

PROBLEMS: Final[Mapping[type[Exception], Problem]] = {
    errors.NotAuthenticated: Problem(401, "not-authenticated", "login", "Not authenticated", "Send a valid token."),
    errors.NotPermitted: Problem(403, "not-permitted", "forbidden", "Not permitted"),
    errors.ScopeMissing: Problem(403, "scope-missing", "forbidden", "The token has no scope for this"),
    errors.ResourceNotFound: Problem(404, "not-found", "not-found", "Not found", "There is no such resource for you."),
    errors.ResourceGone: Problem(410, "gone", "deleted", "Gone", "The resource was deleted on the FHIR server."),
    errors.TransitionNotAllowed: Problem(409, "transition-not-allowed", "business-rule", "Does not follow"),
    errors.VersionConflict: Problem(412, "version-conflict", "conflict", "Changed since you read it"),
    errors.PreconditionMissing: Problem(428, "if-match-missing", "required", "If-Match is missing"),
    errors.PreconditionMalformed: Problem(400, "if-match-malformed", "structure", "If-Match is malformed"),
    errors.IdempotencyKeyMissing: Problem(400, "idempotency-key-missing", "required", "Idempotency-Key is missing"),
    errors.IdempotencyKeyMalformed: Problem(
        400, "idempotency-key-malformed", "structure", "Idempotency-Key is malformed"
    ),
    errors.IdempotencyKeyReused: Problem(422, "idempotency-key-reused", "duplicate", "Idempotency-Key came before"),
    errors.InvalidContent: Problem(422, "invalid-content", "invalid", "Invalid content", "See the errors."),
    errors.FactsMissing: Problem(412, "facts-missing", "incomplete", "Not enough to go by"),
    errors.MalformedContent: Problem(400, "malformed-content", "structure", "Malformed content"),
    errors.ContentTooLarge: Problem(413, "content-too-large", "too-long", "Content too large"),
    errors.MediaTypeNotSupported: Problem(415, "media-type-not-supported", "not-supported", "Media type not supported"),
    errors.NotAcceptable: Problem(406, "not-acceptable", "not-supported", "Not acceptable"),
    errors.IssuerUnavailable: Problem(503, "issuer-unavailable", "transient", "Token issuer unavailable"),
    errors.UpstreamUnavailable: Problem(503, "fhir-server-unavailable", "transient", "FHIR server unavailable"),
    errors.UpstreamTimeout: Problem(504, "fhir-server-timeout", "timeout", "FHIR server too slow"),
    errors.UpstreamInvalid: Problem(502, "fhir-server-invalid", "exception", "FHIR server error", UPSTREAM_DETAIL),
    errors.UpstreamRefused: Problem(502, "fhir-server-refused", "exception", "FHIR server refused", UPSTREAM_DETAIL),
    errors.AuditTrailFull: Problem(
        503, "audit-trail-full", "throttled", "Cannot be recorded now", "What cannot be recorded is not answered."
    ),
    errors.HostNotServed: Problem(421, "host-not-served", "not-supported", "Host not served"),
    errors.MethodNotServed: Problem(405, "method-not-served", "not-supported", "Method not allowed"),
    errors.BodyTooSlow: Problem(408, "body-too-slow", "timeout", "Body too slow"),
    errors.UnknownParameter: Problem(400, "unknown-parameter", "not-supported", "Unknown parameter"),
    errors.Overloaded: Problem(503, "overloaded", "throttled", "Overloaded"),
    errors.TooManyRequests: Problem(429, "too-many-requests", "throttled", "Too many requests"),
    MappingError: Problem(502, "fhir-resource-unreadable", "exception", "A resource that cannot be read"),
    MalformedJson: Problem(400, "malformed-content", "structure", "Malformed content"),
}
"""Error of the inside: what the outside is told."""

FIXED_HEADERS: Final[Mapping[type[Exception], Mapping[str, str]]] = {
    errors.AuditTrailFull: {"Retry-After": "5"},
    errors.BodyTooSlow: {"Connection": "close"},
    errors.IssuerUnavailable: {"Retry-After": "5"},
    errors.MethodNotServed: {"Allow": "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"},
    errors.Overloaded: {"Retry-After": "1"},
}
MAX_FLAWS: Final = 50
"""A body can be wrong in every one of its members; nobody reads all of that."""

UNKNOWN: Final = Problem(500, "internal-error", "exception", "Internal error", "The request id helps to find it.")


def problem_response(request: Request, exc: Exception) -> Response:
    """The answer to an error, in the form that the caller accepts."""
    problem, flaws = _problem(exc)
    request_id = request.scope.get("request_id", "")
    language = accepted_language(request.headers.get("accept-language", "")) or ENGLISH
    said = tuple((f, f.said(language)) for f in flaws)
    if FHIR_JSON in request.headers.get("accept", "") or request.url.path.startswith(HOOKS):
        body, media_type = _outcome(problem, said, exc, request_id), FHIR_JSON
    else:
        body, media_type = _details(problem, said, exc, request_id), PROBLEM_JSON
    if problem is UNKNOWN:
        log.error("internal_error", error=type(exc).__name__, where=_where(exc))
    return Response(encode(body), problem.status, _headers(exc) | challenge(request, exc), media_type)


def _problem(exc: Exception) -> tuple[Problem, tuple[Flaw, ...]]:
    if isinstance(exc, RequestValidationError):
        return _of_request(exc)
    if isinstance(exc, HTTPException):
        return Problem(exc.status_code, "http", _code(exc.status_code), exc.detail, exc.detail), ()
    flaws = exc.flaws if isinstance(exc, errors.InvalidContent) else ()
    return next((PROBLEMS[c] for c in type(exc).__mro__ if c in PROBLEMS), UNKNOWN), flaws


def _of_request(exc: RequestValidationError) -> tuple[Problem, tuple[Flaw, ...]]:
    """A path that names no possible id is an absent resource; all else is named element by element."""
    found = exc.errors()
    if any(error["loc"][0] == "path" for error in found):
        return PROBLEMS[errors.ResourceNotFound], ()
    flaws = tuple(flaw_of(e, e["loc"]) for e in found[:MAX_FLAWS])
    return PROBLEMS[errors.InvalidContent], flaws


def _details(problem: Problem, said: tuple[tuple[Flaw, str], ...], exc: Exception, request_id: str) -> Json:
    current = {"currentVersion": exc.current} if isinstance(exc, errors.VersionConflict) and exc.current else {}
    named = {"errors": [{"path": f.expression, "code": f.code, "message": text} for f, text in said]} if said else {}
    return {
        "type": f"urn:coplan:problem:{problem.name}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail or str(exc) or problem.title,
        **current,
        **named,
        "requestId": request_id,
    }


def _outcome(problem: Problem, said: tuple[tuple[Flaw, str], ...], exc: Exception, request_id: str) -> Json:
    issues = [Issue(f.code, f"{f.expression} {text}", f.expression) for f, text in said]
    return operation_outcome(issues or [Issue(problem.code, problem.detail or str(exc) or problem.title)], request_id)


def _headers(exc: Exception) -> dict[str, str]:
    if isinstance(exc, errors.VersionConflict) and exc.current:
        return {"ETag": f'W/"{exc.current}"'}
    if type(exc) in FIXED_HEADERS:
        return dict(FIXED_HEADERS[type(exc)])
    if isinstance(exc, errors.TooManyRequests):
        return {"Retry-After": str(max(1, ceil(exc.retry_after.total_seconds())))}
    if isinstance(exc, errors.UpstreamUnavailable):
        pause = exc.retry_after.total_seconds() if exc.retry_after else 1
        return {"Retry-After": str(max(1, ceil(pause)))}
    return dict(exc.headers or {}) if isinstance(exc, HTTPException) else {}


def _code(status: int) -> str:
    return {404: "not-found", 405: "not-supported"}.get(status, "processing")


def _where(exc: Exception) -> str:
    """File, line and function of the last step; never a value."""
    frame = exc.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    return f"{frame.tb_frame.f_code.co_qualname}:{frame.tb_lineno}" if frame else ""
