"""What the workflows need of the world, as protocols. `service.gateways` fulfils them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

from fhir_mappings.bundle import Entry, Written
from fhir_mappings.carrier import Json
from fhir_mappings.model import Reference
from service.domain.actors import Claims
from service.errors import CoPlanError

Clock: TypeAlias = Callable[[], datetime]
"""The present instant, with zone UTC."""

Parameters: TypeAlias = Sequence[tuple[str, str]]
"""Search parameters in order; a name may come twice (then both hold)."""


class FhirGateway(Protocol):
    """The interactions of a FHIR R4 server. Raises only errors of `service.errors`.

    Source: https://hl7.org/fhir/R4/http.html
    """

    async def read(self, resource_type: str, resource_id: str) -> Json: ...

    async def vread(self, resource_type: str, resource_id: str, version: str) -> Json: ...

    async def search(self, resource_type: str, parameters: Parameters, *, limit: int | None = None) -> list[Json]:
        """All pages: matches and what they include, in the server's order.

        With `limit`, no further page is asked for once that many resources are there.
        """
        ...

    async def create(self, resource: Json, *, if_none_exist: str | None = None) -> Written: ...

    async def update(self, resource: Json, *, if_match: str) -> Written:
        """`if_match` is a version id, not an entity tag."""
        ...

    async def transact(self, entries: Sequence[Entry]) -> tuple[Written, ...]:
        """All or nothing; the answers in the order of the entries."""
        ...

    async def capabilities(self) -> Json: ...


class Credentials(Protocol):
    """Says with which `Authorization` the FHIR server is asked, for one caller or for the service itself."""

    @property
    def refusals(self) -> Mapping[int, type[CoPlanError]]:
        """The statuses by which the FHIR server refuses the caller, and not this service."""
        ...

    async def header(self) -> str | None: ...

    async def renewed(self, refused: str | None) -> str | None:
        """Another header after a 401 to this one; None where there is none to be had."""
        ...


OnBehalfOf: TypeAlias = Callable[[str], FhirGateway]
"""The FHIR server as it is asked for the caller of this (verified) token."""


class GuardedGateway(FhirGateway, Protocol):
    """A FHIR server as one actor may see it."""

    async def must_admit(self, patient: Reference) -> None:
        """Refuses whoever may not see this patient's data, before anything that was kept is shown.

        Raises:
            ResourceNotFound: as for a patient who is not there.
        """
        ...

    def must_be_able_to_create(self, resource: Json) -> None:
        """Refuses whoever may not write this about a patient whom they may see, before it is said to be there already.

        Raises:
            NotPermitted: an application without a user, or a family member without the right.
            ScopeMissing: names the least scope that would do.
        """
        ...

    async def search_beside(
        self, resource_type: str, parameters: Parameters, *, limit: int | None = None
    ) -> list[Json]:
        """What CoPlan keeps true by itself beside an act, such as a plan's narrative, needs no scope of its own.

        It is judged by the patient and by what is kept from the family; it is written about, never answered.
        """
        ...

    async def languages(self, patient: Reference) -> tuple[str, ...]:
        """BCP 47 tags that the record of a patient names whose data were just shown, the preferred one first.

        Known for some seconds. Never raises: an answer is not refused for want of a language.
        """
        ...


class TokenVerifier(Protocol):
    """Verifies a bearer token."""

    async def verify(self, token: str) -> Claims:
        """The claims of a token that may be trusted.

        Raises:
            NotAuthenticated: for whatever reason it may not.
        """
        ...


class Cache(Protocol):
    """Bytes that may vanish at any time. Never raises: a cache that fails has missed.

    Keys carry no clinical content. `epoch` counts the writes to one patient's data: what was
    kept under an earlier epoch is stale. None: the count is not known now, so do not use the cache.
    """

    async def get(self, key: str) -> bytes | None: ...

    async def put(self, key: str, value: bytes, *, keep_for: timedelta) -> None: ...

    async def epoch(self, patient: str) -> int | None: ...

    async def advance_epoch(self, patient: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it was given, to be given again. `about` is the resource that it shows."""

    fingerprint: str
    status: int
    media_type: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    about: Reference | None = None


class IdempotencyKeys(Protocol):
    """The fast path of idempotency: replies by operation id. Never raises; may forget at any time."""

    async def find(self, operation: str) -> Reply | None: ...

    async def keep(self, operation: str, reply: Reply, *, keep_for: timedelta) -> None: ...


class AuditTrail(Protocol):
    """Where reads and refusals are recorded. The acts record themselves, each in its own transaction."""

    def record(self, event: Json, *, of_nobody: bool = False) -> None:
        """Takes an AuditEvent, to be written soon.

        Args:
            of_nobody: the request of somebody who was not identified; it gives way to those of the identified.

        Raises:
            AuditTrailFull: there is no room, and what cannot be recorded must not be answered.
        """
        ...


class Nonces(Protocol):
    """Remembers what may be used once. Never raises; what it forgets too early might be used again."""

    async def is_new(self, nonce: str, *, keep_for: timedelta) -> bool:
        """True the first time that this nonce is shown, False as long as it is remembered."""
        ...


class CdsClients(Protocol):
    """The EHRs that may call hooks."""

    async def verify(self, token: str, endpoint: str) -> str:
        """The issuer of a token that may be trusted at this very URL, this once.

        Raises:
            NotAuthenticated: for whatever reason it may not.
        """
        ...


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left after this request: `remaining` of `quota` in `window` seconds; more of it in `reset_after`."""

    quota: int
    window: int
    remaining: int
    reset_after: int
    granted: bool


class RateLimits(Protocol):
    """Counts requests. Never raises: where the shared count fails, there is one in this process."""

    async def take(self, principal: str) -> Allowance:
        """One request of a principal who is identified."""
        ...

    async def take_refused(self, address: str) -> Allowance:
        """One request from this address that identified nobody."""
        ...


class CdsServers(Protocol):
    """The FHIR servers of CDS clients."""

    def gateway(self, base_url: str | None, access_token: str | None) -> FhirGateway | None:
        """The server for one call, with the token that came with it; None where it cannot be asked.

        Raises:
            InvalidContent: it is no server that this service works with.
        """
        ...
