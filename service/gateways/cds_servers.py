"""The FHIR servers that CDS clients name: those on the list, each with the token of the call that names it."""

from collections.abc import Mapping
from datetime import timedelta

import httpx

from service.errors import Flaw, InvalidContent
from service.gateways.fhir_client import FhirClient
from service.gateways.upstream_identity import PassThrough
from service.ports import FhirGateway


class AllowedServers:
    """`CdsServers`. Without a token, only our own server is asked, and only if it is named and on the list."""

    def __init__(
        self,
        allowed: Mapping[str, httpx.AsyncClient],
        *,
        own_base: str,
        own: FhirGateway,
        deadline: timedelta,
    ) -> None:
        self._allowed = {_normal(url): http for url, http in allowed.items()}
        self._own_base = _normal(own_base)
        self._own = own
        self._deadline = deadline

    def gateway(self, base_url: str | None, access_token: str | None) -> FhirGateway | None:
        if base_url is None:
            return None
        base = _normal(base_url)
        if base not in self._allowed:
            raise InvalidContent(Flaw("fhirServer", "is no server that this service works with", "business-rule"))
        if access_token is not None:
            http, token = self._allowed[base], PassThrough(access_token)
            return FhirClient(http, base, deadline=self._deadline, credentials=token).unstored()
        return self._own if base == self._own_base else None


def _normal(url: str) -> str:
    return url.rstrip("/")
