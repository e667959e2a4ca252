"""What an act does when others keep writing what it needs, too."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from fhir_mappings.bundle import Entry, Written
from fhir_mappings.carrier import Json
from fhir_mappings.codes import Act
from service import commit
from service.commit import ATTEMPTS, Decision, Operation, Session, carry_out
from service.domain.thread import Change
from service.errors import VersionConflict
from service.gateways.memory_store import MemoryCache
from service.ports import Parameters
from tests.builders import NOW, a_goal, an_actor


class Contended:
    """A FHIR server on which somebody else is always faster."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def search(self, resource_type: str, parameters: Parameters, *, limit: int | None = None) -> list[Json]:
        self.asked.append(resource_type)
        return []

    async def transact(self, entries: Sequence[Entry]) -> tuple[Written, ...]:
        self.asked.append("transaction")
        raise VersionConflict("somebody else was faster")


async def test_an_act_begins_again_a_bounded_number_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """And each time looks first whether it has been carried out meanwhile."""
    monkeypatch.setattr(commit, "PAUSE", timedelta(0))
    fhir = Contended()
    session = Session(an_actor(), fhir, MemoryCache(), lambda: NOW, "r1", operation=Operation("o1", "f1"))  # type: ignore[arg-type]

    async def decide() -> Decision:
        goal = a_goal(id="urn:uuid:g", version=None)
        return Decision(Change(Act.PROPOSE, goal.reference, goals=(goal,)))

    with pytest.raises(VersionConflict, match="try again"):
        await carry_out(session, decide)

    assert fhir.asked == ["Provenance", "transaction"] * ATTEMPTS
