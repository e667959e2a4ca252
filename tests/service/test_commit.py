"""What an act does when others keep writing what it needs, too."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from fhir_mappings.bundle import Create, Entry, Written
from fhir_mappings.carrier import Json
from fhir_mappings.codes import Act, LifecycleStatus
from fhir_mappings.goal import goal_from_fhir, goal_to_fhir
from service import commit
from service.commit import ATTEMPTS, Decision, Operation, Session, carry_out
from service.domain.thread import Change
from service.errors import VersionConflict
from service.gateways.memory_store import MemoryCache
from service.ports import Parameters
from tests.builders import NOW, a_goal, a_task, an_actor, an_agreed_goal


class Contended:
    """A FHIR server on which somebody else is always faster."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.entries: Sequence[Entry] = ()

    async def search(self, resource_type: str, parameters: Parameters, *, limit: int | None = None) -> list[Json]:
        self.asked.append(resource_type)
        return []

    async def transact(self, entries: Sequence[Entry]) -> tuple[Written, ...]:
        self.asked.append("transaction")
        self.entries = entries
        raise VersionConflict("somebody else was faster")


def a_session(fhir: Contended) -> Session:
    operation = Operation("o1", "f1")
    return Session(an_actor(), fhir, MemoryCache(), lambda: NOW, "r1", operation=operation)  # type: ignore[arg-type]


async def test_an_act_begins_again_a_bounded_number_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """And each time looks first whether it has been carried out meanwhile."""
    monkeypatch.setattr(commit, "PAUSE", timedelta(0))
    fhir = Contended()

    async def decide() -> Decision:
        goal = a_goal(id="urn:uuid:g", version=None)
        return Decision(Change(Act.PROPOSE, goal.reference, goals=(goal,)))

    with pytest.raises(VersionConflict, match="try again"):
        await carry_out(a_session(fhir), decide)

    assert fhir.asked == ["Provenance", "transaction"] * ATTEMPTS


@pytest.mark.parametrize(
    ("status", "keys"),
    [
        pytest.param("active", True, id="a goal that stays as it is keeps nobody out: the keys must"),
        pytest.param("on-hold", False, id="one update with ifMatch lets one transaction through at most"),
    ],
)
async def test_what_an_act_creates_is_created_once(monkeypatch: pytest.MonkeyPatch, status: str, keys: bool) -> None:
    monkeypatch.setattr(commit, "PAUSE", timedelta(0))
    fhir = Contended()
    goal = an_agreed_goal()
    source = goal_to_fhir(goal) | {"id": "g1", "meta": {"versionId": "1"}}
    goal = replace(goal_from_fhir(source), lifecycle_status=LifecycleStatus(status))
    task = a_task(id="urn:uuid:k", version=None)

    async def decide() -> Decision:
        return Decision(Change(Act.HOLD, goal.reference, goals=(goal,), tasks=(task,)), {goal.reference: source})

    with pytest.raises(VersionConflict):
        await carry_out(a_session(fhir), decide)

    created = [e for e in fhir.entries if isinstance(e, Create)]
    assert [e.resource["resourceType"] for e in created] == ["Task", "Provenance", "AuditEvent"]
    assert [e.if_none_exist is not None for e in created] == [keys] * 3
