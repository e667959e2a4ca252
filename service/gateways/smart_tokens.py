"""Verifies bearer tokens of the issuers that this service trusts.

Source: https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
    https://www.rfc-editor.org/rfc/rfc9068
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final, Literal

from joserfc import jws
from joserfc.errors import JoseError

from fhir_mappings.carrier import decode
from service.domain.actors import Claims
from service.errors import NotAuthenticated
from service.gateways.access_tokens import (
    ALGORITHMS,
    LEEWAY,
    Jwt,
    claims_of,
    is_jwt,
    must_be_active,
    must_hold,
    read_jwt,
)
from service.gateways.introspection import Introspection
from service.gateways.issuer_keys import Keys
from service.kept import Kept
from service.logs import log

VERIFIED_FOR: Final = timedelta(seconds=60)
"""How long a signature that was verified need not be verified again; nobody can revoke such a token anyway."""
INTROSPECTED_FOR: Final = timedelta(seconds=5)
"""How long after its revocation a token may still be taken."""
MAX_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Issuer:
    """How tokens of one issuer are verified. With `introspection` the issuer is asked, also about its JWTs.

    `audience` and `fhir_base_url` None: those of the service. `opaque`: tokens that are no JWT are this issuer's.
    """

    keys: Keys | None = None
    algorithms: tuple[str, ...] = ALGORITHMS
    audience: str | None = None
    fhir_base_url: str | None = None
    introspection: Introspection | None = None
    opaque: bool = False


class SmartTokenVerifier:
    """`TokenVerifier` for JWTs and for opaque access tokens."""

    def __init__(
        self,
        issuers: Mapping[str, Keys | Issuer],
        *,
        audience: str,
        fhir_base_url: str,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuers = {name: i if isinstance(i, Issuer) else Issuer(i) for name, i in issuers.items()}
        self._opaque = next((name for name, i in self._issuers.items() if i.opaque), None)
        self._audience = audience
        self._fhir_base = fhir_base_url
        self._now = now
        self._kept: Kept[bytes, Claims | Literal[False]] = Kept(at_most=MAX_KEPT, clock=clock)

    async def verify(self, token: str) -> Claims:
        """Whatever is wrong with a token, the caller hears the same; the log has the kind of error.

        Raises:
            NotAuthenticated: unknown issuer, key or algorithm; wrong signature, audience or time; not active.
            IssuerUnavailable: its issuer has to be asked, and does not answer.
        """
        try:
            found = await self._kept.get(sha256(token.encode()).digest(), lambda: self._judged(token))
            if not found or self._now() >= found.expires_at.timestamp() + LEEWAY.total_seconds():
                raise NotAuthenticated
        except (JoseError, ValueError, TypeError, KeyError, ArithmeticError, NotAuthenticated) as exc:
            log.info("token_refused", error=type(exc).__name__)
            raise NotAuthenticated("the token is not valid here") from exc
        return found

    async def _judged(self, token: str) -> tuple[Claims | Literal[False], float]:
        jwt = read_jwt(token) if is_jwt(token) else None
        name = jwt.issuer if jwt else self._opaque
        if name is None or name not in self._issuers:
            raise NotAuthenticated
        issuer = self._issuers[name]
        if issuer.introspection is not None:
            return await self._introspected(token, name, issuer, issuer.introspection)
        if jwt is None or issuer.keys is None:
            raise NotAuthenticated
        return await self._verified(token, jwt, name, issuer.keys), VERIFIED_FOR.total_seconds()

    async def _verified(self, token: str, jwt: Jwt, name: str, keys: Keys) -> Claims:
        issuer = self._issuers[name]
        if jwt.header.get("alg") not in issuer.algorithms:
            raise NotAuthenticated
        key_set = await keys.with_key(jwt.key_id)
        verified = jws.deserialize_compact(token, key_set, algorithms=list(issuer.algorithms))
        claims = decode(verified.payload)
        must_hold(claims, issuer=name, audience=issuer.audience or self._audience, now=self._now())
        return claims_of(claims, issuer=name, fhir_bases=self._fhir_bases(issuer))

    async def _introspected(
        self, token: str, name: str, issuer: Issuer, endpoint: Introspection
    ) -> tuple[Claims | Literal[False], float]:
        answer = await endpoint.introspect(token)
        try:
            must_be_active(answer, issuer=name, audience=issuer.audience or self._audience, now=self._now())
            claims = claims_of(answer, issuer=name, fhir_bases=self._fhir_bases(issuer))
        except NotAuthenticated:
            return False, INTROSPECTED_FOR.total_seconds()
        return claims, INTROSPECTED_FOR.total_seconds()

    def _fhir_bases(self, issuer: Issuer) -> tuple[str, ...]:
        bases = (issuer.fhir_base_url, self._fhir_base)
        return tuple(base.rstrip("/") + "/" for base in bases if base)
