"""The cache and the kept replies: the same contract in this process and on a real Redis, which may fail at any time."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from typing import Any, Protocol
from unittest.mock import Mock

import pytest
from redis.asyncio import Redis

from service.gateways import redis_store
from service.gateways.memory_store import MAX_ENTRIES, MemoryCache, MemoryIdempotencyKeys
from service.gateways.redis_store import LEFT_ALONE_FOR, RedisStore, open_redis
from service.ports import Cache, IdempotencyKeys, Reply
from tests.redis_server import RedisServer

MINUTE, MOMENT = timedelta(minutes=1), timedelta(milliseconds=30)
REPLY = Reply("f", 201, "application/json", (("etag", 'W/"1"'),), b"{}")


class Stores(Protocol):
    cache: Cache
    replies: IdempotencyKeys


class Both:
    def __init__(self, cache: Cache, replies: IdempotencyKeys) -> None:
        self.cache, self.replies = cache, replies


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    if reason := RedisServer.is_available():
        pytest.skip(reason)
    with RedisServer() as server:
        yield server


@pytest.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[RedisStore]:
    async with open_redis(redis_server.url, secret=b"test") as store:
        yield store


@pytest.fixture(params=["memory", "redis"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    if request.param == "memory":
        yield Both(MemoryCache(), MemoryIdempotencyKeys())
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    async with open_redis(server.url, secret=b"test") as store:
        yield Both(store, store)


async def test_what_was_kept_is_found_until_its_time_is_over(stores: Stores) -> None:
    assert await stores.cache.get("k") is None
    await stores.cache.put("k", b"v", keep_for=MOMENT)
    assert await stores.cache.get("k") == b"v"
    time.sleep(0.05)
    assert await stores.cache.get("k") is None


async def test_the_last_value_counts(stores: Stores) -> None:
    for value in (b"1", b"2"):
        await stores.cache.put("last", value, keep_for=MINUTE)
    assert await stores.cache.get("last") == b"2"


async def test_each_write_about_a_patient_moves_their_epoch_and_no_other(stores: Stores) -> None:
    before, other = await stores.cache.epoch("Patient/ann"), await stores.cache.epoch("Patient/zoe")
    await stores.cache.advance_epoch("Patient/ann")
    once = await stores.cache.epoch("Patient/ann")
    await stores.cache.advance_epoch("Patient/ann")

    assert before is not None
    assert once is not None
    assert before < once
    assert await stores.cache.epoch("Patient/ann") == once + 1
    assert await stores.cache.epoch("Patient/zoe") == other


async def test_a_reply_is_given_again_as_it_was(stores: Stores) -> None:
    assert await stores.replies.find("op") is None
    await stores.replies.keep("op", REPLY, keep_for=MINUTE)
    assert await stores.replies.find("op") == REPLY


async def test_the_least_used_goes_first_when_there_is_no_room() -> None:
    cache = MemoryCache()
    await cache.put("first", b"x", keep_for=MINUTE)
    for number in range(MAX_ENTRIES):
        await cache.put(str(number), b"x", keep_for=MINUTE)
    assert await cache.get("first") is None
    assert await cache.get("0") == b"x"


async def test_redis_shows_neither_who_nor_what_was_asked(redis_server: RedisServer, redis: RedisStore) -> None:
    await redis.put("plan Patient/canary", b"v", keep_for=MINUTE)
    await redis.advance_epoch("Patient/canary")
    await redis.keep("canary", REPLY, keep_for=MINUTE)
    async with Redis.from_url(redis_server.url) as client:
        assert all(b"canary" not in key for key in await client.keys())


async def tampered(redis_server: RedisServer, change: Callable[[dict[bytes, bytes]], dict[bytes, bytes]]) -> None:
    async with Redis.from_url(redis_server.url) as client:
        found: Any = {key: await client.get(key) for key in await client.keys()}
        for key, value in change(found).items():
            await client.set(key, value)


def flipped(found: dict[bytes, bytes]) -> dict[bytes, bytes]:
    return {key: value[:-1] + bytes([value[-1] ^ 1]) for key, value in found.items()}


def swapped(found: dict[bytes, bytes]) -> dict[bytes, bytes]:
    return dict(zip(found, reversed(found.values()), strict=True))


def cut_off(found: dict[bytes, bytes]) -> dict[bytes, bytes]:
    return {key: value[:5] for key, value in found.items()}


@pytest.mark.parametrize("change", [flipped, swapped, cut_off])
async def test_a_value_that_redis_has_mixed_up_is_a_miss(
    redis_server: RedisServer, redis: RedisStore, change: Callable[[dict[bytes, bytes]], dict[bytes, bytes]]
) -> None:
    async with Redis.from_url(redis_server.url) as client:
        await client.flushall()
    await redis.put("a", b"plan of a", keep_for=MINUTE)
    await redis.put("b", b"plan of b", keep_for=MINUTE)
    await tampered(redis_server, change)

    assert (await redis.get("a"), await redis.get("b")) == (None, None)


async def test_a_reply_of_another_version_of_ours_is_a_miss(redis: RedisStore) -> None:
    await redis._client.set(redis._key("reply", "old"), redis._sealed("old", b"\x81\xa1x\x01"), px=MINUTE)

    assert await redis.find("old") is None


async def test_a_count_that_redis_has_lost_never_comes_again(redis_server: RedisServer, redis: RedisStore) -> None:
    await redis.advance_epoch("Patient/ann")
    before = await redis.epoch("Patient/ann")
    async with Redis.from_url(redis_server.url) as client:
        await client.flushall()
    lost = await redis.epoch("Patient/ann")
    await redis.advance_epoch("Patient/ann")
    after = await redis.epoch("Patient/ann")

    assert before is not None
    assert lost is not None
    assert after is not None
    assert before < lost < after


async def every_question(store: RedisStore) -> list[Any]:
    await store.put("k", b"v", keep_for=MINUTE)
    await store.keep("op", REPLY, keep_for=MINUTE)
    await store.advance_epoch("Patient/ann")
    return [await store.get("k"), await store.find("op"), await store.epoch("Patient/ann")]


@pytest.mark.parametrize("failure", ["stopped", "paused"])
async def test_without_redis_everything_is_a_miss_and_only_the_first_question_waits(
    failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For 50 ms, by the settings of the client; then it is left alone."""
    if reason := RedisServer.is_available():
        pytest.skip(reason)
    with RedisServer() as server:
        async with open_redis(server.url, secret=b"test") as store:
            store._clock = lambda: 0.0
            await store.put("k", b"v", keep_for=MINUTE)
            server.stop() if failure == "stopped" else server.pause()
            log = Mock()
            monkeypatch.setattr(redis_store, "log", log)
            assert await every_question(store) == [None, None, None]
            server.go_on()
            settings = store._client.connection_pool.connection_kwargs

    assert [call.args for call in log.warning.call_args_list] == [("redis_unavailable",)]
    assert (settings["socket_timeout"], settings["socket_connect_timeout"]) == (0.05, 0.05)
    assert settings["retry"].get_retries() == 0


async def test_redis_is_asked_again_after_a_moment(redis_server: RedisServer) -> None:
    now = [0.0]
    async with Redis.from_url(redis_server.url) as client:
        store = RedisStore(client, b"test", clock=lambda: now[0])
        await store.put("k", b"v", keep_for=MINUTE)
        store._not_before = LEFT_ALONE_FOR.total_seconds()
        assert await store.get("k") is None
        now[0] = LEFT_ALONE_FOR.total_seconds()
        assert await store.get("k") == b"v"
