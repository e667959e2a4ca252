"""Searches that a server need not keep: nothing is left out where the server cuts them off without a word."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import httpx
import pytest

from fhir_mappings.carrier import Json, encode
from service.errors import UpstreamUnavailable
from service.gateways.fhir_client import FhirClient, open_http
from tests.conftest import FhirServer

BASE = "http://fhir.test/fhir"


def goals(number: int, first: int = 0, **parts: Any) -> Json:
    entries = [{"resource": {"resourceType": "Goal", "id": f"g{n}"}} for n in range(first, first + number)]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, **parts}


async def searched(answer: Callable[[httpx.Request], httpx.Response]) -> tuple[list[str], list[str]]:
    """Ids that were found, three to a page, and the Cache-Control of each request."""
    asked: list[str] = []

    def handled(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["Cache-Control"])
        return answer(request)

    async with open_http(1, httpx.MockTransport(handled)) as http:
        client = FhirClient(http, BASE, deadline=timedelta(seconds=5)).unstored()
        found = await client.search("Goal", [("patient", "Patient/ann"), ("_count", "3")])
    return [str(r["id"]) for r in found], asked


def said(bundle: Json) -> httpx.Response:
    return httpx.Response(200, content=encode(bundle))


ONCE, AFRESH = "no-store, max-results=3", "no-cache"


async def test_less_than_a_page_is_asked_for_once() -> None:
    assert await searched(lambda _: said(goals(2))) == (["g0", "g1"], [ONCE])


async def test_a_full_page_may_have_been_cut_off_and_is_asked_for_again_with_all_that_follow() -> None:
    def cuts_off(request: httpx.Request) -> httpx.Response:
        if "no-store" in request.headers["Cache-Control"]:
            return said(goals(3, total=3))
        if request.method == "GET":
            return said(goals(1, first=3))
        assert parse_qs(request.content.decode()) == {"patient": ["Patient/ann"], "_count": ["3"]}
        return said(goals(3, link=[{"relation": "next", "url": f"{BASE}?page=2"}]))

    assert await searched(cuts_off) == (["g0", "g1", "g2", "g3"], [ONCE, AFRESH, AFRESH])


async def test_a_server_that_pages_all_the_same_is_followed_to_its_end() -> None:
    def pages(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return said(goals(1, first=2))
        return said(goals(2, link=[{"relation": "next", "url": f"{BASE}?page=2"}]))

    assert await searched(pages) == (["g0", "g1", "g2"], [ONCE, AFRESH, AFRESH])


async def test_a_server_that_allows_fewer_results_is_asked_as_usual() -> None:
    def refuses(request: httpx.Request) -> httpx.Response:
        outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "processing"}]}
        is_once = "no-store" in request.headers["Cache-Control"]
        return httpx.Response(400, content=encode(outcome)) if is_once else said(goals(1))

    assert await searched(refuses) == (["g0"], [ONCE, AFRESH])


async def test_a_server_that_is_down_is_not_asked_in_yet_another_way() -> None:
    with pytest.raises(UpstreamUnavailable):
        await searched(lambda _: httpx.Response(500))


async def test_all_are_found_on_a_real_server(fhir_server: FhirServer) -> None:
    patient = f"unstored-{uuid4().hex[:8]}"
    async with open_http(4, fhir_server.transport) as http:
        base = fhir_server.base_url.rstrip("/")
        await http.put(f"{base}/Patient/{patient}", json={"resourceType": "Patient", "id": patient})
        goal = {
            "resourceType": "Goal",
            "lifecycleStatus": "active",
            "description": {"text": "Walk"},
            "subject": {"reference": f"Patient/{patient}"},
        }
        client = FhirClient(http, base, deadline=timedelta(seconds=30)).unstored()
        for expected in (1, 2, 3, 4, 5):
            await http.post(f"{base}/Goal", json=goal)
            found = await client.search("Goal", [("patient", f"Patient/{patient}"), ("_count", "3")])
            assert len({r["id"] for r in found}) == expected, "each at once, also what was written just before"
