"""How much time CoPlan adds: medians of one run, as ratios to the same FHIR requests sent directly and passed through.

Writes docs/benchmarks.md. The requests of each kind take turns, so that a slow moment of the machine hits all alike.
"""

import asyncio
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from httpx_aiohttp import HttpxAiohttpClient

from tests.hapi_server import HapiServer

ROOT = Path(__file__).parents[2]
ROUNDS = 40
WARM_UP = 8
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Cache-Control": "no-cache"}
Call = Callable[[], Awaitable[Any]]


@contextmanager
def service(base: str, folder: Path) -> Iterator[str]:
    """The sandbox over HAPI, in a process of its own."""
    command = [str(Path(sys.executable).with_name("coplan")), "run", "--port", "0", "--fhir", base]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = ""
        while "Stop with" not in said:
            said += process.stdout.readline()
        found = re.search(r"(http://\S+)/docs", said)
        assert found is not None
        yield found[1]
        process.terminate()


@contextmanager
def pass_through(base: str) -> Iterator[str]:
    port = HapiServer()._port
    command = [sys.executable, "-m", "uvicorn", "tests.benchmarks.pass_through:app", "--port", str(port)]
    command += ["--no-access-log", "--log-level", "warning"]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "FHIR_BASE": base}) as process:
        for _ in range(100):
            try:
                httpx.get(f"http://127.0.0.1:{port}/none")
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
        process.terminate()


class Bench:
    """A patient of HAPI with so many goals, and the ways to ask about them."""

    def __init__(self, http: httpx.AsyncClient, fhir: str, coplan: str, through: str, tokens: Path) -> None:
        self.http, self.fhir, self.coplan, self.through = http, fhir, coplan, through
        self.token = (tokens / "bo.token").read_text()

    async def patient_with(self, goals: int) -> str:
        """Proposed goals, each with its question."""
        patient = f"bench-{uuid4().hex[:8]}"
        resource = {"resourceType": "Patient", "id": patient}
        (await self.http.put(f"{self.fhir}/Patient/{patient}", json=resource)).raise_for_status()
        team = {
            "resourceType": "CareTeam",
            "id": f"team-{patient}",
            "status": "active",
            "subject": {"reference": f"Patient/{patient}"},
            "participant": [{"member": {"reference": "Practitioner/bo"}}],
        }
        (await self.http.put(f"{self.fhir}/CareTeam/team-{patient}", json=team)).raise_for_status()
        for number in range(goals):
            goal = await self.act(f"/v1/patients/{patient}/goals", {"description": f"Goal number {number}"}, None)
            assert goal.status_code == 201
        return patient

    async def act(self, path: str, body: Any, version: str | None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": str(uuid4())}
        headers |= {"If-Match": f'W/"{version}"'} if version else {}
        return await self.http.post(f"{self.coplan}{path}", json=body, headers=headers)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        sent = {"Authorization": f"Bearer {self.token}", **headers}
        answer = await self.http.get(f"{self.coplan}{path}", headers=sent)
        assert answer.status_code == 200, answer.text
        return answer

    async def all_at_once(self, asked: list[Any]) -> None:
        await asyncio.gather(
            *(
                self.http.request(m, f"{self.fhir}/{path}", content=body, headers=FORM if body else {})
                for m, path, body in asked
            )
        )


def plan_requests(patient: str) -> list[Any]:
    """What a plan view asks of the FHIR server."""
    who = f"patient=Patient%2F{patient}&_count=200"
    searches = [f"{kind}/_search" for kind in ("Goal", "CarePlan", "Task", "CareTeam")]
    latest = ["POST", "Observation/_search", f"{who}&_sort=-date"]
    return [["GET", f"Patient/{patient}", None], *(["POST", path, who] for path in searches), latest]


async def medians(**calls: Call) -> dict[str, float]:
    """Milliseconds, by kind of call."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for round_number in range(WARM_UP + ROUNDS):
        for name, call in calls.items():
            started = time.perf_counter()
            await call()
            if round_number >= WARM_UP:
                taken[name].append((time.perf_counter() - started) * 1000)
    return {name: statistics.median(times) for name, times in taken.items()}


async def plan_view(bench: Bench, goals: int) -> dict[str, float]:
    patient = await bench.patient_with(goals)
    asked, path = plan_requests(patient), f"/v1/patients/{patient}/plan"

    return await medians(
        direct=lambda: bench.all_at_once(asked),
        through=lambda: bench.http.post(f"{bench.through}/all", json=asked),
        coplan=lambda: bench.get(path, **{"Cache-Control": "no-cache"}),
    )


async def one_goal(bench: Bench) -> dict[str, float]:
    patient = await bench.patient_with(1)
    goals = (await bench.get(f"/v1/patients/{patient}/goals")).json()["goals"]
    goal = goals[0]["id"]
    return await medians(
        direct=lambda: bench.http.get(f"{bench.fhir}/Goal/{goal}"),
        through=lambda: bench.http.get(f"{bench.through}/one/Goal/{goal}"),
        coplan=lambda: bench.get(f"/v1/goals/{goal}"),
    )


async def one_act(bench: Bench) -> dict[str, float]:
    """A message: its reads and its transaction, against the same requests sent by hand one step after the other."""
    patient = await bench.patient_with(1)
    goal = (await bench.get(f"/v1/patients/{patient}/goals")).json()["goals"][0]["id"]
    who = f"patient=Patient%2F{patient}&_count=200"
    resource = {
        "resourceType": "Communication",
        "status": "completed",
        "subject": {"reference": f"Patient/{patient}"},
        "payload": [{"contentString": "Why?"}],
    }
    audit = {
        "resourceType": "AuditEvent",
        "type": {"code": "rest"},
        "recorded": "2026-12-01T09:00:00Z",
        "agent": [{"requestor": True}],
        "source": {"observer": {"display": "bench"}},
    }
    provenance = {
        "resourceType": "Provenance",
        "target": [{"reference": f"Goal/{goal}"}],
        "recorded": "2026-12-01T09:00:00Z",
        "agent": [{"who": {"reference": "Practitioner/bo"}}],
    }

    def entry(body: dict[str, Any], **request: str) -> dict[str, Any]:
        return {"resource": body, "request": {"method": "POST", "url": body["resourceType"], **request}}

    async def direct() -> None:
        await bench.all_at_once([["POST", "Provenance/_search", f"_tag=urn:bench|{uuid4()}"]])
        await bench.all_at_once([["GET", f"Goal/{goal}", None]])
        searches = [["POST", f"{kind}/_search", who] for kind in ("Goal", "CarePlan", "Task")]
        await bench.all_at_once([["GET", f"Patient/{patient}", None], *searches])
        entries = [
            entry(resource, ifNoneExist=f"identifier=urn:bench|{uuid4()}"),
            entry(provenance, ifNoneExist=f"_tag=urn:bench|{uuid4()}"),
            entry(audit, ifNoneExist=f"_tag=urn:bench|{uuid4()}"),
        ]
        transaction = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        (await bench.http.post(bench.fhir, json=transaction)).raise_for_status()

    async def coplan() -> None:
        assert (await bench.act(f"/v1/goals/{goal}/messages", {"text": "Why?"}, None)).status_code == 201

    return await medians(direct=direct, coplan=coplan)


async def measure(fhir: str, coplan: str, through: str, tokens: Path) -> dict[str, dict[str, float]]:
    async with HttpxAiohttpClient(timeout=None) as http:
        bench = Bench(http, fhir, coplan, through, tokens)
        results = {f"plan view, {n} goals": await plan_view(bench, n) for n in (1, 10, 100)}
        patient = await bench.patient_with(10)
        results["plan view, 10 goals, kept"] = await medians(
            direct=lambda: bench.all_at_once(plan_requests(patient)),
            coplan=lambda: bench.get(f"/v1/patients/{patient}/plan"),
        )
        return {**results, "one goal": await one_goal(bench), "one act (message)": await one_act(bench)}


def table(results: dict[str, dict[str, float]]) -> str:
    lines = [
        "| | directly, ms | CoPlan, ms | CoPlan / directly | CoPlan / pass-through |",
        "|---|---|---|---|---|",
    ]
    for name, taken in results.items():
        through = f"{taken['coplan'] / taken['through']:.2f}" if "through" in taken else ""
        ratio = taken["coplan"] / taken["direct"]
        lines.append(f"| {name} | {taken['direct']:.1f} | {taken['coplan']:.1f} | {ratio:.2f} | {through} |")
    return "\n".join(lines)


def main() -> None:
    if reason := HapiServer.is_available():
        sys.exit(f"HAPI FHIR cannot run here: {reason}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fhir = stack.enter_context(HapiServer()).base_url
        coplan = stack.enter_context(service(fhir, folder))
        through = stack.enter_context(pass_through(fhir))
        results = asyncio.run(measure(fhir, coplan, through, folder / ".data" / "demo"))
    text = PAGE.format(table=table(results), rounds=ROUNDS, python=platform.python_version(), cores=os.cpu_count())
    (ROOT / "docs" / "benchmarks.md").write_text(text)
    print(json.dumps(results, indent=1), table(results), sep="\n")


PAGE = """# Benchmarks

`make bench` measures and writes this page. One client, {rounds} rounds after warm-up in which all kinds take turns,
medians; Python {python}, {cores} cores shared by client, service and HAPI FHIR (H2 in memory). Only the ratios mean
anything elsewhere.

{table}

*Directly*: the same FHIR requests sent to HAPI by the same client, in parallel where CoPlan sends them in parallel.
*Pass-through*: a bare FastAPI with httpx that hands the bytes on. *Kept*: answered again from the cache.
"""

if __name__ == "__main__":
    main()
