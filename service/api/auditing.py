"""Each read of a patient's data, and each refusal, is recorded before it is answered. Pure ASGI, for speed."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fhir_mappings.audit_event import access_event_to_fhir
from fhir_mappings.audited import Access, AuditOutcome, Interaction
from fhir_mappings.elements import ID
from fhir_mappings.model import Reference
from service.api.problems import problem_response
from service.domain.actors import Claims
from service.errors import AuditTrailFull
from service.witnessed_fhir import Notes

if TYPE_CHECKING:
    from service.api.dependencies import Services

MAX_RESOURCES: Final = 20
"""So many of the resources that were read stand in one event; of a list, the query says which they were."""
MAX_PATIENTS: Final = 200
MAX_QUERY: Final = 500


@dataclass(slots=True)
class Accessed:
    """What is known of a request: whose token it had, what was met on its behalf, what was given to the caller."""

    claims: Claims | None = None
    met: Notes = field(default_factory=Notes)
    given: Notes = field(default_factory=Notes)


class Auditing:
    """Records what a request has accessed once its status is known."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["accessed"] = Accessed()
        withheld = False

        async def send_once_recorded(message: Message) -> None:
            nonlocal withheld
            if message["type"] == "http.response.start":
                try:
                    _record(scope, message["status"])
                except AuditTrailFull as exc:
                    withheld = True
                    await problem_response(Request(scope), exc)(scope, receive, send)
            if not withheld:
                await send(message)

        await self._app(scope, receive, send_once_recorded)


def _record(scope: Scope, status: int) -> None:
    services: Services = scope["app"].state.services
    if services.audit is None or scope.get("route") is None:
        return
    for access in _accesses(scope, scope["accessed"], status, services):
        services.audit.record(access_event_to_fhir(access), of_nobody=access.who is None)


def _accesses(scope: Scope, accessed: Accessed, status: int, services: "Services") -> Iterator[Access]:
    """One for each patient whose data were given; one for a refusal; none for what no patient's data is about."""
    if status == 401 or (accessed.claims and _is_refusal(scope, status)):
        yield _refusal(scope, accessed, status, services)
    elif status < 400 and accessed.claims and not accessed.given.wrote:
        access = _access(scope, accessed, status, services)
        for patient in sorted(_patients(scope, accessed.given))[:MAX_PATIENTS]:
            yield replace(access, id=str(uuid4()), patient=patient, data=_data(access.interaction, accessed, patient))


def _is_refusal(scope: Scope, status: int) -> bool:
    """A failure of ours or of the FHIR server counts where a patient's data were asked for."""
    return status == 403 or (bool(scope["path_params"]) and (status == 404 or status >= 500))


def _refusal(scope: Scope, accessed: Accessed, status: int, services: "Services") -> Access:
    """Tells whose data were asked for, also where the caller is told that there are none."""
    access = _access(scope, accessed, status, services)
    asked = [(reference, patient) for reference, patient in accessed.met.seen.items() if patient]
    patients = {patient for _, patient in asked}
    if len(patients) != 1:
        return access
    named = set(scope["path_params"].values())
    data = tuple(r for r, patient in asked if r != patient and r.partition("/")[2] in named)
    return replace(access, patient=patients.pop(), data=data)


def _access(scope: Scope, accessed: Accessed, status: int, services: "Services") -> Access:
    claims, client = accessed.claims, scope.get("client")
    return Access(
        id=str(uuid4()),
        interaction=_interaction(scope),
        outcome=_outcome(status),
        status=status,
        query=f"{scope['method']} {scope['path']}"[:MAX_QUERY],
        recorded=services.clock(),
        request_id=scope["request_id"],
        who=claims.fhir_user if claims else None,
        client_id=claims.client_id if claims else None,
        network=client[0] if client else None,
        observer=services.settings.organization,
    )


def _interaction(scope: Scope) -> Interaction:
    if scope["method"] not in {"GET", "HEAD"}:
        return Interaction.OPERATION
    return Interaction.SEARCH if "patientId" in scope["path_params"] else Interaction.READ


def _outcome(status: int) -> AuditOutcome:
    if status < 400:
        return AuditOutcome.SUCCESS
    if status < 500:
        return AuditOutcome.MINOR_FAILURE
    return AuditOutcome.MAJOR_FAILURE if status == 503 else AuditOutcome.SERIOUS_FAILURE


def _patients(scope: Scope, given: Notes) -> set[Reference]:
    """The one of the path is there also where the answer came out of a cache."""
    named: Any = scope["path_params"].get("patientId")
    of_path = {f"Patient/{named}"} if isinstance(named, str) and ID.fullmatch(named) else set()
    return of_path | {patient for patient in given.seen.values() if patient}


def _data(interaction: Interaction, accessed: Accessed, patient: Reference) -> tuple[Reference, ...]:
    if interaction is Interaction.SEARCH:
        return ()
    about = (r for r, p in accessed.given.seen.items() if p == patient and r != patient)
    return tuple(about)[:MAX_RESOURCES]
