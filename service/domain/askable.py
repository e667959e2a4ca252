"""Who can be asked: whoever sees the question, and can answer it."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from fhir_mappings.carrier import Json
from fhir_mappings.compartment import patient_of
from fhir_mappings.model import Reference
from service.domain.care_teams import members_of
from service.domain.policy import PractitionerAccess
from service.domain.proxies import is_active
from service.domain.scopes import Interaction, could_grant, grants
from service.domain.thread import Occasion
from service.errors import Flaw, InvalidContent

FAMILY: Final = "RelatedPerson"
CLINICIANS: Final = frozenset({"Practitioner", "PractitionerRole"})
JUDGED: Final = CLINICIANS | {"CareTeam", "Patient", "RelatedPerson"}
"""Types that a record says something of. A clinic that is asked answers by whoever is on the care team."""


def must_be_askable(
    asked: Mapping[str, Reference],
    patient: Reference,
    people: Collection[Json],
    names: Mapping[Reference, str],
    occasion: Occasion,
    *,
    private: bool = False,
) -> None:
    """Refuses a question, or something to do, to somebody who would never see it.

    Args:
        asked: who is asked, by the path of the element that says so.
        people: the patient's care teams with those who take part in them, and the family.
        private: it is kept from the family.

    Raises:
        InvalidContent: names each such element, and who can be asked, as far as the token may read of them.
    """
    free = CLINICIANS if occasion.policy.practitioner_access is not PractitionerAccess.CARE_TEAM else frozenset()
    known = _seeing(people, patient, occasion, private=private)
    wrong = [path for path, who in asked.items() if who not in known and _kind(who) in JUDGED - free]
    if wrong:
        told = _seeing((p for p in people if _may_be_told(p, occasion)), patient, occasion, private=private)
        others = "; ".join(_shown(who, names, occasion) for who in told if who != occasion.actor.reference)
        raise InvalidContent(*(Flaw(p, _message(asked[p], private, others), "business-rule") for p in wrong))


def _seeing(
    people: Iterable[Json], patient: Reference, occasion: Occasion, *, private: bool
) -> Mapping[Reference, None]:
    """Whoever would see the question, each once."""
    return dict.fromkeys(w for w in _askable(people, patient, occasion) if not (private and _kind(w) == FAMILY))


def _message(who: Reference, private: bool, others: str) -> str:
    named = f". You can ask: {others}" if others else ""
    if private and _kind(who) == FAMILY:
        return f"is of the family, who cannot see what is private{named}"
    return f"would not see the question: nobody of this patient's family or care team{named}"


def _askable(people: Iterable[Json], patient: Reference, occasion: Occasion) -> Iterator[Reference]:
    """The patient, those who take part in a care team today, the teams themselves, the family."""
    people = tuple(people)
    yield patient
    members = {m for p in people if p["resourceType"] == "CareTeam" for m in members_of(p, patient, occasion.today)}
    yield from sorted(m for m in members if _kind(m) in CLINICIANS)
    for person in people:
        reference = f"{person['resourceType']}/{person['id']}"
        match person["resourceType"]:
            case "PractitionerRole" if reference in members:
                yield person.get("practitioner", {}).get("reference", reference)
            case "RelatedPerson" if patient_of(person) == patient and is_active(person, occasion.today):
                yield reference
            case "CareTeam" if any(members_of(person, patient, occasion.today)):
                yield reference


def _may_be_told(person: Json, occasion: Occasion) -> bool:
    """True for those whom a search of the actor's own would show: who can be asked is known here beside the scopes."""
    whose, kind = patient_of(person), person["resourceType"]
    interaction = Interaction.SEARCH if kind == "CareTeam" else Interaction.READ
    return whose is None or grants(occasion.actor.granted(whose), person, interaction)


def _shown(who: Reference, names: Mapping[Reference, str], occasion: Occasion) -> str:
    of_patient = _kind(who) == "Patient"
    may_be_named = not of_patient or could_grant(occasion.actor.granted(who), "Patient", Interaction.READ)
    return f"{names[who]} ({who})" if who in names and may_be_named else who


def _kind(who: Reference) -> str:
    return who.partition("/")[0]
