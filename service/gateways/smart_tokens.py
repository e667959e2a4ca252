"""Verifies bearer tokens of the issuers that this service trusts.

Source: https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
    https://www.rfc-editor.org/rfc/rfc9068
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

import httpx
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import ClaimsOption

from fhir_mappings.carrier import Json, MalformedJson, decode
from fhir_mappings.elements import ID
from fhir_mappings.model import Reference
from service.domain.actors import Claims
from service.errors import NotAuthenticated
from service.logs import log

ALGORITHMS: Final = ["RS256", "RS384", "ES256", "ES384"]
"""Signatures by key pairs only: a shared secret or `none` verifies nothing."""
MAX_TOKEN: Final = 16_384
MAX_KEY_SET: Final = 256 * 1024
LEEWAY: Final = timedelta(seconds=30)
COOL_DOWN: Final = timedelta(seconds=30)
KEYS_KEPT_FOR: Final = timedelta(hours=1)
KEYS_VALID_FOR: Final = timedelta(hours=24)
"""How long known keys go on verifying while the issuer's key set cannot be had."""
USERS: Final = frozenset({"Patient", "RelatedPerson", "Practitioner"})


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
    """A JWKS at a URL: one fetch at a time, not again within the cool-down, kept while the issuer is away.

    Source: https://www.rfc-editor.org/rfc/rfc7517#section-5
    """

    def __init__(self, http: httpx.AsyncClient, url: str, clock: Callable[[], float] = time.monotonic) -> None:
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
            response = await self._http.get(self._url, timeout=5.0)
            response.raise_for_status()
            if len(response.content) > MAX_KEY_SET:
                raise MalformedJson("is too large")
            self._keys = KeySet.import_key_set(decode(response.content))
            self._fetched_at = self._clock()
        except (httpx.HTTPError, JoseError, ValueError, TypeError, KeyError) as exc:
            log.warning("key_set_unavailable", error=type(exc).__name__)


class SmartTokenVerifier:
    """`TokenVerifier` for JWT access tokens."""

    def __init__(
        self,
        issuers: Mapping[str, Keys],
        *,
        audience: str,
        fhir_base_url: str,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._issuers = issuers
        self._audience = audience
        self._fhir_base = fhir_base_url.rstrip("/") + "/"
        self._now = now

    async def verify(self, token: str) -> Claims:
        """Whatever is wrong with a token, the caller hears the same; the log has the kind of error.

        Raises:
            NotAuthenticated: unknown issuer, key or algorithm; wrong signature, audience or time; not a JWT.
        """
        try:
            return await self._verified(token)
        except (JoseError, ValueError, TypeError, KeyError, NotAuthenticated) as exc:
            log.info("token_refused", error=type(exc).__name__)
            raise NotAuthenticated("the token is not valid here") from exc

    async def _verified(self, token: str) -> Claims:
        if len(token) > MAX_TOKEN:
            raise NotAuthenticated
        signature = jws.extract_compact(token.encode("ascii"))
        issuer = decode(signature.payload).get("iss")
        keys = self._issuers[issuer]
        key_set = await keys.with_key(str(signature.headers()["kid"]))
        claims: Json = jwt.decode(token, key_set, algorithms=ALGORITHMS).claims
        self._registry(issuer).validate(claims)
        return self._claims(claims)

    def _registry(self, issuer: str) -> jwt.JWTClaimsRegistry:
        essential = ClaimsOption(essential=True)
        return jwt.JWTClaimsRegistry(
            now=int(self._now()),
            leeway=int(LEEWAY.total_seconds()),
            iss=ClaimsOption(essential=True, value=issuer),
            aud=ClaimsOption(essential=True, value=self._audience),
            exp=essential,
            sub=essential,
        )

    def _claims(self, claims: Json) -> Claims:
        return Claims(
            issuer=_string(claims["iss"]),
            subject=_string(claims["sub"]),
            client_id=_string(claims.get("client_id") or claims.get("azp") or claims["sub"]),
            scopes=frozenset(_string(claims.get("scope", "")).split()),
            expires_at=datetime.fromtimestamp(int(claims["exp"]), UTC),
            fhir_user=self._user(claims.get("fhirUser")),
            patient=_patient(claims.get("patient")),
            name=_optional_string(claims.get("name")),
        )

    def _user(self, value: Any) -> Reference | None:
        """`Type/id`, or the same below our FHIR base; another server's user is none of ours."""
        if value is None:
            return None
        resource_type, slash, resource_id = _string(value).removeprefix(self._fhir_base).partition("/")
        if resource_type not in USERS or not slash or not ID.fullmatch(resource_id):
            raise NotAuthenticated
        return f"{resource_type}/{resource_id}"


def _patient(value: Any) -> Reference | None:
    if value is None:
        return None
    if not ID.fullmatch(_string(value)):
        raise NotAuthenticated
    return f"Patient/{value}"


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise NotAuthenticated
    return value


def _optional_string(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
