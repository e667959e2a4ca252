"""What an access token may look like: a JWT, or the answer to an introspection. Pure: no key, no clock of its own.

Source: https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
    https://www.rfc-editor.org/rfc/rfc9068 https://www.rfc-editor.org/rfc/rfc8725 https://www.rfc-editor.org/rfc/rfc7662
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from joserfc.util import urlsafe_b64decode

from fhir_mappings.carrier import Json, decode
from fhir_mappings.elements import ID
from fhir_mappings.model import Reference
from service.domain.actors import Claims
from service.errors import NotAuthenticated

ALGORITHMS: Final = ("ES256", "ES384", "RS256", "RS384")
"""Signatures by key pairs only: a shared secret or `none` verifies nothing."""
MAX_TOKEN: Final = 16_384
LEEWAY: Final = timedelta(seconds=30)
LONGEST_LIFE: Final = timedelta(hours=24)
USERS: Final = frozenset({"Patient", "RelatedPerson", "Practitioner", "PractitionerRole"})
_JWT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_OPAQUE: Final = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
_TYPES: Final = frozenset({"at+jwt", "application/at+jwt", "jwt"})
_KEYS_BESIDE_OURS: Final = frozenset({"jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"})
_EXTENSIONS: Final = frozenset({"crit", "b64", "zip", "enc", "cty"})
_OF_OTHER_TOKENS: Final = frozenset({"at_hash", "c_hash", "s_hash", "nonce", "events"})
"""Claims of identity tokens and logout tokens: who holds one has not been given access by it."""


@dataclass(frozen=True, slots=True)
class Jwt:
    """A token that is a JWT in form. Nothing of it may be trusted yet."""

    header: Json
    claims: Json

    @property
    def key_id(self) -> str:
        return _string(self.header.get("kid"))

    @property
    def issuer(self) -> str:
        return _string(self.claims.get("iss"))


def is_jwt(token: str) -> bool:
    """True for the form of a JWT.

    Raises:
        NotAuthenticated: it has the form of no token at all (RFC 6750), or is longer than any that is taken.
    """
    if len(token) > MAX_TOKEN or not _OPAQUE.fullmatch(token):
        raise NotAuthenticated
    return _JWT.fullmatch(token) is not None


def read_jwt(token: str) -> Jwt:
    """Header and claims: strict JSON, no name twice, and one spelling only, for a token is remembered by its bytes.

    Raises:
        NotAuthenticated, ValueError: it is none, or no access token by its header or claims.
    """
    decoded = [urlsafe_b64decode(part) for part in token.encode("ascii").split(b".")]  # knows one spelling only
    header, claims = decode(decoded[0]), decode(decoded[1])
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise NotAuthenticated
    _must_be_plain(header)
    _must_give_access(claims)
    return Jwt(header, claims)


def must_hold(claims: Json, *, issuer: str, audience: str, now: float) -> None:
    """Who issued it, for whom, since when and until when: all of it said, and true.

    Raises:
        NotAuthenticated: one of it is not.
    """
    leeway = LEEWAY.total_seconds()
    issued, expires = _instant(claims.get("iat")), _instant(claims.get("exp"))
    times_hold = issued <= now + leeway and now - leeway < expires <= issued + LONGEST_LIFE.total_seconds()
    begun = "nbf" not in claims or _instant(claims["nbf"]) <= now + leeway
    ours = audience in _audiences(claims.get("aud"))
    if claims.get("iss") != issuer or not (ours and times_hold and begun):
        raise NotAuthenticated
    _string(claims.get("sub"))


def must_be_active(answer: Json, *, issuer: str, audience: str, now: float) -> None:
    """What the issuer says of a token by introspection. Issuer and audience may be left unsaid: it answered us.

    Raises:
        NotAuthenticated: not active (any more), or not for this service.
    """
    leeway = LEEWAY.total_seconds()
    active = answer.get("active") is True and now - leeway < _instant(answer.get("exp"))
    begun = "nbf" not in answer or _instant(answer["nbf"]) <= now + leeway
    ours = answer.get("iss", issuer) == issuer and ("aud" not in answer or audience in _audiences(answer["aud"]))
    bearer = str(answer.get("token_type", "bearer")).lower() in {"bearer", "access_token"}
    if not (active and begun and ours and bearer):
        raise NotAuthenticated
    _must_give_access(answer)
    _string(answer.get("client_id"))


def claims_of(claims: Json, *, issuer: str, fhir_bases: Collection[str]) -> Claims:
    """What the claims say in our words.

    Args:
        fhir_bases: as which URLs, ending with a slash, the issuer may name our FHIR server in an absolute `fhirUser`.
    """
    client = claims.get("client_id") or claims.get("azp") or claims.get("sub")
    return Claims(
        issuer=issuer,
        subject=_string(claims.get("sub") or client),
        client_id=_string(client),
        scopes=frozenset(_text(claims.get("scope", "")).split()),
        expires_at=datetime.fromtimestamp(int(_instant(claims.get("exp"))), UTC),
        fhir_user=_user(claims.get("fhirUser"), fhir_bases),
        patient=_patient(claims.get("patient")),
        name=_optional_text(claims.get("name")),
    )


def _must_be_plain(header: Json) -> None:
    """No key but the issuer's verifies, and nothing that changes what the rest means is understood here."""
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in _TYPES or header.keys() & (_KEYS_BESIDE_OURS | _EXTENSIONS):
        raise NotAuthenticated


def _must_give_access(claims: Json) -> None:
    """An identity token gives none; a token that is bound to a key (RFC 7800) gives none to who shows it alone."""
    kind, use = claims.get("typ", "Bearer"), claims.get("token_use", "access")
    if claims.keys() & _OF_OTHER_TOKENS or "cnf" in claims or kind != "Bearer" or use != "access":
        raise NotAuthenticated


def _audiences(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(_string(v) for v in values)


def _instant(value: Any) -> float:
    """A NumericDate. Source: https://www.rfc-editor.org/rfc/rfc7519#section-2"""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not 0 <= value < 1e11:
        raise NotAuthenticated
    return float(value)


def _user(value: Any, fhir_bases: Collection[str]) -> Reference | None:
    """`Type/id`, or the same below our FHIR base; another server's user is none of ours."""
    if value is None:
        return None
    relative = _string(value)
    base = next((b for b in fhir_bases if relative.startswith(b)), "")
    resource_type, slash, resource_id = relative.removeprefix(base).partition("/")
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
    if not _text(value):
        raise NotAuthenticated
    return str(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise NotAuthenticated
    return value


def _optional_text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
