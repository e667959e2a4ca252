"""What goes to the FHIR server while somebody does something."""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import httpx

from fhir_mappings.carrier import Json, decode

ELSEWHERE: Final = 30
"""So often others may run before a request is sent on: those that are sent at the same time are seen to be."""
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DIGEST: Final = re.compile(r"[0-9a-f]{32}")
_DAY: Final = re.compile(r"(?<=authored-on=ge)\d{4}-\d\d-\d\d")
_BOUND: Final = re.compile(r"(?<=date=[gl]e)\d{4}-\d\d-\d\dT[0-9:.]+Z")
"""A bound of a window, which is counted from now."""


@dataclass(slots=True)
class Exchange:
    """One request and its answer. Those of one `step` are under way at the same time."""

    method: str
    url: str
    content: bytes
    step: int = 0
    answer: Any = None

    @property
    def path(self) -> str:
        """Below the base of the server."""
        return urlsplit(self.url).path.partition("/fhir")[2].lstrip("/")

    @property
    def parameters(self) -> list[tuple[str, str]]:
        form = self.content.decode() if self.path.endswith("_search") else urlsplit(self.url).query
        return parse_qsl(form)

    @property
    def entries(self) -> list[Json]:
        """Those of a transaction."""
        found: list[Json] = decode(self.content)["entry"] if self.method == "POST" and not self.path else []
        return found


@dataclass
class Recording(httpx.AsyncBaseTransport):
    """Passes on and takes notes."""

    inner: httpx.AsyncBaseTransport
    exchanges: list[Exchange] = field(default_factory=list)
    seen: dict[str, Json] = field(default_factory=dict)
    """Each resource as it was last read or written."""

    now: float = 0.0
    """A clock for what is kept for seconds: it stands still during an act, and all is forgotten before the next."""

    _under_way: int = 0
    _step: int = 0

    def begin(self) -> None:
        """What was recorded so far is not asked for."""
        self.exchanges, self._step = [], 0
        self.now += 3600

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._under_way == 0:
            self._step += 1
        exchange = Exchange(request.method, str(request.url), await request.aread(), self._step)
        self.exchanges.append(exchange)
        self._under_way += 1
        for _ in range(ELSEWHERE):
            await asyncio.sleep(0)
        response = await self.inner.handle_async_request(request)
        exchange.answer = decode(await response.aread())
        self._under_way -= 1
        for resource in resources_in(exchange.answer):
            self.seen[f"{resource['resourceType']}/{resource['id']}"] = resource
        return response


def resources_in(answer: Json) -> list[Json]:
    """The resource that was read, or those that were found."""
    found = [e["resource"] for e in answer.get("entry", []) if "resource" in e]
    return found or ([answer] if "id" in answer else [])


@dataclass
class Names:
    """Names for what has another id each time: `goal-1` for the first Goal that was created, and so on."""

    suffix: str
    names: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def learn(self, transaction: Exchange) -> None:
        """The resources that it has created, also by the URNs that they had on the way."""
        for entry, answer in zip(transaction.entries, transaction.answer["entry"], strict=True):
            resource_type, resource_id = answer["response"]["location"].split("/_history")[0].split("/")[-2:]
            if resource_id not in self.names and entry["request"]["method"] == "POST":
                number = self.counts[resource_type] = self.counts.get(resource_type, 0) + 1
                self.names[resource_id] = f"{resource_type.lower()}-{number}"
            if entry["fullUrl"].startswith("urn:"):
                self.names[entry["fullUrl"]] = f"{resource_type}/{self.names[resource_id]}"

    def __call__(self, text: str) -> str:
        """The text with names in it."""
        for found in sorted(self.names, key=len, reverse=True):
            text = text.replace(found, self.names[found])
        text = text.replace(f"-{self.suffix}", "")
        named = _DIGEST.sub("{operation}", _UUID.sub("{uuid}", text))
        return _DAY.sub("{day}", _BOUND.sub("{instant}", named))
