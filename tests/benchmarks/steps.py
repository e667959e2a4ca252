"""Requests that were recorded, to be sent again. Nothing of CoPlan is imported: the pass-through stays bare."""

import asyncio
import re
from typing import Final, TypeAlias
from uuid import uuid4

import httpx
import msgspec

FHIR_JSON: Final = "application/fhir+json"
Request: TypeAlias = tuple[str, str, str]
"""Method, path below the base, body."""
Steps: TypeAlias = list[list[Request]]
"""The requests of one step are sent at the same time."""
_OPERATION: Final = re.compile(r"\b[0-9a-f]{32}\b")


def as_new(steps: Steps) -> Steps:
    """The same as another operation: what it creates is not there yet."""
    operation = uuid4().hex
    return [[(method, path, _OPERATION.sub(operation, body)) for method, path, body in step] for step in steps]


def steps_of(body: bytes) -> Steps:
    """Steps as `body_of` made them."""
    return msgspec.json.decode(body, type=Steps)


def body_of(steps: Steps) -> bytes:
    """Steps on their way to the pass-through."""
    return msgspec.json.encode(steps)


async def sent(http: httpx.AsyncClient, base: str, steps: Steps) -> list[bytes]:
    """The answers to all of them."""
    answers = []
    for step in steps:
        answers += await asyncio.gather(*(_sent(http, base, *request) for request in step))
    return answers


async def _sent(http: httpx.AsyncClient, base: str, method: str, path: str, body: str) -> bytes:
    kind = "application/x-www-form-urlencoded" if path.endswith("_search") else FHIR_JSON
    headers = {"Accept": FHIR_JSON, "Cache-Control": "no-cache", **({"Content-Type": kind} if body else {})}
    answer = await http.request(method, f"{base}/{path}", content=body.encode(), headers=headers)
    answer.raise_for_status()
    return answer.content
