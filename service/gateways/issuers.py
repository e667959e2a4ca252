"""The issuers of the settings, ready to verify tokens."""

import httpx

from service.gateways.client_keys import ClientKeys
from service.gateways.introspection import ByKeys, BySecret, ClientProof, IntrospectionEndpoint
from service.gateways.issuer_keys import FetchedKeys, Keys, discovered
from service.gateways.smart_tokens import Issuer, SmartTokenVerifier
from service.issuer_settings import IssuerSettings
from service.settings import Settings


def verifier_of(settings: Settings, http: httpx.AsyncClient, keys: ClientKeys | None = None) -> SmartTokenVerifier:
    """Verifies tokens of these issuers. Nothing is fetched before the first token of an issuer comes.

    Args:
        keys: of this service, to prove itself to issuers that it shares no secret with.
    """
    given = {
        name: i if isinstance(i, IssuerSettings) else IssuerSettings(jwks=i) for name, i in settings.issuers.items()
    }
    return SmartTokenVerifier(
        {name: _issuer(name, issuer, http, keys) for name, issuer in given.items()},
        audience=settings.audience,
        fhir_base_url=str(settings.fhir_base_url),
    )


def _issuer(name: str, given: IssuerSettings, http: httpx.AsyncClient, keys: ClientKeys | None) -> Issuer:
    proof = _proof(name, given, keys)
    return Issuer(
        keys=_keys(name, given, http),
        algorithms=given.algorithms,
        audience=given.audience,
        fhir_base_url=str(given.fhir_base_url) if given.fhir_base_url else None,
        introspection=IntrospectionEndpoint(http, str(given.introspection), proof) if proof else None,
        opaque=given.opaque,
    )


def _keys(name: str, given: IssuerSettings, http: httpx.AsyncClient) -> Keys:
    document = str(given.discovery) if given.discovery else None
    return FetchedKeys(http, str(given.jwks) if given.jwks else discovered(http, name, document))


def _proof(name: str, given: IssuerSettings, keys: ClientKeys | None) -> ClientProof | None:
    """None where the issuer is not asked; the settings have seen to it that there is one where it is."""
    if given.introspection is None or given.client_id is None:
        return None
    if given.client_secret is not None:
        return BySecret(given.client_id, given.client_secret.get_secret_value())
    return ByKeys(keys, given.client_id, name) if keys else None
