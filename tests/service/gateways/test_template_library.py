"""Shipped programmes: onto a server once each, however often they are installed."""

from datetime import timedelta

import httpx

from service.gateways.embedded_fhir import create_embedded_store
from service.gateways.fhir_client import open_fhir_client
from service.gateways.template_library import install_templates, shipped_templates
from tests.conftest import FhirServer, fhir_http


async def test_each_programme_is_installed_once() -> None:
    store = create_embedded_store()
    try:
        server = FhirServer("embedded", store.base_url, httpx.ASGITransport(store))
        async with open_fhir_client(
            server.base_url, deadline=timedelta(seconds=10), transport=server.transport
        ) as client:
            first = await install_templates(client)
            second = await install_templates(client)
        async with fhir_http(server) as http:
            found = (await http.get("PlanDefinition?status=draft")).json()
    finally:
        store.close()

    assert [c for c, _ in first] == [f"{t['url']}|{t['version']}" for t in shipped_templates()]
    assert [new for _, new in first] == [True] * 4
    assert second == [(c, False) for c, _ in first]
    assert found["total"] == 4
