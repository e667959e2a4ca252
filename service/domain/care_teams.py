"""Who is on a care team.

Source: https://hl7.org/fhir/R4/careteam.html
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import date

from fhir_mappings.carrier import Json
from fhir_mappings.compartment import patient_of
from fhir_mappings.model import Reference
from service.domain.periods import includes


def is_on_a_team(teams: Iterable[Json], patient: Reference, members: Collection[Reference], today: date) -> bool:
    """True if one of the patient's active teams has one of these references as a participant today."""
    return any(member in members for team in teams for member in members_of(team, patient, today))


def members_of(team: Json, patient: Reference, today: date) -> Iterator[Reference]:
    """Who takes part today in a team of this patient that is active, the team's and their own periods considered."""
    if patient_of(team) != patient or team.get("status") != "active" or not includes(team.get("period"), today):
        return
    for participant in team.get("participant", []):
        reference = participant.get("member", {}).get("reference")
        if isinstance(reference, str) and includes(participant.get("period"), today):
            yield reference.partition("/_history/")[0]
