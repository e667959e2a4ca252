"""Asks the issuer about a token: the way to know at once that it was revoked.

Source: https://www.rfc-editor.org/rfc/rfc7662
    https://hl7.org/fhir/smart-app-launch/STU2.2/token-introspection.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Protocol
from urllib.parse import quote

import httpx

from fhir_mappings.carrier import Json, MalformedJson, decode
from service.errors import IssuerUnavailable
from service.gateways.client_keys import ClientKeys
from service.logs import log

TIMEOUT: Final = timedelta(seconds=3)
MAX_ANSWER: Final = 64 * 1024


class Introspection(Protocol):
    """Says what a token is worth now."""

    async def introspect(self, token: str) -> Json:
        """The issuer's answer, active or not.

        Raises:
            IssuerUnavailable: there is none.
        """
        ...


class ClientProof(Protocol):
    """How this service shows the issuer who it is."""

    @property
    def auth(self) -> httpx.Auth:
        """What goes into the header; the base class adds nothing."""
        ...

    def form(self) -> Mapping[str, str]:
        """What goes into the body, anew for each request."""
        ...


class BySecret:
    """By id and secret. Source: https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1"""

    def __init__(self, client_id: str, client_secret: str) -> None:
        # Both are form-encoded before they are put together.
        self.auth = httpx.BasicAuth(quote(client_id, safe=""), quote(client_secret, safe=""))

    def form(self) -> Mapping[str, str]:
        return {}


@dataclass(frozen=True, slots=True)
class ByKeys:
    """By a signature with this service's published keys, for this issuer: no secret that both would have to keep."""

    keys: ClientKeys
    client_id: str
    issuer: str
    auth: httpx.Auth = field(default_factory=httpx.Auth)

    def form(self) -> Mapping[str, str]:
        return self.keys.proof(self.client_id, self.issuer)


class IntrospectionEndpoint:
    """The endpoint of one issuer."""

    def __init__(self, http: httpx.AsyncClient, url: str, proof: ClientProof) -> None:
        self._http = http
        self._url = url
        self._proof = proof

    async def introspect(self, token: str) -> Json:
        """In the body, never in a URL."""
        form = {"token": token, "token_type_hint": "access_token", **self._proof.form()}
        headers = {"Accept": "application/json", "Cache-Control": "no-store"}
        try:
            response = await self._http.post(
                self._url, data=form, headers=headers, auth=self._proof.auth, timeout=TIMEOUT.total_seconds()
            )
        except (httpx.HTTPError, OSError) as exc:
            log.warning("introspection_unavailable", error=type(exc).__name__)
            raise IssuerUnavailable("the issuer of the token cannot be asked about it") from exc
        return _answer(response)


def _answer(response: httpx.Response) -> Json:
    answer: Any = None
    if response.status_code == 200 and len(response.content) <= MAX_ANSWER:
        try:
            answer = decode(response.content)
        except MalformedJson:
            answer = None
    if not isinstance(answer, dict) or not isinstance(answer.get("active"), bool):
        log.warning("introspection_unavailable", status=response.status_code)
        raise IssuerUnavailable("the issuer of the token does not say what it is worth")
    return answer
