"""Reads bodies strictly: JSON only, in UTF-8, no key twice, bounded in depth, members and size."""

from collections.abc import Callable, Collection, Coroutine, Iterator
from typing import Any, Final, get_args, get_origin

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from fhir_mappings.carrier import MalformedJson, decode
from service.errors import ContentTooLarge, MalformedContent, MediaTypeNotSupported, UnknownParameter

JSON: Final = "application/json"
MAX_MEMBERS: Final = 20_000
"""A million small members cost seconds and hundreds of megabytes once each of them is found to be wrong."""


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
                self._value = decode(await self.body(), max_members=MAX_MEMBERS)
            except MalformedJson as exc:
                raise MalformedContent(f"the body {exc}") from exc
        return self._value


class StrictRoute(APIRoute):
    """Reads the body before anything else is done with the request: FastAPI would turn our errors into its own."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        takes_body = self.body_field is not None
        parameters = dict(_query_parameters(self.dependant))
        repeatable = frozenset(name for name, is_list in parameters.items() if is_list)

        async def handle_strictly(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            _must_be_known(request, parameters.keys(), repeatable)
            if takes_body:
                _must_be_json(request)
                await strict.json()
            return await handle(strict)

        return handle_strictly


def _query_parameters(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """Each name, and whether it may come more than once."""
    for parameter in dependant.query_params:
        annotation = parameter.field_info.annotation
        kinds = {get_origin(a) for a in (annotation, *get_args(annotation))}
        yield parameter.alias, bool(kinds & {list, set, frozenset, tuple})
    for inner in dependant.dependencies:
        yield from _query_parameters(inner)


def _must_be_known(request: Request, names: Collection[str], repeatable: Collection[str]) -> None:
    """An ignored parameter is a filter that somebody relied on."""
    given = [name for name, _ in request.query_params.multi_items()] if request.scope["query_string"] else []
    if any(name not in names for name in given):
        known = ", ".join(sorted(names)) or "none"
        raise UnknownParameter(f"a query parameter is not one of this operation, which has: {known}")
    if any(given.count(name) > 1 for name in given if name not in repeatable):
        raise UnknownParameter("a query parameter came twice")


def _must_be_json(request: Request) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise MediaTypeNotSupported(f"send the body as {JSON}")
    if "content-encoding" in request.headers:
        raise MediaTypeNotSupported("send the body without a Content-Encoding")
