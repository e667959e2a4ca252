"""An EHR as a client of CDS Hooks: its keys, its tokens, the calls that it sends."""

import time
from typing import Any, Final
from uuid import uuid4

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from fhir_mappings.carrier import Json, encode
from service.gateways.cds_clients import CdsClient
from service.gateways.issuer_keys import KnownKeys
from tests.people import World, said

ADMISSION: Final = {
    "resourceType": "ServiceRequest",
    "status": "draft",
    "intent": "order",
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "32485007"}], "text": "Admit to ward 3"},
}


class Ehr:
    """Signs with ES384, or with RS384 where it is asked to."""

    issuer: Final = "https://ehr.test/"
    jwks: Final = "https://ehr.test/jwks"
    service: Final = "http://coplan.test"
    app: Final = "https://app.test/launch"

    def __init__(self) -> None:
        self.ec = ECKey.generate_key("P-384", {"alg": "ES384", "use": "sig"}, auto_kid=True)
        self.rsa = RSAKey.generate_key(2048, {"alg": "RS384", "use": "sig"}, auto_kid=True)

    @property
    def clients(self) -> dict[str, CdsClient]:
        ec = ECKey.import_key(self.ec.as_dict(private=False))
        rsa = RSAKey.import_key(self.rsa.as_dict(private=False))
        return {self.issuer: CdsClient(KnownKeys(KeySet([ec, rsa])), self.jwks)}

    def token(self, path: str, *, header: Json | None = None, rsa: bool = False, **claims: Any) -> str:
        """A token for this endpoint, good for once; a claim or header of None is left out."""
        now = int(time.time())
        given = {
            "iss": self.issuer,
            "aud": f"{self.service}{path}",
            "iat": now,
            "exp": now + 300,
            "jti": str(uuid4()),
            **claims,
        }
        key, algorithm = (self.rsa, "RS384") if rsa else (self.ec, "ES384")
        head = {"alg": algorithm, "typ": "JWT", "kid": key.kid, **(header or {})}
        return jwt.encode(_without_none(head), _without_none(given), key, algorithms=[algorithm])

    async def call(self, http: httpx.AsyncClient, path: str, body: Any, token: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or self.token(path)}", "Content-Type": "application/json"}
        return await http.post(path, content=encode(body), headers=headers)

    async def discovers(
        self, http: httpx.AsyncClient, token: str | None = None, *, origin: str | None = None
    ) -> httpx.Response:
        """`origin`: of the page whose script asks."""
        headers = {"Authorization": f"Bearer {token or self.token('/cds-services')}"}
        return await http.get("/cds-services", headers={**headers, **({"Origin": origin} if origin else {})})

    async def card(self, world: World, hook: str, service: str = "coplan-asked-first", **parts: Any) -> Json | None:
        """The card for a hook of this world's patient, once the answer is by the specification."""
        answer = await self.call(world.ann.http, f"/cds-services/{service}", hooked(world, hook, **parts))
        cards: list[Json] = said(answer, 200)["cards"]
        assert len(cards) <= 1
        return cards[0] if cards else None


EHR: Final = Ehr()


def hooked(world: World, hook: str, *, prefetch: Json | None = None, **context: Any) -> Json:
    """A call of Dr Bo about Ann, who has come to the emergency department."""
    return {
        "hook": hook,
        "hookInstance": str(uuid4()),
        "fhirServer": str(world.fhir.base_url).rstrip("/"),
        "context": {"userId": world.bo.reference, "patientId": world.patient, **context},
        **({"prefetch": prefetch} if prefetch is not None else {}),
    }


def drafts(world: World, *resources: Json) -> Json:
    """Unsigned orders for Ann."""
    subject = {"reference": f"Patient/{world.patient}"}
    entries = [{"resource": {"id": f"draft-{i}", "subject": subject, **r}} for i, r in enumerate(resources)]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _without_none(values: Json) -> Json:
    return {k: v for k, v in values.items() if v is not None}
