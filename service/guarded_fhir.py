"""The FHIR server as one actor may see it: the one place where access is decided, for reads and for writes."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Final

from fhir_mappings.bundle import Create, Entry, Update, Written
from fhir_mappings.carrier import Json
from fhir_mappings.codes import ACTIVITY
from fhir_mappings.compartment import patient_of, references_in
from fhir_mappings.elements import MappingError, is_restricted
from fhir_mappings.label_spread import restricted_alike
from fhir_mappings.model import Reference
from fhir_mappings.patient import languages_from_fhir
from service.domain.access import (
    LEDGER,
    authorise,
    may_name,
    may_read_narrative,
    may_see,
    may_write_beside,
    must_be_in_scope,
    needed_for,
    scope_missing,
    without_content,
)
from service.domain.actors import Actor, Role
from service.domain.confidentiality import (
    restricted_in,
    tells_of,
    with_private,
    without_narrative,
    without_orphans,
    without_private,
)
from service.domain.edits import must_be_theirs_to_write
from service.domain.policy import DEFAULT_POLICY, Policy
from service.domain.scopes import Interaction
from service.errors import CoPlanError, Flaw, InvalidContent, ResourceNotFound
from service.ports import FhirGateway, Parameters
from service.rights import Rights

NEW: Final = "urn:uuid:00000000-0000-4000-8000-000000000000"
"""What stands alone is called so until the server names it."""
FURTHER: Final = 4
"""So many times as much is looked through where some of what was found is not shown."""
LARGEST_PAGE: Final = 200


def _today() -> date:
    return datetime.now(UTC).date()


@dataclass(slots=True)
class GuardedFhir:
    """Judges each resource that enters or leaves. One instance serves one request of one actor.

    What was allowed once is remembered: a Provenance is visible with what it is about, only what was
    read here may be updated, and what is written refers to nothing that this actor was not allowed.
    """

    fhir: FhirGateway
    actor: Actor
    policy: Policy = DEFAULT_POLICY
    rights: Rights = field(default_factory=Rights)
    today: date = field(default_factory=_today)
    _read: set[Reference] = field(default_factory=set, init=False)
    _versions: dict[tuple[Reference, str | None], Json] = field(default_factory=dict, init=False)
    _whose: dict[Reference, Reference | None] = field(default_factory=dict, init=False)
    _named: set[Reference] = field(default_factory=set, init=False)
    _strangers: set[Reference] = field(default_factory=set, init=False)
    _private: dict[Reference, asyncio.Task[frozenset[Reference]]] = field(default_factory=dict, init=False)

    async def must_admit(self, patient: Reference) -> None:
        """Refuses whoever may not see this patient's data, before anything that was kept is shown.

        Raises:
            ResourceNotFound: alike for a patient who is absent and for one who is somebody else's.
        """
        if not await self._admits(patient):
            raise ResourceNotFound(f"{patient} not found")

    def must_be_able_to_create(self, resource: Json) -> None:
        """See `GuardedGateway`. Nothing is sent."""
        self._must_be_writable(Create(resource, NEW), (), ())

    async def read(self, resource_type: str, resource_id: str) -> Json:
        """Raises ResourceNotFound alike for what is absent and for what is somebody else's."""
        must_be_in_scope(self.actor, resource_type, Interaction.READ)
        absent = ResourceNotFound(f"{resource_type}/{resource_id} not found")
        try:
            resource, _ = await asyncio.gather(self.fhir.read(resource_type, resource_id), self._look_ahead())
        except ResourceNotFound as exc:
            raise absent from exc
        if shown := await self._shown([resource], Interaction.READ):
            return shown[0]
        raise absent

    async def vread(self, resource_type: str, resource_id: str, version: str) -> Json:
        """A version is judged by itself: a resource may have been another patient's."""
        must_be_in_scope(self.actor, resource_type, Interaction.READ)
        resource = await self.fhir.vread(resource_type, resource_id, version)
        if shown := await self._shown([resource], Interaction.READ, keep=False):
            return shown[0]
        raise ResourceNotFound(f"{resource_type}/{resource_id} not found")

    async def search(self, resource_type: str, parameters: Parameters, *, limit: int | None = None) -> list[Json]:
        """Asks for patients of the actor only, and still judges each resource that is found or included."""
        must_be_in_scope(self.actor, resource_type, Interaction.SEARCH)

        async def shown(found: list[Json]) -> list[Json]:
            return await self._shown(found, Interaction.SEARCH, matches=resource_type)

        return await self._filled(shown, resource_type, parameters, limit)

    async def search_beside(
        self, resource_type: str, parameters: Parameters, *, limit: int | None = None
    ) -> list[Json]:
        """See `GuardedGateway`. What the token was given for may be changed; the rest is only told of."""

        async def told(found: list[Json]) -> list[Json]:
            await self._shown(found, Interaction.SEARCH, matches=resource_type)
            private = await self._private_to({p for r in found if (p := patient_of(r))}, found)
            seen = [r for r in found if may_see(self.actor, r) and not tells_of(r, private)]
            return without_orphans(seen, resource_type)

        return await self._filled(told, resource_type, parameters, limit)

    async def _filled(
        self,
        shown: Callable[[list[Json]], Awaitable[list[Json]]],
        resource_type: str,
        parameters: Parameters,
        limit: int | None,
    ) -> list[Json]:
        """As many as were asked for, if there are so many: one that is short, or seems to be the last, would tell that
        something is kept back, and what comes after it would never be reached.
        """
        asked = [value for name, value in parameters if name == "patient"]
        found, _ = await asyncio.gather(
            self.fhir.search(resource_type, parameters, limit=limit), self._look_ahead(*asked)
        )
        seen = await shown(found)
        reach = limit or 0
        while limit and len(seen) < limit and len(found) >= reach:
            reach *= FURTHER
            wider = [p for p in parameters if p[0] != "_count"] + [("_count", str(min(reach, LARGEST_PAGE)))]
            found = await self.fhir.search(resource_type, wider, limit=reach)
            seen = await shown(found)
        return seen

    async def languages(self, patient: Reference) -> tuple[str, ...]:
        """See `GuardedGateway`. An act has mostly read the patient already, perhaps more of them than may be shown."""
        known = next((r for (reference, _), r in self._versions.items() if reference == patient), None)
        try:
            person = known or await self.rights.person(self.fhir, patient)
            return languages_from_fhir(without_content(self.actor, person)) if person else ()
        except (CoPlanError, MappingError):
            return ()

    async def create(self, resource: Json, *, if_none_exist: str | None = None) -> Written:
        return (await self.transact([Create(resource, NEW, if_none_exist)]))[0]

    async def update(self, resource: Json, *, if_match: str) -> Written:
        return (await self.transact([Update(resource, if_match)]))[0]

    async def transact(self, entries: Sequence[Entry]) -> tuple[Written, ...]:
        """Every entry is judged by itself, or nothing is sent."""
        self._must_name_what_is_theirs(entries)
        labelled = restricted_alike(entries, self._restricted())
        self._must_keep_what_is_private(labelled)
        whole = [await self._whole(entry) for entry in labelled]
        await asyncio.gather(*(self._admits(p) for p in {patient_of(e.resource) for e in whole} if p))
        new_goals = {e.full_url for e in whole if isinstance(e, Create) and e.resource["resourceType"] == "Goal"}
        for entry in whole:
            others = [e.resource for e in whole if e is not entry]
            self._must_be_writable(entry, others, new_goals)
        written = await self.fhir.transact(whole)
        return tuple([await self._shown_written(w) for w in written])

    def _must_keep_what_is_private(self, entries: Sequence[Entry]) -> None:
        """A shared plan gets no link to something private: its text would tell."""
        private = self._restricted() | {e.reference for e in entries if is_restricted(e.resource)}
        private -= {e.reference for e in entries if not is_restricted(e.resource)}
        for entry in entries:
            if entry.resource["resourceType"] == "CarePlan" and not is_restricted(entry.resource):
                before = {reference for _, reference in references_in(self._before(entry) or {}, "")}
                added = {reference for _, reference in references_in(entry.resource, "")} - before
                if added & private:
                    raise InvalidContent(Flaw("carePlan", "is shared: what is private belongs on the patient's own"))

    def _restricted(self) -> frozenset[Reference]:
        """What was read here and is private."""
        return frozenset(reference for (reference, _), r in self._versions.items() if is_restricted(r))

    async def capabilities(self) -> Json:
        return await self.fhir.capabilities()

    async def _admits(self, patient: Reference) -> bool:
        """True if the actor may see this patient's data; a care team is looked up once."""
        if self.actor.may_act_for(patient):
            return True
        foreign = not self.actor.members or self.actor.context not in {None, patient}
        if foreign or patient in self._strangers:
            return False
        if await self.rights.is_on_care_team(self.fhir, self.actor.members, patient, self.today):
            self.actor = replace(self.actor, patients=(self.actor.patients or frozenset()) | {patient})
            return True
        self._strangers.add(patient)
        return False

    async def _shown_written(self, written: Written) -> Written:
        """A create may have found its like, which is judged as anything that enters; a plan keeps its secrets."""
        patient = patient_of(written.resource)
        if patient is not None and not await self._admits(patient):
            raise ResourceNotFound(f"{written.resource['resourceType']} not found")
        private = await self._private_to({patient} if patient else (), ())
        return replace(written, resource=self._visible(written.resource, private))

    async def _look_ahead(self, *asked: Reference) -> None:
        """What decides about the answer is asked for along with it: care teams, and what is kept from the family."""
        private = self._private_to(self.actor.patients or (), ())
        await asyncio.gather(private, *(self.must_admit(patient) for patient in asked))

    async def _shown(
        self, found: list[Json], interaction: Interaction, *, matches: str | None = None, keep: bool = True
    ) -> list[Json]:
        """Those of the resources that the actor may see, as the actor may see them."""
        patients = {p for r in found if (p := patient_of(r)) is not None}
        await asyncio.gather(*(self._admits(p) for p in patients))
        private = await self._private_to(patients, found)
        shown: dict[int, Json] = {}
        # What a Provenance is about is judged before the Provenance, wherever the server put it.
        for resource in sorted(found, key=_is_ledger):
            wanted = interaction if resource["resourceType"] == matches else Interaction.READ
            if not authorise(self.actor, resource, wanted, seen=self._read) or tells_of(resource, private):
                continue
            visible = self._visible(resource, private)
            shown[id(resource)] = visible
            if keep:
                self._remember(resource, visible)
        told = [shown[id(r)] for r in found if id(r) in shown]
        return without_orphans(told, matches) if matches else told

    def _visible(self, resource: Json, private: Collection[Reference]) -> Json:
        if resource["resourceType"] == "CarePlan":
            shown = without_private(resource, private)
            return shown if may_read_narrative(self.actor, resource) else without_narrative(shown)
        return without_content(self.actor, resource)

    def _remember(self, resource: Json, visible: Json) -> None:
        reference = f"{resource['resourceType']}/{resource['id']}"
        self._read.add(reference)
        self._whose[reference] = patient_of(resource)
        self._versions[reference, resource.get("meta", {}).get("versionId")] = resource
        self._named.update(reference.partition("/_history/")[0] for _, reference in references_in(visible, ""))

    async def _private_to(self, patients: Collection[Reference], found: Collection[Json]) -> frozenset[Reference]:
        """The goals and activities that are kept from a family member: read once for each patient in a request."""
        if self.actor.role is not Role.RELATED_PERSON:
            return frozenset()
        known = [self._private_of(p) for p in patients if self.actor.may_act_for(p)]
        return restricted_in(found).union(*(await asyncio.gather(*known)))

    async def _private_of(self, patient: Reference) -> frozenset[Reference]:
        if patient not in self._private:

            async def find() -> frozenset[Reference]:
                goals, activities = await asyncio.gather(
                    self.fhir.search("Goal", [("patient", patient)]),
                    self.fhir.search("ServiceRequest", [("patient", patient), ("identifier", f"{ACTIVITY}|")]),
                )
                return restricted_in((*goals, *activities))

            self._private[patient] = asyncio.ensure_future(find())
        return await self._private[patient]

    async def _whole(self, entry: Entry) -> Entry:
        """What somebody changed who does not see everything, with what they do not see."""
        resource = entry.resource
        before = self._before(entry)
        patient = patient_of(resource)
        if before is None or patient is None or resource["resourceType"] != "CarePlan":
            return entry
        private = await self._private_to({patient}, ())
        return replace(entry, resource=with_private(resource, before, private)) if private else entry

    def _before(self, entry: Entry) -> Json | None:
        """The version that the change was made on: meanwhile a search may have shown a later one."""
        return self._versions.get((entry.reference, entry.if_match)) if isinstance(entry, Update) else None

    def _must_be_writable(self, entry: Entry, others: Collection[Json], new_goals: Collection[Reference]) -> None:
        resource, resource_type = entry.resource, entry.resource["resourceType"]
        before = self._before(entry)
        if isinstance(entry, Update) and before is None:
            raise ResourceNotFound(f"{entry.reference} not found")
        if resource_type not in LEDGER and not may_see(self.actor, resource):
            raise ResourceNotFound(f"{resource_type} not found")
        must_be_theirs_to_write(self.actor, before, resource, self.policy)
        interaction = Interaction.CREATE if before is None else Interaction.UPDATE
        versions = [resource] if before is None else [before, resource]
        granted = all(authorise(self.actor, v, interaction, seen=self._read, new_goals=new_goals) for v in versions)
        if not granted and not may_write_beside(self.actor, resource, before, others):
            raise scope_missing(self.actor, *needed_for(resource, interaction))

    def _must_name_what_is_theirs(self, entries: Sequence[Entry]) -> None:
        seen = self._named | self._read
        for entry in entries:
            present = {reference for _, reference in references_in(self._before(entry) or {}, "")}
            for path, reference in references_in(entry.resource, entry.resource["resourceType"]):
                if not may_name(self.actor, reference, seen=seen):
                    raise InvalidContent(Flaw(path, "refers to nothing that you can see", "not-found"))
                if reference not in present and self._is_anothers(reference, patient_of(entry.resource)):
                    raise InvalidContent(Flaw(path, "has nothing to do with this patient", "business-rule"))

    def _is_anothers(self, reference: Reference, patient: Reference | None) -> bool:
        """True for what is another patient's, which the care team of both may see but never mix."""
        whose = reference if reference.startswith("Patient/") else self._whose.get(reference)
        return patient is not None and whose not in {None, patient}


def _is_ledger(resource: Json) -> bool:
    return resource["resourceType"] in LEDGER
