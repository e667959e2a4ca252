"""What routes need, as annotated types: the actor from the token, preconditions and keys from the headers."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Final

from fastapi import Depends, Header, Path, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from fhir_mappings.carrier import Json
from fhir_mappings.codes import LifecycleStatus
from fhir_mappings.model import Reference
from fhir_mappings.wording import Language
from service.api.answers import Act, Form, accepted_form
from service.api.auditing import Accessed
from service.api.languages import accepted_language
from service.commit import Operation, Session
from service.domain.actors import Actor, Claims
from service.domain.catalogue import Catalogue
from service.domain.conflicts import ConflictRules
from service.domain.permissions import must_be_possible
from service.errors import (
    IdempotencyKeyMalformed,
    IdempotencyKeyMissing,
    NotAuthenticated,
    PreconditionMalformed,
    PreconditionMissing,
    TooManyRequests,
)
from service.guarded_fhir import GuardedFhir
from service.ports import (
    Allowance,
    AuditTrail,
    Cache,
    CdsClients,
    CdsServers,
    Clock,
    FhirGateway,
    IdempotencyKeys,
    OnBehalfOf,
    RateLimits,
    TokenVerifier,
)
from service.rights import Rights
from service.settings import Settings
from service.witnessed_fhir import WitnessedFhir, WitnessedGuard
from service.workflows.hook_users import Staff
from service.workflows.identify import Place, identify

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
ActivityId = Annotated[
    str, Path(alias="activityId", pattern=ID, description="Id of a ServiceRequest", examples=["knee-exercises"])
]
ReportId = Annotated[str, Path(alias="reportId", pattern=ID, description="Id of a Task that reports", examples=["r-1"])]
TemplateId = Annotated[
    str, Path(alias="templateId", pattern=ID, description="Id of a PlanDefinition", examples=["knee-2"])
]
RemarkId = Annotated[str, Path(alias="remarkId", pattern=ID, description="`id` of an objection", examples=["5f0c8a1b"])]
AssessmentId = Annotated[
    str, Path(alias="assessmentId", pattern=ID, description="Id of the Observation", examples=["score-1"])
]
AgendaItemId = Annotated[
    str, Path(alias="agendaItemId", pattern=ID, description="Id of the CommunicationRequest", examples=["ask-1"])
]
PreferenceId = Annotated[
    str, Path(alias="preferenceId", pattern=ID, description="Id of an Observation", examples=["home-1"])
]
PatientId = Annotated[str, Path(alias="patientId", pattern=ID, description="Id of a Patient", examples=["ann"])]
Statuses = Annotated[
    list[LifecycleStatus], Query(alias="status", description="Only goals of these statuses", default_factory=list)
]


@dataclass(frozen=True, slots=True)
class DecisionServices:
    """What decisions need: the rules of conflicts, what CoPlan publishes, by type and id, and who calls hooks."""

    rules: ConflictRules
    published: Callable[[str, str], bytes | None]
    clients: CdsClients
    servers: CdsServers
    staff: Staff = field(default_factory=Staff)


@dataclass(frozen=True, slots=True)
class Services:
    """What the application has opened for its requests.

    `fhir` is asked as this service itself; `on_behalf_of` says how it is asked for a caller, None: no differently.
    Without `audit`, reads leave no trace; without `limits`, nobody is counted.
    """

    settings: Settings
    fhir: FhirGateway
    verifier: TokenVerifier
    cache: Cache
    replies: IdempotencyKeys
    clock: Clock
    on_behalf_of: OnBehalfOf | None = None
    audit: AuditTrail | None = None
    limits: RateLimits | None = None
    public_keys: Json = field(default_factory=lambda: {"keys": []})
    rights: Rights = field(default_factory=Rights)
    decisions: DecisionServices = field(kw_only=True)


async def get_services(request: Request) -> Services:
    """What the lifespan has opened."""
    services: Services = request.app.state.services
    return services


CurrentServices = Annotated[Services, Depends(get_services)]


def get_catalogue(services: CurrentServices) -> Catalogue:
    """What can be tracked."""
    return services.settings.catalogue


CurrentCatalogue = Annotated[Catalogue, Depends(get_catalogue)]


Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def get_accessed(request: Request) -> Accessed:
    """What the audit trail will tell of this request."""
    accessed: Accessed = request.scope["accessed"]
    return accessed


CurrentAccessed = Annotated[Accessed, Depends(get_accessed)]


async def get_claims(
    request: Request, services: CurrentServices, credentials: Credentials, accessed: CurrentAccessed
) -> Claims:
    """The claims of the one bearer token, of a principal who has not asked too often.

    Another scheme, such as DPoP, is refused: its proof is not verified here.
    """
    try:
        if credentials is None or len(request.headers.getlist("authorization")) != 1:
            raise NotAuthenticated("send a bearer token")
        claims = await services.verifier.verify(credentials.credentials)
    except NotAuthenticated:
        if services.limits:
            address = request.client.host if request.client else ""
            _must_be_granted(await services.limits.take_refused(address))
        raise
    accessed.claims = claims
    if services.limits:
        principal = "\0".join((claims.issuer, claims.client_id, claims.subject))
        request.scope["allowance"] = allowance = await services.limits.take(principal)
        _must_be_granted(allowance)
    return claims


def _must_be_granted(allowance: Allowance) -> None:
    if not allowance.granted:
        raise TooManyRequests("you have asked too often", timedelta(seconds=allowance.reset_after))


CurrentClaims = Annotated[Claims, Depends(get_claims)]


def get_fhir(services: CurrentServices, credentials: Credentials, claims: CurrentClaims) -> FhirGateway:
    """The FHIR server, asked with the identity that the settings choose; only once the token is known to be good."""
    if services.on_behalf_of is None or credentials is None:
        return services.fhir
    return services.on_behalf_of(credentials.credentials)


CurrentFhir = Annotated[FhirGateway, Depends(get_fhir)]


def get_place(services: CurrentServices, fhir: CurrentFhir) -> Place:
    """Where rights are read, and the rules of the house."""
    settings, today = services.settings, services.clock().date()
    return Place(fhir, services.rights, today, settings.policy, settings.organization)


CurrentPlace = Annotated[Place, Depends(get_place)]


async def get_actor(claims: CurrentClaims, place: CurrentPlace) -> Actor:
    """Who acts. Nothing else says so: no body, no parameter."""
    return await identify(claims, place)


CurrentActor = Annotated[Actor, Depends(get_actor)]


def get_reader(
    accept_language: Annotated[
        str,
        Header(
            alias="Accept-Language",
            description="Language of the words that are CoPlan's own: `en` or `es`; without it the patient's",
            examples=["es-MX, es;q=0.9"],
        ),
    ] = "",
) -> Language | None:
    """The language that the caller asks for."""
    return accepted_language(accept_language)


def get_session(
    request: Request,
    services: CurrentServices,
    actor: CurrentActor,
    place: CurrentPlace,
    accessed: CurrentAccessed,
    reader: Annotated[Language | None, Depends(get_reader)],
) -> Session:
    """What this request may use; the FHIR server as this actor may see it."""
    met = WitnessedFhir(place.fhir, accessed.met)
    guarded = GuardedFhir(met, actor, place.policy, place.rights, place.today)
    return Session(
        actor=actor,
        fhir=WitnessedGuard(guarded, accessed.given),
        cache=services.cache,
        clock=services.clock,
        request_id=request.scope["request_id"],
        policy=services.settings.policy,
        language=Language(services.settings.language),
        reader=reader,
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
    request: Request,
    session: CurrentSession,
    services: CurrentServices,
    form: AcceptedForm,
    operation: Annotated[Operation, Depends(get_operation)],
) -> Act:
    """A POST with its operation, once it is known to be one that this token is good for."""
    must_be_possible(session.actor, request.scope["route"].operation_id)
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
        raise PreconditionMissing("send If-Match with the ETag that you read: it may have changed meanwhile")
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
