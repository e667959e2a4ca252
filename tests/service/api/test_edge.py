"""What is refused before anything is known of the caller, and how often the known ones may ask."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Query

from service.api.bodies import StrictRoute
from service.api.dependencies import Services
from service.api.edge import Edge
from service.api.problems import problem_response
from service.app import create_app
from service.errors import CoPlanError
from service.gateways.rate_limits import CountedRateLimits
from tests.conftest import ISSUER, FhirServer, open_test_services
from tests.people import World, said

ANN = {"Authorization": f"Bearer {ISSUER.token('Patient/ann')}"}
BO = {"Authorization": f"Bearer {ISSUER.token('Practitioner/bo')}"}


@pytest.fixture
def world(embedded_world: World) -> World:
    """What is refused at the edge reaches no FHIR server."""
    return embedded_world


@asynccontextmanager
async def at(server: FhirServer, edge: Edge | None = None, **changes: Any) -> AsyncIterator[httpx.AsyncClient]:
    """The service with this edge, and a client of it."""
    async with open_test_services(server) as services:
        transport = httpx.ASGITransport(_app(replace(services, **changes), edge))
        async with httpx.AsyncClient(transport=transport, base_url="http://coplan.test") as http:
            yield http


def _app(services: Services, edge: Edge | None) -> Any:
    app = create_app(lambda: pytest.fail("the lifespan does not run here"), edge)
    app.state.services = services
    return app


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("coplan.test", 200),
        ("COPLAN.test:8443", 200),
        ("coplan.test.", 200),
        ("a.portal.test", 200),
        ("portal.test", 421),
        ("evil.test", 421),
        ("coplan.test.evil.test", 421),
        ("evilportal.test", 421),
        ("coplan.test@evil.test", 421),
        ("127.0.0.1", 421),
        ("", 421),
    ],
)
async def test_a_host_that_is_not_ours_is_not_served(embedded_server: FhirServer, host: str, status: int) -> None:
    edge = Edge(hosts=frozenset({"coplan.test", "*.portal.test"}))
    async with at(embedded_server, edge) as http:
        answer = await http.get("/v1/me", headers={**ANN, "Host": host})
        assert answer.status_code == status
        assert (await http.get("/livez", headers={"Host": "10.1.2.3"})).status_code == 200


async def test_two_hosts_are_none(embedded_server: FhirServer) -> None:
    async with at(embedded_server, Edge(hosts=frozenset({"coplan.test"}))) as http:
        headers = [("Host", "coplan.test"), ("Host", "evil.test"), *ANN.items()]
        assert (await http.get("/v1/me", headers=headers)).status_code == 421


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PROPFIND", "get", "X" * 200])
async def test_a_method_that_nothing_has_is_not_allowed(embedded_server: FhirServer, method: str) -> None:
    async with at(embedded_server) as http:
        answer = await http.request(method.encode(), "/v1/me", headers=ANN)  # type: ignore[arg-type]  # as it comes
    assert answer.status_code in {200, 405}
    assert answer.status_code == 405 or method == "get"  # httpx writes it large
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
async def test_a_method_cannot_be_passed_off_as_another(world: World, header: str) -> None:
    path = f"/v1/patients/{world.patient}/goals"
    answer = await world.ann.get(path, **{header: "POST"})
    assert said(answer, 200) == {"goals": []}
    assert (await world.ann.post(f"{path}?_method=GET", {"description": "x"})).status_code == 400
    assert await world.found(f"Goal?patient=Patient/{world.patient}") == []


async def test_more_requests_than_fit_are_shed_and_the_rest_are_served(embedded_server: FhirServer) -> None:
    released = asyncio.Event()

    class Slow:
        async def read(self, *_: str) -> Any:
            await released.wait()
            return {"resourceType": "Goal", "id": "x"}

    async with at(embedded_server, Edge(at_once=3), fhir=Slow()) as http:
        inside = [asyncio.create_task(http.get("/v1/goals/x", headers=ANN)) for _ in range(3)]
        await asyncio.sleep(0.05)
        shed = await http.get("/v1/goals/x", headers=ANN)
        alive = await http.get("/livez")
        released.set()
        statuses = [answer.status_code for answer in await asyncio.gather(*inside)]
        after = await http.get("/v1/me", headers=ANN)
    assert said(shed, 503)["type"] == "urn:coplan:problem:overloaded"
    assert shed.headers["Retry-After"] == "1"
    assert (alive.status_code, after.status_code) == (200, 200)
    assert 503 not in statuses


@pytest.mark.parametrize("first", [b"", b'{"description":'])
async def test_a_body_that_does_not_arrive_is_not_waited_for(embedded_server: FhirServer, first: bytes) -> None:
    async def drip() -> AsyncIterator[bytes]:
        yield first
        await asyncio.sleep(60)
        yield b"x"

    async with open_test_services(embedded_server) as services:
        app = _app(services, Edge(body_deadline=timedelta(milliseconds=50)))
        status, headers = await _status_of(app, drip())
    assert status == 408
    assert headers[b"connection"] == b"close"


async def _status_of(app: Any, body: AsyncIterator[bytes]) -> tuple[int, dict[bytes, bytes]]:
    """Over ASGI itself, for httpx reads a body to its end before it sends any of it."""
    started: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": await anext(body), "more_body": True}

    async def send(message: Any) -> None:
        started.append(message)

    headers = {**ANN, "Content-Type": "application/json", "Idempotency-Key": "k", "Host": "coplan.test"}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/v1/patients/ann/goals",
        "raw_path": b"/v1/patients/ann/goals",
        "query_string": b"",
        "scheme": "http",
        "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        "client": ("192.0.2.1", 1),
        "server": ("coplan.test", 80),
        "root_path": "",
    }
    async with asyncio.timeout(5):
        await app(scope, receive, send)
    return started[0]["status"], dict(started[0]["headers"])


@pytest.mark.parametrize(
    "query",
    [
        "patient=Patient/zoe",
        "_has:Observation:patient:code=x",
        "_include=*",
        "_revinclude=Provenance:target",
        "_filter=x",
        "_query=x",
        "_contained=both",
        "status:not=active",
        "status:missing=true",
        "status.x=1",
        "subject:Patient.name=x",
        "_id=a,b",
        "_format=json",
        "_summary=count",
        "_total=accurate",
        "status=active;patient=zoe",
        "status=active%26patient=zoe",
        "status=active,completed",
        "status=",
        "Status=active",
        "status%00=active",
        "st%C3%A4tus=active",
        "%FF=x",
        "&&x",
        "status[]=active",
        "__proto__=1",
    ],
)
async def test_a_parameter_that_is_not_on_the_list_is_refused(world: World, query: str) -> None:
    answer = await world.ann.get(f"/v1/patients/{world.patient}/goals?{query}")

    assert answer.status_code in {400, 422}
    assert "zoe" not in answer.text
    assert (await world.ann.get(f"/v1/patients/{world.patient}/plan?{query}")).status_code == 400


async def test_a_list_may_come_twice_and_nothing_else() -> None:
    app = FastAPI()
    router = APIRouter(route_class=StrictRoute)

    @router.get("/found")
    async def found(
        word: str = "", codes: Annotated[list[str] | None, Query()] = None, most: Annotated[int | None, Query()] = None
    ) -> list[Any]:
        return [word, codes, most]

    app.include_router(router)
    app.add_exception_handler(CoPlanError, problem_response)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://coplan.test") as http:
        assert (await http.get("/found?word=a&codes=b&codes=c&most=1")).json() == ["a", ["b", "c"], 1]
        for query in ("word=a&word=b", "most=1&most=1", "other=1"):
            assert (await http.get(f"/found?{query}")).status_code == 400


async def test_each_principal_has_an_allowance_of_its_own_and_is_told_of_it(embedded_server: FhirServer) -> None:
    async with at(embedded_server, limits=CountedRateLimits(per_minute=3, refused_per_minute=2)) as http:
        answers = [await http.get("/v1/me", headers=ANN) for _ in range(4)]
        assert [a.status_code for a in answers] == [200, 200, 200, 429]
        assert [a.headers["RateLimit"].partition(";t=")[0] for a in answers] == [
            '"default";r=2',
            '"default";r=1',
            '"default";r=0',
            '"default";r=0',
        ]
        assert answers[0].headers["RateLimit-Policy"] == '"default";q=3;w=60'
        assert said(answers[3], 429)["type"] == "urn:coplan:problem:too-many-requests"
        assert 1 <= int(answers[3].headers["Retry-After"]) <= 60
        assert (await http.get("/v1/me", headers=BO)).status_code == 200
        forwarded = {**ANN, "X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9", "Forwarded": "for=x"}
        assert (await http.get("/v1/me", headers=forwarded)).status_code == 429
        another_token = {"Authorization": f"Bearer {ISSUER.token('Patient/ann', name='Ann')}"}
        assert (await http.get("/v1/me", headers=another_token)).status_code == 429
        assert (await http.get("/livez")).status_code == 200


async def test_whoever_fails_to_identify_is_slowed_down_and_nobody_else_is(embedded_server: FhirServer) -> None:
    async with at(embedded_server, limits=CountedRateLimits(per_minute=9, refused_per_minute=2)) as http:
        refused = [await http.get("/v1/me", headers={"Authorization": f"Bearer {n}"}) for n in range(4)]
        assert [a.status_code for a in refused] == [401, 401, 429, 429]
        assert (await http.get("/v1/me", headers=ANN)).status_code == 200


async def test_pages_of_named_origins_may_call(embedded_server: FhirServer) -> None:
    edge = Edge(origins=frozenset({"https://portal.test"}))
    async with at(embedded_server, edge) as http:
        ours = await http.get("/v1/me", headers={**ANN, "Origin": "https://portal.test"})
        theirs = await http.get("/v1/me", headers={**ANN, "Origin": "https://evil.test"})
        asked = await http.options(
            "/v1/me",
            headers={
                "Origin": "https://portal.test",
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization, idempotency-key, if-match",
            },
        )
    assert ours.headers["Access-Control-Allow-Origin"] == "https://portal.test"
    assert "Access-Control-Allow-Credentials" not in ours.headers
    assert "Authorization" in ours.headers["Vary"]
    assert "Access-Control-Allow-Origin" not in theirs.headers
    assert asked.status_code == 200


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/static-offline-docs/swagger-ui.css"])
async def test_pages_about_the_api_can_be_closed(embedded_server: FhirServer, path: str) -> None:
    async with at(embedded_server) as http:
        assert (await http.get(path)).status_code == 200
    async with at(embedded_server, Edge(docs=False)) as http:
        assert (await http.get(path)).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/v1/goals/../me",
        "/v1//me",
        "/v1/me/",
        "/V1/me",
        "/v1/me%2f",
        "/v1/%2e%2e/v1/me",
        "/v1/me;x=1",
        "/.git/config",
        "/metadata",
        "/Patient/ann",
        "/fhir/Patient/ann/$everything",
        "/metrics",
        "/v1/goals/%00",
        "/v1/goals/a%2Fb",
        "/v1/goals/a,b",
        "/v1/goals/" + "x" * 65,
        "/v1/goals/é",
        "/v1/patients/*/plan",
        "/v1/patients/ann%0d%0aX-Evil:1/plan",
    ],
)
async def test_a_path_that_is_none_is_not_found(embedded_server: FhirServer, path: str) -> None:
    async with at(embedded_server) as http:
        answer = await http.get(path, headers=BO)
    assert answer.status_code in ({200} if path == "/v1/goals/../me" else {404})  # httpx resolves it: that is /v1/me
    assert "X-Evil" not in answer.headers
    assert answer.headers["Cache-Control"] == "private, no-store"
