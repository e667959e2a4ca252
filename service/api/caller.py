"""How the service is."""

from fastapi import APIRouter
from starlette.responses import Response

from service.api.answers import view_response
from service.api.bodies import StrictRoute
from service.api.dependencies import CurrentServices
from service.api.documentation import answers
from service.api.views import Health
from service.errors import CoPlanError

router = APIRouter(route_class=StrictRoute)


@router.get(
    "/livez",
    operation_id="live",
    tags=["health"],
    summary="The process answers",
    responses=answers(Health, {"status": "ok"}, fhir=False, errors=()),
)
async def live() -> Response:
    """Asks nobody else."""
    return view_response(Health(status="ok"))


@router.get(
    "/readyz",
    operation_id="ready",
    tags=["health"],
    summary="The service can do its work",
    responses=answers(Health, {"status": "ok"}, fhir=False, errors=())
    | {503: {"description": "The FHIR server cannot be reached"}},
)
async def ready(services: CurrentServices) -> Response:
    """Ready once the FHIR server has said what it can do. Without Redis it is degraded, and ready."""
    try:
        await services.fhir.capabilities()
    except CoPlanError:
        return view_response(Health(status="unavailable", degraded=("fhir",)), status=503)
    redis_wanted = services.settings.redis_url is not None
    degraded = redis_wanted and await services.cache.epoch("Patient/none") is None
    return view_response(Health(status="ok", degraded=("redis",) if degraded else ()))
