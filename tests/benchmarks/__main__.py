"""How much CoPlan adds: ratios of one run to the same FHIR requests, sent directly and through a bare pass-through.

Writes docs/benchmarks.md.
"""

import asyncio
import os
import platform
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
from httpx_aiohttp import HttpxAiohttpClient

from tests.benchmarks.measures import ROUNDS, WARM_UP, Taken, compared
from tests.benchmarks.processes import ROOT, Server, pass_through, sandbox
from tests.benchmarks.recorded import recorded
from tests.benchmarks.steps import Steps, as_new, body_of, sent
from tests.hapi_server import HapiServer
from tests.people import Person, said

PLAN: Final = "/v1/patients/ann/plan"
FRESH: Final = {"Cache-Control": "no-cache"}
Doing = Callable[[Person], Awaitable[httpx.Response]]


@dataclass(frozen=True, slots=True)
class Bench:
    """Ann, and the three ways to the FHIR server."""

    http: httpx.AsyncClient
    ann: Person
    bo: Person
    hapi: Server
    coplan: Server
    through: Server

    async def compare(self, do: Doing, *, kept: bool = False) -> dict[str, Taken]:
        """`kept`: CoPlan answers from its cache, the others still ask."""
        steps = await recorded(self.hapi.base, do)
        own = _kept_plan if kept else do
        return await compared(
            self.hapi,
            {
                "direct": (self.hapi, lambda: sent(self.http, self.hapi.base, as_new(steps))),
                "through": (self.through, lambda: self._pass_through(as_new(steps))),
                "coplan": (self.coplan, lambda: _succeeds(own(self.ann))),
            },
        )

    async def _pass_through(self, steps: Steps) -> None:
        await _succeeds(self.http.post(f"{self.through.base}/steps", content=body_of(steps)))

    async def with_goals(self, count: int) -> list[Any]:
        """Ann's goals, once she has proposed so many."""
        goals: list[Any] = (await self.ann.sees("/v1/patients/ann/goals"))["goals"]
        for number in range(len(goals), count):
            goals.append(await self.ann.proposes("ann", f"Goal number {number}"))
        return goals

    async def results(self) -> dict[str, dict[str, Taken]]:
        found: dict[str, dict[str, Taken]] = {}
        for count in (1, 10, 100):
            goals = await self.with_goals(count)
            found[f"plan view, {count} goal{'s'[: count - 1]}"] = await self.compare(_plan)
        found["plan view, 100 goals, kept"] = await self.compare(_plan, kept=True)
        agreed = await self.bo.acts(goals[-1], "accept")
        found["one goal"] = await self.compare(lambda person: person.get(f"/v1/goals/{agreed['id']}"))
        found["one act: a measurement"] = await self.compare(lambda person: _measures(person, agreed["id"]))
        return found


async def _plan(person: Person) -> httpx.Response:
    return await person.get(PLAN, **FRESH)


async def _kept_plan(person: Person) -> httpx.Response:
    return await person.get(PLAN)


async def _measures(person: Person, goal: str) -> httpx.Response:
    body = {"measure": {"text": "pain"}, "value": {"text": "less"}, "effective": "2026-11-01T10:00:00Z"}
    return await person.post(f"/v1/goals/{goal}/progress", body, key=str(uuid4()))


async def _succeeds(answer: Awaitable[httpx.Response]) -> None:
    (await answer).raise_for_status()


def table(results: dict[str, dict[str, Taken]]) -> str:
    lines = [
        "| | directly, ms | CoPlan / directly | CoPlan / pass-through "
        "| CPU: CoPlan / pass-through | CPU: CoPlan / HAPI |",
        "|---|---|---|---|---|---|",
    ]
    for name, ways in results.items():
        coplan, through, direct = ways["coplan"], ways["through"], ways["direct"]
        ratios = (
            coplan.clock / direct.clock,
            coplan.clock / through.clock,
            coplan.cpu / through.cpu,
            coplan.cpu / direct.hapi,
        )
        lines.append(f"| {name} | {direct.clock:.1f} | " + " | ".join(f"{r:.2f}" for r in ratios) + " |")
    return "\n".join(lines)


async def measured(fhir: Server, coplan: Server, through: Server, tokens: Path) -> str:
    async with (
        HttpxAiohttpClient(timeout=None) as http,
        HttpxAiohttpClient(timeout=None, base_url=coplan.base) as service,
    ):
        ann = Person(service, "Patient/ann", (tokens / "ann.token").read_text())
        bo = Person(service, "Practitioner/bo", (tokens / "bo.token").read_text())
        said(await ann.get("/v1/me"), 200)
        return table(await Bench(http, ann, bo, fhir, coplan, through).results())


def main() -> None:
    if reason := HapiServer.is_available():
        sys.exit(f"HAPI FHIR cannot run here: {reason}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hapi = stack.enter_context(HapiServer())
        coplan = stack.enter_context(sandbox(hapi.base_url, folder))
        through = stack.enter_context(pass_through(hapi.base_url))
        fhir = Server(hapi.base_url, hapi.pid)
        found = asyncio.run(measured(fhir, coplan, through, folder / ".data" / "demo"))
    shown = {"table": found, "rounds": ROUNDS, "warm_up": WARM_UP, "cores": os.cpu_count()}
    text = PAGE.format(**shown, python=platform.python_version())
    (ROOT / "docs" / "benchmarks.md").write_text(text)
    print(text)


PAGE = """# Benchmarks

`make bench` measures and writes this page. One client; {rounds} rounds after {warm_up} for warming up, in which all
ways take turns; medians on the clock, means of CPU time. Python {python}, {cores} cores shared by client, services and
HAPI FHIR (H2 in memory). Only the ratios mean anything elsewhere.

{table}

*Directly*: the very requests that CoPlan sends for the call, recorded, then sent to HAPI by the client in the same
steps: what CoPlan sends at the same time, at the same time. *Pass-through*: the same by way of a bare FastAPI with
httpx, which hands the bytes on without a look. *CPU*: of the service's process for each call, against that of the
pass-through, and against what HAPI itself spends on the direct requests. *Kept*: CoPlan answers from its cache, the
others ask.

A ratio is a price: for verifying the token, judging each resource, reading each into nouns and writing it as JSON; for
acts also for checking what goes out against R4.
"""

if __name__ == "__main__":
    main()
