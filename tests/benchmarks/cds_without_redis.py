"""Hooks while Redis fails: 32 callers at once, HAPI FHIR behind, Redis well, then hanging, then gone.

Run as `python -m tests.benchmarks.cds_without_redis`; COPLAN_TEST_HAPI names a HAPI FHIR server that runs already.
Every answer is to be 200, and a token that was used once is refused by this process whatever Redis does.
"""

import asyncio
import os
import sys
import time
from collections import Counter
from typing import Final

import httpx
from httpx_aiohttp import HttpxAiohttpClient

from tests.benchmarks.cds_hooks import PATH, hook, jwks, seed, service
from tests.ehr import EHR
from tests.hapi_server import HapiServer
from tests.redis_server import RedisServer

CALLERS: Final = 32
PER_CALLER: Final = 6


async def measured(http: httpx.AsyncClient, base: str, body: bytes, name: str) -> None:
    """Prints a row: how long it took, what was answered, and what a second use of each token was answered."""
    tokens = [EHR.token(PATH) for _ in range(CALLERS * PER_CALLER)]
    taken: list[float] = []
    answered: Counter[str] = Counter()

    async def post(token: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return await http.post(f"{base}{PATH}", content=body, headers=headers)

    async def caller(own: list[str]) -> None:
        for token in own:
            started = time.perf_counter()
            answer = await post(token)
            taken.append((time.perf_counter() - started) * 1000)
            cards = "" if answer.is_error else f" with {len(answer.json()['cards'])} card"
            answered[f"{answer.status_code}{cards}"] += 1

    await asyncio.gather(*(caller(tokens[n::CALLERS]) for n in range(CALLERS)))
    again = Counter([str((await post(token)).status_code) for token in tokens[:10]])
    times = sorted(taken)
    p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
    told = ", ".join(f"{status}: {number}" for status, number in sorted(answered.items()))
    print(f"| {name} | {len(times)} | {p50:.0f} | {p99:.0f} | {times[-1]:.0f} | {told} | {dict(again)} |")


async def run(fhir: str, keys: str) -> None:
    with RedisServer() as redis:
        settings = {"COPLAN_REDIS_URL": redis.url, "COPLAN_CACHE_SECRET": "for this run only"}
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=64, keepalive_expiry=2)
        async with HttpxAiohttpClient(limits=limits, timeout=60, trust_env=False) as http:
            body = hook(fhir, await seed(http, fhir))
            with service(fhir, keys, **settings) as base:
                await measured(http, base, body, "(not counted: the first calls)")
                await measured(http, base, body, "Redis is well")
                redis.pause()
                await measured(http, base, body, "Redis hangs")
                redis.go_on()
                redis.stop()
                await measured(http, base, body, "Redis is gone")


def main() -> None:
    if reason := RedisServer.is_available():
        sys.exit(reason)
    print(f"{CALLERS} callers at once, load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print("| | calls | p50 ms | p99 | max | answers | used again |\n|---|---:|---:|---:|---:|---|---|")
    with jwks() as keys:
        if running := os.environ.get("COPLAN_TEST_HAPI"):
            asyncio.run(run(running, keys))
            return
        if reason := HapiServer.is_available():
            sys.exit(f"HAPI FHIR cannot run here: {reason}")
        with HapiServer() as hapi:
            asyncio.run(run(hapi.base_url, keys))


if __name__ == "__main__":
    main()
