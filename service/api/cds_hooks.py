"""CDS Hooks 2.0: discovery, services, feedback.

Source: https://cds-hooks.hl7.org/2.0/
"""

import asyncio
import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.responses import Response

from fhir_mappings.card_feedback import CardFeedback
from fhir_mappings.model import Coding, Reference
from fhir_mappings.wording import Language
from service.api import cds_examples as examples
from service.api.answers import view_response
from service.api.auditing import Accessed
from service.api.bodies import StrictRoute
from service.api.cds_models import (
    CardAcceptanceList,
    CardsView,
    CdsServicesView,
    FeedbackEntry,
    FeedbackRequest,
    FeedbackTaken,
    HookRequest,
)
from service.api.dependencies import CurrentAccessed, CurrentActor, CurrentServices, Services
from service.api.documentation import answers, body
from service.api.fields import Instant
from service.api.languages import accepted_language
from service.domain.actors import Actor, Claims, Role
from service.domain.cards import Card
from service.domain.hooks import BY_ID, SERVICES, Answer, CdsService
from service.errors import Flaw, InvalidContent, NotAuthenticated, ResourceNotFound
from service.guarded_fhir import GuardedFhir
from service.logs import log
from service.ports import FhirGateway
from service.rights import Rights
from service.witnessed_fhir import WitnessedFhir, WitnessedGuard
from service.workflows.card_feedback import count_feedback, keep_feedback
from service.workflows.decision_support import HookCall, answer_hook, sent_along
from service.workflows.hook_users import known_relative
from service.workflows.identify import Place

router = APIRouter(tags=["decision support"], route_class=StrictRoute)

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="CdsClient",
    description="JWT of a CDS client for this very URL, once: ES384 or RS384, with iss, aud, exp, iat, jti",
)
ROLES = {"Patient": Role.PATIENT, "RelatedPerson": Role.RELATED_PERSON}
ERRORS = (400, 401, 403, 413, 415, 422)


async def get_cds_client(
    request: Request,
    services: CurrentServices,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> str:
    """The issuer of the token, which has to name this endpoint."""
    base, path = services.settings.cds_base_url, request.scope["route"].path
    if base is None or credentials is None:
        reason = "no Bearer token" if base else "COPLAN_CDS_BASE_URL is not set"
        log.info("cds_token_refused", reason=reason, issuer="unknown", where=path)
        raise NotAuthenticated("send a token of a CDS client")
    endpoint = f"{str(base).rstrip('/')}{request.scope['path']}"
    return await services.decisions.clients.verify(credentials.credentials, endpoint)


CurrentClient = Annotated[str, Depends(get_cds_client)]


async def get_cds_service(
    _client: CurrentClient,
    service_id: Annotated[str, Path(alias="serviceId", pattern=r"^[a-z\-]{1,64}$", examples=["coplan-asked-first"])],
) -> CdsService:
    """The service of the path, for a client that is known."""
    if service_id not in BY_ID:
        raise ResourceNotFound(f"{service_id} not found")
    return BY_ID[service_id]


async def get_budget(request: Request, services: CurrentServices) -> timedelta:
    """What is left of the time for an answer: who waits has waited since the request came."""
    spent = timedelta(seconds=time.monotonic() - request.scope["received_at"])
    return max(timedelta(0), services.settings.cds_budget - spent)


async def get_card_language(
    services: CurrentServices,
    accept_language: Annotated[
        str,
        Header(
            alias="Accept-Language",
            description="Language of the clinician: `en` or `es`; without it that of COPLAN_LANGUAGE",
            examples=["es"],
        ),
    ] = "",
) -> Language:
    """The language of a card: what people said stays as they said it."""
    return accepted_language(accept_language) or Language(services.settings.language)


Budget = Annotated[timedelta, Depends(get_budget)]
CardLanguage = Annotated[Language, Depends(get_card_language)]
CurrentCdsService = Annotated[CdsService, Depends(get_cds_service)]


@router.get(
    "/cds-services",
    operation_id="discoverCdsServices",
    summary="Discover the services of decision support",
    responses=answers(CdsServicesView, examples.SERVICES, fhir=False, errors=(401, 403)),
)
async def discover_cds_services(_client: CurrentClient) -> Response:
    """Each service with its hook, and with the data that an EHR may send along so that nothing has to be read."""
    return view_response(CdsServicesView.of(SERVICES))


@router.post(
    "/cds-services/{serviceId}",
    operation_id="callCdsService",
    summary="Get the card for a hook that has fired",
    responses=answers(CardsView, examples.CARDS, fhir=False, errors=(*ERRORS, 404, 412)),
    openapi_extra=body(examples.ORDER_SIGN),
)
async def call_cds_service(
    service: CurrentCdsService,
    call: HookRequest,
    client: CurrentClient,
    services: CurrentServices,
    accessed: CurrentAccessed,
    budget: Budget,
    language: CardLanguage,
) -> Response:
    """Before the order is signed: what the patient said to it, what was agreed, or that nobody has asked yet. No card
    rather than a late one: when the FHIR server is down or slow, the answer is `{"cards":[]}`.
    """
    asked = _call(call, service, client, language)
    accessed.claims = _claims(asked.actor, services)
    return view_response(await _answered(call, asked, service, services, accessed, budget))


@router.post(
    "/cds-services/{serviceId}/feedback",
    operation_id="sendCardFeedback",
    summary="Tell what somebody did with a card",
    responses=answers(FeedbackTaken, examples.FEEDBACK_TAKEN, fhir=False, errors=(*ERRORS, 404, 502, 503, 504)),
    openapi_extra=body(examples.FEEDBACK),
)
async def send_card_feedback(
    service: CurrentCdsService, given: FeedbackRequest, client: CurrentClient, services: CurrentServices
) -> Response:
    """Accepted or overridden, with the reason that was chosen; sent twice, it counts once. Comments are not kept."""
    entries = [_entry(e, service, client) for e in given.feedback]
    await keep_feedback(entries, fhir=services.fhir, clock=services.clock)
    return view_response(FeedbackTaken(taken=len(entries)))


@router.get(
    "/v1/decision-support/feedback",
    operation_id="getCardFeedback",
    summary="Read how cards are taken up",
    responses=answers(CardAcceptanceList, examples.ACCEPTANCE, fhir=False, errors=(401, 403, 422, 502, 503, 504)),
)
async def get_card_feedback(
    actor: CurrentActor,
    services: CurrentServices,
    since: Annotated[Instant | None, Query(alias="from", description="Only feedback kept since then")] = None,
    before: Annotated[Instant | None, Query(alias="to", description="Only feedback kept before then")] = None,
) -> Response:
    """How often the cards of each service were overridden, and why; no patient is in it. For the care team."""
    counted = await count_feedback(since, before, actor=actor, fhir=services.fhir)
    return view_response(CardAcceptanceList.of(counted, since, before))


async def _answered(
    call: HookRequest, asked: HookCall, service: CdsService, services: Services, accessed: Accessed, budget: timedelta
) -> CardsView:
    app_url = services.settings.cds_app_url
    return CardsView.of(
        await _card_for_user(Waiting(call, asked, _answer(call, service), services, accessed, budget)),
        service=service.id,
        patient=asked.patient,
        encounter=asked.encounter,
        app_url=str(app_url) if app_url else None,
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call, and what it takes to answer it in time."""

    call: HookRequest
    asked: HookCall
    answer: Answer
    services: Services
    accessed: Accessed
    budget: timedelta
    started: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> timedelta:
        return max(timedelta(0), self.budget - timedelta(seconds=time.monotonic() - self.started))

    @property
    def server(self) -> FhirGateway | None:
        token = self.call.fhir_authorization.access_token if self.call.fhir_authorization else None
        return self.services.decisions.servers.gateway(self.call.fhir_server, token)


async def _card_for_user(waiting: Waiting) -> Card | None:
    """What a family member may see is known first; who works there is asked beside what the card takes."""
    asked, services, server = waiting.asked, waiting.services, waiting.server
    place = _place(server, services, waiting.accessed) if server else None
    if asked.actor.role is Role.RELATED_PERSON:
        relative = await known_relative(_claims(asked.actor, services, asked.patient), place, within=waiting.left)
        card = await _card(waiting, relative, server) if relative else None
    elif place is None:
        card = await _card(waiting, asked.actor, server)
    else:
        staff, base = services.decisions.staff, str(waiting.call.fhir_server)
        there, found = await asyncio.gather(
            staff.has(asked.actor, base, place, within=waiting.left), _card(waiting, asked.actor, server)
        )
        card = found if there else None
    if card is not None:
        _note(asked, waiting.answer, waiting.accessed)
    return card


async def _card(waiting: Waiting, user: Actor, server: FhirGateway | None) -> Card | None:
    return await answer_hook(
        replace(waiting.asked, actor=user),
        waiting.answer,
        fhir=_witnessed(server, user, waiting.accessed) if server else None,
        rules=waiting.services.decisions.rules,
        now=waiting.services.clock(),
        budget=waiting.left,
    )


def _note(asked: HookCall, answer: Answer, accessed: Accessed) -> None:
    """A card tells of the patient and of what came with the call, which nobody has read for it."""
    accessed.given.seen[asked.patient] = asked.patient
    accessed.given.note(sent_along(asked, answer))


def _place(server: FhirGateway, services: Services, accessed: Accessed) -> Place:
    """The client's server has its own people: nothing that is known of them here counts."""
    today = services.clock().date()
    return Place(WitnessedFhir(server, accessed.met), Rights(), today, services.settings.policy)


def _witnessed(server: FhirGateway, actor: Actor, accessed: Accessed) -> FhirGateway:
    """What is met and what is given is noted, as for any other read."""
    return WitnessedGuard(GuardedFhir(WitnessedFhir(server, accessed.met), actor), accessed.given)


def _claims(actor: Actor, services: Services, patient: Reference | None = None) -> Claims:
    """Whom the audit trail names: the user of the context, and the client that speaks for them this once."""
    client = actor.client_id
    return Claims(actor.issuer, client, client, actor.scopes, services.clock(), actor.reference, patient)


def _answer(call: HookRequest, service: CdsService) -> Answer:
    if call.hook not in service.answers:
        raise InvalidContent(Flaw("hook", f"is not one of {', '.join(service.answers)}", "business-rule"))
    return service.answers[call.hook]


def _call(call: HookRequest, service: CdsService, client: str, language: Language) -> HookCall:
    context = call.context
    patient = f"Patient/{context.patient_id}"
    return HookCall(
        service=service.id,
        hook=call.hook,
        actor=_actor(context.user_id, patient, client),
        patient=patient,
        prefetch=call.prefetch or {},
        encounter=f"Encounter/{context.encounter_id}" if context.encounter_id else None,
        drafts=context.drafts,
        selected=frozenset(context.selections),
        fhir_base=call.fhir_server,
        language=language,
    )


def _actor(user: str, patient: str, client: str) -> Actor:
    """The client on behalf of its user, for this one patient and to read only."""
    role = ROLES.get(user.partition("/")[0], Role.PRACTITIONER)
    scopes = frozenset({"user/*.rs"})
    return Actor(user, role, client_id=client, issuer=client, scopes=scopes, patients=frozenset({patient}))


def _entry(given: FeedbackEntry, service: CdsService, client: str) -> CardFeedback:
    why = given.override_reason
    reason = Coding(why.reason.system, why.reason.code) if why and why.reason else None
    return CardFeedback(
        service=service.id,
        card=given.card.removeprefix("urn:uuid:").lower(),
        outcome=given.outcome,
        at=given.outcome_timestamp,
        client=client,
        reason=reason,
        commented=bool(why and why.user_comment),
    )
