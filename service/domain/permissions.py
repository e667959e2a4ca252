"""What an actor can do here, for those who want to know before they try. The judgement itself is made act by act."""

from dataclasses import dataclass

from service.domain.access import could_reach, right_missing, scope_missing
from service.domain.actors import ONLY_READS, Actor, Right, Role
from service.domain.operations import OPERATIONS, Operation
from service.domain.policy import DEFAULT_POLICY, Policy
from service.domain.scopes import Interaction, could_grant, not_understood, understood
from service.errors import NotPermitted


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


def must_be_possible(actor: Actor, name: str) -> None:
    """Refuses an act for want of what every such act takes, before anything is read or judged for it.

    Whose turn it is, and which side's, the rules say: they know why.

    Args:
        name: its operationId.

    Raises:
        ScopeMissing: names the first scope that is missing.
        NotPermitted: an application, or a family member without the right.
    """
    operation = OPERATIONS[name]
    if actor.role is Role.SYSTEM and actor.role not in operation.by:
        raise NotPermitted(ONLY_READS)
    for resource_type, interaction in operation.scopes:
        if not _reaches(actor, resource_type, interaction):
            raise scope_missing(actor, resource_type, interaction)
    if actor.proxy is not None and operation.right not in actor.proxy.rights:
        raise right_missing(actor.proxy, operation.right)


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
