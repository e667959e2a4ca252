"""Answers that may be given again for a short while, and are asked for once at a time."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """In this process alone, bounded: the oldest go first.

    What it holds decides who gets in, so it never holds anything for longer than it was told to.
    """

    def __init__(self, *, at_most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._at_most = at_most
        self._clock = clock
        self._values: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._asked: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K, find: Callable[[], Awaitable[tuple[V, float]]]) -> V:
        """The value at hand, or the one that `find` returns with the seconds for which it may be given again.

        All who ask for a key meanwhile get the same answer, or the same error; one of them going away ends nothing.
        """
        until, value = self._values.get(key, (0.0, None))
        if value is not None and self._clock() < until:
            return value
        task = self._asked.get(key)
        if task is None:
            task = asyncio.ensure_future(self._found(key, find))
            self._asked[key] = task
            task.add_done_callback(lambda done: self._answered(key, done))
        return await asyncio.shield(task)

    async def _found(self, key: K, find: Callable[[], Awaitable[tuple[V, float]]]) -> V:
        asked_at = self._clock()
        value, keep_for = await find()
        self._values.pop(key, None)
        if keep_for > 0:
            self._values[key] = (asked_at + keep_for, value)
            while len(self._values) > self._at_most:
                self._values.popitem(last=False)
        return value

    def _answered(self, key: K, task: asyncio.Task[V]) -> None:
        self._asked.pop(key, None)
        if not task.cancelled():
            task.exception()  # whoever waited has it; if all have gone, nobody needs it
