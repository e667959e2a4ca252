"""The FHIR server as one actor may see it: the one place where access is decided, for reads and for writes."""

from collections.abc import Sequence

from fhir_mappings.bundle import Create, Entry, Update, Written
from fhir_mappings.carrier import Json
from fhir_mappings.compartment import patient_of, references_in
from fhir_mappings.confidentiality import restricted_alike
from fhir_mappings.elements import is_restricted
from fhir_mappings.model import Reference
from service.domain.access import LEDGER, may_name, may_see
from service.domain.actors import Actor
from service.errors import Flaw, InvalidContent, ResourceNotFound
from service.ports import FhirGateway, Parameters


class GuardedFhir:
    """Judges each resource that enters or leaves. One instance serves one request of one actor.

    What was allowed once is remembered: a Provenance is visible with what it is about, only what was
    read here may be updated, and what is written refers to nothing that this actor was not allowed.
    """

    def __init__(self, fhir: FhirGateway, actor: Actor) -> None:
        self._fhir = fhir
        self._actor = actor
        self._read: dict[Reference, Json] = {}
        self._named: set[Reference] = set()

    async def read(self, resource_type: str, resource_id: str) -> Json:
        """Raises ResourceNotFound alike for what is absent and for what is somebody else's."""
        absent = ResourceNotFound(f"{resource_type}/{resource_id} not found")
        try:
            resource = await self._fhir.read(resource_type, resource_id)
        except ResourceNotFound as exc:
            raise absent from exc
        if not self._allows(resource):
            raise absent
        return resource

    async def vread(self, resource_type: str, resource_id: str, version: str) -> Json:
        """A version is judged by itself: a resource may have been another patient's."""
        resource = await self._fhir.vread(resource_type, resource_id, version)
        if not may_see(self._actor, resource):
            raise ResourceNotFound(f"{resource_type}/{resource_id} not found")
        return resource

    async def search(self, resource_type: str, parameters: Parameters, *, limit: int | None = None) -> list[Json]:
        """Asks for patients of the actor only, and still judges each resource that is found or included."""
        for name, value in parameters:
            if name == "patient" and not self._actor.may_act_for(value):
                raise ResourceNotFound(f"{value} not found")
        found = await self._fhir.search(resource_type, parameters, limit=limit)
        # What a Provenance is about is judged before the Provenance, wherever the server put it.
        visible = {id(r) for r in sorted(found, key=_is_ledger) if self._allows(r)}
        return [r for r in found if id(r) in visible]

    async def create(self, resource: Json, *, if_none_exist: str | None = None) -> Written:
        self._must_be_writable(Create(resource, "urn:uuid:", if_none_exist))
        return await self._fhir.create(resource, if_none_exist=if_none_exist)

    async def update(self, resource: Json, *, if_match: str) -> Written:
        self._must_be_writable(Update(resource, if_match))
        return await self._fhir.update(resource, if_match=if_match)

    async def transact(self, entries: Sequence[Entry]) -> tuple[Written, ...]:
        for entry in entries:
            self._must_be_writable(entry)
        restricted = {reference for reference, resource in self._read.items() if is_restricted(resource)}
        return await self._fhir.transact(restricted_alike(entries, restricted))

    async def capabilities(self) -> Json:
        return await self._fhir.capabilities()

    def _allows(self, resource: Json) -> bool:
        if not may_see(self._actor, resource, seen=self._read):
            return False
        self._read[f"{resource['resourceType']}/{resource['id']}"] = resource
        self._named.update(reference.partition("/_history/")[0] for _, reference in references_in(resource, ""))
        return True

    def _must_be_writable(self, entry: Entry) -> None:
        resource = entry.resource
        before = self._read.get(entry.reference) if isinstance(entry, Update) else None
        if isinstance(entry, Update) and (before is None or patient_of(before) != patient_of(resource)):
            raise ResourceNotFound(f"{entry.reference} not found")
        if resource["resourceType"] not in LEDGER and not may_see(self._actor, resource):
            raise ResourceNotFound(f"{resource['resourceType']} not found")
        for path, reference in references_in(resource, resource["resourceType"]):
            if not may_name(self._actor, reference, seen=self._named | self._read.keys()):
                raise InvalidContent(Flaw(path, "refers to nothing that you can see", "not-found"))


def _is_ledger(resource: Json) -> bool:
    return resource["resourceType"] in LEDGER
