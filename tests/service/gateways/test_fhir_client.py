"""A FHIR server that fails on purpose: no exception of httpx leaves the gateway, and no write is repeated."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
import respx

from fhir_mappings.bundle import Create, Update
from fhir_mappings.carrier import Json
from fhir_mappings.goal import goal_to_fhir
from service import errors
from service.gateways.fhir_client import MAX_PAGES, FhirClient, open_fhir_client
from tests.builders import a_goal

BASE = "http://fhir.test/fhir"
GOAL: Json = {"resourceType": "Goal", "id": "g1", "subject": {"reference": "Patient/ann"}}
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"code": "invalid", "diagnostics": "secret-value"}]}


@pytest.fixture
async def fhir() -> AsyncIterator[FhirClient]:
    """Through the transport that respx can stand in for."""
    async with httpx.AsyncClient() as http:
        yield FhirClient(http, BASE, deadline=timedelta(seconds=0.3))


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        pytest.param(404, OUTCOME, errors.ResourceNotFound, id="absent"),
        pytest.param(410, OUTCOME, errors.ResourceGone, id="deleted"),
        pytest.param(404, "<html>no such route", errors.UpstreamInvalid, id="a proxy that knows no such path"),
        pytest.param(404, {"message": "no Route matched"}, errors.UpstreamInvalid, id="a gateway with JSON of its own"),
        pytest.param(404, "", errors.UpstreamInvalid, id="nobody says what is absent"),
        pytest.param(410, "<html>", errors.UpstreamInvalid, id="a proxy whose path is gone"),
        pytest.param(409, OUTCOME, errors.VersionConflict, id="conflict, as HAPI says it"),
        pytest.param(412, OUTCOME, errors.VersionConflict, id="conflict"),
        pytest.param(400, OUTCOME, errors.UpstreamRefused, id="refused"),
        pytest.param(401, OUTCOME, errors.UpstreamRefused, id="we are not let in: never the caller's 401"),
        pytest.param(403, "no", errors.UpstreamRefused, id="forbidden"),
        pytest.param(302, "", errors.UpstreamInvalid, id="redirect"),
        pytest.param(500, "<html>secret-value", errors.UpstreamUnavailable, id="crash"),
        pytest.param(503, "", errors.UpstreamUnavailable, id="down"),
        pytest.param(200, "<html>", errors.UpstreamInvalid, id="HTML"),
        pytest.param(200, '{"resourceType":', errors.UpstreamInvalid, id="cut off"),
        pytest.param(200, "[]", errors.UpstreamInvalid, id="no object"),
        pytest.param(200, "{}", errors.UpstreamInvalid, id="no resource"),
        pytest.param(200, {**GOAL, "id": "g2"}, errors.UpstreamInvalid, id="another resource"),
        pytest.param(200, {**GOAL, "resourceType": "Task"}, errors.UpstreamInvalid, id="another type"),
    ],
)
@respx.mock
async def test_each_answer_to_a_read_is_an_error_of_ours(
    fhir: FhirClient, status: int, body: Any, error: type[Exception]
) -> None:
    content = {"text": body} if isinstance(body, str) else {"json": body}
    respx.get(f"{BASE}/Goal/g1").mock(return_value=httpx.Response(status, **content))
    with pytest.raises(error) as raised:
        await fhir.read("Goal", "g1")
    assert "secret-value" not in str(raised.value)


@pytest.mark.parametrize(("status", "error"), [(404, errors.ResourceNotFound), (410, errors.ResourceGone)])
@respx.mock
async def test_an_absence_without_words_is_one_if_it_is_fhir(
    fhir: FhirClient, status: int, error: type[Exception]
) -> None:
    headers = {"Content-Type": "application/fhir+json; charset=utf-8"}
    respx.get(f"{BASE}/Goal/g1").mock(return_value=httpx.Response(status, headers=headers))
    with pytest.raises(error):
        await fhir.read("Goal", "g1")


@pytest.mark.parametrize("failure", [httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError])
@respx.mock
async def test_a_read_is_tried_twice_and_no_more(fhir: FhirClient, failure: type[Exception]) -> None:
    route = respx.get(f"{BASE}/Goal/g1").mock(side_effect=failure)
    with pytest.raises(errors.UpstreamUnavailable):
        await fhir.read("Goal", "g1")
    assert route.call_count == 2
    route.mock(side_effect=[failure, httpx.Response(200, json=GOAL)])
    assert await fhir.read("Goal", "g1") == GOAL


@respx.mock
async def test_a_write_is_never_repeated(fhir: FhirClient) -> None:
    route = respx.post(f"{BASE}/").mock(side_effect=httpx.ReadError)
    with pytest.raises(errors.UpstreamUnavailable):
        await fhir.create(goal_to_fhir(a_goal()))
    assert route.call_count == 1


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("7", 7),
        ("a date in a minute", 60),
        ("999999", 120),
        ("-5", 0),
        ("soon", None),
        (None, None),
    ],
)
@respx.mock
async def test_the_server_is_given_the_time_that_it_asks_for(
    fhir: FhirClient, retry_after: str | None, seconds: int | None
) -> None:
    if retry_after == "a date in a minute":
        retry_after = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    headers = {"Retry-After": retry_after} if retry_after else {}
    route = respx.get(f"{BASE}/Goal/g1").mock(return_value=httpx.Response(429, headers=headers))
    with pytest.raises(errors.UpstreamUnavailable) as raised:
        await fhir.read("Goal", "g1")
    pause = raised.value.retry_after
    assert (pause is None) is (seconds is None)
    assert pause is None or abs(pause.total_seconds() - (seconds or 0)) < 2
    calls = route.call_count
    assert calls == (2 if seconds is None else 1)
    with pytest.raises(errors.UpstreamUnavailable):
        await fhir.read("Goal", "g1")
    assert (route.call_count == calls) is bool(seconds)


@respx.mock
async def test_the_deadline_is_for_the_whole_answer(fhir: FhirClient) -> None:
    async def drip() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" "
            await asyncio.sleep(0.05)

    respx.get(f"{BASE}/Goal/g1").mock(return_value=httpx.Response(200, content=drip()))
    with pytest.raises(errors.UpstreamTimeout):
        await fhir.read("Goal", "g1")


@respx.mock
async def test_an_answer_without_end_is_cut_off(fhir: FhirClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.gateways.fhir_client.MAX_BYTES", 1000)
    respx.get(f"{BASE}/Goal/g1").mock(return_value=httpx.Response(200, content=b" " * 2000))
    with pytest.raises(errors.UpstreamInvalid, match="no end"):
        await fhir.read("Goal", "g1")


def page(*found: Json, following: str | None = None) -> httpx.Response:
    links = [{"relation": "next", "url": following}] if following else []
    entries = [{"resource": resource} for resource in found]
    return httpx.Response(200, json={"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries})


@respx.mock
async def test_a_search_asks_strictly_by_post_and_reads_all_pages(fhir: FhirClient) -> None:
    search = respx.post(f"{BASE}/Goal/_search").mock(return_value=page(GOAL, following=f"{BASE}?_getpages=1"))
    respx.get(f"{BASE}?_getpages=1").mock(return_value=page({**GOAL, "id": "g2"}))
    found = await fhir.search("Goal", [("patient", "Patient/ann")])

    assert [g["id"] for g in found] == ["g1", "g2"]
    request = search.calls.last.request
    assert request.headers["Prefer"] == "handling=strict"
    assert request.url.query == b""
    assert request.content == b"patient=Patient%2Fann&_count=200"
    assert [g["id"] for g in await fhir.search("Goal", [("_count", "1")], limit=1)] == ["g1"]


@pytest.mark.parametrize(
    "link",
    [
        "http://evil.test/fhir?_getpages=1",
        "https://fhir.test/fhir?_getpages=1",
        "http://fhir.test/admin",
        "http://fhir.test/fhir/../admin",
        "//evil.test/fhir",
        "http://fhir.test@evil.test/fhir",
    ],
)
@respx.mock
async def test_a_page_at_another_address_is_not_followed(fhir: FhirClient, link: str) -> None:
    respx.post(f"{BASE}/Goal/_search").mock(return_value=page(GOAL, following=link))
    with pytest.raises(errors.UpstreamInvalid, match="another address"):
        await fhir.search("Goal", [])


@respx.mock
async def test_pages_that_go_in_a_circle_end(fhir: FhirClient) -> None:
    respx.post(f"{BASE}/Goal/_search").mock(return_value=page(GOAL, following=f"{BASE}?_getpages=1"))
    respx.get(f"{BASE}?_getpages=1").mock(return_value=page(GOAL, following=f"{BASE}?_getpages=1"))
    with pytest.raises(errors.UpstreamInvalid, match="no end"):
        await fhir.search("Goal", [])


@respx.mock
async def test_pages_that_never_end_end(fhir: FhirClient) -> None:
    numbers = iter(range(10_000))
    respx.post(f"{BASE}/Goal/_search").mock(return_value=page(following=f"{BASE}?_getpages=x"))
    following = respx.get(url__regex=rf"{BASE}\?_getpages=.*")
    following.mock(side_effect=lambda _: page(following=f"{BASE}?_getpages={next(numbers)}"))
    with pytest.raises(errors.UpstreamInvalid, match="no end"):
        await fhir.search("Goal", [])
    assert following.call_count == MAX_PAGES


@pytest.mark.parametrize(
    "answer",
    [GOAL, {"resourceType": "Bundle", "entry": [{"resource": {"id": "x"}}]}],
)
@respx.mock
async def test_a_search_answers_a_bundle_of_resources(fhir: FhirClient, answer: Json) -> None:
    respx.post(f"{BASE}/Goal/_search").mock(return_value=httpx.Response(200, json=answer))
    with pytest.raises(errors.UpstreamInvalid):
        await fhir.search("Goal", [])


@respx.mock
async def test_what_is_no_r4_is_never_sent(fhir: FhirClient) -> None:
    route = respx.post(f"{BASE}/")
    with pytest.raises(errors.InvalidContent) as raised:
        await fhir.transact([Create(goal_to_fhir(a_goal()) | {"lifecycleStatus": "bogus"}, "urn:uuid:1")])
    assert [f.expression for f in raised.value.flaws] == ["Goal.lifecycleStatus"]
    assert route.call_count == 0


@respx.mock
async def test_a_transaction_that_is_answered_by_half_is_no_answer(fhir: FhirClient) -> None:
    respx.post(f"{BASE}/").mock(return_value=httpx.Response(200, json={"resourceType": "Bundle", "entry": []}))
    with pytest.raises(errors.UpstreamInvalid):
        await fhir.update(goal_to_fhir(a_goal()) | {"id": "g1"}, if_match="1")
    with pytest.raises(errors.UpstreamInvalid):
        await fhir.transact([Update(goal_to_fhir(a_goal()) | {"id": "g1"}, "1")])


@respx.mock
async def test_a_write_that_has_begun_is_finished_though_its_caller_is_gone(fhir: FhirClient) -> None:
    arrived, finished = asyncio.Event(), asyncio.Event()

    async def slow(_: httpx.Request) -> httpx.Response:
        arrived.set()
        await asyncio.sleep(0.1)
        finished.set()
        return httpx.Response(200, json={"resourceType": "Bundle", "entry": []})

    respx.post(f"{BASE}/").mock(side_effect=slow)
    write = asyncio.create_task(fhir.create(goal_to_fhir(a_goal())))
    await arrived.wait()
    write.cancel()
    with pytest.raises(asyncio.CancelledError):
        await write
    await asyncio.wait_for(finished.wait(), 1)
    await asyncio.sleep(0.05)


@respx.mock
async def test_the_capability_statement_is_asked_for_once(fhir: FhirClient) -> None:
    statement = {"resourceType": "CapabilityStatement"}
    route = respx.get(f"{BASE}/metadata").mock(return_value=httpx.Response(200, json=statement))

    assert await fhir.capabilities() == await fhir.capabilities() == statement
    assert route.call_count == 1


@respx.mock
async def test_a_version_is_read_by_its_id(fhir: FhirClient) -> None:
    respx.get(f"{BASE}/Goal/g1/_history/3").mock(return_value=httpx.Response(200, json=GOAL))

    assert await fhir.vread("Goal", "g1", "3") == GOAL


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    async with open_fhir_client("http://127.0.0.1:1/fhir", deadline=timedelta(seconds=5), authorization="x") as fhir:
        with pytest.raises(errors.UpstreamUnavailable):
            await fhir.read("Goal", "g1")
