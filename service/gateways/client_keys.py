"""The key pairs with which this service proves itself to an authorisation server, and their public halves.

Source: https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeAlias
from uuid import uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from fhir_mappings.carrier import Json, MalformedJson, decode

Key: TypeAlias = ECKey | RSAKey
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFETIME: Final = timedelta(minutes=4)
"""SMART allows five; one is left for clocks that differ."""
MIN_RSA_BITS: Final = 2048


class UnfitKeys(ValueError):
    """Keys that cannot sign for this service. Says which file or position, never what stands there."""


class ClientKeys:
    """One key signs; all are published, so that the next one is known before it is used, and the last one after."""

    def __init__(self, keys: Sequence[Key], *, signing: str | None = None) -> None:
        """`signing` is the key id to sign with; the first key where it is None.

        Raises:
            UnfitKeys: a key without its private half, of another kind than P-384 or RSA, or `signing` is none of them.
        """
        self._algorithms = {key.ensure_kid() or str(key.kid): _algorithm(key) for key in keys}
        if len(self._algorithms) != len(keys):
            raise UnfitKeys("two keys have the same id")
        chosen = [key for key in keys if signing in {None, key.kid}]
        if not chosen:
            raise UnfitKeys("the key to sign with is not among the keys")
        self._keys = tuple(keys)
        self._signing = chosen[0]

    @classmethod
    def generated(cls) -> "ClientKeys":
        """A key that is made now and forgotten at the end."""
        return cls([ECKey.generate_key("P-384", auto_kid=True)])

    @classmethod
    def from_jwks(cls, text: str, *, signing: str | None = None) -> "ClientKeys":
        """From a JWK Set with private keys, as a secret holds it."""
        try:
            keys = KeySet.import_key_set(decode(text.encode())).keys
        except (JoseError, MalformedJson, ValueError, TypeError, KeyError) as exc:
            raise UnfitKeys("not a JWK Set") from exc
        return cls(_of_known_kinds(keys), signing=signing)

    @classmethod
    def from_folder(cls, folder: Path, *, signing: str | None = None) -> "ClientKeys":
        """From files `*.json` (JWK) and `*.pem`, in the order of their names; the key id of a PEM is its thumbprint."""
        files = sorted(p for p in folder.glob("*") if p.suffix in {".json", ".pem"})
        return cls([_from_file(path) for path in files], signing=signing)

    @property
    def public(self) -> Json:
        """The JWK Set for everybody to see."""
        return {"keys": [self._public(key) for key in self._keys]}

    def proof(self, client_id: str, audience: str) -> Mapping[str, str]:
        """The form fields by which this client proves itself once (`private_key_jwt`).

        Source: https://www.rfc-editor.org/rfc/rfc7523#section-2.2
        """
        return {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(client_id, audience),
        }

    def assertion(self, client_id: str, audience: str) -> str:
        """A JWT that says once who this client is, to the endpoint or issuer that `audience` names."""
        now = int(time.time())
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "iat": now,
            "exp": now + int(ASSERTION_LIFETIME.total_seconds()),
            "jti": str(uuid4()),
        }
        algorithm = self._algorithms[str(self._signing.kid)]
        header = {"alg": algorithm, "kid": self._signing.kid, "typ": "JWT"}
        return jwt.encode(header, claims, self._signing, algorithms=[algorithm])

    def _public(self, key: Key) -> Json:
        members = {k: v for k, v in key.as_dict(private=False).items() if k not in {"key_ops", "use", "alg"}}
        return {**members, "use": "sig", "alg": self._algorithms[str(key.kid)]}


def _algorithm(key: Key) -> str:
    """ES384 or RS384, which every SMART server takes."""
    if not key.is_private:
        raise UnfitKeys("a key has no private half")
    if isinstance(key, ECKey) and key.curve_name == "P-384":
        return "ES384"
    if isinstance(key, RSAKey) and key.raw_value.key_size >= MIN_RSA_BITS:
        return "RS384"
    raise UnfitKeys(f"a key is neither EC P-384 nor RSA of {MIN_RSA_BITS} bits")


def _of_known_kinds(keys: Iterable[object]) -> list[Key]:
    found = [key for key in keys if isinstance(key, ECKey | RSAKey)]
    if len(found) != len(list(keys)):
        raise UnfitKeys("a key is neither EC nor RSA")
    return found


def _from_file(path: Path) -> Key:
    """A JWK or a PEM, tried as both kinds."""
    for kind in (ECKey, RSAKey):
        try:
            return kind.import_key(decode(path.read_bytes()) if path.suffix == ".json" else path.read_text())
        except (JoseError, MalformedJson, ValueError, TypeError, KeyError):
            continue
    raise UnfitKeys(f"{path.name} is neither an EC nor an RSA key")
