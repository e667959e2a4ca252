"""The app that the cards of the sandbox link to: one page on which a patient is asked, and answers in their own words.

It stands for the SMART app of a clinic, with one difference: the sandbox has no authorization server, so the page acts
with the demo identity of the patient. It is never part of a service for production.
"""

import re
import secrets
from importlib.resources import files
from string import Template
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse

from fhir_mappings.carrier import MalformedJson, decode
from fhir_mappings.elements import ID
from service.errors import Flaw, InvalidContent
from service.gateways.demo_ehr import DemoEhr
from service.gateways.demo_issuer import DemoIssuer

PATH: Final = "/demo/app"
PAGE: Final = Template(files("service").joinpath("demo_app.html").read_text("utf-8"))
_LOCAL: Final = re.compile(r"[A-Z][A-Za-z]{1,63}/[A-Za-z0-9\-.]{1,64}")
POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'; "
    "script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'"
)


def demo_app(issuer: DemoIssuer, ehr: DemoEhr, url: str) -> APIRouter:
    """The page, with tokens of this issuer, for launches of this EHR. `url` is its own, for which they are signed."""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    async def opened(launch: Annotated[str, Query(max_length=2000)]) -> HTMLResponse:
        """What a token answer would say of the launch is in `launch` itself."""
        context = _context(launch, ehr, url)
        nonce = secrets.token_urlsafe(16)
        shown = {
            **context,
            "token": issuer.token(f"Patient/{context['patient']}"),
            "asked": context["ask"] == "admission",
        }
        page = PAGE.substitute(nonce=nonce, context=_in_script(shown))
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY.format(nonce=nonce)})

    return router


def _context(launch: str, ehr: DemoEhr, url: str) -> dict[str, Any]:
    """The ids in a launch, each checked: they become part of a page and name whose token is in it.

    Raises:
        InvalidContent: the EHR of the sandbox has not signed it.
    """
    try:
        given = ehr.launched(launch, url)
        inner = decode(given["appContext"].encode()) if given.get("appContext") else {}
        ids = {"patient": given["patient"], "user": given.get("user"), "encounter": inner.get("encounter")}
        known = ID.fullmatch(ids["patient"]) and all(_LOCAL.fullmatch(r) for r in (ids["user"], ids["encounter"]) if r)
    except (MalformedJson, ValueError, TypeError, KeyError, AttributeError) as exc:
        raise InvalidContent(Flaw("launch", "is none of this sandbox", "value")) from exc
    if not known:
        raise InvalidContent(Flaw("launch", "is none of this sandbox", "value"))
    return {**ids, "ask": inner.get("ask")}


def _in_script(value: object) -> str:
    """JSON that cannot end the script that it stands in. Source: https://html.spec.whatwg.org/#restrictions-for-contents-of-script-elements"""
    return msgspec.json.encode(value).decode().replace("<", r"\u003c")
