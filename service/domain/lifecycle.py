"""Which lifecycle status of a Goal follows which.

Source: https://hl7.org/fhir/R4/goal.html#statemachine, narrowed by docs/lifecycle.md
"""

from collections.abc import Mapping
from typing import Final

from fhir_mappings.codes import LifecycleStatus as S
from fhir_mappings.model import Goal
from service.errors import TransitionNotAllowed

FOLLOWS: Final[Mapping[S, frozenset[S]]] = {
    S.PROPOSED: frozenset({S.ACCEPTED, S.ACTIVE, S.REJECTED, S.CANCELLED, S.ENTERED_IN_ERROR}),
    S.PLANNED: frozenset({S.ACCEPTED, S.ACTIVE, S.CANCELLED, S.ENTERED_IN_ERROR}),
    S.ACCEPTED: frozenset({S.ACTIVE, S.CANCELLED, S.ON_HOLD, S.ENTERED_IN_ERROR}),
    S.ACTIVE: frozenset({S.ON_HOLD, S.COMPLETED, S.CANCELLED, S.ENTERED_IN_ERROR}),
    S.ON_HOLD: frozenset({S.ACTIVE, S.ACCEPTED, S.CANCELLED, S.ENTERED_IN_ERROR}),
    S.COMPLETED: frozenset({S.ACTIVE, S.ENTERED_IN_ERROR}),
    S.CANCELLED: frozenset({S.ENTERED_IN_ERROR}),
    S.REJECTED: frozenset({S.ENTERED_IN_ERROR}),
    S.ENTERED_IN_ERROR: frozenset(),
}
"""`on-hold` goes back to `accepted` when that is what was held: somebody has still to answer."""

OPEN: Final = frozenset({S.PROPOSED, S.PLANNED, S.ACCEPTED, S.ACTIVE, S.ON_HOLD})
"""Still on the table or in force."""

AGREED: Final = frozenset({S.ACCEPTED, S.ACTIVE, S.ON_HOLD})
"""In force, about to be, or paused."""


def must_be(goal: Goal, allowed: frozenset[S], act: str) -> None:
    """Refuses an act that does not follow from the goal's present status.

    Raises:
        TransitionNotAllowed: names the goal, its status and the act.
    """
    if goal.lifecycle_status not in allowed:
        raise TransitionNotAllowed(f"{goal.reference} is {goal.lifecycle_status}: it cannot be {act}")


def must_lead_to(goal: Goal, status: S) -> None:
    """Refuses a status that may not follow.

    Raises:
        TransitionNotAllowed: names the goal and both statuses.
    """
    if status is not goal.lifecycle_status and status not in FOLLOWS[goal.lifecycle_status]:
        raise TransitionNotAllowed(f"{goal.reference} is {goal.lifecycle_status}: it cannot become {status}")
