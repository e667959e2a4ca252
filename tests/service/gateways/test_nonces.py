"""What may be used once, over several processes with one Redis."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from service.gateways.redis_store import RedisStore, open_redis
from tests.redis_server import RedisServer
from tests.service.gateways.test_stores import redis_server

__all__ = ["redis_server"]
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def replicas(redis_server: RedisServer) -> AsyncIterator[list[RedisStore]]:
    async with AsyncExitStack() as stack:
        url, secret = redis_server.url, b"the same for all"
        yield [await stack.enter_async_context(open_redis(url, secret=secret)) for _ in range(2)]


async def test_what_one_process_has_seen_is_seen_by_all(replicas: list[RedisStore]) -> None:
    one, other = replicas
    assert await one.is_new("a", keep_for=MINUTE)
    assert not await one.is_new("a", keep_for=MINUTE)
    assert not await other.is_new("a", keep_for=MINUTE)
    assert await other.is_new("b", keep_for=MINUTE)


async def test_without_redis_each_process_still_remembers_its_own() -> None:
    async with open_redis("redis://127.0.0.1:9", secret=b"x") as store:
        assert await store.is_new("a", keep_for=MINUTE)
        assert not await store.is_new("a", keep_for=MINUTE)
