"""The service over a real FHIR server: the embedded store in this process, or HAPI in one of its own."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import hypothesis
import pytest
from fastapi import FastAPI

from fhir_mappings.carrier import encode
from service.api.dependencies import DecisionServices, Services
from service.app import create_app
from service.gateways.cds_clients import CdsClientVerifier
from service.gateways.cds_servers import AllowedServers
from service.gateways.definitions import conflict_rules, published
from service.gateways.demo_issuer import AUDIENCE, DemoIssuer
from service.gateways.embedded_fhir import create_embedded_store
from service.gateways.fhir_client import open_fhir_client, open_http
from service.gateways.memory_store import MemoryCache, MemoryIdempotencyKeys, MemoryNonces
from service.gateways.smart_tokens import SmartTokenVerifier
from service.logs import configure_logs
from service.ports import FhirGateway
from service.rights import Rights
from service.settings import Settings
from tests.ehr import EHR
from tests.hapi_server import HapiServer
from tests.people import MovableClock, Person, World, record

# How long an example takes says something of the machine, nothing of the rule.
hypothesis.settings.register_profile("coplan", deadline=None)
hypothesis.settings.load_profile("coplan")
ISSUER = DemoIssuer()
configure_logs("ERROR")


@dataclass(frozen=True, slots=True)
class FhirServer:
    """A FHIR server to test against. `transport` is None for one that is reached over the network."""

    name: str
    base_url: str
    transport: httpx.AsyncBaseTransport | None = None


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def embedded_server() -> Iterator[FhirServer]:
    store = create_embedded_store()
    yield FhirServer("embedded", store.base_url, httpx.ASGITransport(store))
    store.close()


@pytest.fixture(scope="session")
def hapi_server() -> Iterator[FhirServer]:
    """One that runs already (COPLAN_TEST_HAPI names its base), or one of our own."""
    if running := os.environ.get("COPLAN_TEST_HAPI"):
        yield FhirServer("hapi", running)
        return
    if reason := HapiServer.is_available():
        pytest.skip(f"HAPI FHIR cannot run here: {reason}")
    with HapiServer() as hapi:
        yield FhirServer("hapi", hapi.base_url)


@pytest.fixture(params=["embedded", pytest.param("hapi", marks=pytest.mark.hapi)])
def fhir_server(request: pytest.FixtureRequest) -> FhirServer:
    """Each test that asks for it runs unchanged on both."""
    server: FhirServer = request.getfixturevalue(f"{request.param}_server")
    return server


@asynccontextmanager
async def open_test_decisions(server: FhirServer, fhir: FhirGateway) -> AsyncIterator[DecisionServices]:
    """The rules that CoPlan comes with, and an EHR as CDS client whose FHIR server is ours."""
    async with open_http(20, transport=server.transport) as http:
        servers = AllowedServers(
            {server.base_url: http}, own_base=server.base_url, own=fhir, deadline=timedelta(seconds=60)
        )
        yield DecisionServices(conflict_rules(), published, CdsClientVerifier(EHR.clients, MemoryNonces()), servers)


@asynccontextmanager
async def open_test_services(
    server: FhirServer,
    organization: str | None = None,
    rights: Rights | None = None,
    clock: MovableClock | None = None,
    **switches: Any,
) -> AsyncIterator[Services]:
    """As the sandbox opens them, on this server."""
    settings = Settings(
        fhir_base_url=server.base_url,
        organization=organization,
        plan_kept_for=timedelta(seconds=10),
        cds_base_url=EHR.service,
        cds_app_url=EHR.app,
        cds_budget=timedelta(seconds=60),
        **switches,
    )
    verifier = SmartTokenVerifier(ISSUER.issuers, audience=AUDIENCE, fhir_base_url=server.base_url)
    deadline = timedelta(seconds=60)
    async with AsyncExitStack() as stack:
        fhir = await stack.enter_async_context(
            open_fhir_client(server.base_url, deadline=deadline, transport=server.transport)
        )
        decisions = await stack.enter_async_context(open_test_decisions(server, fhir))
        cache, replies = MemoryCache(), MemoryIdempotencyKeys()
        yield Services(
            settings,
            fhir,
            verifier,
            cache,
            replies,
            clock or MovableClock(),
            rights=rights or Rights(),
            decisions=decisions,
        )


def app_with(services: Services) -> FastAPI:
    """The application with services that are open already: ASGITransport runs no lifespan."""
    app = create_app(lambda: pytest.fail("the lifespan does not run here"))
    app.state.services = services
    return app


def fhir_http(server: FhirServer) -> httpx.AsyncClient:
    """The FHIR server itself, as a plain EHR sees it."""
    headers = {"Accept": "application/fhir+json", "Content-Type": "application/fhir+json"}
    return httpx.AsyncClient(
        transport=server.transport, base_url=f"{server.base_url}/", headers=headers, timeout=60, trust_env=False
    )


@pytest.fixture
async def world(fhir_server: FhirServer) -> AsyncIterator[World]:
    """New people on this server, and the service for them."""
    async with open_world(fhir_server) as world:
        yield world


@pytest.fixture
async def embedded_world(embedded_server: FhirServer) -> AsyncIterator[World]:
    """The same for what is settled before any FHIR server is asked: on the embedded one alone."""
    async with open_world(embedded_server) as world:
        yield world


@asynccontextmanager
async def open_world(fhir_server: FhirServer, rights: Rights | None = None, **switches: Any) -> AsyncIterator[World]:
    """New people on this server, and the service for them, with settings of one's own."""
    suffix = uuid4().hex[:12]
    async with AsyncExitStack() as stack:
        fhir = await stack.enter_async_context(fhir_http(fhir_server))
        seeded = await fhir.post(fhir_server.base_url, content=encode(record(suffix)))
        assert seeded.status_code == 200, seeded.text
        clock = MovableClock()
        opened = open_test_services(fhir_server, f"Organization/clinic-{suffix}", rights, clock, **switches)
        services = await stack.enter_async_context(opened)
        transport = httpx.ASGITransport(app_with(services))
        http = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://coplan.test"))

        def person(resource_type: str, short: str, name: str) -> Person:
            reference = f"{resource_type}/{short}-{suffix}"
            return Person(http, reference, ISSUER.token(reference, name=name))

        yield World(
            patient=f"ann-{suffix}",
            child=f"mia-{suffix}",
            stranger=f"zoe-{suffix}",
            diabetic=f"dev-{suffix}",
            ann=person("Patient", "ann", "Ann Ahl"),
            bo=person("Practitioner", "bo", "Dr Bo Berg"),
            nora=person("Practitioner", "nora", "Nora Nyby"),
            rosa=person("RelatedPerson", "rosa", "Rosa Moss"),
            mia=person("Patient", "mia", "Mia Moss"),
            dev=person("Patient", "dev", "Dev Das"),
            other=person("Patient", "zoe", "Zoe Zahl"),
            fhir=fhir,
            suffix=suffix,
            clock=clock,
        )
