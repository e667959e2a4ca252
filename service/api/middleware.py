"""What every answer gets: a request id, headers that keep it private, one line in the log. Pure ASGI, for speed."""

import re
import time
from collections.abc import Collection
from typing import Final
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.edge import METHODS
from service.api.problems import HOOKS, problem_response
from service.logs import log
from service.metrics import REQUEST_SECONDS, REQUESTS
from service.ports import Allowance

REQUEST_ID: Final = re.compile(r"[A-Za-z0-9\-_.]{1,64}")
HEADERS: Final = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept, Authorization",
    "X-Content-Type-Options": "nosniff",
}
"""Unless the answer says otherwise."""
DOCS: Final = ("/docs", "/redoc", "/static-offline-docs")
DOCS_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
)
"""The pages about the API bring their own scripts; they show no data."""


class RequestContext:
    """Numbers the request, binds the number to its log lines, and sets the headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope["request_id"], scope["received_at"] = request_id, time.monotonic()
        started, status = time.perf_counter(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                if allowance := scope.get("allowance"):
                    headers.update(_rate_limit(allowance))
                if scope["path"].startswith(DOCS):
                    headers["Content-Security-Policy"] = DOCS_POLICY
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if headers["Vary"] == "Origin":  # of another origin's page; the others hold as well
                    headers["Vary"] = f"{HEADERS['Vary']}, Origin"
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_headers)
            except Exception as exc:
                # Beyond here, the server would log the whole traceback with whatever it holds.
                if status:
                    raise
                await problem_response(Request(scope), exc)(scope, receive, send_with_headers)
            _tell(scope, status, time.perf_counter() - started)


def _tell(scope: Scope, status: int, seconds: float) -> None:
    """One line in the log, and the metrics: by template, for a path and a method may hold anything."""
    method = scope["method"] if scope["method"] in METHODS else "other"
    route = getattr(scope.get("route"), "path", "<unmatched>")
    log.info("answered", method=method, route=route, status=status, duration_ms=round(seconds * 1000, 1))
    REQUESTS.labels(method, route, str(status)).inc()
    REQUEST_SECONDS.labels(method, route).observe(seconds)


class CdsCors:
    """Lets scripts of these origins call CDS Hooks, and nothing else of this service."""

    def __init__(self, app: ASGIApp, *, origins: Collection[str]) -> None:
        self._app = app
        self._cors = CORSMiddleware(
            app,
            allow_origins=sorted(origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_hook = scope["type"] == "http" and scope["path"].startswith(HOOKS)
        await (self._cors if is_hook else self._app)(scope, receive, send)


def _request_id(scope: Scope) -> str:
    """The caller's, where it is harmless to write into a log."""
    given = Headers(scope=scope).get("x-request-id", "")
    return given if REQUEST_ID.fullmatch(given) else str(uuid4())


def _rate_limit(allowance: Allowance) -> dict[str, str]:
    """Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/"""
    return {
        "RateLimit-Policy": f'"default";q={allowance.quota};w={allowance.window}',
        "RateLimit": f'"default";r={allowance.remaining};t={allowance.reset_after}',
    }
