"""AuditEvent and Provenance have no interactions at this edge: what was recorded is neither changed nor read here."""

from typing import Final

from fastapi import APIRouter
from starlette.exceptions import HTTPException

METHODS: Final = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]

router = APIRouter(include_in_schema=False)


async def refuse_ledger() -> None:
    """Whoever asks: FHIR clients find the resources on the FHIR server, if they may."""
    raise HTTPException(405, "AuditEvent and Provenance are append-only: this service writes them", {"Allow": ""})


for path in ("/AuditEvent", "/Provenance"):
    for prefix in ("", "/v1", "/fhir"):
        for rest in ("", "/{rest:path}"):
            router.add_api_route(f"{prefix}{path}{rest}", refuse_ledger, methods=METHODS)
