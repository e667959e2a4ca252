"""Writes AuditEvents of reads and refusals in batches, in the background.

What may be lost: docs/adr/0021-audit-of-reads.md
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import islice
from typing import Final
from uuid import uuid4

from fhir_mappings.audit_event import sent_before, without_references
from fhir_mappings.bundle import Create
from fhir_mappings.carrier import Json
from service.errors import AuditTrailFull, CoPlanError, UpstreamTimeout, UpstreamUnavailable
from service.logs import log
from service.metrics import AUDIT_LOST, AUDIT_WAITING
from service.ports import FhirGateway

BATCH: Final = 50
GATHERED_FOR: Final = timedelta(seconds=1)
LONGEST_PAUSE: Final = timedelta(seconds=30)
DRAINED_WITHIN: Final = timedelta(seconds=10)
JITTER: Final = random.SystemRandom()


@asynccontextmanager
async def open_audit_trail(
    fhir: FhirGateway,
    *,
    capacity: int = 10_000,
    fail_closed: bool = False,
    gathered_for: timedelta = GATHERED_FOR,
    drained_within: timedelta = DRAINED_WITHIN,
) -> AsyncIterator["BatchedAuditTrail"]:
    """A trail that is written while it is open, and drained when it is closed.

    Args:
        capacity: how many events may wait.
        fail_closed: refuse what cannot be recorded.
    """
    trail = BatchedAuditTrail(fhir, capacity=capacity, fail_closed=fail_closed, gathered_for=gathered_for)
    writing = asyncio.create_task(trail.write_until_closed(), name="audit-trail")
    try:
        yield trail
    finally:
        trail.close()
        try:
            await asyncio.wait_for(writing, drained_within.total_seconds())
        except TimeoutError:
            log.error("audit_events_lost", reason="shutdown", lost=trail.waiting)


class BatchedAuditTrail:
    """`AuditTrail` on a FHIR server: a bounded queue and one task that empties it."""

    def __init__(
        self, fhir: FhirGateway, *, capacity: int, fail_closed: bool, gathered_for: timedelta = GATHERED_FOR
    ) -> None:
        self._fhir = fhir
        self._capacity = capacity
        self._fail_closed = fail_closed
        self._gathered_for = gathered_for.total_seconds()
        self._queue: deque[Json] = deque()
        self._awaited = asyncio.Event()
        self._closed = asyncio.Event()
        self.lost = 0

    @property
    def waiting(self) -> int:
        """How many events are not written yet."""
        return len(self._queue)

    def record(self, event: Json, *, of_nobody: bool = False) -> None:
        if self.waiting >= (self._capacity // 2 if of_nobody else self._capacity):
            self._lose(of_nobody)
            return
        self._queue.append(event)
        AUDIT_WAITING.set(self.waiting)
        self._awaited.set()

    def close(self) -> None:
        """Lets the writing task end once the queue is empty."""
        self._closed.set()
        self._awaited.set()

    async def write_until_closed(self) -> None:
        """Empties the queue, batch by batch; ends when it is closed and empty."""
        while not (self._closed.is_set() and not self._queue):
            await self._awaited.wait()
            await self._pause(self._gathered_for)
            while self._queue:
                await self._write_batch(tuple(islice(self._queue, BATCH)))
            self._awaited.clear()
            if self._closed.is_set():
                self._awaited.set()

    def _lose(self, of_nobody: bool) -> None:
        if self._fail_closed and not of_nobody:
            raise AuditTrailFull("the read cannot be recorded now")
        self.lost += 1
        AUDIT_LOST.inc()
        if self.lost & (self.lost - 1) == 0:  # 1, 2, 4, 8 …: a flood must not flood the log
            log.error("audit_events_lost", reason="queue full", lost=self.lost)

    async def _write_batch(self, batch: Sequence[Json]) -> None:
        """Tries until the server has answered; from the second time on, conditionally."""
        attempt = 0
        while True:
            try:
                await self._write(batch, again=attempt > 0)
                break
            except (UpstreamUnavailable, UpstreamTimeout) as exc:
                attempt += 1
                log.warning("audit_trail_waits", error=type(exc).__name__, attempt=attempt, waiting=self.waiting)
                await self._pause(_pause(attempt, exc))
        for _ in batch:
            self._queue.popleft()
        AUDIT_WAITING.set(self.waiting)

    async def _write(self, batch: Sequence[Json], *, again: bool) -> None:
        entries = [Create(e, f"urn:uuid:{uuid4()}", sent_before(e) if again else None) for e in batch]
        try:
            await self._fhir.transact(entries)
        except (UpstreamUnavailable, UpstreamTimeout):
            raise
        except CoPlanError as exc:
            if len(batch) > 1:
                for event in batch:
                    await self._write([event], again=again)
            elif (plain := without_references(batch[0])) != batch[0]:
                await self._write([plain], again=again)
            else:
                self.lost += 1
                AUDIT_LOST.inc()
                log.error("audit_events_lost", reason="refused", error=type(exc).__name__, lost=self.lost)

    async def _pause(self, seconds: float) -> None:
        """Ends early when the trail is closed; then it is tried quickly."""
        if self._closed.is_set():
            await asyncio.sleep(min(seconds, 0.1))
            return
        try:
            await asyncio.wait_for(self._closed.wait(), seconds)
        except TimeoutError:
            return


def _pause(attempt: int, exc: Exception) -> float:
    asked = exc.retry_after.total_seconds() if isinstance(exc, UpstreamUnavailable) and exc.retry_after else 0.0
    grown = min(LONGEST_PAUSE.total_seconds(), 0.25 * 2.0 ** min(attempt, 10))
    return max(asked, JITTER.uniform(grown / 2, grown))
