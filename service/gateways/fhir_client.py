"""The external FHIR R4 server. No httpx exception leaves this module.

httpx's own pool loses its connections for good under cancellation, and costs many times the CPU at 64 calls at once
(docs/adr/0004-transport.md): so httpx speaks through aiohttp.

Source: https://hl7.org/fhir/R4/http.html
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import unquote, urlencode, urljoin, urlsplit

import aiohttp
import httpx
from httpx_aiohttp import HttpxAiohttpClient

from fhir_mappings import bundle, r4
from fhir_mappings.bundle import Create, Entry, Update, Written
from fhir_mappings.carrier import Json, MalformedJson, decode_trusted, encode
from fhir_mappings.compartment import PATIENT_ELEMENT, PATIENT_FREE
from fhir_mappings.elements import ID, MappingError
from fhir_mappings.operation_outcome import issue_codes
from service.errors import (
    AnswerLost,
    CoPlanError,
    Flaw,
    ForbiddenUpstream,
    InvalidContent,
    ResourceGone,
    ResourceNotFound,
    UpstreamInvalid,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnavailable,
    VersionConflict,
)
from service.gateways.upstream_identity import Fixed
from service.logs import log
from service.metrics import FHIR_CALLS, FHIR_SECONDS
from service.ports import Credentials, Parameters

FHIR_JSON: Final = "application/fhir+json"
PAGE_SIZE: Final = 200
MAX_PAGES: Final = 100
MAX_BYTES: Final = 64 * 2**20
CAPABILITIES_KEPT_FOR: Final = timedelta(minutes=10)
LONGEST_PAUSE: Final = timedelta(minutes=2)
"""A Retry-After beyond this is taken for this: a mistyped header must not stop us for a day."""
INTERACTIONS: Final = frozenset(
    {"AuditEvent", "Patient", "Provenance", "metadata", "transaction", *PATIENT_ELEMENT, *PATIENT_FREE}
)
STRICT: Final = {"Prefer": "handling=strict", "Cache-Control": "no-cache"}
"""An ignored search parameter is somebody else's data; a cached search (HAPI: for a minute) a lost update."""

LABELS_AS_SENT: Final = {"X-Meta-Snapshot-Mode": "SECURITY_LABEL"}
"""HAPI adds the labels of an update to those that are there; with this it takes what it is sent, as others do."""

REFUSALS: Final[Mapping[int, type[CoPlanError]]] = {
    404: ResourceNotFound,
    409: VersionConflict,
    410: ResourceGone,
    412: VersionConflict,
}
ABSENT: Final = frozenset({404, 410})
"""What a proxy says of a path that it does not know, too: only in FHIR's own words it is said of a resource."""


@asynccontextmanager
async def open_fhir_client(
    base_url: str,
    *,
    deadline: timedelta,
    connections: int = 100,
    authorization: str | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator["FhirClient"]:
    """A client of the server at `base_url`, without redirects and proxies of the environment.

    Args:
        deadline: the most that one call may take, all in all.
        authorization: the header that the server wants of us.
        transport: speaks to a server in this process in place of the network.
    """
    async with open_http(connections, transport) as http:
        yield FhirClient(http, base_url, deadline=deadline, credentials=Fixed(authorization))


def open_http(connections: int, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """Connections to one server, without redirects and proxies of the environment; to be closed by who opens it."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    common: dict[str, Any] = {
        "timeout": None,
        "trust_env": False,
        "follow_redirects": False,
    }
    return (
        httpx.AsyncClient(transport=transport, **common) if transport else HttpxAiohttpClient(limits=limits, **common)
    )


@dataclass(slots=True)
class _Shared:
    """What all clients of one server know of it."""

    not_before: float = 0.0
    capabilities: tuple[float, Json] | None = None


class FhirClient:
    """The interactions of one FHIR server, under their FHIR names, asked with the credentials of one caller."""

    def __init__(
        self, http: httpx.AsyncClient, base_url: str, *, deadline: timedelta, credentials: Credentials | None = None
    ) -> None:
        self._http = http
        self._base = base_url.rstrip("/") + "/"
        self._deadline = deadline.total_seconds()
        self._credentials: Credentials = credentials or Fixed()
        self._shared = _Shared()
        self._keeps_searches = True

    def with_credentials(self, credentials: Credentials) -> "FhirClient":
        """The same server, asked by somebody else over the same connections."""
        client = copy(self)
        client._credentials = credentials
        return client

    def unstored(self) -> "FhirClient":
        """The same server, asked to keep no search: for answers that somebody waits for. See docs/adr/0064."""
        client = copy(self)
        client._keeps_searches = False
        return client

    async def read(self, resource_type: str, resource_id: str) -> Json:
        """What the caller's token may not read is not there: whoever asks must not learn that it is.

        Source: https://hl7.org/fhir/R4/http.html#read
        """
        return await self._resource(resource_type, resource_id)

    async def vread(self, resource_type: str, resource_id: str, version: str) -> Json:
        """Source: https://hl7.org/fhir/R4/http.html#vread"""
        return await self._resource(resource_type, resource_id, version)

    async def search(self, resource_type: str, parameters: Parameters, *, limit: int | None = None) -> list[Json]:
        """Searches by POST, so that no patient id stands in a log of URLs; all pages.

        Source: https://hl7.org/fhir/R4/search.html
        """
        asked = dict(parameters)
        form = urlencode([*parameters, *([] if "_count" in asked else [("_count", str(PAGE_SIZE))])])
        headers = STRICT | {"Content-Type": "application/x-www-form-urlencoded"}
        request: dict[str, Any] = {"content": form.encode(), "headers": headers}
        if not self._keeps_searches:
            count = int(asked.get("_count", PAGE_SIZE))
            if (whole := await self._unstored_page(f"{resource_type}/_search", count, **request)) is not None:
                return whole
        page = await self._retried("POST", f"{resource_type}/_search", **request)
        found, visited = _resources(page), set[str]()
        while (link := bundle.next_link(page)) and (limit is None or len(found) < limit):
            url = self._own(link)
            if url in visited or len(visited) >= MAX_PAGES:
                raise UpstreamInvalid(f"the pages of a search for {resource_type} have no end")
            visited.add(url)
            page = await self._retried("GET", url, headers=STRICT)
            found += _resources(page)
        return found

    async def _unstored_page(self, path: str, count: int, *, content: bytes, headers: Json) -> list[Json] | None:
        """What is found, where it is less than a page; None where there may be more.

        HAPI answers such a search at once and writes no row for it, but cuts it off at the page without a word.
        """
        once = {**headers, "Cache-Control": f"no-store, max-results={count}"}
        try:
            page = await self._retried("POST", path, content=content, headers=once)
        except UpstreamRefused:
            return None
        found = _resources(page)
        return found if len(found) < count and bundle.next_link(page) is None else None

    async def create(self, resource: Json, *, if_none_exist: str | None = None) -> Written:
        """A create of its own, as a transaction of one: the answer says the same in the same way."""
        return (
            await self.transact([Create(resource, "urn:uuid:00000000-0000-4000-8000-000000000000", if_none_exist)])
        )[0]

    async def update(self, resource: Json, *, if_match: str) -> Written:
        """An update of its own, as a transaction of one.

        Source: https://hl7.org/fhir/R4/http.html#concurrency
        """
        return (await self.transact([Update(resource, if_match)]))[0]

    async def transact(self, entries: Sequence[Entry]) -> tuple[Written, ...]:
        """All or nothing. Never repeated, and once begun never abandoned: a caller who goes away cancels nothing.

        Source: https://hl7.org/fhir/R4/http.html#transaction

        Raises:
            InvalidContent: one of the resources is not R4; nothing was sent.
        """
        for entry in entries:
            _must_be_r4(entry.resource)
        content = encode(bundle.transaction(entries))
        headers = {"Content-Type": FHIR_JSON, "Prefer": "return=minimal", **LABELS_AS_SENT}
        answer = await asyncio.shield(asyncio.ensure_future(self._send("POST", "", content=content, headers=headers)))
        try:
            return bundle.written(entries, answer)
        except MappingError as exc:
            raise UpstreamInvalid(f"the FHIR server's answer to a transaction: {exc}") from exc

    async def capabilities(self) -> Json:
        """The CapabilityStatement, kept for ten minutes."""
        kept_at, statement = self._shared.capabilities or (0.0, {})
        if not statement or time.monotonic() - kept_at > CAPABILITIES_KEPT_FOR.total_seconds():
            statement = await self._retried("GET", "metadata")
            self._shared.capabilities = time.monotonic(), statement
        return statement

    async def _resource(self, resource_type: str, resource_id: str, version: str | None = None) -> Json:
        """A reference that came from somewhere is checked before it becomes a path."""
        absent = ResourceNotFound(f"{resource_type}/{resource_id} not found")
        if not resource_type.isalpha() or not _is_id(resource_id) or not (version is None or _is_id(version)):
            raise absent
        path = f"{resource_type}/{resource_id}" + (f"/_history/{version}" if version else "")
        try:
            return _as_asked(await self._retried("GET", path), resource_type, resource_id)
        except ForbiddenUpstream as exc:
            raise absent from exc

    async def _retried(self, method: str, path: str, **request: Any) -> Json:
        """What changes nothing is tried twice, unless the server asked for time."""
        try:
            return await self._send(method, path, **request)
        except UpstreamUnavailable as exc:
            if exc.retry_after is not None:
                raise
        return await self._send(method, path, **request)

    async def _send(self, method: str, path: str, **request: Any) -> Json:
        self._must_not_be_paused()
        what = _interaction(method, path)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._deadline):
                response, body = await self._exchange(method, path, **request)
        except TimeoutError as exc:
            FHIR_CALLS.labels(what, "timeout").inc()
            raise UpstreamTimeout("the FHIR server did not answer in time") from exc
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as exc:
            FHIR_CALLS.labels(what, "unreachable").inc()
            log.warning("fhir_server_unreachable", error=type(exc).__name__, interaction=what)
            error = UpstreamUnavailable if _never_left(exc) else AnswerLost
            raise error("the FHIR server cannot be reached") from exc
        FHIR_CALLS.labels(what, str(response.status_code)).inc()
        FHIR_SECONDS.labels(what).observe(time.perf_counter() - started)
        return self._answer(response, body, what)

    async def _exchange(self, method: str, path: str, **request: Any) -> tuple[httpx.Response, bytes]:
        """A token that has ended is renewed once; after a 401 nothing has happened, so a write may go again, too."""
        authorization = await self._credentials.header()
        response, body = await self._ask(method, path, authorization, **request)
        if response.status_code == 401 and (renewed := await self._credentials.renewed(authorization)):
            return await self._ask(method, path, renewed, **request)
        return response, body

    async def _ask(
        self, method: str, path: str, authorization: str | None, **request: Any
    ) -> tuple[httpx.Response, bytes]:
        headers = {"Accept": FHIR_JSON, **request.pop("headers", {})}
        if authorization:
            headers["Authorization"] = authorization
        async with self._http.stream(method, self._own(path), headers=headers, **request) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise UpstreamInvalid("the FHIR server's answer has no end")
            return response, bytes(body)

    def _answer(self, response: httpx.Response, body: bytes, what: str) -> Json:
        status = response.status_code
        answer = _decoded(body)
        if response.is_success:
            if answer is None:
                raise UpstreamInvalid(f"the FHIR server answered {what} with something that is no resource")
            return answer
        issues = issue_codes(answer) if answer and answer.get("resourceType") == "OperationOutcome" else ()
        log.info("fhir_server_refused", status=status, interaction=what, issues=issues)
        if status in {429, 503}:
            raise self._paused(response.headers.get("Retry-After"))
        if status in ABSENT and not _is_fhir(response, answer):
            raise UpstreamInvalid(f"what answered {status} to {what} is no FHIR server")
        if error := self._credentials.refusals.get(status) or REFUSALS.get(status):
            raise error(f"the FHIR server answered {status} to {what}")
        if response.is_server_error:
            raise UpstreamUnavailable(f"the FHIR server answered {status} to {what}")
        raise (UpstreamRefused if response.is_client_error else UpstreamInvalid)(
            f"the FHIR server answered {status} to {what}"
        )

    def _paused(self, retry_after: str | None) -> UpstreamUnavailable:
        pause = _pause(retry_after)
        if pause is not None:
            self._shared.not_before = time.monotonic() + pause.total_seconds()
        return UpstreamUnavailable("the FHIR server asks for time", pause)

    def _must_not_be_paused(self) -> None:
        left = self._shared.not_before - time.monotonic()
        if left > 0:
            raise UpstreamUnavailable("the FHIR server asks for time", timedelta(seconds=left))

    def _own(self, link: str) -> str:
        """An address at the configured server and below its base: no token goes anywhere else."""
        url, base = urlsplit(urljoin(self._base, link)), urlsplit(self._base)
        below = url.path == base.path.rstrip("/") or url.path.startswith(base.path)
        climbs = {".", ".."}.intersection(unquote(url.path).replace("\\", "/").split("/"))
        if (url.scheme, url.netloc) != (base.scheme, base.netloc) or not below or climbs:
            raise UpstreamInvalid("the FHIR server's next page is at another address")
        return url.geturl()


def _interaction(method: str, path: str) -> str:
    """`GET Goal`; what is no type that we know, such as a page link, has no name of its own."""
    first = path.partition("/")[0].partition("?")[0] or "transaction"
    return f"{method} {first}" if first in INTERACTIONS else f"{method} other"


def _never_left(exc: BaseException) -> bool:
    """True where there was no connection to send anything by. httpx names what aiohttp found too coarsely."""
    unsent = (httpx.InvalidURL, aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
    return isinstance(exc, unsent) or isinstance(exc.__cause__, unsent)


def _is_id(value: str) -> bool:
    """By its grammar; `.` and `..` are ids there, and elsewhere in paths."""
    return bool(ID.fullmatch(value)) and value not in {".", ".."}


def _decoded(body: bytes) -> Json | None:
    try:
        value = decode_trusted(body)
    except MalformedJson:
        return None
    return value if isinstance(value, dict) and isinstance(value.get("resourceType"), str) else None


def _is_fhir(response: httpx.Response, answer: Json | None) -> bool:
    """An outcome, or what says that it is FHIR's: a body there need not be.

    Source: https://hl7.org/fhir/R4/http.html#return
    """
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return media_type == FHIR_JSON or (answer is not None and answer["resourceType"] == "OperationOutcome")


def _as_asked(resource: Json, resource_type: str, resource_id: str) -> Json:
    if resource["resourceType"] != resource_type or resource.get("id") != resource_id:
        raise UpstreamInvalid(f"the FHIR server answered another resource than {resource_type}/{resource_id}")
    return resource


def _resources(page: Json) -> list[Json]:
    if page["resourceType"] != "Bundle":
        raise UpstreamInvalid("the FHIR server answered a search with something that is no Bundle")
    found = bundle.resources(page)
    if not all(isinstance(r.get("resourceType"), str) and isinstance(r.get("id"), str) for r in found):
        raise UpstreamInvalid("the FHIR server found something that is no resource")
    return found


def _must_be_r4(resource: Json) -> None:
    try:
        r4.check(resource)
    except r4.InvalidResource as exc:
        raise InvalidContent(*(Flaw(f.expression, f.message, parts=f.parts) for f in exc.flaws)) from exc


def _pause(retry_after: str | None) -> timedelta | None:
    """Retry-After as seconds or as a date. Source: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after"""
    if retry_after is None:
        return None
    try:
        pause = timedelta(seconds=int(retry_after))
    except (ValueError, OverflowError):
        try:
            pause = parsedate_to_datetime(retry_after) - datetime.now(UTC)
        except (ValueError, TypeError):
            return None
    return max(timedelta(0), min(pause, LONGEST_PAUSE))
