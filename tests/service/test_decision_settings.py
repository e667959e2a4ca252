"""Settings of decision support, from the environment to the services."""

import pytest
from pydantic import ValidationError

from service.app import open_services
from service.errors import InvalidContent, NotAuthenticated
from service.gateways.fhir_client import FhirClient
from service.settings import Settings

FHIR = "http://127.0.0.1:9/fhir"


def test_tokens_need_to_know_where_hooks_are() -> None:
    with pytest.raises(ValidationError, match="COPLAN_CDS_BASE_URL"):
        Settings(fhir_base_url=FHIR, cds_clients={"https://ehr.test/": "https://ehr.test/jwks"})


async def test_without_clients_and_servers_nobody_is_let_in_and_nothing_is_asked() -> None:
    async with open_services(Settings(fhir_base_url=FHIR)) as services:
        with pytest.raises(NotAuthenticated):
            await services.decisions.clients.verify("a.b.c", "https://coplan.test/cds-services")
        assert services.decisions.servers.gateway(None, None) is None
        with pytest.raises(InvalidContent):
            services.decisions.servers.gateway("https://ehr.test/fhir", "token")


async def test_servers_of_the_list_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPLAN_FHIR_BASE_URL", FHIR)
    monkeypatch.setenv("COPLAN_CDS_FHIR_SERVERS", f'["{FHIR}", "https://ehr.test/fhir"]')
    monkeypatch.setenv("COPLAN_CDS_CLIENTS", '{"https://ehr.test/": "https://ehr.test/jwks"}')
    monkeypatch.setenv("COPLAN_CDS_BASE_URL", "https://coplan.test")
    async with open_services(Settings()) as services:
        assert services.decisions.servers.gateway(None, None) is None
        own = services.decisions.servers.gateway(FHIR, None)
        assert isinstance(own, FhirClient) and isinstance(services.fhir, FhirClient)
        assert own._shared is services.fhir._shared
        assert services.decisions.servers.gateway("https://ehr.test/fhir", "token") is not None
