"""The app that the cards of the sandbox link to: one page on which a patient is asked, and answers in their own words.

It stands for the SMART app of a clinic, with one difference: the sandbox has no authorization server, so the page acts
with the demo identity of the patient. It is never part of a service for production.
"""

import secrets
from base64 import urlsafe_b64decode
from binascii import Error
from importlib.resources import files
from string import Template
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse

from fhir_mappings.carrier import MalformedJson, decode
from fhir_mappings.elements import ID
from service.errors import Flaw, InvalidContent
from service.gateways.demo_issuer import DemoIssuer

PATH: Final = "/demo/app"
PAGE: Final = Template(files("service").joinpath("demo_app.html").read_text("utf-8"))
POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'; "
    "script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'"
)


def demo_app(issuer: DemoIssuer) -> APIRouter:
    """The page, with tokens of this issuer."""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    async def opened(launch: Annotated[str, Query(max_length=2000)]) -> HTMLResponse:
        """What a token answer would say of the launch is in `launch` itself."""
        context = _context(launch)
        nonce = secrets.token_urlsafe(16)
        shown = {
            **context,
            "token": issuer.token(f"Patient/{context['patient']}"),
            "asked": context["ask"] == "admission",
        }
        page = PAGE.substitute(nonce=nonce, context=_in_script(shown))
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY.format(nonce=nonce)})

    return router


def _context(launch: str) -> dict[str, Any]:
    """The ids in a launch, each checked: they become part of a page."""
    try:
        given = decode(urlsafe_b64decode(launch.encode()))
        inner = decode(given["appContext"].encode()) if given.get("appContext") else {}
        ids = {"patient": given["patient"], "user": given.get("user"), "encounter": inner.get("encounter")}
    except (Error, MalformedJson, ValueError, TypeError, KeyError, AttributeError) as exc:
        raise InvalidContent(Flaw("launch", "is none of this sandbox", "value")) from exc
    if any(i is not None and not all(map(ID.fullmatch, str(i).split("/"))) for i in ids.values()):
        raise InvalidContent(Flaw("launch", "is none of this sandbox", "value"))
    return {**ids, "ask": inner.get("ask")}


def _in_script(value: object) -> str:
    """JSON that cannot end the script that it stands in. Source: https://html.spec.whatwg.org/#restrictions-for-contents-of-script-elements"""
    return msgspec.json.encode(value).decode().replace("<", r"\u003c")
