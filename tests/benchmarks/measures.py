"""Rounds in which the ways to do the same thing take turns, so that a slow moment of the machine hits all alike."""

import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.benchmarks.processes import Server

WARM_UP: Final = 8
ROUNDS: Final = 40
Call = Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Taken:
    """Milliseconds of one call: on the clock (median), and of CPU in the process asked and in HAPI (mean)."""

    clock: float
    cpu: float
    hapi: float


async def compared(hapi: Server, calls: Mapping[str, tuple[Server, Call]]) -> dict[str, Taken]:
    """Each call ROUNDS times, after WARM_UP rounds that do not count."""
    taken: dict[str, list[Taken]] = {name: [] for name in calls}
    for round_number in range(WARM_UP + ROUNDS):
        for name, (server, call) in calls.items():
            one = await _one(server, hapi, call)
            if round_number >= WARM_UP:
                taken[name].append(one)
    return {name: _summary(all_taken) for name, all_taken in taken.items()}


async def _one(server: Server, hapi: Server, call: Call) -> Taken:
    cpu, at_hapi, started = server.cpu(), hapi.cpu(), time.perf_counter()
    await call()
    clock = (time.perf_counter() - started) * 1000
    return Taken(clock, server.cpu() - cpu, hapi.cpu() - at_hapi)


def _summary(all_taken: list[Taken]) -> Taken:
    return Taken(
        statistics.median(t.clock for t in all_taken),
        statistics.fmean(t.cpu for t in all_taken),
        statistics.fmean(t.hapi for t in all_taken),
    )
