"""A token is trusted for what its issuer signed, or it is not trusted; the caller never hears why."""

import base64
import json
import time
from typing import Any

import httpx
import pytest
import respx
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from service.errors import NotAuthenticated
from service.gateways.demo_issuer import AUDIENCE, ISSUER, DemoIssuer
from service.gateways.issuer_keys import COOL_DOWN, FetchedKeys, KnownKeys
from service.gateways.smart_tokens import SmartTokenVerifier

KEY = ECKey.generate_key("P-384", {"alg": "ES384"}, auto_kid=True)
OTHER = ECKey.generate_key("P-384", {"alg": "ES384"}, auto_kid=True)
RSA = RSAKey.generate_key(2048, auto_kid=True)
BASE = "https://fhir.test/fhir"
JWKS = "https://issuer.test/jwks"
NOW = int(time.time())
CLAIMS = {
    "iss": "https://issuer.test",
    "aud": "coplan",
    "sub": "ann",
    "iat": NOW - 10,
    "exp": NOW + 300,
    "client_id": "portal",
    "scope": "openid patient/Goal.cruds",
    "fhirUser": "Patient/ann",
    "patient": "ann",
}


def public(*keys: Any) -> KeySet:
    return KeySet([type(k).import_key(k.as_dict(private=False)) for k in keys])


VERIFIER = SmartTokenVerifier(
    {"https://issuer.test": KnownKeys(public(KEY, RSA))}, audience="coplan", fhir_base_url=BASE, now=lambda: NOW
)


def token(key: Any = KEY, header: dict[str, Any] | None = None, **claims: Any) -> str:
    merged = {k: v for k, v in {**CLAIMS, **claims}.items() if v is not None}
    head = {"alg": "ES384", "typ": "at+jwt", "kid": key.kid, **(header or {})}
    return jwt.encode({k: v for k, v in head.items() if v is not None}, merged, key, algorithms=[head["alg"]])


async def test_a_token_says_who_acts_for_whom_with_which_application() -> None:
    claims = await VERIFIER.verify(token(name="Ann"))

    assert (claims.fhir_user, claims.patient, claims.client_id, claims.name) == (
        "Patient/ann",
        "Patient/ann",
        "portal",
        "Ann",
    )
    assert claims.scopes == {"openid", "patient/Goal.cruds"}


@pytest.mark.parametrize(
    ("claims", "user", "client"),
    [
        pytest.param({"fhirUser": f"{BASE}/Practitioner/bo"}, "Practitioner/bo", "portal", id="absolute, ours"),
        pytest.param({"fhirUser": None}, None, "portal", id="nobody"),
        pytest.param({"client_id": None, "azp": "app"}, "Patient/ann", "app", id="azp"),
        pytest.param({"client_id": None}, "Patient/ann", "ann", id="no client"),
        pytest.param({"aud": ["other", "coplan"]}, "Patient/ann", "portal", id="several audiences"),
        pytest.param({"exp": NOW - 10, "iat": NOW - 60}, "Patient/ann", "portal", id="within the leeway"),
    ],
)
async def test_claims_come_in_several_forms(claims: dict[str, Any], user: str | None, client: str) -> None:
    verified = await VERIFIER.verify(token(**claims))

    assert (verified.fhir_user, verified.client_id) == (user, client)


def unsigned() -> str:
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": KEY.kid}).encode()).rstrip(b"=").decode()
    return f"{head}.{token().split('.')[1]}."


def tampered() -> str:
    return token()[:-4] + "AAAA"


def with_shared_secret() -> str:
    secret = OctKey.import_key(json.dumps(KEY.as_dict(private=False)))
    return jwt.encode({"alg": "HS256", "kid": KEY.kid}, CLAIMS, secret, algorithms=["HS256"])


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param("", id="empty"),
        pytest.param("x.y.z", id="garbage"),
        pytest.param("x" * 20_000, id="huge"),
        pytest.param("é", id="no ASCII"),
        pytest.param(unsigned(), id="unsigned"),
        pytest.param(tampered(), id="tampered"),
        pytest.param(with_shared_secret(), id="public key as shared secret"),
        pytest.param(token(OTHER), id="unknown key"),
        pytest.param(token(OTHER, {"kid": KEY.kid}), id="borrowed key id"),
        pytest.param(token(header={"kid": None}), id="no key id"),
        pytest.param(token(RSA, {"alg": "RS512"}), id="algorithm that is not allowed"),
        pytest.param(token(iss="https://evil.test"), id="unknown issuer"),
        pytest.param(token(iss="https://issuer.test.evil"), id="issuer that looks like it"),
        pytest.param(token(iss=["https://issuer.test"]), id="issuer that is a list"),
        pytest.param(token(iss=None), id="no issuer"),
        pytest.param(token(aud="other"), id="for somebody else"),
        pytest.param(token(aud=None), id="for nobody"),
        pytest.param(token(exp=NOW - 600), id="expired"),
        pytest.param(token(exp=None), id="for ever"),
        pytest.param(token(exp=str(NOW + 300)), id="expiry as text"),
        pytest.param(token(nbf=NOW + 600), id="not yet valid"),
        pytest.param(token(sub=None), id="of nobody"),
        pytest.param(token(fhirUser="https://evil.test/Patient/ann"), id="user of another server"),
        pytest.param(token(fhirUser="Device/1"), id="user that is no person"),
        pytest.param(token(fhirUser="Patient/ann/_history/1"), id="version of a user"),
        pytest.param(token(fhirUser=["Patient/ann"]), id="users"),
        pytest.param(token(patient="Patient/ann"), id="patient as a reference"),
        pytest.param(token(patient=["ann", "zoe"]), id="patients"),
        pytest.param(token(patient="ann,zoe"), id="patients by comma"),
        pytest.param(token(patient="ann "), id="patient with a space"),
        pytest.param(token(patient=5), id="patient as a number"),
        pytest.param(token(scope=["x"]), id="scopes as a list"),
    ],
)
async def test_any_other_token_is_refused_alike(bad: str) -> None:
    with pytest.raises(NotAuthenticated, match=r"^the token is not valid here$"):
        await VERIFIER.verify(bad)


async def test_the_demo_issuer_goes_through_the_same_verification() -> None:
    issuer = DemoIssuer()
    verifier = SmartTokenVerifier(issuer.issuers, audience=AUDIENCE, fhir_base_url=BASE)
    claims = await verifier.verify(issuer.token("Practitioner/bo", patient="ann"))

    assert (claims.issuer, claims.fhir_user, claims.patient, claims.name) == (
        ISSUER,
        "Practitioner/bo",
        "Patient/ann",
        None,
    )
    with pytest.raises(NotAuthenticated):
        await verifier.verify(DemoIssuer().token("Practitioner/bo"))


def jwks(*keys: Any) -> httpx.Response:
    return httpx.Response(200, json=public(*keys).as_dict(private=False))


@respx.mock
async def test_keys_are_fetched_once_and_again_for_a_key_that_is_new() -> None:
    now = [1000.0]
    route = respx.get(JWKS).mock(return_value=jwks(KEY))
    async with httpx.AsyncClient() as http:
        keys = FetchedKeys(http, JWKS, clock=lambda: now[0])
        for _ in range(3):
            await keys.with_key(str(KEY.kid))
        assert route.call_count == 1
        for _ in range(5):
            await keys.with_key(str(OTHER.kid))
        assert route.call_count == 1
        now[0] += COOL_DOWN.total_seconds()
        route.mock(return_value=jwks(KEY, OTHER))
        assert len((await keys.with_key(str(OTHER.kid))).keys) == 2
        assert route.call_count == 2


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"no": "keys"}),
        httpx.Response(200, content=b" " * 300_000),
    ],
)
@respx.mock
async def test_known_keys_outlive_an_issuer_that_is_away_for_a_day(answer: httpx.Response) -> None:
    now = [1000.0]
    route = respx.get(JWKS).mock(return_value=jwks(KEY))
    async with httpx.AsyncClient() as http:
        keys = FetchedKeys(http, JWKS, clock=lambda: now[0])
        await keys.with_key(str(KEY.kid))
        route.mock(return_value=answer)
        now[0] += 2 * 3600
        assert len((await keys.with_key(str(KEY.kid))).keys) == 1
        now[0] += 24 * 3600
        with pytest.raises(NotAuthenticated):
            await keys.with_key(str(KEY.kid))


@respx.mock
async def test_nobody_is_let_in_before_keys_could_be_had() -> None:
    respx.get(JWKS).mock(side_effect=httpx.ConnectError)
    async with httpx.AsyncClient() as http:
        with pytest.raises(NotAuthenticated):
            await FetchedKeys(http, JWKS).with_key("x")
