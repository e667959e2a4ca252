"""Who the caller is, what they can do here, and how a client finds the issuers of tokens."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.api import me_examples
from service.api.answers import view_response
from service.api.challenge import service_url
from service.api.dependencies import CurrentActor, CurrentPlace, CurrentServices
from service.api.documentation import answers
from service.api.me_views import Me, ProtectedResource
from service.workflows.permissions import read_standing

router = APIRouter()


@router.get(
    "/v1/me",
    operation_id="whoAmI",
    tags=["caller"],
    summary="Who the token speaks for, and what it can do",
    responses=answers(Me, me_examples.ME, fhir=False, errors=(401, 403, 502, 503, 504)),
)
async def who_am_i(actor: CurrentActor, place: CurrentPlace) -> Response:
    """The actor, the patients whose data the token opens, the operations that it is good for, the scopes as they were
    understood, and for a family member the rights and their last day. Ask it before you show a button.
    """
    return view_response(Me.of(await read_standing(actor, place)))


@router.get(
    "/.well-known/oauth-protected-resource",
    operation_id="describeProtectedResource",
    tags=["health"],
    summary="Where tokens come from",
    responses=answers(ProtectedResource, me_examples.PROTECTED_RESOURCE, fhir=False, errors=()),
)
async def describe_protected_resource(request: Request, services: CurrentServices) -> Response:
    """The issuers whose tokens are taken, for clients that got a 401 (RFC 9728). Says nothing of any patient."""
    issuers = tuple(i for i in sorted(services.settings.issuers) if i.startswith("https://"))
    resource = ProtectedResource(
        resource=service_url(request),
        authorization_servers=issuers,
        bearer_methods_supported=("header",),
        scopes_supported=me_examples.SCOPES,
        resource_name="CoPlan",
    )
    return view_response(resource)
