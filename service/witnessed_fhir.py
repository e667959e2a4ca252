"""The FHIR server with a witness, who notes what passes and changes nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from fhir_mappings.bundle import Entry, Written
from fhir_mappings.carrier import Json
from fhir_mappings.compartment import patient_of
from fhir_mappings.model import Reference
from service.ports import FhirGateway, GuardedGateway, Parameters


@dataclass(slots=True)
class Notes:
    """`seen`: resources that were read, each with the patient that it is about. `wrote`: something was written."""

    seen: dict[Reference, Reference | None] = field(default_factory=dict)
    wrote: bool = False

    def note(self, resources: Iterable[Json]) -> None:
        """Adds what was read."""
        self.seen.update((f"{r['resourceType']}/{r['id']}", patient_of(r)) for r in resources)


class WitnessedFhir:
    """`FhirGateway` over another one. Under `GuardedFhir` it sees what is met, over it what is given to the actor."""

    def __init__(self, fhir: FhirGateway, notes: Notes) -> None:
        self._fhir = fhir
        self._notes = notes

    async def read(self, resource_type: str, resource_id: str) -> Json:
        resource = await self._fhir.read(resource_type, resource_id)
        self._notes.note([resource])
        return resource

    async def vread(self, resource_type: str, resource_id: str, version: str) -> Json:
        resource = await self._fhir.vread(resource_type, resource_id, version)
        self._notes.note([resource])
        return resource

    async def search(self, resource_type: str, parameters: Parameters, *, limit: int | None = None) -> list[Json]:
        found = await self._fhir.search(resource_type, parameters, limit=limit)
        self._notes.note(found)
        return found

    async def create(self, resource: Json, *, if_none_exist: str | None = None) -> Written:
        written = await self._fhir.create(resource, if_none_exist=if_none_exist)
        self._notes.wrote = True
        return written

    async def update(self, resource: Json, *, if_match: str) -> Written:
        written = await self._fhir.update(resource, if_match=if_match)
        self._notes.wrote = True
        return written

    async def transact(self, entries: Sequence[Entry]) -> tuple[Written, ...]:
        written = await self._fhir.transact(entries)
        self._notes.wrote = True
        return written

    async def capabilities(self) -> Json:
        return await self._fhir.capabilities()


class WitnessedGuard(WitnessedFhir):
    """`GuardedGateway` over another one."""

    def __init__(self, guarded: GuardedGateway, notes: Notes) -> None:
        super().__init__(guarded, notes)
        self._guarded = guarded

    async def must_admit(self, patient: Reference) -> None:
        await self._guarded.must_admit(patient)

    def must_be_able_to_create(self, resource: Json) -> None:
        self._guarded.must_be_able_to_create(resource)

    async def search_beside(
        self, resource_type: str, parameters: Parameters, *, limit: int | None = None
    ) -> list[Json]:
        """Nobody is shown what is found, so it is not noted."""
        return await self._guarded.search_beside(resource_type, parameters, limit=limit)

    async def languages(self, patient: Reference) -> tuple[str, ...]:
        return await self._guarded.languages(patient)
