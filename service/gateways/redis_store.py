"""Redis holds only what may vanish. Absent, hung, full or flushed, it makes answers slower, never wrong.

redis-py retries and waits for seconds by default; here it tries once, for 50 ms, and after a failure
it is left alone for a moment, so that no request pays twice.
"""

import hmac
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final, TypeVar, cast

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from service.gateways.memory_store import MemoryNonces
from service.logs import log
from service.metrics import REDIS_FAILURES
from service.ports import Reply

T = TypeVar("T")
NONCE: Final = 12
TIMEOUT: Final = timedelta(milliseconds=50)
LEFT_ALONE_FOR: Final = timedelta(seconds=1)
EPOCH_KEPT_FOR: Final = timedelta(hours=1)
"""Far longer than anything is kept under an epoch: when the count starts anew, nothing old is left to be found."""


@asynccontextmanager
async def open_redis(url: str, *, secret: bytes) -> AsyncIterator["RedisStore"]:
    """A store on the server at `url`.

    Args:
        secret: keys are its HMAC and values are sealed with it, so that Redis shows neither who asked nor what it was
            answered; the same for all replicas.
    """
    client = Redis.from_url(
        url,
        socket_timeout=TIMEOUT.total_seconds(),
        socket_connect_timeout=TIMEOUT.total_seconds(),
        retry=Retry(NoBackoff(), 0),
        single_connection_client=False,
    )
    async with client:
        yield RedisStore(client, secret)


class RedisStore:
    """`Cache`, `IdempotencyKeys` and `Nonces` on one Redis."""

    def __init__(self, client: Redis, secret: bytes, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._secret = secret
        self._clock = clock
        self._not_before = 0.0
        self._nonces = MemoryNonces(clock)

    async def get(self, key: str) -> bytes | None:
        return self._opened(key, await self._get(self._key("cache", key), None))

    async def put(self, key: str, value: bytes, *, keep_for: timedelta) -> None:
        await self._tried(
            lambda: self._client.set(self._key("cache", key), self._sealed(key, value), px=keep_for), None
        )

    async def epoch(self, patient: str) -> int | None:
        """None where Redis does not say, or may not count: then a write would go unnoticed, too."""
        return await self._tried(lambda: self._counted(patient, advance=False), None)

    async def advance_epoch(self, patient: str) -> None:
        await self._tried(lambda: self._counted(patient, advance=True), None)

    async def _counted(self, patient: str, *, advance: bool) -> int | None:
        """Counts from the present time, so that a count that Redis has lost never comes again."""
        name = self._key("epoch", patient)
        async with self._client.pipeline(transaction=True) as pipeline:
            pipeline.set(name, time.time_ns(), nx=True, px=EPOCH_KEPT_FOR)
            if advance:
                pipeline.incr(name)
                pipeline.pexpire(name, EPOCH_KEPT_FOR)
            pipeline.get(name)
            counted: bytes | None = (await pipeline.execute())[-1]
        return int(counted) if counted and counted.isdigit() else None

    async def find(self, operation: str) -> Reply | None:
        opened = self._opened(operation, await self._get(self._key("reply", operation), None))
        try:
            return msgspec.msgpack.decode(opened, type=Reply) if opened else None
        except msgspec.DecodeError:
            return None

    async def keep(self, operation: str, reply: Reply, *, keep_for: timedelta) -> None:
        value = self._sealed(operation, msgspec.msgpack.encode(reply))
        await self._tried(lambda: self._client.set(self._key("reply", operation), value, px=keep_for), None)

    async def is_new(self, nonce: str, *, keep_for: timedelta) -> bool:
        """What this process has seen is remembered whatever Redis says; without Redis, other replicas do not know."""
        if not await self._nonces.is_new(nonce, keep_for=keep_for):
            return False
        name = self._key("nonce", nonce)

        async def set_once() -> bool:
            return bool(await self._client.set(name, b"1", nx=True, px=keep_for))

        return await self._tried(set_once, True)

    async def _get(self, key: str, otherwise: bytes | None) -> bytes | None:
        async def get() -> bytes | None:
            return cast("bytes | None", await self._client.get(key))  # str only where decode_responses is set

        return await self._tried(get, otherwise)

    def _key(self, kind: str, name: str) -> str:
        return f"coplan:{kind}:{self._mac(f'{kind} {name}'.encode()).hex()}"

    def _sealed(self, name: str, value: bytes) -> bytes:
        """Encrypted for the name that it is kept under: Redis shows nothing, swapped or flipped bytes are a miss."""
        nonce = os.urandom(NONCE)
        return nonce + self._cipher(name).encrypt(nonce, value, None)

    def _opened(self, name: str, sealed: bytes | None) -> bytes | None:
        if sealed is None or len(sealed) < NONCE:
            return None
        try:
            return self._cipher(name).decrypt(sealed[:NONCE], sealed[NONCE:], None)
        except InvalidTag:
            return None

    def _cipher(self, name: str) -> AESGCM:
        """A key for each name, so that no key ever seals enough for its nonces to meet."""
        return AESGCM(self._mac(f"seal {name}".encode()))

    def _mac(self, message: bytes) -> bytes:
        return hmac.digest(self._secret, message, "sha256")

    async def _tried(self, command: Callable[[], Awaitable[T]], otherwise: T) -> T:
        if self._clock() < self._not_before:
            return otherwise
        try:
            return await command()
        except (RedisError, OSError, TimeoutError) as exc:
            self._not_before = self._clock() + LEFT_ALONE_FOR.total_seconds()
            REDIS_FAILURES.inc()
            log.warning("redis_unavailable", error=type(exc).__name__)
            return otherwise
