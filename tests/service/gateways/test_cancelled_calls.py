"""Callers go away all day: each cancels what was asked for them, on real connections, and the client must not mind."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from service.gateways.fhir_client import open_fhir_client

CONNECTIONS, BURSTS, CALLS, AFTER = 8, 10, 50, 20
WITHIN = 0.02
"""Seconds in which the calls of a burst are cancelled: while they wait, connect, send and read."""
GOAL = b'{"resourceType": "Goal", "id": "g1"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: %d\r\n\r\n" % len(GOAL)


async def _answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Each request after a moment, in two pieces, so that a cancellation may hit anywhere."""
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            for piece in (ANSWER, GOAL):
                await asyncio.sleep(0.001)
                writer.write(piece)
                await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
        pass
    finally:
        writer.close()


@asynccontextmanager
async def a_server() -> AsyncIterator[str]:
    server = await asyncio.start_server(_answered, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/fhir"


async def test_no_connection_is_lost_to_calls_that_were_cancelled() -> None:
    chance, later = random.Random(1), asyncio.get_running_loop().call_later
    deadline = timedelta(seconds=20)
    async with a_server() as base, open_fhir_client(base, deadline=deadline, connections=CONNECTIONS) as fhir:
        for _ in range(BURSTS):
            calls = [asyncio.create_task(fhir.read("Goal", "g1")) for _ in range(CALLS)]
            for call in calls:
                later(chance.uniform(0, WITHIN), call.cancel)
            await asyncio.gather(*calls, return_exceptions=True)
        answers = await asyncio.gather(*(fhir.read("Goal", "g1") for _ in range(AFTER)), return_exceptions=True)

    assert [a for a in answers if isinstance(a, BaseException)] == []
