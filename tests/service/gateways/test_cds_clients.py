"""Tokens of CDS clients: for one endpoint, for a short time, and for once."""

import asyncio
import time
from base64 import urlsafe_b64encode
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import respx
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from fhir_mappings.carrier import encode
from service.errors import InvalidContent, NotAuthenticated
from service.gateways import cds_clients
from service.gateways.cds_clients import CdsClient, CdsClientVerifier
from service.gateways.cds_servers import AllowedServers
from service.gateways.fhir_client import FhirClient, open_http
from service.gateways.issuer_keys import FetchedKeys, KnownKeys
from service.gateways.memory_store import MemoryNonces
from service.logs import ALLOWED
from tests.ehr import EHR

PATH = "/cds-services/coplan-asked-first"
HERE = f"{EHR.service}{PATH}"


@pytest.fixture
def verifier() -> CdsClientVerifier:
    return CdsClientVerifier(EHR.clients, MemoryNonces())


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is logged of refused tokens."""
    written: list[dict[str, Any]] = []
    told = SimpleNamespace(info=lambda event, **fields: written.append({"event": event, **fields}))
    monkeypatch.setattr(cds_clients, "log", told)
    return written


@pytest.mark.parametrize(
    ("claims", "header", "rsa"),
    [
        pytest.param({}, {}, False, id="ES384"),
        pytest.param({}, {}, True, id="RS384"),
        pytest.param({"aud": [HERE]}, {}, False, id="a list of audiences"),
        pytest.param({"aud": ["https://x", HERE]}, {}, False, id="among others"),
        pytest.param({"tenant": "t"}, {"jku": EHR.jwks}, False, id="tenant, and our jku"),
    ],
)
async def test_a_token_for_here_is_taken(verifier: CdsClientVerifier, claims: Any, header: Any, rsa: bool) -> None:
    assert await verifier.verify(EHR.token(PATH, header=header, rsa=rsa, **claims), HERE) == EHR.issuer


NOW = int(time.time())


@pytest.mark.parametrize(
    ("claims", "header"),
    [
        pytest.param({"iss": "https://other/"}, {}, id="a client that nobody knows"),
        pytest.param({"iss": "https://ehr.test"}, {}, id="almost a client"),
        pytest.param({"iss": None}, {}, id="no issuer"),
        pytest.param({"iss": [EHR.issuer]}, {}, id="issuers"),
        pytest.param({"aud": "https://other.test/cds-services"}, {}, id="for somebody else"),
        pytest.param({"aud": EHR.service}, {}, id="for the whole service"),
        pytest.param({"aud": f"{HERE}/"}, {}, id="with a slash"),
        pytest.param({"aud": f"{HERE}/feedback"}, {}, id="for feedback"),
        pytest.param({"aud": None}, {}, id="for nobody"),
        pytest.param({"aud": []}, {}, id="for an empty list"),
        pytest.param({"exp": NOW - 120}, {}, id="over"),
        pytest.param({"exp": NOW + 7200}, {}, id="for too long"),
        pytest.param({"exp": None}, {}, id="for ever"),
        pytest.param({"exp": "soon"}, {}, id="until some word"),
        pytest.param({"iat": NOW + 3600}, {}, id="issued in the future"),
        pytest.param({"iat": None}, {}, id="issued at no time"),
        pytest.param({"jti": None}, {}, id="no jti"),
        pytest.param({"jti": ""}, {}, id="empty jti"),
        pytest.param({"jti": 5}, {}, id="jti that is a number"),
        pytest.param({"jti": "x" * 300}, {}, id="endless jti"),
        pytest.param({"nbf": NOW + 3600}, {}, id="not yet"),
        pytest.param({}, {"jku": "https://evil.test/jwks"}, id="keys elsewhere"),
        pytest.param({}, {"typ": "at+jwt"}, id="an access token"),
        pytest.param({}, {"kid": "unknown"}, id="unknown key"),
        pytest.param({}, {"kid": None}, id="no key"),
    ],
)
async def test_any_other_token_is_refused_alike(verifier: CdsClientVerifier, claims: Any, header: Any) -> None:
    token = EHR.token(PATH, header=header, **claims)
    with pytest.raises(NotAuthenticated, match="not valid here"):
        await verifier.verify(token, HERE)


@pytest.mark.parametrize(
    ("claims", "header", "reason"),
    [
        pytest.param({"iss": "https://canary/"}, {}, "iss is no client", id="client"),
        pytest.param({"iss": ["canary"]}, {}, "malformed", id="no string"),
        pytest.param({"aud": "https://canary/"}, {}, "aud is not this URL", id="audience"),
        pytest.param({"exp": NOW - 120}, {}, "expired_token exp", id="over"),
        pytest.param({"exp": NOW + 7200}, {}, "exp is too far ahead", id="too long"),
        pytest.param({"iat": None}, {}, "missing_claim iat", id="missing"),
        pytest.param({"nbf": NOW + 3600}, {}, "invalid_claim nbf", id="not yet"),
        pytest.param({"jti": 5}, {}, "invalid_claim jti", id="jti"),
        pytest.param({"jti": "canary" * 60}, {}, "jti is not usable", id="endless jti"),
        pytest.param({}, {"jku": "https://canary/jwks"}, "jku is not the one of the settings", id="jku"),
        pytest.param({}, {"typ": "canary"}, "typ is not JWT", id="type"),
        pytest.param({}, {"kid": None}, "malformed", id="no key"),
        pytest.param({}, {"kid": "canary"}, "invalid_key_id", id="unknown key"),
    ],
)
async def test_the_log_says_why_and_nothing_that_the_token_says(
    verifier: CdsClientVerifier, lines: list[dict[str, Any]], claims: Any, header: Any, reason: str
) -> None:
    with pytest.raises(NotAuthenticated):
        await verifier.verify(EHR.token(PATH, header=header, **claims), HERE)
    (line,) = lines

    assert line["event"] == "cds_token_refused" and "canary" not in str(line)
    assert set(line) <= ALLOWED
    issuer = "unknown" if "iss" in claims else EHR.issuer
    assert (line["issuer"], line["where"], line["reason"]) == (issuer, HERE, reason)


async def test_the_log_says_that_a_token_was_used_before_or_is_none(
    verifier: CdsClientVerifier, lines: list[dict[str, Any]]
) -> None:
    token = EHR.token(PATH)
    await verifier.verify(token, HERE)
    for refused in (token, "canary", "x" * 20_000):
        with pytest.raises(NotAuthenticated):
            await verifier.verify(refused, HERE)

    assert [(line["reason"], line["issuer"]) for line in lines] == [
        ("jti was used before", EHR.issuer),
        ("decode_error", "unknown"),
        ("too long", "unknown"),
    ]


async def test_a_token_is_good_for_once(verifier: CdsClientVerifier) -> None:
    token = EHR.token(PATH)
    await verifier.verify(token, HERE)
    with pytest.raises(NotAuthenticated):
        await verifier.verify(token, HERE)


async def test_a_token_that_was_refused_elsewhere_is_still_good_here(verifier: CdsClientVerifier) -> None:
    token = EHR.token(PATH)
    with pytest.raises(NotAuthenticated):
        await verifier.verify(token, f"{EHR.service}/cds-services")
    assert await verifier.verify(token, HERE) == EHR.issuer


@pytest.mark.parametrize("algorithm", ["HS256", "ES256"])
async def test_only_key_pairs_of_384_bits_sign(algorithm: str) -> None:
    keys: dict[str, Any] = {
        "HS256": OctKey.import_key("x" * 32, {"kid": "k"}),
        "ES256": ECKey.generate_key("P-256", {"kid": "k"}),
    }
    verifier = CdsClientVerifier({EHR.issuer: CdsClient(KnownKeys(KeySet([keys[algorithm]])))}, MemoryNonces())
    claims = {"iss": EHR.issuer, "aud": HERE, "iat": NOW, "exp": NOW + 60, "jti": "1"}
    header = {"alg": algorithm, "typ": "JWT", "kid": "k"}
    token = jwt.encode(header, claims, keys[algorithm], algorithms=[algorithm])
    with pytest.raises(NotAuthenticated):
        await verifier.verify(token, HERE)


def unsigned() -> str:
    """A token of somebody who says that a signature is not needed."""
    claims = {"iss": EHR.issuer, "aud": HERE, "iat": NOW, "exp": NOW + 60, "jti": "1"}
    head = {"alg": "none", "typ": "JWT", "kid": EHR.ec.kid}
    return ".".join((*(urlsafe_b64encode(encode(part)).decode().rstrip("=") for part in (head, claims)), ""))


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é", "x" * 20_000, unsigned()])
async def test_what_is_no_token_is_refused(verifier: CdsClientVerifier, token: str) -> None:
    with pytest.raises(NotAuthenticated):
        await verifier.verify(token, HERE)


@respx.mock
async def test_callers_that_come_while_the_keys_are_fetched_wait_for_them() -> None:
    async def slowly(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.05)
        public = ECKey.import_key(EHR.ec.as_dict(private=False))
        return httpx.Response(200, json=KeySet([public]).as_dict(private=False))

    route = respx.get(EHR.jwks).mock(side_effect=slowly)
    async with httpx.AsyncClient() as http:
        client = CdsClient(FetchedKeys(http, EHR.jwks), EHR.jwks)
        verifier = CdsClientVerifier({EHR.issuer: client}, MemoryNonces())
        verified = await asyncio.gather(*(verifier.verify(EHR.token(PATH), HERE) for _ in range(16)))
    assert verified == [EHR.issuer] * 16
    assert route.call_count == 1


async def test_a_nonce_is_remembered_for_its_time_and_no_longer() -> None:
    now = [0.0]
    nonces = MemoryNonces(lambda: now[0])
    kept = timedelta(seconds=100)
    assert await nonces.is_new("a", keep_for=kept)
    now[0] = 99
    assert not await nonces.is_new("a", keep_for=kept)
    now[0] = 200
    assert await nonces.is_new("a", keep_for=kept)
    assert list(nonces._until) == ["a"]


async def test_only_servers_of_the_list_are_asked_each_with_the_token_of_the_call() -> None:
    async with open_http(1) as own_http, open_http(1) as ehr_http:
        own = FhirClient(own_http, "https://own.test/fhir", deadline=timedelta(seconds=1))
        listed = {"https://own.test/fhir/": own_http, "https://ehr.test/fhir": ehr_http}
        servers = AllowedServers(listed, own_base="https://own.test/fhir", own=own, deadline=timedelta(seconds=1))

        assert servers.gateway(None, None) is None
        assert servers.gateway("https://own.test/fhir", None) is own
        assert servers.gateway("https://ehr.test/fhir/", None) is None
        first, second = (servers.gateway("https://ehr.test/fhir", t) for t in ("one", "two"))
        assert first is not second
        assert servers.gateway(None, "a token for no server") is None
        for foreign in (
            "https://evil.test/fhir",
            "https://ehr.test.evil/fhir",
            "https://ehr.test/fhir/../x",
            "https://ehr.test",
        ):
            with pytest.raises(InvalidContent, match="fhirServer"):
                servers.gateway(foreign, "token")
        alone = AllowedServers({}, own_base="https://own.test/fhir", own=own, deadline=timedelta(seconds=1))
        assert alone.gateway(None, None) is None
