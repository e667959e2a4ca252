"""For whom a card is. Docs: docs/adr/0061-cds-hooks.md"""

import asyncio
from datetime import timedelta

from service.domain.actors import Actor, Claims, Role
from service.errors import CoPlanError, ResourceGone, ResourceNotFound
from service.logs import log
from service.workflows.identify import Place, identify


async def verified_user(actor: Actor, claims: Claims, place: Place | None, *, within: timedelta) -> Actor | None:
    """The actor, with what a Consent leaves them; None for a family member who is not known to speak for the patient.

    The client answers for its staff; only whom its own server does not know is told nothing. That a RelatedPerson is
    this patient's it cannot know by an id that comes with a call: it is looked up, as for a token, and without a server
    to ask it stays unknown.

    Args:
        claims: the user and the patient of the call.
        place: the client's FHIR server; None where there is none to be asked.
    """
    if actor.role is not Role.RELATED_PERSON:
        return actor if place is None or await _is_there(actor, place, within) else None
    try:
        if place is not None:
            async with asyncio.timeout(within.total_seconds()):
                return await identify(claims, place)
        log.warning("cds_user_not_verified", reason="no server")
    except (CoPlanError, TimeoutError) as exc:
        log.warning("cds_user_not_verified", error=type(exc).__name__)
    return None


async def _is_there(actor: Actor, place: Place, within: timedelta) -> bool:
    """False if the client's server knows no such user. What it does not say is left to the client's word."""
    try:
        async with asyncio.timeout(within.total_seconds()):
            await place.fhir.read(*actor.reference.split("/", 1))
    except (ResourceNotFound, ResourceGone) as exc:
        log.warning("cds_user_not_verified", error=type(exc).__name__)
        return False
    except (CoPlanError, TimeoutError):
        return True
    return True
