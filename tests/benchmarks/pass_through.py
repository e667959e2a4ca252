"""The least that a service between a portal and a FHIR server can do: FastAPI, httpx, and the bytes as they come."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from httpx_aiohttp import HttpxAiohttpClient

from tests.benchmarks.steps import sent, steps_of

BASE = os.environ.get("FHIR_BASE", "")


@asynccontextmanager
async def lifespan(application: FastAPI) -> AsyncIterator[None]:
    async with HttpxAiohttpClient(timeout=None) as application.state.http:
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/steps")
async def steps(request: Request) -> Response:
    """Sends what the body lists, step after step; the answers one after the other, unread."""
    answers = await sent(request.app.state.http, BASE, steps_of(await request.body()))
    return Response(b"".join(answers), media_type="application/fhir+json")
