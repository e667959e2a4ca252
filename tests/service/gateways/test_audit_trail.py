"""The trail of reads: in batches, tried again, bounded, drained; and what is lost is counted."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, cast

import pytest

from fhir_mappings.bundle import Create, Entry, Written
from fhir_mappings.carrier import Json
from service import errors
from service.gateways.audit_trail import BATCH, open_audit_trail
from service.ports import FhirGateway

SOON = timedelta(milliseconds=5)


def event(number: int) -> Json:
    return {
        "resourceType": "AuditEvent",
        "meta": {"tag": [{"system": "s", "code": str(number)}]},
        "agent": [{"who": {"reference": f"Patient/{number}"}}],
    }


class Server:
    """Takes transactions, unless `fails` says otherwise of one."""

    def __init__(self, fails: Callable[[Sequence[Create]], Exception | None] = lambda _: None) -> None:
        self.batches: list[list[Create]] = []
        self.attempts: list[list[Create]] = []
        self._fails = fails

    async def transact(self, entries: Sequence[Entry]) -> tuple[Written, ...]:
        creates = [cast("Create", e) for e in entries]
        self.attempts.append(creates)
        await asyncio.sleep(0)
        if failure := self._fails(creates):
            raise failure
        self.batches.append(creates)
        return ()

    @property
    def written(self) -> list[str]:
        return [c.resource["meta"]["tag"][0]["code"] for batch in self.batches for c in batch]


def trail(server: Server, **options: Any) -> Any:
    return open_audit_trail(cast("FhirGateway", server), gathered_for=SOON, **options)


async def test_events_are_written_in_batches_in_their_order() -> None:
    server = Server()
    async with trail(server) as audit:
        for number in range(BATCH + 20):
            audit.record(event(number))
        while audit.waiting:
            await asyncio.sleep(0.001)
        assert [len(b) for b in server.batches] == [BATCH, 20]
    assert server.written == [str(n) for n in range(BATCH + 20)]


async def test_what_waits_is_written_at_the_end() -> None:
    server = Server()
    async with open_audit_trail(cast("FhirGateway", server), gathered_for=timedelta(hours=1)) as audit:
        for number in range(120):
            audit.record(event(number))
    assert len(server.written) == 120


async def test_a_server_that_is_away_is_tried_again_conditionally() -> None:
    failures: list[Exception | None] = [errors.UpstreamTimeout("x"), errors.UpstreamUnavailable("x", SOON), None]
    server = Server(lambda _: failures.pop(0))
    async with trail(server) as audit:
        audit.record(event(1))
        while audit.waiting:
            await asyncio.sleep(0.01)

    assert [batch[0].if_none_exist for batch in server.attempts] == [
        None,
        "_tag=urn:coplan:audited-request|1",
        "_tag=urn:coplan:audited-request|1",
    ]
    assert server.written == ["1"]


async def test_one_event_that_the_server_refuses_keeps_no_other_from_being_written() -> None:
    def dangling(batch: Sequence[Create]) -> Exception | None:
        bad = any(c.resource["agent"][0]["who"].get("reference") == "Patient/2" for c in batch)
        return errors.UpstreamRefused("x") if bad else None

    server = Server(dangling)
    async with trail(server) as audit:
        for number in range(4):
            audit.record(event(number))
    assert sorted(server.written) == ["0", "1", "2", "3"]
    assert server.batches[2][0].resource["agent"][0]["who"] == {"identifier": {"value": "Patient/2"}}
    assert audit.lost == 0


async def test_an_event_that_is_refused_in_every_form_is_counted() -> None:
    server = Server(lambda batch: errors.UpstreamRefused("x") if len(batch) == 1 else None)
    async with trail(server) as audit:
        audit.record(event(1))
    assert (server.written, audit.lost) == ([], 1)


async def test_a_full_trail_counts_what_it_loses() -> None:
    server = Server()
    async with trail(server, capacity=100) as audit:
        for number in range(150):
            audit.record(event(number))
        assert (audit.waiting, audit.lost) == (100, 50)
    assert len(server.written) == 100


async def test_a_full_trail_refuses_where_nothing_may_be_lost() -> None:
    async with trail(Server(), capacity=100, fail_closed=True) as audit:
        for number in range(100):
            audit.record(event(number))
        with pytest.raises(errors.AuditTrailFull):
            audit.record(event(100))
        audit.record(event(101), of_nobody=True)
        assert (audit.waiting, audit.lost) == (100, 1)


async def test_nobody_in_particular_cannot_push_out_the_others() -> None:
    async with trail(Server(), capacity=100) as audit:
        for number in range(500):
            audit.record(event(number), of_nobody=True)
        assert audit.waiting == 50
        audit.record(event(1000))
        assert audit.waiting == 51


async def test_a_server_that_stays_away_ends_the_drain_and_the_loss_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    server = Server(lambda _: errors.UpstreamUnavailable("x"))
    async with trail(server, drained_within=timedelta(milliseconds=50)) as audit:
        audit.record(event(1))
    assert audit.waiting == 1
    assert '"lost": 1' in capsys.readouterr().out
