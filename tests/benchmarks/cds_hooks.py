"""How long an EHR waits for a card: 16 callers at once, HAPI FHIR behind, beside the same searches sent directly.

Run as `python -m tests.benchmarks.cds_hooks`; COPLAN_TEST_HAPI names a HAPI FHIR server that runs already. Prints
a table. The kinds of calls take turns in rounds, so that a slow moment of the machine hits all alike.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
from httpx_aiohttp import HttpxAiohttpClient

from fhir_mappings.carrier import Json, encode
from service.domain.hooks import TEMPLATES, Fact
from tests.ehr import ADMISSION, EHR
from tests.hapi_server import HapiServer
from tests.processes import free_port

CALLERS: Final = 16
ROUNDS: Final = 6
PER_CALLER: Final = 3
"""Calls of each caller in one round."""
PATH: Final = "/cds-services/coplan-asked-first"
USER: Final = "Practitioner/cds-benchmark"
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
Call = Callable[[], Awaitable[bool]]


@contextmanager
def jwks() -> Iterator[str]:
    """The key set of the EHR, at a URL."""
    keys = encode({"keys": [{**EHR.ec.as_dict(private=False), "kid": EHR.ec.kid}]})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(keys)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/jwks"
    finally:
        server.shutdown()


@contextmanager
def service(fhir: str, keys: str, **more: str) -> Iterator[str]:
    """`coplan serve` in a process of its own."""
    port = free_port()
    settings = {
        "COPLAN_FHIR_BASE_URL": fhir,
        "COPLAN_CDS_BASE_URL": EHR.service,
        "COPLAN_CDS_CLIENTS": encode({EHR.issuer: keys}).decode(),
        "COPLAN_CDS_FHIR_SERVERS": encode([fhir]).decode(),
        "COPLAN_LOG_LEVEL": "ERROR",
        **more,
    }
    command = [str(Path(sys.executable).with_name("coplan")), "serve", "--port", str(port)]
    with subprocess.Popen(command, env={**os.environ, **settings}, stdout=subprocess.DEVNULL) as process:
        base = f"http://127.0.0.1:{port}"
        for _ in range(200):
            try:
                httpx.get(f"{base}/livez")
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        try:
            yield base
        finally:
            process.terminate()


async def seed(http: httpx.AsyncClient, fhir: str) -> str:
    """A patient with an answer to admission, some other preferences and some goals; and the clinician who orders."""
    patient = f"cds-{uuid4().hex[:8]}"
    subject = {"reference": f"Patient/{patient}"}
    for reference in (subject["reference"], USER):
        resource_type, _, resource_id = reference.partition("/")
        person = {"resourceType": resource_type, "id": resource_id}
        (await http.put(f"{fhir}/{reference}", json=person)).raise_for_status()
    preference: Json = {
        "resourceType": "Observation",
        "status": "final",
        "subject": subject,
        "effectiveDateTime": "2026-11-01T10:00:00Z",
        "code": {"coding": [{"system": "http://loinc.org", "code": "75773-2"}]},
    }
    topic = {"system": "urn:coplan:preference-topic", "code": "admission"}
    home = {"system": "urn:coplan:admission-preference", "code": "prefers-home"}
    admission = {**preference, "code": {"coding": [*preference["code"]["coding"], topic]}}
    others = [{**preference, "valueString": f"Wish number {n}"} for n in range(3)]
    goals = [
        {"resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": f"Goal {n}"}, "subject": subject}
        for n in range(5)
    ]
    for resource in ({**admission, "valueCodeableConcept": {"coding": [home]}}, *others, *goals):
        (await http.post(f"{fhir}/{resource['resourceType']}", json=resource)).raise_for_status()
    return patient


def hook(fhir: str, patient: str, prefetch: Json | None = None) -> bytes:
    order = {**ADMISSION, "id": "d", "subject": {"reference": f"Patient/{patient}"}}
    context = {"userId": USER, "patientId": patient, "draftOrders": {"resourceType": "Bundle"}}
    context["draftOrders"] = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": order}]}
    body = {"hook": "order-sign", "hookInstance": str(uuid4()), "fhirServer": fhir, "context": context}
    return encode({**body, **({"prefetch": prefetch} if prefetch else {})})


class Caller:
    """Calls of a hook with a token each, made before the clock runs."""

    def __init__(self, http: httpx.AsyncClient, base: str, body: bytes) -> None:
        self._http, self._url, self._body = http, f"{base}{PATH}", body
        self._tokens: list[str] = []

    def prepare(self, number: int) -> None:
        self._tokens = [EHR.token(PATH) for _ in range(number)]

    async def call(self) -> bool:
        headers = {"Authorization": f"Bearer {self._tokens.pop()}", "Content-Type": "application/json"}
        answer = await self._http.post(self._url, content=self._body, headers=headers)
        assert answer.status_code == 200, answer.text
        return bool(answer.json()["cards"])


async def measured(call: Call) -> list[tuple[float, bool]]:
    """Milliseconds and whether there was a card, for each of the calls of one round."""
    taken: list[tuple[float, bool]] = []

    async def caller() -> None:
        for _ in range(PER_CALLER):
            started = time.perf_counter()
            found = await call()
            taken.append(((time.perf_counter() - started) * 1000, found))

    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return taken


async def first_call(http: httpx.AsyncClient, fhir: str, keys: str, patient: str) -> str:
    """What the EHR waits for that comes first: keys are fetched, connections made."""
    with service(fhir, keys) as fresh:
        caller = Caller(http, fresh, hook(fhir, patient))
        caller.prepare(1)
        started = time.perf_counter()
        found = await caller.call()
        return f"{(time.perf_counter() - started) * 1000:.0f} ms {'with' if found else 'without'} card"


def row(name: str, taken: list[tuple[float, bool]]) -> str:
    times = sorted(t for t, _ in taken)
    p50, p95, p99 = (times[min(len(times) - 1, int(len(times) * share))] for share in (0.5, 0.95, 0.99))
    cards = sum(found for _, found in taken) / len(taken)
    return f"| {name} | {len(times)} | {p50:.0f} | {p95:.0f} | {p99:.0f} | {times[-1]:.0f} | {cards:.0%} |"


async def compare(fhir: str, keys: str) -> None:
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64, keepalive_expiry=2)
    nowhere = f"http://127.0.0.1:{free_port()}/fhir"
    async with HttpxAiohttpClient(limits=limits, timeout=60, trust_env=False) as http:
        patient = await seed(http, fhir)
        asked = [
            TEMPLATES[f].replace("{{context.patientId}}", f"Patient/{patient}") for f in (Fact.PREFERENCES, Fact.GOALS)
        ]

        async def search(template: str, cache_control: str = "no-cache") -> Json:
            kind, _, query = template.partition("?")
            headers = {**FORM, "Cache-Control": cache_control}
            answer = await http.post(f"{fhir}/{kind}/_search", content=query, headers=headers)
            found: Json = answer.json()
            return found

        async def directly() -> bool:
            return all(bundle["total"] > 0 for bundle in await asyncio.gather(*map(search, asked)))

        async def unstored() -> bool:
            once = "no-store, max-results=200"
            return all(b["entry"] for b in await asyncio.gather(*(search(template, once) for template in asked)))

        preferences, goals = await asyncio.gather(*map(search, asked))
        told = {"preferences": preferences, "goals": goals}
        firsts = [await first_call(http, fhir, keys, patient) for _ in range(3)]
        with service(fhir, keys) as coplan, service(nowhere, keys) as alone:
            reading = Caller(http, coplan, hook(fhir, patient))
            prefetched = Caller(http, coplan, hook(fhir, patient, told))
            down = Caller(http, alone, hook(nowhere, patient))
            kinds: dict[str, tuple[Call, Caller | None]] = {
                "two searches of HAPI, directly": (directly, None),
                "the same, HAPI keeping no search": (unstored, None),
                "order-sign, read from HAPI": (reading.call, reading),
                "order-sign, all prefetched": (prefetched.call, prefetched),
                "order-sign, FHIR server down": (down.call, down),
            }
            taken: dict[str, list[tuple[float, bool]]] = {name: [] for name in kinds}
            for round_number in range(ROUNDS + 2):
                for name, (call, caller) in kinds.items():
                    if caller:
                        caller.prepare(CALLERS * PER_CALLER)
                    found = await measured(call)
                    taken[name] += found if round_number >= 2 else []
    print(f"{CALLERS} callers at once, load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print("| | calls | p50 ms | p95 | p99 | max | with card |\n|---|---:|---:|---:|---:|---:|---:|")
    for name, found in taken.items():
        print(row(name, found))
    print("\nThe first call of a new process, three times:", ", ".join(firsts))
    medians = {name: statistics.median(t for t, _ in found) for name, found in taken.items()}
    ratio = medians["order-sign, read from HAPI"] / medians["two searches of HAPI, directly"]
    print(f"\nA hook that reads takes {ratio:.2f} times the two searches that it needs.")


def main() -> None:
    with jwks() as keys:
        if running := os.environ.get("COPLAN_TEST_HAPI"):
            asyncio.run(compare(running, keys))
            return
        if reason := HapiServer.is_available():
            sys.exit(f"HAPI FHIR cannot run here: {reason}")
        with HapiServer() as hapi:
            asyncio.run(compare(hapi.base_url, keys))


if __name__ == "__main__":
    main()
