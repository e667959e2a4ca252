"""The composition root: settings to gateways to application."""

import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version

import httpx
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException

from fhir_mappings.carrier import MalformedJson
from fhir_mappings.elements import MappingError
from service.api import caller, goals, networks, plans, progress
from service.api.dependencies import Services
from service.api.documentation import openapi
from service.api.middleware import RequestContext
from service.api.problems import problem_response
from service.errors import CoPlanError
from service.gateways.fhir_client import open_fhir_client
from service.gateways.memory_store import MemoryCache, MemoryIdempotencyKeys
from service.gateways.redis_store import open_redis
from service.gateways.smart_tokens import FetchedKeys, SmartTokenVerifier
from service.ports import Cache, IdempotencyKeys, TokenVerifier
from service.settings import Settings

OpenServices = Callable[[], AbstractAsyncContextManager[Services]]


def create_app(open_services: OpenServices) -> FastAPI:
    """The application. Its services are opened when it starts and closed when it ends."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_services() as services:
            app.state.services = services
            gc.freeze()  # what lives as long as the process need not be looked through at each collection
            yield

    app = FastAPIOffline(
        title="CoPlan",
        summary="Patients, families and care teams co-author goals on any FHIR R4 server",
        version=version("coplan"),
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.add_middleware(RequestContext)
    for error in (CoPlanError, MappingError, MalformedJson, RequestValidationError, HTTPException):
        app.add_exception_handler(error, problem_response)
    for module in (goals, progress, plans, networks, caller):
        app.include_router(module.router)
    app.openapi = lambda: openapi(app)  # type: ignore[method-assign]  # FastAPI's documented way
    return app


@asynccontextmanager
async def open_services(settings: Settings, *, verifier: TokenVerifier | None = None) -> AsyncIterator[Services]:
    """The FHIR server, the key sets and Redis, as the settings name them.

    Args:
        verifier: in place of the one for the issuers of the settings.
    """
    async with AsyncExitStack() as stack:
        authorization = settings.fhir_authorization
        fhir = await stack.enter_async_context(
            open_fhir_client(
                str(settings.fhir_base_url),
                deadline=settings.fhir_deadline,
                connections=settings.fhir_connections,
                authorization=authorization.get_secret_value() if authorization else None,
            )
        )
        keys = await stack.enter_async_context(httpx.AsyncClient(follow_redirects=False, trust_env=False))
        cache, replies = await _open_stores(settings, stack)
        verifier = verifier or _verifier(settings, keys)
        yield Services(settings, fhir, verifier, cache, replies, lambda: datetime.now(UTC))


async def _open_stores(settings: Settings, stack: AsyncExitStack) -> tuple[Cache, IdempotencyKeys]:
    if settings.redis_url is None or settings.cache_secret is None:
        return MemoryCache(), MemoryIdempotencyKeys()
    secret = settings.cache_secret.get_secret_value().encode()
    redis = await stack.enter_async_context(open_redis(str(settings.redis_url), secret=secret))
    return redis, redis


def _verifier(settings: Settings, http: httpx.AsyncClient) -> TokenVerifier:
    return SmartTokenVerifier(
        {issuer: FetchedKeys(http, str(url)) for issuer, url in settings.issuers.items()},
        audience=settings.audience,
        fhir_base_url=str(settings.fhir_base_url),
    )
