"""A FHIR server may close a kept connection just as a request leaves: nobody can tell whether it was carried out.

Source: https://www.rfc-editor.org/rfc/rfc9110#section-9.3.1
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto
from uuid import uuid4

import httpx
import pytest

from service.errors import AnswerLost
from service.gateways.embedded_fhir import EmbeddedStore, create_embedded_store
from service.gateways.fhir_client import open_fhir_client
from tests.conftest import FhirServer, open_world
from tests.people import World, said


class Fate(Enum):
    """What becomes of a transaction whose connection ends without an answer; without a fate it is answered."""

    DROPPED = auto()
    CARRIED_OUT = auto()


LOST = (Fate.DROPPED, Fate.CARRIED_OUT)


@dataclass(slots=True)
class Closing:
    """The embedded store at a real socket, which closes the connection of the next transactions or searches.

    `seen`: what has arrived, by its first line.
    """

    store: EmbeddedStore
    writes: list[Fate | None] = field(default_factory=list)
    reads: int = 0
    seen: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await self._request(reader):
                if not await self._answered(*request, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str], bytes] | None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self.seen.append(f"{method} {target}")
        return method, target, headers, await reader.readexactly(int(headers.get("content-length", "0")))

    async def _answered(
        self, method: str, target: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter
    ) -> bool:
        """False where the connection is closed in place of an answer."""
        is_write = method == "POST" and not target.endswith("_search")
        fate = self.writes.pop(0) if is_write and self.writes else None
        if fate is Fate.DROPPED or (self.reads and not is_write):
            self.reads -= not is_write
            return False
        origin = self.store.base_url.removesuffix("/fhir")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.store)) as http:
            answer = await http.request(method, origin + target, content=body, headers=headers)
        if fate is not None:
            return False
        kept = {"content-type", "etag", "location"}
        lines = [f"{name}: {value}" for name, value in answer.headers.items() if name in kept]
        head = "\r\n".join([f"HTTP/1.1 {answer.status_code} x", f"Content-Length: {len(answer.content)}", *lines])
        writer.write(f"{head}\r\n\r\n".encode() + answer.content)
        await writer.drain()
        return True


@pytest.fixture
async def closing() -> AsyncIterator[tuple[Closing, World]]:
    """The server, and the world on it, with connections that are kept."""
    servers: list[Closing] = []
    listener = await asyncio.start_server(lambda r, w: servers[0].serve(r, w), "127.0.0.1", 0, limit=2**20)
    port = listener.sockets[0].getsockname()[1]
    store = create_embedded_store(origin=f"http://127.0.0.1:{port}")
    servers.append(Closing(store))
    try:
        async with open_world(FhirServer("closing", store.base_url)) as world:
            yield servers[0], world
    finally:
        listener.close()
        store.close()


async def on_server(world: World) -> tuple[int, int, int]:
    """Goals, Provenances and AuditEvents of the patient."""
    goals = await world.found(f"Goal?patient=Patient/{world.patient}")
    stamps = [s for g in goals for s in await world.found(f"Provenance?target=Goal/{g['id']}")]
    events = await world.found(f"AuditEvent?entity=Patient/{world.patient}")
    return len(goals), len(stamps), len(events)


@pytest.mark.parametrize("fate", LOST)
async def test_a_proposal_whose_answer_is_lost_once_happens_once(closing: tuple[Closing, World], fate: Fate) -> None:
    server, world = closing
    await world.ann.sees("/v1/me")
    server.writes = [fate]
    goal = await world.ann.proposes(world.patient, "Walk to the shops")

    assert goal["description"] == "Walk to the shops"
    assert await on_server(world) == (1, 1, 1)


@pytest.mark.parametrize("fate", LOST)
@pytest.mark.parametrize("answered", [0, 1], ids=["the plan's", "its own"])
async def test_an_agreement_whose_answer_is_lost_once_happens_once(
    closing: tuple[Closing, World], fate: Fate, answered: int
) -> None:
    """Its transaction is fenced by the version of the goal: sent again, it is refused or it is the first."""
    server, world = closing
    offer = await world.ann.proposes(world.patient, "Walk to the shops")
    server.writes = [*[None] * answered, fate]  # the plan that it opens, then the agreement
    agreed = await world.bo.acts(offer, "accept")

    assert agreed["lifecycleStatus"] == "active"
    goals = await world.found(f"Goal?patient=Patient/{world.patient}")
    plans = await world.found(f"CarePlan?patient=Patient/{world.patient}")
    assert [g["lifecycleStatus"] for g in goals] == ["active"]
    assert [[g["reference"] for g in p["goal"]] for p in plans] == [[f"Goal/{offer['id']}"]]


@pytest.mark.parametrize("fate", LOST)
async def test_one_that_is_lost_again_and_again_is_told_of_and_can_be_sent_again(
    closing: tuple[Closing, World], fate: Fate
) -> None:
    server, world = closing
    server.writes = [Fate.DROPPED, fate]
    key, path = str(uuid4()), f"/v1/patients/{world.patient}/goals"
    lost = await world.ann.post(path, {"description": "Walk"}, key=key)
    again = await world.ann.post(path, {"description": "Walk"}, key=key)

    assert said(lost, 503)["type"] == "urn:coplan:problem:fhir-server-unavailable"
    assert lost.headers["Retry-After"] == "1"
    assert said(again, 201)["description"] == "Walk"
    assert await on_server(world) == (1, 1, 1)


async def test_a_read_whose_answer_is_lost_is_asked_for_again(closing: tuple[Closing, World]) -> None:
    server, world = closing
    offer = await world.ann.proposes(world.patient, "Walk")
    server.reads = 1

    assert (await world.ann.sees(f"/v1/goals/{offer['id']}"))["id"] == offer["id"]
    assert server.reads == 0


async def test_the_client_itself_never_sends_a_transaction_twice(closing: tuple[Closing, World]) -> None:
    """Whether it may go again is known by whoever can find what it left."""
    server, _ = closing
    goal = {"resourceType": "AuditEvent"}
    async with open_fhir_client(server.store.base_url, deadline=timedelta(seconds=9)) as client:
        await client.search("Goal", [("_id", "none")])
        server.writes, server.seen = [Fate.DROPPED], []
        with pytest.raises(AnswerLost):
            await client._send("POST", "", content=str(goal).encode(), headers={"Content-Type": "application/json"})

    assert len(server.seen) == 1
