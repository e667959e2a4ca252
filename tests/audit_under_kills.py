"""Writes go on while the FHIR server is killed again and again: each has exactly one Provenance and one AuditEvent.

`python -m tests.audit_under_kills [writes] [kills]` starts a HAPI FHIR of its own with its data in a file, kills it
with signal 9 under load, starts it again, repeats what was not answered with the same Idempotency-Key, and counts.
"""

import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final
from uuid import uuid4

import httpx

from fhir_mappings.carrier import Json, decode, encode
from fhir_mappings.codes import OPERATION
from fhir_mappings.elements import tag
from service.gateways.demo_issuer import CLIENT, ISSUER
from tests.conftest import ISSUER as DEMO
from tests.conftest import FhirServer, app_with, fhir_http, open_test_services
from tests.hapi_server import HapiServer
from tests.people import Person, record

WORKERS: Final = 6
TRIES: Final = 400
PATIENTS: Final = 40
DONE: Final = frozenset({200, 201})


@dataclass(slots=True)
class Run:
    """What was written so far, and how it was answered."""

    wanted: int
    operations: dict[str, str] = field(default_factory=dict)
    answers: Counter[int] = field(default_factory=Counter)
    replayed: int = 0
    next_kill: float = 0.0


async def main(writes: int = 2_000, kills: int = 5) -> int:
    """Prints what was counted. 0 when each write has one of each."""
    with tempfile.TemporaryDirectory() as folder, HapiServer(Path(folder)) as hapi:
        run, started = Run(writes), time.monotonic()
        server = FhirServer("hapi", hapi.base_url)
        async with AsyncExitStack() as stack:
            fhir = await stack.enter_async_context(fhir_http(server))
            suffixes = [uuid4().hex[:12] for _ in range(PATIENTS)]
            for suffix in suffixes:
                (await fhir.post(hapi.base_url, content=encode(record(suffix)))).raise_for_status()
            services = await stack.enter_async_context(open_test_services(server))
            transport = httpx.ASGITransport(app_with(services))
            http = await stack.enter_async_context(
                httpx.AsyncClient(transport=transport, base_url="http://coplan.test")
            )
            killing = asyncio.create_task(_kill(hapi, run, kills))
            await asyncio.gather(*(_write(http, run, suffixes[n::WORKERS]) for n in range(WORKERS)))
            await killing
            found = [r for kind in ("Provenance", "AuditEvent") async for r in _all(fhir, kind)]
        print(f"{len(run.operations)} writes in {time.monotonic() - started:.0f} s, {kills} kills")
        print(f"answers {dict(sorted(run.answers.items()))}, of them {run.replayed} found done already")
        return _judged(run, found)


async def _kill(hapi: HapiServer, run: Run, kills: int) -> None:
    """Evenly over the writes, each time a moment after one was begun."""
    for number in range(1, kills + 1):
        while len(run.operations) < run.wanted * number / (kills + 1):
            await asyncio.sleep(0.02)
        await asyncio.sleep(random.uniform(0, 0.1))
        hapi.kill()
        print(f"kill {number} after {len(run.operations)} writes", flush=True)
        await asyncio.to_thread(hapi.__enter__)


async def _write(http: httpx.AsyncClient, run: Run, suffixes: list[str]) -> None:
    """Offers, questions and answers in turn, until all workers have written enough."""
    while True:
        for suffix in suffixes:
            if len(run.operations) >= run.wanted:
                return
            ann = Person(http, f"Patient/ann-{suffix}", DEMO.token(f"Patient/ann-{suffix}"))
            bo = Person(http, f"Practitioner/bo-{suffix}", DEMO.token(f"Practitioner/bo-{suffix}"))
            goal = await _done(run, ann, f"/v1/patients/ann-{suffix}/goals", {"description": "Walk"})
            await _done(run, bo, f"/v1/goals/{goal['id']}/messages", {"text": "How far?"})
            version = str(goal["version"])
            await _done(run, bo, f"/v1/goals/{goal['id']}/decline", {"reason": "Later"}, version)


async def _done(run: Run, person: Person, path: str, body: Json, version: str | None = None) -> Json:
    """The same request until it is answered: what a portal does when its connection breaks."""
    key = str(uuid4())
    for _ in range(TRIES):
        answer = await person.post(path, body, version=version, key=key)
        run.answers[answer.status_code] += 1
        if answer.status_code in DONE:
            run.replayed += "Idempotent-Replayed" in answer.headers
            run.operations[_operation(person, path, key)] = path
            done: Json = decode(answer.content)
            return done
        if answer.status_code < 500:
            raise AssertionError(f"{answer.status_code}: {answer.text}")
        await asyncio.sleep(random.uniform(0.2, 0.6))
    raise AssertionError("never answered")


def _operation(person: Person, path: str, key: str) -> str:
    scope = (ISSUER, CLIENT, person.reference, "POST", path, key)
    return sha256("\0".join(scope).encode()).hexdigest()[:32]


async def _all(fhir: httpx.AsyncClient, resource_type: str) -> AsyncIterator[Json]:
    url = f"{resource_type}?_count=200"
    while url:
        page = decode((await fhir.get(url, headers={"Cache-Control": "no-cache"})).content)
        for entry in page.get("entry", []):
            yield entry["resource"]
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")


def _judged(run: Run, found: list[Json]) -> int:
    counted = Counter((r["resourceType"], tag(r, OPERATION)) for r in found)
    wrong = [
        operation
        for operation in run.operations
        if (counted["Provenance", operation], counted["AuditEvent", operation]) != (1, 1)
    ]
    others = {operation for _, operation in counted if operation not in run.operations}
    exact = len(run.operations) - len(wrong)
    print(f"{exact} of {len(run.operations)} have exactly one Provenance and one AuditEvent; {len(others)} of no write")
    return 1 if wrong or others else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*map(int, sys.argv[1:3]))))
