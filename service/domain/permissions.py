"""What an actor can do here, for those who want to know before they try. The judgement itself is made act by act."""

from dataclasses import dataclass

from service.domain.access import could_reach
from service.domain.actors import Actor, Right
from service.domain.operations import OPERATIONS, Operation
from service.domain.policy import DEFAULT_POLICY, Policy
from service.domain.scopes import Interaction, could_grant, not_understood, understood


@dataclass(frozen=True, slots=True)
class Permissions:
    """Operations by their operationId, and the scopes that counted and those that did not."""

    operations: tuple[str, ...]
    scopes: tuple[str, ...]
    not_understood: tuple[str, ...]
    without_effect: tuple[str, ...]


def permissions(actor: Actor, policy: Policy = DEFAULT_POLICY) -> Permissions:
    """What the token, the rights of whoever holds it and the rules of the house come to."""
    counting = set(actor.granted(None))
    texts = {text: next(iter(understood(frozenset({text}))), None) for text in sorted(actor.scopes)}
    possible = (name for name, operation in OPERATIONS.items() if _is_possible(actor, operation))
    switched_off = set() if policy.self_managed_goals else {"agreeToDisagree"}
    return Permissions(
        operations=tuple(name for name in possible if name not in switched_off),
        scopes=tuple(text for text, scope in texts.items() if scope in counting),
        not_understood=not_understood(actor.scopes),
        without_effect=tuple(text for text, scope in texts.items() if scope is not None and scope not in counting),
    )


def _is_possible(actor: Actor, operation: Operation) -> bool:
    if actor.role not in operation.by:
        return False
    if actor.proxy is not None and not {Right.READ, operation.right} <= actor.proxy.rights:
        return False
    return all(_reaches(actor, resource_type, interaction) for resource_type, interaction in operation.scopes)


def _reaches(actor: Actor, resource_type: str, interaction: Interaction) -> bool:
    """The Tasks of an operation are those of activities: a Goal scope, which reaches those of goals, is none there."""
    if resource_type == "Task" and interaction is not Interaction.SEARCH:
        return could_grant(actor.granted(None), resource_type, interaction)
    return could_reach(actor, resource_type, interaction)
