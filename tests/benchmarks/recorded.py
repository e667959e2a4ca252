"""The very requests that CoPlan sends for one call."""

from collections.abc import Awaitable, Callable

import httpx

from tests.benchmarks.steps import Request, Steps
from tests.conftest import ISSUER, FhirServer, app_with, open_test_services
from tests.people import Person
from tests.workflow_pages.recording import Exchange, Recording


async def recorded(fhir: str, do: Callable[[Person], Awaitable[httpx.Response]]) -> Steps:
    """What a service in this process asks of the FHIR server while Ann does this."""
    recording = Recording(httpx.AsyncHTTPTransport())
    async with open_test_services(FhirServer("hapi", fhir, recording)) as services:
        transport = httpx.ASGITransport(app_with(services))
        async with httpx.AsyncClient(transport=transport, base_url="http://coplan.test") as http:
            answer = await do(Person(http, "Patient/ann", ISSUER.token("Patient/ann", name="Ann Ahl")))
    assert answer.is_success, answer.text
    count = max(e.step for e in recording.exchanges)
    return [[_request(e) for e in recording.exchanges if e.step == step + 1] for step in range(count)]


def _request(exchange: Exchange) -> Request:
    path = exchange.url.partition("/fhir/")[2]
    return exchange.method, path, exchange.content.decode()
