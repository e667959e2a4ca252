"""What is refused before anything is known of the caller. Pure ASGI, for speed."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import problem_response
from service.errors import BodyTooSlow, CoPlanError, HostNotServed, MethodNotServed, Overloaded
from service.settings import Settings

METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
PROBES: Final = frozenset({"/livez", "/readyz"})
"""Whoever asks these knows an address and no name, and must be answered when nobody else is."""


@dataclass(frozen=True, slots=True)
class Edge:
    """What the application may take in.

    `hosts`: names that it answers to, `*.example.org` for all below; none for any. `origins`: pages of these may
    call it from a browser. `docs`: the pages about the API are there.
    """

    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    docs: bool = True
    at_once: int = 500
    body_deadline: timedelta = timedelta(seconds=15)

    @classmethod
    def of(cls, settings: Settings) -> "Edge":
        return cls(
            hosts=settings.allowed_hosts,
            origins=settings.cors_origins,
            docs=settings.are_docs_open,
            at_once=settings.max_concurrent_requests,
            body_deadline=settings.body_deadline,
        )


class Gate:
    """Lets in what it can: known hosts and methods, so many at once, bodies that arrive in time."""

    def __init__(self, app: ASGIApp, edge: Edge) -> None:
        self._app = app
        self._edge = edge
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        if refusal := self._refusal(scope):
            await problem_response(Request(scope), refusal)(scope, receive, send)
            return
        self._inside += 1
        try:
            await self._app(scope, _in_time(receive, self._edge.body_deadline), send)
        finally:
            self._inside -= 1

    def _refusal(self, scope: Scope) -> CoPlanError | None:
        if scope["method"] not in METHODS:
            return MethodNotServed("there is no such method here")
        if self._edge.hosts and not self._is_ours(Headers(scope=scope).getlist("host")):
            return HostNotServed("this service does not answer to that host")
        if self._inside >= self._edge.at_once:
            return Overloaded("too many requests at once")
        return None

    def _is_ours(self, hosts: list[str]) -> bool:
        if len(hosts) != 1:
            return False
        name = hosts[0].rpartition(":")[0] if hosts[0].rpartition(":")[2].isdigit() else hosts[0]
        name = name.lower().rstrip(".")
        return name in self._edge.hosts or any(
            pattern.startswith("*.") and name.endswith(pattern[1:]) for pattern in self._edge.hosts
        )


def _in_time(receive: Receive, deadline: timedelta) -> Receive:
    """Ends with the deadline while the body is still on its way; afterwards only a disconnect is waited for."""
    loop = asyncio.get_running_loop()
    ends_at, complete = loop.time() + deadline.total_seconds(), False

    async def receive_in_time() -> Message:
        nonlocal complete
        if complete:
            return await receive()
        try:
            async with asyncio.timeout_at(ends_at):
                message = await receive()
        except TimeoutError as exc:
            raise BodyTooSlow("the body did not arrive in time") from exc
        complete = not message.get("more_body", False)
        return message

    return receive_in_time
