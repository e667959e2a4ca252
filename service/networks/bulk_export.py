"""Bulk Data export of a network's patients to NDJSON files: asked for once, waited for, and fetched, again if need be.

What is under way stands in `export.json` beside the files: after an interruption the same call goes on where it was.
Understands the manifests of Bulk Data STU3 (3.0.0) and STU4 (4.0.0-ballot): there the kick-off is a POST, `error` is
called `outcome`, and a manifest may go on at a `next` link.

Source: https://hl7.org/fhir/uv/bulkdata/STU3/export.html
    https://hl7.org/fhir/uv/bulkdata/2026Sep/export.html
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpx

from fhir_mappings.carrier import Json, MalformedJson, decode_trusted, encode
from service.errors import UpstreamInvalid, UpstreamRefused, UpstreamTimeout, UpstreamUnavailable

FHIR_JSON: Final = "application/fhir+json"
NDJSON: Final = "application/fhir+ndjson"
STATE: Final = "export.json"
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=2)
ATTEMPTS: Final = 5
"""How often one request is tried that the server could not serve, or that broke off."""
MOST_PAGES: Final = 1000
JITTER: Final = random.SystemRandom()

Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Output:
    """One file of a manifest. `resource_type` is None where a file holds several types (`organizeOutputBy`)."""

    url: str
    resource_type: str | None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the server has made ready, in whichever shape it said so."""

    transaction_time: str
    requires_token: bool
    outputs: tuple[Output, ...]
    issues: tuple[str, ...] = ()
    next_page: str | None = None


@dataclass(slots=True)
class State:
    """How far an export has come; what `export.json` holds. `files`: the names of all that lie beside it for it."""

    request: dict[str, Any]
    status_url: str | None = None
    manifest_url: str | None = None
    transaction_time: str | None = None
    fetched: dict[str, str] = field(default_factory=dict)
    issues: int = 0
    complete: bool = False
    files: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Progress:
    """What is told meanwhile: a few words, and how many of how many files are there."""

    words: str
    files: int = 0
    of: int = 0


def manifest_from(body: Json) -> Manifest:
    """A manifest of STU3 or STU4.

    Raises:
        UpstreamInvalid: it lacks the time of the export or its files.
    """
    time, outputs = body.get("transactionTime"), body.get("output")
    if not isinstance(time, str) or not isinstance(outputs, list):
        raise UpstreamInvalid("the manifest of the export lacks transactionTime or output")
    issues = [*body.get("error", []), *body.get("outcome", [])]
    links = (link.get("url") for link in body.get("link", []) if link.get("relation") == "next")
    return Manifest(
        time,
        bool(body.get("requiresAccessToken", False)),
        tuple(Output(o["url"], o.get("type"), o.get("count")) for o in outputs if isinstance(o.get("url"), str)),
        tuple(i["url"] for i in issues if isinstance(i.get("url"), str)),
        next(links, None),
    )


@asynccontextmanager
async def open_bulk_export(
    base_url: str,
    folder: Path,
    *,
    authorization: str | None = None,
    origins: Collection[str] = (),
    within: timedelta = timedelta(hours=12),
    transport: httpx.AsyncBaseTransport | None = None,
    sleep: Sleep = asyncio.sleep,
    told: Callable[[Progress], object] = lambda _: None,
) -> AsyncIterator["BulkExport"]:
    """An exporter into this folder.

    Args:
        authorization: the header that the server wants; sent to the server itself, and to one of `origins` only where
            the manifest says that its files need it.
        origins: other origins that files may be fetched from, such as `https://files.example`.
        within: how long to wait for the server, all in all.
        transport, sleep: in place of the network and the clock.
    """
    timeout = httpx.Timeout(60)
    async with httpx.AsyncClient(transport=transport, timeout=timeout, follow_redirects=False, trust_env=False) as http:
        yield BulkExport(
            http, base_url.rstrip("/") + "/", folder, authorization, frozenset(origins), within, sleep, told
        )


@dataclass(frozen=True, slots=True)
class BulkExport:
    """One server, one folder. See `open_bulk_export`."""

    http: httpx.AsyncClient
    base: str
    folder: Path
    authorization: str | None
    origins: frozenset[str]
    within: timedelta
    sleep: Sleep
    told: Callable[[Progress], object]

    async def export(self, group: str | None, types: Sequence[str], *, since: str | None = None) -> State:
        """All resources of these types of the patients of a group, or of all patients.

        Raises:
            UpstreamRefused: the server does not export, or will not.
            UpstreamInvalid: what it says is no export, or is at an origin that was not allowed.
            UpstreamTimeout: it was not ready in time; the same call goes on waiting.
            UpstreamUnavailable: it could not be reached, however often.
        """
        state = self._state({"group": group, "types": list(types), "since": since, "base": self.base})
        if state.complete:
            return state
        if state.status_url is None:
            state.status_url = await self._kick_off(state.request)
            self._keep(state)
        await self._fetch_all(state)
        state.complete = True
        self._keep(state)
        await self._clean_up(state.status_url)
        return state

    async def _kick_off(self, request: dict[str, Any]) -> str:
        """By GET, and by POST where GET is no more (STU4). Answers where to ask how it goes."""
        path = f"Group/{request['group']}/$export" if request["group"] else "Patient/$export"
        asked = [("_outputFormat", NDJSON), ("_type", ",".join(request["types"]))]
        asked += [("_since", request["since"])] if request["since"] else []
        headers = {"Accept": FHIR_JSON, "Prefer": "respond-async"}
        answer, _ = await self._asked("GET", urljoin(self.base, path), headers, params=asked)
        if answer.status_code in {404, 405, 501}:
            content = encode(_parameters(request))
            headers |= {"Content-Type": FHIR_JSON}
            answer, _ = await self._asked("POST", urljoin(self.base, path), headers, content=content)
        status_url = answer.headers.get("Content-Location")
        if answer.status_code != 202 or status_url is None:
            raise _refusal(answer, "the kick-off of an export")
        return self._allowed(urljoin(self.base, status_url), self._own_origin)

    async def _fetch_all(self, state: State) -> None:
        """Page after page of the manifest, file after file."""
        url = state.manifest_url or str(state.status_url)
        for _ in range(MOST_PAGES):
            manifest = manifest_from(await self._ready(url, state))
            state.transaction_time, state.issues = manifest.transaction_time, len(manifest.issues)
            todo = [o for o in manifest.outputs if o.url not in state.fetched]
            for output in todo:
                done = len(state.fetched)
                self.told(Progress("fetching files", done, done + sum(o.url not in state.fetched for o in todo)))
                name, placed = await self._fetch(output, len(state.fetched), manifest.requires_token)
                state.fetched[output.url] = name
                state.files += placed
                self._keep(state)
            if manifest.next_page is None:
                return
            url = self._allowed(urljoin(self.base, manifest.next_page), self._own_origin)
            state.manifest_url = url
            self._keep(state)
        raise UpstreamInvalid("the manifest of the export has no end")

    async def _ready(self, url: str, state: State) -> Json:
        """Waits, as long as the server asks for or twice as long each time, until there is a manifest."""
        waited, pause = timedelta(0), FIRST_PAUSE
        while waited < self.within:
            answer, body = await self._asked("GET", url, {"Accept": "application/json"})
            if answer.status_code == 200:
                return _decoded(body)
            if answer.status_code in {404, 410}:
                (self.folder / STATE).unlink(missing_ok=True)
                raise UpstreamRefused("the server knows nothing of this export any more: start it anew")
            if answer.status_code not in {202, 429, 503}:
                raise _refusal(answer, "the status of an export")
            self.told(Progress(answer.headers.get("X-Progress", "waiting for the server")[:100], len(state.fetched)))
            asked_for = _retry_after(answer)
            wait = asked_for or pause * JITTER.uniform(0.8, 1.2)
            pause = min(pause * 2, LONGEST_PAUSE)
            await self.sleep(wait.total_seconds())
            waited += wait
        raise UpstreamTimeout("the server was not ready in time: the same command goes on waiting")

    async def _fetch(self, output: Output, number: int, needs_token: bool) -> tuple[str, list[str]]:
        """Streams one file to disk; it has its name only once it is whole. Answers it, and under which it now lies."""
        url = self._allowed(urljoin(self.base, output.url), self._own_origin, *self.origins)
        name = f"{_type_name(output)}-{number:04d}.ndjson"
        part = self.folder / f"{name}.part"
        for pause in _pauses():
            try:
                lines = await self._stream(url, part, needs_token)
            except (httpx.HTTPError, httpx.StreamError, UpstreamUnavailable):
                await self.sleep(pause.total_seconds())
                continue
            if output.count is not None and lines != output.count:
                raise UpstreamInvalid(f"a file of the export has {lines} resources, and {output.count} were announced")
            return name, _placed(part, self.folder / name, output.resource_type)
        raise UpstreamUnavailable("a file of the export could not be fetched")

    async def _stream(self, url: str, part: Path, needs_token: bool) -> int:
        headers = {"Accept": NDJSON, **self._token_for(url, needs_token)}
        lines, last = 0, b"\n"
        async with self.http.stream("GET", url, headers=headers) as answer:
            if answer.status_code != 200:
                raise _refusal(answer, "a file of an export")
            with part.open("wb") as file:
                async for chunk in answer.aiter_bytes():
                    file.write(chunk)
                    lines += chunk.count(b"\n")
                    last = chunk[-1:] or last
        return lines + (last != b"\n")

    async def _asked(self, method: str, url: str, headers: dict[str, str], **more: Any) -> tuple[httpx.Response, bytes]:
        """The answer, whatever it is, once the server could be reached."""
        for pause in _pauses():
            try:
                answer = await self.http.request(method, url, headers=headers | self._token_for(url, True), **more)
            except httpx.TransportError:
                await self.sleep(pause.total_seconds())
                continue
            return answer, answer.content
        raise UpstreamUnavailable("the server of the export cannot be reached")

    async def _clean_up(self, status_url: str) -> None:
        """Tells the server that its files are not needed any more; it may say what it likes."""
        try:
            await self.http.delete(status_url, headers=self._token_for(status_url, True))
        except httpx.HTTPError:
            return

    @property
    def _own_origin(self) -> str:
        return _origin(self.base)

    def _allowed(self, url: str, *origins: str) -> str:
        if _origin(url) not in origins:
            raise UpstreamInvalid(f"the export names a file at an origin that was not allowed: {_origin(url)}")
        return url

    def _token_for(self, url: str, needed: bool) -> dict[str, str]:
        """The token goes to the server itself, and to an allowed origin that needs it; nowhere else."""
        if self.authorization is None or (_origin(url) != self._own_origin and not needed):
            return {}
        return {"Authorization": self.authorization}

    def _state(self, request: dict[str, Any]) -> State:
        path = self.folder / STATE
        if path.exists() and (known := State(**json.loads(path.read_text()))).request == request:
            return known
        self.folder.mkdir(parents=True, exist_ok=True)
        for stale in (*self.folder.glob("*.ndjson"), *self.folder.glob("*.part")):
            stale.unlink()
        return State(request)

    def _keep(self, state: State) -> None:
        """Whole or not at all."""
        part = self.folder / f"{STATE}.part"
        part.write_bytes(encode(asdict(state)))
        part.replace(self.folder / STATE)


def _parameters(request: dict[str, Any]) -> Json:
    """The kick-off of STU4: a parameter for each type."""
    parameters = [{"name": "_outputFormat", "valueString": NDJSON}]
    parameters += [{"name": "_type", "valueString": t} for t in request["types"]]
    if request["since"]:
        parameters.append({"name": "_since", "valueInstant": request["since"]})
    return {"resourceType": "Parameters", "parameter": parameters}


def _placed(part: Path, path: Path, resource_type: str | None) -> list[str]:
    """Gives a whole file its name; one of several types is parted by type. Answers the names that there are now."""
    if resource_type is not None:
        part.replace(path)
        return [path.name]
    names: dict[str, None] = {}
    with part.open("rb") as lines:
        for line in lines:
            found = _decoded(line).get("resourceType", "Unknown")
            names[name := path.name.replace("Mixed", found)] = None
            with path.with_name(name).open("ab") as file:
                file.write(line if line.endswith(b"\n") else line + b"\n")
    part.unlink()
    return list(names)


def _type_name(output: Output) -> str:
    name = output.resource_type or "Mixed"
    if not name.isalpha() or not name.isascii():
        raise UpstreamInvalid("the manifest of the export names a type that is none")
    return name


def _pauses() -> Iterator[timedelta]:
    """Twice as long each time, give or take a fifth."""
    for attempt in range(ATTEMPTS):
        yield FIRST_PAUSE * 2**attempt * JITTER.uniform(0.8, 1.2)


def _decoded(body: bytes) -> Json:
    try:
        value = decode_trusted(body)
    except MalformedJson as exc:
        raise UpstreamInvalid("the server answered something that is no JSON to an export") from exc
    if not isinstance(value, dict):
        raise UpstreamInvalid("the server answered something that is no object to an export")
    return value


def _refusal(answer: httpx.Response, what: str) -> UpstreamRefused | UpstreamUnavailable:
    error = UpstreamUnavailable if answer.status_code in {429, 500, 502, 503, 504} else UpstreamRefused
    return error(f"the server answered {answer.status_code} to {what}")


def _retry_after(answer: httpx.Response) -> timedelta | None:
    """Seconds or a date; at most what we would wait at most by ourselves.

    Source: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    said = answer.headers.get("Retry-After")
    if said is None:
        return None
    try:
        pause = timedelta(seconds=int(said))
    except (ValueError, OverflowError):
        try:
            pause = parsedate_to_datetime(said) - datetime.now(UTC)
        except (ValueError, TypeError):
            return None
    return max(FIRST_PAUSE, min(pause, LONGEST_PAUSE))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
