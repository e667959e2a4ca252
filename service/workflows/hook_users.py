"""For whom a card is. Docs: docs/adr/0061-cds-hooks.md"""

import asyncio
from datetime import timedelta

from service.domain.actors import Actor, Claims, Right, Role
from service.errors import CoPlanError
from service.logs import log
from service.workflows.identify import Place, identify


async def verified_user(actor: Actor, claims: Claims, place: Place | None, *, within: timedelta) -> Actor | None:
    """The actor, with what a Consent leaves them; None for a family member who is not known to speak for the
    patient, or who may not see the plan: nor may they be told of what came with the call.

    The client answers for its staff. That a RelatedPerson is this patient's it cannot know by an id that comes with a
    call: it is looked up, as for a token, and without a server to ask it stays unknown.

    Args:
        claims: the user and the patient of the call.
        place: the client's FHIR server; None where there is none to be asked.
    """
    if actor.role is not Role.RELATED_PERSON:
        return actor
    try:
        if place is not None:
            async with asyncio.timeout(within.total_seconds()):
                user = await identify(claims, place)
            return user if user.proxy and Right.READ in user.proxy.rights else None
        log.warning("cds_user_not_verified", reason="no server")
    except (CoPlanError, TimeoutError) as exc:
        log.warning("cds_user_not_verified", error=type(exc).__name__)
    return None
