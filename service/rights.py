"""What gives people rights, read from the FHIR server and kept for seconds: whoever loses a right loses it at once.

Family: RelatedPerson and Consent. Clinicians: PractitionerRole and CareTeam.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from datetime import date, timedelta
from typing import Final

from fhir_mappings.carrier import Json
from fhir_mappings.model import Reference
from service.domain.care_teams import is_on_a_team, members_of
from service.domain.periods import includes
from service.errors import ResourceGone, ResourceNotFound
from service.kept import Kept
from service.ports import FhirGateway

KEPT_FOR: Final = timedelta(seconds=5)
"""How long after it ended a right may still be there."""
MAX_KEPT: Final = 20_000
MAX_TEAMS: Final = 200
"""So many teams of one practitioner are listed; a patient is looked up by itself."""


class Rights:
    """Asks for each fact once in five seconds, however many requests want to know it, with the caller's gateway."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._people: Kept[Reference, Json] = Kept(at_most=MAX_KEPT, clock=clock)
        self._lists: Kept[tuple[str, Reference], list[Json]] = Kept(at_most=MAX_KEPT, clock=clock)
        self._on_team: Kept[tuple[frozenset[Reference], Reference, date], bool] = Kept(at_most=MAX_KEPT, clock=clock)

    async def person(self, fhir: FhirGateway, reference: Reference) -> Json:
        """A Patient, RelatedPerson or PractitionerRole; empty where there is none (any more)."""

        async def find() -> tuple[Json, float]:
            resource_type, _, resource_id = reference.partition("/")
            try:
                return await fhir.read(resource_type, resource_id), KEPT_FOR.total_seconds()
            except (ResourceNotFound, ResourceGone):
                return {}, KEPT_FOR.total_seconds()

        return await self._people.get(reference, find)

    async def consents(self, fhir: FhirGateway, user: Reference, patient: Reference) -> list[Json]:
        """All Consents about the patient, whatever their status: one that was withdrawn still decides.

        Not by `actor`: R4 finds by it who is named in the outermost provision alone, not an exception inside of it.
        Kept for this one user, as the FHIR server may show others more, or less.
        """
        return await self._listed(fhir, "Consent", "patient", patient, of=user)

    async def is_on_care_team(
        self, fhir: FhirGateway, members: frozenset[Reference], patient: Reference, today: date
    ) -> bool:
        """True if an active team of the patient has one of these members today."""

        async def find() -> tuple[bool, float]:
            teams = await fhir.search("CareTeam", [("patient", patient), ("status", "active")])
            known = await self._with_roles(fhir, members, teams, patient, today)
            return is_on_a_team(teams, patient, known, today), KEPT_FOR.total_seconds()

        return await self._on_team.get((members, patient, today), find)

    async def patients_of_teams(self, fhir: FhirGateway, members: Collection[Reference]) -> list[Json]:
        """Active teams with one of these members, to list whose they are."""
        found = await asyncio.gather(
            *(
                fhir.search("CareTeam", [("participant", m), ("status", "active")], limit=MAX_TEAMS)
                for m in sorted(members)
            )
        )
        return [team for teams in found for team in teams][:MAX_TEAMS]

    async def _with_roles(
        self, fhir: FhirGateway, members: frozenset[Reference], teams: list[Json], patient: Reference, today: date
    ) -> frozenset[Reference]:
        """A team may name a PractitionerRole: then the roles that the practitioner has now count, too."""
        named = {m for team in teams for m in members_of(team, patient, today)}
        if named & members or not any(n.startswith("PractitionerRole/") for n in named):
            return members
        practitioners = sorted(m for m in members if m.startswith("Practitioner/"))
        found = [await self._listed(fhir, "PractitionerRole", "practitioner", p) for p in practitioners]
        return members | {f"PractitionerRole/{r['id']}" for roles in found for r in roles if is_in_office(r, today)}

    async def _listed(
        self, fhir: FhirGateway, resource_type: str, parameter: str, who: Reference, *, of: Reference | None = None
    ) -> list[Json]:
        async def find() -> tuple[list[Json], float]:
            found = await fhir.search(resource_type, [(parameter, who)])
            return [r for r in found if r["resourceType"] == resource_type], KEPT_FOR.total_seconds()

        return await self._lists.get((resource_type, of or who), find)


def is_in_office(role: Json, today: date) -> bool:
    """True for a PractitionerRole that holds today; one that does not say whether it is active does (R4)."""
    return role.get("active", True) is True and includes(role.get("period"), today)
