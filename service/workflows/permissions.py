"""What the caller can do here, and for whom."""

from dataclasses import dataclass, replace

from fhir_mappings.compartment import patient_of
from fhir_mappings.model import Reference
from service.domain.actors import Actor
from service.domain.care_teams import members_of
from service.domain.permissions import Permissions, permissions
from service.rights import MAX_TEAMS
from service.workflows.identify import Place


@dataclass(frozen=True, slots=True)
class Standing:
    """The actor with effective permissions. `patients` None: any; `more`: there are more than are listed."""

    actor: Actor
    permissions: Permissions
    patients: tuple[Reference, ...] | None
    more: bool = False


async def read_standing(actor: Actor, place: Place) -> Standing:
    """For a practitioner whose patients are those of care teams, the teams are listed up to a bound."""
    if not actor.members:
        patients = None if actor.patients is None else tuple(sorted(actor.patients))
        return Standing(actor, permissions(actor, place.policy), patients)
    teams = await place.rights.patients_of_teams(place.fhir, actor.members)
    about = ((team, patient) for team in teams if (patient := patient_of(team)))
    found = {p for team, p in about if actor.members & set(members_of(team, p, place.today))}
    in_context = {p for p in found if actor.context in {None, p}}
    shown = replace(actor, context=actor.context if actor.context in in_context else None)
    return Standing(shown, permissions(actor, place.policy), tuple(sorted(in_context)), len(teams) >= MAX_TEAMS)
