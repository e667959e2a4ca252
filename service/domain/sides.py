"""The two sides of an activity: the patient with those who speak for them, and the care team."""

from collections.abc import Iterable
from typing import Final

from fhir_mappings.model import Reference
from service.domain.actors import Actor

PATIENT_SIDE: Final = frozenset({"Patient", "RelatedPerson"})


def on_patient_side(reference: Reference) -> bool:
    """True for the patient and the family."""
    return reference.partition("/")[0] in PATIENT_SIDE


def is_asked(who: Reference, actor: Actor) -> bool:
    """True for somebody who is not on the actor's side: what they are to do waits for their yes."""
    return on_patient_side(who) is not actor.on_patient_side


def other_side(actor: Actor, concerned: Iterable[Reference | None]) -> tuple[Reference, ...]:
    """Those concerned who are not on the actor's side, each once."""
    return tuple(dict.fromkeys(c for c in concerned if c and is_asked(c, actor)))
