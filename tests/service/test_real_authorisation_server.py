"""With a real authorisation server: users' tokens, our own, exchanged ones; the FHIR server believes its own only."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from fhir_mappings.carrier import encode
from service.app import open_services
from service.gateways.client_keys import ClientKeys
from service.gateways.embedded_fhir import create_embedded_store
from service.gateways.smart_tokens import INTROSPECTED_FOR
from service.settings import Settings
from tests.conftest import app_with
from tests.oauth_server import AuthorizationServer
from tests.people import Person, record, said
from tests.processes import free_port, served

AUDIENCE = "https://coplan.test"
KEYS = ClientKeys.generated()


@dataclass(slots=True)
class Believing:
    """A FHIR server that serves only tokens that its authorisation server issued for it; notes whose they were."""

    store: Any
    base_url: str
    keys: KeySet | None = None
    issuer: str = ""
    audience: str = ""
    callers: list[str] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = self._status(dict(scope["headers"]).get(b"authorization", b"").decode())
        await (self.store if status == 200 else Response(status_code=status))(scope, receive, send)

    def _status(self, authorization: str) -> int:
        if self.keys is None:
            return 200
        try:
            claims = jwt.decode(authorization.removeprefix("Bearer "), self.keys, algorithms=["ES384"]).claims
        except Exception:
            return 401
        if claims["iss"] != self.issuer or claims["aud"] != self.audience:
            return 401
        caller = claims.get("fhirUser") or claims["client_id"]
        self.callers.append(caller)
        return 403 if caller in self.refuses else 200


@dataclass(frozen=True, slots=True)
class Place:
    """The three servers, with people on the FHIR server."""

    auth: AuthorizationServer
    fhir: Believing
    suffix: str

    @asynccontextmanager
    async def service(self, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
        """The service as its operator sets it up."""
        given = Settings(
            fhir_base_url=self.fhir.base_url,
            token_endpoint=self.auth.token_endpoint,
            client_id="coplan",
            client_keys="{}",
            **{"audience": AUDIENCE, "issuers": {self.auth.issuer: self.auth.jwks_url}, **settings},
        )
        async with open_services(given, keys=KEYS) as services:
            transport = httpx.ASGITransport(app_with(replace(services, audit=None)))
            async with httpx.AsyncClient(transport=transport, base_url="http://coplan.test") as http:
                yield http

    def person(self, http: httpx.AsyncClient, reference: str) -> Person:
        return Person(http, reference, self.auth.log_in(reference))

    @property
    def ann(self) -> str:
        return f"Patient/ann-{self.suffix}"


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    if reason := AuthorizationServer.is_available():
        pytest.skip(reason)
    port, suffix = free_port(), uuid4().hex[:12]
    store = create_embedded_store(origin=f"http://127.0.0.1:{port}")
    fhir = Believing(store, store.base_url)
    with (
        served(fhir, port),
        AuthorizationServer(client_keys=KEYS.public, fhir=store.base_url, audience=AUDIENCE) as auth,
    ):
        httpx.post(store.base_url, content=encode(record(suffix)), trust_env=False).raise_for_status()
        fhir.keys = KeySet.import_key_set(httpx.get(auth.jwks_url, trust_env=False).json())
        fhir.issuer, fhir.audience = auth.issuer, store.base_url
        yield Place(auth, fhir, suffix)
    store.close()


@pytest.fixture(autouse=True)
def forgotten(place: Place) -> None:
    place.fhir.callers.clear()
    place.fhir.refuses.clear()


async def test_a_users_token_is_verified_by_the_issuers_keys(place: Place) -> None:
    async with place.service(upstream_identity="backend-services") as http:
        me = await place.person(http, place.ann).sees("/v1/me")
        forged = place.auth.log_in(place.ann)[:-6] + "AAAAAA"
        answer = await http.get("/v1/me", headers={"Authorization": f"Bearer {forged}"})

    assert (me["actor"], me["clientId"], me["patients"]) == (place.ann, "portal", [place.ann])
    assert "patient/*.cruds" in me["scopes"]
    assert answer.status_code == 401


async def test_as_a_system_the_service_asks_with_its_own_token(place: Place) -> None:
    async with place.service(upstream_identity="backend-services") as http:
        ann = place.person(http, place.ann)
        offer = await ann.proposes(place.ann.partition("/")[2], "Walk")
        await place.person(http, f"Practitioner/bo-{place.suffix}").acts(offer, "accept")

    assert set(place.fhir.callers) == {"coplan"}


async def test_a_token_for_the_fhir_server_is_passed_through(place: Place) -> None:
    """As SMART has it: the audience is the FHIR server, and this service answers to the same."""
    base = place.fhir.base_url
    async with place.service(upstream_identity="pass-through", audience=base) as http:
        ann = Person(http, place.ann, place.auth.log_in(place.ann, scope="openid patient/*.cruds", audience=base))
        await ann.proposes(place.ann.partition("/")[2], "Walk")

    assert set(place.fhir.callers) == {place.ann}


async def test_an_exchanged_token_speaks_for_the_caller(place: Place) -> None:
    async with place.service(upstream_identity="token-exchange", upstream_audience=place.fhir.base_url) as http:
        await place.person(http, place.ann).proposes(place.ann.partition("/")[2], "Walk")
        assert set(place.fhir.callers) == {place.ann}
        bo = f"Practitioner/bo-{place.suffix}"
        await place.person(http, bo).sees(f"/v1/patients/{place.ann.partition('/')[2]}/plan")
    assert set(place.fhir.callers) == {place.ann, bo}


async def test_what_the_fhir_server_refuses_a_user_nobody_else_is_asked_for(place: Place) -> None:
    place.fhir.refuses.add(place.ann)
    async with place.service(upstream_identity="token-exchange", upstream_audience=place.fhir.base_url) as http:
        ann = place.person(http, place.ann)
        patient = place.ann.partition("/")[2]
        read = await ann.get(f"/v1/patients/{patient}/plan")
        write = await ann.post(f"/v1/patients/{patient}/goals", {"description": "Walk"})

    assert {read.status_code, write.status_code} <= {403, 404}
    assert set(place.fhir.callers) == {place.ann}


async def test_a_token_for_us_is_none_for_the_fhir_server(place: Place) -> None:
    """Pass-through is for FHIR servers that share our audience; this one does not."""
    async with place.service(upstream_identity="pass-through") as http:
        answer = await place.person(http, place.ann).get(f"/v1/patients/{place.ann.partition('/')[2]}/plan")

    assert said(answer, 401)["type"] == "urn:coplan:problem:not-authenticated"
    assert place.fhir.callers == []


async def test_an_audience_that_the_server_does_not_know_is_our_mistake_and_not_the_callers(place: Place) -> None:
    async with place.service(upstream_identity="token-exchange", upstream_audience="https://other.test") as http:
        answer = await place.person(http, place.ann).get(f"/v1/patients/{place.ann.partition('/')[2]}/plan")

    assert said(answer, 502)["type"] == "urn:coplan:problem:fhir-server-refused"
    assert place.fhir.callers == []


async def test_an_opaque_token_is_asked_about_with_our_keys_until_it_is_revoked(place: Place) -> None:
    """The authorisation server shares no secret with this service: it knows its published keys."""
    auth = place.auth
    issuer = {"introspection": auth.introspection, "client_id": "coplan", "opaque": True}
    settings = {
        "issuers": {auth.issuer: issuer},
        "audience": auth.opaque_audience,
        "upstream_identity": "backend-services",
    }
    async with place.service(**settings) as http:
        ann = Person(http, place.ann, auth.log_in(place.ann, audience=auth.opaque_audience))
        me = await ann.sees("/v1/me")
        again = await ann.sees("/v1/me")
        auth.revoke(ann.token)
        services: Any = http._transport.app.state.services  # type: ignore[attr-defined]
        later = time.monotonic() + INTROSPECTED_FOR.total_seconds()
        services.verifier._kept._clock = lambda: later
        refused = await ann.get("/v1/me")

    assert "." not in ann.token
    assert (me["actor"], me["clientId"], me["patients"]) == (place.ann, "portal", [place.ann])
    assert again == me
    assert refused.status_code == 401


def test_a_proof_is_taken_once(place: Place) -> None:
    form = {
        "grant_type": "client_credentials",
        "scope": "system/*.rs",
        **KEYS.proof("coplan", place.auth.token_endpoint),
    }
    first, again = (httpx.post(place.auth.token_endpoint, data=form, trust_env=False) for _ in range(2))

    assert first.json()["token_type"] == "Bearer"
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("keys", "endpoint"),
    [
        pytest.param(ClientKeys.generated(), None, id="keys that are not registered"),
        pytest.param(KEYS, "https://elsewhere.test/token", id="a proof for another server"),
    ],
)
def test_other_proofs_are_not_taken(place: Place, keys: ClientKeys, endpoint: str | None) -> None:
    form = {
        "grant_type": "client_credentials",
        **keys.proof("coplan", endpoint or place.auth.token_endpoint),
    }
    answer = httpx.post(place.auth.token_endpoint, data=form, trust_env=False)

    assert answer.json()["error"] == "invalid_client"
