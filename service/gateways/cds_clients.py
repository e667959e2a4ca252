"""Verifies the tokens of CDS clients. Each is for one endpoint, for a short time, and for once.

Source: https://cds-hooks.hl7.org/2.0/#trusting-cds-clients
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

from joserfc import jws, jwt
from joserfc.errors import ClaimError, JoseError
from joserfc.jwt import ClaimsOption

from fhir_mappings.carrier import Json, decode
from service.errors import NotAuthenticated
from service.gateways.access_tokens import LEEWAY, MAX_TOKEN
from service.gateways.issuer_keys import Keys
from service.logs import log
from service.ports import Nonces

ALGORITHMS: Final = ["ES384", "RS384"]
"""Those that the specification recommends."""
LONGEST: Final = timedelta(hours=1)
"""A token that is valid for longer is refused: its `jti` would have to be remembered as long."""
MAX_JTI: Final = 256
CLAIMS: Final = frozenset({"aud", "exp", "iat", "iss", "jti", "nbf"})


@dataclass(frozen=True, slots=True)
class CdsClient:
    """A client on the list: its keys, and the URL that a `jku` of its tokens may name."""

    keys: Keys
    jwks_url: str | None = None


class CdsClientVerifier:
    """`CdsClients` by JWT."""

    def __init__(
        self, clients: Mapping[str, CdsClient], nonces: Nonces, *, now: Callable[[], float] = time.time
    ) -> None:
        self._clients = clients
        self._nonces = nonces
        self._now = now

    async def verify(self, token: str, endpoint: str) -> str:
        """Whatever is wrong with a token, the caller hears the same; the log says what, for whoever set the client up.

        Raises:
            NotAuthenticated: unknown client, key or algorithm; wrong signature, audience or time; used before.
        """
        try:
            return await self._verified(token, endpoint)
        except (JoseError, ValueError, TypeError, KeyError, NotAuthenticated) as exc:
            log.info("cds_token_refused", reason=_reason(exc), issuer=self._client_in(token), where=endpoint)
            raise NotAuthenticated("the token is not valid here") from exc

    async def _verified(self, token: str, endpoint: str) -> str:
        if len(token) > MAX_TOKEN:
            raise NotAuthenticated("too long")
        signature = jws.extract_compact(token.encode("ascii"))
        header, issuer = signature.headers(), decode(signature.payload).get("iss")
        client = self._clients.get(issuer)
        if client is None:
            raise NotAuthenticated("iss is no client")
        if header.get("typ") != "JWT":
            raise NotAuthenticated("typ is not JWT")
        if header.get("jku", client.jwks_url) != client.jwks_url:
            raise NotAuthenticated("jku is not the one of the settings")
        keys = await client.keys.with_key(str(header["kid"]))
        claims: Json = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        self._registry(issuer).validate(claims)
        await self._must_be_for_here_and_once(claims, endpoint)
        return str(issuer)

    def _registry(self, issuer: str) -> jwt.JWTClaimsRegistry:
        essential = ClaimsOption(essential=True)
        return jwt.JWTClaimsRegistry(
            now=int(self._now()),
            leeway=int(LEEWAY.total_seconds()),
            iss=ClaimsOption(essential=True, value=issuer),
            aud=essential,
            exp=essential,
            iat=essential,
            jti=essential,
        )

    async def _must_be_for_here_and_once(self, claims: Json, endpoint: str) -> None:
        audience, nonce = claims["aud"], claims["jti"]
        left = timedelta(seconds=int(claims["exp"]) - int(self._now()))
        if endpoint not in (audience if isinstance(audience, list) else [audience]):
            raise NotAuthenticated("aud is not this URL")
        if left > LONGEST:
            raise NotAuthenticated("exp is too far ahead")
        if not _is_nonce(nonce):
            raise NotAuthenticated("jti is not usable")
        name = sha256(f"{claims['iss']}\0{nonce}".encode()).hexdigest()
        if not await self._nonces.is_new(name, keep_for=left + 2 * LEEWAY):
            raise NotAuthenticated("jti was used before")

    def _client_in(self, token: str) -> str:
        """The client that the token says it is of: only one of the list stands in a log."""
        try:
            issuer = decode(jws.extract_compact(token[:MAX_TOKEN].encode("ascii")).payload)["iss"]
        except (JoseError, ValueError, TypeError, KeyError):
            return "unknown"
        return issuer if isinstance(issuer, str) and issuer in self._clients else "unknown"


def _reason(error: Exception) -> str:
    """What is wrong, in our words or as a code of the library with the name of the claim; nothing that a token says."""
    if isinstance(error, NotAuthenticated):
        return str(error) or "no key for kid"
    if isinstance(error, ClaimError):
        return f"{error.error} {error.claim if error.claim in CLAIMS else 'other'}"
    return error.error if isinstance(error, JoseError) else "malformed"


def _is_nonce(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_JTI
