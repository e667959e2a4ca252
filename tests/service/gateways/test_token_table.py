"""Every bad token is refused as written, before anything is asked of the FHIR server or of any URL in it."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, NoReturn

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from service.api.dependencies import Services
from service.gateways.issuer_keys import KnownKeys
from service.gateways.memory_store import MemoryCache, MemoryIdempotencyKeys
from service.gateways.smart_tokens import SmartTokenVerifier
from service.settings import Settings
from tests.conftest import app_with
from tests.service.gateways.token_rows import ABSENT, LISTENER, NOW, ROWS, Row

KEY = ECKey.generate_key("P-384", {"alg": "ES384"}, auto_kid=True)
OTHER = ECKey.generate_key("P-384", {"alg": "ES384"}, auto_kid=True)
RSA = RSAKey.generate_key(2048, auto_kid=True)
SMALL = ECKey.generate_key("P-256", auto_kid=True)
ANY = jws.JWSRegistry(algorithms=["none", "HS256", "ES384", "ES256", "RS512"])
GOOD: dict[str, Any] = {
    "iss": "https://issuer.test",
    "aud": "coplan",
    "sub": "ann",
    "client_id": "portal",
    "iat": (NOW, -10),
    "exp": (NOW, 300),
    "scope": "openid fhirUser patient/Goal.cruds",
    "fhirUser": "Patient/ann",
    "patient": "ann",
}


class Unasked:
    """A FHIR server that nobody may ask."""

    def __init__(self) -> None:
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        async def asked(*_: Any, **__: Any) -> NoReturn:
            self.calls += 1
            raise AssertionError(f"{name} of the FHIR server was asked for")

        return asked


class Rig:
    """The service with one issuer, a FHIR server that counts, and a listener that counts."""

    def __init__(self, http: httpx.AsyncClient, fhir: Unasked, url: str, connections: list[int]) -> None:
        self.http, self.fhir, self.url, self.connections = http, fhir, url, connections


@pytest.fixture(scope="module")
async def rig() -> AsyncIterator[Rig]:
    connections: list[int] = []

    async def heard(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        writer.close()

    listener = await asyncio.start_server(heard, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    fhir: Any = Unasked()
    public = KeySet([type(k).import_key(k.as_dict(private=False)) for k in (KEY, RSA)])
    issuers = {GOOD["iss"]: KnownKeys(public)}
    verifier = SmartTokenVerifier(issuers, audience="coplan", fhir_base_url="https://fhir.test/fhir")
    settings = Settings(fhir_base_url="https://fhir.test/fhir")
    unused: Any = None
    kept = MemoryCache(), MemoryIdempotencyKeys()
    services = Services(settings, fhir, verifier, *kept, lambda: datetime.now(UTC), decisions=unused)
    transport = httpx.ASGITransport(app_with(services))
    async with listener, httpx.AsyncClient(transport=transport, base_url="http://coplan.test") as http:
        yield Rig(http, fhir, url, connections)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


def b64(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def said(value: Any, url: str) -> Any:
    if isinstance(value, tuple):
        return int(time.time()) + value[1]
    return value.replace(LISTENER, url) if isinstance(value, str) else value


def signed(header: dict[str, Any], payload: bytes, key: Any, alg: str) -> str:
    """A signature over exactly this header, whatever it says of itself."""
    proper = jws.serialize_compact({"alg": alg}, payload, key, registry=ANY)
    head = b64(header)
    signing_input = f"{head}.{b64(payload)}".encode()
    signature = ANY.get_alg(alg).sign(signing_input, key)
    assert proper
    return f"{head}.{b64(payload)}.{b64(signature)}"


def token_of(row: Row, url: str) -> str:
    claims = {k: said(v, url) for k, v in {**GOOD, **row.claims}.items() if v is not ABSENT}
    header = {"alg": "ES384", "typ": "at+jwt", "kid": KEY.kid, **row.header}
    header = {k: said(v, url) for k, v in header.items() if v is not ABSENT}
    payload = json.dumps(claims).encode()
    good = signed(header, payload, KEY, "ES384")
    if row.form in {"", "header"}:
        return _signed_otherwise(row.sign, header, payload) or good
    return _formed(row.form, good, header, payload)


def _signed_otherwise(sign: str, header: dict[str, Any], payload: bytes) -> str | None:
    public = KEY.as_dict(private=False)
    match sign:
        case "none":
            return f"{b64({**header, 'alg': 'none'})}.{b64(payload)}."
        case "HS256 with the public key":
            signing_input = f"{b64({**header, 'alg': 'HS256'})}.{b64(payload)}"
            digest = hmac.digest(KEY.as_pem(private=False), signing_input.encode(), "sha256")
            return f"{signing_input}.{b64(digest)}"
        case "HS256 with the JWK":
            return signed({**header, "alg": "HS256"}, payload, OctKey.import_key(json.dumps(public)), "HS256")
        case "other key":
            return signed({**header, "kid": OTHER.kid}, payload, OTHER, "ES384")
        case "other key, same kid":
            return signed(header, payload, OTHER, "ES384")
        case "RS512":
            return signed({**header, "alg": "RS512", "kid": RSA.kid}, payload, RSA, "RS512")
        case "embedded key":
            return signed({**header, "jwk": OTHER.as_dict(private=False)}, payload, OTHER, "ES384")
        case "ES256 by an ES384 key":
            return signed({**header, "alg": "ES256"}, payload, SMALL, "ES256")
    return None


def _formed(form: str, good: str, header: dict[str, Any], payload: bytes) -> str:
    head, body, signature = good.split(".")
    twice = payload[:-1] + b', "patient": "zoe", "patient": "ann"}'
    doubled = json.dumps(header).encode()[:-1] + b', "alg": "none"}'
    flipped = body[:-2] + ("A" if body[-2] != "A" else "B") + body[-1]
    rsa = signed({**header, "alg": "RS256", "kid": RSA.kid}, payload, RSA, "RS512")
    forms: dict[str, Any] = {
        "empty": "",
        "x.y.z": "x.y.z",
        "one part": head,
        "two parts": f"{head}.{body}",
        "four parts": f"{good}.{signature}",
        "five parts": f"{good}.a.b",
        "dots": "..",
        "no signature": f"{head}.{body}.",
        "short signature": good[:-8],
        "signature of zeros": f"{head}.{body}.{b64(bytes(96))}",
        "flipped bit in the claims": f"{head}.{flipped}.{signature}",
        "flipped bit in the header": f"{head[:-3]}{'A' if head[-3] != 'A' else 'B'}{head[-2:]}.{body}.{signature}",
        "padded": f"{good}==",
        "spare bits": rsa[:-1] + chr(ord(rsa[-1]) + 1),
        "no ASCII": f"{good}é",
        "spaces inside": good.replace(".", " ."),
        "newline at the end": f"{good}\\n",
        "64 KB": "a" * 65_536,
        "64 KB of claims": signed(header, payload[:-1] + b', "x": "' + b"y" * 65_536 + b'"}', KEY, "ES384"),
        "1 MB": "a" * 1_000_000,
        "claims twice": signed(header, twice, KEY, "ES384"),
        "exp twice": signed(header, payload[:-1] + b', "exp": 4102444800}', KEY, "ES384"),
        "alg twice": f"{b64(doubled)}.{body}.{signature}",
        "claims a list": signed(header, b"[" + payload + b"]", KEY, "ES384"),
        "claims a number": signed(header, b"5", KEY, "ES384"),
        "header a list": f"{b64([header])}.{body}.{signature}",
        "claims not UTF-8": signed(header, payload[:-1] + b', "x": "\xff"}', KEY, "ES384"),
        "claims deep": signed(header, payload[:-1] + b', "x": ' + b"[" * 200 + b"]" * 200 + b"}", KEY, "ES384"),
        "base64 with + and /": f"{head}.{body}.{'+/' * 64}",
        "JSON serialisation": json.dumps({"protected": head, "payload": body, "signature": signature}),
        "lower case": good.lower(),
        "null bytes": f"{head}.{body}\0.{signature}",
        "url-encoded": good.replace(".", "%2E"),
    }
    return str(forms[form])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id[:60])
async def test_a_bad_token_is_refused_as_written(rig: Rig, row: Row) -> None:
    authorization = f"{row.scheme} {token_of(row, rig.url)}".lstrip()
    answer = await rig.http.get("/v1/goals/x", headers={b"Authorization": authorization.encode()})

    assert answer.status_code == row.status
    assert rig.fhir.calls == 0
    assert rig.connections == []
    body = answer.json()
    if row.status == 401:
        assert {k: v for k, v in body.items() if k != "requestId"} == {
            "type": "urn:coplan:problem:not-authenticated",
            "title": "Not authenticated",
            "status": 401,
            "detail": "Send a valid token.",
        }
        assert "resource_metadata=" in answer.headers["WWW-Authenticate"]


def test_the_table_has_its_rows_and_each_says_something_else() -> None:
    assert len(ROWS) >= 300
    assert len({row.id for row in ROWS}) == len(ROWS)


async def test_the_good_token_that_they_differ_from_is_good(rig: Rig) -> None:
    await rig.http.get("/v1/goals/x", headers={"Authorization": f"Bearer {token_of(Row('good'), rig.url)}"})

    assert rig.fhir.calls == 1
    rig.fhir.calls = 0
