"""Whatever Redis does in the middle, answers stay right and nothing is lost: the service on the embedded store."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from redis.asyncio import Redis

from service.gateways import redis_store
from service.gateways.redis_store import open_redis
from tests.conftest import FhirServer, app_with, open_test_services, open_world
from tests.people import Person, World, said
from tests.redis_server import RedisServer

Failure = Callable[[RedisServer], Awaitable[None]]


@pytest.fixture
def server() -> Iterator[RedisServer]:
    if reason := RedisServer.is_available():
        pytest.skip(reason)
    with RedisServer() as server:
        yield server
        server.go_on()


@pytest.fixture
async def world(
    embedded_server: FhirServer, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    """People whose service keeps what it may in this Redis, and asks again at once after a failure."""
    monkeypatch.setattr(redis_store, "LEFT_ALONE_FOR", timedelta())
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(open_world(embedded_server))
        services = await stack.enter_async_context(open_test_services(embedded_server))
        redis = await stack.enter_async_context(open_redis(server.url, secret=b"test"))
        app = app_with(replace(services, cache=redis, replies=redis))
        http = await stack.enter_async_context(
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://coplan.test")
        )

        def over(person: Person) -> Person:
            return replace(person, http=http)

        yield replace(world, ann=over(world.ann), bo=over(world.bo))


async def commanded(server: RedisServer, *command: str) -> None:
    async with Redis.from_url(server.url) as client:
        await client.execute_command(*command)  # type: ignore[no-untyped-call]


async def stopped(server: RedisServer) -> None:
    server.stop()


async def hung(server: RedisServer) -> None:
    server.pause()


async def flushed(server: RedisServer) -> None:
    await commanded(server, "FLUSHALL")


async def full(server: RedisServer) -> None:
    """Nothing may be evicted, so every write is refused."""
    await commanded(server, "CONFIG", "SET", "maxmemory", "1")


async def read_only(server: RedisServer) -> None:
    """As after a failover that the clients have not noticed."""
    await commanded(server, "REPLICAOF", "127.0.0.1", "1")


FAILURES = [pytest.param(f, id=f.__name__) for f in (stopped, hung, flushed, full, read_only)]


async def offered(world: World) -> tuple[str, str, str]:
    """The path, the key and the id of an offer whose answer and plan are kept in Redis by now."""
    path, key = f"/v1/patients/{world.patient}/goals", str(uuid4())
    offer = said(await world.ann.post(path, {"description": "Walk to the shops"}, key=key), 201)
    for person in (world.ann, world.bo):
        await person.sees(f"/v1/patients/{world.patient}/plan")
    return path, key, offer["id"]


@pytest.mark.parametrize("failure", FAILURES)
async def test_the_main_job_goes_on(world: World, server: RedisServer, failure: Failure) -> None:
    _, _, goal = await offered(world)
    await failure(server)

    offer = {"id": goal, "version": "1"}
    words = {"description": "Walk around the block", "reason": "First steps"}
    counter = await world.bo.acts(offer, "counter-proposals", **words)
    agreed = await world.ann.acts(counter, "accept")
    plan = said(await world.bo.get(f"/v1/patients/{world.patient}/plan", **{"Cache-Control": "no-cache"}), 200)
    assert [(g["id"], g["lifecycleStatus"]) for g in plan["goals"]] == [(agreed["id"], "active")]


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_repeated_act_is_still_done_once(world: World, server: RedisServer, failure: Failure) -> None:
    path, key, goal = await offered(world)
    await failure(server)
    again = await world.ann.post(path, {"description": "Walk to the shops"}, key=key)
    other = await world.ann.post(path, {"description": "Swim"}, key=key)

    assert said(again, 201)["id"] == goal
    assert again.headers["Idempotent-Replayed"] == "true"
    assert said(other, 422)["type"] == "urn:coplan:problem:idempotency-key-reused"
    assert len(await world.found(f"Goal?patient=Patient/{world.patient}")) == 1


async def forgetful(server: RedisServer) -> None:
    """The count of the patient's writes is evicted, and what was kept under it stays."""
    async with Redis.from_url(server.url) as client:
        counts = await client.keys("coplan:epoch:*")
        assert counts
        await client.delete(*counts)


@pytest.mark.parametrize("failure", [*FAILURES, pytest.param(forgetful, id="forgetful")])
async def test_a_plan_that_was_kept_before_a_write_is_never_shown_after_it(
    world: World, server: RedisServer, failure: Failure
) -> None:
    _, _, goal = await offered(world)
    await failure(server)
    path = f"/v1/patients/{world.patient}/plan"
    await world.ann.sees(path)
    await world.bo.acts({"id": goal, "version": "1"}, "accept")
    if failure is forgetful:
        await forgetful(server)

    plan = await world.ann.sees(path)
    assert [g["lifecycleStatus"] for g in plan["goals"]] == ["active"]


async def test_what_redis_has_lost_is_kept_again(world: World, server: RedisServer) -> None:
    await offered(world)
    await flushed(server)
    path = f"/v1/patients/{world.patient}/plan"
    first, second = await world.ann.sees(path), await world.ann.sees(path)

    assert first["asOf"] == second["asOf"]
