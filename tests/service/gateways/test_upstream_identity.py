"""Each way to ask the FHIR server: which token it gets, when a new one is fetched, and what is never tried."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import respx
from joserfc import jwt
from joserfc.jwk import KeySet

from service import errors
from service.gateways.client_keys import ASSERTION_TYPE, ClientKeys
from service.gateways.fhir_client import FhirClient
from service.gateways.upstream_identity import (
    MAX_EXCHANGED,
    BackendServices,
    Fixed,
    PassThrough,
    TokenEndpoint,
    TokenExchange,
)
from service.ports import Credentials

BASE, TOKENS = "https://fhir.test/fhir", "https://auth.test/token"
KEYS = ClientKeys.generated()
GOAL = {"resourceType": "Goal", "id": "g1", "subject": {"reference": "Patient/ann"}}
CALLER = "callers-own-token"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(follow_redirects=False) as client:
        yield client


@pytest.fixture
def endpoint(http: httpx.AsyncClient, clock: Clock) -> TokenEndpoint:
    return TokenEndpoint(http, TOKENS, client_id="coplan", keys=KEYS, clock=clock)


Ask = Callable[[Credentials], FhirClient]


@pytest.fixture
def asked_with(http: httpx.AsyncClient) -> Ask:
    server = FhirClient(http, BASE, deadline=timedelta(seconds=1))
    return server.with_credentials


def issues(*tokens: str, lifetime: Any = 300) -> respx.Route:
    """Each after a moment, in which other requests go on."""
    waiting = list(tokens)

    async def answer(_: httpx.Request) -> httpx.Response:
        token = waiting.pop(0)
        await asyncio.sleep(0.002)
        return httpx.Response(200, json={"access_token": token, "token_type": "Bearer", "expires_in": lifetime})

    return respx.post(TOKENS).mock(side_effect=answer)


def form(call: respx.models.Call) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(call.request.content.decode()).items()}


def sent(route: respx.Route) -> list[str | None]:
    return [call.request.headers.get("Authorization") for call in route.calls]


@respx.mock
async def test_what_the_operator_has_set_is_sent_and_nothing_where_nothing_is_set(asked_with: Ask) -> None:
    route = respx.get(f"{BASE}/Goal/g1").mock(return_value=httpx.Response(200, json=GOAL))
    await asked_with(Fixed("Basic abc")).read("Goal", "g1")
    await asked_with(Fixed()).read("Goal", "g1")

    assert sent(route) == ["Basic abc", None]


@respx.mock
async def test_two_callers_at_once_each_speak_with_their_own_token(asked_with: Ask) -> None:
    async def answers_slowly(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.005)
        goal_id = request.url.path.rpartition("/")[2]
        assert request.headers["Authorization"] == f"Bearer token-of-{goal_id}"
        return httpx.Response(200, json={**GOAL, "id": goal_id})

    respx.get(url__startswith=f"{BASE}/Goal/").mock(side_effect=answers_slowly)
    clients = {f"g{n}": asked_with(PassThrough(f"token-of-g{n}")) for n in range(40)}
    found = await asyncio.gather(*(client.read("Goal", goal_id) for goal_id, client in clients.items()))

    assert [goal["id"] for goal in found] == list(clients)


@respx.mock
async def test_all_callers_share_the_pause_and_the_capabilities_of_the_server(asked_with: Ask) -> None:
    statement = respx.get(f"{BASE}/metadata").mock(
        return_value=httpx.Response(200, json={"resourceType": "CapabilityStatement"})
    )
    await asked_with(PassThrough("a")).capabilities()
    await asked_with(PassThrough("b")).capabilities()
    assert statement.call_count == 1
    busy = respx.get(f"{BASE}/Goal/g1").mock(return_value=httpx.Response(503, headers={"Retry-After": "9"}))
    for token in ("a", "b"):
        with pytest.raises(errors.UpstreamUnavailable):
            await asked_with(PassThrough(token)).read("Goal", "g1")
    assert busy.call_count == 1


@pytest.mark.parametrize(
    ("status", "read", "write"),
    [
        (401, errors.NotAuthenticated, errors.NotAuthenticated),
        (403, errors.ResourceNotFound, errors.NotPermitted),
    ],
)
@respx.mock
async def test_what_the_server_refuses_a_user_is_refused_and_tried_with_nothing_else(
    asked_with: Ask, status: int, read: type[Exception], write: type[Exception]
) -> None:
    gets = respx.get(f"{BASE}/Goal/g1").mock(return_value=httpx.Response(status))
    posts = respx.post(f"{BASE}/Goal/_search").mock(return_value=httpx.Response(status))
    client = asked_with(PassThrough(CALLER))
    with pytest.raises(read):
        await client.read("Goal", "g1")
    with pytest.raises(write):
        await client.search("Goal", [("patient", "Patient/ann")])
    assert sent(gets) == sent(posts) == [f"Bearer {CALLER}"]


@respx.mock
async def test_our_own_token_is_asked_for_once_and_again_when_it_ends(
    endpoint: TokenEndpoint, asked_with: Ask, clock: Clock
) -> None:
    tokens = issues("t1", "t2")
    goals = respx.get(f"{BASE}/Goal/g1").mock(return_value=httpx.Response(200, json=GOAL))
    client = asked_with(BackendServices(endpoint, scope="system/Goal.rs"))
    await asyncio.gather(*(client.read("Goal", "g1") for _ in range(20)))
    assert tokens.call_count == 1
    clock.now += 289
    await client.read("Goal", "g1")
    clock.now += 1
    await client.read("Goal", "g1")
    assert sent(goals)[-2:] == ["Bearer t1", "Bearer t2"]


@respx.mock
async def test_the_client_proves_itself_once_for_each_token(endpoint: TokenEndpoint, clock: Clock) -> None:
    tokens = issues("t1", "t2", lifetime=1)
    own = BackendServices(endpoint, scope="system/Goal.rs")
    await own.header()
    clock.now += 2
    await own.header()
    asked = [form(call) for call in tokens.calls]

    assert [(f["grant_type"], f["scope"]) for f in asked] == [("client_credentials", "system/Goal.rs")] * 2
    assert {f["client_assertion_type"] for f in asked} == {ASSERTION_TYPE}
    public: Any = KEYS.public
    proofs = [jwt.decode(f["client_assertion"], KeySet.import_key_set(public), ["ES384"]) for f in asked]
    for proof in proofs:
        assert proof.claims["iss"] == proof.claims["sub"] == "coplan"
        assert proof.claims["aud"] == TOKENS
        assert 0 < proof.claims["exp"] - proof.claims["iat"] <= 300
        assert (proof.header["typ"], proof.header["kid"]) == ("JWT", KEYS.public["keys"][0]["kid"])
    assert proofs[0].claims["jti"] != proofs[1].claims["jti"]


@respx.mock
async def test_a_token_of_ours_that_is_refused_is_renewed_once(
    endpoint: TokenEndpoint, asked_with: Ask, clock: Clock
) -> None:
    tokens = issues("t1", "t2", "t3")
    goals = respx.get(f"{BASE}/Goal/g1").mock(side_effect=[httpx.Response(401), httpx.Response(200, json=GOAL)])
    own = BackendServices(endpoint, scope="system/*.rs")
    await own.header()
    clock.now += 60
    assert await asked_with(own).read("Goal", "g1") == GOAL
    assert sent(goals) == ["Bearer t1", "Bearer t2"]

    clock.now += 60
    goals.mock(side_effect=[httpx.Response(401), httpx.Response(401)])
    with pytest.raises(errors.UpstreamRefused):
        await asked_with(own).read("Goal", "g1")
    assert tokens.call_count == 3


@respx.mock
async def test_a_server_that_refuses_every_token_costs_one_token_for_all_callers(
    endpoint: TokenEndpoint, asked_with: Ask, clock: Clock
) -> None:
    tokens = issues("t1", "t2", "t3", "t4")
    respx.get(f"{BASE}/Goal/g1").mock(return_value=httpx.Response(401))
    own = BackendServices(endpoint, scope="system/*.rs")
    await own.header()
    clock.now += 60
    refused = await asyncio.gather(*(asked_with(own).read("Goal", "g1") for _ in range(30)), return_exceptions=True)

    assert {type(r) for r in refused} == {errors.UpstreamRefused}
    assert tokens.call_count == 2


@respx.mock
async def test_a_system_that_is_forbidden_is_our_problem_and_never_the_callers(
    endpoint: TokenEndpoint, asked_with: Ask
) -> None:
    issues("t1")
    respx.get(f"{BASE}/Goal/g1").mock(return_value=httpx.Response(403))
    with pytest.raises(errors.UpstreamRefused):
        await asked_with(BackendServices(endpoint, scope="system/*.rs")).read("Goal", "g1")


@respx.mock
async def test_each_caller_has_one_exchanged_token(endpoint: TokenEndpoint, asked_with: Ask) -> None:
    tokens = issues("for-a", "for-b")
    goals = respx.get(f"{BASE}/Goal/g1").mock(return_value=httpx.Response(200, json=GOAL))
    exchange = TokenExchange(endpoint, audience=BASE, scope="patient/*.rs")
    for caller in ("a", "a", "b", "a"):
        await asked_with(exchange.for_caller(caller)).read("Goal", "g1")

    assert sent(goals) == ["Bearer for-a", "Bearer for-a", "Bearer for-b", "Bearer for-a"]
    asked = form(tokens.calls[0])
    assert asked["grant_type"] == "urn:ietf:params:oauth:grant-type:token-exchange"
    assert (asked["subject_token"], asked["audience"], asked["scope"]) == ("a", BASE, "patient/*.rs")
    assert asked["subject_token_type"] == "urn:ietf:params:oauth:token-type:access_token"


@respx.mock
async def test_many_requests_of_one_caller_exchange_once(endpoint: TokenEndpoint) -> None:
    tokens = issues("x1", "x2")
    exchange = TokenExchange(endpoint, audience=BASE)
    headers = await asyncio.gather(*(exchange.header(CALLER) for _ in range(20)))

    assert set(headers) == {"Bearer x1"}
    assert tokens.call_count == 1


@respx.mock
async def test_an_exchanged_token_that_is_refused_is_renewed_once_then_it_is_a_502(
    endpoint: TokenEndpoint, asked_with: Ask, clock: Clock
) -> None:
    tokens = issues("x1", "x2")
    respx.get(f"{BASE}/Goal/g1").mock(return_value=httpx.Response(401))
    credentials = TokenExchange(endpoint, audience=BASE).for_caller(CALLER)
    await credentials.header()
    clock.now += 60
    with pytest.raises(errors.UpstreamRefused):
        await asked_with(credentials).read("Goal", "g1")
    with pytest.raises(errors.UpstreamRefused):
        await asked_with(credentials).read("Goal", "g1")
    assert tokens.call_count == 2


@respx.mock
async def test_what_an_exchanged_token_may_not_is_not_tried_with_the_systems(
    endpoint: TokenEndpoint, asked_with: Ask
) -> None:
    tokens = issues("x1", "system")
    respx.post(f"{BASE}/Goal/_search").mock(return_value=httpx.Response(403))
    with pytest.raises(errors.NotPermitted):
        await asked_with(TokenExchange(endpoint, audience=BASE).for_caller(CALLER)).search("Goal", [])
    assert [form(c)["grant_type"].rpartition(":")[2] for c in tokens.calls] == ["token-exchange"]


@respx.mock
async def test_a_caller_for_whom_there_is_no_token_is_told_so_and_not_that_nothing_is_there(
    endpoint: TokenEndpoint, asked_with: Ask
) -> None:
    respx.post(TOKENS).mock(return_value=oauth_error("invalid_grant"))
    with pytest.raises(errors.NotPermitted, match="gives no access"):
        await asked_with(TokenExchange(endpoint, audience=BASE).for_caller(CALLER)).read("Goal", "g1")


@respx.mock
async def test_exchanged_tokens_are_kept_for_so_many_callers_only(endpoint: TokenEndpoint) -> None:
    tokens = respx.post(TOKENS).mock(
        return_value=httpx.Response(200, json={"access_token": "x", "token_type": "bearer"})
    )
    exchange = TokenExchange(endpoint, audience=BASE)
    for number in range(MAX_EXCHANGED + 1):
        await exchange.header(str(number))
    await exchange.header(str(MAX_EXCHANGED))
    await exchange.header("0")

    assert tokens.call_count == MAX_EXCHANGED + 2


def oauth_error(code: str, status: int = 400) -> httpx.Response:
    return httpx.Response(status, json={"error": code, "error_description": "secret-value"})


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(oauth_error("invalid_grant"), errors.NotPermitted, id="the caller's token is not good enough"),
        pytest.param(oauth_error("invalid_request"), errors.NotPermitted, id="as RFC 8693 says it"),
        pytest.param(oauth_error("invalid_client", 401), errors.UpstreamRefused, id="our keys are not known"),
        pytest.param(oauth_error("invalid_scope"), errors.UpstreamRefused, id="our scopes"),
        pytest.param(oauth_error("invalid_target"), errors.UpstreamRefused, id="our audience"),
        pytest.param(oauth_error("<script>"), errors.UpstreamRefused, id="a code that is none"),
        pytest.param(httpx.Response(500, text="x"), errors.UpstreamUnavailable, id="crash"),
        pytest.param(httpx.Response(429), errors.UpstreamUnavailable, id="too many"),
        pytest.param(
            httpx.Response(302, headers={"Location": "https://evil.test"}), errors.UpstreamInvalid, id="redirect"
        ),
        pytest.param(httpx.Response(200, text="<html>"), errors.UpstreamInvalid, id="HTML"),
        pytest.param(httpx.Response(200, text="x" * 70_000), errors.UpstreamInvalid, id="no end"),
        pytest.param(httpx.Response(200, json=["x"]), errors.UpstreamInvalid, id="no object"),
        pytest.param(httpx.Response(200, json={"token_type": "Bearer"}), errors.UpstreamInvalid, id="no token"),
        pytest.param(
            httpx.Response(200, json={"access_token": "a b", "token_type": "Bearer"}),
            errors.UpstreamInvalid,
            id="a token that would split a header",
        ),
        pytest.param(
            httpx.Response(200, json={"access_token": "a", "token_type": "DPoP"}), errors.UpstreamInvalid, id="DPoP"
        ),
        pytest.param(
            httpx.Response(200, json={"access_token": "a", "token_type": "Bearer", "expires_in": -1}),
            errors.UpstreamInvalid,
            id="over already",
        ),
    ],
)
@respx.mock
async def test_an_authorisation_server_that_gives_no_token(
    endpoint: TokenEndpoint, answer: httpx.Response, error: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    respx.post(TOKENS).mock(return_value=answer)
    with pytest.raises(error) as raised:
        await TokenExchange(endpoint, audience=BASE).header(CALLER)
    assert "secret-value" not in str(raised.value) + capsys.readouterr().out
    assert CALLER not in str(raised.value)


@pytest.mark.parametrize(
    ("failure", "error"),
    [(httpx.ConnectError, errors.UpstreamUnavailable), (httpx.ReadTimeout, errors.UpstreamTimeout)],
)
@respx.mock
async def test_an_authorisation_server_that_is_away(
    endpoint: TokenEndpoint, failure: type[Exception], error: type[Exception]
) -> None:
    respx.post(TOKENS).mock(side_effect=failure)
    with pytest.raises(error):
        await BackendServices(endpoint, scope="x").header()


@pytest.mark.parametrize(
    ("resource_type", "resource_id"),
    [
        ("http:", "/evil.test/Patient/1"),
        ("Patient", "../../admin"),
        ("Patient", "1?_elements=id"),
        ("Patient", "1#x"),
        ("Patient", "%2e%2e"),
        ("Patient", "a/b"),
        ("..", "metadata"),
        ("Patient/1/Goal", "2"),
        ("Patient", ""),
        ("Patient", ".."),
        ("Patient", "é"),
    ],
)
@respx.mock
async def test_a_reference_that_is_no_path_goes_nowhere(asked_with: Ask, resource_type: str, resource_id: str) -> None:
    respx.route().mock(return_value=httpx.Response(200, json=GOAL))
    with pytest.raises(errors.ResourceNotFound):
        await asked_with(PassThrough(CALLER)).read(resource_type, resource_id)
    assert respx.calls.call_count == 0


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.test/fhir?page=2",
        "http://fhir.test/fhir?page=2",
        "https://fhir.test:444/fhir?page=2",
        "https://user@fhir.test/fhir?page=2",
        "https://fhir.test.evil.test/fhir?page=2",
        "//evil.test/fhir?page=2",
        "https://fhir.test/admin",
        "https://fhir.test/fhir/../admin",
        "https://fhir.test/fhir/%2e%2e/admin",
        "https://fhir.test/fhir/..%2fadmin",
        "https://fhir.test/fhir/..\\admin",
        "file:///etc/passwd",
    ],
)
@respx.mock
async def test_a_token_follows_no_link_to_elsewhere(asked_with: Ask, link: str) -> None:
    page = {"resourceType": "Bundle", "type": "searchset", "link": [{"relation": "next", "url": link}]}
    respx.post(f"{BASE}/Goal/_search").mock(return_value=httpx.Response(200, json=page))
    others = respx.route(method="GET").mock(return_value=httpx.Response(200, json=page))
    with pytest.raises(errors.UpstreamInvalid):
        await asked_with(PassThrough(CALLER)).search("Goal", [])
    assert others.call_count == 0
