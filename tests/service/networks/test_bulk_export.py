"""Bulk Data export, against a server of each shape, one that fails on the way, and HAPI itself."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from fhir_mappings.carrier import encode
from service.errors import UpstreamInvalid, UpstreamRefused, UpstreamTimeout, UpstreamUnavailable
from service.networks.bulk_export import Progress, State, manifest_from, open_bulk_export
from service.networks.engines import DuckDB, flatten, rows
from tests.conftest import FhirServer, fhir_http

BASE = "https://ehr.example/fhir"
TYPES = ("Patient", "Observation")
PATIENTS = b'{"resourceType":"Patient","id":"a"}\n{"resourceType":"Patient","id":"b"}\n'
OBSERVATION = b'{"resourceType":"Observation","id":"o","status":"final"}\n'


def stu3(**parts: Any) -> dict[str, Any]:
    return {
        "transactionTime": "2026-01-01T00:00:00Z",
        "request": f"{BASE}/Group/g/$export",
        "requiresAccessToken": True,
        "output": [
            {"type": "Patient", "url": f"{BASE}/files/1", "count": 2},
            {"type": "Observation", "url": f"{BASE}/files/2"},
        ],
        "error": [],
        **parts,
    }


STU4: dict[str, Any] = {
    "transactionTime": "2026-01-01T00:00:00Z",
    "requiresAccessToken": True,
    "outputOrganizedBy": "Patient",
    "output": [{"url": f"{BASE}/files/mixed", "count": 3}],
    "outcome": [{"url": f"{BASE}/files/outcome"}],
}


class Server:
    """A server that exports. `polls` are its answers before the manifest; `broken` files break off once each."""

    def __init__(
        self, manifest: dict[str, Any], *, polls: list[httpx.Response] | None = None, by_post: bool = False
    ) -> None:
        self.manifests = {"/status": manifest}
        self.files = {"1": PATIENTS, "2": OBSERVATION, "mixed": PATIENTS + OBSERVATION.rstrip()}
        self.polls = polls or []
        self.by_post = by_post
        self.broken: set[str] = set()
        self.seen: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        path = request.url.path
        if path.endswith("$export"):
            if self.by_post and request.method == "GET":
                return httpx.Response(405)
            return httpx.Response(202, headers={"Content-Location": "https://ehr.example/status"})
        if request.method == "DELETE":
            return httpx.Response(202)
        if path in self.manifests:
            return self.polls.pop(0) if self.polls else httpx.Response(200, json=self.manifests[path])
        name = path.rsplit("/", 1)[1]
        if name in self.broken:
            self.broken.remove(name)
            raise httpx.ReadError("gone")
        return httpx.Response(200, content=self.files[name]) if name in self.files else httpx.Response(404)

    def asked(self, path: str) -> list[httpx.Request]:
        return [r for r in self.seen if r.url.path == path]


async def exported(
    server: Callable[[httpx.Request], httpx.Response], folder: Path, slept: list[float] | None = None, **options: Any
) -> State:
    slept = [] if slept is None else slept

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    transport = httpx.MockTransport(server)
    async with open_bulk_export(
        BASE, folder, transport=transport, sleep=sleep, authorization="Bearer t", **options
    ) as bulk:
        return await bulk.export("g", TYPES)


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.glob("*.ndjson")}


async def test_an_export_by_stu3(tmp_path: Path) -> None:
    server = Server(stu3())
    state = await exported(server, tmp_path)

    assert files(tmp_path) == {"Patient-0000.ndjson": PATIENTS, "Observation-0001.ndjson": OBSERVATION}
    assert state.transaction_time == "2026-01-01T00:00:00Z"
    kick_off = server.seen[0]
    assert (kick_off.method, kick_off.headers["Prefer"]) == ("GET", "respond-async")
    assert kick_off.url.params["_type"] == "Patient,Observation"
    assert server.seen[-1].method == "DELETE"
    assert not list(tmp_path.glob("*.part"))


async def test_an_export_by_stu4(tmp_path: Path) -> None:
    """Kick-off by POST, no types in the manifest, `outcome`, and a manifest of two pages."""
    server = Server(STU4 | {"link": [{"relation": "next", "url": "https://ehr.example/page2"}]}, by_post=True)
    server.manifests["/page2"] = STU4 | {"output": [{"type": "Patient", "url": f"{BASE}/files/1"}], "outcome": []}
    state = await exported(server, tmp_path)

    assert files(tmp_path) == {
        "Patient-0000.ndjson": PATIENTS,
        "Observation-0000.ndjson": OBSERVATION,
        "Patient-0001.ndjson": PATIENTS,
    }
    assert state.complete
    assert sorted(state.files) == sorted(files(tmp_path))
    sent = json.loads(server.seen[1].content)
    assert [p["valueString"] for p in sent["parameter"] if p["name"] == "_type"] == list(TYPES)


async def test_it_waits_as_the_server_asks_and_longer_each_time_if_it_does_not(tmp_path: Path) -> None:
    polls = [
        httpx.Response(202, headers={"X-Progress": "30 %"}),
        httpx.Response(202),
        httpx.Response(429, headers={"Retry-After": "17"}),
        httpx.Response(503, headers={"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}),
        httpx.Response(202, headers={"Retry-After": "soon"}),
    ]
    slept: list[float] = []
    words: list[Progress] = []
    await exported(Server(stu3(), polls=polls), tmp_path, slept, told=words.append)

    assert slept[0] == pytest.approx(1, abs=0.21)
    assert slept[1] == pytest.approx(2, abs=0.41)
    assert slept[2:4] == [17, 120]
    assert slept[4] == pytest.approx(16, abs=3.3)
    assert words[0].words == "30 %"
    assert (words[-1].files, words[-1].of) == (1, 2)


async def test_it_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    server = Server(stu3())
    server.files.pop("2")
    with pytest.raises(UpstreamRefused, match="404"):
        await exported(server, tmp_path)
    server.files["2"] = OBSERVATION
    await exported(server, tmp_path)
    await exported(server, tmp_path)

    assert len(server.asked("/fhir/Group/g/$export")) == 1
    assert len(server.asked("/fhir/files/1")) == 1
    assert files(tmp_path).keys() == {"Patient-0000.ndjson", "Observation-0001.ndjson"}


async def test_a_file_that_breaks_off_is_fetched_again(tmp_path: Path) -> None:
    server = Server(stu3())
    server.broken = {"1", "2"}
    await exported(server, tmp_path)

    assert files(tmp_path)["Patient-0000.ndjson"] == PATIENTS


async def test_an_export_that_the_server_forgot_is_started_anew(tmp_path: Path) -> None:
    server = Server(stu3(), polls=[httpx.Response(410)])
    with pytest.raises(UpstreamRefused, match="anew"):
        await exported(server, tmp_path)
    await exported(server, tmp_path)

    assert len(server.asked("/fhir/Group/g/$export")) == 2


async def test_another_request_into_the_same_folder_begins_afresh(tmp_path: Path) -> None:
    await exported(Server(stu3()), tmp_path)
    server = Server(stu3(output=[]))
    transport = httpx.MockTransport(server)
    async with open_bulk_export(BASE, tmp_path, transport=transport) as bulk:
        await bulk.export(None, ("Goal",), since="2026-01-01T00:00:00Z")

    assert files(tmp_path) == {}
    assert server.seen[0].url.path == "/fhir/Patient/$export"
    assert server.seen[0].url.params["_since"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        pytest.param(
            stu3(output=[{"type": "Patient", "url": "https://evil.example/1"}]), "not allowed", id="another origin"
        ),
        pytest.param(
            stu3(output=[{"type": "Patient", "url": "file:///etc/passwd"}]), "not allowed", id="another scheme"
        ),
        pytest.param(stu3(output=[{"type": "../x", "url": f"{BASE}/files/1"}]), "is none", id="a path for a type"),
        pytest.param(
            stu3(link=[{"relation": "next", "url": "https://evil.example/"}]), "not allowed", id="a page elsewhere"
        ),
        pytest.param(
            stu3(output=[{"type": "Patient", "url": f"{BASE}/files/1", "count": 9}]), "announced", id="too short"
        ),
        pytest.param({"output": []}, "transactionTime", id="no time"),
        pytest.param({"transactionTime": "2026", "output": {}}, "transactionTime", id="no list"),
    ],
)
async def test_a_manifest_that_is_not_to_be_trusted(manifest: dict[str, Any], message: str, tmp_path: Path) -> None:
    server = Server(manifest)
    with pytest.raises(UpstreamInvalid, match=message):
        await exported(server, tmp_path)
    assert all(r.url.host == "ehr.example" for r in server.seen)


@pytest.mark.parametrize(("needs_token", "sent"), [(True, True), (False, False)])
async def test_the_token_goes_to_an_allowed_origin_only_where_it_is_needed(
    needs_token: bool, sent: bool, tmp_path: Path
) -> None:
    output = [{"type": "Patient", "url": "https://files.example/1"}, {"type": "Observation", "url": f"{BASE}/files/2"}]
    server = Server(stu3(output=output, requiresAccessToken=needs_token))
    await exported(server, tmp_path, origins=["https://files.example"])
    by_host = {r.url.host: "Authorization" in r.headers for r in server.seen}

    assert by_host == {"ehr.example": True, "files.example": sent}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(401), UpstreamRefused),
        (httpx.Response(500), UpstreamUnavailable),
        (httpx.Response(200, json={}), UpstreamRefused),
        (httpx.Response(202, headers={"Content-Location": "https://evil.example/"}), UpstreamInvalid),
    ],
)
async def test_a_server_that_does_not_export(answer: httpx.Response, error: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(error):
        await exported(lambda _: answer, tmp_path)


@pytest.mark.parametrize(
    ("poll", "error"),
    [
        (httpx.Response(401), UpstreamRefused),
        (httpx.Response(200, content=b"<html>"), UpstreamInvalid),
        (httpx.Response(200, content=b"[]"), UpstreamInvalid),
    ],
)
async def test_a_status_that_is_none(poll: httpx.Response, error: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(error):
        await exported(Server(stu3(), polls=[poll]), tmp_path)


async def test_it_does_not_wait_for_ever(tmp_path: Path) -> None:
    server = Server(stu3(), polls=[httpx.Response(202, headers={"Retry-After": "60"}) for _ in range(99)])
    with pytest.raises(UpstreamTimeout):
        await exported(server, tmp_path, within=timedelta(minutes=5))
    assert len(server.asked("/status")) == 5


async def test_a_server_that_cannot_be_reached(tmp_path: Path) -> None:
    def gone(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("gone")

    with pytest.raises(UpstreamUnavailable):
        await exported(gone, tmp_path)


def test_the_two_shapes_say_the_same() -> None:
    three, four = manifest_from(stu3()), manifest_from(STU4)

    assert three.transaction_time == four.transaction_time
    assert (three.outputs[0].resource_type, four.outputs[0].resource_type) == ("Patient", None)
    assert (three.issues, four.issues) == ((), (f"{BASE}/files/outcome",))


@pytest.mark.hapi
async def test_hapi_exports_what_the_measures_read(hapi_server: FhirServer, tmp_path: Path) -> None:
    """Two patients in a group of their own, for the server holds others, too."""
    suffix = uuid4().hex[:10]
    ids = [f"net-{name}-{suffix}" for name in ("ann", "dev")]
    resources: list[dict[str, Any]] = [{"resourceType": "Patient", "id": i, "birthDate": "2012-05-01"} for i in ids]
    resources += [
        {
            "resourceType": "Observation",
            "id": f"o-{i}",
            "status": "final",
            "code": {"coding": [{"system": "urn:coplan:ibd-index", "code": "pucai"}]},
            "subject": {"reference": f"Patient/{i}"},
            "effectiveDateTime": "2025-03-02",
            "valueQuantity": {"value": 5},
        }
        for i in ids
    ]
    members = [{"entity": {"reference": f"Patient/{i}"}} for i in ids]
    group = {"resourceType": "Group", "id": f"net-{suffix}", "type": "person", "actual": True, "member": members}
    entries = [
        {"resource": r, "request": {"method": "PUT", "url": f"{r['resourceType']}/{r['id']}"}}
        for r in (*resources, group)
    ]
    async with fhir_http(hapi_server) as http:
        seeded = await http.post(
            "", content=encode({"resourceType": "Bundle", "type": "transaction", "entry": entries})
        )
        assert seeded.status_code == 200, seeded.text
    async with open_bulk_export(hapi_server.base_url, tmp_path, sleep=lambda _: asyncio.sleep(1)) as bulk:
        await bulk.export(f"net-{suffix}", TYPES)
    engine = DuckDB()
    flatten(engine, tmp_path, tmp_path / "flat")

    assert {p.name.partition("-")[0] for p in tmp_path.glob("*.ndjson")} == set(TYPES)
    found = rows(engine, engine.flat("observations", tmp_path / "flat"))
    assert {(row["patient"], row["value"]) for row in found} == {(i, 5.0) for i in ids}
