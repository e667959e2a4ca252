"""Tokens and keys at their edges: what is left unsaid, what is as large as it may be, and what the log says."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import respx
from joserfc.util import urlsafe_b64encode
from pydantic import SecretStr

from fhir_mappings.carrier import MalformedJson
from service.errors import IssuerUnavailable, NotAuthenticated
from service.gateways import introspection, issuer_keys, smart_tokens
from service.gateways.access_tokens import (
    MAX_TOKEN,
    claims_of,
    is_jwt,
    must_be_active,
    must_hold,
    read_jwt,
)
from service.gateways.introspection import MAX_ANSWER, BySecret, IntrospectionEndpoint
from service.gateways.issuer_keys import (
    COOL_DOWN,
    KEYS_KEPT_FOR,
    KEYS_VALID_FOR,
    MAX_DOCUMENT,
    FetchedKeys,
    KnownKeys,
    discovered,
    fetch_document,
    usable_keys,
)
from service.gateways.smart_tokens import Issuer, SmartTokenVerifier
from service.issuer_settings import IssuerSettings
from tests.service.gateways.test_smart_tokens import (
    ACTIVE,
    CLAIMS,
    INTROSPECT,
    JWKS,
    KEY,
    LASTS,
    NOW,
    OTHER,
    RSA,
    VERIFIER,
    jwks,
    public,
    token,
)

ISSUER = "https://issuer.test"


class Lines:
    """What was logged."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, dict[str, Any]]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.said.append(("info", event, fields))

    def warning(self, event: str, **fields: Any) -> None:
        self.said.append(("warning", event, fields))


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Lines:
    lines = Lines()
    for module in (introspection, issuer_keys, smart_tokens):
        monkeypatch.setattr(module, "log", lines)
    return lines


@pytest.mark.parametrize("base", ["https://fhir.test/fhir", "https://fhir.test/fhir/"])
async def test_our_server_has_one_name_with_a_slash_at_its_end_or_without(base: str) -> None:
    for issuer in (Issuer(KnownKeys(public(KEY))), Issuer(KnownKeys(public(KEY)), fhir_base_url=base)):
        server = "https://other.test" if issuer.fhir_base_url else base
        verifier = SmartTokenVerifier({ISSUER: issuer}, audience="coplan", fhir_base_url=server, now=lambda: NOW)
        claims = await verifier.verify(token(fhirUser="https://fhir.test/fhir/Practitioner/bo"))
        assert claims.fhir_user == "Practitioner/bo"


async def test_a_token_need_not_say_of_which_type_it_is() -> None:
    assert (await VERIFIER.verify(token(header={"typ": None}))).subject == "ann"
    for typ in ("JWT", "at+jwt", "AT+JWT", "application/at+jwt"):
        assert (await VERIFIER.verify(token(header={"typ": typ}))).subject == "ann"


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "crit", "b64", "zip", "enc", "cty"])
def test_a_header_that_brings_its_own_is_refused(name: str) -> None:
    head, claims, signature = token().split(".")
    other = urlsafe_b64encode(f'{{"alg":"ES384","kid":"k","{name}":"x"}}'.encode()).decode()
    assert read_jwt(f"{head}.{claims}.{signature}").issuer == ISSUER
    with pytest.raises(NotAuthenticated):
        read_jwt(f"{other}.{claims}.{signature}")


def test_a_token_is_as_long_as_it_may_be_and_no_longer() -> None:
    assert is_jwt("a" * (MAX_TOKEN - 4) + ".b.c") is True
    assert is_jwt("a" * MAX_TOKEN) is False
    with pytest.raises(NotAuthenticated):
        is_jwt("a" * (MAX_TOKEN + 1))


def held(**claims: Any) -> None:
    merged = {k: v for k, v in {**CLAIMS, **claims}.items() if v is not None}
    must_hold(merged, issuer=ISSUER, audience="coplan", now=NOW)


@pytest.mark.parametrize("claims", [{"iat": 0, "exp": 10}, {"exp": 1e11}, {"iat": -1}, {"iat": True}, {"sub": ""}])
def test_what_is_no_time_or_no_name_does_not_hold(claims: dict[str, Any]) -> None:
    held()
    held(exp=NOW + 0.5)
    with pytest.raises(NotAuthenticated):
        held(**claims)


def test_an_introspected_token_may_leave_issuer_and_audience_unsaid_but_not_its_end() -> None:
    def active(**changes: Any) -> None:
        answer = {k: v for k, v in {**ACTIVE, **changes}.items() if v is not None}
        must_be_active(answer, issuer=ISSUER, audience="coplan", now=NOW)

    active()
    active(iss=ISSUER, aud=["other", "coplan"], nbf=NOW + 30, exp=NOW - 29)
    for bad in (
        {"exp": NOW - 30},
        {"nbf": NOW + 31},
        {"iss": "x"},
        {"aud": "x"},
        {"active": None},
        {"token_type": "mac"},
    ):
        with pytest.raises(NotAuthenticated):
            active(**bad)


@pytest.mark.parametrize(
    ("claims", "client", "subject"),
    [
        ({}, "portal", "ann"),
        ({"client_id": None, "azp": "app"}, "app", "ann"),
        ({"client_id": None}, "ann", "ann"),
        ({"sub": None}, "portal", "portal"),
        ({"sub": None, "client_id": None, "azp": "app"}, "app", "app"),
    ],
)
def test_a_client_or_a_subject_stands_in_for_the_other(claims: dict[str, Any], client: str, subject: str) -> None:
    merged = {k: v for k, v in {**CLAIMS, **claims}.items() if v is not None}
    found = claims_of(merged, issuer=ISSUER, fhir_bases=())

    assert (found.client_id, found.subject, found.issuer) == (client, subject, ISSUER)
    assert found.expires_at == datetime.fromtimestamp(NOW + LASTS, UTC)


def test_a_token_without_scope_user_patient_or_name_says_none() -> None:
    bare = {"sub": "s", "client_id": "c", "exp": NOW}
    found = claims_of(bare, issuer=ISSUER, fhir_bases=("https://a.test/fhir/",))

    assert (found.scopes, found.fhir_user, found.patient, found.name) == (frozenset(), None, None, None)
    assert claims_of({**bare, "name": ["x"]}, issuer=ISSUER, fhir_bases=()).name is None
    absolute = {**bare, "fhirUser": "https://a.test/fhir/PractitionerRole/r1"}
    assert claims_of(absolute, issuer=ISSUER, fhir_bases=("https://b.test/", "https://a.test/fhir/")).fhir_user == (
        "PractitionerRole/r1"
    )


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.ConnectError("x"), {"error": "ConnectError"}),
        (httpx.Response(500), {"status": 500}),
        (httpx.Response(200, content=b"{"), {"status": 200}),
        (httpx.Response(200, content=b'{"active":true}' + b" " * MAX_ANSWER), {"status": 200}),
        (httpx.Response(401, json=ACTIVE), {"status": 401}),
    ],
)
@respx.mock
async def test_the_log_says_why_an_issuer_was_not_heard(answer: Any, said: dict[str, Any], logged: Lines) -> None:
    respx.post(INTROSPECT).mock(side_effect=[answer])
    async with httpx.AsyncClient() as http:
        with pytest.raises(IssuerUnavailable, match=r"^the issuer of the token (cannot|does not)"):
            await IntrospectionEndpoint(http, INTROSPECT, BySecret("c", "s")).introspect("t")
    assert logged.said == [("warning", "introspection_unavailable", said)]


@respx.mock
async def test_an_answer_as_large_as_may_be_is_heard() -> None:
    body = b'{"active":false}'
    route = respx.post(INTROSPECT).mock(
        return_value=httpx.Response(200, content=body + b" " * (MAX_ANSWER - len(body)))
    )
    async with httpx.AsyncClient() as http:
        answer = await IntrospectionEndpoint(http, INTROSPECT, BySecret("c/1", "s")).introspect("t")
    timeouts = route.calls[0].request.extensions["timeout"]

    assert answer == {"active": False}
    assert set(timeouts.values()) == {introspection.TIMEOUT.total_seconds()}
    assert route.calls[0].request.headers["Authorization"] == httpx.BasicAuth("c%2F1", "s")._auth_header


async def test_the_log_says_what_kind_of_wrong_a_token_was(logged: Lines) -> None:
    for bad in ("x.y.z", token(iss="https://evil.test")):
        with pytest.raises(NotAuthenticated):
            await VERIFIER.verify(bad)
    kinds = [fields["error"] for _, event, fields in logged.said if event == "token_refused"]
    assert len(kinds) == len(logged.said) == 2
    assert kinds[1] == "NotAuthenticated"


@respx.mock
async def test_a_key_set_that_cannot_be_had_is_said_and_not_asked_for_again_at_once(logged: Lines) -> None:
    now = [0.0]
    route = respx.get(JWKS).mock(side_effect=httpx.ConnectError)
    async with httpx.AsyncClient() as http:
        keys = FetchedKeys(http, JWKS, clock=lambda: now[0])
        for _ in range(2):
            with pytest.raises(NotAuthenticated):
                await keys.with_key("x")
        assert logged.said == [("warning", "key_set_unavailable", {"error": "ConnectError"})]
        now[0] = COOL_DOWN.total_seconds() - 0.01
        with pytest.raises(NotAuthenticated):
            await keys.with_key("x")
        assert route.call_count == 1
        now[0] = COOL_DOWN.total_seconds()
        with pytest.raises(NotAuthenticated):
            await keys.with_key("x")
        assert route.call_count == 2


@respx.mock
async def test_keys_are_fetched_anew_after_an_hour_and_end_after_a_day() -> None:
    now = [0.0]
    route = respx.get(JWKS).mock(return_value=jwks(KEY))
    async with httpx.AsyncClient() as http:
        keys = FetchedKeys(http, JWKS, clock=lambda: now[0])
        kid = str(KEY.kid)
        await keys.with_key(kid)
        now[0] = KEYS_KEPT_FOR.total_seconds()
        await keys.with_key(kid)
        assert route.call_count == 1
        now[0] += 1
        await keys.with_key(kid)
        assert route.call_count == 2
        route.mock(return_value=httpx.Response(500))
        now[0] += KEYS_VALID_FOR.total_seconds()
        assert (await keys.with_key(kid)).keys[0].kid == kid
        now[0] += 1
        with pytest.raises(NotAuthenticated):
            await keys.with_key(kid)


@respx.mock
async def test_a_document_is_asked_for_as_json_and_is_of_moderate_size() -> None:
    body = b'{"a": 1}'
    route = respx.get(JWKS).mock(return_value=httpx.Response(200, content=body + b" " * (MAX_DOCUMENT - len(body))))
    async with httpx.AsyncClient() as http:
        assert await fetch_document(http, JWKS) == {"a": 1}
        request = route.calls[0].request
        assert request.headers["Accept"] == "application/json"
        assert set(request.extensions["timeout"].values()) == {issuer_keys.TIMEOUT.total_seconds()}
        route.mock(return_value=httpx.Response(200, content=body + b" " * (MAX_DOCUMENT - len(body) + 1)))
        with pytest.raises(MalformedJson, match=r"is too large$"):
            await fetch_document(http, JWKS)
        route.mock(return_value=httpx.Response(200, json=[]))
        with pytest.raises(MalformedJson, match=r"is no object$"):
            await fetch_document(http, JWKS)


@pytest.mark.parametrize("issuer", [ISSUER, f"{ISSUER}/"])
@respx.mock
async def test_a_slash_at_the_end_of_an_issuer_is_no_part_of_the_path(issuer: str) -> None:
    respx.get(f"{ISSUER}/.well-known/smart-configuration").mock(return_value=httpx.Response(404))
    found = {"issuer": issuer, "jwks_uri": JWKS}
    respx.get(f"{ISSUER}/.well-known/openid-configuration").mock(return_value=httpx.Response(200, json=found))
    async with httpx.AsyncClient() as http:
        assert await discovered(http, issuer)() == JWKS


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"issuer": "https://x.test", "jwks_uri": JWKS}, "the discovery document is another issuer's"),
        ({"jwks_uri": "http://issuer.test/jwks"}, "the key set has another scheme than the issuer"),
    ],
)
@respx.mock
async def test_a_discovery_document_elsewhere_is_held_to_the_same(found: dict[str, Any], said: str) -> None:
    place = "https://login.test/configuration"
    route = respx.get(place).mock(return_value=httpx.Response(200, json=found))
    async with httpx.AsyncClient() as http:
        with pytest.raises(ValueError, match=f"^{said}$"):
            await discovered(http, ISSUER, place)()
        route.mock(return_value=httpx.Response(200, json={"issuer": ISSUER, "jwks_uri": JWKS}))
        assert await discovered(http, ISSUER, place)() == JWKS


def test_of_two_keys_with_one_name_the_first_counts_and_private_or_nameless_ones_do_not() -> None:
    first = KEY.as_dict(private=False)
    second = OTHER.as_dict(private=False) | {"kid": first["kid"]}
    nameless = {k: v for k, v in RSA.as_dict(private=False).items() if k != "kid"}
    weak = RSA.as_dict(private=False) | {"n": str(RSA.as_dict(private=False)["n"])[:340], "kid": "weak"}
    found = usable_keys({"keys": [nameless, first, second, weak, RSA.as_dict(private=False) | {"use": "sig"}]})

    assert [k.kid for k in found.keys] == [KEY.kid, RSA.kid]
    assert found.keys[0].as_dict(private=False)["x"] == first["x"]
    for alone in (nameless, weak, KEY.as_dict(private=True), first | {"use": "enc"}):
        with pytest.raises(ValueError, match=r"^no key to verify with$"):
            usable_keys({"keys": [alone]})


def test_an_issuer_is_what_its_settings_say_and_no_more() -> None:
    plain = IssuerSettings.model_validate({})

    assert plain.algorithms == ("ES256", "ES384", "RS256", "RS384")
    assert (plain.opaque, plain.introspection, plain.audience, plain.jwks) == (False, None, None, None)
    with pytest.raises(ValueError, match="introspection needs client_id"):
        IssuerSettings.model_validate({"introspection": INTROSPECT, "client_secret": SecretStr("s")})
    with pytest.raises(ValueError, match="opaque tokens need introspection"):
        IssuerSettings.model_validate({"opaque": True})
