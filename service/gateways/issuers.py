"""The issuers of the settings, ready to verify tokens."""

import httpx

from service.gateways.introspection import IntrospectionEndpoint
from service.gateways.issuer_keys import FetchedKeys, Keys, discovered
from service.gateways.smart_tokens import Issuer, SmartTokenVerifier
from service.issuer_settings import IssuerSettings
from service.settings import Settings


def verifier_of(settings: Settings, http: httpx.AsyncClient) -> SmartTokenVerifier:
    """Verifies tokens of these issuers. Nothing is fetched before the first token of an issuer comes."""
    given = {
        name: i if isinstance(i, IssuerSettings) else IssuerSettings(jwks=i) for name, i in settings.issuers.items()
    }
    return SmartTokenVerifier(
        {name: _issuer(name, issuer, http) for name, issuer in given.items()},
        audience=settings.audience,
        fhir_base_url=str(settings.fhir_base_url),
    )


def _issuer(name: str, given: IssuerSettings, http: httpx.AsyncClient) -> Issuer:
    return Issuer(
        keys=_keys(name, given, http),
        algorithms=given.algorithms,
        audience=given.audience,
        fhir_base_url=str(given.fhir_base_url) if given.fhir_base_url else None,
        introspection=_introspection(given, http),
        opaque=given.opaque,
    )


def _keys(name: str, given: IssuerSettings, http: httpx.AsyncClient) -> Keys:
    document = str(given.discovery) if given.discovery else None
    return FetchedKeys(http, str(given.jwks) if given.jwks else discovered(http, name, document))


def _introspection(given: IssuerSettings, http: httpx.AsyncClient) -> IntrospectionEndpoint | None:
    if given.introspection is None or given.client_id is None or given.client_secret is None:
        return None
    secret = given.client_secret.get_secret_value()
    return IntrospectionEndpoint(http, str(given.introspection), client_id=given.client_id, client_secret=secret)
