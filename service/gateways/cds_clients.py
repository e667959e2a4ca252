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
from joserfc.errors import JoseError
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
        """Whatever is wrong with a token, the caller hears the same; the log has the kind of error.

        Raises:
            NotAuthenticated: unknown client, key or algorithm; wrong signature, audience or time; used before.
        """
        try:
            return await self._verified(token, endpoint)
        except (JoseError, ValueError, TypeError, KeyError, NotAuthenticated) as exc:
            log.info("cds_token_refused", error=type(exc).__name__)
            raise NotAuthenticated("the token is not valid here") from exc

    async def _verified(self, token: str, endpoint: str) -> str:
        if len(token) > MAX_TOKEN:
            raise NotAuthenticated
        signature = jws.extract_compact(token.encode("ascii"))
        header, issuer = signature.headers(), decode(signature.payload).get("iss")
        client = self._clients[issuer]
        if header.get("typ") != "JWT" or header.get("jku", client.jwks_url) != client.jwks_url:
            raise NotAuthenticated
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
        is_for_here = endpoint in (audience if isinstance(audience, list) else [audience])
        if not is_for_here or left > LONGEST or not _is_nonce(nonce):
            raise NotAuthenticated
        name = sha256(f"{claims['iss']}\0{nonce}".encode()).hexdigest()
        if not await self._nonces.is_new(name, keep_for=left + 2 * LEEWAY):
            raise NotAuthenticated


def _is_nonce(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_JTI
