"""The public keys of token issuers: known, fetched from a URL, or from the URL that the issuer's discovery names.

Source: https://www.rfc-editor.org/rfc/rfc7517#section-5
    https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html
    https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey
from joserfc.util import urlsafe_b64decode

from fhir_mappings.carrier import Json, MalformedJson, decode
from service.errors import NotAuthenticated
from service.logs import log

MAX_DOCUMENT: Final = 256 * 1024
TIMEOUT: Final = timedelta(seconds=5)
COOL_DOWN: Final = timedelta(seconds=30)
"""Between two fetches of one key set: at most two a minute, however many unknown keys callers name."""
KEYS_KEPT_FOR: Final = timedelta(hours=1)
KEYS_VALID_FOR: Final = timedelta(hours=24)
"""How long known keys go on verifying while the issuer's key set cannot be had."""
MIN_RSA_BITS: Final = 2048
WELL_KNOWN: Final = ("/.well-known/smart-configuration", "/.well-known/openid-configuration")

Locate = Callable[[], Awaitable[str]]
"""Finds the URL of a key set."""


class Keys(Protocol):
    """The public keys of one issuer."""

    async def with_key(self, key_id: str) -> KeySet:
        """The key set, fetched again if it does not have this key and was not fetched just before."""
        ...


class KnownKeys:
    """Keys that are at hand, as those of the demo issuer."""

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys

    async def with_key(self, key_id: str) -> KeySet:
        return self._keys


class FetchedKeys:
    """A JWKS at a URL: one fetch at a time, not again within the cool-down, kept while the issuer is away."""

    def __init__(self, http: httpx.AsyncClient, url: str | Locate, clock: Callable[[], float] = time.monotonic) -> None:
        self._http = http
        self._url = url
        self._clock = clock
        self._keys: KeySet | None = None
        self._fetched_at = self._tried_at = float("-inf")
        self._fetching = asyncio.Lock()

    async def with_key(self, key_id: str) -> KeySet:
        if self._is_wanting(key_id) or (self._fetching.locked() and not self._has(key_id)):
            async with self._fetching:
                if self._is_wanting(key_id):
                    await self._fetch()
        age = self._clock() - self._fetched_at
        if self._keys is None or age > KEYS_VALID_FOR.total_seconds():
            raise NotAuthenticated
        return self._keys

    def _is_wanting(self, key_id: str) -> bool:
        now = self._clock()
        if now - self._tried_at < COOL_DOWN.total_seconds():
            return False
        old = now - self._fetched_at > KEYS_KEPT_FOR.total_seconds()
        return old or not self._has(key_id)

    def _has(self, key_id: str) -> bool:
        return self._keys is not None and key_id in {k.kid for k in self._keys.keys}

    async def _fetch(self) -> None:
        self._tried_at = self._clock()
        try:
            url = self._url if isinstance(self._url, str) else await self._url()
            self._keys = usable_keys(await fetch_document(self._http, url))
            self._fetched_at = self._clock()
        except (httpx.HTTPError, httpx.InvalidURL, JoseError, ValueError, TypeError, KeyError) as exc:
            log.warning("key_set_unavailable", error=type(exc).__name__)


def usable_keys(document: Json) -> KeySet:
    """The signature keys of a JWKS that this service can use; others in it are nobody's business here.

    Raises:
        ValueError: there is none.
    """
    found = (_usable(key) for key in document["keys"])
    keys: dict[str, RSAKey | ECKey] = {}
    for key in found:
        if key is not None and key.kid:
            keys.setdefault(key.kid, key)
    if not keys:
        raise ValueError("no key to verify with")
    return KeySet(list(keys.values()))


def _usable(value: Any) -> RSAKey | ECKey | None:
    """A public key of a pair. A private or a shared one in a public document is a mistake that nobody trusts."""
    if not isinstance(value, dict) or value.get("use", "sig") != "sig" or "d" in value:
        return None
    try:
        if value.get("kty") == "EC":
            return ECKey.import_key(value)
        is_strong = value.get("kty") == "RSA" and len(urlsafe_b64decode(value["n"].encode())) * 8 >= MIN_RSA_BITS
        return RSAKey.import_key(value) if is_strong else None
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return None


def discovered(http: httpx.AsyncClient, issuer: str, document: str | None = None) -> Locate:
    """Finds the key set by the issuer's discovery document, SMART's first.

    Args:
        document: URL of the document, where it is not below the issuer.
    """
    base = issuer.rstrip("/")
    places = (document,) if document else tuple(base + path for path in WELL_KNOWN)

    async def locate() -> str:
        for number, place in enumerate(places, 1):
            try:
                return _jwks_uri(await fetch_document(http, place), issuer)
            except (httpx.HTTPError, ValueError, KeyError):
                if number == len(places):
                    raise
        raise AssertionError("there is at least one place")

    return locate


def _jwks_uri(configuration: Json, issuer: str) -> str:
    """Source: https://www.rfc-editor.org/rfc/rfc8414#section-3.3, which wants the issuer to be the same."""
    if configuration.get("issuer", issuer) != issuer:
        raise ValueError("the discovery document is another issuer's")
    uri: str = configuration["jwks_uri"]
    if urlsplit(uri).scheme != urlsplit(issuer).scheme:
        raise ValueError("the key set has another scheme than the issuer")
    return uri


async def fetch_document(http: httpx.AsyncClient, url: str) -> Json:
    """A JSON object of moderate size."""
    response = await http.get(url, timeout=TIMEOUT.total_seconds(), headers={"Accept": "application/json"})
    response.raise_for_status()
    if len(response.content) > MAX_DOCUMENT:
        raise MalformedJson("is too large")
    document = decode(response.content)
    if not isinstance(document, dict):
        raise MalformedJson("is no object")
    return document
