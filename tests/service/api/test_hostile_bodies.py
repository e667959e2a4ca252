"""Bodies that are meant to hurt are answered as they should be; what each costs is in docs/security-operations.md."""

import httpx
import pytest

from tests.conftest import ISSUER, FhirServer, app_with, open_test_services
from tests.hostile_bodies import HostileBody, hostile_bodies

HEADERS = {
    "Authorization": f"Bearer {ISSUER.token('Patient/ann')}",
    "Idempotency-Key": "k",
    "Content-Type": "application/json",
}


@pytest.mark.parametrize("body", [pytest.param(b, id=b.name) for b in hostile_bodies()])
async def test_a_hostile_body_is_answered_without_a_word_of_it(embedded_server: FhirServer, body: HostileBody) -> None:
    async with open_test_services(embedded_server) as services:
        transport = httpx.ASGITransport(app_with(services))
        async with httpx.AsyncClient(transport=transport, base_url="http://coplan.test") as http:
            answer = await http.post(
                "/v1/patients/ann/goals", content=body.content, headers={**HEADERS, **body.headers}
            )
    assert answer.status_code in body.statuses
    assert len(answer.content) < 10_000
    assert answer.headers["Content-Type"] == "application/problem+json"
    said = answer.text.replace(answer.headers["X-Request-Id"], "")  # its digits are anybody's
    assert not any(word in said for word in ("alert(1)", "xxxx", "9999", "202e"))
