"""Reads bodies strictly: JSON only, in UTF-8, no key twice, bounded in depth and size."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute

from fhir_mappings.carrier import MalformedJson, decode
from service.errors import ContentTooLarge, MalformedContent, MediaTypeNotSupported

JSON: Final = "application/json"


class StrictRequest(Request):
    """A request whose JSON is decoded without loss; numbers with a fraction become Decimals."""

    _bytes: bytes | None = None
    _value: Any = None

    async def body(self) -> bytes:
        """All of it, up to the limit.

        Raises:
            ContentTooLarge: there is more; the rest is not read.
        """
        if self._bytes is None:
            limit = self.app.state.services.settings.max_body_bytes
            received = bytearray()
            async for chunk in self.stream():
                received += chunk
                if len(received) > limit:
                    raise ContentTooLarge(f"the body has more than {limit} bytes")
            self._bytes = bytes(received)
        return self._bytes

    async def json(self) -> Any:
        """The body, decoded once.

        Raises:
            MalformedContent: says why, never what was sent.
        """
        if self._value is None:
            try:
                self._value = decode(await self.body())
            except MalformedJson as exc:
                raise MalformedContent(f"the body {exc}") from exc
        return self._value


class StrictRoute(APIRoute):
    """Reads the body before anything else is done with the request: FastAPI would turn our errors into its own."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        takes_body = self.body_field is not None

        async def handle_strictly(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            if takes_body:
                _must_be_json(request)
                await strict.json()
            return await handle(strict)

        return handle_strictly


def _must_be_json(request: Request) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise MediaTypeNotSupported(f"send the body as {JSON}")
    if "content-encoding" in request.headers:
        raise MediaTypeNotSupported("send the body without a Content-Encoding")
