"""What stands at `/`: whoever finds only the address learns what this is and where to go on."""

from html import escape

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.api.answers import Form, accepted_form, view_response
from service.api.bodies import StrictRoute
from service.api.challenge import METADATA, service_url
from service.api.documentation import answers
from service.api.me_views import FrontDoor

router = APIRouter(route_class=StrictRoute)

PLACES = {
    "metadata": METADATA,
    "me": "/v1/me",
    "decision_support": "/cds-services",
    "health": "/readyz",
}
DESCRIBED = {"documentation": "/docs", "openapi": "/openapi.json"}
"""Only where the pages about the API are open."""


EXAMPLE = {
    "product": "CoPlan",
    "version": "1.0.0",
    "fhirVersion": "4.0.1",
    "metadata": f"https://coplan.example{METADATA}",
    "me": "https://coplan.example/v1/me",
    "decisionSupport": "https://coplan.example/cds-services",
    "health": "https://coplan.example/readyz",
    "documentation": "https://coplan.example/docs",
    "openapi": "https://coplan.example/openapi.json",
}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>CoPlan</title></head><body><main>
<h1>CoPlan {version}</h1>
<p>Patients, families and care teams co-author goals and care plans on a FHIR R4 server.</p>
<ul>
{links}
</ul>
</main></body></html>
"""
WORDS = {
    "documentation": "Documentation",
    "openapi": "openapi.json, the same for machines",
    "metadata": "Where tokens come from",
    "me": "Who a token speaks for (needs one)",
    "decision_support": "CDS Hooks (needs the token of a client)",
    "health": "Health",
}


@router.get(
    "/",
    operation_id="describeService",
    tags=["health"],
    summary="What this is, and where to go on",
    responses=answers(FrontDoor, EXAMPLE, fhir=False, errors=(406,)),
)
async def describe_service(request: Request) -> Response:
    """For whoever has only the address: product, version, and the addresses to go on with. A browser gets a page. Says
    nothing of any patient, and needs no token.
    """
    form = accepted_form(request.headers.get("accept", ""), Form.JSON, Form.HTML)
    door = front_door(request)
    return view_response(door) if form is Form.JSON else Response(page_of(door), media_type=Form.HTML)


def front_door(request: Request) -> FrontDoor:
    """As this caller reaches it."""
    places = PLACES | (DESCRIBED if request.app.openapi_url else {})
    base = service_url(request)
    links = {name: f"{base}{path}" for name, path in places.items()}
    return FrontDoor(product="CoPlan", version=request.app.version, fhir_version="4.0.1", **links)


def page_of(door: FrontDoor) -> str:
    """The same as a page that needs neither script nor style."""
    found = ((words, getattr(door, name)) for name, words in WORDS.items())
    links = "\n".join(f'<li><a href="{escape(to)}">{words}</a></li>' for words, to in found if to)
    return PAGE.format(version=escape(door.version), links=links)
