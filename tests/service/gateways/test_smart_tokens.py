"""A token is trusted for what its issuer signed, or it is not trusted; the caller never hears why."""

import asyncio
import base64
import json
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
import respx
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from service.domain.actors import Claims
from service.errors import IssuerUnavailable, NotAuthenticated
from service.gateways.client_keys import ASSERTION_TYPE, ClientKeys
from service.gateways.demo_issuer import AUDIENCE, ISSUER, DemoIssuer
from service.gateways.introspection import BySecret, IntrospectionEndpoint
from service.gateways.issuer_keys import COOL_DOWN, FetchedKeys, KnownKeys, discovered, usable_keys
from service.gateways.issuers import verifier_of
from service.gateways.smart_tokens import INTROSPECTED_FOR, VERIFIED_FOR, Issuer, SmartTokenVerifier
from service.issuer_settings import IssuerSettings
from service.settings import Settings

KEY = ECKey.generate_key("P-384", {"alg": "ES384"}, auto_kid=True)
OTHER = ECKey.generate_key("P-384", {"alg": "ES384"}, auto_kid=True)
RSA = RSAKey.generate_key(2048, auto_kid=True)
BASE = "https://fhir.test/fhir"
JWKS = "https://issuer.test/jwks"
NOW = int(time.time())
LASTS = 3_000
"""Longer than the whole suite: some of these tests go by the real clock."""
CLAIMS = {
    "iss": "https://issuer.test",
    "aud": "coplan",
    "sub": "ann",
    "iat": NOW - 10,
    "exp": NOW + LASTS,
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


def test_only_public_keys_for_signatures_are_taken() -> None:
    weak = RSA.as_dict(private=False) | {"n": str(RSA.as_dict(private=False)["n"])[:172]}
    keys = [
        KEY.as_dict(private=False),
        {**OTHER.as_dict(private=False), "use": "enc"},
        OTHER.as_dict(private=True),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "o"},
        {"kty": "OKP", "crv": "Ed25519", "x": "x", "kid": "e"},
        {"kty": "EC", "crv": "P-384", "x": "?", "kid": "bad"},
        {"kty": "RSA", "kid": "worse"},
        weak,
        "key",
        {**KEY.as_dict(private=False)},
    ]

    assert [k.kid for k in usable_keys({"keys": keys}).keys] == [KEY.kid]
    with pytest.raises(ValueError, match="no key"):
        usable_keys({"keys": keys[1:-1]})


SMART_CONFIGURATION = "https://issuer.test/.well-known/smart-configuration"
OPENID_CONFIGURATION = "https://issuer.test/.well-known/openid-configuration"


@pytest.mark.parametrize(
    ("documents", "found"),
    [
        pytest.param({SMART_CONFIGURATION: {"jwks_uri": JWKS}}, True, id="SMART"),
        pytest.param({OPENID_CONFIGURATION: {"issuer": "https://issuer.test", "jwks_uri": JWKS}}, True, id="OpenID"),
        pytest.param({SMART_CONFIGURATION: {}, OPENID_CONFIGURATION: {"jwks_uri": JWKS}}, True, id="the other one"),
        pytest.param({SMART_CONFIGURATION: {"issuer": "https://x.test", "jwks_uri": JWKS}}, False, id="another issuer"),
        pytest.param({SMART_CONFIGURATION: {"jwks_uri": "http://issuer.test/jwks"}}, False, id="another scheme"),
        pytest.param({SMART_CONFIGURATION: ["x"]}, False, id="no document"),
        pytest.param({}, False, id="nothing"),
    ],
)
@respx.mock
async def test_keys_are_found_by_discovery(documents: dict[str, Any], found: bool) -> None:
    for place in (SMART_CONFIGURATION, OPENID_CONFIGURATION):
        answer = httpx.Response(200, json=documents[place]) if place in documents else httpx.Response(404)
        respx.get(place).mock(return_value=answer)
    respx.get(JWKS).mock(return_value=jwks(KEY))
    async with httpx.AsyncClient() as http:
        keys = FetchedKeys(http, discovered(http, "https://issuer.test"))
        if found:
            assert (await keys.with_key(str(KEY.kid))).keys[0].kid == KEY.kid
        else:
            with pytest.raises(NotAuthenticated):
                await keys.with_key(str(KEY.kid))


@respx.mock
async def test_500_unknown_keys_a_second_are_two_fetches_a_minute() -> None:
    now = [1000.0]
    route = respx.get(JWKS).mock(return_value=jwks(KEY))
    async with httpx.AsyncClient() as http:
        keys = FetchedKeys(http, JWKS, clock=lambda: now[0])
        for number in range(1000):
            await asyncio.gather(*(keys.with_key(f"unknown-{number}-{i}") for i in range(5)))
            now[0] += 0.0599
    assert route.call_count == 2


async def test_a_verified_token_is_not_verified_again_for_a_minute_and_never_beyond_its_end() -> None:
    now, asked = [float(NOW)], []

    class Counted(KnownKeys):
        async def with_key(self, key_id: str) -> KeySet:
            asked.append(key_id)
            return await super().with_key(key_id)

    issuers = {"https://issuer.test": Counted(public(KEY))}
    verifier = SmartTokenVerifier(
        issuers, audience="coplan", fhir_base_url=BASE, now=lambda: now[0], clock=lambda: now[0]
    )
    good, short = token(), token(exp=NOW + 20)
    for _ in range(3):
        await verifier.verify(good)
        await verifier.verify(short)
    assert len(asked) == 2
    now[0] += 51
    with pytest.raises(NotAuthenticated):
        await verifier.verify(short)
    now[0] += VERIFIED_FOR.total_seconds()
    await verifier.verify(good)
    assert len(asked) == 3


INTROSPECT = "https://issuer.test/introspect"
ACTIVE = {
    "active": True,
    "client_id": "portal",
    "scope": "openid patient/Goal.rs",
    "exp": NOW + LASTS,
    "iat": NOW - 10,
    "sub": "ann",
    "fhirUser": "Patient/ann",
    "patient": "ann",
}


def asking(http: httpx.AsyncClient, clock: Any = lambda: 0.0) -> SmartTokenVerifier:
    endpoint = IntrospectionEndpoint(http, INTROSPECT, BySecret("coplan", "s:ecret"))
    issuer = Issuer(introspection=endpoint, opaque=True)
    return SmartTokenVerifier(
        {"https://issuer.test": issuer}, audience="coplan", fhir_base_url=BASE, now=lambda: NOW, clock=clock
    )


@respx.mock
async def test_a_revoked_token_is_refused_within_five_seconds() -> None:
    now = [0.0]
    route = respx.post(INTROSPECT).mock(return_value=httpx.Response(200, json=ACTIVE))
    async with httpx.AsyncClient() as http:
        verifier = asking(http, lambda: now[0])
        claims = await asyncio.gather(*(verifier.verify("opaque-1") for _ in range(20)))
        assert {(c.fhir_user, c.client_id, c.issuer) for c in claims} == {
            ("Patient/ann", "portal", "https://issuer.test")
        }
        assert route.call_count == 1
        request = route.calls[0].request
        assert request.content == b"token=opaque-1&token_type_hint=access_token"
        assert (request.headers["Accept"], request.headers["Cache-Control"]) == ("application/json", "no-store")
        assert request.headers["Authorization"] == httpx.BasicAuth("coplan", "s%3Aecret")._auth_header
        route.mock(return_value=httpx.Response(200, json={"active": False}))
        now[0] += INTROSPECTED_FOR.total_seconds()
        for _ in range(3):
            with pytest.raises(NotAuthenticated):
                await verifier.verify("opaque-1")
        assert route.call_count == 2


@pytest.mark.parametrize(
    "answer",
    [
        {"active": "true"},
        {"active": 1},
        {},
        [],
        "x",
    ],
)
@respx.mock
async def test_an_answer_that_is_none_lets_nobody_in(answer: Any) -> None:
    respx.post(INTROSPECT).mock(return_value=httpx.Response(200, json=answer))
    async with httpx.AsyncClient() as http:
        with pytest.raises(IssuerUnavailable):
            await asking(http).verify("opaque-1")


@pytest.mark.parametrize(
    "answer", [httpx.Response(401), httpx.Response(500), httpx.Response(200, text="<html>"), httpx.ConnectError("x")]
)
@respx.mock
async def test_an_issuer_that_cannot_be_asked_lets_nobody_in_and_is_asked_again(answer: Any) -> None:
    route = respx.post(INTROSPECT)
    route.mock(side_effect=[answer, httpx.Response(200, json=ACTIVE)])
    async with httpx.AsyncClient() as http:
        verifier = asking(http)
        with pytest.raises(IssuerUnavailable):
            await verifier.verify("opaque-1")
        assert (await verifier.verify("opaque-1")).patient == "Patient/ann"


@pytest.mark.parametrize(
    "change",
    [
        {"active": False},
        {"exp": NOW - 31},
        {"exp": None},
        {"exp": str(NOW + 300)},
        {"nbf": NOW + 31},
        {"iss": "https://evil.test"},
        {"aud": "other"},
        {"aud": ["other"]},
        {"token_type": "DPoP"},
        {"token_type": "refresh_token"},
        {"cnf": {"jkt": "x"}},
        {"client_id": None},
        {"client_id": 5},
        {"patient": "ann,zoe"},
        {"patient": ["ann"]},
        {"fhirUser": "https://evil.test/Patient/ann"},
        {"scope": ["x"]},
        {"nonce": "x"},
    ],
)
@respx.mock
async def test_an_introspected_token_is_held_to_the_same_rules(change: dict[str, Any]) -> None:
    changed = {k: v for k, v in {**ACTIVE, **change}.items() if v is not None}
    respx.post(INTROSPECT).mock(return_value=httpx.Response(200, json=changed))
    async with httpx.AsyncClient() as http:
        with pytest.raises(NotAuthenticated, match=r"^the token is not valid here$"):
            await asking(http).verify("opaque-1")


@respx.mock
async def test_a_jwt_of_an_issuer_that_can_be_asked_is_asked_about() -> None:
    route = respx.post(INTROSPECT).mock(
        return_value=httpx.Response(200, json={**ACTIVE, "aud": ["coplan"], "iss": "https://issuer.test"})
    )
    async with httpx.AsyncClient() as http:
        assert (await asking(http).verify(token())).patient == "Patient/ann"
        assert route.call_count == 1
        for bad in (token(cnf={"jkt": "x"}), token(iss="https://evil.test"), "a b", "x" * 20_000):
            with pytest.raises(NotAuthenticated):
                await asking(http).verify(bad)
        assert route.call_count == 1


async def test_an_opaque_token_of_nobody_and_a_jwt_without_keys_are_refused() -> None:
    with pytest.raises(NotAuthenticated):
        await VERIFIER.verify("opaque-1")
    keyless = SmartTokenVerifier({"https://issuer.test": Issuer()}, audience="coplan", fhir_base_url=BASE)
    with pytest.raises(NotAuthenticated):
        await keyless.verify(token())


async def test_each_issuer_has_its_own_algorithms_audience_and_name_for_our_server() -> None:
    issuers = {
        "https://issuer.test": Issuer(
            KnownKeys(public(KEY, RSA)), ("RS256",), audience="plan", fhir_base_url="https://ehr.test/r4"
        )
    }
    verifier = SmartTokenVerifier(issuers, audience="coplan", fhir_base_url=BASE, now=lambda: NOW)
    claims: dict[str, Any] = {"aud": "plan", "fhirUser": "https://ehr.test/r4/Practitioner/bo"}

    assert (await verifier.verify(token(RSA, {"alg": "RS256"}, **claims))).fhir_user == "Practitioner/bo"
    for bad in (token(**claims), token(RSA, {"alg": "RS384"}, **claims), token(RSA, {"alg": "RS256"})):
        with pytest.raises(NotAuthenticated):
            await verifier.verify(bad)


@respx.mock
async def test_issuers_come_from_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    issuers = {
        "https://issuer.test": JWKS,
        "https://found.test": {},
        "https://asked.test": {
            "introspection": INTROSPECT,
            "client_id": "coplan",
            "client_secret": "s",
            "opaque": True,
            "fhir_base_url": BASE,
        },
    }
    monkeypatch.setenv("COPLAN_ISSUERS", json.dumps(issuers))
    respx.get(JWKS).mock(return_value=jwks(KEY))
    respx.get("https://found.test/.well-known/smart-configuration").mock(
        return_value=httpx.Response(200, json={"jwks_uri": "https://found.test/keys"})
    )
    respx.get("https://found.test/keys").mock(return_value=jwks(OTHER))
    respx.post(INTROSPECT).mock(return_value=httpx.Response(200, json=ACTIVE))
    async with httpx.AsyncClient() as http:
        verifier = verifier_of(Settings(fhir_base_url=BASE), http)
        assert (await verifier.verify(token())).issuer == "https://issuer.test"
        assert (await verifier.verify(token(OTHER, iss="https://found.test"))).issuer == "https://found.test"
        assert (await verifier.verify("opaque-1")).issuer == "https://asked.test"


@respx.mock
async def test_an_issuer_that_shares_no_secret_is_shown_a_signature_each_time() -> None:
    """Source: https://www.rfc-editor.org/rfc/rfc7523#section-3"""
    keys = ClientKeys.generated()
    route = respx.post(INTROSPECT).mock(return_value=httpx.Response(200, json=ACTIVE))
    asked = {"introspection": INTROSPECT, "client_id": "coplan", "opaque": True}
    settings = Settings.model_validate(
        {"fhir_base_url": BASE, "issuers": {"https://issuer.test": asked}, "client_keys": "{}"}
    )
    async with httpx.AsyncClient() as http:
        verifier = verifier_of(settings, http, keys)
        for opaque in ("opaque-1", "opaque-2"):
            assert (await verifier.verify(opaque)).patient == "Patient/ann"
    forms = [dict(parse_qsl(call.request.content.decode())) for call in route.calls]
    public_keys: Any = keys.public
    published = KeySet.import_key_set(public_keys)
    proofs = [jwt.decode(f.pop("client_assertion"), published, algorithms=["ES384"]).claims for f in forms]

    assert forms == [
        {"token": t, "token_type_hint": "access_token", "client_assertion_type": ASSERTION_TYPE}
        for t in ("opaque-1", "opaque-2")
    ]
    assert [(p["iss"], p["sub"], p["aud"]) for p in proofs] == [("coplan", "coplan", "https://issuer.test")] * 2
    assert len({p["jti"] for p in proofs}) == 2
    assert all("Authorization" not in call.request.headers for call in route.calls)


def test_introspection_takes_a_secret_or_keys_to_sign_with() -> None:
    asked = {"introspection": INTROSPECT, "client_id": "c"}
    with pytest.raises(ValueError, match="COPLAN_CLIENT_KEYS"):
        Settings.model_validate({"fhir_base_url": BASE, "issuers": {"https://issuer.test": asked}})


@pytest.mark.parametrize(
    "issuer",
    [
        {"introspection": INTROSPECT},
        {"introspection": INTROSPECT, "client_secret": "s"},
        {"opaque": True},
        {"algorithms": ["HS256"]},
        {"algorithms": ["none"]},
        {"algorithms": []},
        {"unknown": 1},
        {"audience": ""},
    ],
)
def test_an_issuer_is_set_up_completely_or_not_at_all(issuer: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="IssuerSettings"):
        IssuerSettings(**issuer)


def test_only_one_issuer_has_tokens_that_do_not_say_whose_they_are() -> None:
    opaque = IssuerSettings.model_validate(
        {"opaque": True, "introspection": INTROSPECT, "client_id": "c", "client_secret": "s"}
    )
    with pytest.raises(ValueError, match="only one issuer"):
        Settings.model_validate({"fhir_base_url": BASE, "issuers": {"a": opaque, "b": opaque}})


async def test_everything_that_a_token_says_is_understood() -> None:
    claims = await VERIFIER.verify(token(name="Ann", sub="s-1"))

    assert claims == Claims(
        issuer="https://issuer.test",
        subject="s-1",
        client_id="portal",
        scopes=frozenset({"openid", "patient/Goal.cruds"}),
        expires_at=datetime.fromtimestamp(NOW + LASTS, UTC),
        fhir_user="Patient/ann",
        patient="Patient/ann",
        name="Ann",
    )


async def test_the_key_that_the_token_names_is_asked_for() -> None:
    asked: list[str] = []

    class Asked(KnownKeys):
        async def with_key(self, key_id: str) -> KeySet:
            asked.append(key_id)
            return await super().with_key(key_id)

    issuers = {"https://issuer.test": Asked(public(KEY))}
    await SmartTokenVerifier(issuers, audience="coplan", fhir_base_url=BASE, now=lambda: NOW).verify(token())
    assert asked == [KEY.kid]


def test_rsa_keys_are_taken_from_2048_bits() -> None:
    rsa = RSA.as_dict(private=False)

    assert [k.kid for k in usable_keys({"keys": [rsa]}).keys] == [RSA.kid]


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "access_token"])
@respx.mock
async def test_a_bearer_token_is_called_by_either_name(kind: str) -> None:
    answer = {**ACTIVE, "token_type": kind, "exp": NOW - 29, "nbf": NOW + 30, "name": "Ann"}
    respx.post(INTROSPECT).mock(return_value=httpx.Response(200, json=answer))
    async with httpx.AsyncClient() as http:
        assert (await asking(http).verify("opaque-1")).name == "Ann"


@pytest.mark.parametrize(
    ("claims", "good"),
    [
        ({"exp": NOW - 29, "iat": NOW - 100}, True),
        ({"exp": NOW - 30, "iat": NOW - 100}, False),
        ({"iat": NOW + 30}, True),
        ({"iat": NOW + 31}, False),
        ({"nbf": NOW + 30}, True),
        ({"nbf": NOW + 31}, False),
        ({"iat": NOW, "exp": NOW + 86_400}, True),
        ({"iat": NOW, "exp": NOW + 86_401}, False),
    ],
)
async def test_times_are_held_to_the_second(claims: dict[str, Any], good: bool) -> None:
    if good:
        await VERIFIER.verify(token(**claims))
        return
    with pytest.raises(NotAuthenticated):
        await VERIFIER.verify(token(**claims))


@respx.mock
async def test_an_issuer_names_our_server_as_it_knows_it() -> None:
    respx.get(JWKS).mock(return_value=jwks(KEY))
    issuers = {"https://issuer.test": {"jwks": JWKS, "fhir_base_url": "https://ehr.test/r4", "audience": "plan"}}
    settings = Settings.model_validate({"fhir_base_url": BASE, "issuers": issuers})
    async with httpx.AsyncClient() as http:
        verifier = verifier_of(settings, http)
        claims = {"aud": "plan", "fhirUser": "https://ehr.test/r4/Practitioner/bo"}
        assert (await verifier.verify(token(KEY, None, **claims))).fhir_user == "Practitioner/bo"
