"""The least that a service between a portal and a FHIR server can do: FastAPI, httpx, and the bytes as they come."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from httpx_aiohttp import HttpxAiohttpClient

BASE = os.environ.get("FHIR_BASE", "")


@asynccontextmanager
async def lifespan(application: FastAPI) -> AsyncIterator[None]:
    async with HttpxAiohttpClient(timeout=None) as application.state.http:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/one/{resource_type}/{resource_id}")
async def one(resource_type: str, resource_id: str, request: Request) -> Response:
    """One read."""
    answer = await request.app.state.http.get(f"{BASE}/{resource_type}/{resource_id}")
    return Response(answer.content, answer.status_code, media_type="application/fhir+json")


@app.post("/all")
async def everything(request: Request) -> Response:
    """Several requests at once, as JSON: `[[method, path, form or null], ...]`; their answers one after the other."""
    http, form = (
        request.app.state.http,
        {"Content-Type": "application/x-www-form-urlencoded", "Cache-Control": "no-cache"},
    )
    asked = await request.json()
    answers = await asyncio.gather(
        *(http.request(m, f"{BASE}/{path}", content=body, headers=form if body else {}) for m, path, body in asked)
    )
    return Response(b"".join(a.content for a in answers), media_type="application/fhir+json")
