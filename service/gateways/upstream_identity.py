"""With which token the FHIR server is asked: a fixed one, the caller's, one exchanged for it, or this service's own.

Source: https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html
    https://www.rfc-editor.org/rfc/rfc8693
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from re import compile as regex
from typing import Any, Final
from weakref import WeakValueDictionary

import httpx

from fhir_mappings.carrier import Json, MalformedJson, decode
from service.errors import (
    CoPlanError,
    ForbiddenUpstream,
    NotAuthenticated,
    NotPermitted,
    UpstreamInvalid,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from service.gateways.client_keys import ClientKeys
from service.logs import log
from service.ports import Credentials

EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"
TIMEOUT: Final = timedelta(seconds=5)
MAX_ANSWER: Final = 64 * 1024
LIFETIME_UNSAID: Final = timedelta(seconds=60)
MARGIN: Final = timedelta(seconds=10)
"""A token is not used in its last moments: it has to arrive."""
RENEWED_AT_MOST: Final = timedelta(seconds=5)
"""A token that is refused this soon after it was issued is not asked for again: another one would be, too."""
MAX_EXCHANGED: Final = 2_000
_TOKEN: Final = regex(r"[\x21-\x7e]{1,16384}")
_ERROR: Final = regex(r"[a-z_]{1,40}")
_OF_THE_USER: Final = frozenset({"access_denied", "invalid_grant", "invalid_request"})
"""What RFC 8693 answers where the caller's token is not good enough."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """What the operator has set, or nothing."""

    authorization: str | None = None
    refusals: Mapping[int, type[CoPlanError]] = field(default_factory=dict)

    async def header(self) -> str | None:
        return self.authorization

    async def renewed(self, refused: str | None) -> str | None:
        return None


@dataclass(frozen=True, slots=True)
class PassThrough:
    """The caller's own token: what the FHIR server says of it, it says of the caller."""

    token: str
    refusals: Mapping[int, type[CoPlanError]] = field(
        default_factory=lambda: {401: NotAuthenticated, 403: ForbiddenUpstream}
    )

    async def header(self) -> str | None:
        return f"Bearer {self.token}"

    async def renewed(self, refused: str | None) -> str | None:
        return None


@dataclass(frozen=True, slots=True)
class Issued:
    """An access token and how long it may be used, by the monotonic clock."""

    header: str
    issued_at: float
    until: float


class TokenEndpoint:
    """Where an authorisation server issues tokens; this client proves itself by `private_key_jwt`."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        url: str,
        *,
        client_id: str,
        keys: ClientKeys,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._url = url
        self._client_id = client_id
        self._keys = keys
        self.clock = clock

    async def issue(self, **form: str) -> Issued:
        """A token for this grant. Never repeated: each assertion is for one request.

        Raises:
            NotPermitted: the authorisation server gives nothing for the caller's token.
            UpstreamRefused: it does not take this client, its keys or its scopes.
            UpstreamUnavailable, UpstreamTimeout, UpstreamInvalid: it does not do its part.
        """
        asked_at = self.clock()
        proof = self._keys.proof(self._client_id, self._url)
        answer = _answer(await self._post({**form, **proof}))
        return _issued(answer, asked_at)

    async def _post(self, form: Mapping[str, str]) -> httpx.Response:
        headers = {"Accept": "application/json", "Cache-Control": "no-store"}
        try:
            return await self._http.post(self._url, data=form, headers=headers, timeout=TIMEOUT.total_seconds())
        except httpx.TimeoutException as exc:
            raise UpstreamTimeout("the authorisation server did not answer in time") from exc
        except (httpx.HTTPError, OSError) as exc:
            log.warning("token_endpoint_unreachable", error=type(exc).__name__)
            raise UpstreamUnavailable("the authorisation server cannot be reached") from exc


class BackendServices:
    """This service's own token: fetched by one request at a time, kept until shortly before it ends."""

    def __init__(self, endpoint: TokenEndpoint, *, scope: str) -> None:
        self.refusals: Mapping[int, type[CoPlanError]] = {}
        self._endpoint = endpoint
        self._scope = scope
        self._issued: Issued | None = None
        self._fetching = asyncio.Lock()

    async def header(self) -> str | None:
        if not _is_good(self._issued, self._endpoint.clock()):
            async with self._fetching:
                if not _is_good(self._issued, self._endpoint.clock()):
                    self._issued = await self._endpoint.issue(grant_type="client_credentials", scope=self._scope)
        return self._issued.header if self._issued else None

    async def renewed(self, refused: str | None) -> str | None:
        issued = self._issued
        if issued and issued.header == refused:
            if _is_new(issued, self._endpoint.clock()):
                return None
            self._issued = None
        return await self.header()


class TokenExchange:
    """For each caller's token one that the FHIR server knows, under the digest of the caller's."""

    def __init__(self, endpoint: TokenEndpoint, *, audience: str, scope: str | None = None) -> None:
        self._endpoint = endpoint
        self._asked = {"audience": audience, **({"scope": scope} if scope else {})}
        self._issued: OrderedDict[bytes, Issued] = OrderedDict()
        self._exchanging: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    def for_caller(self, token: str) -> "Exchanged":
        """The credentials of whoever the token speaks for."""
        return Exchanged(self, token)

    async def header(self, token: str) -> str:
        """The `Authorization` for this caller."""
        digest = sha256(token.encode()).digest()
        exchanging = self._exchanging.setdefault(digest, asyncio.Lock())
        async with exchanging:
            issued = self._issued.get(digest)
            if issued is None or not _is_good(issued, self._endpoint.clock()):
                issued = await self._exchange(token)
                self._keep(digest, issued)
        return issued.header

    async def renewed(self, token: str, refused: str | None) -> str | None:
        """Another one after it was refused; None where it was new."""
        digest = sha256(token.encode()).digest()
        issued = self._issued.get(digest)
        if issued and issued.header == refused:
            if _is_new(issued, self._endpoint.clock()):
                return None
            self._issued.pop(digest, None)
        return await self.header(token)

    async def _exchange(self, token: str) -> Issued:
        return await self._endpoint.issue(
            grant_type=EXCHANGE,
            subject_token=token,
            subject_token_type=ACCESS_TOKEN,
            requested_token_type=ACCESS_TOKEN,
            **self._asked,
        )

    def _keep(self, digest: bytes, issued: Issued) -> None:
        self._issued[digest] = issued
        self._issued.move_to_end(digest)
        while len(self._issued) > MAX_EXCHANGED:
            self._issued.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Exchanged:
    """The credentials of one caller at the FHIR server. A 403 is the caller's; nobody else is tried."""

    exchange: TokenExchange
    token: str
    refusals: Mapping[int, type[CoPlanError]] = field(default_factory=lambda: {403: ForbiddenUpstream})

    async def header(self) -> str | None:
        return await self.exchange.header(self.token)

    async def renewed(self, refused: str | None) -> str | None:
        return await self.exchange.renewed(self.token, refused)


@dataclass(frozen=True, slots=True)
class Identities:
    """`system` for what no user asks for; `for_caller` for the rest, by the caller's verified token."""

    system: Credentials
    for_caller: Callable[[str], Credentials]


def _is_good(issued: Issued | None, now: float) -> bool:
    return issued is not None and now < issued.until


def _is_new(issued: Issued, now: float) -> bool:
    return now - issued.issued_at < RENEWED_AT_MOST.total_seconds()


def _answer(response: httpx.Response) -> Json:
    if response.is_server_error or response.status_code == 429:
        raise UpstreamUnavailable("the authorisation server cannot serve now")
    answer = _decoded(response)
    if response.is_success:
        return answer
    given = str(answer.get("error", ""))
    code = given if _ERROR.fullmatch(given) else "unknown"
    log.warning("token_endpoint_refused", status=response.status_code, reason=code)
    if code in _OF_THE_USER:
        raise NotPermitted("the authorisation server gives no access to the FHIR server for this token")
    raise UpstreamRefused("the authorisation server refused this service")


def _decoded(response: httpx.Response) -> Json:
    try:
        answer: Any = decode(response.content) if len(response.content) <= MAX_ANSWER else None
    except MalformedJson:
        answer = None
    if not isinstance(answer, dict):
        raise UpstreamInvalid("the authorisation server answered something that is no token response")
    return answer


def _issued(answer: Json, asked_at: float) -> Issued:
    token, lifetime = answer.get("access_token"), answer.get("expires_in", int(LIFETIME_UNSAID.total_seconds()))
    is_bearer = str(answer.get("token_type", "")).lower() == "bearer"
    usable = isinstance(token, str) and _TOKEN.fullmatch(token)
    if not is_bearer or not usable or isinstance(lifetime, bool) or not isinstance(lifetime, int) or lifetime <= 0:
        raise UpstreamInvalid("the authorisation server answered no bearer token")
    margin = min(MARGIN.total_seconds(), lifetime / 2)
    return Issued(f"Bearer {token}", asked_at, asked_at + lifetime - margin)
