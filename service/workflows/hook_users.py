"""For whom a card is. Docs: docs/adr/0061-cds-hooks.md"""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from fhir_mappings.model import Reference
from service.domain.actors import Actor, Claims, Right
from service.errors import CoPlanError, ResourceGone, ResourceNotFound
from service.kept import Kept
from service.logs import log
from service.workflows.identify import Place, identify

KEPT_FOR: Final = timedelta(minutes=5)
"""How long the staff of an EHR is not asked for again. It decides about no right: the client answers for them."""
MAX_KEPT: Final = 20_000


class Staff:
    """Who works at the servers of CDS clients, each asked for once in five minutes.

    The client answers for its staff; only somebody who is not there on its own server is told nothing.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._there: Kept[tuple[str, Reference], bool] = Kept(at_most=MAX_KEPT, clock=clock)

    async def has(self, actor: Actor, server: str, place: Place, *, within: timedelta) -> bool:
        """False if that server says that there is no such user; where it says nothing, the client's word counts.

        Args:
            server: its base URL: who is there is not there elsewhere.
        """

        async def find() -> tuple[bool, float]:
            try:
                async with asyncio.timeout(within.total_seconds()):
                    await place.fhir.read(*actor.reference.split("/", 1))
            except (ResourceNotFound, ResourceGone) as exc:
                log.warning("cds_user_not_verified", error=type(exc).__name__)
                return False, 0
            except (CoPlanError, TimeoutError):
                return True, 0
            return True, KEPT_FOR.total_seconds()

        return await self._there.get((server, actor.reference), find)


async def known_relative(claims: Claims, place: Place | None, *, within: timedelta) -> Actor | None:
    """The family member of a call, with what a Consent leaves them; None for one who is not known to speak for the
    patient, or who may not see the plan: nor may they be told of what came with the call.

    That a RelatedPerson is this patient's the client cannot know by an id that comes with a call: it is looked up,
    as for a token, and without a server to ask it stays unknown.

    Args:
        claims: the user and the patient of the call.
        place: the client's FHIR server; None where there is none to be asked.
    """
    if place is None:
        log.warning("cds_user_not_verified", reason="no server")
        return None
    try:
        async with asyncio.timeout(within.total_seconds()):
            user = await identify(claims, place)
    except (CoPlanError, TimeoutError) as exc:
        log.warning("cds_user_not_verified", error=type(exc).__name__)
        return None
    return user if user.proxy and Right.READ in user.proxy.rights else None
