"""What other tests rely on when they run on HAPI FHIR: the promises of a real server."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conftest import FhirServer, fhir_http

pytestmark = pytest.mark.hapi

EXPORT_LIMIT = 60.0
"""Seconds. An export of one type takes a few."""

IDENTIFIERS = "urn:example:tests"
PROBE = Path(__file__).parents[2] / "shared" / "tools" / "fhir_probe.py"


@pytest.fixture
async def fhir(hapi_server: FhirServer) -> AsyncIterator[httpx.AsyncClient]:
    async with fhir_http(hapi_server) as client:
        yield client


def patient(identifier: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": [{"system": IDENTIFIERS, "value": identifier}]}


def transaction(new: dict[str, Any], changed: dict[str, Any], if_match: str) -> dict[str, Any]:
    """One create, and one update of a version."""
    update = {"method": "PUT", "url": f"{changed['resourceType']}/{changed['id']}", "ifMatch": if_match}
    create = {"method": "POST", "url": new["resourceType"]}
    entries = [{"resource": new, "request": create}, {"resource": changed, "request": update}]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


async def found(fhir: httpx.AsyncClient, identifier: str) -> list[str]:
    bundle = (await fhir.get("Patient", params={"identifier": f"{IDENTIFIERS}|{identifier}"})).json()
    return [entry["resource"]["id"] for entry in bundle.get("entry", [])]


async def test_a_transaction_with_a_stale_version_is_refused_as_a_whole(fhir: httpx.AsyncClient) -> None:
    identifier = uuid4().hex
    first = (await fhir.post("Patient", json=patient(uuid4().hex))).json()
    second = (await fhir.put(f"Patient/{first['id']}", json=first | {"gender": "female"})).json()
    third = second | {"gender": "other"}

    stale = await fhir.post("", json=transaction(patient(identifier), third, 'W/"1"'))

    assert stale.status_code in {409, 412}, stale.text
    assert await found(fhir, identifier) == []
    assert (await fhir.get(f"Patient/{first['id']}")).json()["gender"] == "female"

    current = await fhir.post("", json=transaction(patient(identifier), third, 'W/"2"'))

    assert current.status_code == 200, current.text
    assert len(await found(fhir, identifier)) == 1


async def test_a_conditional_create_finds_the_first(fhir: httpx.AsyncClient) -> None:
    identifier = uuid4().hex
    condition = {"If-None-Exist": f"identifier={IDENTIFIERS}|{identifier}"}

    first, second = [await fhir.post("Patient", json=patient(identifier), headers=condition) for _ in range(2)]

    assert (first.status_code, second.status_code) == (201, 200)
    assert await found(fhir, identifier) == [first.json()["id"]]


async def test_a_search_with_an_unknown_parameter_is_refused(fhir: httpx.AsyncClient) -> None:
    answer = await fhir.get("Goal", params={"no-such-parameter": "1"}, headers={"Prefer": "handling=strict"})

    assert answer.status_code == 400


async def exported(fhir: httpx.AsyncClient, status_url: str) -> list[str]:
    """Where the files of a finished bulk export are."""
    async with asyncio.timeout(EXPORT_LIMIT):
        while (status := await fhir.get(status_url)).status_code == 202:
            await asyncio.sleep(0.5)
    assert status.status_code == 200, status.text
    return [file["url"] for file in status.json()["output"]]


async def test_a_bulk_export_finishes(fhir: httpx.AsyncClient) -> None:
    new = (await fhir.post("Patient", json=patient(uuid4().hex))).json()

    started = await fhir.get("$export", params={"_type": "Patient"}, headers={"Prefer": "respond-async"})

    assert started.status_code == 202, started.text
    files = await exported(fhir, started.headers["Content-Location"])
    answers = [await fhir.get(file, headers={"Accept": "application/fhir+ndjson"}) for file in files]
    assert any(f'"id":"{new["id"]}"' in answer.text for answer in answers)


def probed(base_url: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROBE), base_url, "--level", "core"]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)


def only_connections_were_lost(output: str) -> bool:
    """Whether each failed check failed because the server closed a kept connection as the request left.

    HTTP allows that at any time (RFC 9110, 9.3.1), and the probe sends nothing twice: such a run says nothing about
    the server's answers.
    """
    lines = [line.strip() for line in output.splitlines()]
    failures = [lines[at + 1] for at, line in enumerate(lines) if line.startswith("FAIL")]
    return all("RemoteProtocolError" in reason for reason in failures)


@pytest.mark.skipif(not PROBE.exists(), reason="the probe of FHIR servers is not beside this repository")
def test_every_core_check_of_the_probe_passes(hapi_server: FhirServer) -> None:
    done = probed(hapi_server.base_url)
    if done.returncode != 0 and only_connections_were_lost(done.stdout):
        done = probed(hapi_server.base_url)

    assert done.returncode == 0, done.stdout
