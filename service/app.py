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
from service.api import attainment, caller, family, goals, me, plans, progress, well_known
from service.api.dependencies import Services
from service.api.documentation import openapi
from service.api.middleware import RequestContext
from service.api.problems import problem_response
from service.errors import CoPlanError
from service.gateways.client_keys import ClientKeys
from service.gateways.fhir_client import open_fhir_client
from service.gateways.issuers import verifier_of
from service.gateways.memory_store import MemoryCache, MemoryIdempotencyKeys
from service.gateways.redis_store import open_redis
from service.gateways.upstream_identity import (
    BackendServices,
    Fixed,
    Identities,
    PassThrough,
    TokenEndpoint,
    TokenExchange,
)
from service.ports import Cache, Credentials, IdempotencyKeys, TokenVerifier
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
    for module in (goals, progress, attainment, family, plans, me, caller, well_known):
        app.include_router(module.router)
    app.openapi = lambda: openapi(app)  # type: ignore[method-assign]  # FastAPI's documented way
    return app


@asynccontextmanager
async def open_services(
    settings: Settings, *, verifier: TokenVerifier | None = None, keys: ClientKeys | None = None
) -> AsyncIterator[Services]:
    """The FHIR server, the key sets and Redis, as the settings name them.

    Args:
        verifier: in place of the one for the issuers of the settings.
        keys: of this client, in place of those of the settings.
    """
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(
            open_fhir_client(
                str(settings.fhir_base_url), deadline=settings.fhir_deadline, connections=settings.fhir_connections
            )
        )
        http = await stack.enter_async_context(httpx.AsyncClient(follow_redirects=False, trust_env=False))
        keys = keys or _client_keys(settings)
        identities = _identities(settings, http, keys)
        cache, replies = await _open_stores(settings, stack)
        yield Services(
            settings,
            server.with_credentials(identities.system),
            verifier or verifier_of(settings, http),
            cache,
            replies,
            lambda: datetime.now(UTC),
            on_behalf_of=lambda token: server.with_credentials(identities.for_caller(token)),
            public_keys=keys.public if keys else {"keys": []},
        )


def _client_keys(settings: Settings) -> ClientKeys | None:
    signing = settings.client_signing_key
    if settings.client_keys:
        return ClientKeys.from_jwks(settings.client_keys.get_secret_value(), signing=signing)
    return ClientKeys.from_folder(settings.client_keys_folder, signing=signing) if settings.client_keys_folder else None


def _identities(settings: Settings, http: httpx.AsyncClient, keys: ClientKeys | None) -> Identities:
    """Docs: docs/adr/0020-upstream-identity.md"""
    authorization = settings.fhir_authorization
    fixed = Fixed(authorization.get_secret_value() if authorization else None)
    if settings.upstream_identity == "static" or not (settings.is_client and keys):
        return Identities(fixed, PassThrough if settings.upstream_identity == "pass-through" else lambda _: fixed)
    endpoint = TokenEndpoint(http, str(settings.token_endpoint), client_id=str(settings.client_id), keys=keys)
    own = BackendServices(endpoint, scope=settings.upstream_scope)
    audience = settings.upstream_audience or str(settings.fhir_base_url)
    exchange = TokenExchange(endpoint, audience=audience)
    for_caller: dict[str, Callable[[str], Credentials]] = {
        "pass-through": PassThrough,
        "token-exchange": exchange.for_caller,
        "backend-services": lambda _: own,
    }
    return Identities(own, for_caller[settings.upstream_identity])


async def _open_stores(settings: Settings, stack: AsyncExitStack) -> tuple[Cache, IdempotencyKeys]:
    if settings.redis_url is None or settings.cache_secret is None:
        return MemoryCache(), MemoryIdempotencyKeys()
    secret = settings.cache_secret.get_secret_value().encode()
    redis = await stack.enter_async_context(open_redis(str(settings.redis_url), secret=secret))
    return redis, redis
