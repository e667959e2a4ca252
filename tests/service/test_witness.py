"""The witness sees all that passes, and changes nothing of it."""

from collections.abc import Sequence
from typing import Any

import pytest

from fhir_mappings.bundle import Create, Entry, Written
from fhir_mappings.carrier import Json
from service.errors import ResourceNotFound
from service.ports import Parameters
from service.witnessed_fhir import Notes, WitnessedFhir, WitnessedGuard

GOAL: Json = {"resourceType": "Goal", "id": "g", "subject": {"reference": "Patient/ann"}}
VALUE_SET: Json = {"resourceType": "ValueSet", "id": "v"}
WRITTEN = Written(GOAL, created=True)


class Passed:
    """A gateway that answers alike whatever it is asked, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def read(self, *asked: str) -> Json:
        self.asked.append(asked)
        return GOAL

    vread = read

    async def search(self, resource_type: str, parameters: Parameters, *, limit: int | None = None) -> list[Json]:
        self.asked.append((resource_type, parameters, limit))
        return [GOAL, VALUE_SET]

    search_beside = search

    async def create(self, resource: Json, *, if_none_exist: str | None = None) -> Written:
        self.asked.append((resource, if_none_exist))
        return WRITTEN

    async def update(self, resource: Json, *, if_match: str) -> Written:
        self.asked.append((resource, if_match))
        return WRITTEN

    async def transact(self, entries: Sequence[Entry]) -> tuple[Written, ...]:
        self.asked.append(entries)
        return (WRITTEN,)

    async def capabilities(self) -> Json:
        return {"resourceType": "CapabilityStatement"}

    async def languages(self, patient: str) -> tuple[str, ...]:
        return ("es",)

    async def must_admit(self, patient: str) -> None:
        raise ResourceNotFound(patient)

    def must_be_able_to_create(self, resource: Json) -> None:
        raise ResourceNotFound(resource["resourceType"])


ANN = {"Goal/g": "Patient/ann"}


@pytest.mark.parametrize(
    ("interaction", "arguments", "named", "answer", "seen"),
    [
        ("read", ("Goal", "g"), {}, GOAL, ANN),
        ("vread", ("Goal", "g", "1"), {}, GOAL, ANN),
        ("search", ("Goal", [("_id", "g")]), {"limit": 3}, [GOAL, VALUE_SET], {**ANN, "ValueSet/v": None}),
    ],
)
async def test_what_is_read_is_noted_with_its_patient(
    interaction: str, arguments: tuple[Any, ...], named: dict[str, Any], answer: Any, seen: dict[str, Any]
) -> None:
    fhir, notes = Passed(), Notes()
    found = await getattr(WitnessedFhir(fhir, notes), interaction)(*arguments, **named)

    assert (found, fhir.asked) == (answer, [(*arguments, *named.values())])
    assert (notes.seen, notes.wrote) == (seen, False)


@pytest.mark.parametrize(
    ("interaction", "argument", "named", "answer"),
    [
        ("create", GOAL, {"if_none_exist": "identifier=x"}, WRITTEN),
        ("update", GOAL, {"if_match": "1"}, WRITTEN),
        ("transact", [Create(GOAL, "urn:uuid:g")], {}, (WRITTEN,)),
    ],
)
async def test_what_is_written_is_noted_as_written(
    interaction: str, argument: Any, named: dict[str, Any], answer: Any
) -> None:
    fhir, notes = Passed(), Notes()
    written = await getattr(WitnessedFhir(fhir, notes), interaction)(argument, **named)

    assert (written, fhir.asked) == (answer, [(argument, *named.values()) if named else argument])
    assert (notes.seen, notes.wrote) == ({}, True)


async def test_what_only_the_guard_can_do_is_asked_of_the_guard_and_not_noted() -> None:
    fhir, notes = Passed(), Notes()
    guard = WitnessedGuard(fhir, notes)

    assert await guard.search_beside("Goal", [], limit=1) == [GOAL, VALUE_SET]
    assert await guard.languages("Patient/ann") == ("es",)
    assert await guard.capabilities() == {"resourceType": "CapabilityStatement"}
    with pytest.raises(ResourceNotFound, match="Patient/ann"):
        await guard.must_admit("Patient/ann")
    with pytest.raises(ResourceNotFound, match="Goal"):
        guard.must_be_able_to_create(GOAL)
    assert (notes.seen, notes.wrote) == ({}, False)
