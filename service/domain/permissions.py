"""What an actor can do here, for those who want to know before they try. The judgement itself is made act by act."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from service.domain.actors import Actor, Right, Role
from service.domain.scopes import Interaction, could_grant, grants_all, not_understood, understood

_READ_GOAL: Final = (("Goal", "r"), ("Goal", "s"), ("CarePlan", "s"))
_ANSWER: Final = (*_READ_GOAL, ("Goal", "u"))
_OFFER: Final = (("Goal", "s"), ("CarePlan", "s"), ("Goal", "c"))
ACTS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "proposeGoal": _OFFER,
    "counterProposeGoal": (*_OFFER, ("Goal", "r")),
    "acceptGoal": _ANSWER,
    "declineGoal": _ANSWER,
    "agreeToDisagree": _ANSWER,
    "withdrawGoal": _ANSWER,
    "holdGoal": _ANSWER,
    "resumeGoal": _ANSWER,
    "completeGoal": _ANSWER,
    "cancelGoal": _ANSWER,
    "markGoalEnteredInError": _ANSWER,
    "sendGoalMessage": (*_READ_GOAL, ("Communication", "c")),
    "recordProgress": (*_READ_GOAL, ("Observation", "s"), ("Observation", "c")),
    "openCarePlan": (("Goal", "s"), ("CarePlan", "s"), ("CarePlan", "c")),
    "linkGoal": (("Goal", "s"), ("CarePlan", "s"), ("CarePlan", "r"), ("CarePlan", "u")),
}
"""What each act takes of a token: what it reads, and what it is about. CoPlan writes the rest beside it."""
VIEWS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "listGoals": (("Goal", "s"),),
    "getGoal": (("Goal", "r"),),
    "getGoalThread": _READ_GOAL,
    "getGoalProgress": (("Goal", "r"), ("Observation", "s")),
    "getPatientPlan": (("Goal", "s"),),
    "listCarePlans": (("CarePlan", "s"),),
    "getCarePlan": (("CarePlan", "r"), ("Goal", "s")),
}


@dataclass(frozen=True, slots=True)
class Permissions:
    """Operations by their operationId, and the scopes that counted and those that did not."""

    operations: tuple[str, ...]
    scopes: tuple[str, ...]
    not_understood: tuple[str, ...]
    without_effect: tuple[str, ...]


def permissions(actor: Actor) -> Permissions:
    """What the token and the rights of whoever holds it come to."""
    counting = set(actor.granted(None))
    texts = {text: next(iter(understood(frozenset({text}))), None) for text in sorted(actor.scopes)}
    possible = (name for name, needed in {**VIEWS, **ACTS}.items() if _is_possible(actor, name, needed))
    return Permissions(
        operations=tuple(possible),
        scopes=tuple(text for text, scope in texts.items() if scope in counting),
        not_understood=not_understood(actor.scopes),
        without_effect=tuple(text for text, scope in texts.items() if scope is not None and scope not in counting),
    )


def _is_possible(actor: Actor, name: str, needed: tuple[tuple[str, str], ...]) -> bool:
    if name in ACTS and actor.role is Role.SYSTEM:
        return False
    if name == "agreeToDisagree" and actor.role is not Role.PRACTITIONER:
        return False
    if actor.proxy is not None and not _rights_for(name) <= actor.proxy.rights:
        return False
    return all(_reaches(actor, resource_type, Interaction(letter)) for resource_type, letter in needed)


def _rights_for(name: str) -> frozenset[Right]:
    if name not in ACTS:
        return frozenset({Right.READ})
    return frozenset({Right.READ, Right.RECORD if name == "recordProgress" else Right.ACT})


def _reaches(actor: Actor, resource_type: str, interaction: Interaction) -> bool:
    granted = actor.granted(None)
    if could_grant(granted, resource_type, interaction):
        return True
    writes = (Interaction.CREATE, Interaction.UPDATE)
    return resource_type == "Communication" and any(grants_all(granted, "Goal", i) for i in writes)
