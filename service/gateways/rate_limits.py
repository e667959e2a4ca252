"""How often one principal may ask, counted in Redis for all replicas; in this process without it, or when it fails.

Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
"""

import hmac
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from math import ceil
from typing import Any, Final

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from service.gateways.redis_store import LEFT_ALONE_FOR, TIMEOUT
from service.logs import log
from service.metrics import REDIS_FAILURES
from service.ports import Allowance

WINDOW: Final = 60


@asynccontextmanager
async def open_rate_limits(
    *, per_minute: int, refused_per_minute: int, redis_url: str | None = None, secret: bytes = b""
) -> AsyncIterator["CountedRateLimits"]:
    """Limits that replicas share by Redis, where there is one.

    Args:
        secret: keys in Redis are its HMAC, so that Redis does not show who asked; the same for all replicas.
    """
    if redis_url is None:
        yield CountedRateLimits(per_minute=per_minute, refused_per_minute=refused_per_minute)
        return
    timeout = TIMEOUT.total_seconds()
    retry = Retry(NoBackoff(), 0)
    pool = ConnectionPool.from_url(redis_url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=retry)
    # The pool has all that the URL says; limits wants one for its scheme.
    options: dict[str, Any] = {"implementation": "redispy", "key_prefix": "coplan:limit", "connection_pool": pool}
    try:
        shared = RedisStorage("async+redis://in-the-pool:6379", **options)
        yield CountedRateLimits(
            per_minute=per_minute, refused_per_minute=refused_per_minute, shared=shared, secret=secret
        )
    finally:
        await pool.disconnect()


class CountedRateLimits:
    """`RateLimits` over sliding windows of a minute."""

    def __init__(
        self,
        *,
        per_minute: int,
        refused_per_minute: int,
        shared: Storage | None = None,
        secret: bytes = b"in this process",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._served = RateLimitItemPerMinute(per_minute, namespace="served")
        self._refused = RateLimitItemPerMinute(refused_per_minute, namespace="refused")
        self._secret = secret
        self._here = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared = SlidingWindowCounterRateLimiter(shared) if shared else None
        self._clock = clock
        self._not_before = 0.0

    async def take(self, principal: str) -> Allowance:
        return await self._take(self._served, principal)

    async def take_refused(self, address: str) -> Allowance:
        return await self._take(self._refused, address)

    async def _take(self, item: RateLimitItemPerMinute, who: str) -> Allowance:
        key = hmac.digest(self._secret, f"limit {who}".encode(), "sha256").hex()
        if self._shared and self._clock() >= self._not_before:
            try:
                return await _taken(self._shared, item, key)
            except (RedisError, OSError, TimeoutError) as exc:
                self._not_before = self._clock() + LEFT_ALONE_FOR.total_seconds()
                REDIS_FAILURES.inc()
                log.warning("redis_unavailable", error=type(exc).__name__)
        return await _taken(self._here, item, key)


async def _taken(limiter: SlidingWindowCounterRateLimiter, item: RateLimitItemPerMinute, key: str) -> Allowance:
    granted = await limiter.hit(item, key)
    stats = await limiter.get_window_stats(item, key)
    return Allowance(item.amount, WINDOW, stats.remaining, max(1, ceil(stats.reset_time - time.time())), granted)
