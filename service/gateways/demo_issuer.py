"""Issues tokens for the demo identities, with a key that is made at start and forgotten at the end."""

import time
from datetime import timedelta
from typing import Final

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from fhir_mappings.model import Reference
from service.gateways.issuer_keys import Keys, KnownKeys

ISSUER: Final = "urn:coplan:demo-issuer"
AUDIENCE: Final = "urn:coplan:demo"
CLIENT: Final = "demo-portal"


class DemoIssuer:
    """A token issuer inside this process, for development and tests; it goes through the same verification as any."""

    def __init__(self) -> None:
        self._key = ECKey.generate_key("P-384", {"alg": "ES384", "use": "sig"}, auto_kid=True)

    @property
    def issuers(self) -> dict[str, Keys]:
        """For `SmartTokenVerifier`."""
        public = ECKey.import_key(self._key.as_dict(private=False))
        return {ISSUER: KnownKeys(KeySet([public]))}

    def token(
        self,
        fhir_user: Reference,
        *,
        patient: str | None = None,
        name: str | None = None,
        scope: str = "openid fhirUser user/*.cruds",
        lifetime: timedelta = timedelta(hours=12),
        client_id: str = CLIENT,
    ) -> str:
        """A signed access token of this user, or of nobody (empty). `patient` is the id of the patient in context."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": fhir_user or client_id,
            "client_id": client_id,
            "iat": now,
            "exp": now + int(lifetime.total_seconds()),
            "scope": scope,
            **({"fhirUser": fhir_user} if fhir_user else {}),
            **({"patient": patient} if patient else {}),
            **({"name": name} if name else {}),
        }
        header = {"alg": "ES384", "typ": "at+jwt", "kid": self._key.kid}
        return jwt.encode(header, claims, self._key, algorithms=["ES384"])
