"""Counting in this process and on a real Redis, which may fail at any time."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager

import pytest
from redis.asyncio import Redis

from service.gateways.rate_limits import CountedRateLimits, open_rate_limits
from tests.redis_server import RedisServer


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    if reason := RedisServer.is_available():
        pytest.skip(reason)
    with RedisServer() as server:
        yield server


async def test_what_is_left_is_counted_for_each() -> None:
    async with open_rate_limits(per_minute=3, refused_per_minute=1) as limits:
        taken = [await limits.take("ann") for _ in range(4)]

        assert [(a.remaining, a.granted) for a in taken] == [(2, True), (1, True), (0, True), (0, False)]
        assert {(a.quota, a.window) for a in taken} == {(3, 60)}
        assert all(1 <= a.reset_after <= 60 for a in taken)
        assert (await limits.take("bo")).granted
        assert (await limits.take_refused("ann")).granted


def shared_by(server: RedisServer) -> AbstractAsyncContextManager[CountedRateLimits]:
    return open_rate_limits(per_minute=3, refused_per_minute=1, redis_url=server.url, secret=b"s")


async def test_replicas_count_together_in_redis_which_does_not_learn_who_asks(redis_server: RedisServer) -> None:
    async with shared_by(redis_server) as one, shared_by(redis_server) as other:
        granted = [(await replica.take("ann-canary")).granted for replica in (one, other, one, other)]
    async with Redis.from_url(redis_server.url, decode_responses=True) as redis:
        keys = [str(key) for key in await redis.keys("*")]
        lifetime = await redis.ttl(keys[0])

    assert granted == [True, True, True, False]
    assert all(key.startswith("coplan:limit:") and "canary" not in key for key in keys)
    assert 0 < lifetime <= 180


async def test_without_redis_each_counts_for_itself(redis_server: RedisServer) -> None:
    async with shared_by(redis_server) as limits:
        await limits.take("ann")
        redis_server.stop()
        taken = [await limits.take("ann") for _ in range(4)]

    assert [a.granted for a in taken] == [True, True, True, False]


async def test_a_redis_that_hangs_is_not_waited_for_twice(redis_server: RedisServer) -> None:
    async with shared_by(redis_server) as limits:
        await limits.take("ann")
        redis_server.pause()
        try:
            remaining = [(await limits.take("ann")).remaining for _ in range(2)]
        finally:
            redis_server.go_on()

    assert remaining == [2, 1]
