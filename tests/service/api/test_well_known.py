"""What authorisation servers read of this service."""

import httpx

from service.app import open_services
from service.gateways.client_keys import ClientKeys
from service.settings import Settings
from tests.conftest import app_with


async def test_the_public_keys_are_published_and_may_be_kept_for_a_while() -> None:
    keys = ClientKeys.generated()
    async with open_services(Settings(fhir_base_url="http://127.0.0.1:1/fhir"), keys=keys) as services:
        transport = httpx.ASGITransport(app_with(services))
        async with httpx.AsyncClient(transport=transport, base_url="http://coplan.test") as http:
            answer = await http.get("/.well-known/jwks.json")

    assert answer.json() == keys.public
    assert answer.headers["Cache-Control"] == "public, max-age=900"
    assert "d" not in answer.json()["keys"][0]
