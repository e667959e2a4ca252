"""What Redis does for many processes, for one: the default where there is no Redis."""

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import Generic, TypeVar

from service.ports import Reply

V = TypeVar("V")
MAX_ENTRIES = 10_000
MAX_BYTES = 64 * 2**20
SWEPT_EVERY = timedelta(minutes=1)


class _Kept(Generic[V]):
    """Least recently used entries go first; each has its time."""

    def __init__(self, size: Callable[[V], int], clock: Callable[[], float]) -> None:
        self._entries: OrderedDict[str, tuple[float, V]] = OrderedDict()
        self._size = size
        self._clock = clock
        self._bytes = 0

    def get(self, key: str) -> V | None:
        until, value = self._entries.get(key, (0.0, None))
        if value is None or until <= self._clock():
            return None
        self._entries.move_to_end(key)
        return value

    def put(self, key: str, value: V, keep_for: timedelta) -> None:
        self._drop(key)
        self._entries[key] = (self._clock() + keep_for.total_seconds(), value)
        self._bytes += self._size(value)
        while len(self._entries) > MAX_ENTRIES or self._bytes > MAX_BYTES:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: str) -> None:
        if key in self._entries:
            self._bytes -= self._size(self._entries.pop(key)[1])


class MemoryCache:
    """A `Cache` in this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._kept: _Kept[bytes] = _Kept(len, clock)
        self._epochs: dict[str, int] = {}

    async def get(self, key: str) -> bytes | None:
        return self._kept.get(key)

    async def put(self, key: str, value: bytes, *, keep_for: timedelta) -> None:
        self._kept.put(key, value, keep_for)

    async def epoch(self, patient: str) -> int | None:
        return self._epochs.get(patient, 0)

    async def advance_epoch(self, patient: str) -> None:
        self._epochs[patient] = self._epochs.get(patient, 0) + 1


class MemoryIdempotencyKeys:
    """`IdempotencyKeys` in this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._kept: _Kept[Reply] = _Kept(lambda reply: len(reply.body), clock)

    async def find(self, operation: str) -> Reply | None:
        return self._kept.get(operation)

    async def keep(self, operation: str, reply: Reply, *, keep_for: timedelta) -> None:
        self._kept.put(operation, reply, keep_for)


class MemoryNonces:
    """`Nonces` in this process. Bounded by how long each is kept: only what has verified gets here."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._until: dict[str, float] = {}
        self._clock = clock
        self._swept_at = clock()

    async def is_new(self, nonce: str, *, keep_for: timedelta) -> bool:
        now = self._clock()
        if now - self._swept_at > SWEPT_EVERY.total_seconds():
            self._until = {n: until for n, until in self._until.items() if until > now}
            self._swept_at = now
        if self._until.get(nonce, now) > now:
            return False
        self._until[nonce] = now + keep_for.total_seconds()
        return True
