"""The composition root: settings to gateways to application."""

import gc
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import Any, Final

import httpx
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from fhir_mappings.carrier import MalformedJson
from fhir_mappings.elements import MappingError
from service import metrics
from service.api import (
    activities,
    attainment,
    caller,
    cds_hooks,
    definitions,
    family,
    front_door,
    goals,
    ledger,
    me,
    networks,
    plans,
    preferences,
    progress,
    templates,
    tracking,
    well_known,
)
from service.api.auditing import Auditing
from service.api.dependencies import DecisionServices, Services
from service.api.documentation import openapi
from service.api.edge import Edge, Gate
from service.api.flaws import flaw_of
from service.api.middleware import CdsCors, RequestContext
from service.api.problems import problem_response
from service.errors import CoPlanError
from service.gateways.audit_trail import open_audit_trail
from service.gateways.cds_clients import CdsClient, CdsClientVerifier
from service.gateways.cds_servers import AllowedServers
from service.gateways.client_keys import ClientKeys
from service.gateways.definitions import conflict_rules, published
from service.gateways.fhir_client import FhirClient, open_fhir_client, open_http
from service.gateways.issuer_keys import FetchedKeys
from service.gateways.issuers import verifier_of
from service.gateways.memory_store import MemoryCache, MemoryIdempotencyKeys, MemoryNonces
from service.gateways.rate_limits import open_rate_limits
from service.gateways.redis_store import RedisStore, open_redis
from service.gateways.upstream_identity import (
    BackendServices,
    Fixed,
    Identities,
    PassThrough,
    TokenEndpoint,
    TokenExchange,
)
from service.ports import Cache, Credentials, IdempotencyKeys, RateLimits, TokenVerifier
from service.production import must_be_fit
from service.settings import Settings

CORS: Final[dict[str, Any]] = {
    "allow_methods": ["GET", "POST", "PUT", "PATCH", "DELETE"],
    "allow_headers": ["Accept", "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "X-Request-Id"],
    "expose_headers": ["ETag", "Location", "Retry-After", "X-Request-Id", "Idempotent-Replayed", "RateLimit"],
    "max_age": 600,
}
"""Tokens travel in a header that a page sets itself: no cookie is ever sent along."""
OpenServices = Callable[[], AbstractAsyncContextManager[Services]]


ROUTED: Final = (
    front_door,
    ledger,
    goals,
    progress,
    tracking,
    attainment,
    family,
    plans,
    activities,
    templates,
    preferences,
    cds_hooks,
    definitions,
    networks,
    me,
    caller,
    well_known,
)


def create_app(open_services: OpenServices, edge: Edge | None = None, *, cds_origins: Collection[str] = ()) -> FastAPI:
    """The application. Its services are opened when it starts and closed when it ends.

    Args:
        cds_origins: origins whose scripts may call CDS Hooks.
    """
    edge = edge or Edge()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_services() as services:
            app.state.services = services
            gc.freeze()  # what lives as long as the process need not be looked through at each collection
            yield

    app = (FastAPIOffline if edge.docs else partial(FastAPI, openapi_url=None))(
        title="CoPlan",
        summary="Patients, families and care teams co-author goals on any FHIR R4 server",
        version=version("coplan"),
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.add_middleware(Auditing)
    if edge.origins:
        app.add_middleware(CORSMiddleware, allow_origins=sorted(edge.origins), **CORS)
    app.add_middleware(Gate, edge=edge)
    app.add_middleware(RequestContext)
    if cds_origins:
        app.add_middleware(CdsCors, origins=cds_origins)
    for error in (CoPlanError, MappingError, MalformedJson, RequestValidationError, HTTPException):
        app.add_exception_handler(error, problem_response)
    for module in ROUTED:
        app.include_router(module.router)
    app.openapi = lambda: openapi(app)  # type: ignore[method-assign]  # FastAPI's documented way
    return app


def unusable(settings: Settings) -> Iterator[str]:
    """What is wrong with the files and keys that the settings name, before anybody is served; no key, no value."""
    keys = "COPLAN_CLIENT_KEYS" if settings.client_keys else "COPLAN_CLIENT_KEYS_FOLDER"
    read: Mapping[str, Callable[[], object]] = {
        "COPLAN_TRACKABLES": lambda: settings.catalogue,
        "COPLAN_CONFLICT_RULES": lambda: conflict_rules(settings.conflict_rules),
        keys: lambda: _client_keys(settings),
    }
    for name, use in read.items():
        try:
            use()
        except ValidationError as exc:
            flaw = flaw_of(first := exc.errors(include_input=False)[0], ("body", *first["loc"]))
            yield f"{name} cannot be used: {f'{flaw.expression} ' if first['loc'] else ''}{flaw.said()}"
        except OSError as exc:
            yield f"{name} cannot be used: {exc.strerror}"
        except ValueError as exc:
            yield f"{name} cannot be used: {exc}"


@asynccontextmanager
async def open_services(
    settings: Settings,
    *,
    verifier: TokenVerifier | None = None,
    keys: ClientKeys | None = None,
    cds_clients: Mapping[str, CdsClient] | None = None,
) -> AsyncIterator[Services]:
    """The FHIR server, the key sets and Redis, as the settings name them.

    Args:
        verifier: in place of the one for the issuers of the settings.
        keys: of this client, in place of those of the settings.
        cds_clients: EHRs that may call hooks, beside those of the settings.

    Raises:
        UnfitForProduction: settings that production does not start with.
    """
    must_be_fit(settings)
    async with AsyncExitStack() as stack:
        if settings.metrics_port:
            stack.enter_context(metrics.served_at(settings.metrics_host, settings.metrics_port))
        server = await stack.enter_async_context(
            open_fhir_client(
                str(settings.fhir_base_url), deadline=settings.fhir_deadline, connections=settings.fhir_connections
            )
        )
        http = await stack.enter_async_context(httpx.AsyncClient(follow_redirects=False, trust_env=False))
        keys = keys or _client_keys(settings)
        identities = _identities(settings, http, keys)
        cache, replies = await _open_stores(settings, stack)
        fhir = server.with_credentials(identities.system)
        trail = open_audit_trail(fhir, capacity=settings.audit_capacity, fail_closed=settings.audit_fail_closed)
        yield Services(
            settings,
            fhir,
            verifier or verifier_of(settings, http, keys),
            cache,
            replies,
            lambda: datetime.now(UTC),
            on_behalf_of=lambda token: server.with_credentials(identities.for_caller(token)),
            limits=await stack.enter_async_context(_open_rate_limits(settings)),
            audit=await stack.enter_async_context(trail) if settings.audit_reads else None,
            public_keys=keys.public if keys else {"keys": []},
            decisions=await _open_decisions(settings, stack, fhir, http, cache, cds_clients or {}),
        )


def _open_rate_limits(settings: Settings) -> AbstractAsyncContextManager[RateLimits]:
    return open_rate_limits(
        per_minute=settings.rate_limit,
        refused_per_minute=settings.refused_rate_limit,
        redis_url=str(settings.redis_url) if settings.redis_url else None,
        secret=settings.cache_secret.get_secret_value().encode() if settings.cache_secret else b"",
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


async def _open_decisions(
    settings: Settings,
    stack: AsyncExitStack,
    fhir: FhirClient,
    keys: httpx.AsyncClient,
    cache: Cache,
    more_clients: Mapping[str, CdsClient],
) -> DecisionServices:
    """Each FHIR server of the list has connections of its own; tokens come and go with the calls."""
    nonces = cache if isinstance(cache, RedisStore) else MemoryNonces()
    clients = {iss: CdsClient(FetchedKeys(keys, str(url)), str(url)) for iss, url in settings.cds_clients.items()}
    servers = {
        str(url): await stack.enter_async_context(open_http(settings.fhir_connections))
        for url in settings.cds_fhir_servers
    }
    base, own = str(settings.fhir_base_url), fhir.unstored()
    allowed = AllowedServers(servers, own_base=base, own=own, deadline=settings.cds_budget)
    rules = conflict_rules(settings.conflict_rules)
    return DecisionServices(rules, published, CdsClientVerifier({**clients, **more_clients}, nonces), allowed)


async def _open_stores(settings: Settings, stack: AsyncExitStack) -> tuple[Cache, IdempotencyKeys]:
    if settings.redis_url is None or settings.cache_secret is None:
        return MemoryCache(), MemoryIdempotencyKeys()
    secret = settings.cache_secret.get_secret_value().encode()
    redis = await stack.enter_async_context(open_redis(str(settings.redis_url), secret=secret))
    return redis, redis
