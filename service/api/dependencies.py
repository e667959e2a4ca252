"""What routes need, as annotated types: the actor from the token, preconditions and keys from the headers."""

import re
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Annotated, Final

from fastapi import Depends, Header, Path, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from fhir_mappings.codes import LifecycleStatus
from fhir_mappings.model import Reference
from service.api.answers import Act, Form, accepted_form
from service.commit import Operation, Session
from service.domain.actors import Actor, Claims
from service.errors import (
    IdempotencyKeyMalformed,
    IdempotencyKeyMissing,
    NotAuthenticated,
    PreconditionMalformed,
    PreconditionMissing,
)
from service.guarded_fhir import GuardedFhir
from service.ports import Cache, Clock, FhirGateway, IdempotencyKeys, TokenVerifier
from service.settings import Settings
from service.workflows.identify import identify

ID: Final = r"^[A-Za-z0-9\-.]{1,64}$"
_ENTITY_TAG: Final = re.compile(r'(?:W/)?"([A-Za-z0-9\-.]{1,64})"')
_KEY: Final = re.compile(r'"?([!#-~]{1,255})"?')
_bearer: Final = HTTPBearer(
    auto_error=False, description="SMART access token with `fhirUser`, and `patient` in context"
)

NetworkId = Annotated[
    str, Path(alias="networkId", pattern=ID, description="Id of the network's Organization", examples=["ibd-network"])
]
MeasureId = Annotated[
    str, Path(alias="measureId", pattern=ID, description="Id of a Measure", examples=["remission-pga"])
]
GoalId = Annotated[str, Path(alias="goalId", pattern=ID, description="Id of a Goal", examples=["knee-walk"])]
CarePlanId = Annotated[str, Path(alias="carePlanId", pattern=ID, description="Id of a CarePlan", examples=["plan-1"])]
PatientId = Annotated[str, Path(alias="patientId", pattern=ID, description="Id of a Patient", examples=["ann"])]
Statuses = Annotated[
    list[LifecycleStatus], Query(alias="status", description="Only goals of these statuses", default_factory=list)
]


@dataclass(frozen=True, slots=True)
class Services:
    """What the application has opened for its requests."""

    settings: Settings
    fhir: FhirGateway
    verifier: TokenVerifier
    cache: Cache
    replies: IdempotencyKeys
    clock: Clock


def get_services(request: Request) -> Services:
    """What the lifespan has opened."""
    services: Services = request.app.state.services
    return services


CurrentServices = Annotated[Services, Depends(get_services)]


async def get_claims(
    services: CurrentServices, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Claims:
    """The claims of the bearer token."""
    if credentials is None:
        raise NotAuthenticated("send a bearer token")
    return await services.verifier.verify(credentials.credentials)


async def get_actor(services: CurrentServices, claims: Annotated[Claims, Depends(get_claims)]) -> Actor:
    """Who acts. Nothing else says so: no body, no parameter."""
    organization, today = services.settings.organization, services.clock().date()
    return await identify(claims, fhir=services.fhir, today=today, organization=organization)


CurrentActor = Annotated[Actor, Depends(get_actor)]


def get_session(request: Request, services: CurrentServices, actor: CurrentActor) -> Session:
    """What this request may use; the FHIR server as this actor may see it."""
    return Session(
        actor=actor,
        fhir=GuardedFhir(services.fhir, actor),
        cache=services.cache,
        clock=services.clock,
        request_id=request.scope["request_id"],
        policy=services.settings.policy,
        observer=services.settings.organization,
    )


CurrentSession = Annotated[Session, Depends(get_session)]


def get_form(request: Request) -> Form:
    """The form of the answer, where both can be had."""
    return accepted_form(request.headers.get("accept", ""), Form.JSON, Form.FHIR)


AcceptedForm = Annotated[Form, Depends(get_form)]


async def get_operation(
    request: Request,
    actor: CurrentActor,
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="A new UUID for each thing that the user does; send the same again to repeat it safely.",
            examples=["7f7a4a4e-3f2c-4f43-9d6c-1f1c52a7a8d1"],
        ),
    ] = None,
) -> Operation:
    """The operation that the key names: of this client, actor, method and path alone."""
    if idempotency_key is None:
        raise IdempotencyKeyMissing("send an Idempotency-Key, for example a new UUID")
    key = _KEY.fullmatch(idempotency_key)
    if key is None:
        raise IdempotencyKeyMalformed("an Idempotency-Key has 1 to 255 visible ASCII characters and no quotes inside")
    scope = (actor.issuer, actor.client_id, actor.reference, request.method, request.url.path, key[1])
    return Operation(_digest("\0".join(scope).encode()), _digest(await request.body()))


async def get_act(
    session: CurrentSession,
    services: CurrentServices,
    form: AcceptedForm,
    operation: Annotated[Operation, Depends(get_operation)],
) -> Act:
    """A POST with its operation."""
    kept_for = services.settings.replies_kept_for
    return Act(replace(session, operation=operation), form, services.replies, kept_for)


CurrentAct = Annotated[Act, Depends(get_act)]


def get_version(
    if_match: Annotated[
        str | None,
        Header(
            alias="If-Match",
            description="The ETag that you read: your act is on that version or on none",
            examples=['W/"3"'],
        ),
    ] = None,
) -> str | None:
    """The version id of If-Match, where it was sent."""
    if if_match is None:
        return None
    tag = _ENTITY_TAG.fullmatch(if_match.strip())
    if tag is None:
        raise PreconditionMalformed('If-Match must be one entity tag as this service gave it, for example W/"3"')
    return tag[1]


OptionalVersion = Annotated[str | None, Depends(get_version)]


def get_required_version(version: OptionalVersion) -> str:
    """The version id of If-Match, without which an act on an existing resource is refused."""
    if version is None:
        raise PreconditionMissing("send If-Match with the ETag that you read: the goal may have changed meanwhile")
    return version


RequiredVersion = Annotated[str, Depends(get_required_version)]


def patient_reference(patient_id: PatientId) -> Reference:
    """`Patient/{patientId}`."""
    return f"Patient/{patient_id}"


CurrentPatient = Annotated[Reference, Depends(patient_reference)]


def is_fresh_wanted(
    cache_control: Annotated[str, Header(alias="Cache-Control", description="`no-cache`: read it afresh")] = "",
) -> bool:
    """True for a caller who wants no answer that was kept."""
    return "no-cache" in cache_control.lower()


Fresh = Annotated[bool, Depends(is_fresh_wanted)]


def _digest(value: bytes) -> str:
    """32 characters: an identifier may have to fit into a token index."""
    return sha256(value).hexdigest()[:32]
