"""Answers that are kept decide who gets in: bounded, asked for once at a time, and no longer than was told."""

import asyncio

import pytest

from service.kept import Kept


class Source:
    """Says how often it was asked; its answers hold for `holds` seconds."""

    def __init__(self, holds: float = 10) -> None:
        self.holds = holds
        self.asked = 0
        self.released = asyncio.Event()
        self.released.set()

    async def __call__(self) -> tuple[int, float]:
        self.asked += 1
        await self.released.wait()
        return self.asked, self.holds


async def test_an_answer_holds_as_long_as_was_said_and_no_longer() -> None:
    now = 0.0
    kept, source = Kept[str, int](at_most=9, clock=lambda: now), Source()

    assert await kept.get("a", source) == 1
    now = 9.9
    assert await kept.get("a", source) == 1
    now = 10.0
    assert await kept.get("a", source) == 2


async def test_an_answer_that_does_not_hold_is_not_kept() -> None:
    kept, source = Kept[str, int](at_most=9), Source(holds=0)

    assert [await kept.get("a", source) for _ in range(2)] == [1, 2]


async def test_the_oldest_goes_where_there_are_too_many() -> None:
    kept, source = Kept[str, int](at_most=2), Source()
    for key in ("a", "b", "c"):
        await kept.get(key, source)

    assert [await kept.get(key, source) for key in ("b", "c")] == [2, 3]
    assert await kept.get("a", source) == 4


async def test_who_asks_meanwhile_waits_for_the_same_answer_and_going_away_ends_nothing() -> None:
    kept, source = Kept[str, int](at_most=9), Source()
    source.released.clear()
    first, second = (asyncio.ensure_future(kept.get("a", source)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    source.released.set()

    assert await second == 1
    assert first.cancelled()


async def test_an_error_is_for_all_who_wait_and_is_not_kept() -> None:
    kept = Kept[str, int](at_most=9)

    async def fails() -> tuple[int, float]:
        await asyncio.sleep(0)
        raise LookupError("no answer")

    found = await asyncio.gather(kept.get("a", fails), kept.get("a", fails), return_exceptions=True)
    assert [type(f) for f in found] == [LookupError, LookupError]
    assert await kept.get("a", Source()) == 1


async def test_an_answer_that_is_never_found_leaves_room_for_the_next_question() -> None:
    kept = Kept[str, int](at_most=9)

    async def ended() -> tuple[int, float]:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await kept.get("a", ended)
    assert await kept.get("a", Source()) == 1
