"""An EHR that calls decision support, for development and tests, with a key that is made at start.

It is trusted where it was handed over with `open_services`, and nowhere else.
"""

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet
from joserfc.jwt import ClaimsOption

from fhir_mappings.carrier import Json
from service.gateways.cds_clients import CdsClient
from service.gateways.issuer_keys import KnownKeys

EHR: Final = "urn:coplan:demo-ehr"
LIFETIME: Final = timedelta(minutes=5)
OPENED_WITHIN: Final = timedelta(hours=1)
"""How long the link below a card opens the app."""


class DemoEhr:
    """A CDS client: signs a token for each call, as the specification wants it."""

    def __init__(self, key: ECKey | None = None) -> None:
        self._key = key or ECKey.generate_key("P-384", {"alg": "ES384", "use": "sig"}, auto_kid=True)

    @classmethod
    def of(cls, private_key: Json) -> "DemoEhr":
        """The one that has this key, in another process."""
        return cls(ECKey.import_key(private_key))

    @property
    def private_key(self) -> Json:
        """A secret: as a JWK, to be kept for the eyes of this user."""
        return {**self._key.as_dict(private=True)}

    @property
    def clients(self) -> Mapping[str, CdsClient]:
        """For `open_services`."""
        return {EHR: CdsClient(KnownKeys(KeySet([ECKey.import_key(self._key.as_dict(private=False))])))}

    @property
    def header(self) -> Json:
        """Of each token."""
        return {"alg": "ES384", "typ": "JWT", "kid": self._key.kid}

    def claims(self, endpoint: str) -> Json:
        """For one call of this URL."""
        now = int(time.time())
        return {
            "iss": EHR,
            "aud": endpoint,
            "iat": now,
            "exp": now + int(LIFETIME.total_seconds()),
            "jti": str(uuid4()),
        }

    def token(self, endpoint: str) -> str:
        """A token for one call of this URL."""
        return self.signed(self.claims(endpoint))

    def launch(self, context: Json, app: str) -> str:
        """The `launch` parameter with which this EHR, and nobody else, opens its app."""
        now = int(time.time())
        return self.signed(
            {"iss": EHR, "aud": app, "iat": now, "exp": now + int(OPENED_WITHIN.total_seconds()), "context": context}
        )

    def launched(self, launch: str, app: str) -> Json:
        """The context of a launch of this app.

        Raises:
            ValueError: this EHR has not signed it, or for another app, or long ago.
        """
        try:
            claims: Json = jwt.decode(launch, self._key, algorithms=["ES384"]).claims
            iss, aud = (ClaimsOption(essential=True, value=value) for value in (EHR, app))
            jwt.JWTClaimsRegistry(iss=iss, aud=aud, exp=ClaimsOption(essential=True)).validate(claims)
            context: Json = claims["context"]
        except (JoseError, KeyError, UnicodeError) as exc:
            raise ValueError("no launch of this EHR") from exc
        return context

    def signed(self, claims: Json) -> str:
        """A token with these claims."""
        return jwt.encode(self.header, claims, self._key, algorithms=["ES384"])
